//! Basic groups, and what there is to know about a peer.

use grammers_tl_types as tl;
use tgl::{CallError, Failure, Outcome, PeerId, PeerKind};
use tl::{enums, functions};

use super::{Caller, invalid};
use crate::context::unavailable;
use crate::intake;

/// How many of a group's last messages a new member sees, as telegram-cli had it.
const FORWARDED_MESSAGES: i32 = 100;

/// users.getFullUser or messages.getFullChat: <https://core.telegram.org/method/messages.getFullChat>.
pub(super) async fn info(caller: &Caller, peer: PeerId) -> Result<Outcome, CallError> {
    if peer.kind == PeerKind::User {
        let id = caller.context.input_user(peer)?;
        let enums::users::UserFull::Full(full) = caller.invoke(&functions::users::GetFullUser { id }).await?;
        let learnt = caller.context.intake().learn(&full.users, &full.chats, &[]);
        learnt.map_err(|error| unavailable(&error))?;
    } else {
        let chat_id = caller.context.basic_group(peer)?;
        let enums::messages::ChatFull::Full(full) =
            caller.invoke(&functions::messages::GetFullChat { chat_id }).await?;
        let learnt = caller.context.intake().write(|batch| {
            intake::see(batch, &full.users, &full.chats)?;
            match &full.full_chat {
                enums::ChatFull::Full(chat) => intake::see_members(batch, &chat.participants),
                _ => Ok(()),
            }
        });
        learnt.map_err(|error| unavailable(&error))?;
    }
    let known = caller.context.store.peer(peer).map_err(|error| unavailable(&error))?;
    known.map(Outcome::Peer).ok_or_else(|| CallError::new(Failure::NotFound, "the answer does not name the peer"))
}

/// messages.createChat: <https://core.telegram.org/method/messages.createChat>.
pub(super) async fn create(caller: &Caller, users: &[PeerId], title: &str) -> Result<Outcome, CallError> {
    let us = PeerId::user(caller.context.intake().owner().user_id);
    let mut others: Vec<PeerId> = Vec::new();
    for user in users {
        if *user != us && !others.contains(user) {
            others.push(*user);
        }
    }
    if others.is_empty() {
        return Err(invalid("a group needs at least one other member"));
    }
    let users = others.into_iter().map(|user| caller.context.input_user(user)).collect::<Result<_, _>>()?;
    let request = functions::messages::CreateChat { users, title: title.to_owned(), ttl_period: None };
    let answer = caller.invoke(&request).await?;
    invited(caller, answer)
}

/// messages.editChatTitle: <https://core.telegram.org/method/messages.editChatTitle>.
pub(super) async fn rename(caller: &Caller, chat: PeerId, title: &str) -> Result<Outcome, CallError> {
    let chat_id = caller.context.basic_group(chat)?;
    let updates = caller.invoke(&functions::messages::EditChatTitle { chat_id, title: title.to_owned() }).await?;
    caller.context.intake().receive_answer(updates, None);
    Ok(Outcome::Done)
}

/// messages.addChatUser: <https://core.telegram.org/method/messages.addChatUser>.
pub(super) async fn add_user(caller: &Caller, chat: PeerId, user: PeerId) -> Result<Outcome, CallError> {
    let request = functions::messages::AddChatUser {
        chat_id: caller.context.basic_group(chat)?,
        user_id: caller.context.input_user(user)?,
        fwd_limit: FORWARDED_MESSAGES,
    };
    let answer = caller.invoke(&request).await?;
    invited(caller, answer)
}

/// messages.deleteChatUser: <https://core.telegram.org/method/messages.deleteChatUser>.
pub(super) async fn delete_user(caller: &Caller, chat: PeerId, user: PeerId) -> Result<Outcome, CallError> {
    let request = functions::messages::DeleteChatUser {
        revoke_history: false,
        chat_id: caller.context.basic_group(chat)?,
        user_id: caller.context.input_user(user)?,
    };
    let updates = caller.invoke(&request).await?;
    caller.context.intake().receive_answer(updates, None);
    Ok(Outcome::Done)
}

/// messages.importChatInvite: <https://core.telegram.org/method/messages.importChatInvite>.
pub(super) async fn join_by_link(caller: &Caller, link: &str) -> Result<Outcome, CallError> {
    let hash = invite_hash(link).ok_or_else(|| invalid("this is not the link of an invitation to a group"))?;
    let request = functions::messages::ImportChatInvite { hash: hash.to_owned() };
    match caller.invoke(&request).await? {
        enums::messages::ChatInviteJoinResult::Ok(joined) => {
            caller.context.intake().receive_answer(joined.updates, None);
            Ok(Outcome::Done)
        }
        _ => Err(CallError::new(Failure::Refused, "the group asks for something that only a person can do")),
    }
}

/// Takes the answer to an invitation. Those who may not be invited are left out silently by the server.
fn invited(caller: &Caller, answer: enums::messages::InvitedUsers) -> Result<Outcome, CallError> {
    let enums::messages::InvitedUsers::Users(answer) = answer;
    let missing = answer.missing_invitees.len();
    caller.context.intake().receive_answer(answer.updates, None);
    if missing > 0 {
        tracing::info!(missing, "some users could not be invited: their privacy settings forbid it");
    }
    Ok(Outcome::Done)
}

/// The secret part of a link: <https://core.telegram.org/api/links#chat-invite-links>.
fn invite_hash(link: &str) -> Option<&str> {
    let link = link.trim();
    let rest = ["https://", "http://"].iter().find_map(|scheme| link.strip_prefix(scheme)).unwrap_or(link);
    let path = ["t.me/", "telegram.me/", "telegram.dog/"].iter().find_map(|host| rest.strip_prefix(host));
    let hash = match path {
        Some(path) => path.strip_prefix("joinchat/").or_else(|| path.strip_prefix('+'))?,
        None => link.strip_prefix("tg://join?invite=")?,
    };
    let is_hash = !hash.is_empty() && hash.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    is_hash.then_some(hash)
}

#[cfg(test)]
mod tests {
    use super::invite_hash;

    #[test]
    fn invitations_are_told_from_other_links() {
        let cases = [
            ("https://t.me/joinchat/AbC-_1", Some("AbC-_1")),
            ("http://telegram.me/joinchat/x1", Some("x1")),
            (" t.me/+x1 ", Some("x1")),
            ("tg://join?invite=x1", Some("x1")),
            ("https://t.me/somebody", None),
            ("https://t.me/joinchat/", None),
            ("https://t.me/+a/../b", None),
            ("https://example.org/joinchat/x1", None),
            ("", None),
        ];
        for (link, hash) in cases {
            assert_eq!(invite_hash(link), hash, "{link}");
        }
    }
}
