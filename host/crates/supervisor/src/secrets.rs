//! A script's secrets, hidden in what is shown of it.
//!
//! Invariant: nothing here shows one, in whatever pieces a line of it comes. It keeps a script from showing a secret by mistake,
//! an error that quotes it for example; one that means to show it finds a way.

use std::borrow::Cow;
use std::sync::Arc;

use runtime::{End, News};
use sandbox::Output;

/// A shorter text is found in too much that is none, and is not hidden.
const HIDDEN_CHARS_MIN: usize = 8;

/// The texts that are hidden, each with what stands in its place. Cheap to clone.
#[derive(Clone, Default)]
pub struct Secrets {
    hidden: Arc<Hidden>,
}

/// In the order of their bytes, so that what begins alike stands together.
struct Hidden {
    texts: Vec<(String, String)>,
    /// Which bytes one begins with.
    begins: [bool; 256],
}

/// What a script has printed to stdout and stderr and is not shown yet: it may become a secret.
#[derive(Default)]
pub(crate) struct HeldBack([String; 2]);

impl Secrets {
    /// These, each with its name. Of one with several lines each line is hidden: output comes in lines. It is hidden too without
    /// the blanks around it, and as Python quotes it in errors and lists.
    pub fn new<'a>(named: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let lines = named.flat_map(|(name, text)| text.lines().map(move |line| (line, format!("[secret {name}]"))));
        let shown = lines.flat_map(|(line, mark)| shown_as(line).map(move |shown| (shown, mark.clone())));
        let mut texts: Vec<_> = shown.filter(|(line, _)| is_long(line)).collect();
        texts.sort();
        texts.dedup_by(|later, earlier| later.0 == earlier.0);
        let mut hidden = Hidden { texts, ..Hidden::default() };
        for byte in hidden.texts.iter().filter_map(|(text, _)| text.bytes().next()) {
            hidden.begins[usize::from(byte)] = true;
        }
        Self { hidden: hidden.into() }
    }

    /// The text without them. It may have been cut at its end, so it does not end with the greater part of one either.
    pub(crate) fn hide<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.hidden.texts.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut shown = String::with_capacity(text.len());
        let begun = self.hidden.pass(text, &mut shown);
        shown.push_str(self.hidden.shown_of_begun(begun));
        Cow::Owned(shown)
    }

    /// A piece of what a script prints, without them and with what was held back before it. What may become one is held back.
    pub(crate) fn hide_piece<'a>(&self, to: Output, piece: &'a str, held: &mut HeldBack) -> Cow<'a, str> {
        if self.hidden.texts.is_empty() {
            return Cow::Borrowed(piece);
        }
        let held = &mut held.0[to as usize];
        held.push_str(piece);
        let mut shown = String::with_capacity(held.len());
        let begun = self.hidden.pass(held, &mut shown).len();
        held.drain(..held.len() - begun);
        Cow::Owned(shown)
    }

    /// What is held back and will become nothing more, as it is shown.
    pub(crate) fn hide_rest(&self, held: &mut HeldBack) -> impl Iterator<Item = (Output, String)> + use<> {
        let [stdout, stderr] = std::mem::take(&mut held.0).map(|rest| self.hide(&rest).into_owned());
        let rests = [(Output::Stdout, stdout), (Output::Stderr, stderr)];
        rests.into_iter().filter(|(_, rest)| !rest.is_empty())
    }

    /// What becomes of the script, without them.
    pub(crate) fn hide_in(&self, news: News) -> News {
        let hide = |text: String| self.hide(&text).into_owned();
        match news {
            News::Crashed { why, restart_in } => News::Crashed { why: hide(why), restart_in },
            News::Ended(End::LoadFailed(why)) => News::Ended(End::LoadFailed(hide(why))),
            News::Ended(End::Quarantined(why)) => News::Ended(End::Quarantined(hide(why))),
            News::Loaded | News::Ready | News::LimitReached(_) | News::Ended(End::Exited(_) | End::Stopped) => news,
        }
    }
}

impl Default for Hidden {
    fn default() -> Self {
        Self { texts: Vec::new(), begins: [false; 256] }
    }
}

impl Hidden {
    /// Shows the text without those that are whole, up to where one may have begun. Gives what comes from there on.
    fn pass<'a>(&self, text: &'a str, shown: &mut String) -> &'a str {
        let (mut at, mut shown_to) = (0, 0);
        while let Some(byte) = text.as_bytes().get(at) {
            if !self.begins[usize::from(*byte)] {
                at += 1;
                continue;
            }
            let rest = &text[at..];
            if self.may_become_one(rest) {
                shown.push_str(&text[shown_to..at]);
                return rest;
            }
            let Some((bytes, mark)) = self.at_begin_of(rest) else {
                at += 1;
                continue;
            };
            shown.push_str(&text[shown_to..at]);
            shown.push_str(mark);
            at += bytes;
            shown_to = at;
        }
        shown.push_str(&text[shown_to..]);
        ""
    }

    /// Whether one begins with this and goes on.
    fn may_become_one(&self, begin: &str) -> bool {
        let next = self.texts.partition_point(|(text, _)| &**text <= begin);
        self.texts.get(next).is_some_and(|(text, _)| text.starts_with(begin))
    }

    /// The longest one that this begins with: its length, and what is shown of it.
    fn at_begin_of(&self, rest: &str) -> Option<(usize, &str)> {
        let mut rest = rest.as_bytes();
        loop {
            let next = self.texts.partition_point(|(text, _)| text.as_bytes() <= rest);
            let (text, mark) = self.texts.get(next.checked_sub(1)?)?;
            if rest.starts_with(text.as_bytes()) {
                return Some((text.len(), mark));
            }
            // A shorter one is no longer than what the two have in common.
            rest = &rest[..rest.iter().zip(text.bytes()).take_while(|(one, other)| **one == *other).count()];
        }
    }

    /// How the beginning of one is shown, or one that is whole.
    fn shown_of_begun<'a>(&'a self, begun: &'a str) -> &'a str {
        let first = self.texts.partition_point(|(text, _)| &**text < begun);
        match self.texts.get(first) {
            Some((_, mark)) if is_long(begun) => mark,
            _ => begun,
        }
    }
}

