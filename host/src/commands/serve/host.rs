//! A host at work: its accounts and scripts, brought to what its files say.
//!
//! Invariant: whatever cannot be started says why and is tried again at the next reload; the rest goes on. A script is what
//! was last loaded well: a new version of it takes over only once that is loaded.

use std::collections::btree_map::Entry as BTreeEntry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use config::{Config, DataCentre, Faults, Script as Settings};
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use runtime::{Phase, Script, ScriptStatus};
use store::ScriptStore;
use supervisor::{Account, New, Supervisor};
use tokio::sync::watch;

use super::accounts::{self, Accounts, NOBODY_LOGGED_IN, places};
use super::board::{Board, Shown, ShownScript, ShownState};
use super::errors::{self, Errors};
use super::logins::Vacant;
use super::refusal::Refusal;
use super::replacement::{Planned, Replaced, Replacement};
use super::script::{ScriptKey, Stage, account_name, all, modules, name_on_host, own_account_name};
use super::stopped::Stopped;
use crate::api::types::Trouble;
use crate::data_dir::{AccountDir, DataDir};
use crate::isolation::{Where, start_supervisor};
use crate::output::{Output, ScriptLogs, sentence};
use crate::script_file::{ScriptFile, compile};
use crate::sources::Sources;

/// Scripts of which a new version is loaded at one time.
const REPLACED_AT_ONCE_MAX: usize = 16;

/// See the module.
pub(super) struct Host {
    data_dir: DataDir,
    output: Output,
    logs: ScriptLogs,
    supervisor: Arc<Supervisor>,
    accounts: Accounts,
    scripts: BTreeMap<ScriptKey, Entry>,
    /// The files of all scripts.
    script_files: BTreeSet<PathBuf>,
    tenants: Vec<Arc<str>>,
    errors: BTreeMap<Arc<str>, Errors>,
    board: Board,
    stopped: Stopped,
    /// What went wrong with scripts since it was last asked for.
    troubles: Vec<Trouble>,
}

/// A script of the host's.
struct Entry {
    settings: Settings,
    file: Option<ScriptFile>,
    /// Its modules as they were before it was loaded.
    modules: Sources,
    account: String,
    state: State,
}

enum State {
    Running(Script),
    /// Somebody has it, and brings back it or a new version of it. So it stands meanwhile.
    Changing(watch::Receiver<ScriptStatus>),
    /// Somebody has stopped it.
    Stopped,
    /// It cannot be started, for this reason.
    Failed(String),
}

impl Host {
    /// Starts what all accounts and scripts need, none of them yet.
    pub(super) async fn start(
        config: &Config,
        data_dir: DataDir,
        board: Board,
        logs: ScriptLogs,
        output: &Output,
    ) -> Result<Self> {
        let stopped = Stopped::open(data_dir.root().join("stopped.json"))?;
        let (scripts, says) = (all(config).count(), output.clone());
        let supervisor =
            tokio::task::spawn_blocking(move || start_supervisor(Where::Process, scripts, &says)).await??;
        let accounts = Accounts::new(data_dir.clone(), output.clone());
        Ok(Self {
            data_dir,
            output: output.clone(),
            logs,
            supervisor: Arc::new(supervisor),
            accounts,
            scripts: BTreeMap::new(),
            script_files: BTreeSet::new(),
            tenants: Vec::new(),
            errors: BTreeMap::new(),
            board,
            stopped,
            troubles: Vec::new(),
        })
    }

    /// Brings accounts and scripts to what is said here, and gives what went wrong.
    pub(super) async fn apply(&mut self, config: Config) -> Vec<Trouble> {
        self.tenants = config.tenants.keys().map(|name| name.as_str().into()).collect();
        errors::keep_only(&mut self.errors, &self.tenants);
        self.script_files = all(&config).filter_map(|(_, script)| script.settings.path.canonicalize().ok()).collect();
        let places = places(&config);
        let mut wanted: BTreeMap<ScriptKey, Settings> = all(&config)
            .map(|(tenant, told)| (ScriptKey { tenant: tenant.into(), name: told.name.into() }, told.settings.clone()))
            .collect();
        if let Err(error) = self.stopped.keep_only(&wanted.keys().map(ToString::to_string).collect()) {
            self.output.note(&format!("What is stopped cannot be kept: {}", sentence(&error)));
        }
        self.stop_what_went(&wanted).await;
        self.move_accounts(&config, &places, &wanted).await;
        self.lead_errors(&config);
        let mut files = FilesRead::default();
        let kept = self.replace_what_changed(&mut wanted, &mut files).await;
        self.start_new(wanted, &mut files);
        for (key, why) in kept {
            self.go_on_as_before(&key, &why);
        }
        self.show();
        std::mem::take(&mut self.troubles)
    }

