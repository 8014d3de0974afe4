//! Users and chats from the server into the store, and what is new about them into the inbox.
//!
//! Invariant: a peer that did not change makes no event and no write.

use grammers_tl_types as tl;
use store::{Batch, PeerFacts, PeerRecord, StoreError};
use tgl::{Changes, Event, Group, MessageId, Peer, PeerDetails, PeerId, PeerKind, User, UserStatus};
use tl::{enums, types};

/// Members of one group that are kept. Basic groups have at most 200.
pub(crate) const MEMBERS_MAX: usize = 1_000;

/// Keeps users and chats that came along with something else.
pub(crate) fn see(batch: &mut Batch<'_>, users: &[enums::User], chats: &[enums::Chat]) -> Result<(), StoreError> {
    users.iter().try_for_each(|user| see_user(batch, user).map(|_| ()))?;
    chats.iter().try_for_each(|chat| see_chat(batch, chat))
}

/// Keeps a user and gives it as scripts see it; none for an empty one.
pub(crate) fn see_user(batch: &mut Batch<'_>, user: &enums::User) -> Result<Option<Peer>, StoreError> {
    let enums::User::User(user) = user else { return Ok(None) };
    let old = batch.peer_record(PeerId::user(user.id))?;
    let new = user_record(user, old.as_ref());
    keep(batch, old, new).map(Some)
}

fn see_chat(batch: &mut Batch<'_>, chat: &enums::Chat) -> Result<(), StoreError> {
    let id = match chat {
        enums::Chat::Chat(chat) => PeerId::chat(chat.id),
        enums::Chat::Forbidden(chat) => PeerId::chat(chat.id),
        enums::Chat::Channel(chat) => PeerId::channel(chat.id),
        enums::Chat::ChannelForbidden(chat) => PeerId::channel(chat.id),
        _ => return Ok(()),
    };
    let old = batch.peer_record(id)?;
    match group_record(chat, old.as_ref()).or_else(|| channel_record(chat, old.as_ref())) {
        Some(new) => keep(batch, old, new).map(|_| ()),
        None => Ok(()),
    }
}

/// Changes a known user by hand, as updates that name one field do.
pub(crate) fn change_user(batch: &mut Batch<'_>, id: i64, change: impl FnOnce(&mut User)) -> Result<(), StoreError> {
    let Some(old) = batch.peer_record(PeerId::user(id))? else { return Ok(()) };
    let mut new = old.clone();
    if let PeerDetails::User(user) = &mut new.peer.details {
        change(user);
    }
    keep(batch, Some(old), new).map(|_| ())
}

/// Changes the members of a known group.
pub(crate) fn change_members(
    batch: &mut Batch<'_>,
    chat: PeerId,
    change: impl FnOnce(&mut Vec<i64>),
) -> Result<(), StoreError> {
    let Some(old) = batch.peer_record(chat)? else { return Ok(()) };
    let mut new = old.clone();
    if let PeerDetails::Chat(group) | PeerDetails::Channel(group) = &mut new.peer.details {
        change(&mut group.member_ids);
        group.member_ids.truncate(MEMBERS_MAX);
    }
    keep(batch, Some(old), new).map(|_| ())
}

/// We are not in the group any more, as far as we know it.
pub(crate) fn leave(batch: &mut Batch<'_>, chat: PeerId) -> Result<(), StoreError> {
    let Some(old) = batch.peer_record(chat)? else { return Ok(()) };
    let mut new = old.clone();
    (new.facts.is_left, new.facts.is_admin) = (true, false);
    keep(batch, Some(old), new).map(|_| ())
}

/// Notes a message by which the server knows whom we mean, where we have no access hash of its author:
/// <https://core.telegram.org/api/min>.
pub(crate) fn note_met(batch: &mut Batch<'_>, user: PeerId, message: MessageId) -> Result<(), StoreError> {
    match batch.peer_record(user)? {
        Some(record) if record.access_hash.is_none() => change_facts(batch, user, |facts| facts.met_in = Some(message)),
        _ => Ok(()),
    }
}

