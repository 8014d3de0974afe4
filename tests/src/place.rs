//! A data centre, and a data directory for those who talk to it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::{Finished, Process, finish, tglhost};

/// The data centre at work, with what its clients need to know.
pub struct Place<D = Process> {
    /// Holds the data centre's directory (`dc`), the users' (`user`) and scripts (`scripts`).
    pub data: TempDir,
    /// Where the data centre listens.
    pub address: String,
    /// Its public key, a PEM file.
    pub public_key: PathBuf,
    /// The data centre: a process, unless the test has it at hand.
    pub data_centre: D,
}

impl Place {
    /// A new data centre with nobody in it.
    pub fn new() -> Self {
        Self::at(TempDir::new().expect("a folder"), "127.0.0.1:0")
    }

    /// A data centre at this address, with what `data` holds.
    pub fn at(data: TempDir, listen: &str) -> Self {
        let mut data_centre = Process::start(tglhost(&data.path().join("dc")).args(["dc", "--listen", listen]));
        let ready: serde_json::Value = serde_json::from_str(&data_centre.line()).expect("one line of JSON");
        assert_eq!(ready["kind"], "ready");
        assert_eq!(ready["dc_id"], 2);
        let text = |key: &str| ready[key].as_str().expect("a string").to_owned();
        Self { address: text("address"), public_key: text("rsa_public_key").into(), data, data_centre }
    }
}

impl<D> Place<D> {
    /// `tglhost` with these arguments, at this data centre.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = tglhost(&self.data.path().join("user"));
        command.args(arguments).args(["--dc", &self.address, "--dc-key"]).arg(&self.public_key);
        command
    }

    /// `tglhost login` with these arguments.
    pub fn login(&self, arguments: &[&str], input: &str) -> Finished {
        finish(self.command(&["login"]).args(arguments), input)
    }

    /// Signs a new user up and logs it in as the account `name`.
    pub fn sign_up(&self, name: &str, phone: &str, first_name: &str) {
        let code = phone[5..6].repeat(5);
        let run = self.login(&[name, "--phone", phone, "--code", &code, "--first-name", first_name], "");
        assert_eq!(run.code(), Some(0), "{}", run.stderr);
    }

    /// Writes a script, into a folder of its own where no data is kept, and gives its path.
    pub fn script(&self, name: &str, source: &str) -> PathBuf {
        let path = self.data.path().join("scripts").join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, source).expect("written");
        path
    }
}

impl Default for Place {
    fn default() -> Self {
        Self::new()
    }
}
