//! `cargo xtask bump-wasmtime VERSION`: another version of wasmtime, if nothing in the sandbox and no attack tells the difference.
//!
//! Invariant: where a step fails, Cargo.toml and Cargo.lock are as they were.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::shell::{self, cargo, root, step};
use crate::{guests, run};

/// What wasmtime comes in, as Cargo.toml names it.
const CRATES: [&str; 2] = ["wasmtime", "wasmtime-wasi"];
/// What reads components, and has to be the version that wasmtime has; and the crate of wasmtime's that has it.
const PARSER: &str = "wasmparser";
const HAS_PARSER: &str = "wasmtime-environ";
/// What has to be green with it.
const GATE: [&[&str]; 2] = [&["--package", "sandbox"], &["--package", "tests", "--test", "abuse"]];

/// Changes the version, builds all anew, and runs the gate.
pub(crate) fn bump_wasmtime(version: &str) -> Result<()> {
    if version.split('.').count() != 3 || !version.split('.').all(|part| part.parse::<u32>().is_ok()) {
        bail!("{version:?} is no version: say all of it, for example 48.0.9");
    }
    let before = [Kept::of("Cargo.toml")?, Kept::of("Cargo.lock")?];
    let bumped = change(version).and_then(|()| pass_gate());
    if let Err(error) = bumped {
        before.iter().try_for_each(Kept::put_back)?;
        step("Cargo.toml and Cargo.lock are as they were.");
        return Err(error.context(format!("wasmtime stays what it was, and is not {version}")));
    }
    step(&format!("wasmtime is {version}. Commit Cargo.toml and Cargo.lock, with a line in CHANGELOG.md."));
    Ok(())
}

/// A file as it was.
struct Kept {
    path: PathBuf,
    text: String,
}

impl Kept {
    fn of(name: &str) -> Result<Self> {
        let path = root().join(name);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self { path, text })
    }

    fn put_back(&self) -> Result<()> {
        fs::write(&self.path, &self.text).with_context(|| format!("cannot put {} back", self.path.display()))
    }
}

fn change(version: &str) -> Result<()> {
    let manifest = Kept::of("Cargo.toml")?;
    let with =
        |version: &str| CRATES.iter().try_fold(manifest.text.clone(), |text, name| with_version(&text, name, version));
    // Cargo takes this very version so, and keeps it where others would do too.
    fs::write(&manifest.path, with(&format!("={version}"))?)?;
    let tree = ["tree", "--package", HAS_PARSER, "--depth", "1", "--prefix", "none", "--edges", "normal"];
    let parser = version_of(&shell::answer(cargo().args(tree))?, PARSER)?;
    fs::write(&manifest.path, with_version(&with(version)?, PARSER, &parser)?)?;
    Ok(())
}

fn pass_gate() -> Result<()> {
    run::build_host()?;
    guests::build_all()?;
    for suite in GATE {
        step(&format!("Running {}", suite.join(" ")));
        shell::run(cargo().args(["test", "--no-fail-fast"]).args(suite))?;
    }
    Ok(())
}

/// A manifest in which this dependency has this version.
fn with_version(manifest: &str, name: &str, version: &str) -> Result<String> {
    let begins = format!("{name} = {{ version = \"");
    let (before, rest) =
        manifest.split_once(&format!("\n{begins}")).with_context(|| format!("Cargo.toml names no {name}"))?;
    let (_, after) = rest.split_once('"').context("a version ends")?;
    Ok(format!("{before}\n{begins}{version}\"{after}"))
}

/// The version of a crate in what `cargo tree` lists.
fn version_of(tree: &str, name: &str) -> Result<String> {
    let listed = tree.lines().find_map(|line| line.strip_prefix(&format!("{name} v")));
    let listed = listed.and_then(|rest| rest.split_whitespace().next());
    Ok(listed.with_context(|| format!("{HAS_PARSER} has no {name}"))?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_and_changed() {
        let manifest = "[workspace.dependencies]\nwasmtime = { version = \"1.2.3\", features = [\"a\"] }\nwasmtime-wasi = { version = \"1.2.3\" }\n";
        let changed = with_version(manifest, "wasmtime-wasi", "4.5.6").expect("it is there");
        assert_eq!(changed, manifest.replace("wasi = { version = \"1.2.3\"", "wasi = { version = \"4.5.6\""));
        assert!(with_version(manifest, "wasm", "4.5.6").is_err());
        let tree = "wasmtime-environ v48.0.8\nserde v1.0.0\nwasmparser v0.254.2 (*)\n";
        assert_eq!(version_of(tree, "wasmparser").expect("it is there"), "0.254.2");
    }
}
