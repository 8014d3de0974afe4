//! The actor of one account: it keeps a connection, takes updates in, and sees calls through.
//!
//! Invariant: the actor ends only when it is told to. Every failure, a panic of its own included, closes the connection
//! and leads to a new one after a pause.

use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use broker::Arrived;
use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tgl::{AccountState, Completion, Connection, Failure, Outcome, PeerId, Request};
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::time::Instant;

use crate::account::Shared;
use crate::backoff::backoff;
use crate::calls::{self, Caller};
use crate::channel_difference;
use crate::config::AccountConfig;
use crate::context::Context;
use crate::difference;
use crate::fault::Fault;
use crate::link::Trouble;
use crate::live::{BoxFuture, Happened, Job, Live, PING_AFTER, next_of, ping, say_online};
use crate::pool::Pool;
use crate::random::random;
use crate::rpc_error::{self, InvokeError};
use crate::session::StoreSession;
use crate::transfers::Seat;
use crate::turns::TURNS;

/// Calls of one script that are under way at a time, completions it has not taken included.
pub const CALLS_UNDER_WAY_MAX: usize = 64;

/// The pause before the second connection after a failure. The first is made at once, and each further pause is twice as long.
const CONNECT_PAUSE: Duration = Duration::from_millis(200);

/// How long a connection has to last for the next failure to count as the first.
const STABLE_AFTER: Duration = Duration::from_secs(10);

/// How often in a row a data centre has to say that it does not know our key.
const UNKNOWN_KEYS_MAX: u32 = 3;

/// A script's ends of its channels.
#[derive(Debug)]
pub(crate) struct Attached {
    pub(crate) seat: Arc<Seat>,
    pub(crate) requests: mpsc::Receiver<Request>,
    pub(crate) completions: mpsc::Sender<Arrived>,
}

type Permit = mpsc::OwnedPermit<Arrived>;

/// A call with the place that is kept for its completion.
struct Held {
    /// Who asks: whose channel it came by.
    seat: Arc<Seat>,
    request: Request,
    permit: Permit,
    /// The conversation in which it keeps its order.
    lane: Option<PeerId>,
}

/// A call that has come to its end.
struct Ended {
    held: Held,
    caller: Caller,
    result: Result<Outcome, Fault>,
    /// What it takes among the script's lists.
    room: Option<OwnedSemaphorePermit>,
}

pub(crate) struct Actor {
    config: AccountConfig,
    session: Arc<StoreSession>,
    context: Arc<Context>,
    shared: Arc<Shared>,
    state: watch::Sender<AccountState>,
    live: Option<Live>,
    connections: u64,
    failures: u32,
    unknown_keys: u32,
    connect_at: Instant,
    /// That is our turn among the host's accounts, and no wish only.
    has_turn: bool,
    is_logged_out: bool,
    /// The next request of each script that has room for one.
    inbound: FuturesUnordered<BoxFuture<Option<(Attached, Held)>>>,
    calls: FuturesUnordered<BoxFuture<Ended>>,
    /// Calls that wait for an earlier one into the same conversation, which is under way.
    lanes: HashMap<PeerId, VecDeque<Held>>,
    /// Calls that have ended, by their random ids, and are in the outbox still: the disk takes nothing. No more calls end
    /// meanwhile than scripts had under way.
    ended: Vec<i64>,
}

impl Actor {
    pub(crate) fn new(
        config: AccountConfig,
        session: Arc<StoreSession>,
        context: Arc<Context>,
        shared: Arc<Shared>,
        state: watch::Sender<AccountState>,
    ) -> Self {
        Self {
            config,
            session,
            context,
            shared,
            state,
            live: None,
            connections: 0,
            failures: 0,
            unknown_keys: 0,
            connect_at: Instant::now(),
            has_turn: false,
            is_logged_out: false,
            inbound: FuturesUnordered::new(),
            calls: FuturesUnordered::new(),
            lanes: HashMap::new(),
            ended: Vec::new(),
        }
    }

    /// Works until the account is stopped.
    pub(crate) async fn run(mut self) {
        while AssertUnwindSafe(self.work()).catch_unwind().await.is_err() {
            tracing::error!("an account's actor has failed; it goes on with a new connection");
            self.lose("the host failed inside".to_owned());
        }
        if let Some(live) = self.live.take() {
            live.pool.shut_down().await;
        }
    }

    async fn work(&mut self) {
        while !self.shared.is_stopping() {
            self.begin_what_is_due();
            let deadline = self.deadline();
            tokio::select! {
                () = self.shared.changed.notified() => self.take_attached(),
                () = self.context.due.notified() => {}
                happened = next_of(&mut self.live) => self.on_connection(happened),
                (number, trouble) = self.context.link.troubled() => self.on_trouble(number, trouble),
                Some(next) = self.inbound.next() => self.on_request(next),
                Some(ended) = self.calls.next() => self.on_ended(ended),
                () = tokio::time::sleep_until(deadline) => self.context.intake().on_deadline(std::time::Instant::now()),
            }
        }
    }

