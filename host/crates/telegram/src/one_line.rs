//! What others have written, as a line of a script's log.

/// A text as it may stand in a log: what would break its line, or show it otherwise than it is, is escaped.
pub(crate) fn one_line(text: &str) -> String {
    let is_plain = |letter: char| {
        let is_break = letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}');
        // The other direction of writing: <https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters>.
        let is_turn = matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        !is_break && !is_turn
    };
    let mut line = String::with_capacity(text.len());
    for letter in text.chars() {
        match is_plain(letter) {
            true => line.push(letter),
            false => line.extend(letter.escape_debug()),
        }
    }
    line
}
