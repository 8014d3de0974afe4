//! Basic groups: <https://core.telegram.org/api/channel#basic-groups>.
//!
//! Invariant: members learn of every change by a service message, and their chat's version tells which state is newer.

use grammers_tl_types as tl;
use tl::{Serializable, enums, functions, types};

use crate::api::access::{self, manages, willing};
use crate::api::context::Context;
use crate::api::error::{Answer, bad_request};
use crate::api::limits::CHAT_MEMBERS_MAX;
use crate::api::names::{checked_about, checked_title};
use crate::api::post::{self, Posting, Sent};
use crate::api::standing::Change;
use crate::api::view::{self, Peers};
use crate::api::{channels, invites, named, users};
use crate::model::chats::{self, Chat, Standing};
use crate::model::messages::Content;
use crate::model::users::{self as stored_users, User};
use crate::model::{Peer, dialogs, invites as requests, members};

/// How many groups one request may ask for.
const CHATS_MAX: usize = 100;

/// messages.createChat: <https://core.telegram.org/method/messages.createChat>.
pub(in crate::api) fn create_chat(
    context: &mut Context<'_>,
    call: functions::messages::CreateChat,
) -> Answer<enums::messages::InvitedUsers> {
    let title = checked_title(&call.title)?;
    if call.users.len() >= CHAT_MEMBERS_MAX {
        return Err(bad_request("USERS_TOO_MUCH"));
    }
    let mut invited = call.users.iter().map(|user| named::user(context, user)).collect::<Answer<Vec<User>>>()?;
    invited.retain(|user| user.id != context.me);
    invited.sort_by_key(|user| user.id);
    invited.dedup_by_key(|user| user.id);
    if invited.is_empty() {
        return Err(bad_request("USERS_TOO_FEW"));
    }
    let (invited, missing_invitees) = willing(context, invited)?;
    if chats::made_count(context.db, context.me)? >= context.model.limits.chats_made_per_user_max {
        return Err(bad_request("CHANNELS_TOO_MUCH"));
    }
    let chat = chats::insert(context.db, context.me, &title)?;
    chats::add_member(context.db, chat, context.me, context.me)?;
    for user in &invited {
        let change = Change::in_chat(context, chat, user.id)?;
        chats::add_member(context.db, chat, user.id, context.me)?;
        change.tell(context, None)?;
    }
    let users = invited.iter().map(|user| user.id).collect();
    let action = types::MessageActionChatCreate { title, users }.into();
    let updates = announce(context, chat, action, None, None)?;
    Ok(types::messages::InvitedUsers { updates, missing_invitees }.into())
}

/// messages.getChats: <https://core.telegram.org/method/messages.getChats>.
pub(in crate::api) fn get_chats(
    context: &mut Context<'_>,
    call: functions::messages::GetChats,
) -> Answer<enums::messages::Chats> {
    let ids: Vec<i64> = call.id.into_iter().take(CHATS_MAX).collect();
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        named::chat(context, id)?;
        found.push(view::chat_by_id(context, context.me, id)?);
    }
    Ok(types::messages::Chats { chats: found }.into())
}

/// messages.getFullChat: <https://core.telegram.org/method/messages.getFullChat>.
pub(in crate::api) fn get_full_chat(
    context: &mut Context<'_>,
    call: functions::messages::GetFullChat,
) -> Answer<enums::messages::ChatFull> {
    let chat = named::chat(context, call.chat_id)?;
    let dialog = dialogs::find(context.db, context.me, Peer::Chat(chat.id))?;
    let members = chats::members(context.db, chat.id)?;
    let mut bot_info = Vec::new();
    for member in &members {
        if stored_users::find(context.db, member.user)?.is_some_and(|user| user.bot) {
            bot_info.push(users::bot_info(context, member.user)?);
        }
    }
    let peer = Peer::Chat(chat.id);
    let manages = manages(context, &chat)?;
    let (pending, recent_requesters) = invites::pending(context, peer)?;
    let mut people = Peers::default().with(peer).with_users(members.iter().map(|member| member.user));
    if manages {
        people = people.with_users(recent_requesters.iter().copied());
    }
    let full_chat = types::ChatFull {
        chat_photo: view::files::full_photo(context, peer)?,
        exported_invite: if manages { invites::main_link(context, peer)? } else { None },
        bot_info: Some(bot_info),
        requests_pending: manages.then_some(pending).filter(|pending| *pending > 0),
        recent_requesters: (manages && pending > 0).then_some(recent_requesters),
        ..tl_blank::chat_full(
            chat.id,
            chat.about.clone(),
            view::participants(context, context.me, &chat)?,
            view::notify_settings(dialog.as_ref()),
        )
    };
    let (users, chats) = people.render(context, context.me)?;
    Ok(types::messages::ChatFull { full_chat: full_chat.into(), chats, users }.into())
}

