//! Writing in a channel, and telling its members.
//!
//! Invariant: each change of a channel's messages grows its pts once, and all members are told with that pts.

use grammers_tl_types as tl;
use tl::{Serializable, enums, types};

use super::{Posting, Sent, new_message};
use crate::api::access::{self, Access};
use crate::api::context::Context;
use crate::api::error::{Answer, bad_request, forbidden};
use crate::api::limits::EDIT_TIME_S;
use crate::api::named;
use crate::api::view::{self, Peers};
use crate::model::channels::Channel;
use crate::model::log::Entry;
use crate::model::messages::{self, Content, Message};
use crate::model::{Peer, members, posts, users};

/// Sends a content into a channel.
pub(in crate::api) fn post(context: &mut Context<'_>, id: i64, posting: Posting<'_>) -> Answer<Sent> {
    let Posting { mut content, mentioned, sender, .. } = posting;
    let access = access::of_user(context, id, context.me)?.ok_or_else(|| bad_request("CHANNEL_INVALID"))?;
    let channel = &access.channel;
    content.sender = sender.unwrap_or(context.me);
    content.date = context.now;
    content.post = channel.broadcast;
    if channel.broadcast && channel.signatures && content.action.is_none() {
        content.author = users::find(context.db, content.sender)?.map(|user| user.name());
    }
    content.id = messages::insert_content(context.db, &content)?;
    if content.post && content.action.is_none() {
        content.views = posts::view(context.db, content.id, content.sender)?;
    }
    let mut spoken_to = mentioned.to_vec();
    if let Some(replied) = content.reply_to {
        spoken_to.extend(messages::sender(context.db, replied)?);
    }
    spoken_to.retain(|user| *user != content.sender && !channel.broadcast);
    let (message, pts) = posts::insert(context.db, channel, &content, &spoken_to)?;
    tell_of_message(context, channel, &message, &spoken_to, |message| new_message(message, pts))?;
    Ok(Sent { message, pts })
}

/// Posts a service message, by the caller or someone else.
pub(in crate::api) fn action(
    context: &mut Context<'_>,
    channel: &Channel,
    action: enums::MessageAction,
    sender: Option<i64>,
) -> Answer<Sent> {
    let content = Content { action: Some(action.to_bytes()), ..Content::default() };
    post(context, channel.id, Posting { sender, ..Posting::of(channel.peer(), content) })
}

/// Refuses an edit the caller may not make: <https://core.telegram.org/method/messages.editMessage>. In a broadcast channel
/// who may edit edits anyone's posts at any time.
pub(in crate::api) fn check_may_edit(context: &Context<'_>, id: i64, message: &Message) -> Answer<()> {
    let access = named::channel_of_caller(context, id)?;
    let broadcast = access.channel.broadcast;
    let any = broadcast && access.has(|rights| rights.edit_messages);
    let own = message.content.sender == context.me;
    if message.content.forward.is_some() || !(own || any) {
        return Err(forbidden("MESSAGE_AUTHOR_REQUIRED"));
    }
    if any {
        return Ok(());
    }
    access.check_may_write()?;
    let late = context.now.saturating_sub(message.content.date) > EDIT_TIME_S;
    if late && !context.bot { Err(bad_request("MESSAGE_EDIT_TIME_EXPIRED")) } else { Ok(()) }
}

/// Stores an edit and tells the members: the caller's answer.
pub(in crate::api) fn edit(
    context: &mut Context<'_>,
    id: i64,
    message: &Message,
    content: &Content,
) -> Answer<enums::Updates> {
    let Access { channel, .. } = named::channel_of_caller(context, id)?;
    messages::edit(context.db, content)?;
    let message = Message { content: content.clone(), ..message.clone() };
    let pts = posts::log(context.db, &channel, 1, |_| Entry::EditedMessage(message.id))?;
    let edited = |message: &Message| {
        enums::Update::from(types::UpdateEditChannelMessage { message: view::message(message), pts, pts_count: 1 })
    };
    let spoken_to = posts::mentioned(context.db, channel.id, message.id)?;
    tell_of_message(context, &channel, &message, &spoken_to, edited)?;
    let people = Peers::of_messages(&[view::message(&message)]);
    context.updates(context.me, vec![edited(&message)], &people)
}