    /// Brings the scripts that run to what is wanted of them, and gives those that go on as before, and why. What is left of
    /// what is wanted is to be started.
    async fn replace_what_changed(
        &mut self,
        wanted: &mut BTreeMap<ScriptKey, Settings>,
        files: &mut FilesRead,
    ) -> Vec<(ScriptKey, String)> {
        let (mut stay, mut changed) = (BTreeMap::new(), Vec::new());
        for (key, mut entry) in std::mem::take(&mut self.scripts) {
            let Some(settings) = wanted.get(&key) else { continue };
            match (&entry.state, entry.renewal(settings, &self.script_files, files)) {
                // What failed is tried again.
                (State::Failed(_), _) => continue,
                (State::Running(script), Some(_)) if is_over(script) => continue,
                (State::Running(_), Some(renewal)) => changed.push((key.clone(), renewal)),
                // What was stopped stays so.
                _ => entry.settings = settings.clone(),
            }
            wanted.remove(&key);
            stay.insert(key, entry);
        }
        self.scripts = stay;
        let (mut changed, mut under_way, mut kept) = (changed.into_iter(), FuturesUnordered::new(), Vec::new());
        loop {
            while under_way.len() < REPLACED_AT_ONCE_MAX
                && let Some((key, renewal)) = changed.next()
            {
                under_way.extend(self.begin_replacement(&key, renewal).map(Replacement::run));
            }
            let Some(replaced) = under_way.next().await else { return kept };
            kept.extend(self.end_replacement(replaced));
        }
    }

    /// Stops everything, in order.
    pub(super) async fn stop(self) {
        stop_all(self.scripts.into_values()).await;
        self.accounts.stop().await;
    }

    /// What it serves, in words.
    pub(super) fn summary(&self) -> String {
        let running = self.scripts.values().filter(|entry| matches!(entry.state, State::Running(_))).count();
        let accounts = self.accounts.shown();
        let at_work = accounts.values().filter(|account| account.is_ok()).count();
        format!(
            "{running} of {} scripts of {} tenants on {at_work} of {} accounts",
            self.scripts.len(),
            self.tenants.len(),
            accounts.len()
        )
    }

    /// Takes a script that is to be stopped from among those that run, if it is there. Whoever has it stops it.
    pub(super) fn take_to_stop(&mut self, key: &ScriptKey) -> Result<Option<Script>, Refusal> {
        let entry = self.entry(key)?;
        let script = match std::mem::replace(&mut entry.state, State::Stopped) {
            State::Running(script) => Some(script),
            State::Changing(_) | State::Stopped | State::Failed(_) => None,
        };
        self.show();
        Ok(script)
    }

    /// Keeps in mind that a script is stopped until it is started again.
    pub(super) fn keep_stopped(&mut self, key: &ScriptKey) -> Result<(), Refusal> {
        self.stopped.set(key, true).map_err(|error| Refusal::failed(&error))
    }

    /// Starts a script that does not run, from its file as it is now.
    pub(super) fn start_script(&mut self, key: &ScriptKey) -> Result<(), Refusal> {
        let entry = self.entry(key)?;
        let is_over = match &entry.state {
            State::Running(script) => is_over(script),
            State::Changing(_) => false,
            State::Stopped | State::Failed(_) => true,
        };
        if !is_over {
            return Ok(());
        }
        let settings = entry.settings.clone();
        self.stopped.set(key, false).map_err(|error| Refusal::failed(&error))?;
        self.scripts.remove(key);
        self.start_new(BTreeMap::from([(key.clone(), settings)]), &mut FilesRead::default());
        self.show();
        match self.scripts.get(key).map(|entry| &entry.state) {
            Some(State::Failed(why)) => Err(Refusal::Conflict(format!("{key} cannot be started: {why}"))),
            _ => Ok(()),
        }
    }

