//! What of a script's output is an error, which kind of error, and what is told of it.
//!
//! Invariant: what is told is a few lines that belong to the script, whatever it has written in them; and what differs in
//! an error from one time to the next (numbers, the texts that were handled) does not make another kind of it.

use std::sync::{Arc, Mutex};

use runtime::{End, News, ScriptOutput};
use sandbox::{LogLevel, Output};

use super::traceback::Tracebacks;
use super::{Errors, lock};
use crate::output::escaped_line;

/// What is told of an error's text; of a longer one the first lines and the last.
const LINES_MAX: usize = 12;
/// Of each of its lines, in characters: all of it is less than a message holds (4,096 UTF-16 code units).
const LINE_CHARS_MAX: usize = 150;
/// The part of a text that is looked at, from its end: tracebacks end with what matters.
const KIND_BYTES_MAX: usize = 16 << 10;
/// The line of a traceback that names a place.
const FRAME: &str = "  File \"";

/// Something that went wrong with a script.
pub(super) struct Fault<'a> {
    pub(super) script: &'a str,
    /// What it was, in a word or two.
    pub(super) what: &'a str,
    /// The script's log has it so.
    pub(super) text: &'a str,
}

impl Fault<'_> {
    /// Which errors count as the same.
    pub(super) fn kind(&self) -> String {
        let end = &self.text[self.text.ceil_char_boundary(self.text.len().saturating_sub(KIND_BYTES_MAX))..];
        let kind = match raised(end) {
            Some((place, name)) => format!("{place} {name}"),
            None => without_values(end.trim_end().lines().next_back().unwrap_or_default()),
        };
        format!("{} {} {kind}", self.script, self.what)
    }

    /// The message about it.
    pub(super) fn text(&self, tenant: &str) -> String {
        let lines: Vec<&str> = self.text.trim_end().lines().collect();
        let mut told = vec![format!("{tenant}/{}: {}", self.script, self.what)];
        let first = if lines.len() > LINES_MAX { LINES_MAX - 2 } else { lines.len() };
        told.extend(lines[..first].iter().copied().map(shown));
        if let [.., last] = lines[first..] {
            told.extend(["…".to_owned(), shown(last)]);
        }
        told.join("\n")
    }
}

/// Where a traceback ends, and the name of the exception.
fn raised(text: &str) -> Option<(&str, &str)> {
    let (_, frame) = text.rsplit_once(&format!("\n{FRAME}"))?;
    let mut lines = frame.lines();
    let place = lines.next()?;
    let raised = lines.find(|line| !line.starts_with(' '))?;
    Some((place, raised.split(':').next().unwrap_or(raised)))
}

/// The line without numbers and without what stands in quotes.
fn without_values(line: &str) -> String {
    let (mut kept, mut quote, mut before) = (String::new(), None, ' ');
    for c in line.chars().take(LINE_CHARS_MAX) {
        let opens = matches!(c, '"' | '\'' | '`') && !before.is_alphanumeric();
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if opens => quote = Some(c),
            None if c.is_ascii_digit() => {}
            None => kept.push(c),
        }
        before = c;
    }
    kept
}

/// A line as it is told.
fn shown(line: &str) -> String {
    let escaped = escaped_line(line);
    match escaped.char_indices().nth(LINE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &escaped[..end]),
        None => escaped.into_owned(),
    }
}

/// A script's output, of which errors are heard.
pub(super) struct Heard {
    output: Arc<dyn ScriptOutput>,
    script: Arc<str>,
    errors: Errors,
    stderr: Mutex<Tracebacks>,
}

impl Heard {
    pub(super) fn new(output: Arc<dyn ScriptOutput>, script: Arc<str>, errors: Errors) -> Self {
        Self { output, script, errors, stderr: Mutex::default() }
    }

    fn hear(&self, what: &str, text: &str) {
        self.errors.hear(&Fault { script: &self.script, what, text });
    }
}

