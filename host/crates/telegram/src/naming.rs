//! How the server names what scripts name: peers, groups and messages.
//!
//! Invariant: what this account has never met has no name, and nothing here asks the server for one.

use grammers_tl_types as tl;
use store::ServerMessage;
use tgl::{Failure, MessageId, PeerId, PeerKind};
use tl::{enums, types};

use crate::context::Context;
use crate::fault::Fault;

/// A group as the server's methods tell groups apart.
pub(crate) enum Group {
    /// messages.*
    Basic(i64),
    /// channels.*
    Channel(enums::InputChannel),
}

impl Context {
    /// Where a conversation goes on: a basic group that has become a supergroup is written to there.
    pub(crate) fn current(&self, id: PeerId) -> Result<PeerId, Fault> {
        if id.kind != PeerKind::Chat {
            return Ok(id);
        }
        let migrated_to = self.known(id)?.and_then(|record| record.facts.migrated_to);
        Ok(migrated_to.map_or(id, PeerId::channel))
    }

    /// How the server wants a peer to be named.
    pub(crate) fn input_peer(&self, id: PeerId) -> Result<enums::InputPeer, Fault> {
        match id.kind {
            PeerKind::User => match self.input_user(id)? {
                enums::InputUser::User(user) => {
                    Ok(types::InputPeerUser { user_id: user.user_id, access_hash: user.access_hash }.into())
                }
                enums::InputUser::FromMessage(user) => {
                    Ok(types::InputPeerUserFromMessage { peer: user.peer, msg_id: user.msg_id, user_id: user.user_id }
                        .into())
                }
                _ => Err(unknown(id)),
            },
            PeerKind::Chat if self.known(id)?.is_some() => Ok(types::InputPeerChat { chat_id: id.id }.into()),
            PeerKind::Channel => {
                let access_hash = self.channel_hash(id)?;
                Ok(types::InputPeerChannel { channel_id: id.id, access_hash }.into())
            }
            PeerKind::Chat => Err(unknown(id)),
            PeerKind::SecretChat => Err(unsupported()),
        }
    }

    /// How the server wants a user to be named. Of whom we have no access hash, a message says who is meant.
    pub(crate) fn input_user(&self, id: PeerId) -> Result<enums::InputUser, Fault> {
        if id.kind != PeerKind::User {
            return Err(Fault::invalid("a user is wanted here, not a group"));
        }
        let record = self.known(id)?.ok_or_else(|| unknown(id))?;
        let met_in = record.facts.met_in.filter(|_| record.access_hash.is_none());
        let met_in = met_in.map(|message| self.server_message(message)).transpose()?;
        if let Some(ServerMessage { chat: Some(chat), id: msg_id }) = met_in {
            let peer = self.input_peer(chat)?;
            return Ok(types::InputUserFromMessage { peer, msg_id, user_id: id.id }.into());
        }
        // Bots need no access hash.
        Ok(types::InputUser { user_id: id.id, access_hash: record.access_hash.unwrap_or_default() }.into())
    }

    /// How the server wants a supergroup or channel to be named.
    pub(crate) fn input_channel(&self, id: PeerId) -> Result<enums::InputChannel, Fault> {
        let access_hash = self.channel_hash(id)?;
        Ok(types::InputChannel { channel_id: id.id, access_hash }.into())
    }

    /// The group that is meant, of either kind, where it goes on.
    pub(crate) fn group(&self, id: PeerId) -> Result<Group, Fault> {
        let id = self.current(id)?;
        match id.kind {
            PeerKind::Chat => Ok(Group::Basic(id.id)),
            PeerKind::Channel => Ok(Group::Channel(self.input_channel(id)?)),
            PeerKind::User => Err(Fault::invalid("a group is wanted here, not a user")),
            PeerKind::SecretChat => Err(unsupported()),
        }
    }

    /// How the server names a message.
    pub(crate) fn server_message(&self, id: MessageId) -> Result<ServerMessage, Fault> {
        let named = self.store.server_message(id)?;
        named.ok_or_else(|| unknown_message(id))
    }

    /// A message that the server names so.
    pub(crate) fn message_id(&self, chat: PeerId, server_id: i32) -> Result<MessageId, Fault> {
        let id = self.store.message_id(chat, server_id)?;
        id.ok_or_else(|| unknown(chat))
    }

    fn channel_hash(&self, id: PeerId) -> Result<i64, Fault> {
        let record = self.known(id)?.ok_or_else(|| unknown(id))?;
        // Bots need no access hash.
        let of_bot = || self.intake().owner().is_bot.then_some(0);
        record.access_hash.or_else(of_bot).ok_or_else(|| unknown(id))
    }

    fn known(&self, id: PeerId) -> Result<Option<store::PeerRecord>, Fault> {
        Ok(self.store.peer_record(id)?)
    }
}

fn unknown(id: PeerId) -> Fault {
    let what = if id.kind == PeerKind::User { "user" } else { "group" };
    Fault::new(Failure::NotFound, format!("this account has never met {what} {}", id.id))
}

/// A message that this account cannot have seen, or does not hold any more.
pub(crate) fn unknown_message(id: MessageId) -> Fault {
    Fault::new(Failure::NotFound, format!("this account knows no message {id}"))
}

fn unsupported() -> Fault {
    Fault::invalid("secret chats are not supported yet")
}
