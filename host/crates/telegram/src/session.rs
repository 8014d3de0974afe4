//! Where the data centres are and under which keys the account speaks with them, kept in the account's store.
//!
//! Invariant: at a data centre that is not Telegram's, nothing that the network says changes the address or the key;
//! both come from the configuration and from our own key exchange.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::sync::Mutex;

use grammers_session::SessionData;
use grammers_tl_types::enums;
use store::{AccountStore, DcRecord, StoreError};

use crate::config::{DcAddress, TELEGRAM_DC_FIRST};
use crate::net::{Proxy, ServerClock};
use crate::sync::locked;

/// The session of one account.
pub(crate) struct StoreSession {
    store: AccountStore,
    /// The address of a data centre that is not Telegram's.
    custom: Option<SocketAddr>,
    proxy: Option<Proxy>,
    clock: ServerClock,
    cache: Mutex<Cache>,
}

struct Cache {
    home_dc: i32,
    dcs: HashMap<i32, DcRecord>,
}

impl StoreSession {
    /// The account's session as it was left, with its data centre's address as it is configured now.
    pub(crate) fn open(store: AccountStore, dc: &DcAddress, proxy: Option<Proxy>) -> Result<Self, StoreError> {
        let (custom, cache) = match dc {
            DcAddress::Telegram => (None, telegrams(&store)?),
            DcAddress::Custom { address, dc_id, .. } => {
                let (ipv4, ipv6) = address_pair(*address);
                let auth_key = store.dc(*dc_id)?.and_then(|dc| dc.auth_key);
                let record = DcRecord { id: *dc_id, ipv4, ipv6, auth_key };
                (Some(*address), Cache { home_dc: *dc_id, dcs: HashMap::from([(*dc_id, record)]) })
            }
        };
        Ok(Self { store, custom, proxy, clock: ServerClock::default(), cache: Mutex::new(cache) })
    }

    /// Whether the data centre is not Telegram's.
    pub(crate) fn is_custom(&self) -> bool {
        self.custom.is_some()
    }

    /// The proxy by which it is reached.
    pub(crate) fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    /// The data centre's clock.
    pub(crate) fn clock(&self) -> &ServerClock {
        &self.clock
    }

    /// The number of the data centre the account lives in.
    pub(crate) fn home_dc(&self) -> i32 {
        self.cache().home_dc
    }

    /// The account lives there.
    pub(crate) fn set_home_dc(&self, dc_id: i32) -> Result<(), StoreError> {
        self.cache().home_dc = dc_id;
        self.store.set_home_dc(dc_id)
    }

    /// Every address of a data centre.
    pub(crate) fn addresses(&self, dc_id: i32) -> Vec<SocketAddr> {
        let cache = self.cache();
        let Some(dc) = cache.dcs.get(&dc_id) else { return Vec::new() };
        if let Some(address) = self.custom {
            return vec![address];
        }
        // What is not known is kept as none at all, or as the other family's.
        let v6 = Some(dc.ipv6).filter(|v6| v6.ip().to_ipv4_mapped().is_none() && !v6.ip().is_unspecified());
        let v4 = Some(dc.ipv4).filter(|v4| !v4.ip().is_unspecified());
        v6.map(SocketAddr::V6).into_iter().chain(v4.map(SocketAddr::V4)).collect()
    }

    /// A data centre, as it is called in a text.
    pub(crate) fn address_text(&self, dc_id: i32) -> String {
        self.addresses(dc_id).last().map_or_else(|| "the data centre".to_owned(), SocketAddr::to_string)
    }

    /// The key for a data centre, if there is one.
    pub(crate) fn key(&self, dc_id: i32) -> Option<[u8; 256]> {
        self.cache().dcs.get(&dc_id)?.auth_key
    }

    /// Keeps a key that an exchange has made.
    pub(crate) fn set_key(&self, dc_id: i32, auth_key: [u8; 256]) -> Result<(), StoreError> {
        let mut cache = self.cache();
        if let Some(dc) = cache.dcs.get_mut(&dc_id) {
            dc.auth_key = Some(auth_key);
            self.store.set_dc(dc)?;
        }
        self.store.set_home_dc(cache.home_dc)
    }

    /// Takes where Telegram says that its data centres are.
    pub(crate) fn learn(&self, options: &[enums::DcOption]) -> Result<(), StoreError> {
        if self.is_custom() {
            return Ok(());
        }
        let mut cache = self.cache();
        for enums::DcOption::Option(option) in options {
            let is_plain = option.r#static && !option.media_only && !option.tcpo_only && !option.cdn;
            let (Ok(ip), Ok(port)) = (option.ip_address.parse::<IpAddr>(), u16::try_from(option.port)) else {
                continue;
            };
            let Some(dc) = cache.dcs.get_mut(&option.id).filter(|_| is_plain) else { continue };
            let before = (dc.ipv4, dc.ipv6);
            match ip {
                IpAddr::V4(ip) => dc.ipv4 = SocketAddrV4::new(ip, port),
                IpAddr::V6(ip) => dc.ipv6 = SocketAddrV6::new(ip, port, 0, 0),
            }
            if before != (dc.ipv4, dc.ipv6) {
                self.store.set_dc(dc)?;
            }
        }
        Ok(())
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, Cache> {
        locked(&self.cache)
    }
}

/// Telegram's own data centres: as they are known to everybody, and as this account knows them.
fn telegrams(store: &AccountStore) -> Result<Cache, StoreError> {
    let mut dcs = HashMap::new();
    for (id, known) in SessionData::default().dc_options {
        let known = DcRecord { id, ipv4: known.ipv4, ipv6: known.ipv6, auth_key: None };
        dcs.insert(id, store.dc(id)?.unwrap_or(known));
    }
    Ok(Cache { home_dc: store.home_dc()?.unwrap_or(TELEGRAM_DC_FIRST), dcs })
}

/// The two addresses that are kept of a data centre, from the one that is known.
fn address_pair(address: SocketAddr) -> (SocketAddrV4, SocketAddrV6) {
    match address {
        SocketAddr::V4(v4) => (v4, SocketAddrV6::new(v4.ip().to_ipv6_mapped(), v4.port(), 0, 0)),
        SocketAddr::V6(v6) => (SocketAddrV4::new(std::net::Ipv4Addr::UNSPECIFIED, v6.port()), v6),
    }
}
