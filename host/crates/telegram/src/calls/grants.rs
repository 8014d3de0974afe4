//! What a script is not granted, it does not get: neither a call made nor anything shown of what is kept from it. By
//! default that is Telegram's service account, whose messages hold login codes.
//!
//! Invariant: it is decided when the call is made, not when it was asked for: the message that it names may have come since.

use std::fmt::Display;

use tgl::{Call, CallGroup, Dialog, Failure, Giver, Grants, Message, Names, Outcome, PeerId};

use super::Caller;
use crate::fault::Fault;

/// Why a call is not made at all.
pub(super) fn refusal(caller: &Caller, grants: &Grants, call: &Call) -> Result<(), Fault> {
    if let Some(group) = grants.lacks(call) {
        return Err(group_not_granted(grants.giver, call, group));
    }
    let named = Named::find(caller, call.names())?;
    if !grants.chats.are_all() {
        if let Some(chat) = call.peers().into_iter().find(|chat| !grants.chats.has(*chat)) {
            return Err(chat_not_granted(grants.giver, Some(chat)));
        }
        match named {
            Some(Named { chat: Some(chat), .. }) if grants.chats.has(chat) => {}
            Some(Named { chat, .. }) => return Err(chat_not_granted(grants.giver, chat)),
            None => {}
        }
    }
    // What there is to know of the service account itself is no secret.
    let is_about_service = !matches!(call, Call::GetPeerInfo { .. })
        && call.conversation().peer().into_iter().chain(named.and_then(|named| named.chat)).any(PeerId::is_service);
    let is_secret = is_about_service || named.is_some_and(|named| named.is_secret);
    if is_secret && !grants.service_messages { Err(service_not_granted(grants.giver)) } else { Ok(()) }
}

/// What a call came to, as far as the script may see it.
pub(super) fn shown(grants: &Grants, call: &Call, outcome: Outcome) -> Result<Outcome, Fault> {
    let show = |dialog: Dialog| {
        let peer = dialog.peer.id();
        let last_message = dialog.last_message.and_then(|message| grants.shown(message));
        let is_shown = grants.chats.has(peer) && (grants.service_messages || !peer.is_service());
        is_shown.then_some(Dialog { last_message, ..dialog })
    };
    Ok(match outcome {
        // What the script has sent itself is no news to it.
        Outcome::Message(message) if call.destination().is_some() && !message.is_secret() => Outcome::Message(message),
        Outcome::Message(message) => {
            Outcome::Message(grants.shown(message).ok_or_else(|| service_not_granted(grants.giver))?)
        }
        Outcome::Messages(messages) => {
            Outcome::Messages(messages.into_iter().filter_map(|message| grants.shown(message)).collect())
        }
        Outcome::Dialogs(dialogs) => Outcome::Dialogs(dialogs.into_iter().filter_map(show).collect()),
        Outcome::Peers(peers) => Outcome::Peers(peers.into_iter().filter(|peer| grants.chats.has(peer.id())).collect()),
        other => other,
    })
}

/// The messages that a search may find. That one is found tells what it says.
pub(super) fn found(grants: &Grants, mut messages: Vec<Message>) -> Vec<Message> {
    messages.retain(|message| grants.chats.has(message.chat()) && (grants.service_messages || !message.is_secret()));
    messages
}

/// The message that a call names, as far as it is known here.
#[derive(Clone, Copy)]
struct Named {
    chat: Option<PeerId>,
    /// It is of the service account and would be passed on. One that was passed on before is there to be answered or
    /// deleted.
    is_secret: bool,
}

impl Named {
    fn find(caller: &Caller, names: Names) -> Result<Option<Self>, Fault> {
        let (id, is_passed_on) = match names {
            Names::Contents(id) => (id, true),
            Names::Message(Some(id)) => (id, false),
            Names::Message(None) | Names::Nothing => return Ok(None),
        };
        let store = &caller.context.store;
        let chat = store.server_message(id)?.and_then(|named| named.chat);
        let is_secret = is_passed_on && store.message(id)?.is_some_and(|message| message.is_secret());
        Ok(Some(Self { chat, is_secret }))
    }
}

fn group_not_granted(giver: Giver, call: &Call, group: CallGroup) -> Fault {
    let how = match giver {
        _ if group == CallGroup::Raw => return method_not_granted(giver, call.name(), "METHOD"),
        Giver::CommandLine => format!("run it with --allow {group}"),
        Giver::TenantFile => in_files(&group, "calls"),
    };
    not_granted(format!("{} is not granted to this script ({group}): {how}", call.name()))
}

/// What to do where files grant.
fn in_files(word: &impl Display, key: &str) -> String {
    format!(
        "add \"{word}\" to `{key}` in its tenant's file, in the script's own section there if that has grants, and in what the \
         script asks for"
    )
}

/// What a raw query asks is not granted: this method.
pub(super) fn method_not_granted(giver: Giver, asked: &str, method: &str) -> Fault {
    let how = match giver {
        Giver::CommandLine => format!("run it with --allow raw={method}"),
        Giver::TenantFile => in_files(&method, "raw"),
    };
    not_granted(format!("{asked} is not granted to this script (raw): {how}"))
}

fn chat_not_granted(giver: Giver, chat: Option<PeerId>) -> Fault {
    let (what, word) = match chat {
        Some(chat) => (chat.to_string(), chat.to_string()),
        None => ("the chat of that message, which is not known here,".to_owned(), "its kind".to_owned()),
    };
    let how = match giver {
        Giver::CommandLine => format!("run it with --chats {word}"),
        Giver::TenantFile => in_files(&word, "chats"),
    };
    not_granted(format!("{what} is not among the chats granted to this script: {how}"))
}

pub(super) fn service_not_granted(giver: Giver) -> Fault {
    let how = match giver {
        Giver::CommandLine => " unless they run with --allow service-messages",
        Giver::TenantFile => "",
    };
    not_granted(format!("messages of Telegram's service account are not shown to scripts{how}"))
}

fn not_granted(why: String) -> Fault {
    Fault::new(Failure::NotGranted, why)
}