/// messages.addChatUser: <https://core.telegram.org/method/messages.addChatUser>. Who left may come back by adding
/// themselves.
pub(in crate::api) fn add_chat_user(
    context: &mut Context<'_>,
    call: functions::messages::AddChatUser,
) -> Answer<enums::messages::InvitedUsers> {
    let chat = named::chat(context, call.chat_id)?;
    let user = named::user(context, &call.user_id)?;
    let comes_back = user.id == context.me
        && chats::member(context.db, chat.id, user.id)?.is_some_and(|member| member.standing == Standing::Left);
    if !comes_back {
        named::own_chat(context, chat.id)?;
    }
    if access::is_member(context, chat.id, user.id)? {
        return Err(bad_request("USER_ALREADY_PARTICIPANT"));
    }
    check_room(&chat)?;
    let (invited, missing_invitees) = willing(context, vec![user])?;
    let mut updates = context.updates(context.me, Vec::new(), &Peers::default())?;
    for user in invited {
        requests::take_request(context.db, Peer::Chat(chat.id), user.id)?;
        let change = Change::in_chat(context, chat.id, user.id)?;
        chats::add_member(context.db, chat.id, user.id, context.me)?;
        change.tell(context, None)?;
        let action = types::MessageActionChatAddUser { users: vec![user.id] }.into();
        updates = announce(context, chat.id, action, None, None)?;
    }
    Ok(types::messages::InvitedUsers { updates, missing_invitees }.into())
}

/// messages.deleteChatUser: <https://core.telegram.org/method/messages.deleteChatUser>: leaving, or removing someone.
pub(in crate::api) fn delete_chat_user(
    context: &mut Context<'_>,
    call: functions::messages::DeleteChatUser,
) -> Answer<enums::Updates> {
    let chat = named::own_chat(context, call.chat_id)?;
    let user = named::user(context, &call.user_id)?;
    let member = chats::member(context.db, chat.id, user.id)?.filter(|member| member.standing == Standing::Member);
    let Some(member) = member else { return Err(bad_request("USER_NOT_PARTICIPANT")) };
    let leaving = user.id == context.me;
    let may = leaving || (user.id != chat.creator && (manages(context, &chat)? || member.inviter == context.me));
    if !may {
        return Err(bad_request("CHAT_ADMIN_REQUIRED"));
    }
    let standing = if leaving { Standing::Left } else { Standing::Removed };
    let change = Change::in_chat(context, chat.id, user.id)?;
    chats::end_member(context.db, chat.id, user.id, standing)?;
    change.tell(context, None)?;
    let action = types::MessageActionChatDeleteUser { user_id: user.id }.into();
    announce(context, chat.id, action, (!leaving).then_some(user.id), None)
}

/// messages.editChatTitle: <https://core.telegram.org/method/messages.editChatTitle>.
pub(in crate::api) fn edit_chat_title(
    context: &mut Context<'_>,
    call: functions::messages::EditChatTitle,
) -> Answer<enums::Updates> {
    let chat = named::own_chat(context, call.chat_id)?;
    let title = checked_title(&call.title)?;
    if title == chat.title {
        return Err(bad_request("CHAT_NOT_MODIFIED"));
    }
    chats::set_title(context.db, chat.id, &title)?;
    let action = types::MessageActionChatEditTitle { title }.into();
    let sent = post_action(context, chat.id, &action)?;
    answer(context, &sent, Vec::new())
}

