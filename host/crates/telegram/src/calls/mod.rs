//! Calls of scripts, one function for each, by topic.
//!
//! Invariant: each call ends, with an outcome or an error, and what it caused is in the store before its end is told.

mod caller;
mod chats;
mod contacts;
mod files;
mod grants;
mod history;
mod links;
mod list;
mod members;
mod messages;
mod profile;
mod raw;

use grammers_tl_types as tl;
use tgl::{Call, Grants, Names, Outcome, PeerId, PeerKind};
use tl::{enums, functions};

use crate::fault::Fault;

pub(crate) use caller::Caller;
pub use files::{FILE_BYTES_MAX, PART_BYTES, TEXT_FILE_BYTES_MAX};

/// What the server says of a change that it has made already. To a call that is made again because its connection broke
/// that means that it is done.
const DONE_BEFORE: [&str; 3] = ["USER_ALREADY_PARTICIPANT", "USER_NOT_PARTICIPANT", "CHAT_NOT_MODIFIED"];

/// Makes one call and waits for its end.
pub(crate) async fn execute(caller: &Caller, call: &Call) -> Result<Outcome, Fault> {
    let grants = &caller.seat.grants;
    let ended = match grants::refusal(caller, grants, call) {
        Ok(()) => make(caller, call, grants).await,
        Err(refused) => Err(refused),
    };
    debug_assert!(ended.as_ref().map_or(true, |outcome| call.ends_with(outcome)), "{}", call.name());
    if let (Err(error), Some(peer)) = (&ended, refusing(call))
        && error.is_named("CHANNEL_PRIVATE")
        && let Ok(PeerId { kind: PeerKind::Channel, id }) = caller.context.current(peer)
    {
        // We were shut out while nobody listened.
        caller.context.intake().leave_channel(id);
    }
    match ended {
        Err(error) if caller.is_repeated() && DONE_BEFORE.iter().any(|name| error.is_named(name)) => Ok(Outcome::Done),
        ended => ended.and_then(|outcome| grants::shown(grants, call, outcome)),
    }
}

/// The conversation of which the data centre speaks when it refuses the call. A message that is passed on may stand in
/// another.
fn refusing(call: &Call) -> Option<PeerId> {
    match call.names() {
        Names::Contents(_) => None,
        Names::Nothing | Names::Message(_) => call.conversation().peer(),
    }
}

async fn make(caller: &Caller, call: &Call, grants: &Grants) -> Result<Outcome, Fault> {
    let random_id = caller.random_id;
    let call = match call {
        Call::InTopic { send, .. } => send,
        call => call,
    };
    match call {
        Call::GetContacts => contacts::get(caller).await,
        Call::AddContact { phone, first_name, last_name } => contacts::add(caller, phone, first_name, last_name).await,
        Call::DeleteContact { user } => contacts::delete(caller, *user).await,
        Call::SetProfileName { first_name, last_name } => profile::set_name(caller, first_name, last_name).await,
        Call::SetPresence { state } => profile::set_presence(caller, *state).await,
        Call::SendMessage { to, text, reply_to, preview } => {
            messages::send(caller, random_id, *to, text, *reply_to, *preview).await
        }
        Call::SendLocation { to, latitude, longitude } => {
            messages::send_location(caller, random_id, *to, *latitude, *longitude).await
        }
        Call::SendContact { to, phone, first_name, last_name } => {
            messages::send_contact(caller, random_id, *to, [phone, first_name, last_name]).await
        }
        Call::ForwardMessage { to, id } => messages::forward(caller, random_id, *to, *id).await,
        Call::DeleteMessage { id } => messages::delete(caller, *id).await,
        Call::RestoreMessage { id } => messages::restore(caller, *id),
        Call::MarkRead { peer } => messages::mark_read(caller, *peer).await,
        Call::SetTyping { peer, state } => messages::set_typing(caller, *peer, *state).await,
        Call::GetDialogs => history::dialogs(caller).await,
        Call::GetHistory { peer, page } => history::get(caller, *peer, *page).await,
        Call::SearchMessages { peer: Some(peer), text, page } => {
            history::search(caller, grants, *peer, text, *page).await
        }
        Call::SearchMessages { peer: None, text, page } => {
            history::search_everywhere(caller, grants, text, *page).await
        }
        Call::GetPeerInfo { peer } => chats::info(caller, *peer).await,
        Call::CreateChat { users, title } => chats::create(caller, users, title).await,
        Call::RenameChat { chat, title } => chats::rename(caller, *chat, title).await,
        Call::AddChatUser { chat, user } => members::add(caller, *chat, *user).await,
        Call::DeleteChatUser { chat, user } => members::delete(caller, *chat, *user).await,
        Call::JoinChatByLink { link } => links::join(caller, link).await,
        Call::SendFile { to, kind, path } => files::send(caller, *to, *kind, path).await,
        Call::ForwardMedia { to, id } => files::forward_media(caller, random_id, *to, *id).await,
        Call::LoadFile { message, part } => files::load(caller, *message, *part).await,
        Call::SetProfilePhoto { path } => files::set_profile_photo(caller, path).await,
        Call::SetChatPhoto { chat, path } => files::set_chat_photo(caller, *chat, path).await,
        Call::CreateSecretChat { .. } | Call::AcceptSecretChat { .. } => {
            Err(Fault::invalid("secret chats are not supported yet"))
        }
        Call::RawQuery { text } => raw::query(caller, grants, text).await,
        Call::InTopic { .. } => Err(Fault::invalid("a topic has no topics")),
    }
}

/// At most `limit` messages of a conversation, older than `offset_id` unless that is 0, after skipping `add_offset` of
/// them: <https://core.telegram.org/method/messages.getHistory>.
pub(crate) fn history_request(
    peer: enums::InputPeer,
    offset_id: i32,
    add_offset: i32,
    limit: i32,
) -> functions::messages::GetHistory {
    functions::messages::GetHistory {
        peer,
        offset_id,
        offset_date: 0,
        add_offset,
        limit,
        max_id: 0,
        min_id: 0,
        hash: 0,
    }
}

/// Messages, users and chats of an answer that has messages.
pub(crate) fn contents(answer: enums::messages::Messages) -> (Vec<enums::Message>, Vec<enums::User>, Vec<enums::Chat>) {
    match answer {
        enums::messages::Messages::Messages(list) => (list.messages, list.users, list.chats),
        enums::messages::Messages::Slice(list) => (list.messages, list.users, list.chats),
        enums::messages::Messages::ChannelMessages(list) => (list.messages, list.users, list.chats),
        enums::messages::Messages::NotModified(_) => (Vec::new(), Vec::new(), Vec::new()),
    }
}
