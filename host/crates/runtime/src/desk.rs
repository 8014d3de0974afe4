//! What a guest leaves with the host while a callback runs: calls, a timer, the wish to end.
//!
//! Invariant: every call that a guest makes passes here, so what protects the host is checked here. A guest never has more
//! calls without completion than its limits say, by number and by size; one more is refused by a completion of its own, and
//! a guest that does not even wait for those is stopped. What one callback makes is held in memory up to
//! [`CALLS_IN_MEMORY_MAX`] only.

use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use broker::{BrokerError, Load, Lookups, NewCall};
use sandbox::{Answer, ExitMoment, GuestHost, Limits, LogLevel, Output};
use tgl::{Call, CallError, Failure, Limit, LimitMeter, Message, MessageId, Peer, PeerId, RequestId};
use tokio::time::Instant;

use crate::script::ScriptOutput;
use crate::topics::Topics;

/// Shared by the actor and the guest's host side; the guest's side is in use only while a callback runs.
#[derive(Clone)]
pub(crate) struct Desk {
    papers: Arc<Mutex<Papers>>,
}

/// Calls of a callback that runs that are held in memory; further ones make all of them wait on disk for its return.
const CALLS_IN_MEMORY_MAX: usize = 256;

/// Refusals that wait for their completions. A guest that makes more calls is stopped.
const REFUSED_MAX: usize = 1_024;

/// What lies on the desk.
pub(crate) struct Papers {
    next_id: RequestId,
    /// Calls of the callback that runs.
    made: Made,
    /// Calls that were refused, and why; each still gets its completion.
    refused: Vec<(RequestId, CallError)>,
    /// Calls without completion, the refused ones not among them.
    load: Load,
    load_max: Load,
    limit_meter: LimitMeter,
    /// Where its answers go.
    pub(crate) topics: Topics,
    /// When the guest wants its next on-timer.
    pub(crate) timer: Option<Instant>,
    /// The end that the guest asked for.
    pub(crate) exit: Option<(u8, ExitMoment)>,
}

/// The calls of one callback, in their order.
#[derive(Default)]
pub(crate) struct Made {
    /// So many are staged in the outbox: they come first.
    pub(crate) staged: u64,
    pub(crate) calls: Vec<NewCall>,
    /// The disk took nothing: they stay in memory.
    is_disk_full: bool,
}

impl Made {
    pub(crate) fn count(&self) -> u64 {
        self.staged + self.calls.len() as u64
    }

    /// These calls wait on disk for the callback's return, or are still here.
    fn end_staging(&mut self, calls: Vec<NewCall>, staged: Result<(), BrokerError>) {
        match staged {
            Ok(()) => self.staged += calls.len() as u64,
            Err(error) => {
                tracing::warn!(%error, "calls of a callback stay in memory");
                self.calls = calls;
                self.is_disk_full = true;
            }
        }
    }
}

