//! Who is in a channel, coming and going.
//!
//! Invariant: whoever comes in has room, passes every ban and gets the channel among their dialogs; whoever goes loses it.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use crate::api::access::{self, Access, willing};
use crate::api::context::Context;
use crate::api::error::{Answer, bad_request, forbidden};
use crate::api::limits::{CHANNEL_MEMBERS_MAX, CHANNELS_MAX, NAMED_MAX};
use crate::api::named;
use crate::api::post::{self, Sent};
use crate::api::standing::Change;
use crate::api::view::{self, Peers};
use crate::model::channels::Channel;
use crate::model::invites::{self, Invite};
use crate::model::members::{self, Kind, Member};
use crate::model::{Peer, contacts, dialogs};

/// The most members of one page.
const PAGE_MAX: i64 = 200;

/// channels.getParticipants: <https://core.telegram.org/method/channels.getParticipants>.
pub(in crate::api) fn get_participants(
    context: &mut Context<'_>,
    call: functions::channels::GetParticipants,
) -> Answer<enums::channels::ChannelParticipants> {
    use enums::ChannelParticipantsFilter as Filter;
    let access = named::channel(context, &call.channel)?;
    let everyone = |query| (Kind::Recent, query);
    let (kind, query) = match &call.filter {
        Filter::ChannelParticipantsRecent => everyone(""),
        Filter::ChannelParticipantsSearch(filter) => everyone(filter.q.as_str()),
        Filter::ChannelParticipantsContacts(filter) => everyone(filter.q.as_str()),
        Filter::ChannelParticipantsMentions(filter) => everyone(filter.q.as_deref().unwrap_or("")),
        Filter::ChannelParticipantsAdmins => (Kind::Admins, ""),
        Filter::ChannelParticipantsBots => (Kind::Bots, ""),
        Filter::ChannelParticipantsKicked(filter) => (Kind::Banned, filter.q.as_str()),
        Filter::ChannelParticipantsBanned(filter) => (Kind::Restricted, filter.q.as_str()),
    };
    let for_admins = access.channel.broadcast || matches!(kind, Kind::Banned | Kind::Restricted);
    if for_admins && access.admin_rights().is_none() {
        return Err(bad_request("CHAT_ADMIN_REQUIRED"));
    }
    let (offset, limit) = (i64::from(call.offset).max(0), i64::from(call.limit).clamp(0, PAGE_MAX));
    let (mut page, mut count) = members::page(context.db, access.channel.id, kind, query.trim(), offset, limit)?;
    if let Filter::ChannelParticipantsContacts(_) = call.filter {
        let mut known = Vec::new();
        for member in page {
            if contacts::find(context.db, context.me, member.user)?.is_some() {
                known.push(member);
            }
        }
        count = i32::try_from(known.len()).unwrap_or(i32::MAX);
        page = known;
    }
    let people = page.iter().map(|member| member.user);
    let (users, chats) = Peers::default().with(access.channel.peer()).with_users(people).render(context, context.me)?;
    let participants = page.iter().map(|member| view::channels::participant(&access, member)).collect();
    Ok(types::channels::ChannelParticipants { count, participants, chats, users }.into())
}

/// channels.getParticipant: <https://core.telegram.org/method/channels.getParticipant>.
pub(in crate::api) fn get_participant(
    context: &mut Context<'_>,
    call: functions::channels::GetParticipant,
) -> Answer<enums::channels::ChannelParticipant> {
    let access = named::channel(context, &call.channel)?;
    let user = participant(context, &call.participant)?;
    if user != context.me && access.channel.broadcast && access.admin_rights().is_none() {
        return Err(bad_request("CHAT_ADMIN_REQUIRED"));
    }
    let member = members::find(context.db, access.channel.id, user)?;
    let member = member.filter(Member::is_shown).ok_or_else(|| bad_request("USER_NOT_PARTICIPANT"))?;
    let people = Peers::default().with(access.channel.peer()).with_user(user);
    let (users, chats) = people.render(context, context.me)?;
    let participant = view::channels::participant(&access, &member);
    Ok(types::channels::ChannelParticipant { participant, chats, users }.into())
}

/// channels.inviteToChannel: <https://core.telegram.org/method/channels.inviteToChannel>. Who is in already is passed over.
pub(in crate::api) fn invite_to_channel(
    context: &mut Context<'_>,
    call: functions::channels::InviteToChannel,
) -> Answer<enums::messages::InvitedUsers> {
    let access = named::channel(context, &call.channel)?;
    access.require_unless_free(|rights| rights.invite_users, |banned| banned.invite_users)?;
    if call.users.len() > NAMED_MAX {
        return Err(bad_request("USERS_TOO_MUCH"));
    }
    let mut users = call.users.iter().map(|user| named::user(context, user)).collect::<Answer<Vec<_>>>()?;
    users.sort_by_key(|user| user.id);
    users.dedup_by_key(|user| user.id);
    if access.channel.broadcast && users.iter().any(|user| user.bot) {
        return Err(bad_request("USER_BOT"));
    }
    let (users, missing_invitees) = willing(context, users)?;
    let mut came = Vec::new();
    for user in users {
        if let_in(context, &access, user.id)? {
            came.push(user.id);
        }
    }
    let sent = if came.is_empty() || access.channel.broadcast {
        None
    } else {
        let action = types::MessageActionChatAddUser { users: came }.into();
        Some(post::channels::action(context, &access.channel, action, None)?)
    };
    let updates = post::channels::answer(context, &access.channel, sent.as_ref())?;
    Ok(types::messages::InvitedUsers { updates, missing_invitees }.into())
}

