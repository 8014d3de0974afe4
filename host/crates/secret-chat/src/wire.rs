//! What is said in a chat, in the words of a layer: written as the other side understands it, read whatever layer it is of.
//!
//! Invariant: what cannot be read is `Unsupported`, and never an error: it has its place in the sequence all the same.

use crate::content::{Action, Attribute, Entity, EntityKind, File, Media, Message, Thumb};
use crate::file::FileKey;
use crate::schema::{Cursor, Deserializable, Identifiable, Serializable, enums, types};
use crate::secret::Secret;

/// The first layer with entities in one another, and with these kinds.
const LAYER_NESTED_ENTITIES: i32 = 101;
/// The first layer with files of 2 GiB and more.
const LAYER_BIG_FILES: i32 = 143;
/// The first layer with spoilers and emoji of one's own.
const LAYER_SPOILERS: i32 = 144;

/// What a message says.
pub(crate) enum Content {
    Message(Box<Message>),
    Action(Action),
    Protocol(Protocol),
    Unsupported,
}

/// What programs tell each other, and people do not see.
pub(crate) enum Protocol {
    Resend { start: i32, end: i32 },
    NotifyLayer(i32),
    RequestKey { exchange: i64, public: Vec<u8> },
    AcceptKey { exchange: i64, public: Vec<u8>, fingerprint: i64 },
    CommitKey { exchange: i64, fingerprint: i64 },
    AbortKey { exchange: i64 },
    Noop,
}

/// A message with what is around it in a packet.
pub(crate) struct Layered {
    pub(crate) layer: i32,
    pub(crate) in_seq_no: i32,
    pub(crate) out_seq_no: i32,
    /// Still to be read.
    pub(crate) message: Secret,
}

impl Layered {
    pub(crate) fn to_bytes(&self, random_bytes: &[u8]) -> Secret {
        let mut bytes = types::DecryptedMessageLayer::CONSTRUCTOR_ID.to_bytes();
        random_bytes.to_vec().serialize(&mut bytes);
        for number in [self.layer, self.in_seq_no, self.out_seq_no] {
            number.serialize(&mut bytes);
        }
        bytes.extend_from_slice(&self.message);
        bytes.into()
    }

    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let mut from = Cursor::from_slice(bytes);
        if u32::deserialize(&mut from).ok()? != types::DecryptedMessageLayer::CONSTRUCTOR_ID {
            return None;
        }
        Vec::<u8>::deserialize(&mut from).ok()?;
        let mut number = || i32::deserialize(&mut from).ok();
        let (layer, in_seq_no, out_seq_no) = (number()?, number()?, number()?);
        let message = bytes.get(from.pos()..)?.to_vec().into();
        Some(Self { layer, in_seq_no, out_seq_no, message })
    }
}

/// What somebody says, under this random id.
pub(crate) fn write(random_id: i64, content: &Content, layer: i32) -> Secret {
    let message: enums::DecryptedMessage = match content {
        Content::Message(message) => written_message(random_id, message, layer).into(),
        Content::Action(action) => service(random_id, written_action(action)),
        Content::Protocol(protocol) => service(random_id, written_protocol(protocol)),
        Content::Unsupported => service(random_id, enums::DecryptedMessageAction::Noop),
    };
    message.to_bytes().into()
}

/// What somebody says, and under which random id.
pub(crate) fn read(bytes: &[u8]) -> (i64, Content) {
    let mut from = Cursor::from_slice(bytes);
    match enums::DecryptedMessage::deserialize(&mut from) {
        Ok(message) if from.pos() == bytes.len() => read_message(message),
        _ => (random_id(bytes).unwrap_or_default(), Content::Unsupported),
    }
}

/// Whether a file of this size can be spoken of in a layer.
pub(crate) fn can_say(media: &Media, layer: i32) -> bool {
    let is_small = media.file().is_none_or(|file| i32::try_from(file.size).is_ok());
    is_small || (layer >= LAYER_BIG_FILES && matches!(media, Media::Document { .. }))
}

/// The random id in a message that makes no sense otherwise: before it there is the constructor, and in some the flags.
fn random_id(bytes: &[u8]) -> Option<i64> {
    let (constructor, rest) = bytes.split_first_chunk()?;
    let has_flags = [types::DecryptedMessage45::CONSTRUCTOR_ID, types::DecryptedMessage73::CONSTRUCTOR_ID]
        .contains(&u32::from_le_bytes(*constructor));
    let rest = if has_flags { rest.get(4..)? } else { rest };
    rest.first_chunk().map(|bytes| i64::from_le_bytes(*bytes))
}

