//! What one script has written: its prints, its log, the errors in its callbacks, and what becomes of it.
//!
//! Invariant: everything that a script can cause to be written goes through here and takes from the script's one allowance,
//! by the bytes that are written; what only tells of dropped output does too.

use std::borrow::Cow;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use runtime::{Allowance, End, News};
use sandbox::{Limits, LogLevel};
use tgl::ScriptName;

use super::line::Line;
use super::script_logs::ScriptLog;
use super::writer::Stream;
use super::{Output, escape};

/// A text of the log: of a longer one the middle is left out, since a traceback ends with what matters most.
const LOG_TEXT_BYTES_MAX: usize = 16 << 10;
/// A line of several scripts' prints; a longer one is shown as several.
const PRINT_LINE_BYTES_MAX: usize = 4 << 10;
/// It is said no more often than this that output was dropped.
const DROPPED_SAID_EVERY: Duration = Duration::from_secs(1);

/// One script's way to the output.
pub(crate) struct Voice {
    output: Output,
    name: ScriptName,
    /// Its own log, where it has one.
    log: Option<ScriptLog>,
    /// Its prints carry its name: others print as well.
    is_one_of_several: bool,
    inner: Mutex<Inner>,
}

struct Inner {
    allowance: Allowance,
    dropped: u64,
    dropped_said: Option<Instant>,
    /// What was printed to stdout and stderr and is not a whole line yet, where lines carry names.
    unfinished: [String; 2],
}

impl Inner {
    /// Whether so much may be written; counts it as dropped where it may not.
    fn has_room(&mut self, text: &str) -> bool {
        let has_room = self.allowance.has(text.len());
        if !has_room {
            self.dropped = self.dropped.saturating_add(text.len() as u64);
        }
        has_room
    }
}

impl Voice {
    pub(super) fn new(
        output: &Output,
        name: ScriptName,
        log: Option<ScriptLog>,
        is_one_of_several: bool,
        limits: &Limits,
    ) -> Self {
        let inner = Inner {
            allowance: Allowance::of_output(limits),
            dropped: 0,
            dropped_said: None,
            unfinished: [String::new(), String::new()],
        };
        Self { output: output.about_script(&name), name, log, is_one_of_several, inner: Mutex::new(inner) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has it written if the script may write so much, else drops it: then it gives false. The text is how the line is shown.
    fn say(&self, inner: &mut Inner, stream: Stream, text: &str, line: &Line<'_>) -> bool {
        if !inner.has_room(text) {
            return false;
        }
        if inner.dropped_said.is_none_or(|said| said.elapsed() >= DROPPED_SAID_EVERY) {
            self.say_dropped(inner);
        }
        self.say_anyway(inner, stream, text, line);
        true
    }

    /// Has it written: what the script may write later has to pay for it, by the longer of the two forms.
    fn say_anyway(&self, inner: &mut Inner, stream: Stream, text: &str, line: &Line<'_>) {
        let kept = self.log.as_ref().map(|log| log.write(self.output.json_line(line)));
        inner.allowance.take(text.len().max(kept.unwrap_or(0)));
        self.output.write(stream, text);
    }

    fn say_dropped(&self, inner: &mut Inner) {
        let bytes = std::mem::take(&mut inner.dropped);
        if bytes == 0 {
            return;
        }
        inner.dropped_said = Some(Instant::now());
        let text = format!("{bytes} bytes of output were dropped: the script writes too much");
        let line = Line::Dropped { bytes, why: "limit" };
        let (stream, text) = self.line(&line, &text);
        self.say_anyway(inner, stream, &text, &line);
    }

    /// A line about the script: as JSON, or the text with its name in front of each line.
    fn line(&self, line: &Line<'_>, text: &str) -> (Stream, String) {
        if self.output.is_json() {
            (Stream::Stdout, self.output.json_line(line))
        } else {
            (Stream::Stderr, self.named(text))
        }
    }

    /// Whatever the text holds, each of its lines begins with the script's name.
    fn named(&self, text: &str) -> String {
        escape::lines(text, Some(&self.name))
    }

    /// Prints whole lines, each with the script's name.
    fn print_named(&self, inner: &mut Inner, stream: Stream, text: &str) -> bool {
        let mut is_all = true;
        for piece in text.split_inclusive('\n') {
            let mut line = std::mem::take(&mut inner.unfinished[stream as usize]);
            line.push_str(piece);
            while line.len() > PRINT_LINE_BYTES_MAX {
                let rest = line.split_off(line.floor_char_boundary(PRINT_LINE_BYTES_MAX));
                is_all &= self.say(inner, stream, &self.named(&line), &Line::Print { stream, text: &line });
                line = rest;
            }
            if line.ends_with('\n') {
                is_all &= self.say(inner, stream, &self.named(&line), &Line::Print { stream, text: &line });
            } else {
                inner.unfinished[stream as usize] = line;
            }
        }
        is_all
    }

    /// Prints what is not a whole line and will not become one.
    fn finish_lines(&self, inner: &mut Inner) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            let line = std::mem::take(&mut inner.unfinished[stream as usize]);
            if !line.is_empty() {
                self.say(inner, stream, &self.named(&line), &Line::Print { stream, text: &line });
            }
        }
    }
}

