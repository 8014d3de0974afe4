//! `tglhost compile-worker`: compiles one untrusted component from stdin to stdout under this process's own limits.

use std::process::ExitCode;

/// The verb by which the host starts itself as a worker.
pub(crate) const COMPILE_WORKER: &str = "compile-worker";

/// Runs the worker. Only the host itself calls it.
pub(crate) fn execute() -> ExitCode {
    sandbox::compile_worker()
}
