//! Administrators, bans and restrictions: <https://core.telegram.org/api/rights>.
//!
//! Invariant: nobody gives a right they do not have, and nobody but the creator touches an administrator made by another.

use grammers_tl_types as tl;
use tl::{Serializable, enums, functions, types};

use super::participants::{let_in, participant};
use crate::api::access::{self, Access, all_rights};
use crate::api::context::Context;
use crate::api::error::{Answer, bad_request, forbidden};
use crate::api::limits::ADMINS_MAX;
use crate::api::standing::Change;
use crate::api::{named, post, view};
use crate::model::members::{self, Ban};
use crate::model::{channels, contacts, dialogs};

/// The longest title of an administrator, in characters.
const RANK_MAX_CHARS: usize = 16;
/// A ban shorter or longer than this is for ever, in seconds: <https://core.telegram.org/constructor/chatBannedRights>.
const BAN_MIN_S: i32 = 30;
const BAN_MAX_S: i32 = 366 * 24 * 3600;

/// channels.editAdmin: <https://core.telegram.org/method/channels.editAdmin>. No rights at all make an ordinary member.
pub(in crate::api) fn edit_admin(
    context: &mut Context<'_>,
    call: functions::channels::EditAdmin,
) -> Answer<enums::Updates> {
    let access = named::channel(context, &call.channel)?;
    let user = named::user(context, &call.user_id)?;
    access.require(|rights| rights.add_admins)?;
    if user.id == access.channel.creator {
        return Err(bad_request("USER_CREATOR"));
    }
    let rights = admin_rights(&access, call.admin_rights)?;
    let rank = call.rank.filter(|rank| !rank.is_empty());
    if rank.as_ref().is_some_and(|rank| rank.chars().count() > RANK_MAX_CHARS) {
        return Err(bad_request("ADMIN_RANK_INVALID"));
    }
    let id = access.channel.id;
    let before = access::of_user(context, id, user.id)?.filter(Access::is_member).and_then(|them| them.member);
    let admin_before = before.as_ref().filter(|member| member.admin_rights.is_some());
    if admin_before.is_some_and(|admin| !view::channels::may_edit_admin(&access, admin)) {
        return Err(bad_request("CHAT_ADMIN_REQUIRED"));
    }
    if rights.is_some() && admin_before.is_none() && members::admin_count(context.db, id)? >= ADMINS_MAX {
        return Err(bad_request("ADMINS_TOO_MUCH"));
    }
    if before.is_none() {
        if rights.is_none() {
            return Err(bad_request("USER_NOT_PARTICIPANT"));
        }
        bring_in(context, &access, user.id)?;
    }
    let change = Change::in_channel(context, id, user.id)?;
    members::set_admin(context.db, id, user.id, context.me, rights.as_deref(), rank.as_deref())?;
    post::channels::tell_changed(context, &access.channel, user.id)?;
    change.tell(context, None)?;
    post::channels::answer(context, &access.channel, None)
}

/// channels.editBanned: <https://core.telegram.org/method/channels.editBanned>. No ban at all lifts what there was.
pub(in crate::api) fn edit_banned(
    context: &mut Context<'_>,
    call: functions::channels::EditBanned,
) -> Answer<enums::Updates> {
    let access = named::channel(context, &call.channel)?;
    let user = participant(context, &call.participant)?;
    access.require(|rights| rights.ban_users)?;
    let them = access::of_user(context, access.channel.id, user)?.ok_or_else(|| bad_request("CHANNEL_INVALID"))?;
    let admin = them.member.as_ref().filter(|member| member.admin_rights.is_some());
    if user == context.me
        || them.is_creator()
        || admin.is_some_and(|admin| !view::channels::may_edit_admin(&access, admin))
    {
        return Err(bad_request("USER_ADMIN_INVALID"));
    }
    let enums::ChatBannedRights::Rights(mut rights) = call.banned_rights;
    let lifted = is_no_ban(&rights);
    if access.channel.broadcast && !lifted && !rights.view_messages {
        return Err(bad_request("MEGAGROUP_REQUIRED"));
    }
    let until = ban_end(rights.until_date, context.now);
    rights.until_date = if until == 0 { i32::MAX } else { until };
    let out = rights.view_messages;
    let bytes = enums::ChatBannedRights::from(rights).to_bytes();
    let ban = Ban { by: context.me, rights: &bytes, until, out };
    let change = Change::in_channel(context, access.channel.id, user)?;
    members::set_banned(context.db, access.channel.id, user, (!lifted).then_some(ban))?;
    let mut sent = None;
    if out && them.is_member() {
        dialogs::remove(context.db, user, access.channel.peer())?;
        if !access.channel.broadcast {
            let action = types::MessageActionChatDeleteUser { user_id: user }.into();
            sent = Some(post::channels::action(context, &access.channel, action, None)?);
        }
    }
    post::channels::tell_changed(context, &access.channel, user)?;
    change.tell(context, None)?;
    post::channels::answer(context, &access.channel, sent.as_ref())
}