    fn begin_what_is_due(&mut self) {
        let now = Instant::now();
        self.write_ended();
        if self.live.is_none() && !self.is_logged_out && now >= self.connect_at {
            if !std::mem::replace(&mut self.has_turn, true) {
                self.connect_at = TURNS.take(now);
            }
            if now >= self.connect_at {
                self.connect();
            }
        }
        let Some(live) = &mut self.live else { return };
        if !live.is_at(Job::CatchUp) && self.context.intake().wants_difference() {
            self.context.intake().begin_difference();
            let (context, pool, number) = (self.context.clone(), live.pool.clone(), live.number);
            let up = (context.clone(), pool.clone());
            let on_answer = move || up.0.link.up(number, up.1);
            live.begin(Job::CatchUp, difference::catch_up(context, pool, on_answer));
        }
        if !live.is_at(Job::CatchUpChannels) && self.context.intake().wants_channel_difference() {
            let catch_up = channel_difference::catch_up(self.context.clone(), live.pool.clone());
            live.begin(Job::CatchUpChannels, catch_up);
        }
        if !live.is_at(Job::Ping) && live.online_since.is_some() && now >= live.ping_at {
            live.begin(Job::Ping, ping(live.pool.clone()));
        }
        if !live.is_at(Job::SayOnline) && live.online_since.is_some() && self.context.presence().is_due(now) {
            live.begin(Job::SayOnline, say_online(live.pool.clone()));
        }
    }

    fn connect(&mut self) {
        self.connections += 1;
        let (pool, updates) = Pool::start(self.session.clone(), self.config.api.api_id);
        self.context.intake().want_difference();
        self.live = Some(Live::new(self.connections, pool, updates));
    }

    /// The next moment at which something may have to begin.
    fn deadline(&self) -> Instant {
        let Some(live) = &self.live else {
            return if self.is_logged_out { Instant::now() + PING_AFTER } else { self.connect_at };
        };
        let is_online = live.online_since.is_some();
        let intake = self.context.intake().deadline().map(Instant::from_std);
        let ping = Some(live.ping_at).filter(|_| is_online && !live.is_at(Job::Ping));
        let presence = self.context.presence().next().filter(|_| is_online && !live.is_at(Job::SayOnline));
        [intake, ping, presence].into_iter().flatten().min().unwrap_or(live.ping_at)
    }

    fn on_connection(&mut self, happened: Happened) {
        match happened {
            Happened::Pushed(updates) => {
                for updates in updates {
                    self.context.intake().receive_pushed(updates);
                }
            }
            Happened::Ended(Job::CatchUp | Job::CatchUpChannels, Ok(())) => self.on_caught_up(),
            Happened::Ended(Job::Ping | Job::SayOnline, Ok(())) => {}
            // It is said again in a minute.
            Happened::Ended(Job::SayOnline, Err(InvokeError::Rpc(error))) if !rpc_error::ends_login(&error) => {}
            Happened::Ended(_, Err(error)) | Happened::Closed(error) => self.on_failure(error),
        }
    }

    fn on_caught_up(&mut self) {
        let is_complete = self.context.intake().is_up_to_date();
        let Some(live) = self.live.as_mut().filter(|_| is_complete) else { return };
        live.online_since.get_or_insert_with(Instant::now);
        self.unknown_keys = 0;
        self.state.send_if_modified(|state| {
            let is_new = state.difference_end_seq.is_none() || state.connection != Connection::Online;
            state.difference_end_seq.get_or_insert(state.inbox_seq);
            state.connection = Connection::Online;
            is_new
        });
    }

    /// A call of the actor's own has failed.
    fn on_failure(&mut self, error: InvokeError) {
        match error {
            InvokeError::Rpc(error) if rpc_error::ends_login(&error) => {
                self.log_out(rpc_error::revoked_text(&error), true)
            }
            InvokeError::Rpc(error) => self.lose(format!("the data centre refuses: {}", rpc_error::name(&error))),
            InvokeError::UnknownKey => self.on_unknown_key(),
            InvokeError::Lost(reason) | InvokeError::Unreadable(reason) => self.lose(reason),
            InvokeError::TooLarge => self.lose("a request was too large".to_owned()),
        }
    }

    /// A script's call has failed.
    fn on_trouble(&mut self, number: u64, trouble: Trouble) {
        if self.live.as_ref().is_none_or(|live| live.number != number) {
            return;
        }
        match trouble {
            Trouble::Lost(reason) => self.lose(reason),
            Trouble::UnknownKey => self.on_unknown_key(),
            Trouble::Revoked(reason) => self.log_out(reason, true),
        }
    }

    /// The data centre seems not to know us. Only when it says so again and again that is believed, and even then the
    /// key is kept: the data centre that knows it may come back.
    fn on_unknown_key(&mut self) {
        self.unknown_keys += 1;
        if self.unknown_keys >= UNKNOWN_KEYS_MAX {
            self.log_out(rpc_error::UNKNOWN_KEY_TEXT.to_owned(), false);
        } else {
            self.lose(rpc_error::UNKNOWN_KEY_TEXT.to_owned());
        }
    }

