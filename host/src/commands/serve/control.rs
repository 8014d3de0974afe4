//! The socket by which a host at work is asked: one question as a line of JSON, and lines of JSON in answer, the last of which
//! says how it ended.
//!
//! Invariant: only the host's own user gets to it, and whoever asks badly or slowly is let go without anybody waiting.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::host::{Host, Standing};
use crate::data_dir::DataDir;

/// The socket's name in the data directory.
const SOCKET: &str = "control.sock";
/// Longest question, in bytes.
const QUESTION_BYTES_MAX: u64 = 64 << 10;
/// Who asks has so long to say what, and to take the answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Questions that wait for the host.
const QUESTIONS_MAX: usize = 16;

/// What a host can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Question {
    /// How every script stands.
    Ps,
    /// Start a script that does not run.
    Start { script: String },
    /// Stop a script until it is started again.
    Stop { script: String },
    /// Stop and start a script, from its file as it is now.
    Restart { script: String },
    /// Read the files again and do what they say now.
    Reload,
}

/// A line of an answer. The last one is `done` or `error`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Said {
    /// How a script stands.
    Script(ScriptLine),
    /// It is done.
    Done,
    /// It is not done, for this reason.
    Error { text: String },
}

/// How a script stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ScriptLine {
    pub(crate) tenant: String,
    pub(crate) script: String,
    pub(crate) account: String,
    /// loading, starting, running, sleeping, restarting, stopped, ended or failed.
    pub(crate) state: String,
    /// Why it does not run, or its account is not connected.
    pub(crate) why: Option<String>,
    pub(crate) waiting_events: u64,
    pub(crate) waiting_calls: u64,
    pub(crate) lost_events: u64,
    pub(crate) crashes: u64,
}

/// Somebody who asks, and what.
pub(super) struct Asked {
    question: Result<Question>,
    by: UnixStream,
}

/// The socket.
pub(super) struct Control {
    path: PathBuf,
    asked: mpsc::Receiver<Asked>,
}

impl Control {
    /// Opens it. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// Where another host is at work with these data.
    pub(super) fn open(data_dir: &DataDir) -> Result<Self> {
        let path = socket(data_dir);
        if StdUnixStream::connect(&path).is_ok() {
            bail!("another `tglhost serve` is at work with the data in {}", data_dir.root().display());
        }
        // What one that was killed has left.
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path).with_context(|| format!("cannot listen at {}", path.display()))?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        let (sender, asked) = mpsc::channel(QUESTIONS_MAX);
        tokio::spawn(async move {
            loop {
                let Ok(room) = sender.clone().reserve_owned().await else { return };
                match listener.accept().await {
                    Ok((by, _)) => drop(tokio::spawn(async move {
                        if let Ok(asked) = timeout(PATIENCE, read(by)).await {
                            room.send(asked);
                        }
                    })),
                    Err(error) => {
                        tracing::warn!(%error, "nobody can be heard at the control socket");
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                }
            }
        });
        Ok(Self { path, asked })
    }

    /// Who asks next.
    pub(super) async fn next(&mut self) -> Asked {
        match self.asked.recv().await {
            Some(asked) => asked,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Where a host with these data is asked.
pub(crate) fn socket(data_dir: &DataDir) -> PathBuf {
    data_dir.root().join(SOCKET)
}

async fn read(mut by: UnixStream) -> Asked {
    let mut line = String::new();
    let read = BufReader::new((&mut by).take(QUESTION_BYTES_MAX)).read_line(&mut line).await;
    let question = match read {
        Ok(_) => serde_json::from_str(&line).context("this host does not understand the question"),
        Err(error) => Err(error.into()),
    };
    Asked { question, by }
}

/// Does what is asked, and says what came of it.
pub(super) async fn answer(asked: Asked, host: &mut Host, reload: impl AsyncFnOnce(&mut Host) -> Result<()>) {
    let Asked { question, mut by } = asked;
    let done = match question {
        Ok(Question::Ps) => Ok(host.standings().into_iter().map(|standing| Said::Script(line(standing))).collect()),
        Ok(Question::Start { script }) => host.start_script(&script).await.map(|()| Vec::new()),
        Ok(Question::Stop { script }) => host.stop_script(&script).await.map(|()| Vec::new()),
        Ok(Question::Restart { script }) => match host.stop_script(&script).await {
            Ok(()) => host.start_script(&script).await.map(|()| Vec::new()),
            Err(error) => Err(error),
        },
        Ok(Question::Reload) => reload(host).await.map(|()| Vec::new()),
        Err(error) => Err(error),
    };
    let mut lines = match done {
        Ok(lines) => [lines, vec![Said::Done]].concat(),
        Err(error) => vec![Said::Error { text: format!("{error:#}") }],
    };
    tokio::spawn(timeout(PATIENCE, async move {
        for line in lines.drain(..) {
            let Ok(mut line) = serde_json::to_vec(&line) else { continue };
            line.push(b'\n');
            if by.write_all(&line).await.is_err() {
                return;
            }
        }
    }));
}

fn line(standing: Standing) -> ScriptLine {
    let status = standing.status;
    let count = |of: fn(&runtime::ScriptStatus) -> u64| status.as_ref().map_or(0, of);
    ScriptLine {
        tenant: standing.tenant.to_string(),
        script: standing.name.to_string(),
        account: standing.account,
        state: standing.state.to_owned(),
        why: standing.why,
        waiting_events: count(|status| status.events_waiting),
        waiting_calls: count(|status| status.calls_pending as u64),
        lost_events: count(|status| status.events_lost),
        crashes: count(|status| status.crashes),
    }
}
