//! What a script may do on its account: which calls, in which chats, and what of the account it sees.
//!
//! Invariant: nothing is granted by default, and what two grants hold both is never more than one of them.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::{Call, Event, Message, Peer, PeerDetails, PeerId, PeerKind, SecretChat, User};

/// Telegram's accounts that write login codes and other notices to users, the present one and the one before it.
const SERVICE_USERS: [i64; 2] = [777_000, 333_000];

/// Chats that may be listed by themselves.
pub const CHATS_LISTED_MAX: usize = 1_000;

/// Methods of raw queries that may be listed.
pub const METHODS_LISTED_MAX: usize = 200;

/// Calls that are granted together. Each call of the table is of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallGroup {
    /// See messages: as they come, in histories and searches, and in the list of chats; mark them as read.
    Read,
    /// Send messages, without files.
    Send,
    /// Delete messages, and bring them back.
    Edit,
    /// Send and load files.
    Media,
    /// List, add and remove contacts.
    Contacts,
    /// Make groups and join them, change their titles, photos and members.
    Groups,
    /// Change the account's own name and photo, and whether it seems to be online.
    Profile,
    /// Begin and accept secret chats.
    SecretChats,
    /// Ask Telegram in its own words. It is granted by the names of the methods, and not as a whole.
    Raw,
}

/// One kind of chat, as people tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChatKind {
    /// Private chats with people and bots.
    Users,
    /// Basic groups, supergroups and channels.
    Groups,
    /// End-to-end encrypted chats.
    SecretChats,
}

/// Which chats.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chats {
    /// All of these kinds.
    pub kinds: BTreeSet<ChatKind>,
    /// And these.
    pub listed: BTreeSet<PeerId>,
}

/// Who can give a script more than it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Giver {
    /// Whoever writes the command line of `tglhost run`.
    #[default]
    CommandLine,
    /// Whoever keeps the tenant's file.
    TenantFile,
}

/// What a script may do on its account. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// The calls it may make, by their groups.
    pub calls: BTreeSet<CallGroup>,
    /// The methods that it may ask by raw queries. They reach every chat of the account.
    pub raw: Arc<BTreeSet<String>>,
    /// The chats that it hears of, sees and may write to.
    pub chats: Arc<Chats>,
    /// See messages of Telegram's service account. Who has a login code of it can take the account over.
    pub service_messages: bool,
    /// Where more is to be had.
    pub giver: Giver,
}

impl CallGroup {
    /// Those that are granted as a whole, with their names.
    pub const NAMED: [(Self, &'static str); 8] = [
        (Self::Read, "read"),
        (Self::Send, "send"),
        (Self::Edit, "edit"),
        (Self::Media, "media"),
        (Self::Contacts, "contacts"),
        (Self::Groups, "groups"),
        (Self::Profile, "profile"),
        (Self::SecretChats, "secret-chats"),
    ];

    /// What it lets a script do, for people.
    pub fn about(self) -> &'static str {
        match self {
            Self::Read => "see messages: as they come, in histories and searches; mark them as read",
            Self::Send => "send messages, without files",
            Self::Edit => "delete messages, and bring them back",
            Self::Media => "send and load files",
            Self::Contacts => "list, add and remove contacts",
            Self::Groups => "make and join groups, change their titles, photos and members",
            Self::Profile => "change the account's name and photo, and whether it seems to be online",
            Self::SecretChats => "begin and accept secret chats",
            Self::Raw => "ask Telegram in its own words",
        }
    }
}

impl ChatKind {
    /// Every one, with its name.
    pub const NAMED: [(Self, &'static str); 3] =
        [(Self::Users, "users"), (Self::Groups, "groups"), (Self::SecretChats, "secret-chats")];

    /// What a peer is.
    pub fn of(peer: PeerId) -> Self {
        match peer.kind {
            PeerKind::User => Self::Users,
            PeerKind::Chat | PeerKind::Channel => Self::Groups,
            PeerKind::SecretChat => Self::SecretChats,
        }
    }
}

impl Chats {
    /// Every chat.
    pub fn all() -> Self {
        Self { kinds: ChatKind::NAMED.map(|(kind, _)| kind).into(), listed: BTreeSet::new() }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty() && self.listed.is_empty()
    }

    /// Whether this one is among them.
    pub fn has(&self, chat: PeerId) -> bool {
        self.kinds.contains(&ChatKind::of(chat)) || self.listed.contains(&chat)
    }

    /// Whether every chat is among them.
    pub fn are_all(&self) -> bool {
        self.kinds.len() == ChatKind::NAMED.len()
    }

    /// Those that are among both.
    pub fn and(&self, other: &Self) -> Self {
        let listed = self.listed.union(&other.listed).copied().filter(|chat| self.has(*chat) && other.has(*chat));
        Self { listed: listed.collect(), kinds: self.kinds.intersection(&other.kinds).copied().collect() }
    }
}

impl Grants {
    /// What suits a script that its user trusts: everything but Telegram's own words and the service account's messages.
    pub fn trusted() -> Self {
        Self {
            calls: CallGroup::NAMED.map(|(group, _)| group).into(),
            raw: Arc::default(),
            chats: Arc::new(Chats::all()),
            service_messages: false,
            giver: Giver::CommandLine,
        }
    }

    /// What both allow; more is to be had where more of the first is.
    pub fn and(&self, other: &Self) -> Self {
        Self {
            calls: self.calls.intersection(&other.calls).copied().collect(),
            raw: Arc::new(self.raw.intersection(&other.raw).cloned().collect()),
            chats: Arc::new(self.chats.and(&other.chats)),
            service_messages: self.service_messages && other.service_messages,
            giver: self.giver,
        }
    }

    /// The group that a call would need and is not granted.
    pub fn lacks(&self, call: &Call) -> Option<CallGroup> {
        let group = call.group();
        let is_granted = match group {
            CallGroup::Raw => !self.raw.is_empty(),
            group => self.calls.contains(&group),
        };
        (!is_granted).then_some(group)
    }

    /// The message as the script may see it, if it may see it at all. One of the service account that somebody has
    /// forwarded is there, but not what it says.
    pub fn shown(&self, message: Message) -> Option<Message> {
        if !self.sees_messages_of(&message) {
            return None;
        }
        if self.service_messages || !message.is_secret() {
            return Some(message);
        }
        let chat = message.source.into_iter().chain([message.destination]);
        let is_elsewhere = !chat.into_iter().any(PeerId::is_service);
        is_elsewhere.then_some(Message { text: None, media: None, ..message })
    }

    /// The event as the script may hear of it, if it may at all.
    pub fn shown_event<'a>(&self, event: &'a Event) -> Option<Cow<'a, Event>> {
        match event {
            Event::Message(message) if !self.sees_messages_of(message) => None,
            Event::Message(message) if !self.service_messages && message.is_secret() => {
                self.shown(message.clone()).map(|message| Cow::Owned(Event::Message(message)))
            }
            Event::Message(_) => Some(Cow::Borrowed(event)),
            Event::UserUpdate { user: peer, .. }
            | Event::ChatUpdate { chat: peer, .. }
            | Event::SecretChatUpdate { chat: peer, .. } => self.chats.has(peer.id()).then_some(Cow::Borrowed(event)),
        }
    }

