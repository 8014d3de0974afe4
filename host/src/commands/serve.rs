//! `tglhost serve`: runs the scripts of many tenants on many accounts, as the files in the host's folder say.
//!
//! Invariant: what fails concerns whoever it is about: an account that cannot connect, a script that cannot run, a file that
//! is wrong when it is read again keep nobody else from going on.

mod account;
pub(crate) mod control;
mod example;
mod host;
mod script;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use config::Config;

use crate::data_dir::DataDir;
use crate::misuse::OrMisuse;
use crate::output::Output;
use crate::readiness::{self, Watchdog};
use crate::signals::{asked_to_end, asked_to_reload};
use control::Control;
use host::Host;
pub(crate) use host::places;

/// The folder of the data, in the host's folder.
pub(crate) const DATA: &str = "data";

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
        read(&self.host.folder)?;
        Ok(self.host.data(given))
    }
}

/// What the host in this folder is told.
pub(crate) fn read(folder: &Path) -> Result<Config> {
    config::read(folder).or_misuse()
}

/// `tglhost check`: says what is wrong with a host's files, without running anything.
pub(crate) fn check(args: &HostArgs, output: &Output) -> Result<u8> {
    let config = read(&args.folder)?;
    for (tenant, script) in script::all(&config).filter(|(_, script)| !script.settings.asks) {
        output.note(&format!(
            "{tenant}/{} asks for nothing, and so is granted nothing: say what it needs in a block `# /// tglhost` in the \
             script, or in {}.toml",
            script.name,
            script.settings.path.display()
        ));
    }
    let scripts = script::all(&config).count();
    let text = format!("{} tenants, {scripts} scripts: nothing is wrong", config.tenants.len());
    output.result(&serde_json::json!({"kind": "checked", "tenants": config.tenants.len(), "scripts": scripts}), &text);
    Ok(0)
}

/// Serves until it is asked to end.
pub(crate) async fn execute(args: Args, data_dir: &DataDir, output: &Output) -> Result<u8> {
    let config = read(&args.host.folder)?;
    let mut reloads = asked_to_reload()?;
    let asked_to_end = asked_to_end(output)?;
    tokio::pin!(asked_to_end);
    let mut control = Control::open(data_dir)?;
    let mut watchdog = Watchdog::start();
    let mut host = Host::start(&config, data_dir.clone(), output).await?;
    let begun = tokio::select! {
        _ = host.apply(config) => None,
        code = &mut asked_to_end => Some(code),
    };
    if let Some(code) = begun {
        host.stop().await;
        return Ok(code);
    }
    readiness::tell(output).await;
    output.note(&format!("Serves {}; Ctrl-C ends it.", host.summary()));
    let code = loop {
        tokio::select! {
            code = &mut asked_to_end => break code,
            () = output.until_nobody_reads() => break crate::output::NOBODY_READS_CODE,
            () = watchdog.round() => {}
            _ = reloads.recv() => {
                if let Err(error) = reload(&mut host, &args.host.folder).await {
                    output.note(&format!("Reloaded: {error:#}"));
                }
            }
            asked = control.next() => {
                let folder = &args.host.folder;
                control::answer(asked, &mut host, async |host| reload(host, folder).await).await;
            }
        }
    };
    host.stop().await;
    Ok(code)
}

/// Reads the files again and does what they say now. Where they are wrong everything goes on as it was, and so does each
/// script whose new version cannot be loaded.
async fn reload(host: &mut Host, folder: &Path) -> Result<()> {
    let config = match config::read(folder) {
        Ok(config) => config,
        Err(faults) => bail!("everything goes on as it was: {faults}"),
    };
    let kept = readiness::tell_reload(host.apply(config)).await;
    if kept.is_empty() {
        return Ok(());
    }
    let lines =
        kept.iter().map(|(key, why)| format!("{key} goes on as it was, as its new version cannot be loaded: {why}"));
    bail!("{}", lines.collect::<Vec<_>>().join("\n"))
}