fn is_long(text: &str) -> bool {
    text.chars().count() >= HIDDEN_CHARS_MIN
}

/// How a line may be shown by mistake: as it is, without the blanks around it, and quoted.
fn shown_as(line: &str) -> [String; 4] {
    let quoted = line.replace('\\', r"\\").replace('\t', r"\t");
    [line.to_owned(), line.trim().to_owned(), quoted.replace('\'', r"\'"), quoted]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_hidden_wherever_it_stands() {
        let named = [
            ("KEY", "12345678"),
            ("LONG", "0123456789"),
            ("PEM", "-----BEGIN-----\nabcdefgh\nxyz\n"),
            ("SHORT", "1234567"),
            ("BLANKS", " with blanks "),
            ("QUOTES", "a\\b'c\"d\te f"),
        ];
        let secrets = Secrets::new(named.into_iter());
        let rows = [
            ("KeyError: '12345678'", "KeyError: '[secret KEY]'"),
            ("0123456789 12345678 1234567", "[secret LONG] [secret KEY] 1234567"),
            ("-----BEGIN-----\nabcdefgh\nxyz", "[secret PEM]\n[secret PEM]\nxyz"),
            ("['with blanks']", "['[secret BLANKS]']"),
            (r#"'a\\b\'c"d\te f'"#, "'[secret QUOTES]'"),
            ("nothing", "nothing"),
        ];
        for (text, shown) in rows {
            assert_eq!(secrets.hide(text), shown);
            let why = text.to_owned();
            assert_eq!(
                secrets.hide_in(News::Ended(End::LoadFailed(why))),
                News::Ended(End::LoadFailed(shown.to_owned()))
            );
        }
        assert_eq!(Secrets::default().hide("12345678"), "12345678");
    }

    #[test]
    fn a_secret_that_comes_in_pieces_is_hidden_and_nothing_else_is_lost() {
        let named = [("KEY", "12345678"), ("LONG", "123456789abc"), ("INNER", "5678zzzz"), ("WIDE", "äöüäöüäöü")];
        let secrets = Secrets::new(named.into_iter());
        // Pieces, how each of them is shown, and what is shown when no more come.
        let rows: [(&[(&str, &str)], &str); 9] = [
            (&[("12345", ""), ("678\n", "[secret KEY]\n")], ""),
            (&[("a1", "a"), ("2", ""), ("345678.", "[secret KEY].")], ""),
            (&[("1234", ""), ("5 no\n", "12345 no\n")], ""),
            (&[("12345678", ""), ("9a", ""), ("bc", "[secret LONG]")], ""),
            (&[("12345678", ""), ("9\n", "[secret KEY]9\n")], ""),
            (&[("1234", ""), ("5678", ""), ("zzzz", "[secret KEY]zzzz")], ""),
            (&[("äöü", ""), ("äöüäö", ""), ("ü", "[secret WIDE]")], ""),
            (&[("code 123", "code ")], "123"),
            (&[("12345678", ""), ("9a", "")], "[secret LONG]"),
        ];
        for (pieces, rest) in rows {
            let mut held = HeldBack::default();
            for (piece, shown) in pieces {
                assert_eq!(secrets.hide_piece(Output::Stdout, piece, &mut held), *shown, "{piece} of {pieces:?}");
                assert_eq!(secrets.hide_piece(Output::Stderr, "x\n", &mut held), "x\n", "the other stream");
            }
            let rests: Vec<_> = secrets.hide_rest(&mut held).map(|(_, rest)| rest).collect();
            assert_eq!(rests.concat(), rest, "{pieces:?}");
            assert_eq!(secrets.hide_rest(&mut held).count(), 0);
        }
        // A text that was cut, in the middle of a secret.
        assert_eq!(secrets.hide("it is 123456789a"), "it is [secret LONG]");
        assert_eq!(secrets.hide("it is 1234567"), "it is 1234567");
        let whole = "x12345678 1123456789abc äöüäöüäöü äöü 123".repeat(3);
        for split in (0..=whole.len()).filter(|at| whole.is_char_boundary(*at)) {
            let mut held = HeldBack::default();
            let mut shown = String::new();
            for piece in [&whole[..split], &whole[split..]] {
                shown.push_str(&secrets.hide_piece(Output::Stdout, piece, &mut held));
            }
            shown.extend(secrets.hide_rest(&mut held).map(|(_, rest)| rest));
            assert_eq!(shown, secrets.hide(&whole), "split at {split}");
        }
    }
}
