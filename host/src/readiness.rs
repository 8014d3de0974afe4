//! Tells whoever started this process that it has come through its start: the service manager where NOTIFY_SOCKET names
//! one (sd_notify(3)), and the command that has it go on in the background.
//!
//! Invariant: it is told once, and only when there is work being done.

use std::os::fd::OwnedFd;

use sd_notify::NotifyState;

use crate::output::Output;

/// What the starting command reads after all that there was to say.
pub(crate) const READY: u8 = 0;

/// Has whoever reads there be told: what this process has to say until it is ready, and that it is.
pub(crate) fn tell_also(starter: OwnedFd, output: &Output) {
    output.set_witness(starter);
}

/// It is about to end.
pub(crate) fn tell_stopping() {
    // A service manager that has not heard of this will hear of the end.
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
}

/// It is ready.
pub(crate) async fn tell(output: &Output) {
    if let Err(error) = sd_notify::notify(&[NotifyState::Ready]) {
        output.note(&format!("the service manager cannot be told that the start is over: {error}"));
    }
    if let Some(starter) = output.dismiss_witness().await {
        // It may not have waited.
        let _ = rustix::io::write(&*starter, &[READY]);
    }
}
