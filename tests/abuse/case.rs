//! A case as its folder says it: the attack, and the verdict that must be seen.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use tests::{raw_component, root};

/// A folder of tests/abuse/cases.
pub(crate) struct Case {
    /// The folder's name.
    pub(crate) name: String,
    /// The script's file: its ending, and what is in it.
    pub(crate) ending: &'static str,
    pub(crate) attack: Vec<u8>,
    pub(crate) verdict: Verdict,
}

/// verdict.toml.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Verdict {
    /// What the attack is, in a sentence.
    #[allow(dead_code, reason = "for who reads the file; it must be there")]
    about: String,
    /// The calls that the script is granted and asks for.
    #[serde(default = "read_and_send")]
    pub(crate) calls: Vec<String>,
    /// The methods of raw queries that it is granted and asks for.
    #[serde(default)]
    pub(crate) raw: Vec<String>,
    /// It runs on the account that its neighbour runs on, and hears what that hears.
    #[serde(default)]
    pub(crate) is_on_neighbours_account: bool,
    /// Its tenant's limits where they are lower than the defaults.
    #[serde(default)]
    pub(crate) limits: toml::Table,
    /// What the script's owner must read, beside other lines.
    pub(crate) says: Vec<String>,
    /// What nobody may read.
    #[serde(default)]
    pub(crate) never: Vec<String>,
    /// How `ps` says that the script stands in the end; `restarting` also where it has crashed and runs again.
    pub(crate) state: String,
    /// What is wrong, where the verdict is known not to hold yet.
    pub(crate) known: Option<String>,
}

fn read_and_send() -> Vec<String> {
    ["read", "send"].map(str::to_owned).into()
}

impl Case {
    /// Every case, or those that the environment variable `CASES` names a part of.
    pub(crate) fn all() -> Vec<Self> {
        let wanted = std::env::var("CASES").unwrap_or_default();
        let folders = fs::read_dir(root().join("tests/abuse/cases")).expect("it is there");
        let mut cases: Vec<Self> = folders.map(|folder| Self::read(&folder.expect("readable").path())).collect();
        cases.retain(|case| wanted.is_empty() || wanted.split(',').any(|part| case.name.contains(part)));
        cases.sort_by(|one, other| one.name.cmp(&other.name));
        cases
    }

    fn read(folder: &Path) -> Self {
        let text = |name: &str| {
            let path = folder.join(name);
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        let name = folder.file_name().expect("it has one").to_string_lossy().into_owned();
        let verdict =
            toml::from_str(&text("verdict.toml")).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let (ending, attack) = match folder.join("bot.wat").is_file() {
            true => ("wasm", raw_component(&text("bot.wat"))),
            false => ("py", text("bot.py").into_bytes()),
        };
        Self { name, ending, attack, verdict }
    }
}
