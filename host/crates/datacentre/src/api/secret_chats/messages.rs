//! What the two sides of a secret chat send each other, which waits for the other's key until that says that it has it.
//!
//! Invariant: of what one side sends by the same random_id the other gets one.

use grammers_tl_types as tl;
use tl::{Serializable as _, enums, functions, types};

use super::{check_not_blocked, files, flood_wait, open};
use crate::api::context::Context;
use crate::api::error::{Answer, bad_request};
use crate::api::view;
use crate::model::secret_chats::{self as stored, SentBefore};

/// The most bytes of an encrypted message.
pub(in crate::api) const MESSAGE_BYTES_MAX: usize = 64 << 10;
/// What comes before what is encrypted, a fingerprint and a key, and the blocks of that.
const HEADER_BYTES: usize = 8 + 16;
const BLOCK_BYTES: usize = 16;
/// How long someone must wait for whose messages there is no room, in seconds.
const WAIT_S: u32 = 60;

/// By which method a message was sent.
enum Kind {
    Message,
    File(enums::InputEncryptedFile),
    Service,
}

/// messages.sendEncrypted: <https://core.telegram.org/method/messages.sendEncrypted>.
pub(in crate::api) fn send_encrypted(
    context: &mut Context<'_>,
    call: functions::messages::SendEncrypted,
) -> Answer<enums::messages::SentEncryptedMessage> {
    send(context, &call.peer, call.random_id, call.data, Kind::Message)
}

/// messages.sendEncryptedFile: <https://core.telegram.org/method/messages.sendEncryptedFile>.
pub(in crate::api) fn send_encrypted_file(
    context: &mut Context<'_>,
    call: functions::messages::SendEncryptedFile,
) -> Answer<enums::messages::SentEncryptedMessage> {
    send(context, &call.peer, call.random_id, call.data, Kind::File(call.file))
}

/// messages.sendEncryptedService: <https://core.telegram.org/method/messages.sendEncryptedService>.
pub(in crate::api) fn send_encrypted_service(
    context: &mut Context<'_>,
    call: functions::messages::SendEncryptedService,
) -> Answer<enums::messages::SentEncryptedMessage> {
    send(context, &call.peer, call.random_id, call.data, Kind::Service)
}

/// messages.setEncryptedTyping: <https://core.telegram.org/method/messages.setEncryptedTyping>.
pub(in crate::api) fn set_encrypted_typing(
    context: &mut Context<'_>,
    call: functions::messages::SetEncryptedTyping,
) -> Answer<bool> {
    let (chat, side, other_key) = open(context, &call.peer)?;
    if call.typing {
        let update = types::UpdateEncryptedChatTyping { chat_id: chat.id }.into();
        context.push_to_keys(chat.other(side), vec![other_key], update)?;
    }
    Ok(true)
}

/// messages.readEncryptedHistory: <https://core.telegram.org/method/messages.readEncryptedHistory>.
pub(in crate::api) fn read_encrypted_history(
    context: &mut Context<'_>,
    call: functions::messages::ReadEncryptedHistory,
) -> Answer<bool> {
    let (chat, side, other_key) = open(context, &call.peer)?;
    if call.max_date <= 0 {
        return Err(bad_request("MAX_DATE_INVALID"));
    }
    let (max_date, date) = (call.max_date.min(context.now), context.now);
    if stored::set_read(context.db, chat.id, side, max_date, date)? {
        let update = types::UpdateEncryptedMessagesRead { chat_id: chat.id, max_date, date }.into();
        context.push_to_keys(chat.other(side), vec![other_key], update)?;
    }
    Ok(true)
}

/// messages.receivedQueue: <https://core.telegram.org/method/messages.receivedQueue>.
pub(in crate::api) fn received_queue(
    context: &mut Context<'_>,
    call: functions::messages::ReceivedQueue,
) -> Answer<Vec<i64>> {
    let key = context.caller.auth_key_id;
    if !(0..=stored::qts(context.db, key)?).contains(&call.max_qts) {
        return Err(bad_request("MAX_QTS_INVALID"));
    }
    Ok(stored::acknowledge(context.db, key, call.max_qts)?)
}

fn send(
    context: &mut Context<'_>,
    peer: &enums::InputEncryptedChat,
    random_id: i64,
    bytes: Vec<u8>,
    kind: Kind,
) -> Answer<enums::messages::SentEncryptedMessage> {
    let (chat, side, other_key) = open(context, peer)?;
    if bytes.len() > MESSAGE_BYTES_MAX {
        return Err(bad_request("DATA_TOO_LONG"));
    }
    if bytes.len() <= HEADER_BYTES || !(bytes.len() - HEADER_BYTES).is_multiple_of(BLOCK_BYTES) {
        return Err(bad_request("DATA_INVALID"));
    }
    if random_id == 0 {
        return Err(bad_request("RANDOM_ID_EMPTY"));
    }
    if let Some(sent) = stored::sent_before(context.db, chat.id, context.me, random_id)? {
        return answer(context, sent);
    }
    check_not_blocked(context, chat.other(side))?;
    if stored::waiting_count(context.db, other_key)? >= context.model.limits.secret_messages_per_key_max {
        return Err(flood_wait(WAIT_S));
    }
    let is_service = matches!(kind, Kind::Service);
    let file = match kind {
        Kind::File(input) => Some(files::sent(context, chat.id, &input)?),
        Kind::Message | Kind::Service => None,
    };
    let (chat_id, date) = (chat.id, context.now);
    let message: enums::EncryptedMessage = if is_service {
        types::EncryptedMessageService { random_id, chat_id, date, bytes }.into()
    } else {
        let file = file.as_ref().map_or(enums::EncryptedFile::Empty, |file| view::secret_chats::file(context, file));
        types::EncryptedMessage { random_id, chat_id, date, bytes, file }.into()
    };
    let sent = SentBefore { date, file: file.map(|file| file.id) };
    stored::insert_sent(context.db, chat.id, context.me, random_id, sent)?;
    let qts = stored::append(context.db, other_key, random_id, &message.to_bytes())?;
    let update = types::UpdateNewEncryptedMessage { message, qts }.into();
    context.push_to_keys(chat.other(side), vec![other_key], update)?;
    answer(context, sent)
}

fn answer(context: &Context<'_>, sent: SentBefore) -> Answer<enums::messages::SentEncryptedMessage> {
    let date = sent.date;
    let file = sent.file.map(|id| stored::file(context.db, id)).transpose()?.flatten();
    Ok(match file {
        Some(file) => {
            types::messages::SentEncryptedFile { date, file: view::secret_chats::file(context, &file) }.into()
        }
        None => types::messages::SentEncryptedMessage { date }.into(),
    })
}
