//! A script's new version on its way. It may take long to load, so that is done away from the host.
//!
//! Invariant: what was taken from the host comes back to it, as a script that runs: the new version, or the one before.

use std::sync::Arc;

use config::Script as Settings;
use runtime::Script;
use supervisor::{Account, ScriptPlan, Supervisor};

use super::script::ScriptKey;
use crate::script_file::ScriptFile;
use crate::sources::Sources;

/// What a script is to be replaced by.
pub(super) struct Planned {
    pub(super) account: Arc<Account>,
    pub(super) plan: ScriptPlan,
    pub(super) settings: Settings,
    pub(super) file: ScriptFile,
    pub(super) modules: Sources,
}

/// A script that was taken from the host, with what takes its place, or why nothing does.
pub(super) struct Replacement {
    key: ScriptKey,
    supervisor: Arc<Supervisor>,
    script: Script,
    by: Result<Planned, String>,
}

/// What has come of it.
pub(super) struct Replaced {
    pub(super) key: ScriptKey,
    /// What runs now.
    pub(super) script: Script,
    /// What it was made of, or why it is the one before.
    pub(super) new: Result<(Settings, ScriptFile, Sources), String>,
}

impl Replacement {
    pub(super) fn new(
        key: ScriptKey,
        supervisor: Arc<Supervisor>,
        script: Script,
        by: Result<Planned, String>,
    ) -> Self {
        Self { key, supervisor, script, by }
    }

    /// Loads the new version and puts it in the script's place. Where that fails the one before goes on.
    pub(super) async fn run(self) -> Replaced {
        let Self { key, supervisor, script, by } = self;
        let Planned { account, plan, settings, file, modules } = match by {
            Ok(planned) => planned,
            Err(why) => return Replaced { key, script, new: Err(why) },
        };
        match supervisor.replace(&account, script, plan).await {
            Ok(script) => Replaced { key, script, new: Ok((settings, file, modules)) },
            Err((script, why)) => Replaced { key, script, new: Err(why) },
        }
    }
}
