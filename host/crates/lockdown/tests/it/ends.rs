//! What the lock-down asks of a process before it begins, and that the process ends with its parent.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use lockdown::LockdownError;

use crate::Outcome;
use crate::place::{self, Place, SAID, There};

pub(crate) const IN_CHILD: &str = "--in-child";

pub(crate) type Row = (&'static str, fn() -> Outcome);

pub(crate) const ROWS: &[Row] = &[
    ("a second thread is an error", || in_a_child("threads")),
    ("a parent that has ended is an error", || in_a_child("parent ended")),
    ("with its parent", with_its_parent),
];

/// Locks itself down, says so on its socket and on stdout, and waits without end.
const WAITS: &str = "waits";
/// Starts that one, and ends when it has said so.
const LEAVES: &str = "leaves";
/// How long a process that should end is given, before its being there is a failure.
const PATIENCE: Duration = Duration::from_secs(20);

fn command(place: &Place, name: &str) -> io::Result<Command> {
    let mut child = Command::new(std::env::current_exe()?);
    child.args([IN_CHILD, name]).stdin(place.socket_for_child()?);
    place.describe(&mut child);
    Ok(child)
}

fn in_a_child(name: &str) -> Outcome {
    let output = command(&Place::new()?, name)?.output()?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into()) }
}

/// The one that waits is the last to hold the socket's other end, which ends with it.
fn with_its_parent() -> Outcome {
    let place = Place::new()?;
    let left = command(&place, LEAVES)?.status()?;
    let mut socket = place.into_socket();
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut said = Vec::new();
    socket.read_to_end(&mut said)?;
    if left.success() && said == SAID { Ok(()) } else { Err(format!("{left}, {said:?}").into()) }
}

pub(crate) fn in_child(name: &str) -> ExitCode {
    let is_right = match name {
        "threads" => has_threads(),
        "parent ended" => {
            let there = There::from_environment();
            matches!(there.lock_down_with(std::process::id()), Err(LockdownError::ParentEnded))
        }
        LEAVES => leave().is_ok(),
        WAITS => wait().is_ok(),
        _ => false,
    };
    if is_right { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn has_threads() -> bool {
    let (_until, ends) = std::sync::mpsc::sync_channel::<()>(0);
    std::thread::spawn(move || ends.recv());
    matches!(There::from_environment().lock_down(), Err(LockdownError::Threads(2)))
}

fn leave() -> Outcome {
    let mut waiting = Command::new(std::env::current_exe()?);
    waiting.args([IN_CHILD, WAITS]).stdout(Stdio::piped());
    place::set_parent(&mut waiting);
    let said = waiting.spawn()?.stdout.map(|mut stdout| stdout.read_exact(&mut [0; SAID.len()]));
    Ok(said.ok_or("no stdout")??)
}

fn wait() -> Outcome {
    There::from_environment().lock_down()?;
    let mut socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    socket.read_exact(&mut [0; SAID.len()])?;
    socket.write_all(SAID)?;
    io::stdout().write_all(SAID)?;
    io::stdout().flush()?;
    Ok(socket.read_exact(&mut [0])?)
}
