//! TL objects from what is stored, as one viewer may see it.
//!
//! Invariant: only constructors that are the same in layers 229 and 230, and nothing of another user's that Telegram
//! would not show: phone numbers to contacts only, names as the viewer saved them.

pub(super) mod channels;
pub(super) mod files;
pub(super) mod invites;
mod peers;
pub(super) mod secret_chats;
pub(super) mod updates;

use grammers_tl_types as tl;
use tl::{enums, types};

use super::stored_tl::stored;
use crate::api::context::Context;
use crate::api::error::Answer;
use crate::model::chats::{self, Chat, Member, Standing};
use crate::model::dialogs::{self, Dialog};
use crate::model::messages::Message;
use crate::model::users::{self, User};
use crate::model::{Peer, contacts, history, log, qts, secret_chats as stored_secret_chats};

pub(super) use peers::{Peers, to_tl};

/// A user, as `viewer` sees them.
pub(super) fn user(context: &Context<'_>, viewer: i64, user: &User) -> Answer<enums::User> {
    let is_self = viewer == user.id;
    let contact = if is_self { None } else { contacts::find(context.db, viewer, user.id)? };
    let (first_name, last_name) = match &contact {
        Some(contact) => (&contact.first_name, &contact.last_name),
        None => (&user.first_name, &user.last_name),
    };
    let mut tl = tl_blank::user(user.id);
    tl.is_self = is_self;
    tl.contact = contact.is_some();
    tl.mutual_contact = contact.as_ref().is_some_and(|contact| contact.mutual);
    tl.access_hash = Some(context.model.access_hash(viewer, user.id));
    tl.first_name = Some(first_name.clone());
    tl.last_name = Some(last_name.clone()).filter(|name| !name.is_empty());
    tl.username = user.username.clone();
    tl.phone = user.phone.clone().filter(|_| is_self || contact.is_some());
    tl.photo = files::user_photo(context, user.id)?;
    tl.bot = user.bot;
    // Privacy mode is off for all bots made here: they see every message of their groups.
    tl.bot_chat_history = user.bot;
    tl.bot_info_version = user.bot.then_some(1);
    tl.status = (!user.bot).then(|| status(user, context.now));
    Ok(tl.into())
}

/// The user with this id, as `viewer` sees them.
pub(super) fn user_by_id(context: &Context<'_>, viewer: i64, id: i64) -> Answer<enums::User> {
    match users::find(context.db, id)? {
        Some(found) => user(context, viewer, &found),
        None => Ok(types::UserEmpty { id }.into()),
    }
}

/// When a user is or was online.
pub(super) fn status(user: &User, now: i32) -> enums::UserStatus {
    if user.online_until > now {
        types::UserStatusOnline { expires: user.online_until }.into()
    } else {
        types::UserStatusOffline { was_online: user.seen }.into()
    }
}

/// The group with this id, as `viewer` sees it.
pub(super) fn chat_by_id(context: &Context<'_>, viewer: i64, id: i64) -> Answer<enums::Chat> {
    let member = chats::member(context.db, id, viewer)?;
    match (chats::find(context.db, id)?, member) {
        (Some(found), Some(member)) => chat(context, &found, &member),
        _ => Ok(types::ChatEmpty { id }.into()),
    }
}

/// A group, as someone who is or was in it sees it.
pub(super) fn chat(context: &Context<'_>, chat: &Chat, viewer: &Member) -> Answer<enums::Chat> {
    if viewer.standing == Standing::Removed && !chat.deactivated {
        return Ok(types::ChatForbidden { id: chat.id, title: chat.title.clone() }.into());
    }
    let admin_rights = viewer.admin.then(|| {
        let mut rights = tl_blank::chat_admin_rights();
        rights.change_info = true;
        rights.delete_messages = true;
        rights.ban_users = true;
        rights.invite_users = true;
        rights.pin_messages = true;
        rights.manage_call = true;
        rights.other = true;
        rights.into()
    });
    let photo = files::chat_photo(context, Peer::Chat(chat.id))?;
    let tl = types::Chat {
        creator: chat.creator == viewer.user,
        left: viewer.standing != Standing::Member && chat.migrated_to.is_none(),
        deactivated: chat.deactivated,
        migrated_to: chat.migrated_to.map(|channel_id| {
            let access_hash = context.model.channel_access_hash(viewer.user, channel_id);
            types::InputChannel { channel_id, access_hash }.into()
        }),
        admin_rights,
        default_banned_rights: Some(banned_rights(chat)),
        ..tl_blank::chat(chat.id, chat.title.clone(), photo, chat.members, chat.date, chat.version)
    };
    Ok(tl.into())
}

