//! The calls of the script interface: one table, from which come [`Call`] and all that the host has to know of each.
//!
//! Invariant: a call stands in the table with every one of its columns, or the host does not compile.

use serde::{Deserialize, Serialize};

use crate::{
    CallError, CallGroup, FileKind, FilePart, MessageId, Outcome, Page, PeerId, Presence, TypingState, bounds,
};

/// The table of calls, given to the macro that is named: `tgl::calls!(imports)`.
///
/// The columns: the function in `wit/`; the call and its arguments, each with its bound where its type alone does not bound
/// it; the case of [`Outcome`] it ends with; [`Again`]; the [`Conversation`] that it is in; the message that it [`Names`];
/// the [`CallGroup`] by which it is granted. In the outbox stand calls of earlier versions, as JSON: names of calls and
/// arguments stay as they are.
#[macro_export]
macro_rules! calls {
    ($with:ident) => { $with! {
        get_contacts GetContacts -> Peers, Repeated, Nowhere, Nothing, Contacts;
        get_dialogs GetDialogs -> Dialogs, Repeated, Nowhere, Nothing, Read;
        add_contact AddContact { phone: String [phone], first_name: String [first_name], last_name: String [last_name] }
            -> Peers, Kept, Nowhere, Nothing, Contacts;
        delete_contact DeleteContact { user: PeerId } -> Done, Kept, Nowhere, Nothing, Contacts;
        set_profile_name SetProfileName { first_name: String [first_name], last_name: String [last_name] }
            -> Peer, Kept, Nowhere, Nothing, Profile;
        set_profile_photo SetProfilePhoto { path: String [path] } -> Done, Kept, Nowhere, Nothing, Profile;
        #[serde(with = "bare")]
        set_presence SetPresence { state: Presence } -> Done, Repeated, Nowhere, Nothing, Profile;

        send_message SendMessage
            { to: PeerId, text: String [text], reply_to: Option<MessageId>, preview: Option<bool> }
            -> Message, Kept, SentTo(to), Message(reply_to), Send;
        send_file SendFile { to: PeerId, kind: FileKind, path: String [path] }
            -> Message, Kept, SentTo(to), Nothing, Media;
        send_location SendLocation { to: PeerId, latitude: f64 [degrees], longitude: f64 [degrees] }
            -> Message, Kept, SentTo(to), Nothing, Send;
        send_contact SendContact
            { to: PeerId, phone: String [phone], first_name: String [first_name], last_name: String [last_name] }
            -> Message, Kept, SentTo(to), Nothing, Send;
        forward_message ForwardMessage { to: PeerId, id: MessageId }
            -> Message, Kept, SentTo(to), Contents(id), Send;
        forward_media ForwardMedia { to: PeerId, id: MessageId }
            -> Message, Kept, SentTo(to), Contents(id), Send;
        delete_message DeleteMessage { id: MessageId } -> Done, Kept, Nowhere, Message(id), Edit;
        restore_message RestoreMessage { id: MessageId } -> Done, Repeated, Nowhere, Message(id), Edit;
        mark_read MarkRead { peer: PeerId } -> Done, Kept, About(peer), Nothing, Read;
        set_typing SetTyping { peer: PeerId, state: TypingState }
            -> Done, Repeated, About(peer), Nothing, Send;

        get_history GetHistory { peer: PeerId, page: Page }
            -> Messages, Repeated, About(peer), Nothing, Read;
        search_messages SearchMessages { peer: Option<PeerId>, text: String [searched], page: Page }
            -> Messages, Repeated, About(peer), Nothing, Read;
        get_peer_info GetPeerInfo { peer: PeerId } -> Peer, Repeated, About(peer), Nothing, Read;
        load_file LoadFile { message: MessageId, part: FilePart }
            -> File, Repeated, Nowhere, Contents(message), Media;

        create_chat CreateChat { users: Vec<PeerId> [users], title: String [title] }
            -> Done, Never, Nowhere, Nothing, Groups;
        rename_chat RenameChat { chat: PeerId, title: String [title] }
            -> Done, Kept, About(chat), Nothing, Groups;
        set_chat_photo SetChatPhoto { chat: PeerId, path: String [path] }
            -> Done, Kept, About(chat), Nothing, Groups;
        add_chat_user AddChatUser { chat: PeerId, user: PeerId }
            -> Done, Kept, About(chat), Nothing, Groups;
        delete_chat_user DeleteChatUser { chat: PeerId, user: PeerId }
            -> Done, Kept, About(chat), Nothing, Groups;
        join_chat_by_link JoinChatByLink { link: String [link] } -> Done, Repeated, Nowhere, Nothing, Groups;

        create_secret_chat CreateSecretChat { user: PeerId } -> Peer, Repeated, Nowhere, Nothing, SecretChats;
        accept_secret_chat AcceptSecretChat { chat: PeerId } -> Peer, Repeated, Nowhere, Nothing, SecretChats;
        raw_query RawQuery { text: String [query] } -> Text, Never, Nowhere, Nothing, Raw;
    } };
}

