//! `tglhost scripts`: which scripts the accounts know, and what is kept for each.
//!
//! Invariant: it only looks, also while the scripts are at work.

use std::path::Path;

use anyhow::Result;
use jiff::Timestamp;
use serde::Serialize;
use store::ScriptRecord;

use crate::data_dir::{AccountDir, DataDir};
use crate::output::Output;

/// Lists the scripts of every account of the data directory.
pub(crate) fn execute(data_dir: &DataDir, output: &Output) -> Result<u8> {
    let (mut is_any, mut code) = (false, 0);
    for account in data_dir.accounts_of_scripts()? {
        let scripts = match store::scripts(&account.path) {
            Ok(scripts) => scripts,
            Err(error) => {
                output.note(&format!("the scripts of {} cannot be listed: {error}", account.name));
                code = 1;
                continue;
            }
        };
        for script in scripts {
            let line = Line::of(&account, script);
            output.on_account(&account.name).about_script(&line.name).result(&line, &line.text());
            is_any = true;
        }
    }
    if !is_any && code == 0 && !output.is_json() {
        output.note("No script was run yet. `tglhost run SCRIPT` runs one.");
    }
    Ok(code)
}

#[derive(Serialize)]
#[serde(tag = "kind", rename = "script")]
struct Line {
    #[serde(skip)]
    account: String,
    name: String,
    /// The file that it was last run from.
    path: Option<String>,
    running: bool,
    /// In seconds since 1970.
    last_run: Option<i64>,
    waiting_events: u64,
    waiting_calls: u64,
    waiting_bytes: u64,
    /// Events that had to go, as more waited than may.
    lost_events: u64,
    /// The folder that the script sees as /home.
    home: String,
    home_bytes: u64,
}

impl Line {
    fn of(account: &AccountDir, script: ScriptRecord) -> Self {
        let home = account.script_home(&script.name);
        Self {
            account: account.name.clone(),
            path: script.path.map(|path| path.to_string_lossy().into_owned()),
            running: script.is_running,
            last_run: script.last_run,
            waiting_events: script.waiting_events,
            waiting_calls: script.waiting_calls,
            waiting_bytes: script.waiting_bytes,
            lost_events: script.lost_events,
            home_bytes: folder_bytes(&home),
            home: home.to_string_lossy().into_owned(),
            name: script.name,
        }
    }

    fn text(&self) -> String {
        let when = self.last_run.and_then(|second| Timestamp::from_second(second).ok());
        let stand = match when {
            _ if self.running => "runs now".to_owned(),
            Some(when) => format!("last run {when}"),
            None => "last run by an earlier version".to_owned(),
        };
        let mut waits = match self.waiting_calls {
            0 => format!("{} events wait ({} bytes)", self.waiting_events, self.waiting_bytes),
            calls => format!("{} events and {calls} calls wait ({} bytes)", self.waiting_events, self.waiting_bytes),
        };
        if self.lost_events > 0 {
            waits.push_str(&format!(", {} older events are lost: more came than may wait", self.lost_events));
        }
        let path = self.path.as_deref().unwrap_or("(path unknown)");
        let home = format!("/home is {} ({} bytes)", self.home, self.home_bytes);
        [&self.account, &self.name, path, &waits, &stand, &home].join("\t")
    }
}

/// What a folder's files take, as far as it can be seen.
fn folder_bytes(folder: &Path) -> u64 {
    let (mut bytes, mut folders) = (0, vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(about) if about.is_dir() => folders.push(entry.path()),
                Ok(about) => bytes += about.len(),
                Err(_) => {}
            }
        }
    }
    bytes
}
