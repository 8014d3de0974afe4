//! The build that measurements are compared with: this product as it was before scripts met their accounts in a broker.
//!
//! Invariant: it is built from the repository's own history, below target/, and once.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::shell::{answer, root, run_quietly, step};

/// The commit that is built.
const COMMIT: &str = "6647595";

/// What is built already of what both builds have in common, and the tools that both use: copied, or where nothing is written
/// to it again, linked.
const SHARED: [(&str, &str); 4] =
    [("debug/deps", "-al"), ("debug/build", "-al"), ("debug/.fingerprint", "-a"), ("componentize-venv", "-al")];

/// Builds it, and gives its binary; none where the history does not go back so far.
pub(crate) fn build() -> Result<Option<PathBuf>> {
    let folder = root().join("target/baseline");
    let binary = folder.join("target/debug/tglhost");
    if binary.is_file() {
        return Ok(Some(binary));
    }
    if answer(Command::new("git").current_dir(root()).args(["cat-file", "-t", COMMIT])).is_err() {
        step(&format!("Without a comparison: this repository does not know commit {COMMIT}"));
        return Ok(None);
    }
    step(&format!("Building commit {COMMIT} to compare with (some minutes, once)"));
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(folder.join("target/debug"))?;
    let files = folder.join("files.tar");
    run_quietly(Command::new("git").current_dir(root()).args(["archive", COMMIT, "--output"]).arg(&files))?;
    run_quietly(Command::new("tar").arg("xf").arg(&files).arg("-C").arg(&folder))?;
    for (shared, how) in SHARED {
        let (from, to) = (root().join("target").join(shared), folder.join("target").join(shared));
        run_quietly(Command::new("cp").arg(how).arg(from).arg(to))?;
    }
    run_quietly(Command::new("cargo").current_dir(&folder).args(["xtask", "build"]))?;
    ensure!(binary.is_file(), "{} is missing though it was built", binary.display());
    Ok(Some(binary))
}
