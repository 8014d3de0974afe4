//! What one update does to the store and the inbox.
//!
//! Invariant: only a message that is new to the account and a peer that changed become events. Edits, deletions, read
//! marks and who is online change what look-ups give; typing does nothing. Channels are as groups are.

use grammers_tl_types as tl;
use store::{Batch, StoreError};
use tgl::{Event, MessageId, PeerId, PeerKind};
use tl::enums;

use super::{beside, messages, peers};

/// The server's ids for messages of ours, by their random ids.
pub(crate) type SentIds = Vec<(i64, i32)>;

/// Applies an update whose turn it is.
pub(crate) fn apply(
    batch: &mut Batch<'_>,
    our_id: i64,
    update: &enums::Update,
    sent_ids: &mut SentIds,
) -> Result<(), StoreError> {
    use enums::Update as U;
    match update {
        U::NewMessage(u) => new_message(batch, our_id, &u.message),
        U::NewChannelMessage(u) => new_message(batch, our_id, &u.message),
        U::EditMessage(u) => keep_message(batch, our_id, &u.message),
        U::EditChannelMessage(u) => keep_message(batch, our_id, &u.message),
        U::DeleteMessages(u) => {
            let ids: Vec<MessageId> = u.messages.iter().map(|id| i64::from(*id)).collect();
            batch.delete_messages(&ids)
        }
        U::DeleteChannelMessages(u) => {
            let chat = PeerId::channel(u.channel_id);
            let ids: Vec<_> = u.messages.iter().map(|id| batch.message_id(chat, *id)).collect::<Result<_, _>>()?;
            batch.delete_messages(&ids)
        }
        U::MessageId(u) => {
            sent_ids.push((u.random_id, u.id));
            // It has got there, whether or not its answer comes.
            batch.complete_call(u.random_id)
        }
        U::ReadHistoryInbox(u) => mark_read(batch, peers::peer_id(&u.peer), false, u.max_id.into()),
        U::ReadHistoryOutbox(u) => mark_read(batch, peers::peer_id(&u.peer), true, u.max_id.into()),
        U::ReadChannelInbox(u) => mark_channel_read(batch, u.channel_id, false, u.max_id),
        U::ReadChannelOutbox(u) => mark_channel_read(batch, u.channel_id, true, u.max_id),
        U::UserStatus(u) => peers::change_user(batch, u.user_id, |user| user.status = peers::user_status(&u.status)),
        U::UserName(u) => peers::change_user(batch, u.user_id, |user| {
            user.first_name = peers::filled(&Some(u.first_name.clone()));
            user.last_name = peers::filled(&Some(u.last_name.clone()));
            user.username = peers::active_username(Some(&u.usernames));
        }),
        U::UserPhone(u) => {
            peers::change_user(batch, u.user_id, |user| user.phone = peers::filled(&Some(u.phone.clone())))
        }
        U::ChatParticipants(u) => see_members(batch, &u.participants),
        U::ChatParticipantAdd(u) => {
            peers::change_members(batch, PeerId::chat(u.chat_id), |members| add(members, &[u.user_id]))
        }
        U::ChatParticipantDelete(u) => remove(batch, PeerId::chat(u.chat_id), u.user_id),
        U::ChannelParticipant(u) => {
            let is_member = u.new_participant.as_ref().is_some_and(peers::is_member);
            let chat = PeerId::channel(u.channel_id);
            if is_member { add_if_known(batch, chat, &[u.user_id]) } else { remove(batch, chat, u.user_id) }
        }
        _ => Ok(()),
    }
}

/// The channels among those that changed that we are not in any more: nothing more of them is taken.
pub(crate) fn leave_channels(batch: &mut Batch<'_>, updates: &[enums::Update]) -> Result<Vec<i64>, StoreError> {
    let mut left = Vec::new();
    for update in updates {
        let enums::Update::Channel(changed) = update else { continue };
        let record = batch.peer_record(PeerId::channel(changed.channel_id))?;
        if record.is_some_and(|record| record.facts.is_left) {
            batch.set_channel_pts(changed.channel_id, None)?;
            left.push(changed.channel_id);
        }
    }
    Ok(left)
}

