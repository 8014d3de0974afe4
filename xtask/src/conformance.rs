//! What `cargo xtask test conformance` does around the tests: docs/COMPATIBILITY.md from the rows, and the table with the results.
//!
//! Invariant: the rows are read by tests/conformance/table.py alone.

use std::fs;
use std::io::Write;
use std::process::Command;

use anyhow::{Context, Result};

use crate::setup;
use crate::shell::{answer, root, step};

/// The suite's name, which is its folder's in tests/.
pub(crate) const SUITE: &str = "conformance";

/// Where the tests leave a row's result, by group.
const RESULTS: &str = "target/conformance";

/// Writes docs/COMPATIBILITY.md anew, and forgets the results of the last run.
pub(crate) fn prepare() -> Result<()> {
    let results = root().join(RESULTS);
    if results.is_dir() {
        fs::remove_dir_all(&results).with_context(|| format!("cannot remove {}", results.display()))?;
    }
    let document = root().join("docs/COMPATIBILITY.md");
    step("Writing docs/COMPATIBILITY.md");
    fs::write(&document, table(&[])? + "\n").with_context(|| format!("cannot write {}", document.display()))
}

/// Prints each row with its result.
pub(crate) fn print_table() -> Result<()> {
    writeln!(std::io::stdout(), "{}", table(&[RESULTS])?)?;
    Ok(())
}

fn table(arguments: &[&str]) -> Result<String> {
    let python = setup::interop_environment()?.join("bin/python");
    answer(Command::new(python).current_dir(root()).arg("tests/conformance/table.py").args(arguments))
}
