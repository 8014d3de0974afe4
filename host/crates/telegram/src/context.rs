//! What an account's calls and its actor share.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use grammers_tl_types as tl;
use store::AccountStore;
use tgl::{CallError, Failure, PeerId, PeerKind};
use tl::{enums, types};
use tokio::time::Instant;

use crate::intake::Intake;
use crate::link::Link;
use crate::transfers::Transfers;

/// One account's shared parts. Everything here is quick: no lock is held while waiting.
pub(crate) struct Context {
    pub(crate) store: AccountStore,
    pub(crate) link: Link,
    pub(crate) transfers: Transfers,
    intake: Mutex<Intake>,
    /// Until when the data centre wants no more calls of a method, by the method's constructor.
    flood_waits: Mutex<HashMap<u32, Instant>>,
}

impl Context {
    pub(crate) fn new(store: AccountStore, intake: Intake, transfers: Transfers) -> Self {
        Self { store, link: Link::new(), transfers, intake: Mutex::new(intake), flood_waits: Mutex::default() }
    }

    /// The way in. A panic under the lock has changed nothing in the store.
    pub(crate) fn intake(&self) -> MutexGuard<'_, Intake> {
        self.intake.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until when calls of this method have to wait.
    pub(crate) fn flood_wait(&self, method: u32) -> Option<Instant> {
        let mut waits = self.flood_waits.lock().unwrap_or_else(PoisonError::into_inner);
        let until = waits.get(&method).copied()?;
        if until > Instant::now() {
            return Some(until);
        }
        waits.remove(&method);
        None
    }

    /// The data centre wants no more calls of this method until then.
    pub(crate) fn set_flood_wait(&self, method: u32, until: Instant) {
        self.flood_waits.lock().unwrap_or_else(PoisonError::into_inner).insert(method, until);
    }

    /// How the server wants a peer to be named.
    pub(crate) fn input_peer(&self, id: PeerId) -> Result<enums::InputPeer, CallError> {
        match id.kind {
            PeerKind::User => {
                let access_hash = self.user_hash(id)?;
                Ok(types::InputPeerUser { user_id: id.id, access_hash }.into())
            }
            PeerKind::Chat if self.known(id)?.is_some() => Ok(types::InputPeerChat { chat_id: id.id }.into()),
            PeerKind::Chat => Err(unknown(id)),
            PeerKind::Channel | PeerKind::SecretChat => Err(unsupported(id)),
        }
    }

    /// How the server wants a user to be named.
    pub(crate) fn input_user(&self, id: PeerId) -> Result<enums::InputUser, CallError> {
        if id.kind != PeerKind::User {
            return Err(CallError::new(Failure::Invalid, "a user is wanted here, not a group"));
        }
        Ok(types::InputUser { user_id: id.id, access_hash: self.user_hash(id)? }.into())
    }

    /// The number of a basic group.
    pub(crate) fn basic_group(&self, id: PeerId) -> Result<i64, CallError> {
        match id.kind {
            PeerKind::Chat => Ok(id.id),
            PeerKind::User => Err(CallError::new(Failure::Invalid, "a group is wanted here, not a user")),
            PeerKind::Channel | PeerKind::SecretChat => Err(unsupported(id)),
        }
    }

    fn user_hash(&self, id: PeerId) -> Result<i64, CallError> {
        match self.known(id)? {
            // Bots need no access hash, and users met in a group only have none.
            Some(record) => Ok(record.access_hash.unwrap_or_default()),
            None => Err(unknown(id)),
        }
    }

    fn known(&self, id: PeerId) -> Result<Option<store::PeerRecord>, CallError> {
        self.store.peer_record(id).map_err(|error| unavailable(&error))
    }
}

fn unknown(id: PeerId) -> CallError {
    let what = if id.kind == PeerKind::User { "user" } else { "group" };
    CallError::new(Failure::NotFound, format!("this account has never met {what} {}", id.id))
}

fn unsupported(id: PeerId) -> CallError {
    let what = if id.kind == PeerKind::Channel { "supergroups and channels" } else { "secret chats" };
    CallError::new(Failure::Invalid, format!("{what} are not supported yet"))
}

/// The host's own trouble, in words for a guest: nothing of the host's inside.
pub(crate) fn unavailable(error: &store::StoreError) -> CallError {
    tracing::error!(%error, "the account's file fails");
    CallError::new(Failure::Unavailable, "the host cannot read or write the account's file")
}
