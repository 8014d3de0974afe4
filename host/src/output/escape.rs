//! What keeps a text from being taken for something else: for another line, or for a command to the terminal.
//!
//! Invariant: a text that went through [`line`] is one line, wherever it is read and whoever wrote it.

use std::borrow::Cow;

/// The text as a part of one line: what ends a line, steers a terminal or turns the order of letters is shown by its number.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c != '\t' && forges(c), |c| c.escape_default().to_string())
}

/// The text, each of its lines as a line of its own, after a name where there is one.
pub(super) fn lines(text: &str, name: Option<&str>) -> String {
    let name = name.map_or_else(String::new, |name| format!("{}: ", line(name)));
    let mut lines = String::with_capacity(text.len() + name.len() + 8);
    for one in text.trim_end_matches(['\n', '\r']).split('\n') {
        lines.extend([&name, &*line(one.trim_end_matches('\r')), "\n"]);
    }
    lines
}

/// The text, its first line as one, what follows set in: so it is taken for a part of that.
pub(super) fn paragraph(text: &str) -> String {
    let lines = text.trim_end_matches(['\n', '\r']).split('\n').map(|one| line(one.trim_end_matches('\r')));
    lines.collect::<Vec<_>>().join("\n  ")
}

/// JSON on one line. JSON itself leaves characters as they are that other programs take for the end of a line.
pub(super) fn json(json: &str) -> Cow<'_, str> {
    // All of them lie within strings: JSON has none of them outside, and they are in the plane that four digits name.
    escaped(json, forges, |c| format!("\\u{:04x}", u32::from(c)))
}

/// Text for a terminal, without what steers it; ends of lines and tabs stay.
pub(super) fn without_control(text: &str) -> String {
    text.chars().filter(|&c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

/// Whether a text with this character in it may look like more than one line, or like another one.
fn forges(c: char) -> bool {
    let ends_line = matches!(c, '\u{2028}' | '\u{2029}');
    let turns_letters =
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let annotates = matches!(c, '\u{fff9}'..='\u{fffb}');
    c.is_control() || ends_line || turns_letters || annotates
}

fn escaped(text: &str, is_odd: impl Fn(char) -> bool, escape: impl Fn(char) -> String) -> Cow<'_, str> {
    if !text.contains(&is_odd) {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_odd(c) { line.push_str(&escape(c)) } else { line.push(c) }
    }
    Cow::Owned(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one() {
        let cases = [
            ("plain – ж 🐈 \t tab", "plain – ж 🐈 \t tab"),
            ("a\nb\r\nc", "a\\nb\\r\\nc"),
            (
                "\u{b}\u{c}\u{1c}\u{1d}\u{1e}\u{85}\u{2028}\u{2029}",
                "\\u{b}\\u{c}\\u{1c}\\u{1d}\\u{1e}\\u{85}\\u{2028}\\u{2029}",
            ),
            ("\x1b[2K\x07\x08\x7f\u{9b}0m", "\\u{1b}[2K\\u{7}\\u{8}\\u{7f}\\u{9b}0m"),
            ("\u{202e}gol\u{202c}\u{2066}\u{2069}\u{200f}", "\\u{202e}gol\\u{202c}\\u{2066}\\u{2069}\\u{200f}"),
        ];
        for (text, escaped) in cases {
            assert_eq!(line(text), escaped);
        }
    }

    #[test]
    fn each_line_of_a_text_is_named_and_one_line() {
        let text = "a\r\nbot.py: b\x1b[2K\u{202e}\rc\n";
        assert_eq!(lines(text, None), "a\nbot.py: b\\u{1b}[2K\\u{202e}\\rc\n");
        assert_eq!(lines(text, Some("x\ny")), "x\\ny: a\nx\\ny: bot.py: b\\u{1b}[2K\\u{202e}\\rc\n");
        assert_eq!(lines("", Some("x")), "x: \n");
    }

    #[test]
    fn json_stays_one_line_and_means_the_same() {
        let text = "a\n\r\t\0\u{1c}\u{85}\u{2028}\u{2029}\u{202e}\"\\ж🐈\u{fff9}";
        let plain = serde_json::to_string(text).expect("text");
        let safe = json(&plain);
        assert!(!safe.contains(forges), "{safe}");
        assert_eq!(serde_json::from_str::<String>(&safe).expect("still JSON"), text);
    }

    #[test]
    fn a_script_cannot_steer_the_terminal() {
        assert_eq!(without_control("\x1b]0;owned\x07a\tb\u{9b}31m\r\n"), "]0;owneda\tb31m\n");
    }
}
