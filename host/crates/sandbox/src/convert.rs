//! Between `tgl`'s values and those of the contract. The shapes are the same; only the types differ.
//!
//! Invariant: every field of either side is named here, so that a change of one does not compile without the other.

use tgl::{
    CallError, Changes, ContactCard, Dialog, Failure, FileKind, FilePart, Forward, GeoPoint, Group, Media, Message,
    MessageFlags, Outcome, Page, Peer, PeerDetails, PeerId, PeerKind, Presence, SecretChat, ServiceAction, TypingState,
    User, UserStatus, Venue, WebPage,
};

use crate::bindings::tgl::script::{calls, types};

impl From<types::PeerId> for PeerId {
    fn from(id: types::PeerId) -> Self {
        let types::PeerId { kind, id } = id;
        let kind = match kind {
            types::PeerKind::User => PeerKind::User,
            types::PeerKind::Chat => PeerKind::Chat,
            types::PeerKind::Channel => PeerKind::Channel,
            types::PeerKind::SecretChat => PeerKind::SecretChat,
        };
        Self { kind, id }
    }
}

impl From<calls::Page> for Page {
    fn from(page: calls::Page) -> Self {
        let calls::Page { offset, limit } = page;
        Self { offset, limit }
    }
}

impl From<calls::FileKind> for FileKind {
    fn from(kind: calls::FileKind) -> Self {
        match kind {
            calls::FileKind::Photo => Self::Photo,
            calls::FileKind::Video => Self::Video,
            calls::FileKind::Audio => Self::Audio,
            calls::FileKind::Document => Self::Document,
            calls::FileKind::Detect => Self::Detect,
            calls::FileKind::Text => Self::Text,
        }
    }
}

impl From<calls::FilePart> for FilePart {
    fn from(part: calls::FilePart) -> Self {
        match part {
            calls::FilePart::Photo => Self::Photo,
            calls::FilePart::Video => Self::Video,
            calls::FilePart::Audio => Self::Audio,
            calls::FilePart::Document => Self::Document,
            calls::FilePart::VideoThumbnail => Self::VideoThumbnail,
            calls::FilePart::DocumentThumbnail => Self::DocumentThumbnail,
        }
    }
}

impl From<calls::TypingState> for TypingState {
    fn from(state: calls::TypingState) -> Self {
        match state {
            calls::TypingState::Typing => Self::Typing,
            calls::TypingState::Cancelled => Self::Cancelled,
        }
    }
}

impl From<calls::Presence> for Presence {
    fn from(state: calls::Presence) -> Self {
        match state {
            calls::Presence::Online => Self::Online,
            calls::Presence::Offline => Self::Offline,
        }
    }
}

impl From<&User> for types::User {
    fn from(user: &User) -> Self {
        let User { id, first_name, last_name, username, phone, status: UserStatus { online, when } } = user;
        Self {
            id: *id,
            first_name: first_name.clone(),
            last_name: last_name.clone(),
            username: username.clone(),
            phone: phone.clone(),
            status: types::UserStatus { online: *online, when: *when },
        }
    }
}

impl From<&Group> for types::Group {
    fn from(group: &Group) -> Self {
        let Group { id, title, username, member_ids } = group;
        Self { id: *id, title: title.clone(), username: username.clone(), member_ids: member_ids.clone() }
    }
}

impl From<&Peer> for types::Peer {
    fn from(peer: &Peer) -> Self {
        let Peer { name, details } = peer;
        let details = match details {
            PeerDetails::User(user) => types::PeerDetails::User(user.into()),
            PeerDetails::Chat(group) => types::PeerDetails::Chat(group.into()),
            PeerDetails::Channel(group) => types::PeerDetails::Channel(group.into()),
            PeerDetails::SecretChat(SecretChat { id, user }) => {
                types::PeerDetails::SecretChat(types::SecretChat { id: *id, user: user.into() })
            }
        };
        Self { name: name.clone(), details }
    }
}

impl From<&GeoPoint> for types::GeoPoint {
    fn from(point: &GeoPoint) -> Self {
        let GeoPoint { latitude, longitude } = *point;
        Self { latitude, longitude }
    }
}

impl From<&Media> for types::Media {
    fn from(media: &Media) -> Self {
        match media {
            Media::Photo(caption) => Self::Photo(caption.clone()),
            Media::Document => Self::Document,
            Media::Geo(point) => Self::Geo(point.into()),
            Media::Contact(ContactCard { phone, first_name, last_name, user_id }) => {
                Self::Contact(types::ContactCard {
                    phone: phone.clone(),
                    first_name: first_name.clone(),
                    last_name: last_name.clone(),
                    user_id: *user_id,
                })
            }
            Media::WebPage(WebPage { url, title, description, author }) => Self::WebPage(types::WebPage {
                url: url.clone(),
                title: title.clone(),
                description: description.clone(),
                author: author.clone(),
            }),
            Media::Venue(Venue { point, title, address, provider, id }) => Self::Venue(types::Venue {
                point: point.into(),
                title: title.clone(),
                address: address.clone(),
                provider: provider.clone(),
                id: id.clone(),
            }),
            Media::Unsupported => Self::Unsupported,
        }
    }
}

