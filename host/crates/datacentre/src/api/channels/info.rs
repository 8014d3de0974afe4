//! What channels are.
//!
//! Invariant: nothing here changes anything.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use crate::api::access::Access;
use crate::api::context::Context;
use crate::api::error::{Answer, bad_request};
use crate::api::limits::NAMED_MAX;
use crate::api::view::{self, Peers};
use crate::api::{invites, named, users};
use crate::model::members::{self, Kind};
use crate::model::{Peer, dialogs, log, users as stored_users};

/// How many bots of a supergroup are told of.
const BOTS_MAX: i64 = 20;
/// How many of a channel's members are looked at to count those online.
const ONLINES_MAX: i64 = 1000;

/// channels.getChannels: <https://core.telegram.org/method/channels.getChannels>.
pub(in crate::api) fn get_channels(
    context: &mut Context<'_>,
    call: functions::channels::GetChannels,
) -> Answer<enums::messages::Chats> {
    let mut chats = Vec::new();
    for input in call.id.iter().take(NAMED_MAX) {
        let enums::InputChannel::Channel(named) = input else { return Err(bad_request("CHANNEL_INVALID")) };
        let known = named.access_hash == context.model.channel_access_hash(context.me, named.channel_id)
            || (context.bot && members::find(context.db, named.channel_id, context.me)?.is_some());
        if !known {
            return Err(bad_request("CHANNEL_INVALID"));
        }
        // Who left or was banned is told that the channel is forbidden.
        chats.push(view::channels::channel(context, context.me, named.channel_id)?);
    }
    Ok(types::messages::Chats { chats }.into())
}

/// channels.getFullChannel: <https://core.telegram.org/method/channels.getFullChannel>.
pub(in crate::api) fn get_full_channel(
    context: &mut Context<'_>,
    call: functions::channels::GetFullChannel,
) -> Answer<enums::messages::ChatFull> {
    let access = named::channel(context, &call.channel)?;
    let id = access.channel.id;
    let mut people = Peers::default().with(access.channel.peer());
    let mut bots = Vec::new();
    for bot in members::page(context.db, id, Kind::Bots, "", 0, BOTS_MAX)?.0 {
        bots.push(users::bot_info(context, bot.user)?);
        people.add(Peer::User(bot.user));
    }
    let mut full = full(context, &access, bots)?;
    if let Some(chat) = full.migrated_from_chat_id {
        people.add(Peer::Chat(chat));
    }
    if access.has(|rights| rights.invite_users) {
        let (pending, recent) = invites::pending(context, access.channel.peer())?;
        full.requests_pending = (pending > 0).then_some(pending);
        full.recent_requesters = (pending > 0).then_some(recent.clone());
        full.exported_invite = invites::main_link(context, access.channel.peer())?;
        people = people.with_users(recent);
    }
    let (users, chats) = people.render(context, context.me)?;
    Ok(types::messages::ChatFull { full_chat: full.into(), chats, users }.into())
}

/// How many members of a channel are online.
pub(in crate::api) fn onlines(context: &Context<'_>, id: i64) -> Answer<i32> {
    let mut onlines = 0;
    for member in members::page(context.db, id, Kind::Recent, "", 0, ONLINES_MAX)?.0 {
        let online = stored_users::find(context.db, member.user)?.is_some_and(|user| user.online_until > context.now);
        onlines += i32::from(online);
    }
    Ok(onlines)
}

fn full(context: &Context<'_>, access: &Access, bots: Vec<enums::BotInfo>) -> Answer<types::ChannelFull> {
    let channel = &access.channel;
    let peer = channel.peer();
    let stored = dialogs::find(context.db, context.me, peer)?;
    let dialog = stored.clone().unwrap_or_else(|| dialogs::Dialog::empty(peer));
    let photo = view::files::full_photo_or_empty(context, peer)?;
    let settings = view::notify_settings(stored.as_ref());
    let pts = log::pts(context.db, channel.code())?;
    let mut full = tl_blank::channel_full(
        channel.id,
        channel.about.clone(),
        dialog.read_inbox,
        dialog.read_outbox,
        dialog.unread,
        photo,
        settings,
        bots,
        pts,
    );
    full.can_view_participants = !channel.broadcast || access.admin_rights().is_some();
    full.can_set_username = access.is_creator();
    full.can_delete_channel = access.is_creator();
    full.participants_count = Some(channel.members);
    if access.admin_rights().is_some() {
        let count = |kind| Ok::<_, rusqlite::Error>(members::page(context.db, channel.id, kind, "", 0, 0)?.1);
        full.admins_count = Some(count(Kind::Admins)?);
        full.kicked_count = Some(count(Kind::Banned)?);
        full.banned_count = Some(count(Kind::Restricted)?);
    }
    full.online_count = if channel.broadcast { None } else { Some(onlines(context, channel.id)?) };
    full.available_min_id = access.member.as_ref().map(|member| member.available_min).filter(|id| *id > 0);
    if let Some(chat) = channel.migrated_from {
        let last = dialogs::find(context.db, context.me, Peer::Chat(chat))?.map(|dialog| dialog.top_message);
        full.migrated_from_chat_id = last.map(|_| chat);
        full.migrated_from_max_id = last;
    }
    Ok(full)
}
