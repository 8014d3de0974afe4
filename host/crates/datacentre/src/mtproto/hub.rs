//! All sessions there are, by key: where a client's messages find theirs, and updates their receivers.
//!
//! Invariant: a session's lock may be taken while the hub's is held, never the other way round, and neither is held
//! while a method runs.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use grammers_tl_types::{LAYER, Serializable as _, enums};
use tl_schema::layers;

use super::Limits;
use super::keyring::KnownKey;
use super::outlet::Outlet;
use super::session::Session;
use crate::faults::Faults;
use crate::seam::Pusher;

/// Sessions of one key at a time.
pub(crate) const SESSIONS_PER_KEY_MAX: usize = 64;
/// How long a session without a connection is kept: its messages are too old to be sent again after that.
const DETACHED_MAX: Duration = Duration::from_secs(300);

/// See the module.
pub(crate) struct Hub {
    keys: Mutex<HashMap<i64, KeyEntry>>,
    faults: Faults,
    sessions_max: usize,
}

/// A session and its lock.
pub(crate) type SharedSession = Arc<Mutex<Session>>;

#[derive(Default)]
struct KeyEntry {
    sessions: HashMap<i64, SharedSession>,
    /// How many come from where.
    connections: HashMap<IpAddr, usize>,
    /// The permanent key that this temporary one acts for.
    acts_for: Option<i64>,
    /// The temporary keys that act for this one, of those that have entries.
    bound: HashSet<i64>,
}

