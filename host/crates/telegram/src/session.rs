//! The session that grammers reads and writes, kept in the account's store.
//!
//! Invariant: at a data centre that is not Telegram's, nothing that the network says changes the address or the key;
//! both come from the configuration and from our own key exchange.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use grammers_session::types::{DcOption, PeerId, PeerInfo, UpdateState, UpdatesState};
use grammers_session::{BoxFuture, Session, SessionData};
use store::{AccountStore, DcRecord, StoreError};

use crate::config::{DcAddress, TELEGRAM_DC_FIRST, address_pair};

/// The session of one account. Peers and update states are not grammers' business here: they are in the store.
pub(crate) struct StoreSession {
    store: AccountStore,
    is_custom: bool,
    cache: Mutex<Cache>,
}

struct Cache {
    home_dc: i32,
    dcs: HashMap<i32, DcOption>,
}

impl StoreSession {
    /// The account's session as it was left, with its data centre's address as it is configured now.
    pub(crate) fn open(store: AccountStore, dc: &DcAddress) -> Result<Self, StoreError> {
        let (home_dc, mut dcs) = match dc {
            DcAddress::Telegram => (store.home_dc()?.unwrap_or(TELEGRAM_DC_FIRST), SessionData::default().dc_options),
            DcAddress::Custom { address, dc_id, .. } => {
                let (ipv4, ipv6) = address_pair(*address);
                let auth_key = store.dc(*dc_id)?.and_then(|dc| dc.auth_key);
                (*dc_id, HashMap::from([(*dc_id, DcOption { id: *dc_id, ipv4, ipv6, auth_key })]))
            }
        };
        if !dc.is_custom() {
            for (id, option) in &mut dcs {
                if let Some(known) = store.dc(*id)? {
                    *option = DcOption { id: *id, ipv4: known.ipv4, ipv6: known.ipv6, auth_key: known.auth_key };
                }
            }
        }
        Ok(Self { store, is_custom: dc.is_custom(), cache: Mutex::new(Cache { home_dc, dcs }) })
    }

    /// Whether the data centre is not Telegram's.
    pub(crate) fn is_custom(&self) -> bool {
        self.is_custom
    }

    /// The number of the data centre the account lives in.
    pub(crate) fn home_dc(&self) -> i32 {
        self.cache().home_dc
    }

    /// Where that data centre is.
    pub(crate) fn home_address(&self) -> Option<SocketAddr> {
        let cache = self.cache();
        cache.dcs.get(&cache.home_dc).map(|dc| dc.ipv4.into())
    }

    /// Whether there is a key for that data centre.
    pub(crate) fn has_key(&self) -> bool {
        let cache = self.cache();
        cache.dcs.get(&cache.home_dc).is_some_and(|dc| dc.auth_key.is_some())
    }

    /// Keeps a key that our own exchange has made with the data centre the account lives in.
    pub(crate) fn set_key(&self, auth_key: [u8; 256]) -> Result<(), StoreError> {
        let mut cache = self.cache();
        let home_dc = cache.home_dc;
        if let Some(dc) = cache.dcs.get_mut(&home_dc) {
            dc.auth_key = Some(auth_key);
            self.store.set_dc(&record(dc))?;
        }
        self.store.set_home_dc(home_dc)
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session for StoreSession {
    type Error = StoreError;

    fn home_dc_id(&self) -> Result<i32, StoreError> {
        Ok(self.home_dc())
    }

    fn set_home_dc_id(&self, dc_id: i32) -> BoxFuture<'_, Result<(), StoreError>> {
        self.cache().home_dc = dc_id;
        let kept = self.store.set_home_dc(dc_id);
        Box::pin(std::future::ready(kept))
    }

    fn dc_option(&self, dc_id: i32) -> Result<Option<DcOption>, StoreError> {
        Ok(self.cache().dcs.get(&dc_id).cloned())
    }

    fn set_dc_option(&self, dc: &DcOption) -> BoxFuture<'_, Result<(), StoreError>> {
        let mut cache = self.cache();
        let kept = if self.is_custom || cache.dcs.get(&dc.id) == Some(dc) {
            Ok(())
        } else {
            cache.dcs.insert(dc.id, dc.clone());
            self.store.set_dc(&record(dc))
        };
        Box::pin(std::future::ready(kept))
    }

    fn peer(&self, _: PeerId) -> BoxFuture<'_, Result<Option<PeerInfo>, StoreError>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn cache_peer(&self, _: PeerInfo) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn updates_state(&self) -> BoxFuture<'_, Result<UpdatesState, StoreError>> {
        Box::pin(std::future::ready(Ok(UpdatesState::default())))
    }

    fn set_update_state(&self, _: UpdateState) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

fn record(dc: &DcOption) -> DcRecord {
    DcRecord { id: dc.id, ipv4: dc.ipv4, ipv6: dc.ipv6, auth_key: dc.auth_key }
}
