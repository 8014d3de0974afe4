//! The script's own run: its log, its timer, its end, and what the host knows already. None of these waits for anything.

use std::time::Duration;

use crate::bindings::tgl::script::{host, lookup};
use crate::{ExitMoment, LogLevel, Message, MessageId, Peer, PeerId};

/// Writes a line to the script's log; the text needs no newline at its end. See also [`log!`](crate::log!).
pub fn log(level: LogLevel, text: &str) {
    host::log(level, text);
}

/// Asks for one [`on_timer`](crate::Script::on_timer), no sooner than `after` from now (whole milliseconds). A later call
/// replaces the earlier one.
pub fn set_timer(after: Duration) {
    host::set_timer(u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
}

/// Ends this script with an exit code: at once (return from the callback then), or when the calls that are pending have
/// come to their end.
pub fn exit(code: u8, moment: ExitMoment) {
    host::exit(code, moment);
}

/// The peer as this account last saw it; `None` if it never did. For news ask with [`get_peer_info`](crate::calls::get_peer_info).
pub fn peer(id: PeerId) -> Option<Peer> {
    lookup::get_peer(id)
}

/// The message as the host holds it; `None` if it does not.
pub fn message(id: MessageId) -> Option<Message> {
    lookup::get_message(id)
}