impl From<&Message> for types::Message {
    fn from(message: &Message) -> Self {
        let Message { id, flags, source, destination, text, media, date, forward, reply_to, action } = message;
        Self {
            id: *id,
            flags: message_flags(flags),
            source: source.map(peer_id),
            destination: peer_id(*destination),
            text: text.clone(),
            media: media.as_ref().map(Into::into),
            date: *date,
            forward: forward.map(|Forward { source, date }| types::Forward { source: source.map(peer_id), date }),
            reply_to: *reply_to,
            action: service_action(*action),
        }
    }
}

impl From<&Dialog> for types::Dialog {
    fn from(dialog: &Dialog) -> Self {
        let Dialog { peer, last_message, unread_count } = dialog;
        Self { peer: peer.into(), last_message: last_message.as_ref().map(Into::into), unread_count: *unread_count }
    }
}

impl From<&Outcome> for types::Outcome {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::Done,
            Outcome::Message(message) => Self::Message(message.into()),
            Outcome::Messages(messages) => Self::Messages(messages.iter().map(Into::into).collect()),
            Outcome::Peer(peer) => Self::Peer(peer.into()),
            Outcome::Peers(peers) => Self::Peers(peers.iter().map(Into::into).collect()),
            Outcome::Dialogs(dialogs) => Self::Dialogs(dialogs.iter().map(Into::into).collect()),
            Outcome::File(path) => Self::File(path.clone()),
            Outcome::Text(text) => Self::Text(text.clone()),
        }
    }
}

impl From<&CallError> for types::CallError {
    fn from(error: &CallError) -> Self {
        let CallError { kind, detail } = error;
        let kind = match kind {
            Failure::NotGranted => types::Failure::NotGranted,
            Failure::LimitReached => types::Failure::LimitReached,
            Failure::NotFound => types::Failure::NotFound,
            Failure::Refused => types::Failure::Refused,
            Failure::Unavailable => types::Failure::Unavailable,
            Failure::Invalid => types::Failure::Invalid,
        };
        Self { kind, detail: detail.clone() }
    }
}

impl From<&Changes> for types::Changes {
    fn from(changes: &Changes) -> Self {
        let Changes {
            created,
            deleted,
            phone,
            contact,
            photo,
            blocked,
            real_name,
            name,
            requested,
            working,
            flags,
            title,
            admin,
            members,
            access_hash,
            username,
        } = *changes;
        [
            (created, Self::CREATED),
            (deleted, Self::DELETED),
            (phone, Self::PHONE),
            (contact, Self::CONTACT),
            (photo, Self::PHOTO),
            (blocked, Self::BLOCKED),
            (real_name, Self::REAL_NAME),
            (name, Self::NAME),
            (requested, Self::REQUESTED),
            (working, Self::WORKING),
            (flags, Self::FLAGS),
            (title, Self::TITLE),
            (admin, Self::ADMIN),
            (members, Self::MEMBERS),
            (access_hash, Self::ACCESS_HASH),
            (username, Self::USERNAME),
        ]
        .into_iter()
        .fold(Self::empty(), |all, (set, flag)| if set { all | flag } else { all })
    }
}

fn peer_id(id: PeerId) -> types::PeerId {
    let PeerId { kind, id } = id;
    let kind = match kind {
        PeerKind::User => types::PeerKind::User,
        PeerKind::Chat => types::PeerKind::Chat,
        PeerKind::Channel => types::PeerKind::Channel,
        PeerKind::SecretChat => types::PeerKind::SecretChat,
    };
    types::PeerId { kind, id }
}

fn message_flags(flags: &MessageFlags) -> types::MessageFlags {
    use types::MessageFlags as To;
    let MessageFlags { unread, outgoing, mention, created, pending, deleted, encrypted, service } = *flags;
    [
        (unread, To::UNREAD),
        (outgoing, To::OUTGOING),
        (mention, To::MENTION),
        (created, To::CREATED),
        (pending, To::PENDING),
        (deleted, To::DELETED),
        (encrypted, To::ENCRYPTED),
        (service, To::SERVICE),
    ]
    .into_iter()
    .fold(To::empty(), |all, (set, flag)| if set { all | flag } else { all })
}

fn service_action(action: ServiceAction) -> types::ServiceAction {
    use types::ServiceAction as To;
    match action {
        ServiceAction::None => To::None,
        ServiceAction::ChatCreate => To::ChatCreate,
        ServiceAction::ChatEditTitle => To::ChatEditTitle,
        ServiceAction::ChatEditPhoto => To::ChatEditPhoto,
        ServiceAction::ChatDeletePhoto => To::ChatDeletePhoto,
        ServiceAction::ChatAddUser => To::ChatAddUser,
        ServiceAction::ChatAddUserByLink => To::ChatAddUserByLink,
        ServiceAction::ChatDeleteUser => To::ChatDeleteUser,
        ServiceAction::SetMessageTtl => To::SetMessageTtl,
        ServiceAction::ReadMessages => To::ReadMessages,
        ServiceAction::DeleteMessages => To::DeleteMessages,
        ServiceAction::ScreenshotMessages => To::ScreenshotMessages,
        ServiceAction::FlushHistory => To::FlushHistory,
        ServiceAction::Resend => To::Resend,
        ServiceAction::NotifyLayer => To::NotifyLayer,
        ServiceAction::Typing => To::Typing,
        ServiceAction::Noop => To::Noop,
        ServiceAction::CommitKey => To::CommitKey,
        ServiceAction::AbortKey => To::AbortKey,
        ServiceAction::RequestKey => To::RequestKey,
        ServiceAction::AcceptKey => To::AcceptKey,
    }
}
