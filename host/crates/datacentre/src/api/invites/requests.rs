//! Who came by a link, who asks to be let in, and letting them in: <https://core.telegram.org/api/invites#join-requests>.
//!
//! Invariant: a request is answered once; then it is gone.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use super::links::own;
use super::{Target, gatekeepers, hash_of, managed, pending};
use crate::api::channels::participants;
use crate::api::context::Context;
use crate::api::error::{Answer, bad_request};
use crate::api::messages::chats::{announce, check_room};
use crate::api::standing::Change;
use crate::api::view::{Peers, to_tl};
use crate::api::{access, named};
use crate::model::invites::{self, Importer};
use crate::model::{chats, users};

/// The most importers of one page, and the most requests answered at once.
const PAGE_MAX: usize = 100;

/// messages.getChatInviteImporters: <https://core.telegram.org/method/messages.getChatInviteImporters>.
pub(in crate::api) fn get_chat_invite_importers(
    context: &mut Context<'_>,
    call: functions::messages::GetChatInviteImporters,
) -> Answer<enums::messages::ChatInviteImporters> {
    let target = managed(context, &call.peer)?;
    let invite = call.link.as_deref().map(|link| own(context, &target, link)).transpose()?;
    let hash = invite.as_ref().map(|invite| invite.hash.as_str());
    let all = match hash {
        _ if call.requested => invites::requests(context.db, target.peer(), hash)?,
        Some(hash) => invites::uses(context.db, hash)?,
        None => return Err(bad_request("INVITE_HASH_EXPIRED")),
    };
    let mut found = Vec::new();
    for importer in all {
        let name = users::find(context.db, importer.user)?.map(|user| user.name().to_lowercase()).unwrap_or_default();
        if call.q.as_ref().is_none_or(|query| name.contains(&query.to_lowercase())) {
            found.push(importer);
        }
    }
    let count = i32::try_from(found.len()).unwrap_or(i32::MAX);
    let offset_user = if call.offset_date > 0 { named::user(context, &call.offset_user).ok() } else { None };
    let start = offset_user.and_then(|user| found.iter().position(|importer| importer.user == user.id));
    let limit = usize::try_from(call.limit).unwrap_or(0).min(PAGE_MAX);
    let page: Vec<&Importer> = found.iter().skip(start.map_or(0, |at| at + 1)).take(limit).collect();
    let importers = page.iter().map(|importer| shown(context, importer, call.requested)).collect::<Answer<_>>()?;
    let (users, _) =
        Peers::default().with_users(page.iter().map(|importer| importer.user)).render(context, context.me)?;
    Ok(types::messages::ChatInviteImporters { count, importers, users }.into())
}

/// messages.hideChatJoinRequest: <https://core.telegram.org/method/messages.hideChatJoinRequest>: yes or no to one.
pub(in crate::api) fn hide_chat_join_request(
    context: &mut Context<'_>,
    call: functions::messages::HideChatJoinRequest,
) -> Answer<enums::Updates> {
    let target = managed(context, &call.peer)?;
    let user = named::user(context, &call.user_id)?;
    let hash = invites::take_request(context.db, target.peer(), user.id)?;
    let hash = hash.ok_or_else(|| bad_request("HIDE_REQUESTER_MISSING"))?;
    answer_request(context, &target, user.id, &hash, call.approved)?;
    tell_pending(context, &target)
}

/// messages.hideAllChatJoinRequests: <https://core.telegram.org/method/messages.hideAllChatJoinRequests>: yes or no to all,
/// or to all who came by one link.
pub(in crate::api) fn hide_all_chat_join_requests(
    context: &mut Context<'_>,
    call: functions::messages::HideAllChatJoinRequests,
) -> Answer<enums::Updates> {
    let target = managed(context, &call.peer)?;
    let requests = invites::requests(context.db, target.peer(), call.link.as_deref().map(hash_of))?;
    if requests.is_empty() {
        return Err(bad_request("HIDE_REQUESTER_MISSING"));
    }
    for request in requests.iter().take(PAGE_MAX) {
        invites::take_request(context.db, target.peer(), request.user)?;
        answer_request(context, &target, request.user, &request.hash, call.approved)?;
    }
    tell_pending(context, &target)
}

/// Tells those who may let others in how many ask to be: the caller's answer.
pub(super) fn tell_pending(context: &mut Context<'_>, target: &Target) -> Answer<enums::Updates> {
    let (requests_pending, recent_requesters) = pending(context, target.peer())?;
    let people = Peers::default().with(target.peer()).with_users(recent_requesters.iter().copied());
    let peer = to_tl(target.peer());
    let update = enums::Update::from(types::UpdatePendingJoinRequests { peer, requests_pending, recent_requesters });
    for admin in gatekeepers(context, target)? {
        context.push(admin, vec![update.clone()], &people)?;
    }
    context.updates(context.me, vec![update], &people)
}

fn answer_request(context: &mut Context<'_>, target: &Target, user: i64, hash: &str, approved: bool) -> Answer<()> {
    if !approved {
        return Ok(());
    }
    invites::count_use(context.db, hash, user, Some(context.me))?;
    let invite = invites::find(context.db, hash)?;
    let action = enums::MessageAction::ChatJoinedByRequest;
    match target {
        Target::Chat(chat) => {
            if access::is_member(context, chat.id, user)? {
                return Err(bad_request("USER_ALREADY_PARTICIPANT"));
            }
            check_room(&chats::find(context.db, chat.id)?.ok_or_else(|| bad_request("CHAT_ID_INVALID"))?)?;
            let change = Change::in_chat(context, chat.id, user)?;
            chats::add_member(context.db, chat.id, user, context.me)?;
            change.tell(context, invite.as_ref())?;
            announce(context, chat.id, action, None, Some(user))?;
        }
        Target::Channel(access) => {
            participants::admit(context, &access.channel, user, context.me, true, invite.as_ref())?;
            participants::announce(context, &access.channel, action, Some(user))?;
        }
    }
    Ok(())
}

fn shown(context: &Context<'_>, importer: &Importer, requested: bool) -> Answer<enums::ChatInviteImporter> {
    let about = users::find(context.db, importer.user)?.map(|user| user.about);
    let tl = types::ChatInviteImporter {
        requested,
        via_chatlist: false,
        user_id: importer.user,
        date: importer.date,
        about: about.filter(|about| requested && !about.is_empty()),
        approved_by: importer.approved_by,
    };
    Ok(tl.into())
}