impl ScriptOutput for Heard {
    fn print(&self, to: Output, text: &str) -> bool {
        if to == Output::Stderr {
            let found = lock(&self.stderr).read(text);
            found.iter().for_each(|traceback| self.hear("error", traceback));
        }
        self.output.print(to, text)
    }

    fn log(&self, level: LogLevel, text: &str) -> bool {
        match level {
            LogLevel::Error => self.hear("error", text),
            LogLevel::Warn => self.hear("warning", text),
            LogLevel::Info | LogLevel::Debug | LogLevel::Trace => {}
        }
        self.output.log(level, text)
    }

    fn dropped(&self, bytes: u64) {
        self.hear("warning", &format!("{bytes} bytes of output were dropped: the script writes too much"));
        self.output.dropped(bytes);
    }

    fn tell(&self, news: &News) {
        match news {
            News::LimitReached(text) => self.hear("warning", text),
            News::Crashed { why, restart_in } => {
                self.hear("stopped", &format!("stopped {why}; restarting in {} s", restart_in.as_secs()));
            }
            News::Ended(End::LoadFailed(why)) => self.hear("could not be loaded", why),
            News::Ended(End::Quarantined(why)) => self.hear("given up, and not started again", why),
            News::Loaded | News::Ready | News::Ended(End::Exited(_) | End::Stopped) => {}
        }
        self.output.tell(news);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Fault<'_> {
        Fault { script: "bot", what: "error", text }
    }

    #[test]
    fn errors_are_of_one_kind_that_an_owner_would_mend_at_once() {
        let raised = |line: u32, what: &str| {
            format!(
                "Traceback (most recent call last):\n  File \"/script/bot.py\", line 3, in heard\n    f(msg)\n  \
                 File \"/script/bot.py\", line {line}, in f\n    int(text)\n    ~~~^^^^^^\n{what}"
            )
        };
        // Two texts, and whether they are of one kind.
        let rows = [
            (raised(5, "ValueError: invalid 'a'"), raised(5, "ValueError: invalid 'b'\nand more"), true),
            (raised(5, "ValueError: 1"), raised(6, "ValueError: 1"), false),
            (raised(5, "ValueError: 1"), raised(5, "KeyError: 1"), false),
            ("chat#7 is not among the chats".to_owned(), "chat#8 is not among the chats".to_owned(), true),
            ("no peer \"ann\" here".to_owned(), "no peer \"it's ben\" here".to_owned(), true),
            ("it isn't there".to_owned(), "it isn't here".to_owned(), false),
            ("calls refused".to_owned(), "events lost".to_owned(), false),
            ("x".repeat(100_000), "x".repeat(200_000), true),
            ("я".repeat(KIND_BYTES_MAX), String::new(), false),
        ];
        for (one, other, are_same) in rows {
            assert_eq!(fault(&one).kind() == fault(&other).kind(), are_same, "{one}\n{other}");
        }
        assert_ne!(fault("x").kind(), Fault { script: "other", ..fault("x") }.kind());
        assert_ne!(fault("x").kind(), Fault { what: "warning", ..fault("x") }.kind());
    }

    #[test]
    fn what_is_told_is_short_and_nothing_but_text() {
        assert_eq!(fault("a\x1b[2K\u{202e}\nb\n").text("ann"), "ann/bot: error\na\\u{1b}[2K\\u{202e}\nb");
        let long: Vec<String> = (0..100).map(|line| format!("{line} {}", "\u{1f600}\x07".repeat(1_000))).collect();
        let told = fault(&long.join("\n")).text("ann");
        assert!(told.lines().count() == LINES_MAX + 1 && told.encode_utf16().count() < 4_096, "{told}");
        assert!(told.lines().nth(1).unwrap().starts_with("0 ") && told.lines().last().unwrap().starts_with("99 "));
        assert_eq!(fault("").text("ann"), "ann/bot: error");
    }
}