impl Desk {
    /// An empty desk.
    pub(crate) fn new(limits: &Limits, limit_meter: LimitMeter) -> Self {
        let load_max = Load { calls: limits.calls_pending_max as u64, bytes: limits.calls_bytes_max };
        let papers = Papers {
            next_id: 1,
            made: Made::default(),
            refused: Vec::new(),
            load: Load::default(),
            load_max,
            limit_meter,
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

    /// Ids before this one are used.
    pub(crate) fn begin_at(&mut self, next_id: RequestId) {
        self.next_id = self.next_id.max(next_id);
    }

    /// A callback begins, while this much has not completed.
    pub(crate) fn begin_callback(&mut self, load: Load) {
        self.load = load;
    }

    /// Takes the calls made since the last time.
    pub(crate) fn take_calls(&mut self) -> Made {
        std::mem::take(&mut self.made)
    }

    /// Whether calls of the callback under way wait on disk for its return.
    pub(crate) fn has_staged(&self) -> bool {
        self.made.staged > 0
    }

    /// The guest asks for its end. Nothing takes back one at once.
    pub(crate) fn end(&mut self, code: u8, moment: ExitMoment) {
        if !matches!(self.exit, Some((_, ExitMoment::Now))) {
            self.exit = Some((code, moment));
        }
    }

    /// Takes the calls that were refused since the last time.
    pub(crate) fn take_refused(&mut self) -> Vec<(RequestId, CallError)> {
        std::mem::take(&mut self.refused)
    }

    /// Adds a call, or says why it is not even tried.
    fn add(&mut self, call: Call) -> Result<(), CallError> {
        call.check()?;
        let load = Load { calls: self.load.calls + 1, bytes: self.load.bytes + broker::size(&call) };
        let reached = match self.load_max {
            max if load.calls > max.calls => {
                let detail = format!("{} calls wait for their completion, the most a script may have", max.calls);
                Some((Limit::calls_pending_max, detail))
            }
            max if load.bytes > max.bytes => {
                let detail = format!("the calls that wait take {} KiB, the most a script's may take", max.bytes >> 10);
                Some((Limit::calls_bytes_max, detail))
            }
            _ => None,
        };
        if let Some((limit, detail)) = reached {
            self.limit_meter.reached(limit);
            return Err(CallError::new(Failure::LimitReached, detail));
        }
        self.load = load;
        self.made.calls.push(NewCall { id: self.next_id, call });
        Ok(())
    }

    /// The guest is gone: nobody waits for its calls or its timer any more. Request ids are not used again.
    pub(crate) fn clear(&mut self) {
        self.made = Made::default();
        self.refused.clear();
        self.topics = Topics::default();
        self.timer = None;
        self.exit = None;
    }
}

/// The host's side of one guest.
pub(crate) struct Clerk {
    pub(crate) desk: Desk,
    pub(crate) lookups: Lookups,
    pub(crate) output: Arc<dyn ScriptOutput>,
    pub(crate) limit_meter: LimitMeter,
    pub(crate) output_burst_bytes_max: u64,
    pub(crate) link_previews: bool,
}

impl GuestHost for Clerk {
    fn call(&mut self, mut call: Call) -> Answer<Option<RequestId>> {
        if let Call::SendMessage { preview: preview @ None, .. } = &mut call
            && !self.link_previews
        {
            *preview = Some(false);
        }
        let mut papers = self.desk.papers();
        let id = papers.next_id;
        let call = papers.topics.place(id, call);
        if let Err(reason) = papers.add(call) {
            if papers.refused.len() >= REFUSED_MAX {
                return Box::pin(ready(None));
            }
            papers.refused.push((id, reason));
        }
        papers.next_id += 1;
        if papers.made.calls.len() < CALLS_IN_MEMORY_MAX || papers.made.is_disk_full {
            return Box::pin(ready(Some(id)));
        }
        let calls = std::mem::take(&mut papers.made.calls);
        let (desk, lookups) = (self.desk.clone(), self.lookups.clone());
        Box::pin(async move {
            let staged = lookups.stage(&calls).await;
            desk.papers().made.end_staging(calls, staged);
            Some(id)
        })
    }

    fn peer(&mut self, id: PeerId) -> Answer<Option<Peer>> {
        let lookups = self.lookups.clone();
        self.look_up(async move { lookups.peer(id).await })
    }

    fn message(&mut self, id: MessageId) -> Answer<Option<Message>> {
        let lookups = self.lookups.clone();
        self.look_up(async move { lookups.message(id).await })
    }

    fn log(&mut self, level: LogLevel, text: &str) {
        let is_taken = self.output.log(level, text);
        self.count_dropped(is_taken, text);
    }

    fn print(&mut self, to: Output, text: &str) {
        let is_taken = self.output.print(to, text);
        self.count_dropped(is_taken, text);
    }

    fn set_timer(&mut self, after_ms: u64) {
        // A moment that the clock cannot name never comes.
        self.desk.papers().timer = Instant::now().checked_add(Duration::from_millis(after_ms));
    }

    fn exit(&mut self, code: u8, moment: ExitMoment) {
        self.desk.papers().end(code, moment);
    }
}

impl Clerk {
    /// What is longer than all that may be written at once is dropped however little was written before.
    fn count_dropped(&self, is_taken: bool, text: &str) {
        if !is_taken {
            let is_too_long = text.len() as u64 > self.output_burst_bytes_max;
            let limit = if is_too_long { Limit::output_burst_bytes_max } else { Limit::output_bytes_per_s };
            self.limit_meter.reached(limit);
        }
    }

    /// A look-up that fails finds nothing: the guest cannot mend the host's disk.
    fn look_up<T>(
        &self,
        question: impl Future<Output = Result<Option<T>, BrokerError>> + Send + 'static,
    ) -> Answer<Option<T>> {
        let output = Arc::clone(&self.output);
        Box::pin(async move {
            question.await.unwrap_or_else(|error| {
                output.log(LogLevel::Error, &format!("a look-up failed: {error}"));
                None
            })
        })
    }
}