/// When a call that has not completed is made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// Never: twice would be once too often.
    Never,
    /// When the connection broke before the answer came.
    Repeated,
    /// After a restart too, from the outbox: it changes something at the server, and does no harm when the server sees it
    /// twice (sends carry a random id that the server remembers; the others set a state).
    Kept,
}

/// The one conversation that a call is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conversation {
    /// None, or several.
    Nowhere,
    /// It sends a message there, so it keeps its order among others that do.
    SentTo(PeerId),
    /// It is about the conversation, or in some forms about none.
    About(Option<PeerId>),
}

/// The message that a call names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// None.
    Nothing,
    /// This one, if any: what it says is not told to anybody.
    Message(Option<MessageId>),
    /// This one, and what it says reaches the script or somebody else.
    Contents(MessageId),
}

impl Conversation {
    /// Which one, if any.
    pub fn peer(self) -> Option<PeerId> {
        match self {
            Self::Nowhere => None,
            Self::SentTo(peer) => Some(peer),
            Self::About(peer) => peer,
        }
    }
}

macro_rules! make_calls {
    ($(
        $(#[$attribute:meta])*
        $function:ident $call:ident $({ $($argument:ident: $type:ty $([$bound:ident])?),* })?
        -> $outcome:ident, $again:ident, $conversation:ident $(($peer:ident))?, $names:ident $(($id:ident))?, $group:ident;
    )*) => {
        /// One call of the script interface.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[allow(missing_docs, reason = "wit/v0.1/script.wit documents every call and argument, under the same names")]
        pub enum Call {
            $(
                #[doc = concat!("Ends with [`Outcome::", stringify!($outcome), "`].")]
                $(#[$attribute])*
                $call $({ $($argument: $type),* })?,
            )*
            /// A send that stays in a topic of its group, which is named by the message that began it. Guests have no word for
            /// it: the host says so of what a script sends while it answers a message of the topic.
            InTopic { topic: MessageId, send: Box<Call> },
        }

        impl Call {
            /// The function of the contract that a guest called, for people.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$call { .. } => stringify!($function),)*
                    Self::InTopic { send, .. } => send.name(),
                }
            }

            /// Whether its arguments can be meant.
            ///
            /// # Errors
            /// What is too large in it, or no number, in words for the script's author.
            pub fn check(&self) -> Result<(), CallError> {
                match self {
                    $(Self::$call { $($($argument),*)? } => {
                        $($(bounded!($argument $($bound)?);)*)?
                        Ok(())
                    })*
                    Self::InTopic { send, .. } => send.check(),
                }
            }

            /// Whether it ends with an outcome of this kind.
            pub fn ends_with(&self, outcome: &Outcome) -> bool {
                match self {
                    $(Self::$call { .. } => matches!(outcome, Outcome::$outcome { .. }),)*
                    Self::InTopic { send, .. } => send.ends_with(outcome),
                }
            }

            /// Whether what it ends with is a list, or a text, which may be long.
            pub fn gives_list(&self) -> bool {
                match self {
                    $(Self::$call { .. } => matches!(stringify!($outcome), "Messages" | "Dialogs" | "Peers" | "Text"),)*
                    Self::InTopic { send, .. } => send.gives_list(),
                }
            }

            /// When it is made again.
            pub fn again(&self) -> Again {
                match self {
                    $(Self::$call { .. } => Again::$again,)*
                    Self::InTopic { send, .. } => send.again(),
                }
            }

            /// The conversation that it is in.
            #[allow(unused_variables, reason = "most arguments name none")]
            pub fn conversation(&self) -> Conversation {
                match self {
                    $(Self::$call { $($($argument),*)? } => Conversation::$conversation $(((*$peer).into()))?,)*
                    Self::InTopic { send, .. } => send.conversation(),
                }
            }

            /// The message that it names.
            #[allow(unused_variables, reason = "most arguments name none")]
            pub fn names(&self) -> Names {
                match self {
                    $(Self::$call { $($($argument),*)? } => Names::$names $(((*$id).into()))?,)*
                    Self::InTopic { send, .. } => send.names(),
                }
            }

            /// The group by which it is granted.
            pub fn group(&self) -> CallGroup {
                match self {
                    $(Self::$call { .. } => CallGroup::$group,)*
                    Self::InTopic { send, .. } => send.group(),
                }
            }

            /// Every peer that its arguments name.
            pub fn peers(&self) -> Vec<PeerId> {
                match self {
                    $(Self::$call { $($($argument),*)? } => {
                        #[allow(unused_mut, reason = "some have no arguments")]
                        let mut peers = Vec::new();
                        $($(peers.extend_from_slice($argument.named_peers());)*)?
                        peers
                    })*
                    Self::InTopic { send, .. } => send.peers(),
                }
            }
        }
    };
}

