//! `cargo xtask run`, `cargo xtask build` and `cargo xtask install`.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::shell::{answer, cargo, root, run as run_command, step};
use crate::{guests, setup};

/// Builds what is needed, then becomes `tglhost run` with these arguments. The folder of a Rust guest is built and stands for
/// its component.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    build_host()?;
    let help = answer(Command::new(binary()).args(["run", "--help"]))?;
    let arguments = with_guests_built(arguments, &options_with_value(&help), guests::build)?;
    let mut command = Command::new(binary());
    Err(command.arg("run").args(arguments).exec()).with_context(|| format!("cannot start {}", binary().display()))
}

/// Builds the host, and puts it among the programs that cargo installs. The arguments are `cargo install`'s.
pub(crate) fn install(arguments: &[String]) -> Result<()> {
    build_host()?;
    step("Installing tglhost");
    let mut install = cargo();
    // By the profile in which it is built already.
    install.args(["install", "--quiet", "--locked", "--force", "--profile", "dev", "--path", "host"]);
    run_command(install.args(arguments))
}

/// The arguments as they are, but the component in place of each Rust guest's folder among the scripts.
fn with_guests_built(
    arguments: &[String],
    options_with_value: &[&str],
    build: impl Fn(&Path) -> Result<PathBuf>,
) -> Result<Vec<OsString>> {
    let mut given = Vec::new();
    let (mut is_value, mut are_scripts_over) = (false, false);
    for argument in arguments {
        let folder = Path::new(argument);
        let is_guest = !is_value && !are_scripts_over && folder.join("Cargo.toml").is_file();
        given.push(if is_guest { build(folder)?.into() } else { argument.into() });
        are_scripts_over |= argument == "--";
        is_value = options_with_value.contains(&argument.as_str());
    }
    Ok(given)
}

/// The options whose value is the next argument, by what the program's own help says: `--dir <HOST:GUEST>`.
fn options_with_value(help: &str) -> Vec<&str> {
    let words: Vec<&str> = help.split_whitespace().collect();
    let pairs = words.windows(2).filter(|pair| pair[0].starts_with('-') && pair[1].starts_with('<'));
    pairs.map(|pair| pair[0]).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_and_their_values_are_passed_on_and_guests_are_built() {
        let help = "Usage: tglhost run [OPTIONS] <SCRIPT>...\n  -n, --name <NAME>  A name\n      --json  JSON\n";
        let guest = root().join("examples/echo-rust").display().to_string();
        for (given, passed) in [
            ("bot.py --json", "bot.py --json"),
            ("GUEST", "BUILT"),
            ("--json GUEST bot.py", "--json BUILT bot.py"),
            ("--name GUEST GUEST", "--name GUEST BUILT"),
            ("--name=GUEST GUEST", "--name=GUEST BUILT"),
            ("GUEST -- GUEST", "BUILT -- GUEST"),
        ] {
            let arguments: Vec<String> = given.split(' ').map(|word| word.replace("GUEST", &guest)).collect();
            let built = with_guests_built(&arguments, &options_with_value(help), |_| Ok("BUILT".into()));
            let built: Vec<_> = built.expect("nothing fails").into_iter().map(|word| word.into_string()).collect();
            let passed: Vec<_> = passed.split(' ').map(|word| Ok(word.replace("GUEST", &guest))).collect();
            assert_eq!(built, passed, "{given}");
        }
    }
}
