//! The guests that tests use, built on demand. Included by the tests of several crates.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// The puppet component: does what its source and its messages say.
pub(crate) fn puppet() -> Vec<u8> {
    static BUILT: OnceLock<Vec<u8>> = OnceLock::new();
    BUILT.get_or_init(|| build("puppet")).clone()
}

/// The Python component, as `cargo xtask build` leaves it.
#[allow(dead_code, reason = "not every test that includes this file needs every guest")]
pub(crate) fn python() -> Vec<u8> {
    let path = root().join("target/guests/python.wasm");
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; run `cargo xtask build` first", path.display()))
}

fn build(package: &str) -> Vec<u8> {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--profile", "guest", "--target", "wasm32-wasip2", "--package", package])
        .current_dir(root())
        .status();
    assert!(built.expect("cargo runs").success(), "{package} does not build");
    let path = root().join("target/wasm32-wasip2/guest").join(format!("{package}.wasm"));
    std::fs::read(path).expect("cargo left the component where it always does")
}

fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let root = here.ancestors().find(|folder| folder.join("wit/v0.1").is_dir());
    root.expect("the test runs in the repository").to_owned()
}
