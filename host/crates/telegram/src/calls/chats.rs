//! Groups of either kind, and what there is to know about a peer.

use grammers_tl_types as tl;
use tgl::{Failure, Outcome, PeerId, PeerKind};
use tl::{enums, functions};

use super::{Caller, members};
use crate::fault::Fault;
use crate::intake;
use crate::naming::Group;

/// users.getFullUser, messages.getFullChat or channels.getFullChannel:
/// <https://core.telegram.org/method/channels.getFullChannel>.
pub(super) async fn info(caller: &Caller, peer: PeerId) -> Result<Outcome, Fault> {
    let peer = caller.context.current(peer)?;
    if peer.kind == PeerKind::User {
        let id = caller.context.input_user(peer)?;
        let enums::users::UserFull::Full(full) = caller.invoke(&functions::users::GetFullUser { id }).await?;
        caller.context.intake().learn(&full.users, &full.chats, &[])?;
    } else {
        let full = match caller.context.group(peer)? {
            Group::Basic(chat_id) => caller.invoke(&functions::messages::GetFullChat { chat_id }).await?,
            Group::Channel(channel) => {
                let full = caller.invoke(&functions::channels::GetFullChannel { channel: channel.clone() }).await?;
                members::learn(caller, peer, channel).await?;
                full
            }
        };
        let enums::messages::ChatFull::Full(full) = full;
        caller.context.intake().write(|batch| {
            intake::see(batch, &full.users, &full.chats)?;
            match &full.full_chat {
                enums::ChatFull::Full(chat) => intake::see_members(batch, &chat.participants),
                _ => Ok(()),
            }
        })?;
    }
    let known = caller.context.store.peer(peer)?;
    known.map(Outcome::Peer).ok_or_else(|| Fault::new(Failure::NotFound, "the answer does not name the peer"))
}

/// messages.createChat: <https://core.telegram.org/method/messages.createChat>.
pub(super) async fn create(caller: &Caller, users: &[PeerId], title: &str) -> Result<Outcome, Fault> {
    let us = PeerId::user(caller.context.intake().owner().user_id);
    let mut others: Vec<PeerId> = Vec::new();
    for user in users {
        if *user != us && !others.contains(user) {
            others.push(*user);
        }
    }
    if others.is_empty() {
        return Err(Fault::invalid("a group needs at least one other member"));
    }
    let users = others.into_iter().map(|user| caller.context.input_user(user)).collect::<Result<_, _>>()?;
    let request = functions::messages::CreateChat { users, title: title.to_owned(), ttl_period: None };
    let answer = caller.invoke(&request).await?;
    let missing = invited(caller, answer);
    if missing > 0 {
        tracing::info!(missing, "a group begins without some of those named: their privacy settings forbid it");
    }
    Ok(Outcome::Done)
}

/// messages.editChatTitle or channels.editTitle: <https://core.telegram.org/method/channels.editTitle>.
pub(super) async fn rename(caller: &Caller, chat: PeerId, title: &str) -> Result<Outcome, Fault> {
    let title = title.to_owned();
    let updates = match caller.context.group(chat)? {
        Group::Basic(chat_id) => caller.invoke(&functions::messages::EditChatTitle { chat_id, title }).await?,
        Group::Channel(channel) => caller.invoke(&functions::channels::EditTitle { channel, title }).await?,
    };
    caller.context.intake().receive_answer(updates, None);
    Ok(Outcome::Done)
}

/// messages.editChatPhoto or channels.editPhoto: <https://core.telegram.org/method/channels.editPhoto>. `photo` has been
/// uploaded.
pub(super) async fn set_photo(caller: &Caller, chat: PeerId, photo: enums::InputChatPhoto) -> Result<Outcome, Fault> {
    let updates = match caller.context.group(chat)? {
        Group::Basic(chat_id) => caller.invoke(&functions::messages::EditChatPhoto { chat_id, photo }).await?,
        Group::Channel(channel) => caller.invoke(&functions::channels::EditPhoto { channel, photo }).await?,
    };
    caller.context.intake().receive_answer(updates, None);
    Ok(Outcome::Done)
}

/// Takes the answer to an invitation, and gives how many of those named the server has left out silently because their
/// privacy settings forbid it.
pub(super) fn invited(caller: &Caller, answer: enums::messages::InvitedUsers) -> usize {
    let enums::messages::InvitedUsers::Users(answer) = answer;
    caller.context.intake().receive_answer(answer.updates, None);
    answer.missing_invitees.len()
}
