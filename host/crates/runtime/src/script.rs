//! A script as the host sees it: how it is started, watched and stopped.
//!
//! Invariant: a status says [`Phase::Ended`] exactly once, last, whatever happens inside, a panic included.

use std::sync::Arc;
use std::time::Duration;

use broker::Client;
use files::FileSpace;
use sandbox::{Limits, LogLevel, Output, Program};
use serde::{Deserialize, Serialize};
use tgl::{Limit, ScriptName};
use tokio::sync::watch;

use crate::actor::Actor;
use crate::threads::Threads;
use crate::usage::Usage;

/// What a script is.
pub struct ScriptConfig {
    /// Its name within its account.
    pub name: ScriptName,
    /// For an interpreter: the program's text and its path in the guest.
    pub source: Option<(String, String)>,
    /// What it sees of the file system.
    pub files: FileSpace,
    /// Its arguments, its own name not among them.
    pub args: Vec<String>,
    /// Its environment, beside HOME and TMPDIR.
    pub env: Vec<(String, String)>,
    /// How much it may use.
    pub limits: Limits,
    /// How long it waits after its first crash; each further wait is twice as long. [`crate::RESTART_WAIT`] suits.
    pub restart_wait: Duration,
    /// Whether messages for which it does not say get the link preview that Telegram would give them.
    pub link_previews: bool,
    /// After so long without a callback it gives its guest's memory back, until something comes for it.
    pub sleep_after: Option<Duration>,
    /// Whether another one is at work in its place: then it is loaded beside that, and holds still before it has done anything
    /// on its account, until it is to run.
    pub is_successor: bool,
}

/// What a script is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wish {
    /// Whatever comes.
    Run,
    /// Nothing, from the end of the callback it is in; its guest stays.
    Hold,
    /// End, after the callback it is in.
    Stop,
}

/// Where everything goes that one script says and that is said of it. Nothing here may block; what
/// [`Limits::output_bytes_per_s`] does not allow is dropped here.
pub trait ScriptOutput: Send + Sync + 'static {
    /// Text that the script prints, as it is. False where it was dropped.
    fn print(&self, to: Output, text: &str) -> bool;
    /// A line of the script's log. False where it was dropped.
    fn log(&self, level: LogLevel, text: &str) -> bool;
    /// So many bytes of text were dropped already, by the same limit.
    fn dropped(&self, bytes: u64);
    /// What has become of it.
    fn tell(&self, news: &News);
}

/// What becomes of a script, as it happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum News {
    /// Its program has been loaded.
    Loaded,
    /// It has been given what was left from last time, and takes what comes; in each of its lives once.
    Ready,
    /// It has reached one of its limits for the first time: which, what that does, and how more is allowed.
    LimitReached(String),
    /// It was stopped, and is started again in a while.
    Crashed {
        /// What was done with it, and how it ended; fits after "stopped".
        why: String,
        /// The while.
        restart_in: Duration,
    },
    /// It is over. Nothing comes after this.
    Ended(End),
}

/// How a script came to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// It asked for it, with this code.
    Exited(u8),
    /// It could not be loaded; the text is its traceback.
    LoadFailed(String),
    /// It was stopped for good: it crashed again and again, or the host can no longer keep what it must.
    Quarantined(String),
    /// The host stopped it.
    Stopped,
}

/// What a script is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Its program is being loaded.
    Loading,
    /// It is loaded, and has been at work since.
    Starting,
    /// It has had [`tgl::Event`]s up to [`ScriptStatus::handled_seq`] and waits for more.
    Running,
    /// It has no guest until something comes for it.
    Sleeping,
    /// It crashed and is started again in a while.
    BackingOff,
    /// It is over.
    Ended(End),
}

/// What a script waits for though there is something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hold {
    /// Half of the calls that it may have are pending: events wait.
    Calls,
    /// They take half of what they may take: events wait.
    CallBytes,
    /// The brake puts its sends off, by this limit.
    Brake(Limit),
    /// It has used its share of the CPU.
    Cpu,
    /// The disk takes nothing.
    Disk,
    /// It was told to: nothing is under way, and what it has done is written down.
    Told,
}