/// Says what ordinary members of a supergroup may not do, for messages.editChatDefaultBannedRights.
pub(in crate::api) fn edit_default_banned_rights(
    context: &mut Context<'_>,
    id: i64,
    rights: &enums::ChatBannedRights,
) -> Answer<enums::Updates> {
    let access = named::channel_of_caller(context, id)?;
    if access.channel.broadcast {
        return Err(bad_request("CHAT_ID_INVALID"));
    }
    access.require(|rights| rights.ban_users)?;
    let bytes = rights.to_bytes();
    if bytes == access.channel.banned_rights {
        return Err(bad_request("CHAT_NOT_MODIFIED"));
    }
    channels::set_banned_rights(context.db, id, &bytes)?;
    let peer = view::to_tl(access.channel.peer());
    let update = types::UpdateChatDefaultBannedRights { peer, default_banned_rights: rights.clone(), version: 0 };
    post::channels::tell(context, &access.channel, &update.into())?;
    post::channels::answer(context, &access.channel, None)
}

/// The rights to be given, serialised; none if there is none among them.
fn admin_rights(access: &Access, wanted: enums::ChatAdminRights) -> Answer<Option<Vec<u8>>> {
    if wanted == enums::ChatAdminRights::from(tl_blank::chat_admin_rights()) {
        return Ok(None);
    }
    let enums::ChatAdminRights::Rights(wanted_rights) = &wanted;
    let own = access.admin_rights().unwrap_or_else(|| all_rights(access.channel.broadcast));
    let beyond = |right: fn(&types::ChatAdminRights) -> bool| right(wanted_rights) && !right(&own);
    let forbidden_right = !access.is_creator()
        && [
            beyond(|rights| rights.change_info),
            beyond(|rights| rights.post_messages),
            beyond(|rights| rights.edit_messages),
            beyond(|rights| rights.delete_messages),
            beyond(|rights| rights.ban_users),
            beyond(|rights| rights.invite_users),
            beyond(|rights| rights.pin_messages),
            beyond(|rights| rights.add_admins),
            beyond(|rights| rights.anonymous),
            beyond(|rights| rights.manage_call),
        ]
        .contains(&true);
    if forbidden_right { Err(forbidden("RIGHT_FORBIDDEN")) } else { Ok(Some(wanted.to_bytes())) }
}

/// Brings in who is to be an administrator.
fn bring_in(context: &mut Context<'_>, access: &Access, user: i64) -> Answer<()> {
    if !access.has(|rights| rights.invite_users) {
        return Err(forbidden("CHAT_ADMIN_INVITE_REQUIRED"));
    }
    if contacts::is_blocked(context.db, user, context.me)? {
        return Err(bad_request("USER_BLOCKED"));
    }
    let_in(context, access, user)?;
    if !access.channel.broadcast {
        let action = types::MessageActionChatAddUser { users: vec![user] }.into();
        post::channels::action(context, &access.channel, action, None)?;
    }
    Ok(())
}

fn is_no_ban(rights: &types::ChatBannedRights) -> bool {
    *rights == types::ChatBannedRights { ..tl_blank::chat_banned_rights(rights.until_date) }
}

/// When a ban ends; 0 if never.
fn ban_end(until: i32, now: i32) -> i32 {
    let within = (BAN_MIN_S..=BAN_MAX_S).contains(&until.saturating_sub(now));
    if within { until } else { 0 }
}
