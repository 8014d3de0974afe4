//! Where an account's data centre is and how the program introduces itself to it.

use std::net::SocketAddr;

use grammers_tl_types as tl;
use store::AccountStore;
use tl::functions;

use crate::net::Proxy;

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

/// What an account needs to log in and to start.
#[derive(Clone, Debug)]
pub struct AccountConfig {
    /// The account's file.
    pub store: AccountStore,
    /// Its data centre.
    pub dc: DcAddress,
    /// The program's credentials.
    pub api: ApiCredentials,
    /// The proxy by which its data centre is reached, if it is not reached directly.
    pub proxy: Option<Proxy>,
}

/// What the data centre is told about the program, with the first request:
/// <https://core.telegram.org/method/initConnection>.
pub(crate) fn hello<Q>(api_id: i32, query: Q) -> functions::InvokeWithLayer<functions::InitConnection<Q>> {
    let query = functions::InitConnection {
        api_id,
        device_model: "tglhost".to_owned(),
        system_version: std::env::consts::OS.to_owned(),
        app_version: env!("CARGO_PKG_VERSION").to_owned(),
        system_lang_code: "en".to_owned(),
        lang_pack: String::new(),
        lang_code: "en".to_owned(),
        proxy: None,
        params: None,
        query,
    };
    functions::InvokeWithLayer { layer: tl::LAYER, query }
}