/// channels.joinChannel: <https://core.telegram.org/method/channels.joinChannel>.
pub(in crate::api) fn join_channel(
    context: &mut Context<'_>,
    call: functions::channels::JoinChannel,
) -> Answer<enums::messages::ChatInviteJoinResult> {
    let access = named::channel(context, &call.channel)?;
    if access.is_member() {
        return Err(bad_request("USER_ALREADY_PARTICIPANT"));
    }
    admit(context, &access.channel, context.me, context.me, false, None)?;
    let action = types::MessageActionChatAddUser { users: vec![context.me] }.into();
    let sent = announce(context, &access.channel, action, None)?;
    let updates = post::channels::answer(context, &access.channel, sent.as_ref())?;
    Ok(types::messages::ChatInviteJoinResultOk { updates }.into())
}

/// channels.leaveChannel: <https://core.telegram.org/method/channels.leaveChannel>.
pub(in crate::api) fn leave_channel(
    context: &mut Context<'_>,
    call: functions::channels::LeaveChannel,
) -> Answer<enums::Updates> {
    let access = named::channel(context, &call.channel)?;
    if !access.is_member() {
        return Err(bad_request("USER_NOT_PARTICIPANT"));
    }
    if access.is_creator() {
        return Err(bad_request("USER_CREATOR"));
    }
    let change = Change::in_channel(context, access.channel.id, context.me)?;
    members::leave(context.db, access.channel.id, context.me)?;
    dialogs::remove(context.db, context.me, access.channel.peer())?;
    announce(context, &access.channel, types::MessageActionChatDeleteUser { user_id: context.me }.into(), None)?;
    post::channels::tell_changed(context, &access.channel, context.me)?;
    change.tell(context, None)?;
    post::channels::answer(context, &access.channel, None)
}

/// Makes someone a member, by a link or without, if there is room, and shows them the channel.
pub(in crate::api) fn admit(
    context: &mut Context<'_>,
    channel: &Channel,
    user: i64,
    inviter: i64,
    via_request: bool,
    invite: Option<&Invite>,
) -> Answer<()> {
    if channel.members >= CHANNEL_MEMBERS_MAX {
        return Err(bad_request("USERS_TOO_MUCH"));
    }
    if members::channel_count(context.db, user)? >= CHANNELS_MAX {
        let own = user == context.me;
        return Err(if own { bad_request("CHANNELS_TOO_MUCH") } else { forbidden("USER_CHANNELS_TOO_MUCH") });
    }
    let change = Change::in_channel(context, channel.id, user)?;
    members::add(context.db, channel.id, user, inviter, via_request)?;
    invites::take_request(context.db, channel.peer(), user)?;
    dialogs::open_channel(context.db, user, channel.peer())?;
    if user == context.me {
        post::channels::tell_joined(context, channel)?;
    } else {
        post::channels::tell_changed(context, channel, user)?;
    }
    change.tell(context, invite)
}

/// Brings someone in for the caller; false if they are in already.
pub(super) fn let_in(context: &mut Context<'_>, access: &Access, user: i64) -> Answer<bool> {
    let them = access::of_user(context, access.channel.id, user)?.ok_or_else(|| bad_request("CHANNEL_INVALID"))?;
    if them.is_member() {
        return Ok(false);
    }
    if them.is_banned() && !access.has(|rights| rights.ban_users) {
        return Err(bad_request("USER_KICKED"));
    }
    admit(context, &them.channel, user, context.me, false, None)?;
    Ok(true)
}

/// Says in a supergroup that someone came or went; a broadcast channel keeps it to itself.
pub(in crate::api) fn announce(
    context: &mut Context<'_>,
    channel: &Channel,
    action: enums::MessageAction,
    sender: Option<i64>,
) -> Answer<Option<Sent>> {
    if channel.broadcast { Ok(None) } else { post::channels::action(context, channel, action, sender).map(Some) }
}

/// The user a participant names: nobody else can be one here.
pub(super) fn participant(context: &Context<'_>, input: &enums::InputPeer) -> Answer<i64> {
    match named::peer(context, input) {
        Ok(Peer::User(user)) => Ok(user),
        _ => Err(bad_request("PARTICIPANT_ID_INVALID")),
    }
}
