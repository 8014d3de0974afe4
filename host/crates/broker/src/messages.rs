//! What a script's side and the account's side tell each other, as plain data.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tgl::{Call, Limit, MessageId, RequestId, ScriptName};

use crate::brake::SendRates;
use crate::event::SharedEvent;
use crate::ledger::Load;

/// Who asks: a script, on an account, of a tenant. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ScriptId {
    /// Whose script it is.
    pub tenant: Arc<str>,
    /// The account that it runs on.
    pub account: Arc<str>,
    /// What it is called within its account.
    pub script: ScriptName,
}

impl ScriptId {
    /// The tenant of whoever runs scripts of his own.
    pub const OWN_TENANT: &str = "own";

    /// A script that somebody runs on an account of his own.
    pub fn own(account: &str, script: ScriptName) -> Self {
        Self { tenant: Self::OWN_TENANT.into(), account: account.into(), script }
    }
}

impl std::fmt::Display for ScriptId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.tenant, self.account, self.script)
    }
}

/// Where a script begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// The script has handled the inbox up to here.
    pub handled_seq: u64,
    /// Events up to here are left from before.
    pub left_to_seq: u64,
    /// Its calls have this id and higher ones.
    pub next_id: RequestId,
    /// How fast it may send; none: as fast as it can.
    pub send_rates: Option<SendRates>,
}

/// A call on its way from a script's side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewCall {
    /// The guest's name for it; never 0, and never the same twice.
    pub id: RequestId,
    /// What is asked for.
    pub call: Call,
}

/// Events of the inbox.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Events {
    /// So many were to come first, and have left the inbox.
    pub lost: u64,
    /// What follows, the oldest first.
    pub given: Vec<Given>,
}

/// One event of the inbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Given {
    /// Its number.
    pub seq: u64,
    /// What happened; none where the script may not hear of it.
    pub event: Option<Arc<SharedEvent>>,
    /// The topic of its group in which the message lies: the message that began it.
    pub topic: Option<MessageId>,
}

/// How a script's calls stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backlog {
    /// What has not come to its end.
    pub load: Load,
    /// Calls whose completion has not been delivered.
    pub calls_pending: u64,
    /// Completions that are there, those that have to follow events yet to be handled included.
    pub completions: u64,
    /// Calls go on without any event being delivered.
    pub is_moving: bool,
    /// The brake puts sends off, by this limit.
    pub braked_by: Option<Limit>,
}
