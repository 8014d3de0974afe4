//! Following an invite link.
//!
//! Invariant: a link that needs a request lets nobody in: it leaves a request.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use super::{Target, requests, target};
use crate::api::channels::participants;
use crate::api::context::Context;
use crate::api::error::{Answer, bad_request, forbidden};
use crate::api::messages::chats::{announce, check_room};
use crate::api::standing::Change;
use crate::api::{post, view};
use crate::model::Peer;
use crate::model::chats::{self, Standing};
use crate::model::invites::{self, Invite};

/// messages.checkChatInvite: <https://core.telegram.org/method/messages.checkChatInvite>.
pub(in crate::api) fn check_chat_invite(
    context: &mut Context<'_>,
    call: functions::messages::CheckChatInvite,
) -> Answer<enums::ChatInvite> {
    let (invite, target) = followed(context, &call.hash)?;
    if target.is_member(context)? {
        let chat = match &target {
            Target::Chat(chat) => view::chat_by_id(context, context.me, chat.id)?,
            Target::Channel(access) => view::channels::channel(context, context.me, access.channel.id)?,
        };
        return Ok(types::ChatInviteAlready { chat }.into());
    }
    let (peer, title, about, count) = match &target {
        Target::Chat(chat) => (Peer::Chat(chat.id), &chat.title, &chat.about, chat.members),
        Target::Channel(access) => {
            let channel = &access.channel;
            (channel.peer(), &channel.title, &channel.about, channel.members)
        }
    };
    let photo = view::files::full_photo_or_empty(context, peer)?;
    let mut tl = tl_blank::chat_invite(title.clone(), photo, count, 0);
    tl.about = Some(about.clone()).filter(|about| !about.is_empty());
    tl.request_needed = invite.request_needed;
    if let Target::Channel(access) = &target {
        tl.channel = true;
        tl.broadcast = access.channel.broadcast;
        tl.megagroup = !access.channel.broadcast;
        tl.public = access.channel.username.is_some();
    }
    Ok(tl.into())
}

/// messages.importChatInvite: <https://core.telegram.org/method/messages.importChatInvite>.
pub(in crate::api) fn import_chat_invite(
    context: &mut Context<'_>,
    call: functions::messages::ImportChatInvite,
) -> Answer<enums::messages::ChatInviteJoinResult> {
    let (invite, target) = followed(context, &call.hash)?;
    if target.is_member(context)? {
        return Err(bad_request("USER_ALREADY_PARTICIPANT"));
    }
    if invite.request_needed {
        if invites::request(context.db, target.peer(), context.me, &invite.hash)? {
            requests::tell_pending(context, &target)?;
        }
        return Err(bad_request("INVITE_REQUEST_SENT").keeping_changes());
    }
    let action = types::MessageActionChatJoinedByLink { inviter_id: invite.admin }.into();
    let updates = enter(context, &target, &invite, action)?;
    Ok(types::messages::ChatInviteJoinResultOk { updates }.into())
}

fn enter(
    context: &mut Context<'_>,
    target: &Target,
    invite: &Invite,
    action: enums::MessageAction,
) -> Answer<enums::Updates> {
    invites::count_use(context.db, &invite.hash, context.me, None)?;
    match target {
        Target::Chat(chat) => {
            check_room(chat)?;
            invites::take_request(context.db, target.peer(), context.me)?;
            let change = Change::in_chat(context, chat.id, context.me)?;
            chats::add_member(context.db, chat.id, context.me, invite.admin)?;
            change.tell(context, Some(invite))?;
            announce(context, chat.id, action, None, None)
        }
        Target::Channel(access) => {
            participants::admit(context, &access.channel, context.me, invite.admin, false, Some(invite))?;
            let sent = participants::announce(context, &access.channel, action, None)?;
            post::channels::answer(context, &access.channel, sent.as_ref())
        }
    }
}

/// The link with this hash and what it leads to, if it leads the caller anywhere.
fn followed(context: &Context<'_>, hash: &str) -> Answer<(Invite, Target)> {
    if hash.is_empty() {
        return Err(bad_request("INVITE_HASH_EMPTY"));
    }
    if !hash.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-') {
        return Err(bad_request("INVITE_HASH_INVALID"));
    }
    let expired = || bad_request("INVITE_HASH_EXPIRED");
    let invite = invites::find(context.db, hash)?.ok_or_else(expired)?;
    let target = target(context, invite.peer)?;
    // To who is in already even a link that is over shows the way.
    let leads = invite.is_open(context.now) || (target.is_member(context)? && !invite.revoked);
    if !leads {
        return Err(expired());
    }
    match &target {
        Target::Chat(chat) => {
            let member = chats::member(context.db, chat.id, context.me)?;
            let removed = member.is_some_and(|member| member.standing == Standing::Removed);
            if removed { Err(forbidden("CHAT_FORBIDDEN")) } else { Ok((invite, target)) }
        }
        Target::Channel(access) if access.is_banned() => Err(expired()),
        Target::Channel(_) => Ok((invite, target)),
    }
}