    /// Gives the connection up and plans the next one.
    fn lose(&mut self, reason: String) {
        self.context.link.down();
        self.context.transfers.connections.close();
        self.context.intake().abort_differences();
        let online_since = self.live.take().and_then(|live| {
            live.pool.close();
            live.online_since
        });
        if online_since.is_some_and(|since| since.elapsed() >= STABLE_AFTER) {
            self.failures = 0;
        }
        self.connect_at = Instant::now() + connect_pause(self.failures);
        self.has_turn = false;
        self.failures = self.failures.saturating_add(1);
        tracing::debug!(reason, failures = self.failures, "the connection is lost");
        self.state.send_if_modified(|state| {
            // The reason is said once: while it lasts, the outage has one reason.
            let (is_new, next) = match &state.connection {
                Connection::Online => (true, Connection::Connecting),
                Connection::Connecting => (true, Connection::Waiting(reason)),
                _ => return false,
            };
            state.connection = next;
            is_new
        });
    }

    /// The authorisation is gone: calls fail from now on.
    fn log_out(&mut self, reason: String, is_revoked: bool) {
        self.lose(reason.clone());
        self.is_logged_out = true;
        if is_revoked && let Err(error) = self.config.store.clear_login() {
            tracing::error!(%error, "the revoked session is not forgotten");
        }
        self.context.link.logged_out(reason.clone());
        self.state.send_modify(|state| state.connection = Connection::LoggedOut(reason));
    }

    fn take_attached(&mut self) {
        for attached in self.shared.take_attached() {
            tracing::debug!(script = &*attached.seat.script, "a script is attached");
            self.inbound.push(Box::pin(next_request(attached)));
        }
    }

    fn on_request(&mut self, next: Option<(Attached, Held)>) {
        let Some((attached, mut held)) = next else { return };
        self.inbound.push(Box::pin(next_request(attached)));
        // A basic group and the supergroup that it has become are one conversation.
        held.lane = held.request.call.destination().map(|lane| self.context.current(lane).unwrap_or(lane));
        match held.lane {
            Some(lane) => match self.lanes.get_mut(&lane) {
                Some(waiting) => waiting.push_back(held),
                None => {
                    self.lanes.insert(lane, VecDeque::new());
                    self.begin(held);
                }
            },
            None => self.begin(held),
        }
    }

    fn begin(&mut self, held: Held) {
        let caller = Caller::new(self.context.clone(), held.seat.clone(), &held.request);
        let call = async move {
            let room = if held.request.call.gives_list() { held.seat.list().await } else { None };
            let call = AssertUnwindSafe(calls::execute(&caller, &held.request.call)).catch_unwind();
            let result = call.await.unwrap_or_else(|_| {
                tracing::error!(call = held.request.call.name(), "a call has failed inside");
                Err(Fault::new(Failure::Unavailable, "the host failed inside"))
            });
            Ended { held, caller, result, room }
        };
        self.calls.push(Box::pin(call));
    }

    fn on_ended(&mut self, ended: Ended) {
        let Ended { held: Held { request, permit, lane, .. }, caller, result, room } = ended;
        if let Some(lane) = lane {
            self.advance_lane(lane);
        }
        let result = result.map_err(Fault::told);
        // Nobody was told of the end of a call from an earlier run: while it cannot be made it stays for the next one.
        let is_told = request.id != 0 || !matches!(&result, Err(error) if error.kind == Failure::Unavailable);
        if is_told && caller.is_in_outbox() {
            self.ended.push(request.random_id);
            self.write_ended();
        }
        if request.id != 0 {
            let completion = Completion { id: request.id, result, after_seq: self.config.store.inbox_seq() };
            permit.send(Arrived { completion, room });
        }
    }

    /// Takes the calls that have ended out of the outbox. Until that is written their random ids keep them from being done
    /// twice.
    fn write_ended(&mut self) {
        if self.ended.is_empty() {
            return;
        }
        let ended = &self.ended;
        let write =
            |batch: &mut store::Batch<'_>| ended.iter().try_for_each(|random_id| batch.complete_call(*random_id));
        match self.context.intake().write(write) {
            Ok(()) => self.ended.clear(),
            Err(error) => tracing::debug!(%error, calls = self.ended.len(), "calls that have ended stay in the outbox"),
        }
    }

    fn advance_lane(&mut self, lane: PeerId) {
        match self.lanes.get_mut(&lane).and_then(VecDeque::pop_front) {
            Some(next) => self.begin(next),
            None => {
                self.lanes.remove(&lane);
            }
        }
    }
}

/// The script's next request, once there is room for its completion; none when the script is gone.
async fn next_request(mut attached: Attached) -> Option<(Attached, Held)> {
    let permit = attached.completions.clone().reserve_owned().await.ok()?;
    let request = attached.requests.recv().await?;
    let seat = attached.seat.clone();
    Some((attached, Held { seat, request, permit, lane: None }))
}

/// The pause before the next connection after this many failures, with a quarter of chance either way: accounts that lost
/// theirs together do not all come back at once.
fn connect_pause(failures: u32) -> Duration {
    let [chance] = random();
    backoff(CONNECT_PAUSE, failures).mul_f64(0.75 + f64::from(chance) / 512.0)
}

#[cfg(test)]
mod tests;
