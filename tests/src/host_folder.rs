//! A folder of `tglhost serve`, and the host that is run and asked with it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::{Finished, Process, binary, finish};

/// A host's folder. It goes when dropped.
pub struct HostFolder(TempDir);

impl HostFolder {
    /// One with these files: their places in it, and their texts.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(TempDir::new().expect("a folder"));
        files.iter().for_each(|(name, text)| folder.write(name, text));
        folder
    }

    /// The place in it of this name.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("it has one")).expect("made");
        fs::write(path, text).expect("written");
    }

    /// `tglhost` with these arguments, about this host.
    pub fn command(&self, verb: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(verb).arg("--host").arg(self.0.path()).env_remove("TGLHOST_DATA").env_remove("TGLHOST_API_ID");
        command
    }

    /// Runs it to its end.
    pub fn ask(&self, verb: &[&str]) -> Finished {
        finish(&mut self.command(verb), "")
    }

    /// How this script stands, by `TENANT/SCRIPT`.
    pub fn stands(&self, script: &str) -> Value {
        let asked = self.ask(&["ps", "--json"]);
        assert_eq!(asked.code(), Some(0), "{}", asked.stderr);
        let is_it =
            |line: &Value| format!("{}/{}", line["tenant"].as_str().unwrap(), line["name"].as_str().unwrap()) == script;
        asked.json_lines().into_iter().find(is_it).unwrap_or_else(|| panic!("no {script} in {}", asked.stdout))
    }

    /// Starts the host, and waits until it serves.
    pub fn serve(&self) -> Process {
        let mut host = Process::start(&mut self.command(&["serve"]));
        host.stderr_line_with("Serves ");
        host
    }
}