/// Keeps the members of a basic group.
pub(crate) fn see_members(batch: &mut Batch<'_>, participants: &enums::ChatParticipants) -> Result<(), StoreError> {
    let Some(members) = peers::member_ids(participants) else { return Ok(()) };
    let enums::ChatParticipants::Participants(list) = participants else { return Ok(()) };
    peers::change_members(batch, PeerId::chat(list.chat_id), |known| *known = members)
}

/// Notes how far a conversation has been read.
pub(crate) fn mark_read(
    batch: &mut Batch<'_>,
    chat: PeerId,
    outgoing: bool,
    id_max: MessageId,
) -> Result<(), StoreError> {
    batch.mark_read(chat, outgoing, id_max)?;
    peers::change_facts(batch, chat, |facts| {
        let mark = if outgoing { &mut facts.read_out_max } else { &mut facts.read_in_max };
        *mark = id_max.max(*mark);
    })
}

fn mark_channel_read(
    batch: &mut Batch<'_>,
    channel_id: i64,
    outgoing: bool,
    server_id_max: i32,
) -> Result<(), StoreError> {
    let chat = PeerId::channel(channel_id);
    let id_max = batch.message_id(chat, server_id_max)?;
    mark_read(batch, chat, outgoing, id_max)
}

fn new_message(batch: &mut Batch<'_>, our_id: i64, message: &enums::Message) -> Result<(), StoreError> {
    see_service(batch, message)?;
    let Some((chat, seen)) = messages::message(batch, our_id, message)? else { return Ok(()) };
    if batch.push_event(Some(&format!("m{}", seen.id)), &Event::Message(seen.clone()))? {
        batch.put_message(chat, &seen)?;
        beside::keep(batch, seen.id, message)?;
    }
    if chat.kind != PeerKind::Channel {
        return Ok(());
    }
    batch.note_channel_top(chat.id, message.id())?;
    match seen.source {
        Some(source) if source.kind == PeerKind::User => peers::note_met(batch, source, seen.id),
        _ => Ok(()),
    }
}

/// Keeps a message without telling scripts.
pub(crate) fn keep_message(batch: &mut Batch<'_>, our_id: i64, message: &enums::Message) -> Result<(), StoreError> {
    match messages::message(batch, our_id, message)? {
        Some((chat, seen)) => {
            batch.put_message(chat, &seen)?;
            beside::keep(batch, seen.id, message)
        }
        None => Ok(()),
    }
}

/// What a service message says about its group: its members, where they are known, and whether it has moved.
fn see_service(batch: &mut Batch<'_>, message: &enums::Message) -> Result<(), StoreError> {
    use enums::MessageAction as Action;
    let enums::Message::Service(message) = message else { return Ok(()) };
    let chat = peers::peer_id(&message.peer_id);
    if !matches!(chat.kind, PeerKind::Chat | PeerKind::Channel) {
        return Ok(());
    }
    let from = message.from_id.as_ref().map(peers::peer_id).map(|from| from.id);
    match &message.action {
        Action::ChatCreate(created) => peers::change_members(batch, chat, |members| {
            add(members, &created.users);
            add(members, from.as_slice());
        }),
        Action::ChatAddUser(added) => add_if_known(batch, chat, &added.users),
        Action::ChatJoinedByLink(_) | Action::ChatJoinedByRequest => add_if_known(batch, chat, from.as_slice()),
        Action::ChatDeleteUser(gone) => remove(batch, chat, gone.user_id),
        Action::ChatMigrateTo(moved) => {
            peers::change_facts(batch, chat, |facts| facts.migrated_to = Some(moved.channel_id))
        }
        _ => Ok(()),
    }
}

/// A list with some of the members only would be worse than none.
fn add_if_known(batch: &mut Batch<'_>, chat: PeerId, users: &[i64]) -> Result<(), StoreError> {
    peers::change_members(batch, chat, |members| {
        if !members.is_empty() {
            add(members, users);
        }
    })
}

fn remove(batch: &mut Batch<'_>, chat: PeerId, user_id: i64) -> Result<(), StoreError> {
    peers::change_members(batch, chat, |members| members.retain(|member| *member != user_id))
}

fn add(members: &mut Vec<i64>, users: &[i64]) {
    for user in users {
        if !members.contains(user) {
            members.push(*user);
        }
    }
}