/// Checks an argument by its bound; one without a bound has to be of a type that needs none.
macro_rules! bounded {
    ($argument:ident $bound:ident) => {
        bounds::$bound($argument)?
    };
    ($argument:ident) => {
        bounds::any($argument)
    };
}

/// The peers that an argument names. Every type of argument says so, lest one is forgotten.
trait NamesPeers {
    fn named_peers(&self) -> &[PeerId] {
        &[]
    }
}

impl NamesPeers for PeerId {
    fn named_peers(&self) -> &[PeerId] {
        std::slice::from_ref(self)
    }
}

impl NamesPeers for Option<PeerId> {
    fn named_peers(&self) -> &[PeerId] {
        self.as_slice()
    }
}

impl NamesPeers for Vec<PeerId> {
    fn named_peers(&self) -> &[PeerId] {
        self
    }
}

macro_rules! name_no_peers {
    ($($argument:ty),*) => {
        $(impl NamesPeers for $argument {})*
    };
}

name_no_peers!(
    String,
    f64,
    MessageId,
    Option<MessageId>,
    Option<bool>,
    FileKind,
    FilePart,
    Page,
    Presence,
    TypingState
);

calls!(make_calls);

impl Call {
    /// The conversation into which the call sends a message, if it does.
    pub fn destination(&self) -> Option<PeerId> {
        match self.conversation() {
            Conversation::SentTo(peer) => Some(peer),
            Conversation::About(_) | Conversation::Nowhere => None,
        }
    }

    /// Whether it asks Telegram in its own words, and so may send something, anywhere.
    pub fn is_raw(&self) -> bool {
        matches!(self, Self::RawQuery { .. })
    }

    /// Whether the call is kept in the outbox and made again after a restart that came before its completion.
    pub fn survives_restart(&self) -> bool {
        self.again() == Again::Kept
    }
}

/// A call's only argument, kept without its name.
mod bare {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<T: Serialize, S: Serializer>(argument: &T, to: S) -> Result<S::Ok, S::Error> {
        argument.serialize(to)
    }

    pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        T::deserialize(from)
    }
}
