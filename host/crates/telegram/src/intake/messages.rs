//! Messages from the server as scripts see them.

use grammers_tl_types as tl;
use store::{Batch, StoreError};
use tgl::{ContactCard, Forward, GeoPoint, Media, Message, MessageFlags, PeerId, ServiceAction, Venue, WebPage};
use tl::{enums, types};

use super::peers::peer_id;

/// A message with the conversation it belongs to; none for an empty one.
pub(crate) fn message(
    batch: &Batch<'_>,
    our_id: i64,
    message: &enums::Message,
) -> Result<Option<(PeerId, Message)>, StoreError> {
    let common = match message {
        enums::Message::Empty(_) => return Ok(None),
        enums::Message::Message(message) => Common {
            id: message.id,
            out: message.out || (is_saved(our_id, &message.peer_id) && message.fwd_from.is_none()),
            mentioned: message.mentioned,
            from: message.from_id.as_ref().map(peer_id),
            chat: peer_id(&message.peer_id),
            post: message.post,
            date: message.date,
            reply_to: reply_id(message.reply_to.as_ref()),
        },
        enums::Message::Service(message) => Common {
            id: message.id,
            out: message.out || is_saved(our_id, &message.peer_id),
            mentioned: message.mentioned,
            from: message.from_id.as_ref().map(peer_id),
            chat: peer_id(&message.peer_id),
            post: message.post,
            date: message.date,
            reply_to: reply_id(message.reply_to.as_ref()),
        },
    };
    let mut converted = common.message(batch, our_id)?;
    match message {
        enums::Message::Message(message) => {
            converted.text = Some(message.message.clone()).filter(|text| !text.is_empty());
            converted.media = message.media.as_ref().and_then(|media| self::media(media, converted.text.as_deref()));
            converted.forward = message.fwd_from.as_ref().map(forward);
        }
        enums::Message::Service(message) => {
            converted.flags.service = true;
            converted.action = action(&message.action);
        }
        enums::Message::Empty(_) => {}
    }
    Ok(Some((common.chat, converted)))
}

/// Everybody who has to be known to show a message: <https://core.telegram.org/api/updates#recovering-gaps>.
pub(crate) fn people(message: &enums::Message) -> Vec<PeerId> {
    match message {
        enums::Message::Empty(_) => Vec::new(),
        enums::Message::Message(message) => {
            let mut people = ends(&message.peer_id, &message.from_id);
            people.extend(message.fwd_from.iter().flat_map(forward_people));
            people.extend(message.reply_to.iter().flat_map(reply_people));
            people.extend(message.via_bot_id.map(PeerId::user));
            people.extend(message.entities.iter().flatten().filter_map(mentioned).map(PeerId::user));
            people
        }
        enums::Message::Service(message) => ends(&message.peer_id, &message.from_id),
    }
}

fn ends(chat: &enums::Peer, from: &Option<enums::Peer>) -> Vec<PeerId> {
    std::iter::once(chat).chain(from).map(peer_id).collect()
}

fn forward_people(forward: &enums::MessageFwdHeader) -> Vec<PeerId> {
    let enums::MessageFwdHeader::Header(header) = forward;
    [&header.from_id, &header.saved_from_peer, &header.saved_from_id].into_iter().flatten().map(peer_id).collect()
}

fn reply_people(reply: &enums::MessageReplyHeader) -> Vec<PeerId> {
    match reply {
        enums::MessageReplyHeader::Header(header) => {
            let forward = header.reply_from.iter().flat_map(forward_people);
            header.reply_to_peer_id.iter().map(peer_id).chain(forward).collect()
        }
        enums::MessageReplyHeader::MessageReplyStoryHeader(story) => vec![peer_id(&story.peer)],
    }
}

/// A user whom a text names without a username.
fn mentioned(entity: &enums::MessageEntity) -> Option<i64> {
    match entity {
        enums::MessageEntity::MentionName(mention) => Some(mention.user_id),
        _ => None,
    }
}

/// Whether the conversation is Saved Messages. What we write there the server does not call outgoing:
/// <https://core.telegram.org/api/saved-messages>.
fn is_saved(our_id: i64, chat: &enums::Peer) -> bool {
    peer_id(chat) == PeerId::user(our_id)
}

struct Common {
    id: i32,
    out: bool,
    mentioned: bool,
    from: Option<PeerId>,
    chat: PeerId,
    /// Written in a channel's own name.
    post: bool,
    date: i32,
    /// The server's id.
    reply_to: Option<i32>,
}

impl Common {
    /// The message without what differs between ordinary and service messages.
    fn message(&self, batch: &Batch<'_>, our_id: i64) -> Result<Message, StoreError> {
        let us = PeerId::user(our_id);
        let is_private = self.chat.kind == tgl::PeerKind::User;
        // In private chats the author is left out: it is us or the other side. Short updates omit it too.
        let source = match self.from {
            Some(from) => Some(from),
            None if self.out && !self.post => Some(us),
            None if is_private => Some(self.chat),
            None => None,
        };
        let destination = if is_private && !self.out { us } else { self.chat };
        let chat = batch.peer_record(self.chat)?;
        let read_max =
            chat.as_ref().map_or(0, |chat| if self.out { chat.facts.read_out_max } else { chat.facts.read_in_max });
        let id = batch.message_id(self.chat, self.id)?;
        let reply_to = self.reply_to.map(|id| batch.message_id(self.chat, id)).transpose()?;
        Ok(Message {
            id,
            flags: MessageFlags {
                unread: id > read_max && self.chat != us,
                outgoing: self.out,
                mention: self.mentioned,
                created: true,
                ..MessageFlags::default()
            },
            source,
            destination,
            text: None,
            media: None,
            date: self.date.into(),
            forward: None,
            reply_to,
            action: ServiceAction::None,
        })
    }
}

