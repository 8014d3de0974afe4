//! What `cargo xtask bench` runs: measures the product's own parts, and writes target/bench/results.json and docs/BENCHMARKS.md.
//!
//! With a number in TGLHOST_BENCH_SAMPLES it takes so many samples of each and writes nothing: that shows that it still works.
//!
//! Invariant: every figure comes from this run, on this machine; what cannot be measured here is an error, not a blank.

mod account;
mod baseline;
mod client;
mod guests;
mod many;
mod report;
mod round_trip;
mod sample;
mod start;
mod transfers;
mod turn_around;
mod used;
mod wide;

use std::path::PathBuf;

use anyhow::{Context, Result};

fn main() -> Result<()> {
    if let Some(result) = transfers::as_client().or_else(turn_around::as_inside) {
        return result;
    }
    let tglhost = tglhost()?;
    let mut measures = guests::measure()?;
    measures.extend(start::measure(&tglhost)?);
    measures.extend(many::measure(&tglhost)?);
    measures.extend(account::measure()?);
    measures.extend(wide::measure()?);
    measures.extend(round_trip::measure(&tglhost)?);
    measures.extend(turn_around::measure()?);
    measures.extend(transfers::measure(&tglhost)?);
    if sample::are_few() { report::check(&measures) } else { report::write(&measures) }
}

/// The host's binary, built beside this program.
fn tglhost() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let built = program.ancestors().nth(2).context("this program is not in target/<profile>/deps")?.join("tglhost");
    anyhow::ensure!(built.is_file(), "{} is missing: measure with `cargo xtask bench`", built.display());
    Ok(built)
}

/// One line for who watches.
fn progress(text: &str) {
    eprintln!("  {text}");
}
