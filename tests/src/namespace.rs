//! Runs a test again, as a process of its own, in a network namespace where only loopback is up.
//!
//! Invariant: the test's body never runs outside one.

use std::path::PathBuf;
use std::process::Command;

use crate::root;

/// Set in the process that is inside.
const INSIDE: &str = "TGLHOST_TEST_NAMESPACE";

/// Runs `body`, the body of the test of this name, inside. What it waits for it bounds itself.
pub fn run_inside(test: &str, body: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        return body();
    }
    let this_program = std::env::current_exe().expect("the test's own path");
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--net"]).arg(interop_python()).arg(root().join("tests/interop/in_namespace.py"));
    command.arg(this_program).args(["--exact", test, "--include-ignored", "--nocapture"]).env(INSIDE, "1");
    let inside = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (stdout, stderr) = (String::from_utf8_lossy(&inside.stdout), String::from_utf8_lossy(&inside.stderr));
    assert!(inside.status.success(), "inside the namespace:\n{stdout}\n{stderr}");
}

/// The interpreter of the environment that has the independent clients.
pub fn interop_python() -> PathBuf {
    installed("interop-venv/bin/python")
}

/// What `cargo xtask test` has put into target/.
pub fn installed(path: &str) -> PathBuf {
    let path = root().join("target").join(path);
    assert!(path.exists(), "{} is missing: run the tests with `cargo xtask test`", path.display());
    path
}
