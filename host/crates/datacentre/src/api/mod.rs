//! Telegram's methods, one file per TL namespace, over the model. Below the methods stand `post` and `push` (what is sent),
//! `named` (from what clients name to what is stored) and `view` (from what is stored to TL); none of these knows a method.
//!
//! Invariant: a method either happens wholly (committed, then answered and pushed) or not at all; no request's bytes
//! can make it panic, and no request reaches what its caller may not see.

mod access;
mod account;
mod auth;
mod bots;
mod channels;
mod contacts;
mod context;
mod dispatch;
mod download;
mod error;
mod help;
mod image;
mod invites;
mod limits;
mod media;
mod messages;
mod named;
mod names;
pub(crate) mod nesting;
mod photos;
mod post;
mod push;
mod references;
mod secret_chats;
mod srp;
mod standing;
mod stored_tl;
#[cfg(test)]
mod tests;
mod text;
mod updates;
mod upload;
mod users;
mod view;
mod webpages;

use std::sync::{Arc, OnceLock, Weak};
use std::time::Instant;

pub(crate) use context::DcInfo;
use context::{Context, Outgoing};
use error::Failure;
use grammers_tl_types::enums;

use crate::faults::Faults;
use crate::model::{self, Model, keys, messages as stored, secret_chats as stored_secret_chats, unix_time};
use crate::seam::{Caller, Methods, Pusher, RpcError};
use crate::turn_arounds::TurnArounds;

/// Telegram's name of the method by which users answer.
const SEND: &str = "messages.sendMessage";

/// All methods of the data centre.
pub(crate) struct Api {
    model: Arc<Model>,
    dc: DcInfo,
    faults: Faults,
    pusher: OnceLock<Weak<dyn Pusher>>,
    turn_arounds: TurnArounds,
}

impl Api {
    /// The methods over this model. Until [`Api::connect`] nothing is pushed.
    pub(crate) fn new(model: Arc<Model>, dc: DcInfo, faults: Faults) -> Api {
        if let Err(error) = prune_random_ids(&model) {
            model.room.tell(&error);
        }
        if let Err(error) = model.sweep_files(unix_time()).and_then(|()| model.sweep_disk()) {
            model.room.tell(&error);
        }
        Api { model, dc, faults, pusher: OnceLock::new(), turn_arounds: TurnArounds::default() }
    }

    /// Says through whom updates are pushed; only the first call counts. The pusher is not kept alive by this.
    pub(crate) fn connect(&self, pusher: &Arc<dyn Pusher>) {
        let _ = self.pusher.set(Arc::downgrade(pusher));
    }

    /// How long users take to answer.
    pub(crate) fn turn_arounds(&self) -> TurnArounds {
        self.turn_arounds.clone()
    }

    /// Runs `method` in one transaction for this caller, and pushes what it gathered once that is committed.
    fn transact<T>(
        &self,
        caller: Caller,
        method: impl FnOnce(&mut Context<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut db = self.model.lock();
        let transaction = db.transaction()?;
        let holder = keys::holder(&transaction, caller.auth_key_id)?;
        let mut context = Context::new(&transaction, &self.model, &self.faults, self.dc, caller, holder)?;
        let answer = method(&mut context);
        if let Ok(_) | Err(Failure::RpcKeepingChanges(_)) = &answer {
            let outgoing = context.into_outgoing();
            transaction.commit()?;
            // Still under the lock: updates leave in the order of their pts.
            self.send(outgoing);
        }
        answer
    }

    /// Writes down what has become of a key, which nobody asked for.
    fn note(&self, auth_key_id: i64, what: impl FnOnce(&mut Context<'_>) -> Result<(), Failure>) {
        let caller = Caller { auth_key_id, session_id: 0, layer: 0, without_updates: false };
        if let Err(failure) = self.transact(caller, what) {
            self.refusal(failure);
        }
    }

    /// What the client is told of a failure.
    fn refusal(&self, failure: Failure) -> RpcError {
        failure.into_rpc_error(&self.model.room)
    }

    fn send(&self, outgoing: Vec<Outgoing>) {
        let Some(pusher) = self.pusher.get().and_then(Weak::upgrade) else { return };
        for item in outgoing {
            match item {
                Outgoing::Push { user, auth_key_ids, updates, but_not } => {
                    // Before: who is quick may have answered when the last byte is known to have left.
                    if self.turn_arounds.are_asked_for() && brings_message(&updates) {
                        self.turn_arounds.writing(user);
                    }
                    for auth_key_id in auth_key_ids {
                        pusher.push(auth_key_id, &updates, but_not);
                    }
                }
                Outgoing::Disconnect { auth_key_id } => pusher.disconnect(auth_key_id),
                Outgoing::RemoveBlob(id) => self.model.disk.remove(id),
            }
        }
    }
}

impl Methods for Api {
    fn invoke(&self, caller: Caller, request: &[u8]) -> Result<Vec<u8>, RpcError> {
        let name = dispatch::method_name(request).map_err(|failure| self.refusal(failure))?;
        if let Some(error) = self.faults.take(name) {
            return Err(error);
        }
        let read_at = Instant::now();
        let answer = self.transact(caller, |context| {
            if name == SEND {
                self.turn_arounds.read(context.me, read_at);
            }
            dispatch::invoke(context, request)
        });
        self.faults.take_hidden(name).map_or_else(|| answer.map_err(|failure| self.refusal(failure)), Err)
    }

    fn disconnected(&self, auth_key_id: i64) {
        self.note(auth_key_id, account::went_offline);
    }

    fn used_twice(&self, auth_key_id: i64) {
        self.note(auth_key_id, auth::used_twice);
    }
}

fn prune_random_ids(model: &Model) -> model::Result<()> {
    let db = model.lock();
    stored::prune_random_ids(&db, unix_time())?;
    stored_secret_chats::prune_random_ids(&db, unix_time())
}

/// Whether somebody else's message is among the updates.
fn brings_message(updates: &enums::Updates) -> bool {
    let enums::Updates::Updates(updates) = updates else { return false };
    let is_others = |message: &enums::Message| matches!(message, enums::Message::Message(message) if !message.out);
    updates.updates.iter().any(|update| matches!(update, enums::Update::NewMessage(new) if is_others(&new.message)))
}
