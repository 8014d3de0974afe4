//! A host at work, in the hands of those who ask it.
//!
//! Invariant: what changes it is done one after another and to its end, whether whoever asked waits for that or has gone;
//! what only looks waits for nobody.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::api::Tokens;
use super::board::Board;
use super::host::Host;
use super::logins::Logins;
use super::refusal::Refusal;
use super::script::ScriptKey;
use crate::api::types::Reloaded;
use crate::data_dir::DataDir;
use crate::output::{ScriptLog, ScriptLogs};
use crate::readiness;

/// Whoever wants to change something waits so long for others to have done.
const TURN_WAIT_MAX: Duration = Duration::from_secs(60);

/// See the module. Cheap to clone.
#[derive(Clone)]
pub(super) struct Handle {
    shared: Arc<Shared>,
}

struct Shared {
    folder: PathBuf,
    data_dir: DataDir,
    tokens: Tokens,
    logs: ScriptLogs,
    logins: Logins,
    board: Board,
    /// None when it has ended.
    host: Mutex<Option<Host>>,
}

impl Handle {
    /// Puts a host into these hands, that is told by the files in this folder.
    pub(super) fn new(
        host: Host,
        board: Board,
        logs: ScriptLogs,
        tokens: Tokens,
        folder: &Path,
        data_dir: DataDir,
    ) -> Self {
        let folder = folder.to_owned();
        let (logins, host) = (Logins::default(), Mutex::new(Some(host)));
        Self { shared: Arc::new(Shared { folder, data_dir, tokens, logs, logins, board, host }) }
    }

    /// The host's folder.
    pub(super) fn folder(&self) -> &Path {
        &self.shared.folder
    }

    /// The folder of its data.
    pub(super) fn data_dir(&self) -> &DataDir {
        &self.shared.data_dir
    }

    /// Who may ask.
    pub(super) fn tokens(&self) -> &Tokens {
        &self.shared.tokens
    }

    /// Accounts that are being logged in.
    pub(super) fn logins(&self) -> &Logins {
        &self.shared.logins
    }

    /// How everything stands.
    pub(super) fn board(&self) -> &Board {
        &self.shared.board
    }

    /// The log of this script.
    pub(super) fn log_of(&self, key: &ScriptKey) -> ScriptLog {
        self.shared.logs.of(&key.within_account())
    }

    /// Stops a script until it is started again.
    pub(super) async fn stop_script(&self, key: ScriptKey) -> Result<(), Refusal> {
        self.change(|host| Box::pin(async move { host.stop_script(&key).await })).await
    }

    /// Starts a script that does not run.
    pub(super) async fn start_script(&self, key: ScriptKey) -> Result<(), Refusal> {
        self.change(|host| Box::pin(async move { host.start_script(&key).await })).await
    }

    /// Stops and starts a script, from its file as it is now.
    pub(super) async fn restart_script(&self, key: ScriptKey) -> Result<(), Refusal> {
        self.change(|host| {
            Box::pin(async move {
                host.stop_script(&key).await?;
                host.start_script(&key).await
            })
        })
        .await
    }

    /// Reads the files again and does what they say now. Where they are wrong everything goes on as it was.
    pub(super) async fn reload(&self) -> Result<Reloaded, Refusal> {
        let folder = self.shared.folder.clone();
        self.change(|host| {
            Box::pin(async move {
                let config = config::read(&folder).map_err(|faults| Refusal::Conflict(faults.to_string()))?;
                Ok(Reloaded { troubles: readiness::tell_reload(host.apply(config)).await })
            })
        })
        .await
    }

    /// Ends the host, in order.
    pub(super) async fn end(&self) {
        let host = self.shared.host.lock().await.take();
        if let Some(host) = host {
            host.stop().await;
        }
    }

    /// Changes the host, in a task of its own: half a change is none.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        work: impl for<'a> FnOnce(&'a mut Host) -> BoxFuture<'a, Result<T, Refusal>> + Send + 'static,
    ) -> Result<T, Refusal> {
        let shared = Arc::clone(&self.shared);
        let change = tokio::spawn(async move {
            let mut host = timeout(TURN_WAIT_MAX, shared.host.lock()).await.map_err(|_| Refusal::Busy)?;
            work(host.as_mut().ok_or(Refusal::Ending)?).await
        });
        change.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a change of the host ended badly");
            Err(Refusal::Failed("a fault in the host (a bug in tglhost)".to_owned()))
        })
    }
}
