//! How secret chats begin and end.
//!
//! Invariant: of the participant's keys one at most accepts, and to the others the chat is discarded from then on.

use grammers_tl_types as tl;
use num_bigint::BigUint;
use tl::{enums, functions, types};

use super::{check_not_blocked, flood_wait, is_named_right, tell, tell_discarded};
use crate::api::context::Context;
use crate::api::error::{Answer, bad_request};
use crate::api::{named, srp, view};
use crate::model::keys;
use crate::model::secret_chats::{self as stored, SecretChat, State};

/// The version of the prime and the generator that are given out: there was never another.
const DH_CONFIG_VERSION: i32 = 3;
/// The most random bytes that are given out at once.
const RANDOM_BYTES_MAX: usize = 1_024;
/// Public values keep this many bits away from both ends of their range.
const MARGIN_BITS: u32 = 2_048 - 64;
/// How long someone must wait who has asked for too many chats, in seconds.
const WAIT_S: u32 = 3_600;

/// messages.getDhConfig: <https://core.telegram.org/method/messages.getDhConfig>.
pub(in crate::api) fn get_dh_config(
    _: &mut Context<'_>,
    call: functions::messages::GetDhConfig,
) -> Answer<enums::messages::DhConfig> {
    let length = usize::try_from(call.random_length).ok().filter(|length| *length <= RANDOM_BYTES_MAX);
    let length = length.ok_or_else(|| bad_request("RANDOM_LENGTH_INVALID"))?;
    let random = crate::model::random::<RANDOM_BYTES_MAX>()[..length].to_vec();
    if call.version == DH_CONFIG_VERSION {
        return Ok(types::messages::DhConfigNotModified { random }.into());
    }
    Ok(types::messages::DhConfig { g: srp::G, p: srp::p().to_vec(), version: DH_CONFIG_VERSION, random }.into())
}

/// messages.requestEncryption: <https://core.telegram.org/method/messages.requestEncryption>. The random_id is the chat's id.
pub(in crate::api) fn request_encryption(
    context: &mut Context<'_>,
    call: functions::messages::RequestEncryption,
) -> Answer<enums::EncryptedChat> {
    let user = named::user(context, &call.user_id)?;
    if user.id == context.me || user.bot {
        return Err(bad_request("USER_ID_INVALID"));
    }
    check_public(&call.g_a)?;
    if call.random_id == 0 {
        return Err(bad_request("RANDOM_ID_EMPTY"));
    }
    let (me, key) = (context.me, context.caller.auth_key_id);
    if let Some(chat) = stored::find(context.db, call.random_id)? {
        let is_repeated =
            (chat.creator, chat.creator_key, chat.participant) == (me, key, user.id) && chat.g_a == call.g_a;
        let again = || view::secret_chats::chat(context, &chat, me, key);
        return if is_repeated { Ok(again()) } else { Err(bad_request("RANDOM_ID_DUPLICATE")) };
    }
    check_not_blocked(context, user.id)?;
    let chats_max = context.model.limits.secret_chats_per_user_max;
    if stored::count(context.db, me)? >= chats_max {
        return Err(flood_wait(WAIT_S));
    }
    let chat = SecretChat::requested(call.random_id, (me, key), user.id, call.g_a, context.now);
    stored::insert(context.db, &chat, chats_max)?;
    let keys = keys::of_user(context.db, user.id)?;
    tell(context, &chat, user.id, keys)?;
    Ok(view::secret_chats::chat(context, &chat, me, key))
}

/// messages.acceptEncryption: <https://core.telegram.org/method/messages.acceptEncryption>.
pub(in crate::api) fn accept_encryption(
    context: &mut Context<'_>,
    call: functions::messages::AcceptEncryption,
) -> Answer<enums::EncryptedChat> {
    let enums::InputEncryptedChat::Chat(input) = &call.peer;
    let (me, key) = (context.me, context.caller.auth_key_id);
    let found = stored::find(context.db, input.chat_id)?;
    let found = found.filter(|chat| chat.participant == me && is_named_right(context, input));
    let chat = found.ok_or_else(|| bad_request("CHAT_ID_INVALID"))?;
    let answer = |context: &Context<'_>, chat: &SecretChat| Ok(view::secret_chats::chat(context, chat, me, key));
    match chat.state {
        State::Discarded => return Err(bad_request("ENCRYPTION_ALREADY_DECLINED")),
        State::Accepted => {
            let accepted = (chat.participant_key, &chat.g_b, chat.fingerprint);
            let is_repeated = accepted == (Some(key), &call.g_b, call.key_fingerprint);
            return if is_repeated { answer(context, &chat) } else { Err(bad_request("ENCRYPTION_ALREADY_ACCEPTED")) };
        }
        State::Requested => check_public(&call.g_b)?,
    }
    stored::accept(context.db, chat.id, key, &call.g_b, call.key_fingerprint, context.now)?;
    let chat = stored::find(context.db, chat.id)?.ok_or_else(|| bad_request("CHAT_ID_INVALID"))?;
    tell(context, &chat, chat.creator, vec![chat.creator_key])?;
    let mut others = keys::of_user(context.db, me)?;
    others.retain(|other| *other != key);
    tell(context, &chat, me, others)?;
    answer(context, &chat)
}

/// messages.discardEncryption: <https://core.telegram.org/method/messages.discardEncryption>.
pub(in crate::api) fn discard_encryption(
    context: &mut Context<'_>,
    call: functions::messages::DiscardEncryption,
) -> Answer<bool> {
    if call.chat_id == 0 {
        return Err(bad_request("CHAT_ID_EMPTY"));
    }
    let (me, key) = (context.me, context.caller.auth_key_id);
    let found = stored::find(context.db, call.chat_id)?;
    let found = found.filter(|chat| chat.participant == me || (chat.creator, chat.creator_key) == (me, key));
    let chat = found.ok_or_else(|| bad_request("ENCRYPTION_ID_INVALID"))?;
    if chat.state == State::Discarded {
        return Err(bad_request("ENCRYPTION_ALREADY_DECLINED"));
    }
    let side = chat.side(me, key).ok_or_else(|| bad_request("ENCRYPTION_ALREADY_ACCEPTED"))?;
    stored::discard(context.db, chat.id, call.delete_history, context.now)?;
    tell_discarded(context, &chat, side)?;
    Ok(true)
}

/// Refuses a public value that is near the ends of its range: <https://core.telegram.org/mtproto/security_guidelines>.
fn check_public(value: &[u8]) -> Answer<()> {
    let (number, margin) = (BigUint::from_bytes_be(value), BigUint::from(1u8) << MARGIN_BITS);
    let is_good = value.len() <= srp::P_LEN && number >= margin && number <= BigUint::from_bytes_be(srp::p()) - &margin;
    if is_good { Ok(()) } else { Err(bad_request("DH_G_A_INVALID")) }
}