/// Takes messages out of the channel and tells the members: the new pts and how much it grew.
pub(in crate::api) fn delete(context: &mut Context<'_>, channel: &Channel, ids: Vec<i32>) -> Answer<(i32, i32)> {
    let pts_count = i32::try_from(ids.len()).unwrap_or(i32::MAX);
    if ids.is_empty() {
        return Ok((crate::model::log::pts(context.db, channel.code())?, 0));
    }
    posts::remove(context.db, channel, &ids)?;
    let update = |pts| {
        let messages = ids.clone();
        enums::Update::from(types::UpdateDeleteChannelMessages { channel_id: channel.id, messages, pts, pts_count })
    };
    let pts = posts::log(context.db, channel, pts_count, |pts| Entry::Other(update(pts).to_bytes()))?;
    tell(context, channel, &update(pts))?;
    Ok((pts, pts_count))
}

/// Tells all members the same.
pub(in crate::api) fn tell(context: &mut Context<'_>, channel: &Channel, update: &enums::Update) -> Answer<()> {
    let people = Peers::default().with(channel.peer());
    for user in members::ids(context.db, channel.id)? {
        context.push(user, vec![update.clone()], &people)?;
    }
    Ok(())
}

/// Tells one user how the channel looks to them now.
pub(in crate::api) fn tell_changed(context: &mut Context<'_>, channel: &Channel, user: i64) -> Answer<()> {
    context.push(user, vec![changed(channel)], &Peers::default().with(channel.peer()))
}

/// Tells all of the caller's sessions how the channel looks now that they are in it: what says so in the answer to joining
/// is wrapped twice, and clients (Telethon, Pyrogram and its kin) do not find it there.
pub(in crate::api) fn tell_joined(context: &mut Context<'_>, channel: &Channel) -> Answer<()> {
    context.push_here_too(context.me, vec![changed(channel)], &Peers::default().with(channel.peer()))
}

/// The caller's answer to a change of the channel, with the service message that says it, if there is one.
pub(in crate::api) fn answer(context: &Context<'_>, channel: &Channel, sent: Option<&Sent>) -> Answer<enums::Updates> {
    let mut updates = vec![changed(channel)];
    let mut people = Peers::default().with(channel.peer());
    if let Some(sent) = sent {
        updates.push(sent.update());
        people.add_message(&view::message(&sent.message));
    }
    context.updates(context.me, updates, &people)
}

/// Tells members that someone types. In a broadcast channel nobody sees that.
pub(in crate::api) fn typing(context: &mut Context<'_>, id: i64, action: enums::SendMessageAction) -> Answer<()> {
    let Access { channel, .. } = named::channel_of_caller(context, id)?;
    if channel.broadcast {
        return Ok(());
    }
    let from_id = types::PeerUser { user_id: context.me }.into();
    let update =
        enums::Update::from(types::UpdateChannelUserTyping { channel_id: id, top_msg_id: None, from_id, action });
    for user in members::ids(context.db, id)? {
        if user != context.me {
            context.push_short(user, update.clone())?;
        }
    }
    Ok(())
}

fn changed(channel: &Channel) -> enums::Update {
    types::UpdateChannel { channel_id: channel.id }.into()
}

fn tell_of_message(
    context: &mut Context<'_>,
    channel: &Channel,
    message: &Message,
    mentioned: &[i64],
    update: impl Fn(&Message) -> enums::Update,
) -> Answer<()> {
    let people = Peers::of_messages(&[view::message(message)]).with(Peer::Channel(channel.id));
    for user in members::ids(context.db, channel.id)? {
        let seen = Message { owner: user, mentioned: mentioned.contains(&user), ..message.clone() };
        context.push(user, vec![update(&seen)], &people)?;
    }
    Ok(())
}
