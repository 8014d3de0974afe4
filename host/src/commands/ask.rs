//! `tglhost ps`, `start`, `stop`, `restart` and `reload`: asks a host at work.
//!
//! Invariant: nothing is done here: the host does it, or says why not.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use crate::commands::serve::HostArgs;
use crate::commands::serve::control::{Question, Said, ScriptLine, socket};
use crate::data_dir::DataDir;
use crate::output::Output;

/// Which host, and which script of it.
#[derive(clap::Args)]
pub(crate) struct ScriptArgs {
    #[command(flatten)]
    pub(crate) host: HostArgs,
    /// Which one, as TENANT/SCRIPT
    #[arg(value_name = "SCRIPT")]
    pub(crate) script: String,
}

/// Asks, and prints what is said.
pub(crate) fn execute(question: &Question, data_dir: &DataDir, output: &Output) -> Result<u8> {
    let path = socket(data_dir);
    let mut host = match UnixStream::connect(&path) {
        Ok(host) => host,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
            bail!(
                "no host is at work with the data in {}: start one with `tglhost serve --host DIR`",
                data_dir.root().display()
            )
        }
        Err(error) => return Err(error).with_context(|| format!("cannot ask at {}", path.display())),
    };
    let mut line = serde_json::to_vec(question)?;
    line.push(b'\n');
    host.write_all(&line).context("the host does not listen")?;
    for line in BufReader::new(host).lines() {
        match serde_json::from_str(&line.context("the host says no more")?)? {
            Said::Script(script) => {
                let name = format!("{}.{}", script.tenant, script.script);
                output.on_account(&script.account).about_script(&name).result(&Line::of(&script), &row(&script));
            }
            Said::Done => return Ok(0),
            Said::Error { text } => bail!("{text}"),
        }
    }
    bail!("the host went away before it had answered")
}

/// A script as a line of JSON.
#[derive(Serialize)]
#[serde(tag = "kind", rename = "script_status")]
struct Line<'a> {
    tenant: &'a str,
    name: &'a str,
    state: &'a str,
    why: Option<&'a str>,
    waiting_events: u64,
    waiting_calls: u64,
    lost_events: u64,
    crashes: u64,
}

impl<'a> Line<'a> {
    fn of(script: &'a ScriptLine) -> Self {
        Self {
            tenant: &script.tenant,
            name: &script.script,
            state: &script.state,
            why: script.why.as_deref(),
            waiting_events: script.waiting_events,
            waiting_calls: script.waiting_calls,
            lost_events: script.lost_events,
            crashes: script.crashes,
        }
    }
}

/// A script as a line of text: what it is, how it stands, what waits.
fn row(script: &ScriptLine) -> String {
    let ScriptLine { tenant, account, state, why, waiting_events, waiting_calls, lost_events, crashes, .. } = script;
    let mut row = format!(
        "{tenant}/{}\t{account}\t{state}\t{waiting_events} events and {waiting_calls} calls wait",
        script.script
    );
    if *lost_events > 0 {
        row.push_str(&format!(", {lost_events} events are lost"));
    }
    if *crashes > 0 {
        row.push_str(&format!(", {crashes} crashes"));
    }
    if let Some(why) = why {
        row.push_str(&format!("\t{}", why.lines().next_back().unwrap_or_default()));
    }
    row
}
