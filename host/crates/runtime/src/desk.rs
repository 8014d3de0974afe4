//! What a guest leaves with the host while a callback runs: calls, a timer, the wish to end.
//!
//! Invariant: a guest never has more than its limit of calls without completion; one more is refused by a completion of
//! its own, and a guest that does not even wait for those is stopped.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sandbox::{ExitMoment, GuestHost, LogLevel, Output};
use store::AccountStore;
use tgl::{Call, CallError, Failure, Grants, Message, MessageId, Peer, PeerId, Request, RequestId, ScriptName};
use tokio::time::Instant;

use crate::script::ScriptOutput;
use crate::topics::Topics;

/// Shared by the actor and the guest's host side; the guest's side is in use only while a callback runs.
#[derive(Clone)]
pub(crate) struct Desk {
    papers: Arc<Mutex<Papers>>,
}

/// What lies on the desk.
pub(crate) struct Papers {
    next_id: RequestId,
    /// Calls of the callback that runs.
    calls: Vec<Request>,
    /// Calls that were refused, and why; each still gets its completion.
    refused: Vec<(RequestId, CallError)>,
    /// Calls without completion, the refused ones not among them.
    pending: usize,
    calls_pending_max: usize,
    /// Where its answers go.
    pub(crate) topics: Topics,
    /// When the guest wants its next on-timer.
    pub(crate) timer: Option<Instant>,
    /// The end that the guest asked for.
    pub(crate) exit: Option<(u8, ExitMoment)>,
}

impl Desk {
    /// An empty desk.
    pub(crate) fn new(calls_pending_max: usize) -> Self {
        let papers = Papers {
            next_id: 1,
            calls: Vec::new(),
            refused: Vec::new(),
            pending: 0,
            calls_pending_max,
            topics: Topics::default(),
            timer: None,
            exit: None,
        };
        Self { papers: Arc::new(Mutex::new(papers)) }
    }

    /// What lies on it.
    pub(crate) fn papers(&self) -> MutexGuard<'_, Papers> {
        self.papers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Papers {
    /// The id of the next call; no call before had it.
    pub(crate) fn next_id(&self) -> RequestId {
        self.next_id
    }

    /// Takes the calls made since the last time.
    pub(crate) fn take_calls(&mut self) -> Vec<Request> {
        std::mem::take(&mut self.calls)
    }

    /// Takes the calls that were refused since the last time.
    pub(crate) fn take_refused(&mut self) -> Vec<(RequestId, CallError)> {
        std::mem::take(&mut self.refused)
    }

    /// Why a call is not even tried.
    fn refusal(&self, call: &Call) -> Option<CallError> {
        let max = self.calls_pending_max;
        if self.pending >= max {
            let detail = format!("{max} calls wait for their completion, the most a script may have");
            return Some(CallError::new(Failure::LimitReached, detail));
        }
        match call {
            Call::SendLocation { latitude, longitude, .. } if !(latitude.is_finite() && longitude.is_finite()) => {
                Some(CallError::new(Failure::Invalid, "latitude and longitude must be numbers"))
            }
            _ => None,
        }
    }

    /// A completion is being delivered.
    pub(crate) fn completed(&mut self, id: RequestId) {
        self.topics.begin_completion(id);
        self.pending = self.pending.saturating_sub(1);
    }

    /// The guest is gone: nobody waits for its calls or its timer any more. Request ids are not used again.
    pub(crate) fn clear(&mut self) {
        self.calls.clear();
        self.refused.clear();
        self.pending = 0;
        self.topics = Topics::default();
        self.timer = None;
        self.exit = None;
    }
}

/// The host's side of one guest.
pub(crate) struct Clerk {
    pub(crate) desk: Desk,
    pub(crate) name: ScriptName,
    pub(crate) store: AccountStore,
    pub(crate) output: Arc<dyn ScriptOutput>,
    pub(crate) link_previews: bool,
    pub(crate) grants: Grants,
}

impl GuestHost for Clerk {
    fn call(&mut self, mut call: Call) -> Option<RequestId> {
        if let Call::SendMessage { preview: preview @ None, .. } = &mut call
            && !self.link_previews
        {
            *preview = Some(false);
        }
        let mut papers = self.desk.papers();
        let id = papers.next_id;
        let call = papers.topics.place(id, call);
        match papers.refusal(&call) {
            Some(_) if papers.refused.len() >= papers.calls_pending_max => return None,
            Some(reason) => papers.refused.push((id, reason)),
            None => {
                papers.pending += 1;
                papers.calls.push(Request::new(self.name.clone(), id, call));
            }
        }
        papers.next_id += 1;
        Some(id)
    }

    fn peer(&mut self, id: PeerId) -> Option<Peer> {
        self.look_up(self.store.peer(id))
    }

    fn message(&mut self, id: MessageId) -> Option<Message> {
        self.look_up(self.store.message(id)).and_then(|message| self.grants.shown(message))
    }

    fn log(&mut self, level: LogLevel, text: &str) {
        self.output.log(&self.name, level, text);
    }

    fn print(&mut self, to: Output, text: &str) {
        self.output.print(&self.name, to, text);
    }

    fn set_timer(&mut self, after_ms: u64) {
        // A moment that the clock cannot name never comes.
        self.desk.papers().timer = Instant::now().checked_add(Duration::from_millis(after_ms));
    }

    fn exit(&mut self, code: u8, moment: ExitMoment) {
        let mut papers = self.desk.papers();
        // Nothing takes back an end at once.
        if !matches!(papers.exit, Some((_, ExitMoment::Now))) {
            papers.exit = Some((code, moment));
        }
    }
}

impl Clerk {
    /// A look-up that fails finds nothing: the guest cannot mend the host's disk.
    fn look_up<T>(&self, found: Result<Option<T>, store::StoreError>) -> Option<T> {
        found.unwrap_or_else(|error| {
            tracing::error!(script = %self.name, %error, "a look-up failed");
            None
        })
    }
}