fn service(random_id: i64, action: enums::DecryptedMessageAction) -> enums::DecryptedMessage {
    types::DecryptedMessageService17 { random_id, action }.into()
}

fn written_message(random_id: i64, message: &Message, layer: i32) -> types::DecryptedMessage73 {
    let entities = written_entities(&message.entities, layer);
    types::DecryptedMessage73 {
        no_webpage: message.has_no_preview,
        silent: message.is_silent,
        random_id,
        ttl: message.ttl_s,
        message: message.text.clone(),
        media: message.media.as_ref().map(|media| written_media(media, layer)),
        entities: (!entities.is_empty()).then_some(entities),
        via_bot_name: message.via_bot.clone(),
        reply_to_random_id: message.reply_to,
        grouped_id: message.grouped_id,
    }
}

/// Those that the layer knows, and where it has none in one another, only the outermost.
fn written_entities(entities: &[Entity], layer: i32) -> Vec<enums::MessageEntity> {
    let mut end = i64::MIN;
    let mut written = Vec::new();
    for entity in entities {
        if layer < entity.kind.layer() {
            continue;
        }
        if layer < LAYER_NESTED_ENTITIES {
            if i64::from(entity.offset) < end {
                continue;
            }
            end = i64::from(entity.offset) + i64::from(entity.length);
        }
        written.extend(written_entity(entity));
    }
    written
}

impl EntityKind {
    /// The first layer that knows it.
    fn layer(&self) -> i32 {
        match self {
            Self::Underline | Self::Strike | Self::Blockquote => LAYER_NESTED_ENTITIES,
            Self::Spoiler | Self::CustomEmoji { .. } => LAYER_SPOILERS,
            _ => 0,
        }
    }
}

fn written_entity(entity: &Entity) -> Option<enums::MessageEntity> {
    let Entity { offset, length, kind } = entity;
    let (offset, length) = (*offset, *length);
    Some(match kind {
        EntityKind::Unknown => types::MessageEntityUnknown { offset, length }.into(),
        EntityKind::Mention => types::MessageEntityMention { offset, length }.into(),
        EntityKind::Hashtag => types::MessageEntityHashtag { offset, length }.into(),
        EntityKind::BotCommand => types::MessageEntityBotCommand { offset, length }.into(),
        EntityKind::Url => types::MessageEntityUrl { offset, length }.into(),
        EntityKind::Email => types::MessageEntityEmail { offset, length }.into(),
        EntityKind::Bold => types::MessageEntityBold { offset, length }.into(),
        EntityKind::Italic => types::MessageEntityItalic { offset, length }.into(),
        EntityKind::Underline => types::MessageEntityUnderline { offset, length }.into(),
        EntityKind::Strike => types::MessageEntityStrike { offset, length }.into(),
        EntityKind::Spoiler => types::MessageEntitySpoiler { offset, length }.into(),
        EntityKind::Blockquote => types::MessageEntityBlockquote { offset, length }.into(),
        EntityKind::Code => types::MessageEntityCode { offset, length }.into(),
        EntityKind::Pre { language } => types::MessageEntityPre { offset, length, language: language.clone() }.into(),
        EntityKind::TextUrl { url } => types::MessageEntityTextUrl { offset, length, url: url.clone() }.into(),
        EntityKind::CustomEmoji { document_id } => {
            types::MessageEntityCustomEmoji { offset, length, document_id: *document_id }.into()
        }
        // No public schema has them: they are read, and not written.
        EntityKind::MentionName { .. } | EntityKind::Phone | EntityKind::Cashtag => return None,
    })
}

