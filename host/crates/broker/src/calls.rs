//! A script's calls on their way to the account, and their completions on their way back.
//!
//! Invariant: a call is here, in the outbox on disk, at the account, or completed. What is here is bounded: further calls
//! wait on disk, further completions at the account. Calls into one conversation leave in their order, and one that has to
//! wait holds up none into another. Completions of a guest that is gone are dropped, and each of the others comes after the
//! events it must follow.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use tgl::{CallError, Completion, Failure, Limit, Message, MessageId, Outcome, PeerId, Request, RequestId, ScriptName};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::Instant;

use crate::attachment::Arrived;
use crate::brake::{Brake, SendRates};
use crate::error::BrokerError;
use crate::ledger::Ledger;
use crate::loops::Loop;

/// Calls of one script that are held in memory until they can leave.
const CALLS_HELD_MAX: usize = 256;
/// Those of them that go into one conversation.
const LANE_HELD_MAX: usize = 64;
/// Calls into one conversation that have left and not completed: the account makes them one after the other.
const LANE_UNDER_WAY_MAX: usize = 16;
/// Completions in memory that came before the events they must follow.
const EARLY_MAX: usize = 64;
/// Completions, those included of which the least is kept: a message's id. With so many none is taken, and so no call goes on.
const EARLY_SHORT_MAX: usize = 100_000;

/// See the module.
pub(crate) struct Calls {
    script: ScriptName,
    ledger: Arc<dyn Ledger>,
    brake: Option<Brake>,
    /// Calls that are written down and wait for the gate, the brake, or room on their way.
    held: VecDeque<Request>,
    disk: OnDisk,
    /// Calls leave only after what was left from last time has been delivered, as with telegram-cli.
    gate_open: bool,
    /// Calls that have left and not completed, those of former guests among them.
    under_way: HashMap<RequestId, Option<PeerId>>,
    /// Calls here or under way that are written nowhere.
    unwritten: HashSet<RequestId>,
    /// Completions that came before the events they must follow.
    early: VecDeque<Early>,
    /// Those of them that are kept whole.
    early_whole: usize,
    /// Ids of the guest that lives; older ones belong to guests that are gone.
    first_id: RequestId,
    /// Why some are still here.
    delay: Delay,
}

/// What of the outbox waits on disk.
#[derive(Debug, Default)]
struct OnDisk {
    calls: u64,
    /// Up to this place everything has been read, but what is parked.
    read_to: u64,
    /// Conversations whose calls were passed over because enough of them are held: those after this place are on disk.
    parked: HashMap<PeerId, u64>,
}

/// A completion that must follow events.
enum Early {
    Whole(Box<Arrived>),
    /// The store has the message that was sent, if one was.
    Short {
        id: RequestId,
        sent: Option<MessageId>,
        after_seq: u64,
    },
}

/// Why calls are still here.
#[derive(Clone, Copy, Debug, Default)]
struct Delay {
    /// The account has no room for one that could leave.
    is_account_full: bool,
    /// The brake puts some off until then, by this limit.
    brake: Option<(Instant, Limit)>,
}

impl Calls {
    pub(crate) fn new(script: ScriptName, ledger: Arc<dyn Ledger>, rates: Option<SendRates>) -> Self {
        Self {
            script,
            ledger,
            brake: rates.map(Brake::new),
            held: VecDeque::new(),
            disk: OnDisk::default(),
            gate_open: false,
            under_way: HashMap::new(),
            unwritten: HashSet::new(),
            early: VecDeque::new(),
            early_whole: 0,
            first_id: 0,
            delay: Delay::default(),
        }
    }

    /// So many calls wait on disk, from an earlier run or a callback that made many.
    pub(crate) fn add_on_disk(&mut self, calls: u64) {
        self.disk.calls += calls;
    }

    /// How many of these, from the first on, can be held; the others have to wait on disk.
    pub(crate) fn fitting(&self, requests: &[Request]) -> usize {
        if self.disk.calls > 0 {
            return 0;
        }
        let mut lanes = self.lanes_held();
        let fits = |request: &&Request| {
            let Some(lane) = request.call.destination() else { return true };
            let held: &mut usize = lanes.entry(lane).or_default();
            *held += 1;
            *held <= LANE_HELD_MAX
        };
        requests.iter().take(CALLS_HELD_MAX.saturating_sub(self.held.len())).take_while(fits).count()
    }

    /// Calls that are written down as far as they must be: they leave in this order.
    pub(crate) fn add(&mut self, requests: impl IntoIterator<Item = Request>) {
        for request in requests {
            if !request.call.survives_restart() {
                self.unwritten.insert(request.id);
            }
            self.held.push_back(request);
        }
    }

    /// From now on calls may leave.
    pub(crate) fn open_gate(&mut self) {
        self.gate_open = true;
    }

