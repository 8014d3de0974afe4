//! Nobody is hurt: every attack of tests/abuse/cases against a host at work, with a neighbour that must not notice.
//!
//! A case is a folder: the attack, bot.py or, where it is one of wasm itself, bot.wat (tests/src/raw.rs), and verdict.toml, what
//! must be seen; case.rs says what can stand there. To run some only, name parts of their names: `CASES=loop,memory cargo test
//! --test abuse -- --nocapture`. It prints for each how long the neighbour's answers took, before and during the attack; with
//! `RATIO_MAX=2` that is part of the verdict.

mod case;
mod trial;

use std::sync::Mutex;
use std::thread;

use case::Case;

/// Trials at one time.
const AT_ONCE: usize = 2;

#[test]
fn no_attack_hurts_anybody() {
    let cases = Case::all();
    assert!(!cases.is_empty(), "there is no such case");
    trial::compile_first();
    let (next, failed) = (Mutex::new(cases.iter()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(case) = next.lock().expect("whole").next() else { return };
                    if !is_held(case) {
                        failed.lock().expect("whole").push(case.name.as_str());
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("whole");
    assert!(failed.is_empty(), "{failed:?}: what was said is above");
}

/// Tries the case, and gives whether all is as it is known to be.
fn is_held(case: &Case) -> bool {
    let ratio_max = std::env::var("RATIO_MAX").ok().and_then(|most| most.parse::<f64>().ok()).unwrap_or(f64::INFINITY);
    let measured = thread::scope(|scope| {
        let trial = thread::Builder::new().name(case.name.clone());
        trial.spawn_scoped(scope, || trial::run(case)).expect("a thread").join()
    });
    match (measured, &case.verdict.known) {
        (Ok(measured), None) => {
            println!("{}: {measured}", case.name);
            measured.ratio() <= ratio_max
        }
        (Ok(_), Some(known)) => {
            println!("{}: it holds; take out `known`: {known}", case.name);
            false
        }
        (Err(_), known) => known.is_some(),
    }
}
