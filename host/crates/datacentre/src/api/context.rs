//! What a method works with: the open transaction, who calls, and what is to be pushed once it is committed.
//!
//! Invariant: nothing leaves before the commit, and then in the order in which it was gathered.

use std::net::SocketAddr;

use grammers_tl_types as tl;
use tl::enums;

use super::error::Answer;
use crate::faults::Faults;
use crate::model::keys::Holder;
use crate::model::{Db, Model, unix_time, users};
use crate::seam::Caller;

/// Where this data centre is, for help.getConfig.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DcInfo {
    pub(crate) id: i32,
    pub(crate) address: SocketAddr,
}

/// One call of one method.
pub(super) struct Context<'a> {
    pub(super) db: &'a Db,
    pub(super) model: &'a Model,
    pub(super) faults: &'a Faults,
    pub(super) dc: DcInfo,
    pub(super) caller: Caller,
    pub(super) holder: Holder,
    /// The caller's user id; 0 before login. Methods that need a login are only reached with one.
    pub(super) me: i64,
    /// The caller is a bot.
    pub(super) bot: bool,
    pub(super) now: i32,
    pub(super) outgoing: Vec<Outgoing>,
}

/// What leaves after the commit.
pub(super) enum Outgoing {
    Push { user: i64, auth_key_ids: Vec<i64>, updates: Box<enums::Updates>, but_not: Option<i64> },
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
        holder: Holder,
    ) -> Answer<Context<'a>> {
        let user = match holder.user {
            Some(id) => users::find(db, id)?,
            None => None,
        };
        let (me, bot) = user.map_or((0, false), |user| (user.id, user.bot));
        Ok(Context { db, model, faults, dc, caller, holder, me, bot, now: unix_time(), outgoing: Vec::new() })
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
}