/// messages.editChatAbout: <https://core.telegram.org/method/messages.editChatAbout>.
pub(in crate::api) fn edit_chat_about(
    context: &mut Context<'_>,
    call: functions::messages::EditChatAbout,
) -> Answer<bool> {
    let about = checked_about(&call.about);
    let id = match named::peer(context, &call.peer)? {
        Peer::Chat(id) => id,
        Peer::Channel(id) => return channels::manage::edit_about(context, id, &about),
        Peer::User(_) => return Err(bad_request("PEER_ID_INVALID")),
    };
    let chat = named::own_chat(context, id)?;
    if about == chat.about {
        return Err(bad_request("CHAT_ABOUT_NOT_MODIFIED"));
    }
    chats::set_about(context.db, id, &about)?;
    Ok(true)
}

/// messages.editChatAdmin: <https://core.telegram.org/method/messages.editChatAdmin>.
pub(in crate::api) fn edit_chat_admin(
    context: &mut Context<'_>,
    call: functions::messages::EditChatAdmin,
) -> Answer<bool> {
    let chat = named::own_chat(context, call.chat_id)?;
    let user = named::user(context, &call.user_id)?;
    if chat.creator != context.me {
        return Err(bad_request("CHAT_ADMIN_REQUIRED"));
    }
    if user.id == chat.creator {
        return Err(bad_request("USER_CREATOR"));
    }
    if !access::is_member(context, chat.id, user.id)? {
        return Err(bad_request("USER_NOT_PARTICIPANT"));
    }
    let change = Change::in_chat(context, chat.id, user.id)?;
    chats::set_admin(context.db, chat.id, user.id, call.is_admin)?;
    change.tell(context, None)?;
    let update = types::UpdateChatParticipantAdmin {
        chat_id: chat.id,
        user_id: user.id,
        is_admin: call.is_admin,
        version: chat.version + 1,
    };
    tell_members(context, chat.id, update.into())?;
    Ok(true)
}

/// messages.deleteChat: <https://core.telegram.org/method/messages.deleteChat>.
pub(in crate::api) fn delete_chat(context: &mut Context<'_>, call: functions::messages::DeleteChat) -> Answer<bool> {
    let chat = named::own_chat(context, call.chat_id)?;
    if chat.creator != context.me {
        return Err(bad_request("CHAT_ADMIN_REQUIRED"));
    }
    let members = chats::members(context.db, chat.id)?;
    chats::deactivate(context.db, chat.id)?;
    for member in members {
        let update = types::UpdateChat { chat_id: chat.id }.into();
        context.push(member.user, vec![update], &Peers::default().with(Peer::Chat(chat.id)))?;
    }
    Ok(true)
}

/// messages.getCommonChats: <https://core.telegram.org/method/messages.getCommonChats>.
pub(in crate::api) fn get_common_chats(
    context: &mut Context<'_>,
    call: functions::messages::GetCommonChats,
) -> Answer<enums::messages::Chats> {
    let user = named::user(context, &call.user_id)?;
    let limit = i64::from(call.limit).clamp(0, CHATS_MAX as i64);
    let ids = chats::common(context.db, context.me, user.id, call.max_id, limit)?;
    let room = limit - i64::try_from(ids.len()).unwrap_or(limit);
    let channels = members::common(context.db, context.me, user.id, call.max_id, room)?;
    let chats = ids.into_iter().map(|id| view::chat_by_id(context, context.me, id));
    let channels = channels.into_iter().map(|id| view::channels::channel(context, context.me, id));
    Ok(types::messages::Chats { chats: chats.chain(channels).collect::<Answer<_>>()? }.into())
}

