//! The authorisation keys that clients may come with: the permanent ones, which `model` keeps, and the temporary ones,
//! which nobody keeps beyond their time (<https://core.telegram.org/api/pfs>).
//!
//! Invariant: a key whose time is over opens nothing, nor does one that acts for a key that is gone; a temporary key acts
//! for one permanent key in its life.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::envelope::AuthKey;
use super::handshake::{Agreed, Lifetime};
use crate::seam::AuthKeys;

/// Temporary keys at a time.
const TEMPORARY_MAX: usize = 4_096;
/// The longest a temporary key may live.
const LIFETIME_MAX: Duration = Duration::from_secs(7 * 24 * 3_600);

/// See the module.
pub(crate) struct Keyring {
    permanent: Arc<dyn AuthKeys>,
    temporary: Mutex<HashMap<i64, KnownKey>>,
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
    expires: Instant,
    bound: OnceLock<Bound>,
}

#[derive(Debug)]
struct Bound {
    permanent: i64,
    expires: Instant,
}

/// Why a key cannot be bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BindError {
    /// It is a permanent one.
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
            Some(temporary) => temporary.bound.get().map(|bound| bound.permanent),
            None => Some(self.key.id()),
        }
    }
}

impl Temporary {
    fn expires(&self) -> Instant {
        self.bound.get().map_or(self.expires, |bound| bound.expires.min(self.expires))
    }
}

impl Keyring {
    pub(crate) fn new(permanent: Arc<dyn AuthKeys>) -> Self {
        Self { permanent, temporary: Mutex::default() }
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

    /// Has a temporary key act for a permanent one from now on, for so long.
    pub(crate) fn bind(&self, known: &KnownKey, permanent: i64, life_s: i32) -> Result<(), BindError> {
        let temporary = known.temporary.as_ref().ok_or(BindError::Empty)?;
        let expires = Instant::now() + Duration::from_secs(life_s.max(0).unsigned_abs().into());
        let bound = temporary.bound.get_or_init(|| Bound { permanent, expires });
        if bound.permanent == permanent { Ok(()) } else { Err(BindError::BoundToAnother) }
    }

    /// Keeps a key just agreed upon; false when there is one of its id.
    pub(crate) fn insert(&self, agreed: &Agreed) -> bool {
        let id = agreed.key.id();
        if id == 0 || self.find(id).is_some() {
            return false;
        }
        let Lifetime::Temporary(lifetime) = agreed.lifetime else { return self.permanent.insert(agreed.key.bytes()) };
        let mut temporary = self.temporary();
        temporary.retain(|_, known| known.is_valid());
        if temporary.len() >= TEMPORARY_MAX {
            let soonest = temporary.iter().min_by_key(|(_, known)| known.expires()).map(|(id, _)| *id);
            soonest.and_then(|id| temporary.remove(&id));
        }
        let lives = Temporary { expires: Instant::now() + lifetime.min(LIFETIME_MAX), bound: OnceLock::new() };
        let key = Arc::new(AuthKey::new(*agreed.key.bytes()));
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
