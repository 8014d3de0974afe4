//! A host at work, in the hands of those who ask it.
//!
//! Invariant: what changes one script waits for other changes of that script alone; what changes the host as a whole waits for
//! all, and all for it. Each is done to its end, whether whoever asked waits for that or has gone. What only looks waits for
//! nobody.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use config::Script as Settings;
use futures_util::future::BoxFuture;
use tokio::sync::{Mutex, OwnedMutexGuard, RwLock, watch};
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
    /// Who changes the host as a whole has it alone, who changes a script shares it.
    whole: RwLock<()>,
    turns: Turns,
    /// Says that the host ends.
    ends: watch::Sender<bool>,
    /// None when it has ended. Nobody who changes a script has it for longer than a moment.
    host: Mutex<Option<Host>>,
}

/// Whose turn it is to change a script.
#[derive(Default)]
struct Turns(std::sync::Mutex<BTreeMap<ScriptKey, Arc<Mutex<()>>>>);

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
        let (logins, host, ends) = (Logins::default(), Mutex::new(Some(host)), watch::Sender::new(false));
        let (whole, turns) = (RwLock::default(), Turns::default());
        let shared = Shared { folder, data_dir, tokens, logs, logins, board, whole, turns, ends, host };
        Self { shared: Arc::new(shared) }
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
        self.change_script(key, |handle, key| Box::pin(async move { handle.stop_now(&key).await })).await
    }

    /// Starts a script that does not run.
    pub(super) async fn start_script(&self, key: ScriptKey) -> Result<(), Refusal> {
        self.change_script(key, |handle, key| {
            Box::pin(async move { handle.at_once(|host| host.start_script(&key)).await? })
        })
        .await
    }

    /// Stops and starts a script, from its file as it is now.
    pub(super) async fn restart_script(&self, key: ScriptKey) -> Result<(), Refusal> {
        self.change_script(key, |handle, key| {
            Box::pin(async move {
                handle.stop_now(&key).await?;
                handle.at_once(|host| host.start_script(&key)).await?
            })
        })
        .await
    }

    /// Has a script be as its file and these settings say, as [`Host::begin_renewal`]. To be called in the script's turn.
    ///
    /// # Errors
    /// Where the file cannot be run: then it goes on as it was.
    pub(super) async fn renew_now(&self, key: &ScriptKey, settings: Settings) -> Result<(), Refusal> {
        let Some(replacement) = self.at_once(|host| host.begin_renewal(key, settings)).await?? else { return Ok(()) };
        let mut ends = self.shared.ends.subscribe();
        let replaced = tokio::select! {
            replaced = replacement.run() => replaced,
            _ = ends.wait_for(|ends| *ends) => return Err(Refusal::Ending),
        };
        let kept = self.at_once(|host| host.end_replacement(replaced)).await?;
        kept.map_or(Ok(()), |(_, why)| Err(Refusal::unfit(&why)))
    }

    async fn stop_now(&self, key: &ScriptKey) -> Result<(), Refusal> {
        if let Some(script) = self.at_once(|host| host.take_to_stop(key)).await?? {
            script.stop().await;
        }
        self.at_once(|host| host.keep_stopped(key)).await?
    }

    /// Reads the files again and does what they say now. Where they are wrong everything goes on as it was.
    pub(super) async fn reload(&self) -> Result<Reloaded, Refusal> {
        let (folder, own) = (self.shared.folder.clone(), self.shared.data_dir.own_folders());
        self.change(|host| {
            Box::pin(async move {
                let config = config::read(&folder, &own).map_err(|faults| Refusal::Conflict(faults.to_string()))?;
                Ok(Reloaded { troubles: readiness::tell_reload(host.apply(config)).await })
            })
        })
        .await
    }

    /// Ends the host, in order. What is being loaded in a script's place is given up.
    pub(super) async fn end(&self) {
        self.shared.ends.send_replace(true);
        let _alone = self.shared.whole.write().await;
        let host = self.shared.host.lock().await.take();
        if let Some(host) = host {
            host.stop().await;
        }
    }

    /// Changes the host as a whole.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        work: impl for<'a> FnOnce(&'a mut Host) -> BoxFuture<'a, Result<T, Refusal>> + Send + 'static,
    ) -> Result<T, Refusal> {
        let shared = Arc::clone(&self.shared);
        to_its_end(async move {
            let _alone = in_time(shared.whole.write()).await?;
            work(shared.host.lock().await.as_mut().ok_or(Refusal::Ending)?).await
        })
        .await
    }

    /// Changes one script.
    pub(super) async fn change_script<T: Send + 'static>(
        &self,
        key: ScriptKey,
        work: impl FnOnce(Self, ScriptKey) -> BoxFuture<'static, Result<T, Refusal>> + Send + 'static,
    ) -> Result<T, Refusal> {
        let handle = self.clone();
        to_its_end(async move {
            let shared = Arc::clone(&handle.shared);
            // First its own turn: a change that waits for that holds up nothing that is for the whole.
            let _turn = in_time(shared.turns.turn_of(&key)).await?;
            let _shared = in_time(shared.whole.read()).await?;
            work(handle, key).await
        })
        .await
    }

    /// Has the host do what takes a moment only.
    pub(super) async fn at_once<T>(&self, act: impl FnOnce(&mut Host) -> T) -> Result<T, Refusal> {
        self.shared.host.lock().await.as_mut().map(act).ok_or(Refusal::Ending)
    }
}

impl Turns {
    async fn turn_of(&self, key: &ScriptKey) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // Those that nobody has or waits for.
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            Arc::clone(turns.entry(key.clone()).or_default())
        };
        turn.lock_owned().await
    }
}

/// Waits until it is one's turn, but not for ever.
async fn in_time<T>(turn: impl Future<Output = T>) -> Result<T, Refusal> {
    timeout(TURN_WAIT_MAX, turn).await.map_err(|_| Refusal::Busy)
}

/// Does it in a task of its own: half a change is none.
async fn to_its_end<T: Send + 'static>(
    change: impl Future<Output = Result<T, Refusal>> + Send + 'static,
) -> Result<T, Refusal> {
    tokio::spawn(change).await.unwrap_or_else(|error| {
        tracing::error!(%error, "a change of the host ended badly");
        Err(Refusal::Failed("a fault in the host (a bug in tglhost)".to_owned()))
    })
}
