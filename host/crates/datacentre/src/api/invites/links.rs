//! Making, changing and listing invite links.
//!
//! Invariant: an administrator changes only their own links, the creator all; each administrator has one main link, which
//! never runs out.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use super::{Target, hash_of, managed};
use crate::api::context::Context;
use crate::api::error::{Answer, bad_request};
use crate::api::named;
use crate::api::view::Peers;
use crate::api::view::invites::exported;
use crate::model::invites::{self, Invite};
use crate::model::{Peer, random};

/// The most links of one administrator to one peer that are not revoked.
pub(in crate::api) const INVITES_MAX: usize = 500;
/// The most uses a link can be limited to.
const USAGE_MAX: i32 = 99_999;
/// The longest name of a link, in characters; more is cut off.
const TITLE_MAX_CHARS: usize = 32;
/// The most links of one page.
const PAGE_MAX: usize = 100;

/// messages.exportChatInvite: <https://core.telegram.org/method/messages.exportChatInvite>. The first without conditions is
/// the caller's main link; `legacy_revoke_permanent` puts a new one in its place.
pub(in crate::api) fn export_chat_invite(
    context: &mut Context<'_>,
    call: functions::messages::ExportChatInvite,
) -> Answer<enums::ExportedChatInvite> {
    let target = managed(context, &call.peer)?;
    let mut main = invites::permanent(context.db, target.peer(), context.me)?;
    if let Some(main) = main.take_if(|_| call.legacy_revoke_permanent) {
        invites::update(context.db, &Invite { revoked: true, ..main })?;
    }
    let plain =
        !call.request_needed && call.expire_date.is_none() && call.usage_limit.is_none() && call.title.is_none();
    let mut invite = new(context, target.peer(), plain && main.is_none());
    set_expiry(context, &mut invite, call.expire_date)?;
    set_usage_limit(&mut invite, call.usage_limit)?;
    set_title(&mut invite, call.title);
    invite.request_needed = call.request_needed;
    check_conditions(&invite)?;
    if invites::of_admin(context.db, target.peer(), context.me, false)?.len() >= INVITES_MAX {
        return Err(bad_request("INVITES_TOO_MUCH"));
    }
    invites::insert(context.db, &invite)?;
    Ok(exported(&invite))
}

/// messages.editExportedChatInvite: <https://core.telegram.org/method/messages.editExportedChatInvite>. A main link that is
/// revoked is replaced.
pub(in crate::api) fn edit_exported_chat_invite(
    context: &mut Context<'_>,
    call: functions::messages::EditExportedChatInvite,
) -> Answer<enums::messages::ExportedChatInvite> {
    let target = managed(context, &call.peer)?;
    let mut invite = own(context, &target, &call.link)?;
    if invite.revoked {
        return Err(bad_request("INVITE_HASH_EXPIRED"));
    }
    let conditions = call.expire_date.is_some() || call.usage_limit.is_some() || call.request_needed.is_some();
    if invite.permanent && conditions && !call.revoked {
        return Err(bad_request("CHAT_INVITE_PERMANENT"));
    }
    if call.revoked {
        invite.revoked = true;
    } else {
        set_expiry(context, &mut invite, call.expire_date)?;
        set_usage_limit(&mut invite, call.usage_limit)?;
        set_title(&mut invite, call.title);
        invite.request_needed = call.request_needed.unwrap_or(invite.request_needed);
        check_conditions(&invite)?;
    }
    invites::update(context.db, &invite)?;
    let (users, _) = Peers::default().with_user(invite.admin).render(context, context.me)?;
    if invite.revoked && invite.permanent {
        let fresh = Invite { admin: invite.admin, ..new(context, target.peer(), true) };
        invites::insert(context.db, &fresh)?;
        let (invite, new_invite) = (exported(&invite), exported(&fresh));
        return Ok(types::messages::ExportedChatInviteReplaced { invite, new_invite, users }.into());
    }
    Ok(types::messages::ExportedChatInvite { invite: exported(&invite), users }.into())
}

/// messages.getExportedChatInvite: <https://core.telegram.org/method/messages.getExportedChatInvite>.
pub(in crate::api) fn get_exported_chat_invite(
    context: &mut Context<'_>,
    call: functions::messages::GetExportedChatInvite,
) -> Answer<enums::messages::ExportedChatInvite> {
    let target = managed(context, &call.peer)?;
    let invite = own(context, &target, &call.link)?;
    let (users, _) = Peers::default().with_user(invite.admin).render(context, context.me)?;
    Ok(types::messages::ExportedChatInvite { invite: exported(&invite), users }.into())
}

/// messages.getExportedChatInvites: <https://core.telegram.org/method/messages.getExportedChatInvites>.
pub(in crate::api) fn get_exported_chat_invites(
    context: &mut Context<'_>,
    call: functions::messages::GetExportedChatInvites,
) -> Answer<enums::messages::ExportedChatInvites> {
    let target = managed(context, &call.peer)?;
    let admin = admin(context, &target, &call.admin_id)?;
    let all = invites::of_admin(context.db, target.peer(), admin, call.revoked)?;
    let count = i32::try_from(all.len()).unwrap_or(i32::MAX);
    // The offset is the last link of the page before.
    let start = call.offset_link.as_deref().map(hash_of).and_then(|hash| all.iter().position(|one| one.hash == hash));
    let limit = usize::try_from(call.limit).unwrap_or(0).min(PAGE_MAX);
    let page = all.iter().skip(start.map_or(0, |at| at + 1)).take(limit);
    let invites = page.map(exported).collect();
    let (users, _) = Peers::default().with_user(admin).render(context, context.me)?;
    Ok(types::messages::ExportedChatInvites { count, invites, users }.into())
}

