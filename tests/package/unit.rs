//! The systemd unit: systemd takes it, calls it well hardened, and a host does its work under its filter of system calls.
//! That one is put up here as systemd would; its mounts and namespaces take a running systemd, and so are not tried.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::Command;

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};
use tempfile::TempDir;
use tests::{HostFolder, Process, WAIT_MAX, after, binary, root};

use crate::{run_if_there, text};

/// The most that `systemd-analyze security` may find open, of 100.
const EXPOSURE_MAX: &str = "--threshold=20";

fn unit() -> String {
    fs::read_to_string(root().join("host/package/tglhost.service")).expect("it is there")
}

/// The unit, for the program that is here.
fn placed() -> (TempDir, PathBuf) {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("tglhost.service");
    fs::write(&path, unit().replace("/usr/bin/tglhost", &binary().display().to_string())).expect("written");
    (folder, path)
}

#[test]
fn systemd_takes_the_unit_and_finds_little_open() {
    let (_folder, path) = placed();
    for arguments in [&["verify", "--man=no"][..], &["security", "--offline=true", "--no-pager", EXPOSURE_MAX]] {
        let Some(said) = run_if_there(Command::new("systemd-analyze").args(arguments).arg(&path)) else { return };
        assert!(said.status.success(), "{arguments:?}: {}{}", text(&said.stdout), text(&said.stderr));
    }
}

#[test]
fn a_host_does_its_work_under_the_units_filter_of_system_calls() {
    let Some(allowed) = allowed_calls() else { return };
    // The filter is the thread's, and so that of the processes that it starts.
    let within = std::thread::spawn(move || {
        apply_filter(&allowed).expect("the filter is taken");
        missing_walls()
    });
    assert_eq!(within.join().expect("it works"), missing_walls(), "its worker locks itself down as without it");
}

/// Has the example served, and gives what was said of walls that a worker goes without.
fn missing_walls() -> Vec<String> {
    let folder = HostFolder::new(&[]);
    let mut serve =
        Process::start(Command::new(binary()).args(["serve", "--example", "--host"]).arg(folder.path("host")));
    let mut said = serve.stderr_until("Serves 3 of 3 scripts");
    let lines = [serve.line(), serve.line()].concat();
    assert!(lines.contains("ben.greeter: House answers: you said: hello\n"), "{lines}");
    serve.terminate();
    let ended = serve.finish();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    said.push_str(&ended.stderr);
    said.lines().filter(|line| line.contains("Linux")).map(str::to_owned).collect()
}

/// What the lines SystemCallFilter= of the unit allow: each adds calls and groups, or takes some away.
fn allowed_calls() -> Option<BpfProgram> {
    let unit = unit();
    let mut names = BTreeSet::new();
    for list in unit.lines().filter_map(|line| line.strip_prefix("SystemCallFilter=")) {
        let (is_denied, list) = list.strip_prefix('~').map_or((false, list), |list| (true, list));
        for name in list.split_whitespace() {
            for name in expanded(name)? {
                if is_denied {
                    names.remove(&name)
                } else {
                    names.insert(name)
                };
            }
        }
    }
    let numbers = numbers()?;
    let rules = names.iter().filter_map(|name| numbers.get(name)).map(|number| (*number, Vec::new())).collect();
    let refusal = SeccompAction::Errno(rustix::io::Errno::PERM.raw_os_error() as u32);
    let architecture = std::env::consts::ARCH.try_into().expect("one that seccomp knows");
    let filter = SeccompFilter::new(rules, refusal, SeccompAction::Allow, architecture).expect("a filter");
    Some(filter.try_into().expect("it compiles"))
}

/// A call, or every call in a group and in the groups of that.
fn expanded(name: &str) -> Option<Vec<String>> {
    if !name.starts_with('@') {
        return Some(vec![name.to_owned()]);
    }
    let listed = run_if_there(Command::new("systemd-analyze").args(["--no-pager", "syscall-filter", name]))?;
    assert!(listed.status.success(), "{name}: {}", text(&listed.stderr));
    let members = text(&listed.stdout);
    let members = members.lines().skip(1).map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let members: Option<Vec<_>> = members.map(expanded).collect();
    members.map(|members| members.concat())
}

/// The numbers of system calls, by the C compiler's headers.
fn numbers() -> Option<BTreeMap<String, i64>> {
    let mut compiler = Command::new("cc");
    let listed = run_if_there(compiler.args(["-E", "-dM", "-include", "sys/syscall.h", "-x", "c", "/dev/null"]))?;
    let listed = text(&listed.stdout);
    let number = |line: &str| {
        let (name, number) = line.strip_prefix("#define __NR_")?.split_once(' ')?;
        Some((name.to_owned(), number.parse().ok()?))
    };
    let numbers: BTreeMap<_, _> = listed.lines().filter_map(number).collect();
    assert!(numbers.len() > 100, "the headers have them");
    Some(numbers)
}

#[test]
fn a_host_asks_for_as_many_open_files_as_it_may_have() {
    let folder = HostFolder::new(&[("tglhost.toml", "")]);
    let mut host = Process::start(&mut after("ulimit -Sn 256", &folder.command(&["serve"])));
    host.stderr_line_with("Serves ");
    let limits = fs::read_to_string(format!("/proc/{}/limits", host.id())).expect("readable");
    let files = limits.lines().find(|line| line.starts_with("Max open files")).expect("it is listed");
    let numbers: Vec<_> = files.split_whitespace().skip(3).take(2).collect();
    assert_eq!(numbers[0], numbers[1], "{files}");
    host.terminate();
    assert_eq!(host.finish().code(), Some(0));
}

#[test]
fn a_service_manager_hears_of_a_host_that_comes_round_reloads_and_ends() {
    let folder = HostFolder::new(&[("tglhost.toml", "")]);
    let path = folder.path("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(WAIT_MAX)).expect("set");
    let wait_for = |what: &str| loop {
        let mut text = [0; 256];
        let count = socket.recv(&mut text).unwrap_or_else(|error| panic!("{what}: {error}"));
        let text = String::from_utf8_lossy(&text[..count]).into_owned();
        match text.lines().next().unwrap_or_default() {
            heard if heard == what => return text,
            "WATCHDOG=1" => {}
            heard => panic!("{heard:?} came before {what}"),
        }
    };
    let mut command = folder.command(&["serve"]);
    let mut host = Process::start(command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "300000"));
    wait_for("READY=1");
    wait_for("WATCHDOG=1");
    wait_for("WATCHDOG=1");
    assert_eq!(folder.ask(&["reload"]).code(), Some(0));
    assert!(wait_for("RELOADING=1").contains("MONOTONIC_USEC="), "as systemd wants it");
    wait_for("READY=1");
    host.terminate();
    wait_for("STOPPING=1");
    assert_eq!(host.wait().code(), Some(0));
}
