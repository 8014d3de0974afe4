//! What one update does to the store and the inbox.
//!
//! Invariant: only a message that is new to the account and a peer that changed become events. Edits, deletions, read
//! marks and who is online change what look-ups give; typing does nothing.

use grammers_tl_types as tl;
use store::{Batch, StoreError};
use tgl::{Event, MessageId, PeerId};
use tl::enums;

use super::{media, messages, peers};

/// Ids that messages of ours have got.
pub(crate) type SentIds = Vec<(i64, MessageId)>;

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
        U::EditMessage(u) => keep_message(batch, our_id, &u.message),
        U::DeleteMessages(u) => {
            let ids: Vec<MessageId> = u.messages.iter().map(|id| i64::from(*id)).collect();
            batch.delete_messages(&ids)
        }
        U::MessageId(u) => {
            sent_ids.push((u.random_id, u.id.into()));
            Ok(())
        }
        U::ReadHistoryInbox(u) => mark_read(batch, peers::peer_id(&u.peer), false, u.max_id.into()),
        U::ReadHistoryOutbox(u) => mark_read(batch, peers::peer_id(&u.peer), true, u.max_id.into()),
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
        U::ChatParticipantAdd(u) => peers::change_members(batch, u.chat_id, |members| add(members, &[u.user_id])),
        U::ChatParticipantDelete(u) => {
            peers::change_members(batch, u.chat_id, |members| members.retain(|id| *id != u.user_id))
        }
        U::NewChannelMessage(_) | U::EditChannelMessage(_) | U::DeleteChannelMessages(_) => {
            tracing::debug!("an update of a channel is passed by");
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Keeps the members of a basic group.
pub(crate) fn see_members(batch: &mut Batch<'_>, participants: &enums::ChatParticipants) -> Result<(), StoreError> {
    let Some(members) = peers::member_ids(participants) else { return Ok(()) };
    let enums::ChatParticipants::Participants(list) = participants else { return Ok(()) };
    peers::change_members(batch, list.chat_id, |known| *known = members)
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

fn new_message(batch: &mut Batch<'_>, our_id: i64, message: &enums::Message) -> Result<(), StoreError> {
    see_service(batch, message)?;
    let Some((chat, seen)) = messages::message(batch, our_id, message)? else { return Ok(()) };
    if batch.push_event(Some(&format!("m{}", seen.id)), &Event::Message(seen.clone()))? {
        batch.put_message(chat, &seen)?;
        media::keep(batch, seen.id, message)?;
    }
    Ok(())
}

/// Keeps a message without telling scripts.
pub(crate) fn keep_message(batch: &mut Batch<'_>, our_id: i64, message: &enums::Message) -> Result<(), StoreError> {
    match messages::message(batch, our_id, message)? {
        Some((chat, seen)) => {
            batch.put_message(chat, &seen)?;
            media::keep(batch, seen.id, message)
        }
        None => Ok(()),
    }
}

/// What a service message says about its group's members, where they are known.
fn see_service(batch: &mut Batch<'_>, message: &enums::Message) -> Result<(), StoreError> {
    use enums::MessageAction as Action;
    let enums::Message::Service(message) = message else { return Ok(()) };
    let PeerId { kind: tgl::PeerKind::Chat, id } = peers::peer_id(&message.peer_id) else { return Ok(()) };
    let from = message.from_id.as_ref().map(peers::peer_id).map(|from| from.id);
    match &message.action {
        Action::ChatCreate(created) => peers::change_members(batch, id, |members| {
            add(members, &created.users);
            add(members, from.as_slice());
        }),
        Action::ChatAddUser(added) => add_if_known(batch, id, &added.users),
        Action::ChatJoinedByLink(_) => add_if_known(batch, id, from.as_slice()),
        Action::ChatDeleteUser(gone) => {
            peers::change_members(batch, id, |members| members.retain(|member| *member != gone.user_id))
        }
        _ => Ok(()),
    }
}

/// A list with some of the members only would be worse than none.
fn add_if_known(batch: &mut Batch<'_>, chat_id: i64, users: &[i64]) -> Result<(), StoreError> {
    peers::change_members(batch, chat_id, |members| {
        if !members.is_empty() {
            add(members, users);
        }
    })
}

fn add(members: &mut Vec<i64>, users: &[i64]) {
    for user in users {
        if !members.contains(user) {
            members.push(*user);
        }
    }
}
