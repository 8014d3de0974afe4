//! Between `tgl`'s values and those of the contract. The shapes are the same; only the types differ.
//!
//! Invariant: every field and every case that crosses is named here, so that a change of one side does not compile without the
//! other.

use crate::bindings::tgl::script::{calls, types};

/// What the host gives to a guest.
pub(crate) trait ToGuest {
    /// Its type in the contract.
    type Guest;

    fn to_guest(&self) -> Self::Guest;
}

/// What the host takes from a guest.
pub(crate) trait FromGuest {
    /// Its type in the contract.
    type Guest;

    fn from_guest(guest: Self::Guest) -> Self;
}

/// Types that are the same on both sides.
macro_rules! same {
    ($($same:ty),*) => {$(
        impl ToGuest for $same {
            type Guest = Self;

            fn to_guest(&self) -> Self {
                Self::clone(self)
            }
        }

        impl FromGuest for $same {
            type Guest = Self;

            fn from_guest(guest: Self) -> Self {
                guest
            }
        }
    )*};
}

macro_rules! records_to_guest {
    ($($record:ident { $($field:ident),* })*) => {$(
        impl ToGuest for tgl::$record {
            type Guest = types::$record;

            fn to_guest(&self) -> Self::Guest {
                let Self { $($field),* } = self;
                types::$record { $($field: $field.to_guest()),* }
            }
        }
    )*};
}

macro_rules! variants_to_guest {
    ($($variant:ident { $($case:ident $(($value:ident))?),* })*) => {$(
        impl ToGuest for tgl::$variant {
            type Guest = types::$variant;

            fn to_guest(&self) -> Self::Guest {
                match self {
                    $(Self::$case $(($value))? => types::$variant::$case $(($value.to_guest()))?),*
                }
            }
        }
    )*};
}

/// Facts: fields here, flags in the contract.
macro_rules! flags_to_guest {
    ($($flags:ident { $($field:ident $flag:ident),* })*) => {$(
        impl ToGuest for tgl::$flags {
            type Guest = types::$flags;

            fn to_guest(&self) -> Self::Guest {
                let Self { $($field),* } = *self;
                let none = types::$flags::empty();
                none $(| if $field { types::$flags::$flag } else { none })*
            }
        }
    )*};
}

macro_rules! records_from_guest {
    ($($interface:ident :: $record:ident { $($field:ident),* })*) => {$(
        impl FromGuest for tgl::$record {
            type Guest = $interface::$record;

            fn from_guest(guest: Self::Guest) -> Self {
                let $interface::$record { $($field),* } = guest;
                Self { $($field: FromGuest::from_guest($field)),* }
            }
        }
    )*};
}

macro_rules! variants_from_guest {
    ($($interface:ident :: $variant:ident { $($case:ident),* })*) => {$(
        impl FromGuest for tgl::$variant {
            type Guest = $interface::$variant;

            fn from_guest(guest: Self::Guest) -> Self {
                match guest {
                    $($interface::$variant::$case => Self::$case),*
                }
            }
        }
    )*};
}

same!(String, bool, i64, u32, f64);

records_to_guest! {
    PeerId { kind, id }
    UserStatus { online, when }
    User { id, first_name, last_name, username, phone, status }
    Group { id, title, username, member_ids }
    SecretChat { id, user }
    Peer { name, details }
    GeoPoint { latitude, longitude }
    ContactCard { phone, first_name, last_name, user_id }
    WebPage { url, title, description, author }
    Venue { point, title, address, provider, id }
    Forward { source, date }
    Message { id, flags, source, destination, text, media, date, forward, reply_to, action }
    Dialog { peer, last_message, unread_count }
    CallError { kind, detail }
}

variants_to_guest! {
    PeerKind { User, Chat, Channel, SecretChat }
    PeerDetails { User(user), Chat(group), Channel(group), SecretChat(chat) }
    Media { Photo(caption), Document, Geo(point), Contact(card), WebPage(page), Venue(venue), Unsupported }
    ServiceAction {
        None, ChatCreate, ChatEditTitle, ChatEditPhoto, ChatDeletePhoto, ChatAddUser, ChatAddUserByLink, ChatDeleteUser,
        SetMessageTtl, ReadMessages, DeleteMessages, ScreenshotMessages, FlushHistory, Resend, NotifyLayer, Typing, Noop,
        CommitKey, AbortKey, RequestKey, AcceptKey
    }
    Outcome {
        Done, Message(message), Messages(messages), Peer(peer), Peers(peers), Dialogs(dialogs), File(path), Text(text)
    }
    Failure { NotGranted, LimitReached, NotFound, Refused, Unavailable, Invalid }
}

flags_to_guest! {
    MessageFlags {
        unread UNREAD, outgoing OUTGOING, mention MENTION, created CREATED, pending PENDING, deleted DELETED,
        encrypted ENCRYPTED, service SERVICE
    }
    Changes {
        created CREATED, deleted DELETED, phone PHONE, contact CONTACT, photo PHOTO, blocked BLOCKED,
        real_name REAL_NAME, name NAME, requested REQUESTED, working WORKING, flags FLAGS, title TITLE, admin ADMIN,
        members MEMBERS, access_hash ACCESS_HASH, username USERNAME
    }
}

records_from_guest! {
    types::PeerId { kind, id }
    calls::Page { offset, limit }
}

variants_from_guest! {
    types::PeerKind { User, Chat, Channel, SecretChat }
    calls::FileKind { Photo, Video, Audio, Document, Detect, Text }
    calls::FilePart { Photo, Video, Audio, Document, VideoThumbnail, DocumentThumbnail }
    calls::TypingState { Typing, Cancelled }
    calls::Presence { Online, Offline }
}

impl<T: ToGuest> ToGuest for Option<T> {
    type Guest = Option<T::Guest>;

    fn to_guest(&self) -> Self::Guest {
        self.as_ref().map(T::to_guest)
    }
}

impl<T: ToGuest> ToGuest for Vec<T> {
    type Guest = Vec<T::Guest>;

    fn to_guest(&self) -> Self::Guest {
        self.iter().map(T::to_guest).collect()
    }
}

impl<T: FromGuest> FromGuest for Option<T> {
    type Guest = Option<T::Guest>;

    fn from_guest(guest: Self::Guest) -> Self {
        guest.map(T::from_guest)
    }
}

impl<T: FromGuest> FromGuest for Vec<T> {
    type Guest = Vec<T::Guest>;

    fn from_guest(guest: Self::Guest) -> Self {
        guest.into_iter().map(T::from_guest).collect()
    }
}