    /// A new guest comes, whose calls have this id and higher ones. Calls of the one before still leave, without anybody
    /// who waits for them.
    pub(crate) fn begin_life(&mut self, first_id: RequestId) {
        self.early.clear();
        self.early_whole = 0;
        self.first_id = first_id;
    }

    /// Fetches from disk what there is room for.
    pub(crate) fn refill(&mut self) -> Result<(), BrokerError> {
        while self.gate_open && self.disk.calls > 0 && self.held.len() <= CALLS_HELD_MAX / 2 {
            let mut lanes = self.lanes_held();
            let before = (self.held.len(), self.disk.read_to);
            self.fetch_parked(&mut lanes)?;
            self.fetch_next(&mut lanes)?;
            if before == (self.held.len(), self.disk.read_to) {
                break;
            }
        }
        Ok(())
    }

    /// Fetches further calls into conversations that were passed over and have left room since.
    fn fetch_parked(&mut self, lanes: &mut HashMap<PeerId, usize>) -> Result<(), BrokerError> {
        let few = |lane: &PeerId| lanes.get(lane).is_none_or(|held| *held <= LANE_HELD_MAX / 2);
        let parked: Vec<(PeerId, u64)> =
            self.disk.parked.iter().filter(|(lane, _)| few(lane)).map(|(lane, after)| (*lane, *after)).collect();
        for (lane, after) in parked {
            let room = LANE_HELD_MAX - lanes.get(&lane).copied().unwrap_or_default();
            let room = room.min(CALLS_HELD_MAX.saturating_sub(self.held.len()));
            if room == 0 {
                break;
            }
            let (calls, last) = self.ledger.take_waiting_in(&self.script, lane, after + 1..=self.disk.read_to, room)?;
            match last {
                Some(last) if calls.len() == room => self.disk.parked.insert(lane, last),
                _ => self.disk.parked.remove(&lane),
            };
            *lanes.entry(lane).or_default() += calls.len();
            self.take_from_disk(calls);
        }
        Ok(())
    }

    /// Fetches what follows, and parks what there is enough of.
    fn fetch_next(&mut self, lanes: &mut HashMap<PeerId, usize>) -> Result<(), BrokerError> {
        let room = CALLS_HELD_MAX.saturating_sub(self.held.len());
        if room == 0 {
            return Ok(());
        }
        let OnDisk { read_to, parked, .. } = &mut self.disk;
        let mut passed = *read_to;
        let mut wanted = |place: u64, lane: Option<PeerId>| {
            passed = place;
            let Some(lane) = lane else { return true };
            let held = lanes.entry(lane).or_default();
            if *held >= LANE_HELD_MAX || parked.contains_key(&lane) {
                parked.entry(lane).or_insert(place - 1);
                return false;
            }
            *held += 1;
            true
        };
        let calls = self.ledger.take_waiting(&self.script, *read_to, room, &mut wanted)?;
        let is_end = passed == *read_to;
        *read_to = passed;
        self.take_from_disk(calls);
        if is_end && self.disk.parked.is_empty() {
            self.disk.calls = 0;
        }
        Ok(())
    }

    fn take_from_disk(&mut self, calls: Vec<Request>) {
        self.disk.calls = self.disk.calls.saturating_sub(calls.len() as u64);
        self.add(calls);
    }

    /// Whether some wait on disk.
    pub(crate) fn wait_on_disk(&self) -> bool {
        self.disk.calls > 0
    }

    /// Sends what may go and fits. Says whether anything did.
    pub(crate) fn send(&mut self, account: &mpsc::Sender<Request>) -> Result<bool, BrokerError> {
        self.delay = Delay::default();
        let now = Instant::now();
        let mut waiting_lanes = HashSet::new();
        let (mut at, mut is_any) = (0, false);
        while self.gate_open && at < self.held.len() {
            let lane = self.held[at].call.destination();
            if lane.is_some_and(|lane| waiting_lanes.contains(&lane) || self.is_crowded(lane)) {
                at += 1;
                continue;
            }
            let permit = match account.try_reserve() {
                Ok(permit) => permit,
                Err(TrySendError::Full(())) => {
                    self.delay.is_account_full = true;
                    break;
                }
                Err(TrySendError::Closed(())) => return Err(BrokerError::Closed),
            };
            let admitted = match (&mut self.brake, lane) {
                (Some(brake), Some(lane)) => brake.admit(lane, self.ledger.inbox_seq(), now),
                (Some(brake), None) if self.held[at].call.is_raw() => brake.admit_anywhere(now),
                _ => Ok(()),
            };
            if let Err(until_by) = admitted {
                waiting_lanes.extend(lane);
                let sooner = |before: (Instant, Limit)| if before.0 <= until_by.0 { before } else { until_by };
                self.delay.brake = Some(self.delay.brake.map_or(until_by, sooner));
                at += 1;
                continue;
            }
            let Some(request) = self.held.remove(at) else { break };
            // A request that an earlier run left has no id, and gets no completion.
            if request.id != 0 {
                self.under_way.insert(request.id, lane);
            }
            permit.send(request);
            is_any = true;
        }
        Ok(is_any)
    }

