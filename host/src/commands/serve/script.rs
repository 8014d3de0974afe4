//! One script of a tenant's, from its file to what is started.
//!
//! Invariant: within its account it is called `TENANT.SCRIPT`, which no other tenant's can be: names have no dots.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use broker::{Load, Rules, SendRates};
use config::{Config, Script as Settings};
use files::{FileSpace, Folders, Project, SCRIPT_PATH};
use runtime::ScriptConfig;
use sandbox::LogLevel;
use supervisor::{Compiling, ScriptPlan, Secrets};
use tgl::ScriptName;

use super::errors::Errors;
use crate::data_dir::{AccountDir, DataDir};
use crate::output::{Output, ScriptLogs};
use crate::script_file::ScriptFile;
use crate::sources::Sources;

/// Which script: its tenant and its name there. For people `TENANT/SCRIPT`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ScriptKey {
    pub(super) tenant: Arc<str>,
    pub(super) name: Arc<str>,
}

/// A script as the files say it.
#[derive(Clone, Copy)]
pub(super) struct Told<'a> {
    pub(super) name: &'a str,
    pub(super) settings: &'a Settings,
}

/// Every script, with its tenant.
pub(super) fn all(config: &Config) -> impl Iterator<Item = (&str, Told<'_>)> {
    config.tenants.iter().flat_map(|(tenant, of)| {
        of.scripts.iter().map(move |(name, settings)| (tenant.as_str(), Told { name, settings }))
    })
}

impl std::fmt::Display for ScriptKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.tenant, self.name)
    }
}

impl ScriptKey {
    /// What it is called within its account.
    pub(super) fn within_account(&self) -> String {
        format!("{}.{}", self.tenant, self.name)
    }
}

/// What the account that a script runs on is called on the host.
pub(super) fn account_name(tenant: &str, settings: &Settings) -> String {
    name_on_host(tenant, &settings.account, settings.is_own_account)
}

/// What an account is called on the host: one of a tenant's own by that tenant's name too.
pub(super) fn name_on_host(tenant: &str, account: &str, is_own: bool) -> String {
    if is_own { own_account_name(tenant, account) } else { account.to_owned() }
}

/// The same for an account of this tenant's.
pub(super) fn own_account_name(tenant: &str, account: &str) -> String {
    format!("{tenant}.{account}")
}

/// What scripts are started with.
pub(super) struct Stage<'a> {
    pub(super) data_dir: &'a DataDir,
    pub(super) account: &'a AccountDir,
    pub(super) output: &'a Output,
    pub(super) logs: &'a ScriptLogs,
    pub(super) errors: &'a BTreeMap<Arc<str>, Errors>,
}

impl Stage<'_> {
    /// What the script is and may do.
    pub(super) fn plan(
        &self,
        key: &ScriptKey,
        settings: &Settings,
        file: &ScriptFile,
        program: Compiling,
    ) -> Result<ScriptPlan> {
        let name = ScriptName::from(key.within_account());
        let home = self.account.make_script_home(&name)?;
        let (project, script_path) = project(&settings.path)?;
        let private = self.data_dir.own_folders();
        let folders = Folders {
            project: Some(project),
            home: Some(home),
            home_bytes_max: settings.limits.stored_bytes_max,
            mounts: settings.folders.clone(),
            private,
        };
        let secrets = || settings.secrets.iter().map(|(name, secret)| (name.as_str(), secret.reveal()));
        let secret_env = secrets().map(|(name, text)| (name.to_owned(), text.to_owned()));
        let limits = settings.limits;
        let config = ScriptConfig {
            name: name.clone(),
            source: file.source(&script_path),
            files: FileSpace::of(folders)?,
            args: settings.args.clone(),
            env: settings.env.iter().cloned().chain(secret_env).collect(),
            limits,
            restart_wait: runtime::RESTART_WAIT,
            link_previews: false,
            sleep_after: settings.sleep_after,
            is_successor: false,
        };
        let rules = Rules {
            grants: settings.grants.clone(),
            load_max: Load { calls: limits.calls_pending_max as u64, bytes: limits.calls_bytes_max },
            send_rates: Some(SendRates::from(&limits)),
        };
        let log = self.logs.of(&name);
        let output = self.output.on_account(&self.account.name).voice(name, Some(log), true, &limits);
        let errors = self.errors.get(&key.tenant).context("it is no tenant's")?;
        let output = errors.heard_in(output, &key.name);
        for refused in &settings.refused {
            output.log(LogLevel::Warn, refused);
        }
        let secrets = Secrets::new(secrets());
        Ok(ScriptPlan { tenant: Arc::clone(&key.tenant), config, program, rules, secrets, output })
    }
}

/// The modules that a script may import, as they are now; these scripts are none.
pub(super) fn modules(settings: &Settings, scripts: &BTreeSet<PathBuf>) -> Sources {
    // Where its file is no script's, that is said when it is to be started.
    let project = project(&settings.path).map(|(project, _)| project).ok();
    Sources::of_modules(project.as_ref().and_then(Project::modules), scripts)
}

/// What the script sees as its project, and where in it the script lies: the folder below `scripts` that holds it, or itself
/// alone where it lies in `scripts`.
fn project(path: &Path) -> Result<(Project, String)> {
    let path = path.canonicalize().with_context(|| format!("cannot run {}", path.display()))?;
    let scripts = path.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == config::SCRIPTS));
    let scripts = scripts.with_context(|| format!("{} leads out of the folder {}", path.display(), config::SCRIPTS))?;
    let inner = path.strip_prefix(scripts)?;
    let inner_text = inner.to_str().with_context(|| format!("the name of {} is not UTF-8 text", path.display()))?;
    Ok(match inner_text.split_once('/') {
        Some((folder, rest)) => {
            let project = Project { is_in_host_folder: true, ..Project::new(scripts.join(folder)) };
            (project, format!("{SCRIPT_PATH}/{rest}"))
        }
        None => {
            let alone = Project { only: Some(inner_text.to_owned()), ..Project::new(scripts) };
            (alone, format!("{SCRIPT_PATH}/{inner_text}"))
        }
    })
}