    /// Has a script be as its file and these settings say; one that is stopped stays so. One that runs is to be replaced, and the
    /// new version of a stopped one to be loaded on trial: by whoever asks, who brings back what has come of it.
    ///
    /// # Errors
    /// Where the file cannot be run: then it goes on as it was.
    pub(super) fn begin_renewal(
        &mut self,
        key: &ScriptKey,
        settings: Settings,
    ) -> Result<Option<Replacement>, Refusal> {
        let entry = self.scripts.get(key).ok_or_else(|| Refusal::no_script(key))?;
        let mut files = FilesRead::default();
        let renewal = entry.renewal(&settings, &self.script_files, &mut files);
        let unfit = match &entry.state {
            State::Running(script) if !is_over(script) => {
                return Ok(renewal.and_then(|renewal| self.begin_replacement(key, renewal)));
            }
            State::Changing(_) => return Err(Refusal::Busy),
            State::Stopped if self.accounts.at_work(&entry.account).is_ok() => {
                return Ok(renewal.and_then(|renewal| self.begin_replacement(key, renewal)));
            }
            // There is nothing to load it on.
            State::Stopped => renewal.and_then(|renewal| renewal.file.err()).map(|error| sentence(&error)),
            State::Failed(_) | State::Running(_) => {
                let before = entry.settings.clone();
                self.scripts.remove(key);
                self.start_new(BTreeMap::from([(key.clone(), settings.clone())]), &mut files);
                self.troubles.clear();
                self.show();
                let entry = self.entry(key)?;
                entry.settings = before;
                if let State::Failed(why) = &entry.state { Some(why.clone()) } else { None }
            }
        };
        match unfit {
            Some(why) => Err(Refusal::unfit(&why)),
            None => {
                self.entry(key)?.settings = settings;
                Ok(None)
            }
        }
    }

    /// Takes a script, with what it is to become.
    fn begin_replacement(&mut self, key: &ScriptKey, renewal: Renewal) -> Option<Replacement> {
        let entry = self.scripts.get(key)?;
        let planned = self.planned(key, &entry.account, renewal).map_err(|error| sentence(&error));
        let entry = self.scripts.get_mut(key)?;
        let changing = match &entry.state {
            State::Running(script) => State::Changing(script.status()),
            State::Stopped => State::Stopped,
            State::Changing(_) | State::Failed(_) => return None,
        };
        let script = match std::mem::replace(&mut entry.state, changing) {
            State::Running(script) => Some(script),
            _ => None,
        };
        Some(Replacement::new(key.clone(), Arc::clone(&self.supervisor), script, planned))
    }

    /// What has come of it. Gives whose new version does not run, and why.
    pub(super) fn end_replacement(&mut self, replaced: Replaced) -> Option<(ScriptKey, String)> {
        let Replaced { key, script, new } = replaced;
        let entry = self.scripts.get_mut(&key)?;
        entry.state = script.map_or(State::Stopped, State::Running);
        let why = match new {
            Ok((settings, file, modules)) => {
                (entry.settings, entry.file, entry.modules) = (settings, Some(file), modules);
                None
            }
            Err(why) => Some((key, why)),
        };
        self.show();
        why
    }

    /// Says that a script's new version is not what runs.
    fn go_on_as_before(&mut self, key: &ScriptKey, why: &str) {
        let why = format!("goes on as it was, as its new version cannot be loaded: {why}");
        self.output.note(&format!("{key} {why}"));
        self.troubles.push(Trouble::of(key, &why));
    }

    /// The file of a script.
    pub(super) fn script_path(&self, key: &ScriptKey) -> Result<PathBuf, Refusal> {
        let entry = self.scripts.get(key).ok_or_else(|| Refusal::no_script(key))?;
        Ok(entry.settings.path.clone())
    }

