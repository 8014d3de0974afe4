//! A script that reaches one of its limits is told which, and how it gets more.

use std::fs;

use tempfile::TempDir;
use tests::{finish, tglhost};

/// A script, with which limit, and what it reaches.
const CASES: &[(&str, &[&str], &[&str])] = &[
    (
        "import os, sys, random
import tgl
kept = []
try:
    for n in range(9): kept.append(open('f%d' % n, 'w'))
except OSError: pass
kept.clear()
try:
    with open('big', 'w') as f: f.write('x' * 200000)
except OSError: pass
try: kept.append(bytearray(60 << 20))
except MemoryError: pass
for n in range(5): tgl.get_dialog_list(lambda ok, dialogs: None)
print('y' * 3000)",
        &[
            "open_files_max=5",
            "stored_bytes_max=100 KiB",
            "memory_bytes_max=48MiB",
            "calls_pending_max=3",
            "output_burst_bytes_max=2000",
            "output_bytes_per_s=2000",
        ],
        &[
            "open_files_max = 5",
            "stored_bytes_max = 102400",
            "memory_bytes_max = 50331648",
            "calls_pending_max = 3",
            "output_burst_bytes_max = 2000",
        ],
    ),
    ("print('y' * 3000)", &["output_burst_bytes_max=2000"], &["output_burst_bytes_max = 2000"]),
    ("while True: pass", &["load_ms_max=200", "start_crashes_max=1"], &["load_ms_max = 200", "start_crashes_max = 1"]),
    (
        "import tgl\ntgl.set_on_msg_receive(lambda m: [None for n in iter(int, 1)])",
        &["cpu_ms_max=150"],
        &["cpu_ms_max = 150"],
    ),
    ("import time, tgl\ntgl.set_on_msg_receive(lambda m: time.sleep(9))", &["wall_ms_max=200"], &["wall_ms_max = 200"]),
    (
        "raise ValueError('x' * 5000)",
        &["host_call_bytes_max=4096", "start_crashes_max=1"],
        &["host_call_bytes_max = 4096"],
    ),
    (
        "import tgl\ntgl.set_on_msg_receive(lambda m: m.out or [m.src.send_msg(str(n)) for n in range(6)] and None)",
        &["chat_sends_per_s=1"],
        &["chat_sends_per_s = 1"],
    ),
];

#[test]
fn a_limit_that_is_reached_is_named_with_how_to_raise_it() {
    let (data, scripts) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
    for (number, (source, given, reached)) in CASES.iter().enumerate() {
        let script = scripts.path().join(format!("bot{number}.py"));
        fs::write(&script, source).expect("written");
        let mut command = tglhost(data.path());
        command.arg("run").arg(script).args(["--brake", "on"]);
        for limit in *given {
            command.args(["--limit", limit]);
        }
        let run = finish(&mut command, "go\n");
        for limit in *reached {
            let (name, _) = limit.split_once(' ').expect("a name");
            let said = run.stderr.lines().find(|line| line.contains(&format!("reached a limit, {limit}:")));
            let said = said.unwrap_or_else(|| panic!("{limit}: {}{}", run.stdout, run.stderr));
            assert!(said.contains(&format!("--limit {name}=N")) && said.contains("[limits]"), "{said}");
        }
    }
}
