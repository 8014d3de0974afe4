//! Why the account's side could not do what a script's side asked.

use serde::{Deserialize, Serialize};

/// Why something could not be done. The text is for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum BrokerError {
    /// Not now: the account keeps nothing for a while, as its disk is full. The same may do later.
    #[error("{0}")]
    NotNow(String),
    /// Not at all.
    #[error("{0}")]
    Failed(String),
    /// The account is gone.
    #[error("the account has stopped")]
    Closed,
    /// The script's side asks for what it may not. A sound one has refused that itself.
    #[error("{0}")]
    Refused(String),
}

impl BrokerError {
    /// Whether the same may succeed later.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::NotNow(_))
    }
}
