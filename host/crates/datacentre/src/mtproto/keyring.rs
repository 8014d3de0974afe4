//! The authorisation keys that clients may come with: the permanent ones, which `model` keeps, and the temporary ones,
//! which nobody keeps beyond their time (<https://core.telegram.org/api/pfs>).
//!
//! Invariant: a key whose time is over opens nothing, nor does one that acts for a key that is gone; a temporary key acts
//! for one permanent key in its life.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Limits;
use super::envelope::AuthKey;
use super::handshake::Lifetime;
use crate::seam::AuthKeys;

/// The longest a temporary key may live.
const LIFETIME_MAX: Duration = Duration::from_secs(7 * 24 * 3_600);

/// See the module.
pub(crate) struct Keyring {
    permanent: Arc<dyn AuthKeys>,
    temporary: Mutex<HashMap<i64, KnownKey>>,
    limits: Limits,
}

/// A key found.
#[derive(Clone, Debug)]
pub(crate) struct KnownKey {
    pub(crate) key: Arc<AuthKey>,
    /// The layer the client announced for it.
    pub(crate) layer: Option<i32>,
    /// Of a temporary key, the same for all who know it.
    temporary: Option<Arc<Temporary>>,
}

/// How long a temporary key lives and what it acts for.
#[derive(Debug)]
struct Temporary {
    made: Instant,
    expires: Instant,
    bound: Mutex<Option<Bound>>,
}

#[derive(Clone, Copy, Debug)]
struct Bound {
    permanent: i64,
    since: Instant,
    expires: Instant,
}

/// Why a key cannot be bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BindError {
    /// It is a permanent one, or forgotten.
    Empty,
    /// It acts for another key already.
    BoundToAnother,
}

impl KnownKey {
    /// Whether it may still be used.
    pub(crate) fn is_valid(&self) -> bool {
        self.expires().is_none_or(|expires| Instant::now() < expires)
    }

    /// When its time is over, if ever.
    pub(crate) fn expires(&self) -> Option<Instant> {
        self.temporary.as_ref().map(|temporary| temporary.expires())
    }

    /// How long a temporary key lives still, in seconds, as agreed with the key; none for a permanent one.
    pub(crate) fn life_left_s(&self) -> Option<i32> {
        let left = self.temporary.as_ref()?.expires.saturating_duration_since(Instant::now());
        Some(i32::try_from(left.as_secs()).unwrap_or(i32::MAX))
    }

    /// The permanent key it is or acts for; none for a temporary one that is not bound yet.
    pub(crate) fn acts_for(&self) -> Option<i64> {
        match &self.temporary {
            Some(temporary) => temporary.bound().map(|bound| bound.permanent),
            None => Some(self.key.id()),
        }
    }
}

impl Temporary {
    fn expires(&self) -> Instant {
        self.bound().map_or(self.expires, |bound| bound.expires.min(self.expires))
    }

    fn bound(&self) -> Option<Bound> {
        *self.bound.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keyring {
    pub(crate) fn new(permanent: Arc<dyn AuthKeys>, limits: Limits) -> Self {
        Self { permanent, temporary: Mutex::default(), limits }
    }

    /// The key with this id, if it is known and its time not over.
    pub(crate) fn find(&self, id: i64) -> Option<KnownKey> {
        let temporary = self.temporary().get(&id).cloned();
        if let Some(known) = temporary {
            let is_lost = || known.acts_for().is_some_and(|permanent| self.permanent.find(permanent).is_none());
            return (known.is_valid() && !is_lost()).then_some(known);
        }
        let record = self.permanent.find(id)?;
        Some(KnownKey { key: Arc::new(AuthKey::new(record.key)), layer: record.layer, temporary: None })
    }

    /// The permanent key with this id.
    pub(crate) fn permanent(&self, id: i64) -> Option<AuthKey> {
        self.permanent.find(id).map(|record| AuthKey::new(record.key))
    }

    /// Has a temporary key act for a permanent one from now on, for so long; when it is said again the last time counts. The
    /// permanent one's other temporary keys go on acting for it, although
    /// <https://core.telegram.org/method/auth.bindTempAuthKey> has said otherwise: TDLib and the Android client have several
    /// act for it at once.
    pub(crate) fn bind(&self, known: &KnownKey, permanent: i64, life_s: i32) -> Result<(), BindError> {
        let mut keys = self.temporary();
        let temporary =
            known.temporary.as_ref().filter(|_| keys.contains_key(&known.key.id())).ok_or(BindError::Empty)?;
        let before = temporary.bound();
        if before.is_some_and(|bound| bound.permanent != permanent) {
            return Err(BindError::BoundToAnother);
        }
        if before.is_none() {
            make_room(&mut keys, self.limits.bound_keys_per_key_max, |key| {
                key.bound().filter(|bound| bound.permanent == permanent).map(|bound| bound.since)
            });
            make_room(&mut keys, self.limits.bound_keys_max, |key| key.bound().map(|bound| bound.since));
        }
        let now = Instant::now();
        let expires = now + Duration::from_secs(life_s.max(0).unsigned_abs().into());
        let bound = Bound { permanent, since: before.map_or(now, |bound| bound.since), expires };
        *temporary.bound.lock().unwrap_or_else(PoisonError::into_inner) = Some(bound);
        Ok(())
    }

    /// Keeps a key just agreed upon; false when there is one of its id.
    pub(crate) fn insert(&self, key: &AuthKey, lifetime: Lifetime) -> bool {
        let id = key.id();
        if id == 0 || self.find(id).is_some() {
            return false;
        }
        let Lifetime::Temporary(lifetime) = lifetime else { return self.permanent.insert(key.bytes()) };
        let mut temporary = self.temporary();
        temporary.retain(|_, known| known.is_valid());
        make_room(&mut temporary, self.limits.unbound_keys_max, |key| key.bound().is_none().then_some(key.made));
        let made = Instant::now();
        let lives = Temporary { made, expires: made + lifetime.min(LIFETIME_MAX), bound: Mutex::default() };
        let key = Arc::new(AuthKey::new(*key.bytes()));
        temporary.insert(id, KnownKey { key, layer: None, temporary: Some(Arc::new(lives)) });
        true
    }

    /// Forgets a key.
    pub(crate) fn remove(&self, id: i64) {
        if self.temporary().remove(&id).is_none() {
            self.permanent.remove(id);
        }
    }

    /// Remembers the layer a client announced, for this key and the one it acts for.
    pub(crate) fn set_layer(&self, known: &KnownKey, layer: i32) {
        if let Some(temporary) = self.temporary().get_mut(&known.key.id()) {
            temporary.layer = Some(layer);
        }
        if let Some(permanent) = known.acts_for() {
            self.permanent.set_layer(permanent, layer);
        }
    }

    fn temporary(&self) -> MutexGuard<'_, HashMap<i64, KnownKey>> {
        self.temporary.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets the oldest of those keys that have an age, if there are `max` of them. By age alone: whoever wants to be rid of
/// another's key must make as many as there may be, for each that goes.
fn make_room(keys: &mut HashMap<i64, KnownKey>, max: usize, born: impl Fn(&Temporary) -> Option<Instant>) {
    let ages: Vec<_> = keys.iter().filter_map(|(id, known)| Some((born(known.temporary.as_ref()?)?, *id))).collect();
    if ages.len() >= max
        && let Some((_, oldest)) = ages.into_iter().min()
    {
        keys.remove(&oldest);
    }
}
