//! `cargo xtask package`: what a package of tglhost holds, and the Debian package.
//!
//! Invariant: host/Cargo.toml alone says what goes where in the package; what it names in target/package is made here.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::run::{binary, build_host};
use crate::shell::{answer, cargo, root, run, run_quietly, step};

/// The version of cargo-deb that makes the package.
const CARGO_DEB_VERSION: &str = "3.8.0";

/// Shells, and what each wants the file to be called that completes commands.
const COMPLETIONS: [(&str, &str); 3] = [("bash", "tglhost"), ("zsh", "_tglhost"), ("fish", "tglhost.fish")];

/// Makes target/package: the program without what debuggers read, its pages, and completions for shells.
pub(crate) fn package() -> Result<()> {
    build_host()?;
    step("Writing target/package");
    let folder = root().join("target/package");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let completions = folder.join("completions");
    fs::create_dir_all(&completions)?;
    let mut strip = Command::new("strip");
    run_quietly(strip.arg("-o").arg(folder.join("tglhost")).arg(binary())).context("install binutils")?;
    run_quietly(Command::new(binary()).arg("man-pages").arg(folder.join("man")))?;
    for (shell, name) in COMPLETIONS {
        let text = answer(Command::new(binary()).args(["completions", shell]))?;
        fs::write(completions.join(name), text + "\n")?;
    }
    Ok(())
}

/// Makes the Debian package in target/debian, and installs nothing.
pub(crate) fn deb() -> Result<()> {
    let tool = cargo_deb()?;
    package()?;
    step("Making the Debian package");
    let mut deb = Command::new(tool);
    let made = answer(deb.current_dir(root()).args(["--no-build", "--no-strip", "--package", "tglhost"]))?;
    step(&format!("Made {made}"));
    Ok(())
}

/// cargo-deb, in target/cargo-deb.
fn cargo_deb() -> Result<PathBuf> {
    let folder = root().join("target/cargo-deb");
    let tool = folder.join("bin/cargo-deb");
    let version = answer(Command::new(&tool).arg("--version"));
    if !version.is_ok_and(|version| version.ends_with(CARGO_DEB_VERSION)) {
        step(&format!("Installing cargo-deb {CARGO_DEB_VERSION} into target/cargo-deb (some minutes, once)"));
        let mut install = cargo();
        install.args([
            "install",
            "--quiet",
            "--locked",
            "--force",
            "cargo-deb",
            "--version",
            CARGO_DEB_VERSION,
            "--root",
        ]);
        run(install.arg(&folder))?;
    }
    Ok(tool)
}
