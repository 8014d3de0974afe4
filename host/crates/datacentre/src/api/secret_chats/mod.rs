//! Secret chats: <https://core.telegram.org/api/end-to-end>. The data centre passes on what it cannot read.
//!
//! A call that is repeated word for word by the same key is answered as it was at first: its answer may have been lost.
//!
//! Invariant: a chat is used by the two keys alone that it lives with, and each is told of it what happens at the other.

pub(super) mod files;
pub(super) mod life;
pub(super) mod messages;

use grammers_tl_types as tl;
use tl::{enums, types};

use super::context::Context;
use super::error::{Answer, bad_request, forbidden, rpc};
use super::view;
use crate::model::contacts;
use crate::model::keys::{self, LoggedOut};
use crate::model::secret_chats::{self as stored, SecretChat, Side, State};

/// Logs a key out: the other sides of its secret chats learn that these have ended.
pub(super) fn log_out(context: &mut Context<'_>, key: i64, why: LoggedOut) -> Answer<()> {
    let chats = stored::of_key(context.db, key)?;
    keys::log_out(context.db, key, why)?;
    for chat in chats {
        let side = if chat.creator_key == key { Side::Creator } else { Side::Participant };
        tell_discarded(context, &chat, side)?;
    }
    Ok(())
}

/// Pushes what has become of the chat to some of a user's keys.
fn tell(context: &mut Context<'_>, chat: &SecretChat, user: i64, keys: Vec<i64>) -> Answer<()> {
    for key in keys {
        let chat = view::secret_chats::chat(context, chat, user, key);
        let date = context.now;
        context.push_to_keys(user, vec![key], types::UpdateEncryption { chat, date }.into())?;
    }
    Ok(())
}

/// Tells all but this side's calling key that the chat, which was as it is given, is discarded.
fn tell_discarded(context: &mut Context<'_>, before: &SecretChat, by: Side) -> Answer<()> {
    let Some(now) = stored::find(context.db, before.id)? else { return Ok(()) };
    let others = match before.other_key(by) {
        Some(key) => vec![key],
        None => keys::of_user(context.db, before.participant)?,
    };
    tell(context, &now, before.other(by), others)?;
    if by == Side::Participant && before.state == State::Requested {
        let mut own = keys::of_user(context.db, before.participant)?;
        own.retain(|key| *key != context.caller.auth_key_id);
        tell(context, &now, before.participant, own)?;
    }
    Ok(())
}

/// The chat that a client names, if it is the caller's, and the side the caller is.
fn named(context: &Context<'_>, input: &enums::InputEncryptedChat) -> Answer<(SecretChat, Side)> {
    let enums::InputEncryptedChat::Chat(input) = input;
    let invalid = || bad_request("CHAT_ID_INVALID");
    let chat = stored::find(context.db, input.chat_id)?.ok_or_else(invalid)?;
    let side = chat.side(context.me, context.caller.auth_key_id).ok_or_else(invalid)?;
    if is_named_right(context, input) { Ok((chat, side)) } else { Err(invalid()) }
}

fn is_named_right(context: &Context<'_>, input: &types::InputEncryptedChat) -> bool {
    input.access_hash == context.model.secret_chat_access_hash(context.me, input.chat_id)
}

/// The same, if messages go to and fro in it: and the key of the other side.
fn open(context: &Context<'_>, input: &enums::InputEncryptedChat) -> Answer<(SecretChat, Side, i64)> {
    let (chat, side) = named(context, input)?;
    match (chat.state, chat.other_key(side)) {
        (State::Discarded, _) => Err(bad_request("ENCRYPTION_DECLINED")),
        (State::Accepted, Some(other)) => Ok((chat, side, other)),
        _ => Err(bad_request("ENCRYPTION_ID_INVALID")),
    }
}

fn check_not_blocked(context: &Context<'_>, by: i64) -> Answer<()> {
    let is_blocked = contacts::is_blocked(context.db, by, context.me)?;
    if is_blocked { Err(forbidden("USER_IS_BLOCKED")) } else { Ok(()) }
}

/// There is too much of it now; perhaps not so later.
fn flood_wait(seconds: u32) -> super::error::Failure {
    rpc(420, &format!("FLOOD_WAIT_{seconds}"))
}