    /// Has an account be at work no more, if it is logged out, so that somebody can log in to it.
    ///
    /// # Errors
    /// Where somebody is logged in.
    pub(super) async fn vacate(&mut self, account: &str) -> Result<Vacant, Refusal> {
        if let Some(gone) = self.accounts.take_logged_out(account)? {
            for entry in self.scripts.values_mut().filter(|entry| entry.account == account) {
                let failed = State::Failed(NOBODY_LOGGED_IN.to_owned());
                if let State::Running(script) = std::mem::replace(&mut entry.state, failed) {
                    script.stop().await;
                }
            }
            accounts::close(gone).await;
            self.show();
        }
        self.accounts.vacant(account).await
    }

    /// Whether there is this account, at work or not.
    pub(super) fn has_account(&self, name: &str) -> bool {
        self.accounts.has(name)
    }

    /// A tenant that has nothing yet.
    pub(super) fn add_tenant(&mut self, name: &str) {
        self.tenants.push(name.into());
        self.show();
    }

    /// Where this tenant's things lie in the data: its own accounts, and what its scripts have on others'.
    pub(super) fn places_of(&self, tenant: &str) -> Vec<Place> {
        let is_own = |account: &str| account.starts_with(&own_account_name(tenant, ""));
        let own = self.accounts.names().filter(|name| is_own(name));
        let own = own.filter_map(|name| self.data_dir.account(name).ok()).map(Place::Account);
        let scripts = self.scripts.iter().filter(|(key, entry)| *key.tenant == *tenant && !is_own(&entry.account));
        let of_scripts = scripts.filter_map(|(key, entry)| {
            let (account, dir) = self.accounts.at_work(&entry.account).ok()?;
            let name = key.within_account();
            Some(Place::Script { store: account.store().scripts(), account: dir.clone(), name })
        });
        of_scripts.chain(own).collect()
    }

    fn entry(&mut self, key: &ScriptKey) -> Result<&mut Entry, Refusal> {
        self.scripts.get_mut(key).ok_or_else(|| Refusal::no_script(key))
    }

    /// Shows to everybody how things stand.
    fn show(&self) {
        let state = |entry: &Entry| match &entry.state {
            State::Running(script) => ShownState::Running(script.status()),
            State::Changing(status) => ShownState::Running(status.clone()),
            State::Stopped => ShownState::Stopped,
            State::Failed(why) => ShownState::Failed(why.clone()),
        };
        let script = |entry: &Entry| ShownScript { account: entry.account.clone(), state: state(entry) };
        self.board.show(Shown {
            tenants: self.tenants.clone(),
            errors: self.errors.iter().map(|(tenant, errors)| (Arc::clone(tenant), errors.counts())).collect(),
            scripts: self.scripts.iter().map(|(key, entry)| (key.clone(), script(entry))).collect(),
            accounts: self.accounts.shown(),
        });
    }

    /// Stops scripts that are to be there no more, or on another account.
    async fn stop_what_went(&mut self, wanted: &BTreeMap<ScriptKey, Settings>) {
        let stays = |key: &ScriptKey, entry: &Entry| {
            wanted.get(key).is_some_and(|settings| account_name(&key.tenant, settings) == entry.account)
        };
        let (stay, go): (BTreeMap<_, _>, BTreeMap<_, _>) =
            std::mem::take(&mut self.scripts).into_iter().partition(|(key, entry)| stays(key, entry));
        self.scripts = stay;
        stop_all(go.into_values()).await;
    }

    /// Brings accounts to where they are to be. A script on one that moves is started anew.
    async fn move_accounts(
        &mut self,
        config: &Config,
        places: &BTreeMap<String, DataCentre>,
        wanted: &BTreeMap<ScriptKey, Settings>,
    ) {
        let gone = self.accounts.take_what_went(places);
        let accounts = &self.accounts;
        let (stay, go): (BTreeMap<_, _>, BTreeMap<_, _>) =
            std::mem::take(&mut self.scripts).into_iter().partition(|(_, entry)| accounts.has(&entry.account));
        self.scripts = stay;
        stop_all(go.into_values()).await;
        join_all(gone.into_iter().map(accounts::close)).await;
        let scripts_on = |account: &str| {
            let on_it = wanted.iter().filter(|(key, settings)| account_name(&key.tenant, settings) == account);
            on_it.map(|(key, settings)| (settings.path.clone(), key.within_account())).collect()
        };
        self.accounts.open_new(config, places, scripts_on).await;
    }

