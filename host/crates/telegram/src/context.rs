//! What an account's calls and its actor share.

use std::sync::{Mutex, MutexGuard};

use store::AccountStore;
use tokio::sync::Notify;

use crate::floods::Floods;
use crate::intake::Intake;
use crate::link::Link;
use crate::presence::Repetition;
use crate::sync::locked;
use crate::transfers::Transfers;

/// One account's shared parts. Everything here is quick: no lock is held while waiting.
pub(crate) struct Context {
    pub(crate) store: AccountStore,
    pub(crate) link: Link,
    pub(crate) transfers: Transfers,
    pub(crate) floods: Floods,
    /// Something is to be begun that no answer and no deadline tells of.
    pub(crate) due: Notify,
    intake: Mutex<Intake>,
    presence: Mutex<Repetition>,
}

impl Context {
    pub(crate) fn new(store: AccountStore, intake: Intake, transfers: Transfers) -> Self {
        Self {
            store,
            link: Link::new(),
            transfers,
            floods: Floods::default(),
            due: Notify::new(),
            intake: Mutex::new(intake),
            presence: Mutex::default(),
        }
    }

    /// The way in. A panic under the lock has changed nothing in the store.
    pub(crate) fn intake(&self) -> MutexGuard<'_, Intake> {
        locked(&self.intake)
    }

    /// When being online is said again.
    pub(crate) fn presence(&self) -> MutexGuard<'_, Repetition> {
        locked(&self.presence)
    }
}
