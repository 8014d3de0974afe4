//! What stands where, for everybody who looks: kept by the host, read without waiting for it.
//!
//! Invariant: it changes as a whole, after the host has; how a script at work stands is read from itself at the moment it is
//! asked for.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use runtime::{End, Hold, Phase, ScriptStatus};
use tgl::{AccountState as TelegramState, Connection};
use tokio::sync::watch;

use super::errors::ErrorCounts;
use super::script::ScriptKey;
use crate::api::types::{AccountStanding, AccountState, ScriptStanding, ScriptState, Usage};

/// Everything of a host's. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Board {
    shown: Arc<RwLock<Shown>>,
}

/// What there is.
#[derive(Clone, Default)]
pub(super) struct Shown {
    pub(super) tenants: Vec<Arc<str>>,
    pub(super) errors: BTreeMap<Arc<str>, Arc<ErrorCounts>>,
    pub(super) scripts: BTreeMap<ScriptKey, ShownScript>,
    pub(super) accounts: BTreeMap<String, ShownAccount>,
}

/// A script of the host's.
#[derive(Clone)]
pub(super) struct ShownScript {
    pub(super) account: String,
    pub(super) state: ShownState,
}

#[derive(Clone)]
pub(super) enum ShownState {
    Running(watch::Receiver<ScriptStatus>),
    Stopped,
    Failed(String),
}

/// An account: how it stands, or why it is not at work.
pub(super) type ShownAccount = Result<watch::Receiver<TelegramState>, String>;

impl Board {
    /// Shows this from now on.
    pub(super) fn show(&self, shown: Shown) {
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = shown;
    }

    /// What is shown now.
    pub(super) fn shown(&self) -> Shown {
        self.shown.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether there is such a tenant.
    pub(super) fn has_tenant(&self, name: &str) -> bool {
        self.shown.read().unwrap_or_else(PoisonError::into_inner).tenants.iter().any(|tenant| **tenant == *name)
    }

    /// Whether there is such an account.
    pub(super) fn has_account(&self, name: &str) -> bool {
        self.shown.read().unwrap_or_else(PoisonError::into_inner).accounts.contains_key(name)
    }

    /// Whether there is such a script.
    pub(super) fn has_script(&self, key: &ScriptKey) -> bool {
        self.shown.read().unwrap_or_else(PoisonError::into_inner).scripts.contains_key(key)
    }

    /// How this script stands.
    pub(super) fn script(&self, key: &ScriptKey) -> Option<ScriptStanding> {
        let shown = self.shown();
        let script = shown.scripts.get(key)?;
        Some(shown.script_standing(key, script))
    }
}

impl Shown {
    /// How every script stands that is one of these.
    pub(super) fn scripts(&self, is_meant: impl Fn(&ScriptKey) -> bool) -> Vec<ScriptStanding> {
        let meant = self.scripts.iter().filter(|(key, _)| is_meant(key));
        meant.map(|(key, script)| self.script_standing(key, script)).collect()
    }

    /// How every account stands that is one of these, or that one of these scripts runs on.
    pub(super) fn accounts(
        &self,
        is_meant: impl Fn(&str) -> bool,
        script_is: impl Fn(&ScriptKey) -> bool,
    ) -> Vec<AccountStanding> {
        let standing = |(name, account): (&String, &ShownAccount)| {
            let on_it = self.scripts.iter().filter(|(key, script)| script.account == *name && script_is(key)).count();
            let (state, why) = account_state(account);
            (is_meant(name) || on_it > 0).then(|| AccountStanding {
                name: name.clone(),
                state,
                why,
                flood_waits: account.as_ref().map_or(0, |state| state.borrow().flood_waits),
                scripts: on_it as u64,
            })
        };
        self.accounts.iter().filter_map(standing).collect()
    }

