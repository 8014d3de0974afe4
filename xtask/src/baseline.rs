//! The build that measurements are compared with: this product as it was before scripts met their accounts in a broker.
//!
//! Invariant: it is built from the repository's own history, below target/, and once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::shell::{answer, root, run_quietly, step};

/// The commit that is built.
const COMMIT: &str = "6647595";

/// What both builds have in common: build scripts, what is known of each package's build, and the tools.
const SHARED: [&str; 3] = ["debug/build", "debug/.fingerprint", "componentize-venv"];

/// Where in Cargo.toml the profiles begin, which are its last part.
const PROFILES: &str = "[profile.dev]";

/// What of `debug/deps` is of use to another build.
const LIBRARIES: [&str; 4] = ["rlib", "rmeta", "so", "d"];

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
    // With the time of now: what is built of our own crates is older, and so is built anew.
    run_quietly(Command::new("tar").arg("xmf").arg(&files).arg("-C").arg(&folder))?;
    build_by_profiles_of_now(&folder.join("Cargo.toml"))?;
    for shared in SHARED {
        let (from, to) = (root().join("target").join(shared), folder.join("target").join(shared));
        run_quietly(Command::new("cp").arg("-a").arg(from).arg(to))?;
    }
    let (from, to) = (root().join("target/debug/deps"), folder.join("target/debug/deps"));
    fs::create_dir_all(&to)?;
    let files: Vec<PathBuf> = fs::read_dir(from)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    let is_library = |file: &&PathBuf| {
        file.extension().is_some_and(|extension| LIBRARIES.iter().any(|library| extension == *library))
    };
    // With their times, by which they are known to be built.
    run_quietly(Command::new("cp").arg("-a").args(files.iter().filter(is_library)).arg(to))?;
    run_quietly(Command::new("cargo").current_dir(&folder).args(["xtask", "build"]))?;
    ensure!(binary.is_file(), "{} is missing though it was built", binary.display());
    Ok(Some(binary))
}

/// So that what differs is the code, and what both are made of is built already.
fn build_by_profiles_of_now(manifest: &Path) -> Result<()> {
    let now = fs::read_to_string(root().join("Cargo.toml"))?;
    let then = fs::read_to_string(manifest)?;
    let profiles_at = |text: &str| text.find(PROFILES).context("Cargo.toml has no profile");
    let joined = then[..profiles_at(&then)?].to_owned() + &now[profiles_at(&now)?..];
    Ok(fs::write(manifest, joined)?)
}
