//! What a log's entries say now, and whom updates name.
//!
//! Invariant: whoever an update names comes along with it.

use std::collections::HashSet;

use grammers_tl_types as tl;
use tl::{Deserializable, enums, types};

use super::Peers;
use crate::api::context::Context;
use crate::api::error::Answer;
use crate::api::view;
use crate::model::Peer;
use crate::model::log::Entry;
use crate::model::messages::{self, Message};

/// What the entries say now: messages deleted since are left out, edited ones come as they are. By which random_id the
/// caller has sent a message is said as well: the answer may have been lost.
pub(in crate::api) fn contents(
    context: &Context<'_>,
    entries: Vec<Entry>,
    find: impl Fn(i32) -> Answer<Option<Message>>,
    edited: impl Fn(enums::Message) -> enums::Update,
) -> Answer<(Vec<enums::Message>, Vec<enums::Update>)> {
    let (mut new, mut other) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    for entry in entries {
        match entry {
            Entry::NewMessage(id) => {
                seen.insert(id);
                let Some(found) = find(id)? else { continue };
                new.push(view::message(&found));
                if found.content.sender == context.me
                    && let Some(random_id) = messages::random_id(context.db, context.me, found.content.id)?
                {
                    other.push(types::UpdateMessageId { id, random_id }.into());
                }
            }
            Entry::EditedMessage(id) if seen.insert(id) => {
                if let Some(found) = find(id)? {
                    other.push(edited(view::message(&found)));
                }
            }
            Entry::EditedMessage(_) => {}
            Entry::Other(bytes) => other.extend(enums::Update::from_bytes(&bytes).ok()),
        }
    }
    Ok((new, other))
}

/// Whom an update of a difference names.
pub(in crate::api) fn add_peers(people: &mut Peers, update: &enums::Update) {
    match update {
        enums::Update::EditMessage(edit) => people.add_message(&edit.message),
        enums::Update::EditChannelMessage(edit) => people.add_message(&edit.message),
        enums::Update::ChannelTooLong(moved) => people.add(Peer::Channel(moved.channel_id)),
        enums::Update::ReadHistoryInbox(read) => people.add_tl(&read.peer),
        enums::Update::ReadHistoryOutbox(read) => people.add_tl(&read.peer),
        enums::Update::Encryption(encryption) => add_sides(people, &encryption.chat),
        update => add_participants(people, update),
    }
}

/// Whom an update about a participant names.
pub(in crate::api) fn add_participants(people: &mut Peers, update: &enums::Update) {
    match update {
        enums::Update::ChatParticipant(update) => {
            people.add(Peer::Chat(update.chat_id));
            people.add_users([update.actor_id, update.user_id]);
            for participant in update.prev_participant.iter().chain(&update.new_participant) {
                match participant {
                    enums::ChatParticipant::Participant(member) => people.add(Peer::User(member.inviter_id)),
                    enums::ChatParticipant::Admin(admin) => people.add(Peer::User(admin.inviter_id)),
                    enums::ChatParticipant::Creator(_) => {}
                }
            }
            add_inviter(people, &update.invite);
        }
        enums::Update::ChannelParticipant(update) => {
            people.add(Peer::Channel(update.channel_id));
            people.add_users([update.actor_id, update.user_id]);
            for participant in update.prev_participant.iter().chain(&update.new_participant) {
                match participant {
                    enums::ChannelParticipant::ParticipantSelf(own) => people.add(Peer::User(own.inviter_id)),
                    enums::ChannelParticipant::Admin(admin) => {
                        people.add_users(admin.inviter_id.into_iter().chain([admin.promoted_by]));
                    }
                    enums::ChannelParticipant::Banned(banned) => people.add(Peer::User(banned.kicked_by)),
                    _ => {}
                }
            }
            add_inviter(people, &update.invite);
        }
        _ => {}
    }
}

fn add_sides(people: &mut Peers, chat: &enums::EncryptedChat) {
    match chat {
        enums::EncryptedChat::Waiting(chat) => people.add_users([chat.admin_id, chat.participant_id]),
        enums::EncryptedChat::Requested(chat) => people.add_users([chat.admin_id, chat.participant_id]),
        enums::EncryptedChat::Chat(chat) => people.add_users([chat.admin_id, chat.participant_id]),
        enums::EncryptedChat::Empty(_) | enums::EncryptedChat::Discarded(_) => {}
    }
}

fn add_inviter(people: &mut Peers, invite: &Option<enums::ExportedChatInvite>) {
    if let Some(enums::ExportedChatInvite::ChatInviteExported(invite)) = invite {
        people.add(Peer::User(invite.admin_id));
    }
}