    fn script_standing(&self, key: &ScriptKey, script: &ShownScript) -> ScriptStanding {
        let (state, why, status) = match &script.state {
            ShownState::Running(status) => {
                let status = status.borrow().clone();
                let (state, why) = described(&status.phase);
                let why = why.or_else(|| status.hold.map(held)).or_else(|| self.trouble_of(&script.account));
                (state, why, Some(status))
            }
            ShownState::Stopped => (ScriptState::Stopped, None, None),
            ShownState::Failed(why) => (ScriptState::Failed, Some(why.clone()), None),
        };
        let count = |of: fn(&ScriptStatus) -> u64| status.as_ref().map_or(0, of);
        ScriptStanding {
            tenant: key.tenant.to_string(),
            name: key.name.to_string(),
            account: script.account.clone(),
            state,
            why,
            waiting_events: count(|status| status.events_waiting),
            waiting_calls: count(|status| status.calls_pending as u64),
            lost_events: count(|status| status.events_lost),
            crashes: count(|status| status.crashes),
            usage: status.as_ref().map(usage).unwrap_or_default(),
        }
    }

    /// Why an account is not connected, if it is not.
    fn trouble_of(&self, account: &str) -> Option<String> {
        let (state, why) = account_state(self.accounts.get(account)?);
        match state {
            AccountState::Online => None,
            AccountState::Connecting => Some("its account connects".to_owned()),
            AccountState::Waiting => Some(format!("its account is not connected: {}", why.unwrap_or_default())),
            AccountState::LoggedOut => Some(format!("its account was logged out: {}", why.unwrap_or_default())),
            AccountState::Failed => Some(format!("its account is not at work: {}", why.unwrap_or_default())),
        }
    }
}

fn account_state(account: &ShownAccount) -> (AccountState, Option<String>) {
    match account {
        Ok(state) => match &state.borrow().connection {
            Connection::Online => (AccountState::Online, None),
            Connection::Connecting => (AccountState::Connecting, None),
            Connection::Waiting(why) => (AccountState::Waiting, Some(why.to_string())),
            Connection::LoggedOut(why) => (AccountState::LoggedOut, Some(why.to_string())),
        },
        Err(why) => (AccountState::Failed, Some(why.clone())),
    }
}

/// What a script is doing, and why it does no more.
fn described(phase: &Phase) -> (ScriptState, Option<String>) {
    match phase {
        Phase::Loading => (ScriptState::Loading, None),
        Phase::Starting => (ScriptState::Starting, None),
        Phase::Running => (ScriptState::Running, None),
        Phase::Sleeping => (ScriptState::Sleeping, None),
        Phase::BackingOff => (ScriptState::Restarting, None),
        Phase::Ended(End::Exited(code)) => (ScriptState::Ended, Some(format!("it ended by itself, with code {code}"))),
        Phase::Ended(End::LoadFailed(why) | End::Quarantined(why)) => (ScriptState::Failed, Some(why.clone())),
        Phase::Ended(End::Stopped) => (ScriptState::Stopped, None),
    }
}

/// What a script waits for.
fn held(hold: Hold) -> String {
    match hold {
        Hold::Calls => "it waits: half of the calls that it may have (calls_pending_max) have not completed",
        Hold::CallBytes => "it waits: its calls take half of what they may take (calls_bytes_max)",
        Hold::Brake(limit) => return format!("it waits: its sends are slowed down ({limit})"),
        Hold::Cpu => "it waits: it has used its share of the CPU (cpu_ms_per_min_max)",
        Hold::Disk => "it waits: the disk takes nothing",
        Hold::Told => "it waits: a new version of it is being loaded",
    }
    .to_owned()
}

fn usage(status: &ScriptStatus) -> Usage {
    let usage = &status.usage;
    Usage {
        events: usage.events,
        calls: usage.calls,
        cpu_ms: usage.cpu_us / 1_000,
        memory_bytes: usage.memory_bytes,
        limits_reached: usage
            .limits_reached
            .reached()
            .map(|(limit, count)| (limit.to_string(), count.into()))
            .collect(),
        callback_us_p50: usage.callbacks.quantile_us(0.5),
        callback_us_p99: usage.callbacks.quantile_us(0.99),
    }
}
