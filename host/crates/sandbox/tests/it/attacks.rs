//! What a wicked guest tries, and what comes of it: the host lives, the guest is stopped with a reason or told no, and other
//! guests notice nothing.

use std::time::Duration;

use sandbox::{GuestError, Limits, StartError, Trap};
use tgl::Event;

use crate::support::{With, message, puppet, start, started};

/// What comes of an attack.
enum Verdict {
    /// The guest is stopped.
    Stopped(Trap),
    /// The guest is told no, prints this, and lives on.
    Told(&'static str),
}
use Verdict::{Stopped, Told};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attacks_end_as_they_should() {
    let limits = Limits { cpu_ms_max: 200, memory_bytes_max: 32 << 20, resources_max: 40, ..Limits::default() };
    let cases = [
        ("spin", Stopped(Trap::CpuTime { ms_max: 200 })),
        ("sleep 100000", Stopped(Trap::WallTime { ms_max: 3_000 })),
        ("allocate 1000", Told("30")),
        ("hoard", Stopped(Trap::Memory { bytes_max: 32 << 20 })),
        ("recurse", Stopped(Trap::StackOverflow)),
        ("recurse-widely", Stopped(Trap::StackOverflow)),
        ("hold-widely", Stopped(Trap::InterpreterCrashed)),
        ("panic", Stopped(Trap::InterpreterCrashed)),
        ("process-exit 3", Stopped(Trap::Exited(1))),
        ("process-exit 0", Stopped(Trap::Exited(0))),
        ("log-bytes 3000000", Stopped(Trap::HostCallTooLarge { bytes_max: 2 << 20 })),
        ("open 200", Stopped(Trap::Resources { max: 40 })),
        ("spam 1000", Stopped(Trap::TooManyCalls)),
        ("peer 666", Stopped(Trap::HostFault)),
        ("connect 127.0.0.1:22", Told("Err(")),
        ("bind 127.0.0.1:0", Told("Err(")),
        ("resolve localhost:80", Told("Err(")),
        ("read /etc/passwd", Told("Err(")),
        ("read ../etc/passwd", Told("Err(")),
        ("list /", Told("Ok(1)")),
    ];
    let program = puppet().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("puppet.txt"), "").unwrap();
    for (attack, verdict) in cases {
        let files = Some(files::FileSpace::open(Some(folder.path()), None, 0, &[]).unwrap());
        // Only who sleeps is to meet this one: on a busy machine the others may take long.
        let wall_ms_max = if attack.starts_with("sleep") { 3_000 } else { limits.wall_ms_max };
        let limits = Limits { wall_ms_max, ..limits };
        let mut guest = start(&program, With { limits, files, ..With::default() }).await.unwrap();
        guest.notes.refuse_calls_beyond(100);
        guest.load("").await;
        let result = guest.instance.on_event(&Event::Message(message(1, attack))).await;
        match verdict {
            Stopped(trap) => {
                assert_eq!(result, Err(GuestError::Trapped(trap)), "{attack}");
                let again = guest.instance.on_timer().await;
                assert_eq!(again, Err(GuestError::Trapped(Trap::Gone)), "{attack}: never entered again");
            }
            Told(answer) => {
                assert_eq!(result, Ok(()), "{attack}");
                let told = guest.notes.take_stdout();
                assert!(told.starts_with(answer), "{attack}: {told}");
                assert_eq!(guest.tell("print usable").await, "usable", "{attack}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_busy_guest_leaves_room_for_others() {
    let program = puppet().await;
    let (mut busy, mut other) = (started(&program).await, started(&program).await);
    busy.load("").await;
    other.load("").await;
    let spin = tokio::spawn(async move { busy.instance.on_event(&Event::Message(message(1, "spin"))).await });
    for _ in 0..20 {
        assert_eq!(other.tell("print here").await, "here");
        tokio::task::yield_now().await;
    }
    assert!(!spin.is_finished(), "twenty answers while the busy guest uses up its time, on one thread");
    assert_eq!(spin.await.unwrap(), Err(GuestError::Trapped(Trap::CpuTime { ms_max: Limits::default().cpu_ms_max })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn many_busy_guests_leave_as_much_room_for_the_host_as_one() {
    let limits = Limits { cpu_ms_max: 300, ..Limits::default() };
    let program = puppet().await;
    let mut spins = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let mut busy = start(&program, With { limits, ..With::default() }).await.unwrap();
        busy.load("").await;
        spins.spawn(async move { busy.instance.on_event(&Event::Message(message(1, "spin"))).await });
    }
    // A task of the host's: each of its hundred turns would wait for a slice of each guest, which have thirty.
    let host = tokio::spawn(async {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    });
    host.await.unwrap();
    assert!(spins.try_join_next().is_none(), "a guest has used up its time before the host had its turns");
    let used_up = Err(GuestError::Trapped(Trap::CpuTime { ms_max: 300 }));
    assert!(spins.join_all().await.iter().all(|outcome| *outcome == used_up), "each has its own turns");
}

#[tokio::test]
async fn sleep_is_not_cpu_time() {
    let limits = Limits { cpu_ms_max: 50, ..Limits::default() };
    let mut guest = start(&puppet().await, With { limits, ..With::default() }).await.unwrap();
    guest.load("").await;
    assert_eq!(guest.tell("sleep 150\nprint rested").await, "rested");
    assert_eq!(guest.tell("sleep 150\nwork 20\nsleep 150\nprint worked").await, "worked");
    let result = guest.instance.on_event(&Event::Message(message(1, "sleep 50\nspin"))).await;
    assert_eq!(result, Err(GuestError::Trapped(Trap::CpuTime { ms_max: 50 })));
}

#[tokio::test]
async fn a_call_given_up_half_way_is_the_guests_last() {
    let mut guest = started(&puppet().await).await;
    guest.load("").await;
    let event = Event::Message(message(1, "sleep 2000"));
    let call = guest.instance.on_event(&event);
    assert!(tokio::time::timeout(Duration::from_millis(20), call).await.is_err());
    assert_eq!(guest.instance.on_timer().await, Err(GuestError::Trapped(Trap::Gone)));
}

#[tokio::test]
async fn loading_has_its_own_budget() {
    let limits = Limits { cpu_ms_max: 50, load_ms_max: 400, ..Limits::default() };
    let program = puppet().await;
    let mut guest = start(&program, With { limits, ..With::default() }).await.unwrap();
    guest.instance.load("work 150", "").await.unwrap();
    let mut guest = start(&program, With { limits, ..With::default() }).await.unwrap();
    let result = guest.instance.load("spin", "").await;
    assert_eq!(result, Err(GuestError::Trapped(Trap::CpuTime { ms_max: 400 })));
}

#[tokio::test]
async fn a_component_larger_than_its_memory_limit_does_not_start() {
    let limits = Limits { memory_bytes_max: 64 << 10, ..Limits::default() };
    let started = start(&puppet().await, With { limits, ..With::default() }).await;
    let Err(error) = started else { panic!("it starts") };
    assert!(matches!(error, StartError::Trapped(Trap::Memory { .. })), "{error}");
}