/// The conversation of a message that lies in a topic, and the server's id of the message that began the topic; none where
/// it lies in "General": <https://core.telegram.org/api/forum>.
pub(super) fn topic(message: &enums::Message) -> Option<(PeerId, i32)> {
    let (chat, id, reply) = match message {
        enums::Message::Message(message) => (&message.peer_id, message.id, message.reply_to.as_ref()),
        enums::Message::Service(message) => (&message.peer_id, message.id, message.reply_to.as_ref()),
        enums::Message::Empty(_) => return None,
    };
    let begins = matches!(message, enums::Message::Service(service) if matches!(service.action, enums::MessageAction::TopicCreate(_)));
    let topic = match reply {
        _ if begins => Some(id),
        Some(enums::MessageReplyHeader::Header(header)) if header.forum_topic => {
            header.reply_to_top_id.or(header.reply_to_msg_id)
        }
        _ => None,
    };
    topic.map(|topic| (peer_id(chat), topic))
}

/// The message answered, by the server's id; none where it is in another conversation. In a topic a message that answers
/// none names the message that began the topic: <https://core.telegram.org/api/forum>.
fn reply_id(reply: Option<&enums::MessageReplyHeader>) -> Option<i32> {
    let Some(enums::MessageReplyHeader::Header(header)) = reply else { return None };
    let is_plain = header.forum_topic && header.reply_to_top_id.is_none_or(|top| Some(top) == header.reply_to_msg_id);
    header.reply_to_msg_id.filter(|_| header.reply_to_peer_id.is_none() && !is_plain)
}

fn forward(forward: &enums::MessageFwdHeader) -> Forward {
    let enums::MessageFwdHeader::Header(header) = forward;
    Forward { source: header.from_id.as_ref().map(peer_id), date: header.date.into() }
}

/// What a message carries: <https://core.telegram.org/type/MessageMedia>.
fn media(media: &enums::MessageMedia, caption: Option<&str>) -> Option<Media> {
    use enums::MessageMedia as Tl;
    Some(match media {
        Tl::Empty => return None,
        Tl::Photo(_) => Media::Photo(caption.map(str::to_owned)),
        Tl::Document(_) => Media::Document,
        Tl::Geo(media) => Media::Geo(geo_point(&media.geo)?),
        Tl::GeoLive(media) => Media::Geo(geo_point(&media.geo)?),
        Tl::Venue(media) => Media::Venue(Venue {
            point: geo_point(&media.geo)?,
            title: media.title.clone(),
            address: media.address.clone(),
            provider: media.provider.clone(),
            id: media.venue_id.clone(),
        }),
        Tl::Contact(media) => Media::Contact(ContactCard {
            phone: media.phone_number.clone(),
            first_name: media.first_name.clone(),
            last_name: media.last_name.clone(),
            user_id: media.user_id,
        }),
        Tl::WebPage(media) => return web_page(&media.webpage),
        _ => Media::Unsupported,
    })
}

fn web_page(page: &enums::WebPage) -> Option<Media> {
    let enums::WebPage::Page(page) = page else { return None };
    let types::WebPage { url, title, description, author, .. } = page.clone();
    Some(Media::WebPage(WebPage { url, title, description, author }))
}

fn geo_point(point: &enums::GeoPoint) -> Option<GeoPoint> {
    match point {
        enums::GeoPoint::Point(point) => Some(GeoPoint { latitude: point.lat, longitude: point.long }),
        enums::GeoPoint::Empty => None,
    }
}

/// telegram-cli's word for a service message; what it had no word for is a no-op.
fn action(action: &enums::MessageAction) -> ServiceAction {
    use enums::MessageAction as Tl;
    match action {
        Tl::ChatCreate(_) | Tl::ChannelCreate(_) => ServiceAction::ChatCreate,
        Tl::ChatEditTitle(_) => ServiceAction::ChatEditTitle,
        Tl::ChatEditPhoto(_) => ServiceAction::ChatEditPhoto,
        Tl::ChatDeletePhoto => ServiceAction::ChatDeletePhoto,
        Tl::ChatAddUser(_) => ServiceAction::ChatAddUser,
        Tl::ChatJoinedByLink(_) | Tl::ChatJoinedByRequest => ServiceAction::ChatAddUserByLink,
        Tl::ChatDeleteUser(_) => ServiceAction::ChatDeleteUser,
        Tl::HistoryClear => ServiceAction::FlushHistory,
        Tl::ScreenshotTaken => ServiceAction::ScreenshotMessages,
        Tl::SetMessagesTtl(_) => ServiceAction::SetMessageTtl,
        _ => ServiceAction::Noop,
    }
}
