//! `tglhost compile-worker`: compiles one untrusted component from stdin to stdout under this process's own limits.

/// Runs the worker. Only the host itself calls it.
pub(crate) fn execute() -> anyhow::Result<u8> {
    sandbox::compile_worker()?;
    Ok(0)
}
