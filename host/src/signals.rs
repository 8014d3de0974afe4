//! What the process is asked by signals.
//!
//! Invariant: a signal that asks for something else than the end ends nothing.

use anyhow::Result;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::log_file::LogFile;
use crate::output::Output;
use crate::readiness;

/// What Ctrl-C ends with, by convention.
const INTERRUPTED_CODE: u8 = 130;
/// What SIGTERM ends with: the end was asked for, and comes in order.
const TERMINATED_CODE: u8 = 0;

/// Ready when the process has been asked to end, at any time after this call. Gives the code to end with.
pub(crate) fn asked_to_end(output: &Output) -> Result<impl Future<Output = u8> + use<>> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let output = output.clone();
    Ok(async move {
        let code = tokio::select! {
            _ = interrupt.recv() => INTERRUPTED_CODE,
            _ = terminate.recv() => TERMINATED_CODE,
        };
        output.hurry();
        readiness::tell_stopping();
        code
    })
}

/// SIGHUP, which has a host read its files again.
pub(crate) fn asked_to_reload() -> Result<Signal> {
    outlive_full_disks()?;
    Ok(signal(SignalKind::hangup())?)
}

/// A file that may not grow is a full disk, which is waited for; unheard, this signal ends the process.
fn outlive_full_disks() -> Result<()> {
    drop(signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?);
    Ok(())
}

/// From now on SIGHUP and SIGUSR1 have the log file opened anew, for whoever has moved the old one away, and SIGUSR2 does
/// nothing. Where there is a terminal and no log file, SIGHUP goes on saying that the terminal has gone.
pub(crate) fn heed_others(log_file: Option<LogFile>, output: &Output) -> Result<()> {
    outlive_full_disks()?;
    let may_hang_up = log_file.is_none() && output.is_on_terminal();
    let mut hangup = if may_hang_up { None } else { Some(signal(SignalKind::hangup())?) };
    let (mut user1, mut user2) = (signal(SignalKind::user_defined1())?, signal(SignalKind::user_defined2())?);
    let output = output.clone();
    tokio::spawn(async move {
        loop {
            let name = tokio::select! {
                () = came(hangup.as_mut()) => "SIGHUP",
                _ = user1.recv() => "SIGUSR1",
                _ = user2.recv() => continue,
            };
            match log_file.as_ref().map(LogFile::reopen) {
                Some(Ok(())) => output.note(&format!("{name}: the log file was opened anew")),
                Some(Err(error)) => output.failed(&error.context(format!("{name}: the log stays in its old file"))),
                None => output.note(&format!("{name}: there is no log file to open anew")),
            }
        }
    });
    Ok(())
}

/// Waits for the signal; for ever, if it is none of ours.
async fn came(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}
