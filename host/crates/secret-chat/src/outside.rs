//! What a step is given from outside.
//!
//! Invariant: nothing else in this crate tells the time or makes random numbers.

use std::fmt;

/// The time, and randomness that nobody can foresee.
pub struct Outside<'a> {
    /// Seconds since 1970.
    pub now_s: i64,
    /// Fills bytes at random.
    pub random: &'a mut dyn FnMut(&mut [u8]),
}

impl Outside<'_> {
    pub(crate) fn fill(&mut self, bytes: &mut [u8]) {
        (self.random)(bytes);
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    pub(crate) fn number(&mut self) -> i64 {
        i64::from_le_bytes(self.bytes())
    }
}

impl fmt::Debug for Outside<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outside").field("now_s", &self.now_s).finish_non_exhaustive()
    }
}
