//! Brings every form in which the server sends updates to the one form that [`super::order`] takes.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use super::order::Envelope;
use crate::net::Pushed;

/// What came in.
pub(crate) enum Incoming {
    /// Updates.
    Envelope(Envelope),
    /// A sign that something is missing.
    Gap,
    /// Nothing for the account's own sequences.
    Nothing,
}

/// What came without being asked for.
pub(crate) fn pushed(pushed: Pushed) -> Incoming {
    match pushed {
        Pushed::Updates(updates) => self::updates(updates),
        Pushed::Gap => Incoming::Gap,
    }
}

/// What the server calls `Updates`: <https://core.telegram.org/type/Updates>.
pub(crate) fn updates(updates: enums::Updates) -> Incoming {
    Incoming::Envelope(match updates {
        enums::Updates::TooLong => return Incoming::Gap,
        // Complete only with the request it answers, as `ShortSentMessage`.
        enums::Updates::UpdateShortSentMessage(_) => return Incoming::Nothing,
        enums::Updates::UpdateShort(short) => Envelope::single(short.update, short.date),
        enums::Updates::Updates(all) => Envelope {
            updates: all.updates,
            users: all.users,
            chats: all.chats,
            date: all.date,
            seq_start: all.seq,
            seq: all.seq,
        },
        enums::Updates::Combined(all) => Envelope {
            updates: all.updates,
            users: all.users,
            chats: all.chats,
            date: all.date,
            seq_start: all.seq_start,
            seq: all.seq,
        },
        enums::Updates::UpdateShortMessage(short) => {
            let message = types::Message {
                out: short.out,
                mentioned: short.mentioned,
                media_unread: short.media_unread,
                silent: short.silent,
                fwd_from: short.fwd_from,
                via_bot_id: short.via_bot_id,
                reply_to: short.reply_to,
                entities: short.entities,
                ttl_period: short.ttl_period,
                ..tl_blank::message(
                    short.id,
                    types::PeerUser { user_id: short.user_id }.into(),
                    short.date,
                    short.message,
                )
            };
            new_message(message, short.pts, short.pts_count)
        }
        enums::Updates::UpdateShortChatMessage(short) => {
            let message = types::Message {
                out: short.out,
                mentioned: short.mentioned,
                media_unread: short.media_unread,
                silent: short.silent,
                from_id: Some(types::PeerUser { user_id: short.from_id }.into()),
                fwd_from: short.fwd_from,
                via_bot_id: short.via_bot_id,
                reply_to: short.reply_to,
                entities: short.entities,
                ttl_period: short.ttl_period,
                ..tl_blank::message(
                    short.id,
                    types::PeerChat { chat_id: short.chat_id }.into(),
                    short.date,
                    short.message,
                )
            };
            new_message(message, short.pts, short.pts_count)
        }
    })
}

/// The short answer to a plain text, completed from what was asked.
pub(crate) fn short_sent(request: &functions::messages::SendMessage, sent: types::UpdateShortSentMessage) -> Incoming {
    let reply_to = match &request.reply_to {
        Some(enums::InputReplyTo::Message(reply)) => Some(reply_header(reply.reply_to_msg_id)),
        _ => None,
    };
    // A peer named in a way that we do not use: the whole message comes with the difference.
    let Some(peer) = peer(&request.peer) else { return Incoming::Gap };
    let message = types::Message {
        out: sent.out,
        media: sent.media,
        entities: sent.entities,
        ttl_period: sent.ttl_period,
        reply_to,
        // The server keeps no blanks around a text.
        ..tl_blank::message(sent.id, peer, sent.date, request.message.trim().to_owned())
    };
    Incoming::Envelope(new_message(message, sent.pts, sent.pts_count))
}

fn new_message(message: types::Message, pts: i32, pts_count: i32) -> Envelope {
    let date = message.date;
    let update = match message.peer_id {
        enums::Peer::Channel(_) => types::UpdateNewChannelMessage { message: message.into(), pts, pts_count }.into(),
        _ => types::UpdateNewMessage { message: message.into(), pts, pts_count }.into(),
    };
    Envelope::single(update, date)
}

fn peer(peer: &enums::InputPeer) -> Option<enums::Peer> {
    match peer {
        enums::InputPeer::User(peer) => Some(types::PeerUser { user_id: peer.user_id }.into()),
        enums::InputPeer::Chat(peer) => Some(types::PeerChat { chat_id: peer.chat_id }.into()),
        enums::InputPeer::Channel(peer) => Some(types::PeerChannel { channel_id: peer.channel_id }.into()),
        _ => None,
    }
}

fn reply_header(id: i32) -> enums::MessageReplyHeader {
    types::MessageReplyHeader { reply_to_msg_id: Some(id), ..tl_blank::message_reply_header() }.into()
}
