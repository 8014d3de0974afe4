//! Finds Telegram's schema, as text, in the package that has made its types of it.
//!
//! Invariant: it is that of the version which the lock file pins.

use std::env;
use std::path::Path;
use std::process::Command;

/// The package, and where the schema is in it.
const PACKAGE: &str = "grammers-tl-types";
const SCHEMA: &str = "tl/api.tl";

fn main() {
    let cargo = env::var_os("CARGO").expect("cargo runs this");
    let target = env::var("TARGET").expect("cargo says it");
    let listing = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--filter-platform", &target])
        .output()
        .expect("cargo lists the packages");
    assert!(listing.status.success(), "{}", String::from_utf8_lossy(&listing.stderr));
    let listing: serde_json::Value = serde_json::from_slice(&listing.stdout).expect("JSON");
    let packages = listing["packages"].as_array().expect("a list");
    let package = packages.iter().find(|package| package["name"] == PACKAGE).expect("a dependency");
    let manifest = Path::new(package["manifest_path"].as_str().expect("a path"));
    let schema = manifest.with_file_name(SCHEMA);
    println!("cargo::rerun-if-changed=../../../Cargo.lock");
    println!("cargo::rerun-if-changed={}", schema.display());
    println!("cargo::rustc-env=TL_SCHEMA={}", schema.display());
}
