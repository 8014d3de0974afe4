//! One actor per Telegram account, on grammers' connections: logging in, updates into the store, calls out of it.
//!
//! Invariant: what the network does (cuts, garbage, a revoked session, a panic inside of grammers) is one account's
//! matter: it reconnects or says that it is logged out, and nothing else notices.

mod account;
mod actor;
mod ask;
mod backoff;
mod calls;
mod channel_difference;
mod config;
mod context;
mod difference;
mod fault;
mod file_connections;
mod floods;
pub mod foreign;
mod held;
mod intake;
mod key_exchange;
mod link;
mod live;
pub mod login;
mod naming;
mod net;
mod one_line;
mod pool;
mod presence;
mod random;
mod rpc_error;
mod session;
mod slots;
mod sync;
mod transfers;
mod turns;

pub use account::{Account, display_name, is_logged_in};
pub use actor::CALLS_UNDER_WAY_MAX;
pub use calls::{FILE_BYTES_MAX, PART_BYTES, TEXT_FILE_BYTES_MAX};
pub use config::{AccountConfig, ApiCredentials, DcAddress};
pub use dh::DhFault;
pub use difference::{RECOVERY_DIALOGS_MAX, RECOVERY_MESSAGES_MAX};
pub use held::Held;
pub use key_exchange::ExchangeError;
pub use net::{Proxy, ProxyError};
pub use slots::TRANSFERS_MAX;
pub use transfers::LISTS_MAX;
