//! What a process can do, and cannot, once it is locked down. Each try has a process of its own, this program again, since
//! there is no way back; what must be refused is tried free as well, so that it is the lock-down that refuses it.
//!
//! Invariant: the program starts no thread before it locks itself down, so it is its own harness.

mod ends;
mod place;
mod refused;
mod works;

use std::error::Error;
use std::io;
use std::process::{Command, ExitCode, Stdio};

use place::Place;

/// What a try gives: an error is one of the system's.
pub(crate) type Outcome = Result<(), Box<dyn Error>>;

const LOCKED: &str = "--locked";
const FREE: &str = "--free";
const REFUSED_EXIT: u8 = 3;
/// By them the walls answer. Anything else is a try that went wrong.
const REFUSALS: [i32; 4] = [libc::ENOSYS, libc::EPERM, libc::EACCES, libc::EXDEV];

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    match given.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [how @ (LOCKED | FREE), name] => attempt(name, how == LOCKED),
        [ends::IN_CHILD, name] => ends::in_child(name),
        _ => all(given.iter().find(|word| !word.starts_with('-')).map_or("", String::as_str)),
    }
}

/// Every row whose name holds this word; as other harnesses, so that `cargo test -p lockdown NAME` works.
fn all(word: &str) -> ExitCode {
    let mut tries: Vec<(String, Outcome)> = Vec::new();
    for (name, who, _) in refused::ROWS.iter().filter(|row| row.0.contains(word)) {
        if *who == refused::Who::Anybody {
            tries.push((format!("free: {name}"), expect(FREE, name, 0)));
        }
        tries.push((format!("refused: {name}"), expect(LOCKED, name, REFUSED_EXIT)));
    }
    for (name, _) in works::ROWS.iter().filter(|row| row.0.contains(word)) {
        tries.push((format!("works: {name}"), expect(LOCKED, name, 0)));
    }
    for (name, attempt) in ends::ROWS.iter().filter(|row| row.0.contains(word)) {
        tries.push((format!("ends: {name}"), attempt()));
    }
    let failed = tries.iter().filter_map(|(name, outcome)| Some((name, outcome.as_ref().err()?)));
    let failures = failed.inspect(|(name, why)| eprintln!("FAILED {name}: {why}")).count();
    eprintln!("{} tries, {failures} failed", tries.len());
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn expect(how: &str, name: &str, exit: u8) -> Outcome {
    let place = Place::new()?;
    let mut child = Command::new(std::env::current_exe()?);
    child.args([how, name]).stdin(place.socket_for_child()?).stdout(Stdio::null()).stderr(Stdio::piped());
    place.describe(&mut child);
    let output = child.output()?;
    if output.status.code() == Some(exit.into()) {
        return Ok(());
    }
    Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr)).into())
}

/// In the child: one row.
fn attempt(name: &str, is_locked: bool) -> ExitCode {
    let refused = refused::ROWS.iter().find(|row| row.0 == name).map(|row| row.2);
    let works = works::ROWS.iter().find(|row| row.0 == name).map(|row| row.1);
    let run = refused.or(works).expect("a row of this name");
    let place = place::There::from_environment();
    if is_locked {
        place.lock_down().expect("locked down");
    }
    let Err(error) = run(&place) else { return ExitCode::SUCCESS };
    let number = error.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error);
    eprintln!("{error}");
    ExitCode::from(if number.is_some_and(|number| REFUSALS.contains(&number)) { REFUSED_EXIT } else { 1 })
}
