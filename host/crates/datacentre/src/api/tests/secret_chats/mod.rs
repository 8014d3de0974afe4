//! Secret chats, and how tests make them.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use super::world::{Client, World};

mod files;
mod life;
mod limits;
mod messages;

/// A public value that is far enough from the ends of the range.
fn public(n: u8) -> Vec<u8> {
    vec![n; 256]
}

fn request(from: &Client<'_>, to: &Client<'_>, random_id: i32) -> functions::messages::RequestEncryption {
    functions::messages::RequestEncryption { user_id: from.user(to).into(), random_id, g_a: public(65) }
}

/// A client's name for a chat.
fn named(client: &Client<'_>, chat_id: i32) -> enums::InputEncryptedChat {
    let access_hash = client.world.model.secret_chat_access_hash(client.me, chat_id);
    types::InputEncryptedChat { chat_id, access_hash }.into()
}

fn accept(client: &Client<'_>, chat_id: i32) -> functions::messages::AcceptEncryption {
    functions::messages::AcceptEncryption { peer: named(client, chat_id), g_b: public(66), key_fingerprint: 77 }
}

fn discard(chat_id: i32, delete_history: bool) -> functions::messages::DiscardEncryption {
    functions::messages::DiscardEncryption { delete_history, chat_id }
}

/// Bytes that could be an encrypted message.
fn sealed(n: u8) -> Vec<u8> {
    vec![n; 24 + 32]
}

fn message(client: &Client<'_>, chat: i32, random_id: i64) -> functions::messages::SendEncrypted {
    let data = sealed(random_id.to_le_bytes()[0]);
    functions::messages::SendEncrypted { silent: false, peer: named(client, chat), random_id, data }
}

fn with_file(
    client: &Client<'_>,
    chat: i32,
    random_id: i64,
    file: enums::InputEncryptedFile,
) -> functions::messages::SendEncryptedFile {
    let peer = named(client, chat);
    functions::messages::SendEncryptedFile { silent: false, peer, random_id, data: sealed(1), file }
}

/// Another authorisation of somebody who signed up before.
fn second(world: &World, n: u16) -> Client<'_> {
    let mut client = world.client();
    client.log_in(n);
    client
}

/// Has two clients talk in a chat with this id.
fn talk(creator: &Client<'_>, participant: &Client<'_>, id: i32) {
    creator.ok(&request(creator, participant, id));
    participant.ok(&accept(participant, id));
    creator.pushed();
    participant.pushed();
}

/// What was pushed about secret chats, in short.
fn heard(client: &Client<'_>) -> Vec<String> {
    client.pushed_updates().iter().filter_map(short).collect()
}

fn short(update: &enums::Update) -> Option<String> {
    Some(match update {
        enums::Update::Encryption(update) => shown(&update.chat),
        enums::Update::NewEncryptedMessage(new) => format!("{}: {}", new.qts, said(&new.message)),
        enums::Update::EncryptedChatTyping(typing) => format!("{} typing", typing.chat_id),
        enums::Update::EncryptedMessagesRead(read) => format!("{} read until {}", read.chat_id, read.max_date),
        _ => return None,
    })
}

fn shown(chat: &enums::EncryptedChat) -> String {
    match chat {
        enums::EncryptedChat::Empty(chat) => format!("{} empty", chat.id),
        enums::EncryptedChat::Waiting(chat) => format!("{} waiting", chat.id),
        enums::EncryptedChat::Requested(chat) => format!("{} requested with {}", chat.id, chat.g_a[0]),
        enums::EncryptedChat::Chat(chat) => {
            format!("{} open with {}, key {}", chat.id, chat.g_a_or_b[0], chat.key_fingerprint)
        }
        enums::EncryptedChat::Discarded(chat) if chat.history_deleted => format!("{} discarded, history too", chat.id),
        enums::EncryptedChat::Discarded(chat) => format!("{} discarded", chat.id),
    }
}

fn said(message: &enums::EncryptedMessage) -> String {
    match message {
        enums::EncryptedMessage::Message(message) => {
            assert_eq!(message.bytes.len(), sealed(0).len());
            let file = if message.file == enums::EncryptedFile::Empty { "" } else { " with a file" };
            format!("{} in {}{file}", message.random_id, message.chat_id)
        }
        enums::EncryptedMessage::Service(message) => format!("service {} in {}", message.random_id, message.chat_id),
    }
}

fn state(client: &Client<'_>) -> types::updates::State {
    let enums::updates::State::State(state) = client.ok(&functions::updates::GetState {});
    state
}

/// What a client missed since this state: messages and the rest in short, the state now, and whether that is all.
fn missed(
    client: &Client<'_>,
    since: &types::updates::State,
) -> (Vec<String>, Vec<String>, types::updates::State, bool) {
    let call = tl_blank::get_difference(since.pts, since.date, since.qts);
    let (messages, other, state, is_all) = match client.ok(&call) {
        enums::updates::Difference::Empty(_) => return (Vec::new(), Vec::new(), since.clone(), true),
        enums::updates::Difference::Difference(all) => (all.new_encrypted_messages, all.other_updates, all.state, true),
        enums::updates::Difference::Slice(slice) => {
            (slice.new_encrypted_messages, slice.other_updates, slice.intermediate_state, false)
        }
        enums::updates::Difference::TooLong(_) => panic!("too long"),
    };
    let enums::updates::State::State(state) = state;
    (messages.iter().map(said).collect(), other.iter().filter_map(short).collect(), state, is_all)
}

fn received(max_qts: i32) -> functions::messages::ReceivedQueue {
    functions::messages::ReceivedQueue { max_qts }
}
