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
mod leniency;
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

pub(crate) use context::DcInfo;
use context::{Context, Outgoing};
use error::Failure;

use crate::faults::Faults;
use crate::model::{Model, keys, messages as stored, unix_time};
use crate::seam::{Caller, Methods, Pusher, RpcError};

/// All methods of the data centre.
pub(crate) struct Api {
    model: Arc<Model>,
    dc: DcInfo,
    faults: Faults,
    pusher: OnceLock<Weak<dyn Pusher>>,
}

impl Api {
    /// The methods over this model. Until [`Api::connect`] nothing is pushed.
    pub(crate) fn new(model: Arc<Model>, dc: DcInfo, faults: Faults) -> Api {
        if let Err(error) = stored::prune_random_ids(&model.lock(), unix_time()) {
            model.room.tell(&error);
        }
        if let Err(error) = model.sweep_files(unix_time()).and_then(|()| model.sweep_disk()) {
            model.room.tell(&error);
        }
        Api { model, dc, faults, pusher: OnceLock::new() }
    }

    /// Says through whom updates are pushed; only the first call counts. The pusher is not kept alive by this.
    pub(crate) fn connect(&self, pusher: &Arc<dyn Pusher>) {
        let _ = self.pusher.set(Arc::downgrade(pusher));
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

    /// What the client is told of a failure.
    fn refusal(&self, failure: Failure) -> RpcError {
        failure.into_rpc_error(&self.model.room)
    }

    fn send(&self, outgoing: Vec<Outgoing>) {
        let Some(pusher) = self.pusher.get().and_then(Weak::upgrade) else { return };
        for item in outgoing {
            match item {
                Outgoing::Push { auth_key_ids, updates, but_not } => {
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
        let answer = self.transact(caller, |context| dispatch::invoke(context, request));
        self.faults.take_hidden(name).map_or_else(|| answer.map_err(|failure| self.refusal(failure)), Err)
    }

    fn disconnected(&self, auth_key_id: i64) {
        let caller = Caller { auth_key_id, session_id: 0, layer: 0, without_updates: false };
        if let Err(failure) = self.transact(caller, account::went_offline) {
            self.refusal(failure);
        }
    }
}
