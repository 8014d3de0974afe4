//! What a host has: its files, its accounts, and whether it is at work.
//!
//! Invariant: accounts are looked at from outside, so one that is at work goes on.

use std::os::unix::net::UnixStream;
use std::path::Path;

use config::DataCentre;

use super::Finding;
use crate::commands::serve::{places, read, socket_in};
use crate::data_dir::DataDir;
use crate::output::sentence;

/// Everything that is about the host.
pub(super) fn look(folder: &Path, data: &Path) -> Vec<Finding> {
    let there = DataDir::existing(Some(data.to_owned())).ok();
    let mut found = vec![at_work(there.as_ref())];
    match read(folder, data) {
        Ok(config) => {
            let scripts = config.tenants.values().map(|tenant| tenant.scripts.len()).sum::<usize>();
            found.push(Finding::right("files", format!("{} tenants, {scripts} scripts", config.tenants.len())));
            let at_telegram = places(&config).into_iter().filter(|(_, place)| *place == DataCentre::Telegram);
            found.extend(at_telegram.map(|(name, _)| account(&name, there.as_ref())));
        }
        Err(error) => found.push(Finding::wrong(
            "files",
            sentence(&error),
            "A host does not start with these, and one at work does not reload: correct them and run `tglhost check`",
        )),
    }
    found
}

fn at_work(data: Option<&DataDir>) -> Finding {
    match data.is_some_and(|data| UnixStream::connect(socket_in(data.root())).is_ok()) {
        true => Finding::right("host", "it is at work"),
        false => {
            Finding::notice("host", "it is not at work", "Start it with `tglhost serve --host DIR`, or its service")
        }
    }
}

/// Whether somebody is logged in to an account at Telegram itself.
fn account(name: &str, data: Option<&DataDir>) -> Finding {
    let is_logged_in = data.map_or(Ok(false), |data| data.account(name)?.is_logged_in());
    match is_logged_in {
        Ok(true) => Finding::right("account", format!("{name} is logged in")),
        Ok(false) => {
            let advice = format!(
                "Its scripts do not run: run `tglhost account login {name} --phone NUMBER` while the host is at work"
            );
            Finding::wrong("account", format!("nobody is logged in to {name}"), advice)
        }
        Err(error) => Finding::wrong("account", format!("{name}: {}", sentence(&error)), "Its scripts do not run"),
    }
}