/// What ordinary members of a group may not do.
pub(super) fn banned_rights(chat: &Chat) -> enums::ChatBannedRights {
    stored(&chat.banned_rights).unwrap_or_else(|| tl_blank::chat_banned_rights(i32::MAX).into())
}

/// A group's members, as a member sees them; to others they are forbidden.
pub(super) fn participants(context: &Context<'_>, viewer: i64, chat: &Chat) -> Answer<enums::ChatParticipants> {
    let members = chats::members(context.db, chat.id)?;
    if !members.iter().any(|member| member.user == viewer) {
        return Ok(types::ChatParticipantsForbidden { chat_id: chat.id, self_participant: None }.into());
    }
    let participants = members.iter().map(|member| participant(chat, member)).collect();
    Ok(types::ChatParticipants { chat_id: chat.id, participants, version: chat.version }.into())
}

/// A group's member, the same to all.
pub(super) fn participant(chat: &Chat, member: &Member) -> enums::ChatParticipant {
    let (user_id, inviter_id, date, rank) = (member.user, member.inviter, member.date, None);
    if chat.creator == user_id {
        types::ChatParticipantCreator { user_id, rank }.into()
    } else if member.admin {
        types::ChatParticipantAdmin { user_id, inviter_id, date, rank }.into()
    } else {
        types::ChatParticipant { user_id, inviter_id, date, rank }.into()
    }
}

/// A message, as its owner sees it.
pub(super) fn message(message: &Message) -> enums::Message {
    let content = &message.content;
    let from_id = (!content.post).then(|| types::PeerUser { user_id: content.sender }.into());
    if let Some(mut action) = stored(&content.action) {
        files::refresh_action(&mut action);
        let mut tl =
            tl_blank::message_service(message.id, to_tl(message.peer), content.date, enums::MessageAction::Empty);
        tl.out = message.outgoing();
        tl.from_id = from_id;
        tl.post = content.post;
        tl.action = action;
        return tl.into();
    }
    let mut tl = tl_blank::message(message.id, to_tl(message.peer), content.date, content.text.clone());
    tl.out = message.outgoing();
    tl.mentioned = message.mentioned;
    tl.silent = content.silent;
    tl.from_id = from_id;
    tl.fwd_from = stored(&content.forward);
    tl.reply_to = reply_header(message.reply_to, content.topic, stored(&content.quote));
    tl.entities = stored(&content.entities);
    tl.media = stored(&content.media);
    tl.media.iter_mut().for_each(files::refresh);
    tl.grouped_id = content.grouped;
    tl.reply_markup = stored(&content.markup);
    tl.edit_date = content.edit_date;
    tl.post = content.post;
    tl.post_author = content.author.clone();
    tl.views = content.post.then_some(content.views);
    tl.forwards = content.post.then_some(content.forwards);
    tl.into()
}

/// A message in a topic that answers no other answers the one that began the topic.
fn reply_header(
    id: Option<i32>,
    topic: Option<i32>,
    quote: Option<enums::MessageReplyHeader>,
) -> Option<enums::MessageReplyHeader> {
    let replied = id.or(topic)?;
    let mut header = match quote {
        Some(enums::MessageReplyHeader::Header(header)) => header,
        _ => tl_blank::message_reply_header(),
    };
    header.reply_to_msg_id = Some(replied);
    header.forum_topic = topic.is_some();
    header.reply_to_top_id = topic.filter(|_| id.is_some());
    Some(header.into())
}

/// The topic that an answer to this message lies in, if it is none in "General".
pub(in crate::api) fn topic_of(message: &Message) -> Option<i32> {
    let action = stored::<enums::MessageAction>(&message.content.action);
    match action {
        Some(enums::MessageAction::TopicCreate(_)) => Some(message.id),
        _ => message.content.topic,
    }
}

