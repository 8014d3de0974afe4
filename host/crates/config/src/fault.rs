//! What is wrong with a configuration, and where.
//!
//! Invariant: a fault names its file and place, what is wrong, and what would be right; it quotes nothing that may be secret.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Faults that are told at once; of further ones the number.
pub const FAULTS_TOLD_MAX: usize = 50;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file or folder.
    pub path: PathBuf,
    /// Line and column, both from 1; none where it is about the whole file.
    pub place: Option<(usize, usize)>,
    /// What is wrong, why, and what would be right.
    pub what: String,
}

/// Everything that is wrong with a configuration; at least one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some((line, column)) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.what)
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, fault) in self.0.iter().take(FAULTS_TOLD_MAX).enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            fault.fmt(f)?;
        }
        match self.0.len().saturating_sub(FAULTS_TOLD_MAX) {
            0 => Ok(()),
            more => write!(f, "\nand {more} further faults"),
        }
    }
}

impl std::error::Error for Faults {}

/// A file that was read, to say where in it something stands.
pub(crate) struct Text<'a> {
    pub(crate) path: &'a Path,
    pub(crate) text: &'a str,
}

impl Text<'_> {
    /// A fault at this span of bytes.
    pub(crate) fn fault(&self, span: Option<Range<usize>>, what: impl Into<String>) -> Fault {
        let place = span.map(|span| {
            let before = &self.text[..self.text.floor_char_boundary(span.start)];
            let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
            (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
        });
        Fault { path: self.path.to_owned(), place, what: what.into() }
    }
}
