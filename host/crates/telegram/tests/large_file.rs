//! A file of 1 GiB, up and down, beside a data centre in a process of its own: what it costs in memory.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use datacentre::{Config, DataCentre};
use store::AccountStore;
use telegram::DcAddress;
use tempfile::TempDir;
use tgl::{Call, FileKind, FilePart, Outcome};

#[path = "it/world.rs"]
#[allow(dead_code, reason = "made for other tests as well")]
mod world;

use world::{User, phone, sign_up};

const FILE_BYTES: u64 = 1 << 30;
/// How much of it is no hole.
const NOISE_BYTES: usize = 64 << 20;
/// What a transfer may add, whatever the size of its file.
const GROWTH_BYTES_MAX: u64 = 16 << 20;
const DATA_DIR: &str = "TELEGRAM_TEST_DATA_CENTRE";

/// Not a test by itself: the data centre of the other one, until its standard input ends.
#[tokio::test(flavor = "multi_thread")]
async fn serve() {
    let Some(data_dir) = std::env::var_os(DATA_DIR) else { return };
    let listen = ([127, 0, 0, 1], 0).into();
    let dc = DataCentre::start(Config { listen, data_dir: data_dir.into(), dc_id: 2 }).await.unwrap();
    let key = dc.public_key_pem.replace('\n', "|");
    // Past the harness, which keeps what is printed.
    fs::write(std::env::var(DATA_DIR).unwrap() + ".ready", format!("{}\n{key}\n", dc.address)).unwrap();
    tokio::task::spawn_blocking(|| std::io::stdin().read(&mut [0])).await.unwrap().unwrap();
    dc.stop().await;
}

/// Ends with the test.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn data_centre(dir: &TempDir) -> (Served, DcAddress) {
    let data_dir = dir.path().join("dc");
    let process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "serve"])
        .env(DATA_DIR, &data_dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let served = Served(process);
    let ready = dir.path().join("dc.ready");
    let deadline = std::time::Instant::now() + world::PATIENCE;
    let lines = loop {
        let lines: Vec<String> = fs::File::open(&ready)
            .map(|file| BufReader::new(file).lines().map_while(Result::ok).collect())
            .unwrap_or_default();
        if lines.len() == 2 {
            break lines;
        }
        assert!(std::time::Instant::now() < deadline, "the data centre starts");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let (address, public_key_pem) = (lines[0].parse().unwrap(), lines[1].replace('|', "\n"));
    (served, DcAddress::Custom { address, public_key_pem, dc_id: 2 })
}

/// This process's memory, in bytes: now, or at its most since the last [`forget_most`].
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_matches(|c: char| !c.is_ascii_digit()).parse::<u64>().unwrap() << 10
}

fn forget_most() -> u64 {
    fs::write("/proc/self/clear_refs", "5").unwrap();
    memory("VmRSS:")
}

fn check_growth(what: &str, before: u64) {
    let growth = memory("VmHWM:").saturating_sub(before);
    assert!(growth <= GROWTH_BYTES_MAX, "{what} took {} KiB", growth >> 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_costs_no_more_memory_than_a_small_one() {
    let dir = TempDir::new().unwrap();
    let (_served, dc) = data_centre(&dir).await;
    let store = AccountStore::open(&dir.path().join("Alice")).unwrap();
    sign_up(&store, dc.clone(), "Alice", &phone(1)).await;
    let mut alice = User::begin_in(store, dc, Arc::new(TempDir::new().unwrap()), 4 * FILE_BYTES);
    alice.wait(|state| state.our_id.is_some()).await;
    alice.id = alice.state.borrow().our_id.unwrap();
    let to = alice.peer();
    let path = alice.home.path().join("big.iso");
    // What can be packed takes other ways than what cannot.
    let noise = std::iter::successors(Some(1_u64), |n| Some(n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1)));
    let noise: Vec<u8> = noise.take(NOISE_BYTES / 8).flat_map(u64::to_le_bytes).collect();
    fs::write(&path, noise).unwrap();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(FILE_BYTES).unwrap();

    let before = forget_most();
    alice.request(Call::SendFile { to, kind: FileKind::Detect, path: "big.iso".to_owned() }).await;
    let completion =
        tokio::time::timeout(Duration::from_secs(60), alice.completions.recv()).await.unwrap().unwrap().completion;
    let Ok(Outcome::Message(message)) = completion.result else { panic!("{completion:?}") };
    check_growth("sending", before);

    let before = forget_most();
    alice.request(Call::LoadFile { message: message.id, part: FilePart::Document }).await;
    let completion =
        tokio::time::timeout(Duration::from_secs(60), alice.completions.recv()).await.unwrap().unwrap().completion;
    let Ok(Outcome::File(path)) = completion.result else { panic!("{completion:?}") };
    check_growth("loading", before);
    assert_eq!(alice.files.open_file(&path).unwrap().len(), FILE_BYTES);

    let mut notes = Vec::new();
    while let Ok(note) = alice.notes.try_recv() {
        notes.push(note);
    }
    let is_line = |note: &String| note.ends_with(" %");
    assert!(notes.iter().all(is_line) && notes.len() <= 60, "at most one per second: {notes:?}");
    assert!(notes.iter().any(|note| note == "sending big.iso: 100 %"), "{notes:?}");
    let is_loaded = |note: &String| note.starts_with("loading download_") && note.ends_with(": 100 %");
    assert!(notes.iter().any(is_loaded), "{notes:?}");
}
