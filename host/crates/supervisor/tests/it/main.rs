//! Workers that lie, hang or die: what becomes of their scripts, while another worker goes on beside them. This program is its
//! own worker: what it is to play stands in its arguments or is its script's name.
//!
//! Invariant: after each row no process is left but the neighbour's, and the host has not held much more than before.

#[path = "../../../../../tests/guests/built.rs"]
mod built;
mod here;
mod lies;
mod scenes;
mod there;

use std::process::ExitCode;

use here::Stage;

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    match given.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [there::PLAY] => there::play(false),
        [there::PLAY_HONEST] => there::play(true),
        [there::PLAY_AT_ONCE, name] => there::play_at_once(name),
        _ => all(given.iter().find(|word| !word.starts_with('-')).map_or("", String::as_str)),
    }
}

/// Every row whose name holds this word; as other harnesses, so that `cargo test -p supervisor NAME` works.
fn all(word: &str) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("threads");
    let mut tried = 0;
    let mut failed = 0;
    let mut note = |name: &str, outcome: Result<(), String>| {
        tried += 1;
        if let Err(why) = outcome {
            failed += 1;
            eprintln!("FAILED {name}: {why}");
        }
    };
    runtime.block_on(async {
        let stage = Stage::new().await;
        for row in lies::ROWS.iter().filter(|row| row.name.contains(word)) {
            note(row.name, stage.outcome(lies::told(&stage, row)).await);
        }
        for (name, scene) in scenes::ROWS.iter().filter(|row| row.0.contains(word)) {
            note(name, stage.outcome(scene(&stage)).await);
        }
    });
    eprintln!("{tried} rows, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
