//! Runs a test again, as a process of its own, in a network namespace where only loopback is up.
//!
//! Invariant: the test's body never runs outside one.

use std::process::Command;

use tests::{finish, root};

use crate::chat::python;

/// Set in the process that is inside.
const INSIDE: &str = "TGLHOST_TEST_NAMESPACE";

/// Runs `body`, the body of the test of this name, inside.
pub(crate) fn run_inside(test: &str, body: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        return body();
    }
    let this_program = std::env::current_exe().expect("the test's own path");
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--net"]).arg(python()).arg(root().join("tests/interop/in_namespace.py"));
    command.arg(this_program).args(["--exact", test, "--nocapture"]).env(INSIDE, "1");
    let inside = finish(&mut command, "");
    assert!(inside.status.success(), "inside the namespace:\n{}\n{}", inside.stdout, inside.stderr);
}