/// How a script stands. Everything in it is of one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptStatus {
    /// What it is doing.
    pub phase: Phase,
    /// It has handled the inbox up to here.
    pub handled_seq: u64,
    /// Events that wait for it.
    pub events_waiting: u64,
    /// Events that left the inbox before it came to them, since it was started.
    pub events_lost: u64,
    /// Calls that have not completed yet, those that have not left yet among them.
    pub calls_pending: usize,
    /// What those of them take that are written down.
    pub calls_bytes: u64,
    /// What it waits for.
    pub hold: Option<Hold>,
    /// Events whose callback trapped, and other crashes, since it was started.
    pub crashes: u64,
    /// What it has used.
    pub usage: Usage,
}

/// A script at work. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Script {
    status: watch::Receiver<ScriptStatus>,
    wish: watch::Sender<Wish>,
}

impl Script {
    /// Starts a script on these threads, with its way to its account. What the account gets is the script's to handle also
    /// while its program is not there yet: the component that it is, or that interprets it, or why it cannot be had.
    pub fn start(
        threads: &Threads,
        config: ScriptConfig,
        program: impl Future<Output = Result<Program, String>> + Send + 'static,
        account: Client,
        output: Arc<dyn ScriptOutput>,
    ) -> Self {
        let (script, status_sender, wish) = Self::elsewhere(config.is_successor);
        let name = config.name.clone();
        threads.handle().spawn(async move {
            let actor = Actor::new(config, account, Arc::clone(&output), status_sender.clone(), wish);
            if let Err(error) = tokio::spawn(actor.run(program)).await {
                tracing::error!(script = %name, %error, "the script's actor ended badly");
                let end = End::Quarantined("a fault in the host (a bug in tglhost)".to_owned());
                output.tell(&News::Ended(end.clone()));
                status_sender.send_modify(|status| status.phase = Phase::Ended(end));
            }
        });
        script
    }

    /// A script that is run by whoever has the two other ends: they say how it stands, and hear what it is to do (it is to stop
    /// also where nobody is left who could say so). A successor holds still at first.
    pub fn elsewhere(is_successor: bool) -> (Self, watch::Sender<ScriptStatus>, watch::Receiver<Wish>) {
        let begin = ScriptStatus {
            phase: Phase::Loading,
            handled_seq: 0,
            events_waiting: 0,
            events_lost: 0,
            calls_pending: 0,
            calls_bytes: 0,
            hold: None,
            crashes: 0,
            usage: Usage::default(),
        };
        let (status_sender, status) = watch::channel(begin);
        let (wish, wished) = watch::channel(if is_successor { Wish::Hold } else { Wish::Run });
        (Self { status, wish }, status_sender, wished)
    }

    /// How it stands, now and later.
    pub fn status(&self) -> watch::Receiver<ScriptStatus> {
        self.status.clone()
    }

    /// Waits for its end.
    pub async fn ended(&self) -> End {
        let mut status = self.status.clone();
        let end = status.wait_for(|status| matches!(status.phase, Phase::Ended(_))).await;
        match end.map(|status| status.phase.clone()) {
            Ok(Phase::Ended(end)) => end,
            // The tokio runtime is going down.
            _ => End::Stopped,
        }
    }

    /// Says that it is to hold still, as [`Hold::Told`] says, or to run again.
    pub fn hold(&self, is_held: bool) {
        self.wish.send_replace(if is_held { Wish::Hold } else { Wish::Run });
    }

    /// Waits until it holds still as it was told, with its guest loaded or none there.
    ///
    /// # Errors
    /// Where it has ended, and how.
    pub async fn rests(&self) -> Result<(), End> {
        let mut status = self.status.clone();
        let at_rest = status.wait_for(|status| {
            status.hold == Some(Hold::Told) || matches!(status.phase, Phase::BackingOff | Phase::Ended(_))
        });
        match at_rest.await.map(|status| status.phase.clone()) {
            Ok(Phase::Ended(end)) => Err(end),
            Ok(_) => Ok(()),
            Err(_) => Err(End::Stopped),
        }
    }

    /// Waits until it holds still no more.
    pub async fn goes_on(&self) {
        let mut status = self.status.clone();
        // The tokio runtime is going down.
        let _ = status.wait_for(|status| status.hold != Some(Hold::Told)).await;
    }

    /// Stops it after the callback it is in, and waits for that. A callback that does not return within a second is given
    /// up, and what it was called for is there again at the next start.
    pub async fn stop(self) -> End {
        self.wish.send_replace(Wish::Stop);
        self.ended().await
    }
}