fn written_media(media: &Media, layer: i32) -> enums::DecryptedMessageMedia {
    match media.clone() {
        Media::Photo { file, w, h } => {
            let FileFields { thumb, thumb_w, thumb_h, size, key, iv } = FileFields::of(file);
            let (size, caption) = (small(size), String::new());
            types::DecryptedMessageMediaPhoto45 { thumb, thumb_w, thumb_h, w, h, size, key, iv, caption }.into()
        }
        Media::Video { file, mime_type, duration_s, w, h } => {
            let FileFields { thumb, thumb_w, thumb_h, size, key, iv } = FileFields::of(file);
            types::DecryptedMessageMediaVideo45 {
                thumb,
                thumb_w,
                thumb_h,
                duration: duration_s,
                mime_type,
                w,
                h,
                size: small(size),
                key,
                iv,
                caption: String::new(),
            }
            .into()
        }
        Media::Audio { file, mime_type, duration_s } => {
            let FileFields { size, key, iv, .. } = FileFields::of(file);
            let size = small(size);
            types::DecryptedMessageMediaAudio17 { duration: duration_s, mime_type, size, key, iv }.into()
        }
        Media::Document { file, mime_type, attributes } => {
            let FileFields { thumb, thumb_w, thumb_h, size, key, iv } = FileFields::of(file);
            let attributes = attributes.into_iter().map(written_attribute).collect();
            let caption = String::new();
            if layer >= LAYER_BIG_FILES {
                types::DecryptedMessageMediaDocument143 {
                    thumb,
                    thumb_w,
                    thumb_h,
                    mime_type,
                    size,
                    key,
                    iv,
                    attributes,
                    caption,
                }
                .into()
            } else {
                let size = small(size);
                types::DecryptedMessageMediaDocument45 {
                    thumb,
                    thumb_w,
                    thumb_h,
                    mime_type,
                    size,
                    key,
                    iv,
                    attributes,
                    caption,
                }
                .into()
            }
        }
        Media::ExternalDocument { id, access_hash, dc_id, date, size, mime_type, attributes } => {
            types::DecryptedMessageMediaExternalDocument {
                id,
                access_hash,
                date,
                mime_type,
                size: i32::try_from(size).unwrap_or(i32::MAX),
                thumb: types::PhotoSizeEmpty { r#type: String::new() }.into(),
                dc_id,
                attributes: attributes.into_iter().map(written_attribute).collect(),
            }
            .into()
        }
        Media::Geo { latitude, longitude } => {
            types::DecryptedMessageMediaGeoPoint { lat: latitude, long: longitude }.into()
        }
        Media::Venue { latitude, longitude, title, address, provider, venue_id } => {
            let (lat, long) = (latitude, longitude);
            types::DecryptedMessageMediaVenue { lat, long, title, address, provider, venue_id }.into()
        }
        Media::Contact { phone_number, first_name, last_name, user_id } => types::DecryptedMessageMediaContact {
            phone_number,
            first_name,
            last_name,
            user_id: i32::try_from(user_id).unwrap_or_default(),
        }
        .into(),
        Media::WebPage { url } => types::DecryptedMessageMediaWebPage { url }.into(),
        Media::Unsupported => enums::DecryptedMessageMedia::Empty,
    }
}

/// A file as its message writes it.
struct FileFields {
    thumb: Vec<u8>,
    thumb_w: i32,
    thumb_h: i32,
    size: i64,
    key: Vec<u8>,
    iv: Vec<u8>,
}

impl FileFields {
    fn of(file: File) -> Self {
        let thumb = file.thumb.unwrap_or(Thumb { bytes: Vec::new(), w: 0, h: 0 });
        Self {
            thumb: thumb.bytes,
            thumb_w: thumb.w,
            thumb_h: thumb.h,
            size: i64::try_from(file.size).unwrap_or(i64::MAX),
            key: file.key.key.to_vec(),
            iv: file.key.iv.to_vec(),
        }
    }

    fn read(self) -> Option<File> {
        let key = FileKey { key: self.key.try_into().ok()?, iv: self.iv.try_into().ok()? };
        let thumb = Thumb { bytes: self.thumb, w: self.thumb_w, h: self.thumb_h };
        let thumb = (!thumb.bytes.is_empty()).then_some(thumb);
        Some(File { key, size: u64::try_from(self.size).ok()?, thumb })
    }
}

/// A size as most constructors write it. A larger one has been refused before.
fn small(size: i64) -> i32 {
    i32::try_from(size).unwrap_or(i32::MAX)
}

fn written_attribute(attribute: Attribute) -> enums::DocumentAttribute {
    match attribute {
        Attribute::ImageSize { w, h } => types::DocumentAttributeImageSize { w, h }.into(),
        Attribute::Animated => enums::DocumentAttribute::Animated,
        Attribute::FileName(file_name) => types::DocumentAttributeFilename { file_name }.into(),
        Attribute::Sticker { alt, set } => {
            let stickerset = match set {
                Some(short_name) => types::InputStickerSetShortName { short_name }.into(),
                None => enums::InputStickerSet::Empty,
            };
            types::DocumentAttributeSticker45 { alt, stickerset }.into()
        }
        Attribute::Video { duration_s, w, h, is_round } => {
            types::DocumentAttributeVideo66 { round_message: is_round, duration: duration_s, w, h }.into()
        }
        Attribute::Audio { duration_s, is_voice, title, performer, waveform } => {
            types::DocumentAttributeAudio46 { voice: is_voice, duration: duration_s, title, performer, waveform }.into()
        }
    }
}

fn written_action(action: &Action) -> enums::DecryptedMessageAction {
    match action.clone() {
        Action::SetTtl(ttl_seconds) => types::DecryptedMessageActionSetMessageTtl { ttl_seconds }.into(),
        Action::Read(random_ids) => types::DecryptedMessageActionReadMessages { random_ids }.into(),
        Action::Delete(random_ids) => types::DecryptedMessageActionDeleteMessages { random_ids }.into(),
        Action::Screenshot(random_ids) => types::DecryptedMessageActionScreenshotMessages { random_ids }.into(),
        Action::Flush => enums::DecryptedMessageAction::FlushHistory,
        Action::Typing(is_on) => {
            let action = match is_on {
                true => enums::SendMessageAction::SendMessageTypingAction,
                false => enums::SendMessageAction::SendMessageCancelAction,
            };
            types::DecryptedMessageActionTyping { action }.into()
        }
    }
}

fn written_protocol(protocol: &Protocol) -> enums::DecryptedMessageAction {
    match protocol {
        Protocol::Resend { start, end } => {
            types::DecryptedMessageActionResend { start_seq_no: *start, end_seq_no: *end }.into()
        }
        Protocol::NotifyLayer(layer) => types::DecryptedMessageActionNotifyLayer { layer: *layer }.into(),
        Protocol::RequestKey { exchange, public } => {
            types::DecryptedMessageActionRequestKey { exchange_id: *exchange, g_a: public.clone() }.into()
        }
        Protocol::AcceptKey { exchange, public, fingerprint } => types::DecryptedMessageActionAcceptKey {
            exchange_id: *exchange,
            g_b: public.clone(),
            key_fingerprint: *fingerprint,
        }
        .into(),
        Protocol::CommitKey { exchange, fingerprint } => {
            types::DecryptedMessageActionCommitKey { exchange_id: *exchange, key_fingerprint: *fingerprint }.into()
        }
        Protocol::AbortKey { exchange } => types::DecryptedMessageActionAbortKey { exchange_id: *exchange }.into(),
        Protocol::Noop => enums::DecryptedMessageAction::Noop,
    }
}

fn read_message(message: enums::DecryptedMessage) -> (i64, Content) {
    use enums::DecryptedMessage as M;
    match message {
        M::Message8(old) => {
            let message = Message { text: old.message, ..Message::default() };
            (old.random_id, Content::Message(message.with(old.media).into()))
        }
        M::Message17(old) => {
            let message = Message { text: old.message, ttl_s: old.ttl, ..Message::default() };
            (old.random_id, Content::Message(message.with(old.media).into()))
        }
        M::Message45(old) => {
            let message = Message {
                text: old.message,
                entities: read_entities(old.entities),
                reply_to: old.reply_to_random_id,
                via_bot: old.via_bot_name,
                ttl_s: old.ttl,
                ..Message::default()
            };
            (old.random_id, Content::Message(message.with_optional(old.media).into()))
        }
        M::Message73(new) => {
            let message = Message {
                text: new.message,
                entities: read_entities(new.entities),
                media: None,
                reply_to: new.reply_to_random_id,
                via_bot: new.via_bot_name,
                grouped_id: new.grouped_id,
                ttl_s: new.ttl,
                is_silent: new.silent,
                has_no_preview: new.no_webpage,
            };
            (new.random_id, Content::Message(message.with_optional(new.media).into()))
        }
        M::Service8(old) => (old.random_id, read_action(old.action)),
        M::Service17(new) => (new.random_id, read_action(new.action)),
    }
}

impl Message {
    fn with_optional(self, media: Option<enums::DecryptedMessageMedia>) -> Self {
        match media {
            Some(media) => self.with(media),
            None => self,
        }
    }

    /// The caption of a file is the message's text.
    fn with(mut self, media: enums::DecryptedMessageMedia) -> Self {
        let (media, caption) = read_media(media);
        self.media = media;
        if self.text.is_empty() {
            self.text = caption;
        }
        self
    }
}

fn read_entities(entities: Option<Vec<enums::MessageEntity>>) -> Vec<Entity> {
    entities.into_iter().flatten().map(read_entity).collect()
}

fn read_entity(entity: enums::MessageEntity) -> Entity {
    use enums::MessageEntity as E;
    let entity_of = |offset, length, kind| Entity { offset, length, kind };
    match entity {
        E::Unknown(e) => entity_of(e.offset, e.length, EntityKind::Unknown),
        E::Mention(e) => entity_of(e.offset, e.length, EntityKind::Mention),
        E::Hashtag(e) => entity_of(e.offset, e.length, EntityKind::Hashtag),
        E::BotCommand(e) => entity_of(e.offset, e.length, EntityKind::BotCommand),
        E::Url(e) => entity_of(e.offset, e.length, EntityKind::Url),
        E::Email(e) => entity_of(e.offset, e.length, EntityKind::Email),
        E::Bold(e) => entity_of(e.offset, e.length, EntityKind::Bold),
        E::Italic(e) => entity_of(e.offset, e.length, EntityKind::Italic),
        E::Underline(e) => entity_of(e.offset, e.length, EntityKind::Underline),
        E::Strike(e) => entity_of(e.offset, e.length, EntityKind::Strike),
        E::Spoiler(e) => entity_of(e.offset, e.length, EntityKind::Spoiler),
        E::Blockquote(e) => entity_of(e.offset, e.length, EntityKind::Blockquote),
        E::Code(e) => entity_of(e.offset, e.length, EntityKind::Code),
        E::Pre(e) => entity_of(e.offset, e.length, EntityKind::Pre { language: e.language }),
        E::TextUrl(e) => entity_of(e.offset, e.length, EntityKind::TextUrl { url: e.url }),
        E::CustomEmoji(e) => entity_of(e.offset, e.length, EntityKind::CustomEmoji { document_id: e.document_id }),
        E::MentionName(e) => entity_of(e.offset, e.length, EntityKind::MentionName { user_id: e.user_id.into() }),
        E::Phone(e) => entity_of(e.offset, e.length, EntityKind::Phone),
        E::Cashtag(e) => entity_of(e.offset, e.length, EntityKind::Cashtag),
    }
}

/// What came with a message, and the text under it.
fn read_media(media: enums::DecryptedMessageMedia) -> (Option<Media>, String) {
    use enums::DecryptedMessageMedia as M;
    /// The fields of a file by the names that every constructor has for them.
    macro_rules! file {
        ($m:ident) => {
            file!($m, $m.thumb, $m.thumb_w, $m.thumb_h)
        };
        ($m:ident, $thumb:expr, $w:expr, $h:expr) => {
            FileFields { thumb: $thumb, thumb_w: $w, thumb_h: $h, size: $m.size.into(), key: $m.key, iv: $m.iv }.read()
        };
    }
    let video_type = || "video/mp4".to_owned();
    let audio_type = || "audio/ogg".to_owned();
    let mut caption = String::new();
    let media = match media {
        M::Empty => return (None, caption),
        M::Photo8(m) => file!(m).map(|file| Media::Photo { file, w: m.w, h: m.h }),
        M::Photo45(m) => {
            caption = m.caption;
            file!(m).map(|file| Media::Photo { file, w: m.w, h: m.h })
        }
        M::Video8(m) => {
            file!(m).map(|file| Media::Video { file, mime_type: video_type(), duration_s: m.duration, w: m.w, h: m.h })
        }
        M::Video17(m) => {
            file!(m).map(|file| Media::Video { file, mime_type: m.mime_type, duration_s: m.duration, w: m.w, h: m.h })
        }
        M::Video45(m) => {
            caption = m.caption;
            file!(m).map(|file| Media::Video { file, mime_type: m.mime_type, duration_s: m.duration, w: m.w, h: m.h })
        }
        M::Audio8(m) => file!(m, Vec::new(), 0, 0).map(|file| Media::Audio {
            file,
            mime_type: audio_type(),
            duration_s: m.duration,
        }),
        M::Audio17(m) => {
            file!(m, Vec::new(), 0, 0).map(|file| Media::Audio { file, mime_type: m.mime_type, duration_s: m.duration })
        }
        M::Document8(m) => file!(m).map(|file| Media::Document {
            file,
            mime_type: m.mime_type,
            attributes: vec![Attribute::FileName(m.file_name)],
        }),
        M::Document45(m) => {
            caption = m.caption;
            let attributes = m.attributes.into_iter().map(read_attribute).collect();
            file!(m).map(|file| Media::Document { file, mime_type: m.mime_type, attributes })
        }
        M::Document143(m) => {
            caption = m.caption;
            let attributes = m.attributes.into_iter().map(read_attribute).collect();
            file!(m).map(|file| Media::Document { file, mime_type: m.mime_type, attributes })
        }
        M::ExternalDocument(m) => u64::try_from(m.size).ok().map(|size| Media::ExternalDocument {
            id: m.id,
            access_hash: m.access_hash,
            dc_id: m.dc_id,
            date: m.date,
            size,
            mime_type: m.mime_type,
            attributes: m.attributes.into_iter().map(read_attribute).collect(),
        }),
        M::GeoPoint(m) => Some(Media::Geo { latitude: m.lat, longitude: m.long }),
        M::Venue(m) => Some(Media::Venue {
            latitude: m.lat,
            longitude: m.long,
            title: m.title,
            address: m.address,
            provider: m.provider,
            venue_id: m.venue_id,
        }),
        M::Contact(m) => Some(Media::Contact {
            phone_number: m.phone_number,
            first_name: m.first_name,
            last_name: m.last_name,
            user_id: m.user_id.into(),
        }),
        M::WebPage(m) => Some(Media::WebPage { url: m.url }),
    };
    (Some(media.unwrap_or(Media::Unsupported)), caption)
}

fn read_attribute(attribute: enums::DocumentAttribute) -> Attribute {
    use enums::DocumentAttribute as A;
    let some = |text: String| (!text.is_empty()).then_some(text);
    match attribute {
        A::ImageSize(a) => Attribute::ImageSize { w: a.w, h: a.h },
        A::Animated => Attribute::Animated,
        A::Filename(a) => Attribute::FileName(a.file_name),
        A::Sticker23 => Attribute::Sticker { alt: String::new(), set: None },
        A::Sticker45(a) => {
            let set = match a.stickerset {
                enums::InputStickerSet::ShortName(set) => Some(set.short_name),
                enums::InputStickerSet::Empty => None,
            };
            Attribute::Sticker { alt: a.alt, set }
        }
        A::Video23(a) => Attribute::Video { duration_s: a.duration, w: a.w, h: a.h, is_round: false },
        A::Video66(a) => Attribute::Video { duration_s: a.duration, w: a.w, h: a.h, is_round: a.round_message },
        A::Audio23(a) => audio(a.duration, false, None, None, None),
        A::Audio45(a) => audio(a.duration, false, some(a.title), some(a.performer), None),
        A::Audio46(a) => audio(a.duration, a.voice, a.title, a.performer, a.waveform),
    }
}

fn audio(
    duration_s: i32,
    is_voice: bool,
    title: Option<String>,
    performer: Option<String>,
    waveform: Option<Vec<u8>>,
) -> Attribute {
    Attribute::Audio { duration_s, is_voice, title, performer, waveform }
}

fn read_action(action: enums::DecryptedMessageAction) -> Content {
    use enums::DecryptedMessageAction as A;
    let protocol = match action {
        A::SetMessageTtl(a) => return Content::Action(Action::SetTtl(a.ttl_seconds)),
        A::ReadMessages(a) => return Content::Action(Action::Read(a.random_ids)),
        A::DeleteMessages(a) => return Content::Action(Action::Delete(a.random_ids)),
        A::ScreenshotMessages(a) => return Content::Action(Action::Screenshot(a.random_ids)),
        A::FlushHistory => return Content::Action(Action::Flush),
        A::Typing(a) => {
            let is_on = !matches!(a.action, enums::SendMessageAction::SendMessageCancelAction);
            return Content::Action(Action::Typing(is_on));
        }
        A::Resend(a) => Protocol::Resend { start: a.start_seq_no, end: a.end_seq_no },
        A::NotifyLayer(a) => Protocol::NotifyLayer(a.layer),
        A::RequestKey(a) => Protocol::RequestKey { exchange: a.exchange_id, public: a.g_a },
        A::AcceptKey(a) => {
            Protocol::AcceptKey { exchange: a.exchange_id, public: a.g_b, fingerprint: a.key_fingerprint }
        }
        A::CommitKey(a) => Protocol::CommitKey { exchange: a.exchange_id, fingerprint: a.key_fingerprint },
        A::AbortKey(a) => Protocol::AbortKey { exchange: a.exchange_id },
        A::Noop => Protocol::Noop,
    };
    Content::Protocol(protocol)
}
