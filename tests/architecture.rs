//! Keeps invariants 1 and 5 of ARCHITECTURE.md: which crates may name wasmtime and grammers, and each other; where machine
//! code may come from; and that every file says what it is for.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn files_below(folder: &Path, suffix: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the project") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files_below(&path, suffix, found);
        } else if path.to_string_lossy().ends_with(suffix) {
            found.push(path);
        }
    }
}

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["host", "guest-sdk", "examples", "tests", "xtask"] {
        files_below(&root().join(folder), ".rs", &mut found);
    }
    assert!(found.len() > 50, "the project's sources are here");
    found
}

#[test]
fn only_the_crates_that_may_name_wasmtime_and_grammers_do() {
    let rules: &[(&str, &[&str])] = &[
        ("wasmtime", &["host/crates/sandbox"]),
        (
            "grammers-",
            &[
                "host/crates/telegram",
                "host/crates/datacentre",
                "host/crates/tl-blank",
                "host/crates/raw-query",
                // It writes and reads Telegram's language, and reaches nothing.
                "host/crates/secret-chat",
                "host/crates/tl-schema",
            ],
        ),
        ("rusqlite", &["host/crates/store", "host/crates/datacentre"]),
    ];
    let mut manifests = Vec::new();
    files_below(&root().join("host"), "Cargo.toml", &mut manifests);
    for manifest in manifests {
        let text = fs::read_to_string(&manifest).expect("readable");
        let place = manifest.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned();
        for (dependency, allowed) in rules {
            let named = text.lines().any(|line| line.starts_with(dependency));
            let may = allowed.iter().any(|folder| place.starts_with(folder));
            assert!(!named || may, "{place} names {dependency}");
        }
    }
}

/// The crates of this project that a crate names, for itself and not for its tests.
fn own_dependencies(of: &str) -> Vec<String> {
    let manifest = fs::read_to_string(root().join("host/crates").join(of).join("Cargo.toml")).expect("readable");
    let own = |line: &str| {
        let name = line.split_once(".workspace")?.0;
        root().join("host/crates").join(name).is_dir().then(|| name.to_owned())
    };
    let section = manifest.split("[dependencies]").nth(1).and_then(|rest| rest.split("\n[").next());
    section.unwrap_or_default().lines().filter_map(own).filter(|name| name != "workspace-hack").collect()
}

/// The crates of this project that a crate is made of, itself among them, in their alphabetical order.
fn reached_from(of: &str) -> Vec<String> {
    let mut reached = vec![of.to_owned()];
    let mut at = 0;
    while at < reached.len() {
        let further = own_dependencies(&reached[at]).into_iter().filter(|name| !reached.contains(name));
        let further: Vec<_> = further.collect();
        reached.extend(further);
        at += 1;
    }
    reached.sort();
    reached
}

#[test]
fn a_scripts_side_knows_neither_accounts_nor_their_files() {
    assert_eq!(own_dependencies("broker"), ["tgl"]);
    assert_eq!(reached_from("runtime"), ["broker", "files", "lockdown", "runtime", "sandbox", "tgl"]);
    // Neither Telegram nor accounts' files are in a worker, whatever gets out of a sandbox there.
    assert_eq!(reached_from("worker"), ["broker", "files", "lockdown", "runtime", "sandbox", "tgl", "worker"]);
}

#[test]
fn a_secret_chat_is_bytes_and_events_alone() {
    assert_eq!(reached_from("secret-chat"), ["dh", "secret-chat"]);
    let manifest = fs::read_to_string(root().join("host/crates/secret-chat/Cargo.toml")).expect("readable");
    let named = manifest.lines().filter(|line| line.starts_with("grammers-")).count();
    let known = ["tl-types", "tl-gen", "tl-parser"].map(|part| format!("grammers-{part}.workspace = true"));
    assert_eq!(named, known.iter().filter(|line| manifest.contains(line.as_str())).count());
}

#[test]
fn unsafe_stands_in_one_file() {
    for source in sources() {
        let place = source.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned();
        let text = fs::read_to_string(&source).expect("readable");
        let allows = ["allow(unsafe", "_code"].concat();
        let named = text.contains(&allows) || text.contains(&allows.replace("allow", "expect"));
        assert!(!named || place == "host/crates/sandbox/src/compiled.rs", "{place} allows unsafe code");
    }
}

#[test]
fn only_the_worker_takes_machine_code_from_elsewhere() {
    let own = ["host/crates/sandbox/src/", "host/crates/sandbox/tests/", "host/crates/worker/"];
    for source in sources() {
        let place = source.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned();
        let named = fs::read_to_string(&source).expect("readable").contains(&[":", ":handed_over"].concat());
        assert!(!named || own.iter().any(|own| place.starts_with(own)), "{place} takes machine code from elsewhere");
    }
}

#[test]
fn every_file_says_first_what_it_is_for() {
    for source in sources() {
        let text = fs::read_to_string(&source).expect("readable");
        let first = text.lines().next().unwrap_or_default();
        assert!(first.starts_with("//! ") && first.len() > 15, "{} begins with {first:?}", source.display());
    }
}

#[test]
fn macros_are_built_without_optimisation() {
    let listing = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--format-version", "1", "--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let listing: serde_json::Value = serde_json::from_slice(&listing.stdout).expect("JSON");
    let packages = listing["packages"].as_array().expect("packages");
    let name = |package: &serde_json::Value| package["name"].as_str().unwrap_or_default().to_owned();
    let is_macro = |package: &&serde_json::Value| {
        let kinds = package["targets"].as_array().into_iter().flatten().flat_map(|target| target["kind"].as_array());
        !package["source"].is_null() && kinds.flatten().any(|kind| kind == "proc-macro")
    };
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("readable");
    let named: Vec<&str> = manifest.lines().filter_map(|line| line.strip_suffix(" = { opt-level = 0 }")).collect();
    let macros: Vec<String> = packages.iter().filter(is_macro).map(name).collect();
    assert!(macros.len() > 5, "{macros:?}");
    let missing: Vec<&String> = macros.iter().filter(|name| !named.contains(&name.as_str())).collect();
    assert!(missing.is_empty(), "name them in Cargo.toml's [profile.dev.package]: {missing:?}");
    let gone = named.into_iter().find(|named| !packages.iter().any(|package| name(package) == *named));
    assert_eq!(gone, None, "nothing needs it any more");
}