    /// The peer as the script may see it. Who writes in a chat that is granted has a name, and no phone number.
    pub fn shown_peer(&self, peer: Peer) -> Option<Peer> {
        if self.chats.has(peer.id()) {
            return Some(peer);
        }
        match peer.details {
            PeerDetails::User(user) if !self.chats.is_empty() => {
                let user = User { phone: None, ..user };
                Some(Peer { details: PeerDetails::User(user), ..peer })
            }
            PeerDetails::User(_)
            | PeerDetails::Chat(_)
            | PeerDetails::Channel(_)
            | PeerDetails::SecretChat(SecretChat { .. }) => None,
        }
    }

    fn sees_messages_of(&self, message: &Message) -> bool {
        self.calls.contains(&CallGroup::Read) && self.chats.has(message.chat())
    }
}

impl PeerId {
    /// Whether it is Telegram's service account.
    pub fn is_service(self) -> bool {
        self.kind == PeerKind::User && SERVICE_USERS.contains(&self.id)
    }
}

impl Message {
    /// The conversation that it stands in.
    pub fn chat(&self) -> PeerId {
        match self.source {
            Some(source) if self.destination.kind == PeerKind::User && !self.flags.outgoing => source,
            _ => self.destination,
        }
    }

    /// Whether it is of Telegram's service account or of the conversation with it, or was forwarded from there.
    pub fn is_secret(&self) -> bool {
        let forwarded_from = self.forward.and_then(|forward| forward.source);
        [Some(self.destination), self.source, forwarded_from].into_iter().flatten().any(PeerId::is_service)
    }
}

/// A name of a grant that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownName {
    /// What would be one.
    known: String,
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "use {}", self.known)
    }
}

impl std::error::Error for UnknownName {}

fn named<T: Copy>(name: &str, all: &[(T, &'static str)], more: &str) -> Result<T, UnknownName> {
    let found = all.iter().find(|(_, known)| *known == name).map(|(one, _)| *one);
    found.ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|(_, known)| *known).collect();
        UnknownName { known: format!("{}{more}", names.join(", ")) }
    })
}

impl FromStr for CallGroup {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        named(name, &Self::NAMED, "; raw queries are granted by their methods, in `raw`")
    }
}

impl fmt::Display for CallGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::NAMED.iter().find(|(group, _)| group == self).map(|(_, name)| *name);
        f.write_str(name.unwrap_or("raw"))
    }
}

/// A word for chats: a kind, or one chat as telegram-cli names it: `user#5`, `chat#7`, `channel#9`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChatWord {
    /// All chats of a kind.
    Kind(ChatKind),
    /// One chat.
    One(PeerId),
}

impl FromStr for ChatWord {
    type Err = UnknownName;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let one = word.split_once('#').and_then(|(kind, id)| {
            let id: i64 = id.parse().ok().filter(|id| *id > 0)?;
            match kind {
                "user" => Some(PeerId::user(id)),
                "chat" => Some(PeerId::chat(id)),
                "channel" => Some(PeerId::channel(id)),
                _ => None,
            }
        });
        match one {
            Some(one) => Ok(Self::One(one)),
            None => named(word, &ChatKind::NAMED, ", or one chat as user#5, chat#7 or channel#9").map(Self::Kind),
        }
    }
}

impl FromIterator<ChatWord> for Chats {
    fn from_iter<T: IntoIterator<Item = ChatWord>>(words: T) -> Self {
        let mut chats = Self::default();
        for word in words {
            match word {
                ChatWord::Kind(kind) => drop(chats.kinds.insert(kind)),
                ChatWord::One(chat) => drop(chats.listed.insert(chat)),
            }
        }
        chats
    }
}
