//! How a chat is kept: rows under numbers, of which a step changes few.
//!
//! Invariant: what was written by this version is read by it, and by no other that does not know it.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// What this version writes.
const VERSION: u8 = 1;
/// The row of all but messages.
pub(crate) const HEAD: i64 = 0;

/// A change of what is kept of a chat. Rows hold keys: whoever reads them reads the chat.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// Unique in a chat.
    pub key: i64,
    /// What is kept under it from now on. `None`: nothing.
    pub value: Option<Vec<u8>>,
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "row {} of {} bytes", self.key, self.value.as_ref().map_or(0, Vec::len))
    }
}

/// Rows that are no chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the texts say it")]
pub enum Unreadable {
    #[error("the row of the chat itself is missing")]
    Missing,
    #[error("a row was written by another version")]
    Version,
    #[error("a row is damaged")]
    Damaged,
}

/// The row of a message that was sent.
pub(crate) fn sent(sequence: u32) -> i64 {
    1 + 2 * i64::from(sequence)
}

/// The row of a message that waits.
pub(crate) fn held(sequence: u32) -> i64 {
    2 + 2 * i64::from(sequence)
}

/// Which message's row it is: a sent one's, or one's that waits.
pub(crate) fn message(key: i64) -> Result<(bool, u32), Unreadable> {
    if key <= HEAD {
        return Err(Unreadable::Damaged);
    }
    let sequence = u32::try_from((key - 1) / 2).map_err(|_| Unreadable::Damaged)?;
    Ok((key % 2 == 1, sequence))
}

pub(crate) fn written(value: &impl Serialize) -> Option<Vec<u8>> {
    // It fails for what has no form: none of ours.
    let value = postcard::to_extend(value, vec![VERSION]);
    debug_assert!(value.is_ok(), "it can be written");
    value.ok()
}

pub(crate) fn read<T: DeserializeOwned>(value: &[u8]) -> Result<T, Unreadable> {
    let (version, value) = value.split_first().ok_or(Unreadable::Damaged)?;
    if *version != VERSION {
        return Err(Unreadable::Version);
    }
    match postcard::take_from_bytes(value) {
        Ok((read, [])) => Ok(read),
        _ => Err(Unreadable::Damaged),
    }
}