/// messages.getOnlines: <https://core.telegram.org/method/messages.getOnlines>.
pub(in crate::api) fn get_onlines(
    context: &mut Context<'_>,
    call: functions::messages::GetOnlines,
) -> Answer<enums::ChatOnlines> {
    let id = match named::peer(context, &call.peer)? {
        Peer::Chat(id) => id,
        Peer::Channel(id) => return Ok(types::ChatOnlines { onlines: channels::info::onlines(context, id)? }.into()),
        Peer::User(_) => return Err(bad_request("PEER_ID_INVALID")),
    };
    let mut onlines = 0;
    for member in chats::members(context.db, id)? {
        let online = stored_users::find(context.db, member.user)?.is_some_and(|user| user.online_until > context.now);
        onlines += i32::from(online);
    }
    Ok(types::ChatOnlines { onlines }.into())
}

/// messages.editChatDefaultBannedRights: <https://core.telegram.org/method/messages.editChatDefaultBannedRights>.
pub(in crate::api) fn edit_chat_default_banned_rights(
    context: &mut Context<'_>,
    call: functions::messages::EditChatDefaultBannedRights,
) -> Answer<enums::Updates> {
    let id = match named::peer(context, &call.peer)? {
        Peer::Chat(id) => id,
        Peer::Channel(id) => return channels::moderate::edit_default_banned_rights(context, id, &call.banned_rights),
        Peer::User(_) => return Err(bad_request("PEER_ID_INVALID")),
    };
    let chat = named::own_chat(context, id)?;
    if !manages(context, &chat)? {
        return Err(bad_request("CHAT_ADMIN_REQUIRED"));
    }
    if call.banned_rights == view::banned_rights(&chat) {
        return Err(bad_request("CHAT_NOT_MODIFIED"));
    }
    chats::set_banned_rights(context.db, id, &call.banned_rights.to_bytes())?;
    let peer = view::to_tl(Peer::Chat(id));
    let (default_banned_rights, version) = (call.banned_rights, chat.version + 1);
    let update = enums::Update::from(types::UpdateChatDefaultBannedRights { peer, default_banned_rights, version });
    tell_members(context, id, update.clone())?;
    context.updates(context.me, vec![update], &Peers::default().with(Peer::Chat(id)))
}

/// Posts a service message about members together with the new list of them.
pub(in crate::api) fn announce(
    context: &mut Context<'_>,
    id: i64,
    action: enums::MessageAction,
    also: Option<i64>,
    sender: Option<i64>,
) -> Answer<enums::Updates> {
    let chat = chats::find(context.db, id)?.ok_or_else(|| bad_request("CHAT_ID_INVALID"))?;
    let someone = chats::members(context.db, id)?.first().map_or(context.me, |member| member.user);
    let participants = view::participants(context, someone, &chat)?;
    let extra = vec![types::UpdateChatParticipants { participants }.into()];
    let content = Content { action: Some(action.to_bytes()), ..Content::default() };
    let posting = Posting { extra: &extra, also, sender, ..Posting::of(Peer::Chat(id), content) };
    let sent = post::post(context, posting)?;
    answer(context, &sent, extra)
}

/// Posts a service message.
pub(in crate::api) fn post_action(context: &mut Context<'_>, chat: i64, action: &enums::MessageAction) -> Answer<Sent> {
    let content = Content { action: Some(action.to_bytes()), ..Content::default() };
    post::post(context, Posting::of(Peer::Chat(chat), content))
}

fn answer(context: &Context<'_>, sent: &Sent, mut updates: Vec<enums::Update>) -> Answer<enums::Updates> {
    let people = Peers::of_messages(&[view::message(&sent.message)]);
    updates.push(sent.update());
    context.updates(context.me, updates, &people)
}

fn tell_members(context: &mut Context<'_>, chat: i64, update: enums::Update) -> Answer<()> {
    for member in chats::members(context.db, chat)? {
        context.push(member.user, vec![update.clone()], &Peers::default().with(Peer::Chat(chat)))?;
    }
    Ok(())
}

/// Refuses when no one more fits in.
pub(in crate::api) fn check_room(chat: &Chat) -> Answer<()> {
    let full = usize::try_from(chat.members).is_ok_and(|members| members >= CHAT_MEMBERS_MAX);
    if full { Err(bad_request("USERS_TOO_MUCH")) } else { Ok(()) }
}
