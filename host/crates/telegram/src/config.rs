//! Where an account's data centre is and how the program introduces itself to it.

use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::num::NonZeroUsize;

use grammers_client::sender::{ConnectionParams, NoRetries};
use store::AccountStore;

/// Updates that may wait between the network and the actor. What is pushed beyond that shows as a gap and is fetched.
const UPDATES_QUEUE_MAX: NonZeroUsize = NonZeroUsize::new(4_096).expect("not zero");

/// The data centre an account begins at, where nothing else is known: <https://core.telegram.org/api/datacenter>.
pub(crate) const TELEGRAM_DC_FIRST: i32 = 2;

/// Whose data centre it is.
#[derive(Clone, Debug)]
pub enum DcAddress {
    /// Telegram's own: addresses and keys are known.
    Telegram,
    /// Another one that speaks MTProto, the embedded one for example.
    Custom {
        /// Where it listens.
        address: SocketAddr,
        /// Its RSA public key: a PEM text, PKCS#1 or SPKI.
        public_key_pem: String,
        /// Its number.
        dc_id: i32,
    },
}

impl DcAddress {
    /// A data centre that is not Telegram's has no other ones behind it.
    pub(crate) fn is_custom(&self) -> bool {
        matches!(self, Self::Custom { .. })
    }
}

/// The program's credentials at Telegram: <https://my.telegram.org>. `Debug` does not show the hash.
#[derive(Clone)]
pub struct ApiCredentials {
    /// Says which program connects.
    pub api_id: i32,
    /// Goes with it, and is kept secret.
    pub api_hash: String,
}

impl std::fmt::Debug for ApiCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiCredentials").field("api_id", &self.api_id).finish_non_exhaustive()
    }
}

/// What an account needs to start.
#[derive(Clone, Debug)]
pub struct AccountConfig {
    /// The account's file.
    pub store: AccountStore,
    /// Its data centre.
    pub dc: DcAddress,
    /// The program's credentials.
    pub api: ApiCredentials,
}

/// What the data centre is told about the program: <https://core.telegram.org/method/initConnection>. Every field is
/// named, because the `Default` of this type asks the system for 14-27 ms what it is.
pub(crate) fn connection_params() -> ConnectionParams {
    ConnectionParams {
        device_model: "tglhost".to_owned(),
        system_version: std::env::consts::OS.to_owned(),
        app_version: env!("CARGO_PKG_VERSION").to_owned(),
        system_lang_code: "en".to_owned(),
        lang_code: "en".to_owned(),
        use_ipv6: false,
        retry_policy: Box::new(NoRetries),
        updates_channel_capacity: UPDATES_QUEUE_MAX,
        __non_exhaustive: (),
    }
}

/// The two addresses that a session keeps for a data centre, from the one that is known.
pub(crate) fn address_pair(address: SocketAddr) -> (SocketAddrV4, SocketAddrV6) {
    match address {
        SocketAddr::V4(v4) => (v4, SocketAddrV6::new(v4.ip().to_ipv6_mapped(), v4.port(), 0, 0)),
        SocketAddr::V6(v6) => {
            let v4 = v6.ip().to_ipv4_mapped().unwrap_or(std::net::Ipv4Addr::UNSPECIFIED);
            (SocketAddrV4::new(v4, v6.port()), v6)
        }
    }
}
