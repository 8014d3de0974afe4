//! Embeds the Python runtime component in the binary, compressed, so that a tglhost needs nothing beside it.
//!
//! `cargo xtask build` makes the component. Without it this leaves an empty file in its place, and the binary says so when it
//! is asked to run Python.

#![allow(clippy::print_stdout, reason = "a build script speaks to cargo on stdout")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Costs a fraction of a second for a third of the size; higher levels cost seconds and save little.
const ZSTD_LEVEL: i32 = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let component = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../target/guests/python.wasm");
    let compressed = PathBuf::from(env::var("OUT_DIR")?).join("python.wasm.zst");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", component.display());
    let content = match fs::read(&component) {
        Ok(content) => content,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            println!(
                "cargo::warning=this tglhost will not run Python: `cargo xtask build` makes the component it needs"
            );
            fs::write(&compressed, [])?;
            println!("cargo::rustc-env=PYTHON_COMPONENT_BLAKE3={}", blake3::hash(&[]));
            return Ok(());
        }
        Err(error) => return Err(format!("cannot read {}: {error}", component.display()).into()),
    };
    fs::write(&compressed, zstd::bulk::compress(&content, ZSTD_LEVEL)?)?;
    println!("cargo::rustc-env=PYTHON_COMPONENT_BLAKE3={}", blake3::hash(&content));
    Ok(())
}
