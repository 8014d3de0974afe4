//! The earlier build that some figures are relative to, at the same data centre. Its accounts are in a folder of its own.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, ensure};
use tests::{Place, Process, finish};

/// Where its binary is; not set where there is none.
const VARIABLE: &str = "TGLHOST_BENCH_BASELINE";

/// See the module.
pub(crate) struct Baseline {
    /// Its binary.
    pub(crate) program: PathBuf,
}

impl Baseline {
    /// Its binary, where there is one.
    pub(crate) fn find() -> Option<Self> {
        Some(Self { program: std::env::var_os(VARIABLE)?.into() })
    }

    /// Logs a user in who has signed up before, where there is such a build.
    pub(crate) fn log_in(place: &Place, name: &str, phone: &str) -> Result<Option<Self>> {
        let Some(found) = Self::find() else { return Ok(None) };
        let code = phone[5..6].repeat(5);
        let run = finish(&mut found.command(place, &["login", name, "--phone", phone, "--code", &code]), "");
        ensure!(run.code() == Some(0), "the earlier build cannot log in: {}", run.stderr);
        Ok(Some(found))
    }

    /// Runs these scripts on this account.
    pub(crate) fn start(&self, place: &Place, account: &str, scripts: impl IntoIterator<Item = PathBuf>) -> Process {
        Process::start(self.command(place, &["run", "--account", account]).args(scripts))
    }

    /// Its command line, at this data centre.
    fn command(&self, place: &Place, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.env("TGLHOST_DATA", place.data.path().join("earlier")).args(arguments);
        command.args(["--dc", &place.address, "--dc-key"]).arg(&place.public_key);
        command
    }
}
