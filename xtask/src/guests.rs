//! Building Rust guests.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::setup::GUEST_TARGET;
use crate::shell::{cargo, root, run};

/// Builds the Rust guest in a folder and gives its component. A guest of this project is built by the profile `guest`, one
/// from elsewhere by its own profile `release`; both go to target/.
pub(crate) fn build(folder: &Path) -> Result<PathBuf> {
    let folder = folder.canonicalize().with_context(|| format!("cannot open {}", folder.display()))?;
    let profile = if folder.starts_with(root().canonicalize()?) { "guest" } else { "release" };
    let package = package_name(&folder)?;
    let target = root().join("target");
    let mut build = cargo();
    build.args(["build", "--quiet", "--profile", profile, "--target", GUEST_TARGET, "--target-dir"]).arg(&target);
    build.arg("--manifest-path").arg(folder.join("Cargo.toml"));
    run(&mut build)?;
    let component = target.join(GUEST_TARGET).join(profile).join(format!("{}.wasm", package.replace('-', "_")));
    if !component.is_file() {
        bail!(
            "the package {package} in {} gives no component: its Cargo.toml needs `[lib]` with `crate-type = [\"cdylib\"]`",
            folder.display()
        );
    }
    Ok(component)
}

/// Builds every Rust guest of this project: the examples, and those that tests run.
pub(crate) fn build_all() -> Result<()> {
    let mut build = cargo();
    build.args(["build", "--quiet", "--profile", "guest", "--target", GUEST_TARGET]);
    for folder in ["examples", "tests/guests"] {
        let Ok(entries) = fs::read_dir(root().join(folder)) else { continue };
        for entry in entries {
            let entry = entry?.path();
            if entry.join("Cargo.toml").is_file() {
                build.args(["--package", &package_name(&entry)?]);
            }
        }
    }
    run(&mut build)
}

/// The name that a folder's Cargo.toml gives its package.
fn package_name(folder: &Path) -> Result<String> {
    let manifest = folder.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).with_context(|| format!("cannot read {}", manifest.display()))?;
    let values = text.lines().skip_while(|line| line.trim() != "[package]").filter_map(|line| line.split_once('='));
    let name = values.map(|(key, value)| (key.trim(), value.trim().trim_matches('"'))).find(|(key, _)| *key == "name");
    let (_, name) = name.with_context(|| format!("{} names no package", manifest.display()))?;
    Ok(name.to_owned())
}
