//! Who is in a group: asking, adding, removing.

use grammers_tl_types as tl;
use store::Batch;
use tgl::{Failure, Outcome, PeerId};
use tl::{enums, functions, types};

use super::{Caller, chats};
use crate::fault::Fault;
use crate::intake::{self, MEMBERS_MAX};
use crate::naming::Group;

/// How many of a basic group's last messages a new member sees, as telegram-cli had it.
const FORWARDED_MESSAGES: i32 = 100;

/// Members in one answer of the server's.
const PAGE: i32 = 200;

/// messages.addChatUser or channels.inviteToChannel:
/// <https://core.telegram.org/method/channels.inviteToChannel>.
pub(super) async fn add(caller: &Caller, chat: PeerId, user: PeerId) -> Result<Outcome, Fault> {
    let group = caller.context.group(chat)?;
    let user_id = caller.context.input_user(user)?;
    let answer = match group {
        Group::Basic(chat_id) => {
            caller.invoke(&functions::messages::AddChatUser { chat_id, user_id, fwd_limit: FORWARDED_MESSAGES }).await?
        }
        Group::Channel(channel) => {
            caller.invoke(&functions::channels::InviteToChannel { channel, users: vec![user_id] }).await?
        }
    };
    match chats::invited(caller, answer) {
        0 => Ok(Outcome::Done),
        // What the server calls it where it says so by an error.
        _ => Err(Fault::new(Failure::Refused, "USER_PRIVACY_RESTRICTED")),
    }
}

/// messages.deleteChatUser; from a channel somebody is shut out and let in again, so that nothing but the membership
/// ends: <https://core.telegram.org/method/channels.editBanned>. We leave a channel ourselves by channels.leaveChannel.
pub(super) async fn delete(caller: &Caller, chat: PeerId, user: PeerId) -> Result<Outcome, Fault> {
    let group = caller.context.group(chat)?;
    let user_id = caller.context.input_user(user)?;
    let is_us = user == PeerId::user(caller.context.intake().owner().user_id);
    match group {
        Group::Basic(chat_id) => {
            let request = functions::messages::DeleteChatUser { revoke_history: false, chat_id, user_id };
            let updates = caller.invoke(&request).await?;
            caller.context.intake().receive_answer(updates, None);
        }
        Group::Channel(channel) if is_us => {
            let updates = caller.invoke(&functions::channels::LeaveChannel { channel }).await?;
            caller.context.intake().receive_answer(updates, None);
        }
        Group::Channel(channel) => {
            let participant = caller.context.input_peer(user)?;
            for is_banned in [true, false] {
                let request = functions::channels::EditBanned {
                    channel: channel.clone(),
                    participant: participant.clone(),
                    banned_rights: banned_rights(is_banned),
                };
                let updates = caller.invoke(&request).await?;
                caller.context.intake().receive_answer(updates, None);
            }
        }
    }
    Ok(Outcome::Done)
}

/// channels.getParticipants, up to [`MEMBERS_MAX`] of them:
/// <https://core.telegram.org/method/channels.getParticipants>. Where we may not see them nobody is known.
pub(super) async fn learn(caller: &Caller, chat: PeerId, channel: enums::InputChannel) -> Result<(), Fault> {
    let mut ids: Vec<i64> = Vec::new();
    while ids.len() < MEMBERS_MAX {
        let request = functions::channels::GetParticipants {
            channel: channel.clone(),
            filter: enums::ChannelParticipantsFilter::ChannelParticipantsRecent,
            offset: i32::try_from(ids.len()).unwrap_or(i32::MAX),
            limit: PAGE,
            hash: 0,
        };
        let list = match caller.invoke(&request).await {
            Ok(enums::channels::ChannelParticipants::Participants(list)) => list,
            Ok(enums::channels::ChannelParticipants::NotModified) => break,
            Err(error) if error.is_named("CHAT_ADMIN_REQUIRED") => break,
            Err(error) => return Err(error),
        };
        caller.context.intake().learn(&list.users, &list.chats, &[])?;
        let before = ids.len();
        for id in intake::channel_member_ids(&list.participants) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        if ids.len() == before || (list.participants.len() as i32) < PAGE {
            break;
        }
    }
    let change = |batch: &mut Batch<'_>| intake::change_members(batch, chat, |members| *members = ids);
    Ok(caller.context.intake().write(change)?)
}

/// Every right taken away for ever, or none: <https://core.telegram.org/constructor/chatBannedRights>.
fn banned_rights(is_banned: bool) -> enums::ChatBannedRights {
    types::ChatBannedRights {
        view_messages: is_banned,
        send_messages: is_banned,
        send_media: is_banned,
        send_stickers: is_banned,
        send_gifs: is_banned,
        send_games: is_banned,
        send_inline: is_banned,
        embed_links: is_banned,
        send_polls: is_banned,
        change_info: is_banned,
        invite_users: is_banned,
        pin_messages: is_banned,
        manage_topics: is_banned,
        send_photos: is_banned,
        send_videos: is_banned,
        send_roundvideos: is_banned,
        send_audios: is_banned,
        send_voices: is_banned,
        send_docs: is_banned,
        send_plain: is_banned,
        edit_rank: is_banned,
        send_reactions: is_banned,
        manage_linked_peers: is_banned,
        until_date: 0,
    }
    .into()
}
