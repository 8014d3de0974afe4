//! Misbehaviour on demand: what a test makes the data centre do wrong, so that clients show how they bear it.
//!
//! Invariant: without a call on this handle the data centre behaves; a fault asked for happens once per asking.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::mtproto::Clock;
use crate::seam::RpcError;

/// Errors asked for, by either way, and not yet given; further ones are dropped.
const FAILURES_MAX: usize = 1_024;

/// How long a login token can be accepted, as at Telegram.
const LOGIN_TOKEN_LIFE_S: i32 = 30;

/// A handle with which a test makes a data centre misbehave. Clones act on the same data centre.
#[derive(Clone, Debug)]
pub struct Faults(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    failures: Asked,
    hidden: Asked,
    refuse_connections: AtomicBool,
    lost_pushes: AtomicU32,
    doubled_pushes: AtomicU32,
    late_pushes: AtomicU32,
    references_expired_ns: AtomicI64,
    login_token_life_s: AtomicI32,
    logins_sent_on: AtomicU32,
    clock: Clock,
    refuse_salts: AtomicBool,
    refusals: AtomicU64,
    drop_generation: watch::Sender<u64>,
}

impl Faults {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner {
            failures: Mutex::default(),
            hidden: Mutex::default(),
            refuse_connections: AtomicBool::new(false),
            lost_pushes: AtomicU32::new(0),
            doubled_pushes: AtomicU32::new(0),
            late_pushes: AtomicU32::new(0),
            references_expired_ns: AtomicI64::new(0),
            login_token_life_s: AtomicI32::new(LOGIN_TOKEN_LIFE_S),
            logins_sent_on: AtomicU32::new(0),
            clock: Clock::default(),
            refuse_salts: AtomicBool::new(false),
            refusals: AtomicU64::new(0),
            drop_generation: watch::Sender::new(0),
        }))
    }

    /// The next call of `method` (Telegram's name, e.g. `auth.signIn`) fails with this error instead of being executed.
    /// Asked for twice, two calls fail, in the order of asking.
    pub fn fail_next(&self, method: &str, code: i32, name: &str) {
        add(&self.0.failures, method, code, name);
    }

    /// The next call of `method` is executed, and answered with this error all the same. (Telegram fails like that.)
    pub fn hide_next_answer(&self, method: &str, code: i32, name: &str) {
        add(&self.0.hidden, method, code, name);
    }

    /// Takes back every error that was asked for by [`Faults::fail_next`] and not yet given.
    pub fn forget_failures(&self) {
        self.0.failures.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// How many errors were asked for and not yet given.
    pub fn failures_pending(&self) -> usize {
        self.0.failures.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Cuts every connection there is now, without a word. New ones are accepted.
    pub fn drop_connections(&self) {
        self.0.drop_generation.send_modify(|generation| *generation += 1);
    }

    /// While true, every new connection is closed as soon as it is made.
    pub fn refuse_connections(&self, refuse: bool) {
        self.0.refuse_connections.store(refuse, Ordering::Relaxed);
    }

    /// Loses the next `count` updates that would be pushed, so that clients find a gap in pts or seq. Here and below each
    /// push to a session counts that has a connection.
    pub fn drop_next_pushes(&self, count: u32) {
        self.0.lost_pushes.store(count, Ordering::Relaxed);
    }

    /// Sends each of the next `count` updates that would be pushed twice.
    pub fn double_next_pushes(&self, count: u32) {
        self.0.doubled_pushes.store(count, Ordering::Relaxed);
    }

    /// Sends each of the next `count` updates that would be pushed only after the one that follows it, which is not late
    /// itself. One that none follows waits.
    pub fn delay_next_pushes(&self, count: u32) {
        self.0.late_pushes.store(count, Ordering::Relaxed);
    }

    /// Every file reference given out until now holds no more; who fetches the message again gets one that does.
    pub fn expire_file_references(&self) {
        self.0.references_expired_ns.store(crate::model::unix_time_ns(), Ordering::Relaxed);
    }

    /// From now on a login token can be accepted for so many seconds only.
    pub fn set_login_token_life(&self, life_s: i32) {
        self.0.login_token_life_s.store(life_s, Ordering::Relaxed);
    }

    /// The next `count` clients that ask what came of a login token are logged out again, and sent on to the user's own data
    /// centre: this one, by its number.
    pub fn send_on_next_logins(&self, count: u32) {
        self.0.logins_sent_on.store(count, Ordering::Relaxed);
    }

    /// Sets the clock that MTProto goes by so many seconds ahead of the machine's: to a client it looks as if its own were
    /// behind.
    pub fn set_clock_ahead(&self, ahead_s: i64) {
        self.0.clock.set_ahead(ahead_s);
    }

    /// While true, no salt is the right one.
    pub fn refuse_salts(&self, refuse: bool) {
        self.0.refuse_salts.store(refuse, Ordering::Relaxed);
    }

    /// How many messages of clients were refused so far, for their time, their salt or their form.
    pub fn refusals(&self) -> u64 {
        self.0.refusals.load(Ordering::Relaxed)
    }

    pub(crate) fn clock(&self) -> Clock {
        self.0.clock.clone()
    }

    pub(crate) fn refuses_salts(&self) -> bool {
        self.0.refuse_salts.load(Ordering::Relaxed)
    }

    pub(crate) fn count_refusal(&self) {
        self.0.refusals.fetch_add(1, Ordering::Relaxed);
    }

    /// References given out up to then do not hold.
    pub(crate) fn references_expired_ns(&self) -> i64 {
        self.0.references_expired_ns.load(Ordering::Relaxed)
    }

    pub(crate) fn login_token_life_s(&self) -> i32 {
        self.0.login_token_life_s.load(Ordering::Relaxed)
    }

    /// True when the login at hand is to be sent on.
    pub(crate) fn sends_login_on(&self) -> bool {
        take_one(&self.0.logins_sent_on)
    }

    /// The error asked for this method, if there is one.
    pub(crate) fn take(&self, method: &str) -> Option<RpcError> {
        take(&self.0.failures, method)
    }

    /// The error asked for in place of this method's answer, if there is one.
    pub(crate) fn take_hidden(&self, method: &str) -> Option<RpcError> {
        take(&self.0.hidden, method)
    }

    pub(crate) fn refuses_connections(&self) -> bool {
        self.0.refuse_connections.load(Ordering::Relaxed)
    }

    /// True when the push at hand is to be lost.
    pub(crate) fn loses_push(&self) -> bool {
        take_one(&self.0.lost_pushes)
    }

    /// True when the push at hand is to be sent twice.
    pub(crate) fn doubles_push(&self) -> bool {
        take_one(&self.0.doubled_pushes)
    }

    /// True when the push at hand is to be sent after the one that follows it.
    pub(crate) fn delays_push(&self) -> bool {
        take_one(&self.0.late_pushes)
    }

    /// Changes each time the connections are to be cut.
    pub(crate) fn drops(&self) -> watch::Receiver<u64> {
        self.0.drop_generation.subscribe()
    }
}

fn take_one(left: &AtomicU32) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
}

type Asked = Mutex<VecDeque<(String, RpcError)>>;

fn add(asked: &Asked, method: &str, code: i32, name: &str) {
    let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
    if asked.len() < FAILURES_MAX {
        asked.push_back((method.to_owned(), RpcError { code, name: name.to_owned() }));
    }
}

fn take(asked: &Asked, method: &str) -> Option<RpcError> {
    let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
    let at = asked.iter().position(|(name, _)| name == method)?;
    asked.remove(at).map(|(_, error)| error)
}
