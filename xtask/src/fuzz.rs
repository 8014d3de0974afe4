//! `cargo xtask fuzz`: foreign bytes of one kind, or of all, for as long as one likes.

use anyhow::{Context, Result, bail};

use crate::run;
use crate::shell::{self, cargo, root};

/// For how long where nobody says.
const MINUTES: &str = "10";

/// Tries the target's cases for so many minutes, each of its tests after the other. An error where one does not hold.
pub(crate) fn fuzz(arguments: &[String]) -> Result<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (target, minutes) = match words[..] {
        [target] => (target, MINUTES),
        [target, "--minutes", minutes] => (target, minutes),
        _ => bail!("say `cargo xtask fuzz TARGET [--minutes N]`; tests/fuzz has a file for each target"),
    };
    minutes.parse::<u32>().with_context(|| format!("{minutes:?} is no number of minutes"))?;
    if !root().join("tests/fuzz").join(target).with_extension("rs").is_file() {
        bail!("there is no target {target}: tests/fuzz has a file for each");
    }
    run::build_host()?;
    let mut tests = cargo();
    tests.args(["test", "--package", "tests", "--test", "fuzz", "--", "--nocapture", "--test-threads=1"]);
    shell::run(tests.arg(format!("{target}::")).env("TGLHOST_FUZZ_MINUTES", minutes))
}