/// Changes what is known of a peer beyond what scripts see; no event.
pub(crate) fn change_facts(
    batch: &mut Batch<'_>,
    id: PeerId,
    change: impl FnOnce(&mut PeerFacts),
) -> Result<(), StoreError> {
    let Some(mut record) = batch.peer_record(id)? else { return Ok(()) };
    let before = record.facts.clone();
    change(&mut record.facts);
    if record.facts != before {
        batch.put_peer(&record)?;
    }
    Ok(())
}

/// The ids of a basic group's members; none where we may not see them.
pub(crate) fn member_ids(participants: &enums::ChatParticipants) -> Option<Vec<i64>> {
    let enums::ChatParticipants::Participants(list) = participants else { return None };
    let id = |member: &enums::ChatParticipant| match member {
        enums::ChatParticipant::Participant(member) => member.user_id,
        enums::ChatParticipant::Creator(member) => member.user_id,
        enums::ChatParticipant::Admin(member) => member.user_id,
    };
    Some(list.participants.iter().map(id).collect())
}

/// Whether this is how a member stands in a channel: not one who has left or was shut out.
pub(crate) fn is_member(participant: &enums::ChannelParticipant) -> bool {
    use enums::ChannelParticipant as P;
    match participant {
        P::Participant(_) | P::ParticipantSelf(_) | P::Creator(_) | P::Admin(_) => true,
        P::Banned(banned) => !banned.left,
        P::Left(_) => false,
    }
}

/// The ids of a channel's members, of those given.
pub(crate) fn channel_member_ids(participants: &[enums::ChannelParticipant]) -> Vec<i64> {
    use enums::ChannelParticipant as P;
    let id = |participant: &P| match participant {
        P::Participant(member) => Some(member.user_id),
        P::ParticipantSelf(member) => Some(member.user_id),
        P::Creator(member) => Some(member.user_id),
        P::Admin(member) => Some(member.user_id),
        P::Banned(banned) => match &banned.peer {
            enums::Peer::User(user) => Some(user.user_id),
            _ => None,
        },
        P::Left(_) => None,
    };
    participants.iter().filter(|participant| is_member(participant)).filter_map(id).collect()
}

/// The peer that the server names.
pub(crate) fn peer_id(peer: &enums::Peer) -> PeerId {
    match peer {
        enums::Peer::User(peer) => PeerId::user(peer.user_id),
        enums::Peer::Chat(peer) => PeerId::chat(peer.chat_id),
        enums::Peer::Channel(peer) => PeerId::channel(peer.channel_id),
    }
}

/// Online or last seen: <https://core.telegram.org/type/UserStatus>.
pub(crate) fn user_status(status: &enums::UserStatus) -> UserStatus {
    match status {
        enums::UserStatus::Online(status) => UserStatus { online: true, when: status.expires.into() },
        enums::UserStatus::Offline(status) => UserStatus { online: false, when: status.was_online.into() },
        _ => UserStatus::default(),
    }
}

/// Writes the new state where it differs from the old, with the event that tells of it.
fn keep(batch: &mut Batch<'_>, old: Option<PeerRecord>, new: PeerRecord) -> Result<Peer, StoreError> {
    if let Some(old) = old.as_ref().filter(|old| **old == new) {
        return Ok(old.peer.clone());
    }
    let peer = batch.put_peer(&new)?;
    let what = changes(old.as_ref(), &new, &peer);
    if what != Changes::default() {
        match peer.id().kind {
            PeerKind::User => batch.push_event(None, &Event::UserUpdate { user: peer.clone(), what })?,
            PeerKind::Chat | PeerKind::Channel => {
                batch.push_event(None, &Event::ChatUpdate { chat: peer.clone(), what })?
            }
            // The secret chat itself tells of its changes.
            PeerKind::SecretChat => false,
        };
    }
    Ok(peer)
}

