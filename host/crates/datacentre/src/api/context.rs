//! What a method works with: the open transaction, who calls, and what is to be pushed once it is committed.
//!
//! Invariant: nothing leaves before the commit, and then in the order in which it was gathered.

use grammers_tl_types as tl;
use tl::{enums, types};

use super::DcInfo;
use super::error::Answer;
use super::peers::Peers;
use crate::faults::Faults;
use crate::model::keys::Standing;
use crate::model::{Db, Model, keys, unix_time, users};
use crate::seam::Caller;

/// One call of one method.
pub(super) struct Context<'a> {
    pub(super) db: &'a Db,
    pub(super) model: &'a Model,
    pub(super) faults: &'a Faults,
    pub(super) dc: DcInfo,
    pub(super) caller: Caller,
    pub(super) standing: Standing,
    /// The caller's user id; 0 before login. Methods that need a login are only reached with one.
    pub(super) me: i64,
    /// The caller is a bot.
    pub(super) bot: bool,
    pub(super) now: i32,
    outgoing: Vec<Outgoing>,
}

/// What leaves after the commit.
pub(super) enum Outgoing {
    Push { auth_key_ids: Vec<i64>, updates: Box<enums::Updates>, but_not: Option<i64> },
    Disconnect { auth_key_id: i64 },
    RemoveBlob(i64),
}

impl<'a> Context<'a> {
    pub(super) fn new(
        db: &'a Db,
        model: &'a Model,
        faults: &'a Faults,
        dc: DcInfo,
        caller: Caller,
        standing: Standing,
    ) -> Answer<Context<'a>> {
        let user = match standing.user {
            Some(id) => users::find(db, id)?,
            None => None,
        };
        let (me, bot) = user.map_or((0, false), |user| (user.id, user.bot));
        Ok(Context { db, model, faults, dc, caller, standing, me, bot, now: unix_time(), outgoing: Vec::new() })
    }

    /// Updates with the users and chats they speak of, as `viewer` may see them.
    pub(super) fn updates(&self, viewer: i64, updates: Vec<enums::Update>, peers: &Peers) -> Answer<enums::Updates> {
        let (users, chats) = peers.render(self, viewer)?;
        Ok(types::Updates { updates, users, chats, date: self.now, seq: 0 }.into())
    }

    /// Pushes updates to all of a user's sessions but the calling one.
    pub(super) fn push(&mut self, user: i64, updates: Vec<enums::Update>, peers: &Peers) -> Answer<()> {
        let auth_key_ids = keys::of_user(self.db, user)?;
        if !auth_key_ids.is_empty() {
            let updates = self.updates(user, updates, peers)?;
            self.send(user, auth_key_ids, updates);
        }
        Ok(())
    }

    /// Pushes updates to all of a user's sessions, the calling one too: clients do not look for them in every answer.
    pub(super) fn push_here_too(&mut self, user: i64, updates: Vec<enums::Update>, peers: &Peers) -> Answer<()> {
        let auth_key_ids = keys::of_user(self.db, user)?;
        let updates = Box::new(self.updates(user, updates, peers)?);
        self.outgoing.push(Outgoing::Push { auth_key_ids, updates, but_not: None });
        Ok(())
    }

    /// Pushes one update without pts to all of a user's sessions but the calling one.
    pub(super) fn push_short(&mut self, user: i64, update: enums::Update) -> Answer<()> {
        let auth_key_ids = keys::of_user(self.db, user)?;
        let updates = types::UpdateShort { update, date: self.now }.into();
        self.send(user, auth_key_ids, updates);
        Ok(())
    }

    /// Ends every connection of this key.
    pub(super) fn disconnect(&mut self, auth_key_id: i64) {
        self.outgoing.push(Outgoing::Disconnect { auth_key_id });
    }

    /// Takes bytes that no row has any more off the disk, once that is committed.
    pub(super) fn remove_blob(&mut self, id: i64) {
        self.outgoing.push(Outgoing::RemoveBlob(id));
    }

    /// What is to leave, in order.
    pub(super) fn into_outgoing(self) -> Vec<Outgoing> {
        self.outgoing
    }

    fn send(&mut self, user: i64, auth_key_ids: Vec<i64>, updates: enums::Updates) {
        let but_not = (user == self.me).then_some(self.caller.session_id);
        self.outgoing.push(Outgoing::Push { auth_key_ids, updates: Box::new(updates), but_not });
    }
}
