//! A script's new version on its way. It may take long to load, so that is done away from the host.
//!
//! Invariant: what was taken from the host comes back to it, as a script that runs: the new version, or the one before. One that
//! is stopped stays so.

use std::sync::Arc;

use config::Script as Settings;
use runtime::Script;
use supervisor::{Account, New, ScriptPlan, Supervisor};

use super::script::ScriptKey;
use crate::script_file::ScriptFile;
use crate::sources::Sources;

/// What a script is to be replaced by.
pub(super) struct Planned {
    pub(super) account: Arc<Account>,
    pub(super) plan: ScriptPlan,
    /// What of it is new.
    pub(super) new: New,
    pub(super) settings: Settings,
    pub(super) file: ScriptFile,
    pub(super) modules: Sources,
}

/// A script that was taken from the host, with what takes its place, or why nothing does.
pub(super) struct Replacement {
    key: ScriptKey,
    supervisor: Arc<Supervisor>,
    /// None where it is stopped.
    script: Option<Script>,
    by: Result<Planned, String>,
}

/// What has come of it.
pub(super) struct Replaced {
    pub(super) key: ScriptKey,
    /// What runs now, if it is not stopped.
    pub(super) script: Option<Script>,
    /// What it was made of, or why it is the one before.
    pub(super) new: Result<(Settings, ScriptFile, Sources), String>,
}

impl Replacement {
    pub(super) fn new(
        key: ScriptKey,
        supervisor: Arc<Supervisor>,
        script: Option<Script>,
        by: Result<Planned, String>,
    ) -> Self {
        Self { key, supervisor, script, by }
    }

    /// Loads the new version and puts it in the script's place. Where that fails the one before goes on. That of a stopped one is
    /// loaded on trial.
    pub(super) async fn run(self) -> Replaced {
        let Self { key, supervisor, script, by } = self;
        let Planned { account, plan, new, settings, file, modules } = match by {
            Ok(planned) => planned,
            Err(why) => return Replaced { key, script, new: Err(why) },
        };
        let (script, replaced) = match script {
            None => (None, supervisor.try_out(&account, plan).await),
            Some(script) => match supervisor.replace(&account, script, plan, new).await {
                Ok(script) => (Some(script), Ok(())),
                Err((script, why)) => (Some(script), Err(why)),
            },
        };
        Replaced { key, script, new: replaced.map(|()| (settings, file, modules)) }
    }
}