/// What differs; a new peer has everything that it has as a change.
fn changes(old: Option<&PeerRecord>, new: &PeerRecord, named: &Peer) -> Changes {
    let (no_user, no_group) = (User::default(), Group::default());
    let no_facts = PeerFacts::default();
    let facts = old.map_or(&no_facts, |old| &old.facts);
    let common = Changes {
        created: old.is_none(),
        deleted: new.facts.is_deleted && !facts.is_deleted,
        photo: new.facts.photo_id != facts.photo_id,
        access_hash: new.access_hash != old.and_then(|old| old.access_hash),
        // telegram-cli kept who is a contact among the flags, and never said `contact`.
        flags: flags(&new.facts) != flags(facts),
        ..Changes::default()
    };
    let renamed = old.is_none_or(|old| old.peer.name != named.name);
    match &new.peer.details {
        PeerDetails::User(user) => {
            let before = match old.map(|old| &old.peer.details) {
                Some(PeerDetails::User(before)) => before,
                _ => &no_user,
            };
            Changes {
                phone: user.phone != before.phone,
                real_name: (&user.first_name, &user.last_name) != (&before.first_name, &before.last_name),
                name: renamed,
                username: user.username != before.username,
                ..common
            }
        }
        PeerDetails::Chat(group) | PeerDetails::Channel(group) => {
            let before = match old.map(|old| &old.peer.details) {
                Some(PeerDetails::Chat(before) | PeerDetails::Channel(before)) => before,
                _ => &no_group,
            };
            Changes {
                title: group.title != before.title,
                username: group.username != before.username,
                admin: new.facts.is_admin != facts.is_admin,
                members: group.member_ids != before.member_ids || new.facts.members_count != facts.members_count,
                ..common
            }
        }
        PeerDetails::SecretChat(_) => common,
    }
}

fn flags(facts: &PeerFacts) -> [bool; 3] {
    [facts.is_bot, facts.is_left, facts.is_contact]
}

/// The user as the server has it now. A "min" user says something only of one who was not known better before:
/// <https://core.telegram.org/api/min>.
fn user_record(user: &types::User, old: Option<&PeerRecord>) -> PeerRecord {
    let photo_id = match &user.photo {
        Some(enums::UserProfilePhoto::Photo(photo)) => photo.photo_id,
        _ => 0,
    };
    if let Some(old) = old.filter(|old| user.min && !old.facts.is_min) {
        let mut new = old.clone();
        if user.apply_min_photo {
            new.facts.photo_id = photo_id;
        }
        return new;
    }
    let known = match old.map(|old| &old.peer.details) {
        Some(PeerDetails::User(known)) => known.clone(),
        _ => User { id: user.id, ..User::default() },
    };
    let facts = old.map(|old| old.facts.clone()).unwrap_or_default();
    let details = PeerDetails::User(User {
        first_name: filled(&user.first_name),
        last_name: filled(&user.last_name),
        username: filled(&user.username).or_else(|| active_username(user.usernames.as_deref())),
        phone: filled(&user.phone),
        status: user.status.as_ref().map_or(known.status, user_status),
        ..known
    });
    let facts = PeerFacts {
        photo_id,
        is_contact: user.contact,
        is_deleted: user.deleted,
        is_bot: user.bot,
        is_min: user.min,
        ..facts
    };
    record(details, user.access_hash.filter(|_| !user.min), facts, old)
}