impl runtime::ScriptOutput for Voice {
    fn print(&self, to: sandbox::Output, text: &str) -> bool {
        let stream = match to {
            sandbox::Output::Stdout => Stream::Stdout,
            sandbox::Output::Stderr => Stream::Stderr,
        };
        let mut inner = self.lock();
        if !inner.has_room(text) {
            // Not even put into its form.
            false
        } else if self.output.is_json() {
            let line = Line::Print { stream, text };
            self.say(&mut inner, Stream::Stdout, &self.output.json_line(&line), &line)
        } else if self.is_one_of_several {
            self.print_named(&mut inner, stream, text)
        } else {
            self.say(&mut inner, stream, &self.output.for_terminal(stream, text), &Line::Print { stream, text })
        }
    }

    fn log(&self, level: LogLevel, text: &str) -> bool {
        let text = without_middle(text.trim_end(), LOG_TEXT_BYTES_MAX);
        let level = match level {
            LogLevel::Trace => "trace",
            LogLevel::Debug => "debug",
            LogLevel::Info => "info",
            LogLevel::Warn => "warn",
            LogLevel::Error => "error",
        };
        let line = Line::Log { level, text: &text };
        let (stream, text) = self.line(&line, &text);
        self.say(&mut self.lock(), stream, &text, &line)
    }

    fn dropped(&self, bytes: u64) {
        let mut inner = self.lock();
        inner.dropped = inner.dropped.saturating_add(bytes);
    }

    fn tell(&self, news: &News) {
        match news {
            News::LimitReached(text) => self.tell_line(&Line::Log { level: "warn", text }, text),
            News::Loaded => self.tell_json(&Line::Loaded),
            News::Ready => self.tell_json(&Line::Ready),
            News::Crashed { why, restart_in } => {
                let restart_in_s = restart_in.as_secs();
                let text = format!("stopped {why}; restarting in {restart_in_s} s");
                self.tell_line(&Line::Crashed { text: why, restart_in_s }, &text);
            }
            News::Ended(end) => self.tell_end(end),
        }
    }
}

impl Voice {
    /// Said at once, by whichever of several scripts it is, and last of what this one says.
    fn tell_end(&self, end: &End) {
        {
            let mut inner = self.lock();
            self.finish_lines(&mut inner);
            self.say_dropped(&mut inner);
        }
        let why = match end {
            End::Exited(_) => "exited",
            End::Stopped => "stopped",
            End::LoadFailed(why) => {
                let why = without_middle(why.trim_end(), LOG_TEXT_BYTES_MAX);
                let gap = if why.contains('\n') { "\n" } else { " " };
                self.tell_line(&Line::LoadFailed { text: &why }, &format!("could not be loaded:{gap}{why}"));
                "load_failed"
            }
            End::Quarantined(why) => {
                self.tell_line(&Line::GivenUp { text: why }, &format!("given up, and not started again: {why}"));
                "given_up"
            }
        };
        let code = exit_code(end);
        let line = Line::Ended { code, why };
        match end {
            End::Exited(_) if self.is_one_of_several => self.tell_line(&line, &format!("has ended with code {code}")),
            _ => self.tell_json(&line),
        }
    }

    fn tell_line(&self, line: &Line<'_>, text: &str) {
        let (stream, text) = self.line(line, text);
        self.say_anyway(&mut self.lock(), stream, &text, line);
    }

    /// What a person need not be told.
    fn tell_json(&self, line: &Line<'_>) {
        if self.output.is_json() {
            self.tell_line(line, "");
        } else if let Some(log) = &self.log {
            self.lock().allowance.take(log.write(self.output.json_line(line)));
        }
    }
}

/// The code of a process that ends so.
pub(crate) fn exit_code(end: &End) -> u8 {
    match end {
        End::Stopped => 0,
        End::Exited(code) => *code,
        End::LoadFailed(_) | End::Quarantined(_) => 1,
    }
}

/// The text, or so many bytes of it: three quarters from its begin and the rest from its end.
fn without_middle(text: &str, bytes_max: usize) -> Cow<'_, str> {
    if text.len() <= bytes_max {
        return Cow::Borrowed(text);
    }
    let begin = &text[..text.floor_char_boundary(bytes_max / 4 * 3)];
    let end = &text[text.ceil_char_boundary(text.len() - bytes_max / 4)..];
    Cow::Owned(format!("{begin}… ({} bytes left out) …{end}", text.len() - begin.len() - end.len()))
}

