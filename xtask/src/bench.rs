//! `cargo xtask bench`.

use std::process::Command;

use anyhow::Result;

use crate::shell::{cargo, run as run_command, step};
use crate::{baseline, guests, run, setup};

/// What tells the measurements where the build is that they compare with.
const BASELINE: &str = "TGLHOST_BENCH_BASELINE";

/// What tells the measurements to take few samples, and how many.
const FEW_SAMPLES: (&str, &str) = ("TGLHOST_BENCH_SAMPLES", "3");

/// Every measurement; it writes target/bench/results.json and docs/BENCHMARKS.md.
pub(crate) fn whole() -> Command {
    let mut command = cargo();
    command.args(["test", "--quiet", "--package", "tests", "--bench", "bench"]);
    command
}

/// Builds what is needed, also what is compared with, and measures.
pub(crate) fn compare() -> Result<()> {
    setup::interop_environment()?;
    run::build_host()?;
    let mut measurements = whole();
    if let Some(binary) = baseline::build()? {
        measurements.env(BASELINE, binary);
    }
    bench(measurements)
}

/// Every measurement with a few samples, which writes nothing: a test of the measurements.
pub(crate) fn quick() -> Command {
    let mut command = whole();
    command.env(FEW_SAMPLES.0, FEW_SAMPLES.1);
    command
}

/// Builds what is needed and measures.
pub(crate) fn bench(mut measurements: Command) -> Result<()> {
    run::build_host()?;
    guests::build_all()?;
    setup::interop_environment()?;
    step("Building and running the measurements");
    run_command(&mut measurements)
}
