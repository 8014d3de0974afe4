//! What an account holds back for want of room.
//!
//! Invariant: a wait has the reason that it began with until it ends.

use tokio::sync::watch;

/// Why something waits, where it does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Updates wait at the server: what they bring cannot be kept.
    pub updates: Option<String>,
    /// Calls wait: the data centre cannot keep what they bring.
    pub calls: Option<String>,
}

/// Tells whoever listens that one of them waits, or no more.
pub(crate) fn tell(
    held: &watch::Sender<Held>,
    which: impl FnOnce(&mut Held) -> &mut Option<String>,
    why: Option<String>,
) {
    held.send_if_modified(|held| {
        let which = which(held);
        let is_new = which.is_some() != why.is_some();
        if is_new {
            *which = why;
        }
        is_new
    });
}
