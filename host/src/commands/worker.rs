//! `tglhost worker`: the process in which scripts run.

use std::process::ExitCode;

/// The verb by which the host starts itself as a worker.
pub(crate) const WORKER: &str = "worker";

/// Runs the worker. Only the host itself calls it.
pub(crate) fn execute() -> ExitCode {
    worker::work(|| ())
}
