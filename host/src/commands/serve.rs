//! `tglhost serve`: runs the scripts of many tenants on many accounts, as the files in the host's folder say.
//!
//! Invariant: what fails concerns whoever it is about: an account that cannot connect, a script that cannot run, a file that
//! is wrong when it is read again keep nobody else from going on.

mod account;
mod accounts;
mod api;
mod board;
mod deploy;
mod errors;
mod example;
mod handle;
mod host;
mod logins;
mod metrics;
mod refusal;
mod replacement;
mod script;
mod seats;
mod stopped;
mod tenants;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use config::{Config, Fault, Faults};

use crate::data_dir::{DataDir, own_folders};
use crate::misuse::OrMisuse;
use crate::open_files;
use crate::output::{Output, ScriptLogs};
use crate::readiness::{self, Watchdog};
use crate::script_file::ScriptFile;
use crate::signals::{asked_to_end, asked_to_reload};
pub(crate) use accounts::places;
use api::{Listening, OwnersSocket, Tokens};
use board::Board;
use handle::Handle;
use host::Host;

/// The folder of the data, in the host's folder.
pub(crate) const DATA: &str = "data";
/// The socket at which the owner asks, in the data.
const SOCKET: &str = "control.sock";

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    host: HostArgs,
    /// Writes an example into the folder first, which has to be empty or new: two tenants, three scripts, and accounts of the
    /// embedded data centre
    #[arg(long)]
    example: bool,
}

/// Which host is meant.
#[derive(clap::Args)]
pub(crate) struct HostArgs {
    /// The host's folder, with its tglhost.toml
    #[arg(long = "host", value_name = "DIR", default_value = ".")]
    folder: PathBuf,
}

impl HostArgs {
    /// The host's folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the host keeps its data, whether it is there or not.
    pub(crate) fn data(&self, given: Option<PathBuf>) -> PathBuf {
        given.unwrap_or_else(|| self.folder.join(DATA))
    }
}

impl Args {
    /// Where the data is kept, where the command line or the environment does not say.
    pub(crate) fn data(&self, given: Option<PathBuf>) -> Result<PathBuf> {
        if self.example {
            example::write(&self.host.folder)?;
        }
        // Before anything is made in a folder that is no host's.
        let data = self.host.data(given);
        read(&self.host.folder, &data)?;
        Ok(data)
    }
}

/// What the host in this folder is told, that keeps its data there.
pub(crate) fn read(folder: &Path, data: &Path) -> Result<Config> {
    config::read(folder, &own_folders(data)).or_misuse()
}

/// `tglhost check`: says what is wrong with a host's files, without running anything.
pub(crate) fn check(args: &HostArgs, data: Option<PathBuf>, output: &Output) -> Result<u8> {
    let config = read(&args.folder, &args.data(data))?;
    let faults: Vec<Fault> = script::all(&config).flat_map(|(_, script)| faults(script.settings)).collect();
    if !faults.is_empty() {
        return Err(Faults(faults)).or_misuse();
    }
    for (tenant, script) in script::all(&config).filter(|(_, script)| !script.settings.asks) {
        output.note(&format!(
            "{tenant}/{} asks for nothing, and so is granted nothing: say what it needs in a block `# /// tglhost` in the \
             script, or in {}.toml",
            script.name,
            script.settings.path.display()
        ));
    }
    for (tenant, script) in script::all(&config) {
        let refused = script.settings.refused.iter();
        refused.for_each(|refused| output.note(&format!("{tenant}/{}: {refused}", script.name)));
    }
    let scripts = script::all(&config).count();
    let text = format!("{} tenants, {scripts} scripts: nothing is wrong", config.tenants.len());
    output.result(&serde_json::json!({"kind": "checked", "tenants": config.tenants.len(), "scripts": scripts}), &text);
    Ok(0)
}

/// What is wrong with a script, as far as its file tells.
fn faults(script: &config::Script) -> Vec<Fault> {
    let unfit = ScriptFile::read(&script.path).and_then(|file| file.unfit().map_or(Ok(()), Err));
    let fault = |error: anyhow::Error| Fault {
        path: script.path.clone(),
        place: None,
        what: format!("{:#}", error.root_cause()),
    };
    script.faults.iter().cloned().chain(unfit.err().map(fault)).collect()
}

/// Serves until it is asked to end.
pub(crate) async fn execute(args: Args, data_dir: &DataDir, output: &Output) -> Result<u8> {
    open_files::allow()?;
    let folder = &args.host.folder;
    let mut config = read(folder, data_dir.root())?;
    let mut reloads = asked_to_reload()?;
    let asked_to_end = asked_to_end(output)?;
    tokio::pin!(asked_to_end);
    let socket = api::open_socket(socket_in(data_dir.root()))?;
    // Only now is nobody else at work here.
    if deploy::undo_unfinished(&config)? {
        config = read(folder, data_dir.root())?;
    }
    let tokens = Tokens::open(data_dir.root())?;
    let logs = ScriptLogs::start(data_dir.script_logs()).context("there can be no logs of scripts")?;
    let mut watchdog = Watchdog::start();
    let board = Board::default();
    let mut host = Host::start(&config, data_dir.clone(), board.clone(), logs.clone(), output).await?;
    let (http, metrics) = (config.http, config.metrics);
    let begun = tokio::select! {
        _ = host.apply(config) => None,
        code = &mut asked_to_end => Some(code),
    };
    if let Some(code) = begun {
        host.stop().await;
        return Ok(code);
    }
    let summary = host.summary();
    let handle = Handle::new(host, board, logs, tokens, folder, data_dir.clone());
    let _listening = match listen(socket, http, metrics, &handle, output).await {
        Ok(listening) => listening,
        Err(error) => {
            handle.end().await;
            return Err(error);
        }
    };
    readiness::tell(output).await;
    output.note(&format!("Serves {summary}; Ctrl-C ends it."));
    let code = loop {
        tokio::select! {
            code = &mut asked_to_end => break code,
            () = output.until_nobody_reads() => break crate::output::NOBODY_READS_CODE,
            () = watchdog.round() => {}
            _ = reloads.recv() => {
                if let Err(refusal) = handle.reload().await {
                    output.note(&format!("Not reloaded, everything goes on as it was: {refusal}"));
                }
            }
        }
    };
    handle.end().await;
    Ok(code)
}

/// Answers whoever asks, until what is given back is dropped.
async fn listen(
    socket: OwnersSocket,
    http: Option<SocketAddr>,
    metrics: Option<SocketAddr>,
    handle: &Handle,
    output: &Output,
) -> Result<Vec<Listening>> {
    let mut listening = vec![api::at_socket(socket, handle.clone())];
    if let Some(address) = http {
        let (at_port, address) = api::at_port(address, handle.clone()).await?;
        output.note(&format!("Tenants reach the host at http://{address}."));
        listening.push(at_port);
    }
    if let Some(address) = metrics {
        let (at_port, address) = metrics::at_port(address, handle.clone()).await?;
        output.note(&format!("Metrics are at http://{address}/metrics."));
        listening.push(at_port);
    }
    Ok(listening)
}

/// Where a host with these data is asked by its owner.
pub(crate) fn socket_in(data: &Path) -> PathBuf {
    data.join(SOCKET)
}
