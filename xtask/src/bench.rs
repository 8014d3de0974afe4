//! `cargo xtask bench`.

use anyhow::Result;

use crate::shell::{cargo, run as run_command, step};
use crate::{guests, run};

/// Measures, and writes target/bench/results.json and docs/BENCHMARKS.md.
pub(crate) fn bench() -> Result<()> {
    run::build_host()?;
    guests::build_all()?;
    step("Measuring");
    run_command(cargo().args(["run", "--quiet", "--package", "tests", "--bin", "bench"]))
}
