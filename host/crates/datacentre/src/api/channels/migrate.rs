//! A basic group becomes a supergroup: <https://core.telegram.org/api/channel#migration>.
//!
//! Invariant: members, administrators, bans, links and requests are the supergroup's as they were the group's; the group
//! is over, and each side names the other.

use grammers_tl_types as tl;
use tl::{Serializable, enums, functions, types};

use super::manage;
use crate::api::context::Context;
use crate::api::error::{Answer, bad_request};
use crate::api::messages::chats::post_action;
use crate::api::view::{self, Peers};
use crate::api::{access, named, post};
use crate::model::channels::New;
use crate::model::{Peer, chats, dialogs, files, invites, members};

/// messages.migrateChat: <https://core.telegram.org/method/messages.migrateChat>.
pub(in crate::api) fn migrate_chat(
    context: &mut Context<'_>,
    call: functions::messages::MigrateChat,
) -> Answer<enums::Updates> {
    let chat = named::own_chat(context, call.chat_id)?;
    if chat.creator != context.me {
        return Err(bad_request("CHAT_ADMIN_REQUIRED"));
    }
    let banned_rights = chat.banned_rights.clone().unwrap_or_else(view::channels::new_banned_rights);
    let new = New {
        creator: context.me,
        title: &chat.title,
        about: &chat.about,
        broadcast: false,
        banned_rights: &banned_rights,
        migrated_from: Some(chat.id),
    };
    let channel = manage::found(context, &new)?;
    let mut admin_rights = access::all_rights(false);
    admin_rights.add_admins = false;
    let admin_rights = enums::ChatAdminRights::from(admin_rights).to_bytes();
    for member in chats::members(context.db, chat.id)?.into_iter().filter(|member| member.user != context.me) {
        members::add(context.db, channel.id, member.user, member.inviter, false)?;
        dialogs::open_channel(context.db, member.user, channel.peer())?;
        if member.admin {
            members::set_admin(context.db, channel.id, member.user, context.me, Some(&admin_rights), None)?;
        }
    }
    carry_bans(context, chat.id, channel.id)?;
    invites::migrate(context.db, Peer::Chat(chat.id), channel.peer())?;
    if let Some(photo) = files::profile_photo(context.db, Peer::Chat(chat.id).code())? {
        files::add_profile_photo(context.db, channel.code(), photo)?;
    }

    let moved_to = types::MessageActionChatMigrateTo { channel_id: channel.id }.into();
    let in_chat = post_action(context, chat.id, &moved_to)?;
    chats::migrate(context.db, chat.id, channel.id)?;
    let moved_from = types::MessageActionChannelMigrateFrom { title: chat.title.clone(), chat_id: chat.id }.into();
    let in_channel = post::channels::action(context, &channel, moved_from, None)?;
    for user in members::ids(context.db, channel.id)? {
        let update = types::UpdateChannel { channel_id: channel.id }.into();
        context.push(user, vec![update], &Peers::default().with(channel.peer()).with(Peer::Chat(chat.id)))?;
    }
    let messages = [view::message(&in_chat.message), view::message(&in_channel.message)];
    let people = Peers::of_messages(&messages).with(channel.peer());
    let changed = types::UpdateChannel { channel_id: channel.id }.into();
    context.updates(context.me, vec![changed, in_chat.update(), in_channel.update()], &people)
}

/// Whom the group removed the supergroup bans.
fn carry_bans(context: &Context<'_>, chat: i64, channel: i64) -> Answer<()> {
    let mut rights = tl_blank::chat_banned_rights(i32::MAX);
    rights.view_messages = true;
    let rights = enums::ChatBannedRights::from(rights).to_bytes();
    for user in chats::removed(context.db, chat)? {
        let ban = members::Ban { by: context.me, rights: &rights, until: 0, out: true };
        members::set_banned(context.db, channel, user, Some(ban))?;
    }
    Ok(())
}
