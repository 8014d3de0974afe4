//! The authorisation keys that clients may come with: the permanent ones, which `model` keeps, and the temporary ones,
//! which nobody keeps beyond their time (<https://core.telegram.org/api/pfs>).
//!
//! Invariant: a key whose time is over opens nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    expires: Option<Instant>,
}

impl KnownKey {
    /// Whether it may still be used.
    pub(crate) fn is_valid(&self) -> bool {
        self.expires.is_none_or(|expires| Instant::now() < expires)
    }
}

impl Keyring {
    pub(crate) fn new(permanent: Arc<dyn AuthKeys>) -> Self {
        Self { permanent, temporary: Mutex::default() }
    }

    /// The key with this id, if it is known and its time not over.
    pub(crate) fn find(&self, id: i64) -> Option<KnownKey> {
        if let Some(known) = self.temporary().get(&id) {
            return known.is_valid().then(|| known.clone());
        }
        let record = self.permanent.find(id)?;
        Some(KnownKey { key: Arc::new(AuthKey::new(record.key)), layer: record.layer, expires: None })
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
            let soonest = temporary.iter().min_by_key(|(_, known)| known.expires).map(|(id, _)| *id);
            soonest.and_then(|id| temporary.remove(&id));
        }
        let expires = Some(Instant::now() + lifetime.min(LIFETIME_MAX));
        let key = Arc::new(AuthKey::new(*agreed.key.bytes()));
        temporary.insert(id, KnownKey { key, layer: None, expires });
        true
    }

    /// Forgets a key.
    pub(crate) fn remove(&self, id: i64) {
        if self.temporary().remove(&id).is_none() {
            self.permanent.remove(id);
        }
    }

    /// Remembers the layer a client announced.
    pub(crate) fn set_layer(&self, id: i64, layer: i32) {
        match self.temporary().get_mut(&id) {
            Some(known) => known.layer = Some(layer),
            None => self.permanent.set_layer(id, layer),
        }
    }

    fn temporary(&self) -> MutexGuard<'_, HashMap<i64, KnownKey>> {
        self.temporary.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
