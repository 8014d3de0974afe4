//! What scripts are not shown without a grant: the messages of Telegram's service account, login codes among them.
//!
//! Invariant: it is decided when the call is made, not when it was asked for: the message that it names may have come since.

use tgl::{Call, Dialog, Failure, Grants, Names, Outcome, PeerId};

use super::Caller;
use crate::fault::Fault;

/// Why a call is not made at all.
pub(super) fn refusal(caller: &Caller, grants: Grants, call: &Call) -> Result<(), Fault> {
    let is_free = grants.has(call.grant())
        || !(call.conversation().peer().is_some_and(PeerId::is_service) || names_secret(caller, call.names())?);
    if is_free { Ok(()) } else { Err(not_granted()) }
}

/// What a call came to, as far as the script may see it.
pub(super) fn shown(grants: Grants, outcome: Outcome) -> Result<Outcome, Fault> {
    let show = |dialog: Dialog| {
        let last_message = dialog.last_message.and_then(|message| grants.shown(message));
        let is_shown = grants.service_messages || !dialog.peer.id().is_service();
        is_shown.then_some(Dialog { last_message, ..dialog })
    };
    Ok(match outcome {
        Outcome::Message(message) => Outcome::Message(grants.shown(message).ok_or_else(not_granted)?),
        Outcome::Messages(messages) => {
            Outcome::Messages(messages.into_iter().filter_map(|message| grants.shown(message)).collect())
        }
        Outcome::Dialogs(dialogs) => Outcome::Dialogs(dialogs.into_iter().filter_map(show).collect()),
        other => other,
    })
}

/// The messages that a search may find.
pub(super) fn found(grants: Grants, mut messages: Vec<tgl::Message>) -> Vec<tgl::Message> {
    messages.retain(|message| grants.service_messages || !message.is_secret());
    messages
}

/// Whether it is a message that the script is not shown. One that was passed on is there to be answered or deleted, not to be
/// passed on again.
fn names_secret(caller: &Caller, names: Names) -> Result<bool, Fault> {
    let (id, is_passed_on) = match names {
        Names::Contents(id) => (id, true),
        Names::Message(Some(id)) => (id, false),
        Names::Message(None) | Names::Nothing => return Ok(false),
    };
    let store = &caller.context.store;
    let named = store.server_message(id)?;
    if named.and_then(|named| named.chat).is_some_and(PeerId::is_service) {
        return Ok(true);
    }
    let message = store.message(id)?;
    Ok(message.is_some_and(|message| is_passed_on && message.is_secret()))
}

fn not_granted() -> Fault {
    let why =
        "messages of Telegram's service account are not shown to scripts unless they run with --allow service-messages";
    Fault::new(Failure::NotGranted, why)
}
