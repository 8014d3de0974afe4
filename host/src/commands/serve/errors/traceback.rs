//! Tracebacks among what a script prints to stderr: Python prints an exception there that nobody has caught.
//!
//! Invariant: whatever is printed, no more than [`BYTES_MAX`] of it is kept.

/// What is kept of a traceback, and of a line that is not whole yet.
const BYTES_MAX: usize = 16 << 10;
/// The line that begins one.
const BEGIN: &str = "Traceback (most recent call last):";

/// What was printed and may become one.
#[derive(Default)]
pub(super) struct Tracebacks {
    line: String,
    begun: Option<String>,
}

impl Tracebacks {
    /// The tracebacks that this text completes.
    pub(super) fn read(&mut self, text: &str) -> Vec<String> {
        let mut whole = Vec::new();
        for piece in text.split_inclusive('\n') {
            keep(&mut self.line, piece);
            if piece.ends_with('\n') {
                let line = std::mem::take(&mut self.line);
                whole.extend(self.read_line(line.trim_end()));
            }
        }
        whole
    }

    fn read_line(&mut self, line: &str) -> Option<String> {
        let Some(begun) = &mut self.begun else {
            self.begun = (line == BEGIN).then(|| line.to_owned());
            return None;
        };
        keep(begun, "\n");
        keep(begun, line);
        // What follows it is the exception.
        if line.starts_with(' ') { None } else { self.begun.take() }
    }
}

/// Adds as much as there is room for.
fn keep(kept: &mut String, more: &str) {
    let room = BYTES_MAX.saturating_sub(kept.len());
    kept.push_str(&more[..more.floor_char_boundary(room)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceback_is_found_however_it_is_printed() {
        let trace = "Traceback (most recent call last):\n  File \"/script/bot.py\", line 8, in heard\n    1 / 0\n    ~~^~~\nZeroDivisionError: я";
        let text = format!("before\n{trace}\nafter\n  File \"x\"\n\n{trace}\n");
        for piece_bytes in [1, 7, 1_000] {
            let mut tracebacks = Tracebacks::default();
            let (mut found, mut rest) = (Vec::new(), text.as_str());
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(rest.ceil_char_boundary(piece_bytes.min(rest.len())));
                found.extend(tracebacks.read(piece));
                rest = after;
            }
            assert_eq!(found, [trace, trace], "{piece_bytes}");
        }
    }

    #[test]
    fn what_has_no_end_is_not_kept() {
        let mut tracebacks = Tracebacks::default();
        tracebacks.read(&format!("{BEGIN}\n"));
        for text in ["  я\n".repeat(100), "  я".repeat(100)] {
            (0..1_000).for_each(|_| assert!(tracebacks.read(&text).is_empty()));
        }
        assert!(
            tracebacks.line.len() <= BYTES_MAX && tracebacks.begun.as_ref().is_some_and(|kept| kept.len() <= BYTES_MAX)
        );
        assert_eq!(tracebacks.read("\nError\n").len(), 1);
    }
}
