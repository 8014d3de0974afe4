//! Making channels, and what their administrators change of them.
//!
//! Invariant: a channel's username is nobody else's, neither a user's nor another channel's.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use crate::api::access::Access;
use crate::api::context::Context;
use crate::api::error::{Answer, bad_request};
use crate::api::limits::CHANNELS_MAX;
use crate::api::names::{checked_about, checked_title, is_username, is_username_taken};
use crate::api::post::{self, Sent};
use crate::api::{named, view};
use crate::model::channels::{self, Channel, New};
use crate::model::{dialogs, members};

/// channels.createChannel: <https://core.telegram.org/method/channels.createChannel>.
pub(in crate::api) fn create_channel(
    context: &mut Context<'_>,
    call: functions::channels::CreateChannel,
) -> Answer<enums::Updates> {
    let title = checked_title(&call.title)?;
    let about = checked_about(&call.about);
    if call.broadcast == call.megagroup {
        return Err(bad_request("CHANNELS_TYPE_INVALID"));
    }
    let new = New {
        creator: context.me,
        title: &title,
        about: &about,
        broadcast: call.broadcast,
        banned_rights: &view::channels::new_banned_rights(),
        migrated_from: None,
    };
    let channel = found(context, &new)?;
    let action = types::MessageActionChannelCreate { title }.into();
    let sent = post::channels::action(context, &channel, action, None)?;
    post::channels::tell_changed(context, &channel, context.me)?;
    post::channels::answer(context, &channel, Some(&sent))
}

/// Makes a channel with the caller as its first member.
pub(super) fn found(context: &Context<'_>, new: &New<'_>) -> Answer<Channel> {
    let made_max = context.model.limits.chats_made_per_user_max;
    if members::channel_count(context.db, context.me)? >= CHANNELS_MAX
        || channels::made_count(context.db, context.me)? >= made_max
    {
        return Err(bad_request("CHANNELS_TOO_MUCH"));
    }
    let id = channels::insert(context.db, new)?;
    members::add(context.db, id, context.me, context.me, false)?;
    let channel = channels::find(context.db, id)?.ok_or_else(|| bad_request("CHANNEL_INVALID"))?;
    dialogs::open_channel(context.db, context.me, channel.peer())?;
    Ok(channel)
}

/// channels.editTitle: <https://core.telegram.org/method/channels.editTitle>.
pub(in crate::api) fn edit_title(
    context: &mut Context<'_>,
    call: functions::channels::EditTitle,
) -> Answer<enums::Updates> {
    let access = named::channel(context, &call.channel)?;
    access.require_unless_free(|rights| rights.change_info, |banned| banned.change_info)?;
    let title = checked_title(&call.title)?;
    if title == access.channel.title {
        return Err(bad_request("CHAT_NOT_MODIFIED"));
    }
    channels::set_title(context.db, access.channel.id, &title)?;
    let sent =
        post::channels::action(context, &access.channel, types::MessageActionChatEditTitle { title }.into(), None)?;
    changed(context, &access.channel, Some(&sent))
}

/// Changes a channel's description, for messages.editChatAbout.
pub(in crate::api) fn edit_about(context: &mut Context<'_>, id: i64, about: &str) -> Answer<bool> {
    let access = named::channel_of_caller(context, id)?;
    access.require_unless_free(|rights| rights.change_info, |banned| banned.change_info)?;
    if about == access.channel.about {
        return Err(bad_request("CHAT_ABOUT_NOT_MODIFIED"));
    }
    channels::set_about(context.db, id, about)?;
    post::channels::tell(context, &access.channel, &types::UpdateChannel { channel_id: id }.into())?;
    Ok(true)
}

/// channels.checkUsername: <https://core.telegram.org/method/channels.checkUsername>. The channel may be one still to be
/// made.
pub(in crate::api) fn check_username(
    context: &mut Context<'_>,
    call: functions::channels::CheckUsername,
) -> Answer<bool> {
    if call.channel != enums::InputChannel::Empty {
        named::channel(context, &call.channel)?.require_creator()?;
    }
    if !is_username(&call.username) {
        return Err(bad_request("USERNAME_INVALID"));
    }
    Ok(!is_username_taken(context, &call.username)?)
}

/// channels.updateUsername: <https://core.telegram.org/method/channels.updateUsername>. An empty one makes the channel
/// private.
pub(in crate::api) fn update_username(
    context: &mut Context<'_>,
    call: functions::channels::UpdateUsername,
) -> Answer<bool> {
    let access = named::channel(context, &call.channel)?;
    access.require_creator()?;
    let before = access.channel.username.as_deref();
    let username = Some(call.username.as_str()).filter(|name| !name.is_empty());
    if username == before {
        return Err(bad_request("USERNAME_NOT_MODIFIED"));
    }
    if let Some(name) = username {
        if !is_username(name) {
            return Err(bad_request("USERNAME_INVALID"));
        }
        let own = before.is_some_and(|before| before.eq_ignore_ascii_case(name));
        if !own && is_username_taken(context, name)? {
            return Err(bad_request("USERNAME_OCCUPIED"));
        }
    }
    channels::set_username(context.db, access.channel.id, username)?;
    changed(context, &access.channel, None)?;
    Ok(true)
}

/// channels.toggleSignatures: <https://core.telegram.org/method/channels.toggleSignatures>.
pub(in crate::api) fn toggle_signatures(
    context: &mut Context<'_>,
    call: functions::channels::ToggleSignatures,
) -> Answer<enums::Updates> {
    let access = named::channel(context, &call.channel)?;
    access.require(|rights| rights.change_info)?;
    if !access.channel.broadcast {
        return Err(bad_request("CHANNEL_INVALID"));
    }
    if access.channel.signatures == call.signatures_enabled {
        return Err(bad_request("CHAT_NOT_MODIFIED"));
    }
    channels::set_signatures(context.db, access.channel.id, call.signatures_enabled)?;
    changed(context, &access.channel, None)
}

/// channels.deleteChannel: <https://core.telegram.org/method/channels.deleteChannel>.
pub(in crate::api) fn delete_channel(
    context: &mut Context<'_>,
    call: functions::channels::DeleteChannel,
) -> Answer<enums::Updates> {
    let Access { channel, .. } = {
        let access = named::channel(context, &call.channel)?;
        access.require_creator()?;
        access
    };
    let members = members::ids(context.db, channel.id)?;
    channels::delete(context.db, &channel)?;
    for user in members {
        post::channels::tell_changed(context, &channel, user)?;
    }
    post::channels::answer(context, &channel, None)
}

/// Tells all members that the channel looks different now: the caller's answer.
fn changed(context: &mut Context<'_>, channel: &Channel, sent: Option<&Sent>) -> Answer<enums::Updates> {
    post::channels::tell(context, channel, &types::UpdateChannel { channel_id: channel.id }.into())?;
    post::channels::answer(context, channel, sent)
}