#[cfg(test)]
mod tests {
    use std::io::BufRead;

    use runtime::ScriptOutput;

    use super::*;

    /// What a script has written that does this, both streams together.
    fn written(json: bool, is_one_of_several: bool, limits: &Limits, act: impl FnOnce(&Voice)) -> String {
        let (reader, pipe) = std::io::pipe().expect("a pipe");
        let other = pipe.try_clone().expect("a pipe");
        let output = Output::to(json, pipe, other).expect("threads");
        let reading = std::thread::spawn(move || {
            let mut text = Vec::new();
            let mut bytes = std::io::BufReader::new(reader);
            bytes.read_until(b'\0', &mut text).map(|_| String::from_utf8(text))
        });
        act(&Voice::new(&output.on_account("me"), "bot.py".into(), None, is_one_of_several, limits));
        output.finish();
        output.write(Stream::Stdout, "\0");
        let text = reading.join().expect("it reads").expect("a pipe").expect("text");
        text.trim_end_matches('\0').to_owned()
    }

    #[test]
    fn whatever_is_tried_the_limit_holds() {
        const BURST: usize = 100_000;
        let limits = Limits { output_bytes_per_s: 0, output_burst_bytes_max: BURST as u64, ..Limits::default() };
        let huge = "x".repeat(1_900_000);
        /// What is done, and how.
        type Try<'a> = (&'a str, &'a dyn Fn(&Voice) -> bool);
        let tries: [Try; 7] = [
            ("empty prints", &|voice| voice.print(sandbox::Output::Stdout, "\n")),
            ("many lines", &|voice| voice.print(sandbox::Output::Stderr, &"\n".repeat(100))),
            ("escapes", &|voice| voice.print(sandbox::Output::Stdout, &"\u{1}\u{2028}".repeat(500))),
            ("empty log lines", &|voice| voice.log(LogLevel::Info, "")),
            ("huge errors", &|voice| voice.log(LogLevel::Error, &huge)),
            ("errors of many lines", &|voice| voice.log(LogLevel::Error, &"\nx".repeat(50_000))),
            ("no lines", &|voice| voice.print(sandbox::Output::Stdout, "ab")),
        ];
        for (what, attempt) in tries {
            for (json, is_one_of_several) in [(false, false), (false, true), (true, true)] {
                let text = written(json, is_one_of_several, &limits, |voice| {
                    while voice.lock().dropped == 0 {
                        attempt(voice);
                    }
                    (0..20).for_each(|_| _ = attempt(voice));
                    voice.tell(&News::Ended(End::Stopped));
                });
                let case = format!("{what}, json {json}, several {is_one_of_several}: {} bytes", text.len());
                assert!(text.len() <= BURST * 11 / 10, "{case}");
                assert!(text.contains("dropped"), "{case}: {:?}", &text[text.len().saturating_sub(200)..]);
            }
        }
    }

    #[test]
    fn a_long_text_keeps_its_begin_and_its_end() {
        let text = format!("Traceback{}ValueError", "é".repeat(100_000));
        let cut = without_middle(&text, 1_000);
        assert!(cut.starts_with("Traceback") && cut.ends_with("ValueError") && cut.len() < 1_100, "{cut}");
        assert_eq!(without_middle("short", 1_000), "short");
    }

    #[test]
    fn what_becomes_of_a_script_is_one_line_of_text() {
        let given_up = || End::Quarantined("stopped in f: it ran\nlonger, at every start".to_owned());
        let cases = [
            (News::Loaded, ""),
            (
                News::Crashed { why: "in f: it ran".to_owned(), restart_in: Duration::from_secs(2) },
                "bot.py: stopped in f: it ran; restarting in 2 s\n",
            ),
            (News::Ended(End::Exited(5)), "bot.py: has ended with code 5\n"),
            (News::Ended(End::Stopped), ""),
            (News::Ended(End::LoadFailed("no such".to_owned())), "bot.py: could not be loaded: no such\n"),
            (
                News::Ended(given_up()),
                "bot.py: given up, and not started again: stopped in f: it ran\nbot.py: longer, at every start\n",
            ),
        ];
        for (news, text) in cases {
            assert_eq!(written(false, true, &Limits::default(), |voice| voice.tell(&news)), text);
        }
        let json = written(true, true, &Limits::default(), |voice| voice.tell(&News::Ended(given_up())));
        let kinds: Vec<_> = json
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["kind"].clone())
            .collect();
        assert_eq!(kinds, ["given_up", "ended"]);
    }
}
