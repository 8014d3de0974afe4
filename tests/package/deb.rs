//! The Debian package: what host/Cargo.toml says goes into it is there, and what is installed fits. `cargo xtask package deb`
//! makes it, which takes too long for a test.

use std::fs;
use std::path::Path;
use std::process::Command;

use tests::root;
use toml::Value;

use crate::{run_if_there, text};

/// What `cargo xtask package` makes in target/package.
const MADE: [&str; 5] =
    ["tglhost", "man/*.1", "completions/tglhost", "completions/_tglhost", "completions/tglhost.fish"];

fn metadata() -> Value {
    let manifest = fs::read_to_string(root().join("host/Cargo.toml")).expect("it is there");
    let manifest: Value = manifest.parse::<toml::Table>().expect("TOML").into();
    manifest["package"]["metadata"]["deb"].clone()
}

/// Each file of the package: what it is made of, from host/ on, and where it goes.
fn assets() -> Vec<(String, String)> {
    let metadata = metadata();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    metadata["assets"].as_array().expect("a list").iter().map(|asset| (text(&asset[0]), text(&asset[1]))).collect()
}

/// Whether files are there by this name, which may end in a star.
fn is_there(source: &Path) -> bool {
    match source.to_string_lossy().strip_suffix('*') {
        Some(folder) => fs::read_dir(folder).is_ok_and(|mut files| files.next().is_some()),
        None => source.is_file(),
    }
}

#[test]
fn everything_that_goes_into_the_package_is_there() {
    let assets = assets();
    for (source, _) in &assets {
        let is_made = source.strip_prefix("../target/package/").map(|made| MADE.contains(&made));
        assert!(is_made.unwrap_or_else(|| is_there(&root().join("host").join(source))), "{source}");
    }
    for made in MADE {
        let source = format!("../target/package/{made}");
        assert!(assets.iter().any(|(asset, _)| *asset == source), "{made} is made and not installed");
    }
}

#[test]
fn what_the_unit_names_is_where_the_package_puts_it() {
    let unit = fs::read_to_string(root().join("host/package/tglhost.service")).expect("it is there");
    let assets = assets();
    let files: Vec<String> = assets.iter().map(|(source, to)| installed(source, to)).collect();
    let named = unit.split(['=', ' ', '\n', ':']).filter(|word| word.starts_with("/usr/"));
    let named: Vec<_> = named.collect();
    assert!(named.len() >= 3, "{named:?}");
    for path in named {
        let is_installed = |file: &String| match file.strip_suffix('*') {
            Some(folder) => path.starts_with(folder) && root().join("docs").join(&path[folder.len()..]).is_file(),
            None => path == file,
        };
        assert!(files.iter().any(is_installed), "{path}: {files:?}");
    }
}

/// The path that a file is installed at.
fn installed(source: &str, to: &str) -> String {
    let name = if to.ends_with('/') { source.rsplit('/').next().unwrap_or_default() } else { "" };
    format!("/{to}{name}")
}

#[test]
fn its_scripts_are_ones_that_a_shell_reads() {
    let folder =
        metadata()["maintainer-scripts"].as_str().map(|folder| root().join("host").join(folder)).expect("named");
    let scripts: Vec<_> = fs::read_dir(folder).expect("listed").map(|script| script.expect("one").path()).collect();
    assert_eq!(scripts.len(), 3, "{scripts:?}");
    for script in scripts {
        let Some(read) = run_if_there(Command::new("sh").arg("-n").arg(&script)) else { return };
        assert!(read.status.success(), "{}: {}", script.display(), text(&read.stderr));
    }
}
