//! Updates to the sessions of users.
//!
//! Invariant: each is rendered as the user it goes to may see it.

use grammers_tl_types as tl;
use tl::{enums, types};

use super::context::{Context, Outgoing};
use super::error::Answer;
use super::view::Peers;
use super::view::updates::add_peers;
use crate::model::keys;

impl Context<'_> {
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
        self.outgoing.push(Outgoing::Push { user, auth_key_ids, updates, but_not: None });
        Ok(())
    }

    /// Pushes one update without pts to all of a user's sessions but the calling one.
    pub(super) fn push_short(&mut self, user: i64, update: enums::Update) -> Answer<()> {
        let auth_key_ids = keys::of_user(self.db, user)?;
        let updates = types::UpdateShort { update, date: self.now }.into();
        self.send(user, auth_key_ids, updates);
        Ok(())
    }

    /// Pushes one update without pts to all sessions of this key, whoever is logged in with it.
    pub(super) fn push_to_key(&mut self, auth_key_id: i64, update: enums::Update) {
        let updates = types::UpdateShort { update, date: self.now }.into();
        self.send(0, vec![auth_key_id], updates);
    }

    /// Pushes one update to some of a user's keys, to all their sessions but the calling one.
    pub(super) fn push_to_keys(&mut self, user: i64, auth_key_ids: Vec<i64>, update: enums::Update) -> Answer<()> {
        if !auth_key_ids.is_empty() {
            let mut peers = Peers::default();
            add_peers(&mut peers, &update);
            let updates = self.updates(user, vec![update], &peers)?;
            self.send(user, auth_key_ids, updates);
        }
        Ok(())
    }

    fn send(&mut self, user: i64, auth_key_ids: Vec<i64>, updates: enums::Updates) {
        let but_not = (user == self.me).then_some(self.caller.session_id);
        self.outgoing.push(Outgoing::Push { user, auth_key_ids, updates: Box::new(updates), but_not });
    }
}
