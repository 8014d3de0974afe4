//! A script's calls on their way to the account, and their completions on their way back.
//!
//! Invariant: a call is here, at the account, or completed. Completions of a guest that is gone are dropped, and each of the
//! others comes after the events it must follow.

use std::collections::VecDeque;

use tgl::{Completion, Request, RequestId};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

/// See the module.
#[derive(Default)]
pub(crate) struct Calls {
    /// Calls that are written down and wait for the gate or for room on their way.
    outgoing: VecDeque<Request>,
    /// Calls leave only after what was left from last time has been delivered, as with telegram-cli.
    gate_open: bool,
    /// Calls that have left and not completed, those of former guests among them.
    in_flight: usize,
    /// Completions that came before the events they must follow.
    early: VecDeque<Completion>,
    /// Ids of the guest that lives; older ones belong to guests that are gone.
    first_id: RequestId,
}

/// The account takes no calls any more.
pub(crate) struct Closed;

impl Calls {
    /// Calls that were written down: they leave in this order.
    pub(crate) fn add(&mut self, requests: impl IntoIterator<Item = Request>) {
        self.outgoing.extend(requests);
    }

    /// From now on calls may leave.
    pub(crate) fn open_gate(&mut self) {
        self.gate_open = true;
    }

    /// A new guest comes, whose calls have this id and higher ones. Calls of the one before still leave, without anybody
    /// who waits for them.
    pub(crate) fn begin_guest(&mut self, first_id: RequestId) {
        self.early.clear();
        self.first_id = first_id;
    }

    /// Sends what may go and fits.
    pub(crate) fn send(&mut self, account: &mpsc::Sender<Request>) -> Result<(), Closed> {
        while self.gate_open
            && let Some(request) = self.outgoing.pop_front()
        {
            // A request that an earlier run left has no id, and gets no completion.
            let completes = request.id != 0;
            match account.try_send(request) {
                Ok(()) => self.in_flight += usize::from(completes),
                Err(TrySendError::Full(request)) => {
                    self.outgoing.push_front(request);
                    break;
                }
                Err(TrySendError::Closed(_)) => return Err(Closed),
            }
        }
        Ok(())
    }

    /// Whether there are calls that could leave if the account had room for them.
    pub(crate) fn waits_for_room(&self) -> bool {
        self.gate_open && !self.outgoing.is_empty()
    }

    /// A completion has come: of the guest that lives it is kept until delivered, of a former one it is dropped.
    pub(crate) fn take_in(&mut self, completion: Completion) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if completion.id >= self.first_id {
            self.early.push_back(completion);
        }
    }

    /// The next completion whose events have been handled, if there is one.
    pub(crate) fn next_completion(&mut self, handled_seq: u64) -> Option<Completion> {
        let ready = self.early.iter().position(|completion| completion.after_seq <= handled_seq)?;
        self.early.remove(ready)
    }

    /// Calls whose completion has not been delivered.
    pub(crate) fn pending(&self) -> usize {
        self.in_flight + self.outgoing.len() + self.early.len()
    }
}
