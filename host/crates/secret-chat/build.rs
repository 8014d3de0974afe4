//! Makes Rust types of the schema of secret chats.
//!
//! Invariant: a line of the schema that is not understood fails the build.

use std::path::Path;
use std::{env, fs};

use grammers_tl_gen::{Config, Outputs, generate_rust_code};
use grammers_tl_parser::parse_tl_file;

const SCHEMA: &str = "secret.tl";

/// The layer that the schema goes up to.
const LAYER: i32 = 144;

fn main() {
    println!("cargo::rerun-if-changed={SCHEMA}");
    let schema = fs::read_to_string(SCHEMA).expect("it is here");
    let definitions: Vec<_> = parse_tl_file(&schema).map(|line| line.expect("a definition")).collect();
    let mut outputs = Outputs { common: Vec::new(), types: Vec::new(), functions: Vec::new(), enums: Vec::new() };
    // What they hold is secret, so nothing of them is to be shown.
    let config = Config { impl_debug: false, impl_from_enum: false, ..Config::default() };
    generate_rust_code(&mut outputs, &definitions, LAYER, &config).expect("memory");
    let folder = env::var("OUT_DIR").expect("cargo says it");
    for (name, code) in [("types.rs", outputs.types), ("enums.rs", outputs.enums)] {
        // The generator takes the crate's root for the place where its code stands.
        let code = String::from_utf8(code).expect("text").replace("crate::", "crate::schema::");
        fs::write(Path::new(&folder).join(name), code).expect("a file to write");
    }
}
