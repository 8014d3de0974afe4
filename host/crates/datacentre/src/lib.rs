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
mod turn_arounds;

pub use faults::Faults;
pub use mtproto::RsaKeyError;
#[doc(hidden)]
pub use mtproto::foreign;
pub use turn_arounds::TurnAround;

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use api::{Api, DcInfo};
use model::Model;
use model::room::{Room, is_no_room_for_file};
use mtproto::{Hub, Limits, RsaKey, Shared};
use seam::{AuthKeys, Methods, Pusher};
use turn_arounds::TurnArounds;

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

/// Why a data centre does not start. Each says what happened, why, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory cannot be made or made private.
    #[error("cannot use the data directory {path}: {source}; choose another, or make it yours")]
    DataDir {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// See [`RsaKeyError`].
    #[error(transparent)]
    RsaKey(#[from] RsaKeyError),
    /// The disk has no room for what the data centre must keep.
    #[error("there is no room for the data centre: {0}; make room on its disk")]
    NoRoom(String),
    /// The database in the data directory cannot be used; the text says why and what to do.
    #[error("{0}")]
    Database(String),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; choose another address, or port 0 for any free one")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// A part of the start that runs on a thread of its own was lost.
    #[error("the data centre did not start: {0}; this is a fault in this program")]
    Internal(#[from] tokio::task::JoinError),
}

/// A data centre at work. Dropping it stops it; [`DataCentre::stop`] also waits until it has stopped.
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
    faults: Faults,
    turn_arounds: TurnArounds,
    room: Arc<Room>,
    stop: watch::Sender<()>,
    serving: JoinHandle<()>,
}

impl DataCentre {
    /// Starts a data centre on the current tokio runtime. When this returns it accepts connections.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let Config { listen, data_dir, dc_id } = config;
        let (rsa, model) = tokio::task::spawn_blocking(move || open(&data_dir)).await??;
        let in_use = |source| StartError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(in_use)?;
        let address = listener.local_addr().map_err(in_use)?;

        let faults = Faults::new();
        let limits = Limits::default();
        let hub = Arc::new(Hub::new(faults.clone(), &limits));
        let api = Arc::new(Api::new(Arc::clone(&model), DcInfo { id: dc_id, address }, faults.clone()));
        api.connect(&(Arc::clone(&hub) as Arc<dyn Pusher>));
        let (public_key_path, public_key_pem) = (rsa.public_path.clone(), rsa.public_pem.clone());
        let (room, turn_arounds) = (Arc::clone(&model.room), api.turn_arounds());
        let shared = Shared::new(rsa, hub, model as Arc<dyn AuthKeys>, api as Arc<dyn Methods>, faults.clone(), limits);
        let (stop, stopped) = watch::channel(());
        let serving = tokio::spawn(mtproto::serve(shared, listener, stopped));
        Ok(Self { address, dc_id, public_key_path, public_key_pem, faults, turn_arounds, room, stop, serving })
    }

    /// A handle with which to make it misbehave.
    pub fn faults(&self) -> Faults {
        self.faults.clone()
    }

    /// From now on tells how long users take from a message to what they send next, until this is dropped or asked for again.
    pub fn turn_arounds(&self) -> mpsc::Receiver<TurnAround> {
        self.turn_arounds.ask()
    }

    /// How many writes have failed so far because the disk had no room. What is asked of a data centre without room is
    /// refused with Telegram's 500, so this tells whether that was why.
    pub fn writes_refused(&self) -> u64 {
        self.room.refused()
    }

    /// Closes every connection and returns once nothing of it is at work any more.
    pub async fn stop(self) {
        drop(self.stop);
        if let Err(error) = self.serving.await {
            tracing::error!(%error, "the data centre ended badly");
        }
    }
}

/// The database in a data centre's directory, if there is one. The rest of what lies there is files that stay as they are.
pub fn database(data_dir: &Path) -> Option<PathBuf> {
    Some(data_dir.join(model::DATABASE_FILE)).filter(|path| path.is_file())
}

/// Writes a copy of that database, as it is at one moment, to `to`, where there must be none: also while a data centre has it.
///
/// # Errors
/// [`StartError::NoRoom`] and [`StartError::Database`].
pub fn copy_to(data_dir: &Path, to: &Path) -> Result<(), StartError> {
    model::snapshot::copy_to(data_dir, to).map_err(unusable)
}

/// Everything that lies in the data directory.
fn open(data_dir: &Path) -> Result<(RsaKey, Arc<Model>), StartError> {
    make_private(data_dir).map_err(|source| match is_no_room_for_file(&source) {
        true => StartError::NoRoom(source.to_string()),
        false => StartError::DataDir { path: data_dir.to_owned(), source },
    })?;
    let rsa = RsaKey::load_or_make(data_dir).map_err(|error| match &error {
        RsaKeyError::File { source, .. } if is_no_room_for_file(source) => StartError::NoRoom(error.to_string()),
        _ => error.into(),
    })?;
    let model = Model::open(data_dir, model::Limits::default()).map_err(unusable)?;
    Ok((rsa, Arc::new(model)))
}

fn unusable(error: model::OpenError) -> StartError {
    if error.is_no_room() { StartError::NoRoom(error.to_string()) } else { StartError::Database(error.to_string()) }
}

/// Makes the directory, for its owner only; one that is there already keeps the rights its owner gave it.
fn make_private(directory: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)
}