    /// Whether enough calls into this conversation are under way.
    fn is_crowded(&self, lane: PeerId) -> bool {
        self.under_way.len() >= LANE_UNDER_WAY_MAX
            && self.under_way.values().filter(|other| **other == Some(lane)).count() >= LANE_UNDER_WAY_MAX
    }

    fn lanes_held(&self) -> HashMap<PeerId, usize> {
        let mut lanes = HashMap::new();
        for lane in self.held.iter().filter_map(|request| request.call.destination()) {
            *lanes.entry(lane).or_default() += 1;
        }
        lanes
    }

    /// Whether there are calls that could leave if the account had room for them.
    pub(crate) fn waits_for_room(&self) -> bool {
        self.delay.is_account_full
    }

    /// The script is given this message, which is this event of the inbox.
    pub(crate) fn heard(&mut self, seq: u64, message: &Message) {
        if let Some(brake) = &mut self.brake {
            brake.heard(seq, message, Instant::now());
        }
    }

    /// A chat that goes round, and that nobody was told of yet.
    pub(crate) fn take_loop(&mut self) -> Option<Loop> {
        self.brake.as_mut().and_then(Brake::take_loop)
    }

    /// When the brake lets the next call go, where it holds any, and by which limit it holds that.
    pub(crate) fn brake(&self) -> Option<(Instant, Limit)> {
        self.delay.brake
    }

    /// Whether a completion may be taken in.
    pub(crate) fn takes_completions(&self) -> bool {
        self.early_whole < EARLY_MAX && self.early.len() < EARLY_SHORT_MAX
    }

    /// A completion has come: of the guest that lives it is kept until delivered, of a former one it is dropped.
    pub(crate) fn take_in(&mut self, arrived: Arrived) {
        let completion = &arrived.completion;
        self.under_way.remove(&completion.id);
        self.unwritten.remove(&completion.id);
        if completion.id < self.first_id {
            return;
        }
        let sent = match &completion.result {
            Ok(Outcome::Message(message)) => Some(Some(message.id)),
            Ok(Outcome::Done) => Some(None),
            _ => None,
        };
        self.early.push_back(match sent {
            Some(sent) if self.early_whole >= EARLY_MAX / 2 => {
                Early::Short { id: completion.id, sent, after_seq: completion.after_seq }
            }
            _ => {
                self.early_whole += 1;
                Early::Whole(Box::new(arrived))
            }
        });
    }

    /// The next completion whose events have been handled, if there is one.
    pub(crate) fn next_completion(&mut self, handled_seq: u64) -> Result<Option<Completion>, BrokerError> {
        let Some(ready) = self.early.iter().position(|early| early.after_seq() <= handled_seq) else { return Ok(None) };
        let completion = match &self.early[ready] {
            Early::Whole(_) => None,
            Early::Short { id, sent, after_seq } => {
                let forgotten = || CallError::new(Failure::NotFound, "it was sent, and is not kept here any more");
                let result = match sent {
                    Some(message) => self.ledger.message(*message)?.map(Outcome::Message).ok_or_else(forgotten),
                    None => Ok(Outcome::Done),
                };
                Some(Completion { id: *id, result, after_seq: *after_seq })
            }
        };
        Ok(match self.early.remove(ready) {
            Some(Early::Whole(completion)) => {
                self.early_whole -= 1;
                Some(completion.completion)
            }
            _ => completion,
        })
    }

    /// Completions that were not delivered yet.
    pub(crate) fn completions(&self) -> usize {
        self.early.len()
    }

    /// Whether calls go on without any event being delivered.
    pub(crate) fn are_moving(&self) -> bool {
        self.takes_completions() && self.not_completed() > 0
    }

    /// Calls that are written nowhere: the outbox does not count them.
    pub(crate) fn unwritten(&self) -> u64 {
        self.unwritten.len() as u64
    }

    /// Calls whose completion has not been delivered.
    pub(crate) fn pending(&self) -> usize {
        self.not_completed() + self.early.len()
    }

    fn not_completed(&self) -> usize {
        self.under_way.len() + self.held.len() + self.disk.calls as usize
    }
}

impl Early {
    fn after_seq(&self) -> u64 {
        match self {
            Self::Whole(arrived) => arrived.completion.after_seq,
            Self::Short { after_seq, .. } => *after_seq,
        }
    }
}
