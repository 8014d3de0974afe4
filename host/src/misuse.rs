//! Errors that the command line causes, told from all others by the code that the command ends with.
//!
//! Invariant: what is marked here says what to write instead, or names what is not there.

use std::fmt;

use crate::output::sentence;

/// An error that the command line causes.
#[derive(Debug)]
struct Misuse(anyhow::Error);

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&sentence(&self.0))
    }
}

impl std::error::Error for Misuse {}

/// Marks errors.
pub(crate) trait OrMisuse<T> {
    /// The same, its error marked as caused by the command line.
    fn or_misuse(self) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> OrMisuse<T> for Result<T, E> {
    fn or_misuse(self) -> anyhow::Result<T> {
        self.map_err(|error| Misuse(error.into()).into())
    }
}

/// An error that the command line causes, with this text.
pub(crate) fn misuse(text: impl fmt::Display) -> anyhow::Error {
    Misuse(anyhow::anyhow!("{text}")).into()
}

/// Whether the command line causes it.
pub(crate) fn is_misuse(error: &anyhow::Error) -> bool {
    error.is::<Misuse>()
}
