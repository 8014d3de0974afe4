//! `tglhost forget`: what is kept for a script goes, so that it begins anew.
//!
//! Invariant: a script that is at work is left as it is.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::json;
use store::{Forgotten, ScriptRecord};

use crate::data_dir::{AccountDir, DataDir, remove_folder};
use crate::misuse::misuse;
use crate::output::Output;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The script: its name or its file, as `tglhost scripts` shows them
    #[arg(value_name = "SCRIPT")]
    name: String,
    /// Its account, as `tglhost scripts` calls it; needed where several have a script of this name
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
}

/// Forgets one script of one account: its place in the inbox, its calls and its private folder.
pub(crate) fn execute(args: &Args, data_dir: &DataDir, output: &Output) -> Result<u8> {
    let (ref name, account) = find(args, data_dir)?;
    let mut aside = None;
    let forgotten = store::forget(&account.path, name, || {
        aside = Some(account.set_script_home_aside(name)?);
        Ok(())
    });
    match forgotten.with_context(|| format!("{name} of {} is not forgotten", account.name))? {
        Forgotten::Done => {}
        Forgotten::Running => bail!("{name} runs on {} now: stop it first, then forget it", account.name),
        Forgotten::Unknown => return Err(unknown(name)),
    }
    if let Some(aside) = aside {
        remove_folder(&aside).with_context(|| format!("cannot delete {}: delete it yourself", aside.display()))?;
    }
    output.on_account(&account.name).about_script(name).result(
        &json!({"kind": "forgotten"}),
        &format!("{name} of {} is forgotten: at its next start it begins anew", account.name),
    );
    Ok(0)
}

/// The script that is meant, by what its account calls it, and that account.
fn find(args: &Args, data_dir: &DataDir) -> Result<(String, AccountDir)> {
    // The file may have gone.
    let path = Path::new(&args.name);
    let path = path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned());
    let mut found = Vec::new();
    for account in data_dir.accounts_of_scripts()? {
        let is_named = args.account.as_ref().is_none_or(|name| *name == account.name);
        // A file that cannot be read is said by `tglhost scripts`.
        let scripts = store::scripts(&account.path).unwrap_or_default();
        let is_meant = |script: &&ScriptRecord| script.name == args.name || script.path.as_ref() == Some(&path);
        let meant = scripts.iter().filter(is_meant).filter(|_| is_named);
        found.extend(meant.map(|script| (script.name.clone(), account.clone())));
    }
    match &found[..] {
        [(first, at), (second, other), ..] if at.name == other.name => Err(misuse(format_args!(
            "{} is the file of {first} and of {second}: say which of the two by its name",
            args.name
        ))),
        [(_, first), (_, second), ..] => Err(misuse(format_args!(
            "{} and {} both have a script called {}: say which with --account",
            first.name, second.name, args.name
        ))),
        _ => found.pop().ok_or_else(|| unknown(&args.name)),
    }
}

fn unknown(name: &str) -> anyhow::Error {
    misuse(format_args!("there is no script called {name:?}: `tglhost scripts` lists those that there are"))
}