/// Takes a session's lock. A panic elsewhere leaves a session as usable as a message that came half-way.
pub(crate) fn lock(session: &SharedSession) -> MutexGuard<'_, Session> {
    session.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hub {
    pub(crate) fn new(faults: Faults, limits: &Limits) -> Self {
        Self { keys: Mutex::default(), faults, sessions_max: limits.sessions_max }
    }

    /// A connection has come from there to this session, which is made if it is new. Where there are too many, of this key or of all,
    /// the one that was longest without a connection goes for it. `None` when each has one.
    pub(crate) fn connect(
        &self,
        known: &KnownKey,
        session_id: i64,
        from: IpAddr,
        outlet: &Arc<Outlet>,
    ) -> Option<SharedSession> {
        let key = &known.key;
        let mut keys = self.keys();
        Self::forget_detached(&mut keys);
        let is_known = keys.get(&key.id()).is_some_and(|entry| entry.sessions.contains_key(&session_id));
        if !is_known {
            let of_key = keys.get(&key.id()).map_or(0, |entry| entry.sessions.len());
            if of_key >= SESSIONS_PER_KEY_MAX {
                Self::forget_idle(&mut keys, |id| id == key.id())?;
            } else if keys.values().map(|entry| entry.sessions.len()).sum::<usize>() >= self.sessions_max {
                Self::forget_idle(&mut keys, |_| true)?;
            }
        }
        let entry = keys.entry(key.id()).or_default();
        *entry.connections.entry(from).or_default() += 1;
        let layer = known.layer.unwrap_or(LAYER);
        let make = || Arc::new(Mutex::new(Session::new(Arc::clone(key), session_id, layer, self.faults.clone())));
        let session = Arc::clone(entry.sessions.entry(session_id).or_insert_with(make));
        lock(&session).attach(outlet, true);
        if let Some(permanent) = known.acts_for().filter(|permanent| *permanent != key.id()) {
            Self::put_under(&mut keys, key.id(), permanent);
        }
        Some(session)
    }

    /// A temporary key acts for a permanent one from now on: its sessions get what is pushed to that.
    pub(crate) fn bind(&self, temporary: i64, permanent: i64) {
        Self::put_under(&mut self.keys(), temporary, permanent);
    }

    /// A connection that had come from there to a session of this key has ended. When it was the last of the key it is or acts for,
    /// that one's id.
    pub(crate) fn disconnected(&self, auth_key_id: i64, from: IpAddr) -> Option<i64> {
        let mut keys = self.keys();
        let entry = keys.get_mut(&auth_key_id)?;
        if let Some(count) = entry.connections.get_mut(&from) {
            *count -= 1;
            entry.connections.retain(|_, count| *count > 0);
        }
        let acted_for = entry.acts_for.unwrap_or(auth_key_id);
        Self::acting(&keys, acted_for).all(|entry| entry.connections.is_empty()).then_some(acted_for)
    }

    /// The key that this one is or acts for, where it has connections from elsewhere too.
    pub(crate) fn used_elsewhere(&self, auth_key_id: i64, from: IpAddr) -> Option<i64> {
        let keys = self.keys();
        let acts_for = keys.get(&auth_key_id)?.acts_for.unwrap_or(auth_key_id);
        let mut places = Self::acting(&keys, acts_for).flat_map(|entry| entry.connections.keys());
        places.any(|place| *place != from).then_some(acts_for)
    }

    /// Forgets a session; false when there is none.
    pub(crate) fn destroy_session(&self, auth_key_id: i64, session_id: i64) -> bool {
        let mut keys = self.keys();
        keys.get_mut(&auth_key_id).is_some_and(|entry| entry.sessions.remove(&session_id).is_some())
    }

    /// Forgets sessions long without a connection, and keys without either.
    fn forget_detached(keys: &mut HashMap<i64, KeyEntry>) {
        keys.retain(|_, entry| {
            let is_kept = |session: &SharedSession| {
                lock(session).detached_since().is_none_or(|since| since.elapsed() < DETACHED_MAX)
            };
            entry.sessions.retain(|_, session| is_kept(session));
            !entry.connections.is_empty() || !entry.sessions.is_empty() || !entry.bound.is_empty()
        });
        let left: HashSet<i64> = keys.keys().copied().collect();
        keys.values_mut().for_each(|entry| entry.bound.retain(|id| left.contains(id)));
    }

    /// Forgets the session of these keys that was longest without a connection, if there is any.
    fn forget_idle(keys: &mut HashMap<i64, KeyEntry>, of_key: impl Fn(i64) -> bool) -> Option<()> {
        let entries = keys.iter().filter(|(id, _)| of_key(**id));
        let sessions = entries.flat_map(|(key, entry)| entry.sessions.iter().map(|(id, session)| (*key, *id, session)));
        let idle = sessions.filter_map(|(key, id, session)| Some((lock(session).detached_since()?, key, id)));
        let (_, key, id) = idle.min()?;
        keys.get_mut(&key)?.sessions.remove(&id).map(drop)
    }

    fn put_under(keys: &mut HashMap<i64, KeyEntry>, temporary: i64, permanent: i64) {
        if let Some(entry) = keys.get_mut(&temporary) {
            entry.acts_for = Some(permanent);
            keys.entry(permanent).or_default().bound.insert(temporary);
        }
    }

    /// What there is of this key and of those that act for it.
    fn acting(keys: &HashMap<i64, KeyEntry>, auth_key_id: i64) -> impl Iterator<Item = &KeyEntry> {
        let entry = keys.get(&auth_key_id);
        let bound = entry.into_iter().flat_map(|entry| &entry.bound);
        entry.into_iter().chain(bound.filter_map(|id| keys.get(id)))
    }

    fn sessions(&self, auth_key_id: i64, but_not: Option<i64>) -> Vec<SharedSession> {
        let keys = self.keys();
        let sessions = Self::acting(&keys, auth_key_id).flat_map(|entry| &entry.sessions);
        sessions.filter(|(id, _)| but_not != Some(**id)).map(|(_, session)| Arc::clone(session)).collect()
    }

    fn keys(&self) -> MutexGuard<'_, HashMap<i64, KeyEntry>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pusher for Hub {
    fn push(&self, auth_key_id: i64, updates: &enums::Updates, but_not: Option<i64>) {
        let mut own: Option<Arc<[u8]>> = None;
        let mut by_layer: HashMap<i32, Option<Arc<[u8]>>> = HashMap::new();
        for session in self.sessions(auth_key_id, but_not) {
            let mut session = lock(&session);
            if !session.wants_updates() {
                continue;
            }
            let own = own.get_or_insert_with(|| updates.to_bytes().into());
            let layer = session.layer();
            if layers::is_same(layer) {
                session.push(own);
            } else if let Some(said) =
                by_layer.entry(layer).or_insert_with(|| layers::updates(layer, own).map(Arc::from))
            {
                session.push(said);
            }
        }
    }

    fn disconnect(&self, auth_key_id: i64) {
        for session in self.sessions(auth_key_id, None) {
            lock(&session).disconnect();
        }
    }
}