/// A dialog of the caller's.
pub(super) fn dialog(context: &Context<'_>, dialog: &Dialog) -> Answer<enums::Dialog> {
    let pts = match dialog.peer {
        Peer::Channel(_) => Some(log::pts(context.db, dialog.peer.code())?),
        _ => None,
    };
    let tl = types::Dialog {
        pinned: dialog.pinned > 0,
        unread_mark: dialog.marked_unread,
        view_forum_as_messages: false,
        peer: to_tl(dialog.peer),
        top_message: dialog.top_message,
        read_inbox_max_id: dialog.read_inbox,
        read_outbox_max_id: dialog.read_outbox,
        unread_count: dialog.unread,
        unread_mentions_count: 0,
        unread_reactions_count: 0,
        unread_poll_votes_count: 0,
        notify_settings: notify_settings(Some(dialog)),
        pts,
        draft: stored(&dialog.draft),
        folder_id: None,
        ttl_period: None,
    };
    Ok(tl.into())
}

/// Dialogs of the caller's with their top messages, and whom both name.
pub(super) fn dialogs(
    context: &Context<'_>,
    stored: &[Dialog],
) -> Answer<(Vec<enums::Dialog>, Vec<enums::Message>, Peers)> {
    let mut tops = Vec::new();
    for dialog in stored {
        if let Some(top) = history::find(context.db, context.me, dialog.peer, dialog.top_message)? {
            tops.push(message(&top));
        }
    }
    let mut peers = Peers::of_messages(&tops);
    stored.iter().for_each(|dialog| peers.add(dialog.peer));
    let dialogs = stored.iter().map(|one| dialog(context, one)).collect::<Answer<_>>()?;
    Ok((dialogs, tops, peers))
}

/// The dialog's notification settings; without any set, the defaults.
pub(super) fn notify_settings(dialog: Option<&Dialog>) -> enums::PeerNotifySettings {
    dialog.and_then(|dialog| stored(&dialog.notify)).unwrap_or_else(|| tl_blank::peer_notify_settings().into())
}

/// The caller's state of updates: <https://core.telegram.org/constructor/updates.state>.
pub(super) fn state(context: &Context<'_>, pts: i32, qts: i32) -> Answer<enums::updates::State> {
    let unread_count = dialogs::unread_total(context.db, context.me)?;
    Ok(types::updates::State { pts, qts, date: context.now, seq: 0, unread_count }.into())
}

/// The caller's qts now: a bot has one, of a human each key.
pub(super) fn qts_now(context: &Context<'_>) -> Answer<i32> {
    Ok(if context.bot {
        qts::now(context.db, context.me)?
    } else {
        stored_secret_chats::qts(context.db, context.caller.auth_key_id)?
    })
}

/// The caller's state of updates now.
pub(super) fn state_now(context: &Context<'_>) -> Answer<enums::updates::State> {
    state(context, log::pts(context.db, context.me)?, qts_now(context)?)
}

/// What a chat with this user shows above its messages.
pub(super) fn peer_settings(context: &Context<'_>, peer: Peer) -> Answer<enums::PeerSettings> {
    let mut settings = tl_blank::peer_settings();
    if let Peer::User(id) = peer {
        let stranger = id != context.me && contacts::find(context.db, context.me, id)?.is_none();
        let bot = users::find(context.db, id)?.is_some_and(|user| user.bot);
        settings.add_contact = stranger && !bot;
        settings.block_contact = settings.add_contact;
    }
    Ok(settings.into())
}

/// Messages and the users and chats they name.
pub(super) type MessagesAndPeers = (Vec<enums::Message>, Vec<enums::User>, Vec<enums::Chat>);

/// All of a page of messages and whom they name.
pub(super) fn messages_and_peers(context: &Context<'_>, page: &[Message]) -> Answer<MessagesAndPeers> {
    let messages: Vec<_> = page.iter().map(message).collect();
    let (users, chats) = Peers::of_messages(&messages).render(context, context.me)?;
    Ok((messages, users, chats))
}
