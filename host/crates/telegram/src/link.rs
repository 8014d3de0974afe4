//! What calls know of the connection: whether there is one, and whom to tell that it broke.
//!
//! Invariant: who has reported a pool as broken is never given the same pool again.

use std::sync::{Arc, Mutex};

use tokio::sync::{Notify, watch};

use crate::pool::Pool;
use crate::sync::locked;

/// Why a pool is of no more use.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    /// The connection failed; a new one may do.
    Lost(String),
    /// The data centre seems not to know our key.
    UnknownKey,
    /// The data centre says that the authorisation is gone.
    Revoked(String),
}

#[derive(Clone)]
enum State {
    Down,
    Up(u64, Arc<Pool>),
    LoggedOut(String),
}

/// The connection of one account, shared by its calls.
pub(crate) struct Link {
    state: watch::Sender<State>,
    trouble: Mutex<Option<(u64, Trouble)>>,
    alarm: Notify,
}

impl Link {
    /// No connection yet.
    pub(crate) fn new() -> Self {
        Self { state: watch::Sender::new(State::Down), trouble: Mutex::default(), alarm: Notify::new() }
    }

    /// Waits for a connection and gives its number and its pool. Comes back at once while there is one.
    ///
    /// # Errors
    /// Why the account is logged out.
    pub(crate) async fn ready(&self) -> Result<(u64, Arc<Pool>), String> {
        if let Some(ready) = as_ready(&self.state.borrow()) {
            return ready;
        }
        let mut state = self.state.subscribe();
        loop {
            if let Some(ready) = as_ready(&state.borrow_and_update()) {
                return ready;
            }
            // The sender is part of `self`, so it cannot be gone.
            let _ = state.changed().await;
        }
    }

    /// Says that a call over connection `number` failed. The first report counts.
    pub(crate) fn report(&self, number: u64, trouble: Trouble) {
        let is_first = self.state.send_if_modified(|state| {
            let is_current = matches!(state, State::Up(current, _) if *current == number);
            if is_current {
                *state = State::Down;
            }
            is_current
        });
        if is_first {
            *locked(&self.trouble) = Some((number, trouble));
            self.alarm.notify_one();
        }
    }

    /// Waits for a report about a connection.
    pub(crate) async fn troubled(&self) -> (u64, Trouble) {
        loop {
            if let Some(trouble) = locked(&self.trouble).take() {
                return trouble;
            }
            self.alarm.notified().await;
        }
    }

    /// There is a connection: calls may go.
    pub(crate) fn up(&self, number: u64, pool: Arc<Pool>) {
        self.state.send_replace(State::Up(number, pool));
    }

    /// There is none: calls wait.
    pub(crate) fn down(&self) {
        self.state.send_if_modified(|state| {
            let was_up = matches!(state, State::Up(..));
            if was_up {
                *state = State::Down;
            }
            was_up
        });
    }

    /// There will be none: calls fail.
    pub(crate) fn logged_out(&self, reason: String) {
        self.state.send_replace(State::LoggedOut(reason));
    }
}

fn as_ready(state: &State) -> Option<Result<(u64, Arc<Pool>), String>> {
    match state {
        State::Down => None,
        State::Up(number, pool) => Some(Ok((*number, pool.clone()))),
        State::LoggedOut(reason) => Some(Err(reason.clone())),
    }
}
