//! `cargo xtask run` and `cargo xtask build`.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::shell::{cargo, root, run as run_command, step};
use crate::{guests, setup};

/// Options of `tglhost run` whose value is the next argument: that one is not a script.
const OPTIONS_WITH_VALUE: [&str; 8] =
    ["--account", "--data", "--dc", "--dc-key", "--phone", "--code", "--password", "--bot-token"];

/// Builds what is needed, then becomes `tglhost run` with these arguments. The folder of a Rust guest is built and stands for
/// its component.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    build_host()?;
    let mut command = Command::new(binary());
    command.arg("run");
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let folder = Path::new(argument);
        if argument == "--" {
            command.arg(argument).args(arguments.by_ref());
        } else if OPTIONS_WITH_VALUE.contains(&argument.as_str()) {
            command.arg(argument).args(arguments.next());
        } else if folder.join("Cargo.toml").is_file() {
            command.arg(guests::build(folder)?);
        } else {
            command.arg(argument);
        }
    }
    Err(command.exec()).with_context(|| format!("cannot start {}", binary().display()))
}

/// Builds the host with everything that is embedded in it.
pub(crate) fn build_host() -> Result<()> {
    setup::setup()?;
    let mut build = cargo();
    build.args(["build", "--package", "tglhost"]);
    if binary().is_file() {
        build.arg("--quiet");
    } else {
        step("Building the host (the first time takes about 10 minutes on 2 cores)");
    }
    run_command(&mut build)
}

/// The host's binary, which cargo has just built.
pub(crate) fn binary() -> PathBuf {
    root().join("target/debug/tglhost")
}