    /// Has each tenant's errors told where its file says.
    fn lead_errors(&self, config: &Config) {
        for (tenant, errors) in &self.errors {
            let to = config.tenants.get(&**tenant).and_then(|tenant| tenant.errors.as_ref());
            let name = to.map(|to| name_on_host(tenant, &to.account, to.is_own_account));
            let account = name.and_then(|name| self.accounts.at_work(&name).ok()).map(|(account, _)| &**account);
            errors.go(to, account, &self.output);
        }
    }

    /// Starts scripts, those of one tenant on one account together.
    fn start_new(&mut self, scripts: BTreeMap<ScriptKey, Settings>, files: &mut FilesRead) {
        let mut together: BTreeMap<(Arc<str>, String), Vec<(ScriptKey, Settings)>> = BTreeMap::new();
        for (key, settings) in scripts {
            let account = account_name(&key.tenant, &settings);
            together.entry((Arc::clone(&key.tenant), account)).or_default().push((key, settings));
        }
        for ((_, account), scripts) in together {
            let names: Vec<ScriptKey> = scripts.iter().map(|(key, _)| key.clone()).collect();
            let mut planned = Vec::new();
            for (key, settings) in scripts {
                let modules = modules(&settings, &self.script_files);
                let file = files.read(&settings);
                let (file, state) = match &file {
                    Ok(_) => (file.ok(), State::Stopped),
                    Err(error) => (None, State::Failed(sentence(&error))),
                };
                if !self.stopped.has(&key) {
                    planned.extend(file.clone().map(|file| (key.clone(), settings.clone(), file)));
                }
                self.scripts.insert(key, Entry { settings, file, modules, account: account.clone(), state });
            }
            match self.start_together(&account, planned) {
                Ok(states) => states.into_iter().for_each(|(key, state)| self.set_state(&key, state)),
                Err(error) => names.iter().for_each(|key| self.set_state(key, State::Failed(sentence(&error)))),
            }
            for key in &names {
                if let Some(Entry { state: State::Failed(why), .. }) = self.scripts.get(key) {
                    let why = format!("does not run: {why}");
                    self.output.note(&format!("{key} {why}"));
                    self.troubles.push(Trouble::of(key, &why));
                }
            }
        }
    }

    fn set_state(&mut self, key: &ScriptKey, state: State) {
        if let Some(entry) = self.scripts.get_mut(key).filter(|entry| !matches!(entry.state, State::Failed(_))) {
            entry.state = state;
        }
    }

    /// Starts scripts of one tenant on one account.
    fn start_together(
        &self,
        account: &str,
        scripts: Vec<(ScriptKey, Settings, ScriptFile)>,
    ) -> Result<Vec<(ScriptKey, State)>> {
        let (at_work, stage) = self.stage(account)?;
        // Those that the account has never had begin at the inbox's end.
        let names: Vec<String> = scripts.iter().map(|(key, ..)| key.within_account()).collect();
        let places: Vec<(&Path, Option<&str>)> = scripts
            .iter()
            .zip(&names)
            .map(|((_, settings, _), name)| (settings.path.as_path(), Some(name.as_str())))
            .collect();
        at_work.store().scripts().enrol(&places)?;
        let files: Vec<ScriptFile> = scripts.iter().map(|(.., file)| file.clone()).collect();
        let programs = compile(&files, &self.supervisor, &self.output)?;
        let mut states = Vec::with_capacity(scripts.len());
        let mut plans = Vec::with_capacity(scripts.len());
        for ((key, settings, file), program) in scripts.into_iter().zip(programs) {
            match stage.plan(&key, &settings, &file, program) {
                Ok(plan) => plans.push((key, plan)),
                Err(error) => states.push((key, State::Failed(sentence(&error)))),
            }
        }
        let (keys, plans): (Vec<_>, Vec<_>) = plans.into_iter().unzip();
        let started = self.supervisor.start_scripts(at_work, plans).into_iter().map(State::Running);
        states.extend(keys.into_iter().zip(started));
        Ok(states)
    }