fn group_record(chat: &enums::Chat, old: Option<&PeerRecord>) -> Option<PeerRecord> {
    let facts = old.map(|old| old.facts.clone()).unwrap_or_default();
    let known = old.map(|old| &old.peer.details);
    match chat {
        enums::Chat::Chat(chat) => {
            let facts = PeerFacts {
                photo_id: chat_photo_id(&chat.photo),
                is_deleted: chat.deactivated,
                is_left: chat.left,
                is_admin: chat.creator || chat.admin_rights.is_some(),
                members_count: chat.participants_count,
                version: chat.version.max(facts.version),
                migrated_to: chat.migrated_to.as_ref().and_then(channel_id).or(facts.migrated_to),
                ..facts
            };
            Some(record(PeerDetails::Chat(group(chat.id, &chat.title, None, known)), None, facts, old))
        }
        enums::Chat::Forbidden(chat) => {
            let facts = PeerFacts { is_left: true, is_admin: false, ..facts };
            Some(record(PeerDetails::Chat(group(chat.id, &chat.title, None, known)), None, facts, old))
        }
        _ => None,
    }
}

fn channel_record(chat: &enums::Chat, old: Option<&PeerRecord>) -> Option<PeerRecord> {
    let facts = old.map(|old| old.facts.clone()).unwrap_or_default();
    let known = old.map(|old| &old.peer.details);
    match chat {
        enums::Chat::Channel(chat) if chat.min && old.is_some_and(|old| !old.facts.is_min) => None,
        enums::Chat::Channel(chat) => {
            let username = filled(&chat.username).or_else(|| active_username(chat.usernames.as_deref()));
            let facts = PeerFacts {
                photo_id: chat_photo_id(&chat.photo),
                is_left: chat.left,
                is_admin: chat.creator || chat.admin_rights.is_some(),
                is_broadcast: chat.broadcast,
                is_min: chat.min,
                joined: if chat.left || chat.min { 0 } else { chat.date },
                members_count: chat.participants_count.unwrap_or(facts.members_count),
                ..facts
            };
            let details = PeerDetails::Channel(group(chat.id, &chat.title, username, known));
            Some(record(details, chat.access_hash.filter(|_| !chat.min), facts, old))
        }
        enums::Chat::ChannelForbidden(chat) => {
            let facts = PeerFacts { is_left: true, is_admin: false, is_broadcast: chat.broadcast, ..facts };
            let details = PeerDetails::Channel(group(chat.id, &chat.title, None, known));
            Some(record(details, Some(chat.access_hash), facts, old))
        }
        _ => None,
    }
}

fn group(id: i64, title: &str, username: Option<String>, known: Option<&PeerDetails>) -> Group {
    let member_ids = match known {
        Some(PeerDetails::Chat(known) | PeerDetails::Channel(known)) => known.member_ids.clone(),
        _ => Vec::new(),
    };
    Group { id, title: title.to_owned(), username, member_ids }
}

fn record(details: PeerDetails, access_hash: Option<i64>, facts: PeerFacts, old: Option<&PeerRecord>) -> PeerRecord {
    let name = old.map(|old| old.peer.name.clone()).unwrap_or_default();
    PeerRecord { peer: Peer { name, details }, access_hash: access_hash.or(old.and_then(|old| old.access_hash)), facts }
}

fn channel_id(channel: &enums::InputChannel) -> Option<i64> {
    match channel {
        enums::InputChannel::Channel(channel) => Some(channel.channel_id),
        enums::InputChannel::FromMessage(channel) => Some(channel.channel_id),
        enums::InputChannel::Empty => None,
    }
}

fn chat_photo_id(photo: &enums::ChatPhoto) -> i64 {
    match photo {
        enums::ChatPhoto::Photo(photo) => photo.photo_id,
        enums::ChatPhoto::Empty => 0,
    }
}

pub(crate) fn active_username(usernames: Option<&[enums::Username]>) -> Option<String> {
    let usernames = usernames.unwrap_or_default().iter();
    usernames.map(|enums::Username::Username(name)| name).find(|name| name.active).map(|name| name.username.clone())
}

pub(crate) fn filled(text: &Option<String>) -> Option<String> {
    text.clone().filter(|text| !text.is_empty())
}
