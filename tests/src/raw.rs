//! Guests in WebAssembly's own text: what no compiler makes of honest source.
//!
//! Such a text is the fields of a core module, which becomes a component of the world that scripts have. What every module must
//! have and this one does not is added: a memory, an allocator, and callbacks that do nothing. It takes what other guests take
//! too: the package `wasmtime` that the Python component is built with, and the linker that Rust guests are linked by.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::root;

/// What scripts export, each function with its parameters.
const CALLBACKS: [(&str, &str); 9] = [
    ("on-our-id", "i64"),
    ("on-binlog-replay-end", ""),
    ("on-get-difference-end", ""),
    ("on-message", "i32"),
    ("on-user-update", "i32"),
    ("on-chat-update", "i32"),
    ("on-secret-chat-update", "i32"),
    ("on-completion", "i32"),
    ("on-timer", ""),
];

/// Gives the module of a text.
const READ: &str = "import sys, wasmtime; open(sys.argv[2], 'wb').write(wasmtime.wat2wasm(open(sys.argv[1]).read()))";
/// In the place of what links objects to a module: this one is whole.
const LINK: &str = "#!/bin/sh\nwhile [ \"$1\" != -o ]; do shift; done\ncp core.wasm \"$2\"\n";
/// The world, chosen.
const WORLD: &str = "package raw:guest;\n\
                     world guest { include tgl:script/script@0.1.0; import wasi:random/random@0.2.6; }\n";
/// What it has of WASI.
const RANDOM: &str = "package wasi:random@0.2.6;\n\
                      interface random { get-random-bytes: func(len: u64) -> list<u8>; }\n";

/// The component of these fields.
pub fn raw_component(fields: &str) -> Vec<u8> {
    let folder = TempDir::new().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    fs::write(at("core.wat"), with_what_is_missing(fields)).expect("written");
    let python = root().join("target/componentize-venv/bin/python");
    ends_well(Command::new(&python).args(["-c", READ, "core.wat", "core.wasm"]).current_dir(&folder));
    fs::write(at("link"), LINK).expect("written");
    fs::set_permissions(at("link"), fs::Permissions::from_mode(0o700)).expect("set");
    fs::create_dir_all(at("world/deps/random")).expect("made");
    fs::write(at("world/world.wit"), WORLD).expect("written");
    fs::write(at("world/deps/random/random.wit"), RANDOM).expect("written");
    symlink(fs::canonicalize(root().join("wit/v0.1")).expect("it is there"), at("world/deps/script")).expect("made");
    let mut link = Command::new(linker());
    link.args([
        "--wasi-adapter",
        "none",
        "--component-type",
        "world",
        "--wasm-ld-path",
        "./link",
        "-o",
        "made.wasm",
        "none",
    ]);
    ends_well(link.current_dir(&folder));
    fs::read(at("made.wasm")).expect("it was made")
}

fn with_what_is_missing(fields: &str) -> String {
    let exports = |name: &str| fields.contains(&format!("(export \"{name}\")"));
    let mut text = format!("(module\n{fields}\n");
    if !exports("memory") {
        text.push_str("(memory (export \"memory\") 2)\n");
    }
    if !exports("cabi_realloc") {
        // All that comes in is put to one place, the second page.
        text.push_str("(func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) i32.const 65536)\n");
    }
    for (name, parameters) in CALLBACKS {
        let name = format!("tgl:script/callbacks@0.1.0#{name}");
        if !exports(&name) {
            // It is well: the answer at 0 is all zeros.
            text.push_str(&format!("(func (export {name:?}) (param {parameters}) (result i32) i32.const 0)\n"));
        }
    }
    text.push(')');
    text
}

/// What rustc links components by.
fn linker() -> PathBuf {
    let asked = Command::new("rustc").args(["--print", "target-libdir"]).output().expect("rustc runs");
    let libraries = String::from_utf8(asked.stdout).expect("a path");
    Path::new(libraries.trim()).with_file_name("bin").join("wasm-component-ld")
}

fn ends_well(command: &mut Command) {
    let ended = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}
