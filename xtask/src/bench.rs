//! `cargo xtask bench`.

use anyhow::Result;

use crate::shell::{cargo, run as run_command, step};
use crate::{guests, run, setup};

/// Measures, and writes target/bench/results.json and docs/BENCHMARKS.md.
pub(crate) fn bench() -> Result<()> {
    run::build_host()?;
    guests::build_all()?;
    setup::interop_environment()?;
    step("Building and running the measurements (about a minute)");
    run_command(cargo().args(["test", "--quiet", "--package", "tests", "--bench", "bench"]))
}
