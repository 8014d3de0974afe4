//! A script's secrets, hidden in what is shown of it.
//!
//! Invariant: nothing here shows one. It keeps a script from showing a secret by mistake, an error that quotes it for example;
//! one that means to show it finds a way.

use std::borrow::Cow;
use std::sync::Arc;

use runtime::{End, News};

/// A shorter text is found in too much that is none, and is not hidden.
const HIDDEN_CHARS_MIN: usize = 8;

/// The texts that are hidden, each with what stands in its place. Cheap to clone.
#[derive(Clone, Default)]
pub struct Secrets {
    hidden: Arc<[(String, String)]>,
}

impl Secrets {
    /// These, each with its name. Of one with several lines each line is hidden: output comes in lines. It is hidden too without
    /// the blanks around it, and as Python quotes it in errors and lists.
    pub fn new<'a>(named: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let lines = named.flat_map(|(name, text)| text.lines().map(move |line| (line, format!("[secret {name}]"))));
        let shown = lines.flat_map(|(line, mark)| shown_as(line).map(move |shown| (shown, mark.clone())));
        let mut hidden: Vec<_> = shown.filter(|(line, _)| line.chars().count() >= HIDDEN_CHARS_MIN).collect();
        hidden.dedup();
        // One may be a part of another.
        hidden.sort_by_key(|(line, _)| std::cmp::Reverse(line.len()));
        Self { hidden: hidden.into() }
    }

    /// The text without them.
    pub(crate) fn hide<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut shown = Cow::Borrowed(text);
        for (secret, mark) in self.hidden.iter() {
            if shown.contains(secret) {
                shown = Cow::Owned(shown.replace(secret, mark));
            }
        }
        shown
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
}