/// messages.deleteExportedChatInvite: <https://core.telegram.org/method/messages.deleteExportedChatInvite>: revoked ones
/// only.
pub(in crate::api) fn delete_exported_chat_invite(
    context: &mut Context<'_>,
    call: functions::messages::DeleteExportedChatInvite,
) -> Answer<bool> {
    let target = managed(context, &call.peer)?;
    let invite = own(context, &target, &call.link)?;
    if !invite.revoked {
        return Err(bad_request("INVITE_REVOKED_MISSING"));
    }
    invites::delete(context.db, &invite.hash)?;
    Ok(true)
}

/// messages.deleteRevokedExportedChatInvites:
/// <https://core.telegram.org/method/messages.deleteRevokedExportedChatInvites>.
pub(in crate::api) fn delete_revoked_exported_chat_invites(
    context: &mut Context<'_>,
    call: functions::messages::DeleteRevokedExportedChatInvites,
) -> Answer<bool> {
    let target = managed(context, &call.peer)?;
    let admin = admin(context, &target, &call.admin_id)?;
    for invite in invites::of_admin(context.db, target.peer(), admin, true)? {
        invites::delete(context.db, &invite.hash)?;
    }
    Ok(true)
}

/// messages.getAdminsWithInvites: <https://core.telegram.org/method/messages.getAdminsWithInvites>.
pub(in crate::api) fn get_admins_with_invites(
    context: &mut Context<'_>,
    call: functions::messages::GetAdminsWithInvites,
) -> Answer<enums::messages::ChatAdminsWithInvites> {
    let target = managed(context, &call.peer)?;
    if target.creator() != context.me {
        return Err(bad_request("CHAT_ADMIN_REQUIRED"));
    }
    let counts = invites::admins(context.db, target.peer())?;
    let (users, _) =
        Peers::default().with_users(counts.iter().map(|(admin, ..)| *admin)).render(context, context.me)?;
    let admins = counts.into_iter().map(|(admin_id, invites_count, revoked_invites_count)| {
        types::ChatAdminWithInvites { admin_id, invites_count, revoked_invites_count }.into()
    });
    Ok(types::messages::ChatAdminsWithInvites { admins: admins.collect(), users }.into())
}

/// The link the request names, if the caller may care for it.
pub(super) fn own(context: &Context<'_>, target: &Target, link: &str) -> Answer<Invite> {
    let expired = || bad_request("INVITE_HASH_EXPIRED");
    let invite = invites::find(context.db, hash_of(link))?.filter(|invite| invite.peer == target.peer());
    let invite = invite.ok_or_else(expired)?;
    let may = invite.admin == context.me || target.creator() == context.me;
    if may { Ok(invite) } else { Err(bad_request("CHAT_ADMIN_REQUIRED")) }
}

/// The administrator whose links are asked for: the caller, or for the creator anyone.
fn admin(context: &Context<'_>, target: &Target, input: &enums::InputUser) -> Answer<i64> {
    let admin = named::user(context, input).map_err(|_| bad_request("ADMIN_ID_INVALID"))?.id;
    let may = admin == context.me || target.creator() == context.me;
    if may { Ok(admin) } else { Err(bad_request("CHAT_ADMIN_REQUIRED")) }
}

fn new(context: &Context<'_>, peer: Peer, permanent: bool) -> Invite {
    Invite {
        hash: hex::encode(random::<8>()),
        peer,
        admin: context.me,
        date: context.now,
        title: None,
        expires: None,
        usage_limit: None,
        usage: 0,
        request_needed: false,
        permanent,
        revoked: false,
        requested: 0,
    }
}

/// 0 takes the date away.
fn set_expiry(context: &Context<'_>, invite: &mut Invite, expires: Option<i32>) -> Answer<()> {
    match expires {
        None => {}
        Some(0) => invite.expires = None,
        Some(date) if date > context.now => invite.expires = Some(date),
        Some(_) => return Err(bad_request("EXPIRE_DATE_INVALID")),
    }
    Ok(())
}

/// 0 takes the limit away.
fn set_usage_limit(invite: &mut Invite, limit: Option<i32>) -> Answer<()> {
    match limit {
        None => {}
        Some(0) => invite.usage_limit = None,
        Some(limit) if (1..=USAGE_MAX).contains(&limit) => invite.usage_limit = Some(limit),
        Some(_) => return Err(bad_request("USAGE_LIMIT_INVALID")),
    }
    Ok(())
}

fn set_title(invite: &mut Invite, title: Option<String>) {
    if let Some(title) = title {
        let title: String = title.trim().chars().take(TITLE_MAX_CHARS).collect();
        invite.title = Some(title).filter(|title| !title.is_empty());
    }
}

/// Who must be let in one by one is not counted.
fn check_conditions(invite: &Invite) -> Answer<()> {
    let both = invite.request_needed && invite.usage_limit.is_some();
    if both { Err(bad_request("USAGE_LIMIT_INVALID")) } else { Ok(()) }
}