    /// An account at work, and what its scripts are started with.
    fn stage(&self, account: &str) -> Result<(&Arc<Account>, Stage<'_>)> {
        let (at_work, dir) = self.accounts.at_work(account)?;
        let stage = Stage {
            data_dir: &self.data_dir,
            account: dir,
            output: &self.output,
            logs: &self.logs,
            errors: &self.errors,
        };
        Ok((at_work, stage))
    }

    /// What a script of this account is to be replaced by.
    fn planned(&self, key: &ScriptKey, account: &str, renewal: Renewal) -> Result<Planned> {
        let Renewal { settings, file, modules, new } = renewal;
        let file = file?;
        let (at_work, stage) = self.stage(account)?;
        let program = compile(std::slice::from_ref(&file), &self.supervisor, &self.output)?;
        let program = program.into_iter().next().context("one file is one program")?;
        let plan = stage.plan(key, &settings, &file, program)?;
        Ok(Planned { account: Arc::clone(at_work), plan, new, settings, file, modules })
    }
}

/// What a script is to become that runs.
struct Renewal {
    settings: Settings,
    file: Result<ScriptFile>,
    modules: Sources,
    new: New,
}

impl Entry {
    /// What it is to become by these settings and its files as they are now, if that is anything new.
    fn renewal(&self, settings: &Settings, scripts: &BTreeSet<PathBuf>, files: &mut FilesRead) -> Option<Renewal> {
        let modules = modules(settings, scripts);
        let file = files.read(settings);
        let is_same_file = file.as_ref().is_ok_and(|file| Some(file) == self.file.as_ref());
        let new = match is_same_file && self.modules == modules {
            true if self.settings == *settings => return None,
            true => New::Settings,
            false => New::Code,
        };
        Some(Renewal { settings: settings.clone(), file, modules, new })
    }
}

/// Something of a tenant's in the host's data.
pub(super) enum Place {
    /// An account of its own.
    Account(AccountDir),
    /// What a script has on another's account.
    Script { store: ScriptStore, account: AccountDir, name: String },
}

impl Place {
    /// Moves it into this folder. Nobody may be at work with it.
    ///
    /// # Errors
    /// Where it cannot be moved.
    pub(super) fn put_aside(self, aside: &Path) -> Result<()> {
        match self {
            Self::Account(account) => move_into(&account.path, &aside.join("accounts"), &account.name),
            Self::Script { store, account, name } => {
                store.leave(&name)?;
                move_into(&account.script_home(&name), &aside.join("scripts"), &format!("{}-{name}", account.name))
            }
        }
    }
}

fn move_into(from: &Path, folder: &Path, name: &str) -> Result<()> {
    if !from.exists() {
        return Ok(());
    }
    let to = folder.join(name);
    let moved = std::fs::create_dir_all(folder).and_then(|()| std::fs::rename(from, &to));
    moved.with_context(|| format!("cannot move {} to {}", from.display(), to.display()))
}

impl Trouble {
    fn of(key: &ScriptKey, why: &str) -> Self {
        Self { tenant: key.tenant.to_string(), name: key.name.to_string(), why: why.to_owned() }
    }
}

/// Stops those that run, all at once: each may take as long as its callback does.
async fn stop_all(scripts: impl Iterator<Item = Entry>) {
    join_all(scripts.filter_map(|entry| match entry.state {
        State::Running(script) => Some(script.stop()),
        State::Changing(_) | State::Stopped | State::Failed(_) => None,
    }))
    .await;
}

fn is_over(script: &Script) -> bool {
    matches!(script.status().borrow().phase, Phase::Ended(_))
}

/// Files of scripts, each read once and in memory once, however many scripts are made of it.
#[derive(Default)]
struct FilesRead(BTreeMap<PathBuf, ScriptFile>);

impl FilesRead {
    /// A script's file, if it can be run.
    fn read(&mut self, settings: &Settings) -> Result<ScriptFile> {
        if !settings.faults.is_empty() {
            return Err(Faults(settings.faults.clone()).into());
        }
        let file = match self.0.entry(settings.path.clone()) {
            BTreeEntry::Occupied(read) => read.into_mut(),
            BTreeEntry::Vacant(unread) => unread.insert(ScriptFile::read(&settings.path)?),
        };
        file.unfit().map_or_else(|| Ok(file.clone()), Err)
    }
}
