//! The embedded data centre: a real MTProto server on loopback, with Telegram's own behaviour for what it offers.
//! It is the default for a first run, for development and for every test.
//!
//! Invariant: whatever a client sends, the server answers as Telegram's documentation says or closes that one
//! connection; no input ends it or touches another user's data.

mod api;
mod faults;
mod model;
mod mtproto;
mod seam;

pub use faults::Faults;
pub use mtproto::RsaKeyError;

use std::net::SocketAddr;
use std::path::PathBuf;

/// How to start a data centre.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Where everything it must keep lies: RSA key, database. Made if missing, readable by the owner only.
    pub data_dir: PathBuf,
    /// Its number; clients' sessions name it.
    pub dc_id: i32,
}

/// A data centre at work. Dropping it stops it.
#[derive(Debug)]
pub struct DataCentre {
    /// The address it listens on.
    pub address: SocketAddr,
    /// Its number.
    pub dc_id: i32,
    /// Its RSA public key, as a PKCS#1 PEM file.
    pub public_key_path: PathBuf,
    /// The same key's PEM text.
    pub public_key_pem: String,
}
