//! Foreign bytes: whatever comes from a client, a guest, a worker, a tenant or a file of theirs, it is taken or refused; nothing
//! panics, nothing hangs, and memory has a bound. One file for each way in, which says what holds there.
//!
//! By itself each tries the same few cases every time. `cargo xtask fuzz TARGET --minutes N` goes on for so long, with other ones.

mod config;
mod control;
mod damage;
mod data_centre;
mod envelope;
mod frames;
mod guest;
mod layers;
mod paths;
mod raw_query;
mod secret_chat;
mod transports;

use std::fmt::Debug;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use arbitrary::Unstructured;

/// Cases of a test where nobody says for how long.
const CASES: u64 = 500;
/// What a case is made of, at most.
const CASE_BYTES: usize = 4 << 10;
/// The most memory that the process may ever have held, in KiB: all targets run in one.
const KIB_MAX: u64 = 512 << 10;
/// How many minutes each test is to go on for.
const MINUTES: &str = "TGLHOST_FUZZ_MINUTES";

/// It holds for each case that is made; one for which it does not is said.
fn holds_for_each<T: Debug>(make: impl Fn(&mut Unstructured<'_>) -> arbitrary::Result<T>, holds: impl Fn(&T)) {
    let minutes = std::env::var(MINUTES).ok().and_then(|minutes| minutes.parse::<u64>().ok());
    let until = minutes.map(|minutes| Instant::now() + Duration::from_secs(60 * minutes));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let first = until.map_or(0, |_| u64::try_from(now.as_nanos()).unwrap_or_default());
    for number in first.. {
        let mut bytes = vec![0; CASE_BYTES];
        blake3::Hasher::new().update(&number.to_le_bytes()).finalize_xof().fill(&mut bytes);
        let case = make(&mut Unstructured::new(&bytes)).expect("there are enough bytes");
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| holds(&case))) {
            eprintln!("It does not hold for {case:?}");
            resume_unwind(panic);
        }
        let tried = number - first + 1;
        if until.map_or(tried >= CASES, |until| Instant::now() >= until) {
            let held_kib = most_memory_kib();
            println!("{tried} cases, {} MiB at most", held_kib >> 10);
            assert!(held_kib < KIB_MAX, "{held_kib} KiB were held");
            return;
        }
    }
}

fn most_memory_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    most.and_then(|most| most.trim().trim_end_matches(" kB").parse().ok()).expect("Linux says so")
}
