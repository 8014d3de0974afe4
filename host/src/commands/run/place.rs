//! The account that scripts run on: one of the user's own, or the embedded data centre's.
//!
//! Invariant: what is started here is stopped by [`Place::close`], the accounts before their data centre.

use anyhow::{Context, Result, anyhow, bail};
use broker::{Load, Rules, ScriptId};
use files::FileSpace;
use runtime::{End, Script, ScriptConfig};
use serde_json::json;
use store::{AccountStore, Enrolled, Origin};
use supervisor::{Account, Compiling, New, ScriptPlan, Secrets, Supervisor};
use telegram::{AccountConfig, DcAddress, RECOVERY_DIALOGS_MAX, RECOVERY_MESSAGES_MAX};
use tgl::{AccountState, Connection, ScriptName};

use super::embedded::Embedded;
use super::project::ScriptProject;
use super::{Args, Begin, Brake};
use crate::commands::login;
use crate::commands::room::when_there_is_room;
use crate::data_dir::{AccountDir, DataDir};
use crate::held;
use crate::misuse::{OrMisuse, misuse};
use crate::output::{Line, Output};
use crate::script_file::ScriptFile;
use crate::time_zone;

/// The account that the scripts run on, and what stands around it.
pub(super) struct Place {
    dir: AccountDir,
    account: Account,
    /// The scripts' own places in the account, in their order.
    enrolled: Vec<Enrolled>,
    from: Begin,
    is_telegram: bool,
    chat: Option<Embedded>,
}

/// What scripts are planned with.
#[derive(Clone, Copy)]
pub(super) struct Planned<'a> {
    pub(super) args: &'a Args,
    pub(super) data_dir: &'a DataDir,
}

impl Place {
    /// Opens the account that the arguments name, logging it in first where they say how. The scripts have their places in
    /// it before it connects, so that nothing that comes is missed by them.
    pub(super) async fn open(args: &Args, files: &[ScriptFile], data_dir: &DataDir, output: &Output) -> Result<Self> {
        match (&args.account, args.dc.address()?) {
            (None, None) if !args.credentials.are_given() => {
                if args.dc.names_proxy() {
                    let why = "--proxy is for an account of your own: the embedded data centre is in this process";
                    return Err(misuse(why));
                }
                let from = args.from.unwrap_or(Begin::Now);
                let mut enrolled = Vec::new();
                let enrol = |store: &AccountStore| {
                    enrolled = enrol(store, files, args, output)?;
                    Ok(())
                };
                let (dir, account, embedded) = Embedded::start(data_dir, from, output, enrol).await?;
                Ok(Self { dir, account, enrolled, from, is_telegram: false, chat: Some(embedded) })
            }
            (name, dc) => {
                let dir = data_dir.account(name.as_deref().unwrap_or("default"))?;
                let dc = logged_in(&dir, dc, args, output).await?;
                let is_telegram = matches!(dc, DcAddress::Telegram);
                let store = when_there_is_room(output, || Ok(AccountStore::open(&dir.path)?)).await?;
                let api = login::api_credentials(&dc)?;
                let proxy = args.dc.proxy(&dc)?;
                let enrolled = when_there_is_room(output, || enrol(&store, files, args, output)).await?;
                let account = Account::start(&dir.name, AccountConfig { store, dc, api, proxy })?;
                held::tell(account.telegram(), &dir.name, output);
                output.note(&format!("{} connects; Ctrl-C ends it.", dir.name));
                let from = args.from.unwrap_or(Begin::Last);
                Ok(Self { dir, account, enrolled, from, is_telegram, chat: None })
            }
        }
    }

    /// Waits until every script has its folder and, where scripts are to begin now, until it is known what they have missed,
    /// and passes it over.
    pub(super) async fn until_scripts_may_begin(&self, output: &Output) -> Result<()> {
        for script in &self.enrolled {
            when_there_is_room(output, || self.dir.make_script_home(&script.name)).await?;
        }
        if self.from == Begin::Last {
            return Ok(());
        }
        let (mut state, mut said) = (self.account.telegram().state(), Connection::Connecting);
        let end = loop {
            let AccountState { connection, difference_end_seq, is_missed_cut, .. } = state.borrow_and_update().clone();
            // That it is online is told when the scripts are.
            if self.chat.is_none() && connection != said && connection != Connection::Online {
                self.tell(&connection, output)?;
                said = connection;
            }
            if let Some(end) = difference_end_seq {
                tell_cut(is_missed_cut, &self.dir, output);
                break end;
            }
            state.changed().await.context("the account has stopped")?;
        };
        if self.chat.is_none() {
            self.tell_missed(end, output)?;
        }
        let names = || self.enrolled.iter().map(|script| script.name.as_str());
        when_there_is_room(output, || Ok(self.account.store().scripts().pass_over(names(), end)?)).await
    }

    /// Starts scripts on the account, in their order.
    pub(super) fn start_scripts(&self, supervisor: &Supervisor, plans: Vec<ScriptPlan>) -> Vec<Script> {
        supervisor.start_scripts(&self.account, plans)
    }

    /// Puts another version of a script in its place, as [`Supervisor::replace`].
    pub(super) async fn replace(
        &self,
        supervisor: &Supervisor,
        script: Script,
        by: ScriptPlan,
    ) -> Result<Script, (Script, String)> {
        supervisor.replace(&self.account, script, by, New::Code).await
    }

    /// What the script is called that has this place in their order.
    pub(super) fn name(&self, number: usize) -> &str {
        &self.enrolled[number].name
    }

    /// What the scripts are and may do, in their order.
    pub(super) fn plans(
        &self,
        files: &[ScriptFile],
        projects: &[ScriptProject],
        programs: Vec<Compiling>,
        planned: Planned<'_>,
        output: &Output,
    ) -> Result<Vec<ScriptPlan>> {
        let scripts = files.iter().zip(projects).zip(programs).enumerate();
        let plan = |(number, ((file, project), program))| self.plan(number, file, project, program, planned, output);
        scripts.map(plan).collect()
    }

    /// What the script is and may do that has this place in their order.
    pub(super) fn plan(
        &self,
        number: usize,
        file: &ScriptFile,
        project: &ScriptProject,
        program: Compiling,
        planned: Planned<'_>,
        output: &Output,
    ) -> Result<ScriptPlan> {
        let Planned { args, data_dir } = planned;
        let name = ScriptName::from(self.name(number));
        let home = self.dir.script_home(&name);
        let limits = args.limits();
        let folders = project.folders(home, limits.stored_bytes_max, &args.folders, data_dir.own_folders());
        let config = ScriptConfig {
            name: name.clone(),
            source: file.source(&project.script_path),
            files: FileSpace::of(folders)?,
            args: args.args.clone(),
            env: time_zone::of_user().map(|zone| ("TZ".to_owned(), zone)).into_iter().collect(),
            limits,
            restart_wait: runtime::RESTART_WAIT,
            link_previews: args.link_previews,
            sleep_after: None,
            is_successor: false,
        };
        let voice = output.on_account(&self.dir.name).voice(name, None, self.enrolled.len() > 1, &limits);
        let rules = Rules {
            grants: args.grants.grants()?,
            load_max: Load { calls: limits.calls_pending_max as u64, bytes: limits.calls_bytes_max },
            send_rates: Brake::rates(args.brake, &limits, self.is_telegram),
        };
        Ok(ScriptPlan {
            tenant: ScriptId::OWN_TENANT.into(),
            config,
            program,
            rules,
            secrets: Secrets::default(),
            output: voice,
        })
    }

    /// Waits for the scripts' ends, or for the chat's. Gives the ends in the scripts' order; none for one that runs on.
    pub(super) async fn until_the_end(&self, scripts: &[Script], output: &Output) -> Result<Vec<Option<End>>> {
        match &self.chat {
            Some(embedded) => {
                let names = self.enrolled.iter().map(|script| script.name.clone()).collect();
                embedded.converse(scripts, names, output).await
            }
            None => self.until_scripts_end(scripts, output).await,
        }
    }

    /// Without a chat: until every script has ended or the account is logged out. Outages are told as they come.
    async fn until_scripts_end(&self, scripts: &[Script], output: &Output) -> Result<Vec<Option<End>>> {
        let mut state = self.account.telegram().state();
        let mut said = Connection::Connecting;
        let mut is_missed_said = self.from == Begin::Now;
        let ends = futures_util::future::join_all(scripts.iter().map(Script::ended));
        tokio::pin!(ends);
        loop {
            let AccountState { connection, difference_end_seq, is_missed_cut, .. } = state.borrow_and_update().clone();
            if connection != said {
                self.tell(&connection, output)?;
                said = connection;
            }
            if let Some(end) = difference_end_seq.filter(|_| !is_missed_said) {
                tell_cut(is_missed_cut, &self.dir, output);
                self.tell_missed(end, output)?;
                is_missed_said = true;
            }
            tokio::select! {
                // What happened before the end is told before it.
                biased;
                changed = state.changed() => changed.context("the account has stopped")?,
                ends = &mut ends => return Ok(ends.into_iter().map(Some).collect()),
            }
        }
    }

    /// Says how many messages each script has missed, up to this end.
    fn tell_missed(&self, end: u64, output: &Output) -> Result<()> {
        for Enrolled { name, origin, cursor } in &self.enrolled {
            let messages = self.account.store().scripts().messages_between(*cursor, end)?;
            if messages == 0 {
                continue;
            }
            let since = if *origin == Origin::New { "since the account was last connected" } else { "since last time" };
            let passed = if self.from == Begin::Now { ", passed over" } else { "" };
            if output.is_json() {
                let passed_over = self.from == Begin::Now;
                let missed = json!({"kind": "missed", "messages": messages, "passed_over": passed_over});
                output.on_account(&self.dir.name).about_script(name).json(&missed);
            } else {
                output.note(&format!("{name}: {messages} messages {since}{passed}"));
            }
        }
        Ok(())
    }

    fn tell(&self, connection: &Connection, output: &Output) -> Result<()> {
        let account = &self.dir.name;
        let output = output.on_account(account);
        match connection {
            Connection::Connecting => {}
            Connection::Online => output.tell(&Line::Connected, &format!("{account} is online.")),
            Connection::Waiting(why) => {
                output.tell(&Line::Lost { text: why }, &format!("{account} is not connected, and tries again: {why}"));
            }
            Connection::LoggedOut(why) => {
                bail!("{account} was logged out: {why}; log it in again with `tglhost login {account}`")
            }
        }
        Ok(())
    }

    /// Stops the accounts, and the data centre if there is one.
    pub(super) async fn close(self) {
        self.account.stop().await;
        if let Some(embedded) = self.chat {
            embedded.stop().await;
        }
    }
}

/// Says where a bound has kept what was missed from being fetched whole.
fn tell_cut(is_missed_cut: bool, dir: &AccountDir, output: &Output) {
    if is_missed_cut {
        output.note(&format!(
            "{} has missed more than is looked up ({RECOVERY_MESSAGES_MAX} messages of {RECOVERY_DIALOGS_MAX} conversations, \
             and as many of each channel): the oldest will not come.",
            dir.name
        ));
    }
}

/// Gives each script that has none yet its place in the account, and says where that is not what one would expect.
fn enrol(store: &AccountStore, files: &[ScriptFile], args: &Args, output: &Output) -> Result<Vec<Enrolled>> {
    let given_name = |index| args.names.get(index).map(String::as_str);
    let scripts: Vec<_> =
        files.iter().enumerate().map(|(index, file)| (file.path.as_path(), given_name(index))).collect();
    let enrolled = store.scripts().enrol(&scripts)?;
    for ((file, (_, given_name)), script) in files.iter().zip(scripts).zip(&enrolled) {
        let (name, path) = (&script.name, file.path.display());
        match &script.origin {
            Origin::New if given_name.is_none() && **name != *file.name => {
                output.note(&format!(
                    "{path} is called {name} here: its file's name is another script's, or is none for a script."
                ));
            }
            Origin::New | Origin::Known => {}
            Origin::EarlierVersion => output.note(&format!(
                "{path} goes on with what was kept for all scripts called {name}; \
                 `tglhost forget {name}` would have it begin anew."
            )),
            Origin::OtherFile(other) => {
                output.note(&format!("{name} goes on from {path}; it was last run from {}.", other.display()));
            }
        }
    }
    Ok(enrolled)
}

/// Where the account is logged in: it was before, or is now with the credentials given.
async fn logged_in(dir: &AccountDir, dc: Option<DcAddress>, args: &Args, output: &Output) -> Result<DcAddress> {
    if !when_there_is_room(output, || dir.is_logged_in()).await? {
        if !args.credentials.are_at_hand() {
            let missing = anyhow!(
                "nobody is logged in as {:?}: run `tglhost login {}` first, or give --phone and --code, --qr, or --bot-token-file",
                dir.name,
                dir.name
            );
            // One that was logged out is no mistake of the command line's.
            return if dir.exists() { Err(missing) } else { Err(missing).or_misuse() };
        }
        let dc = dc.clone().unwrap_or(DcAddress::Telegram);
        let proxy = args.dc.proxy(&dc)?;
        login::log_in(dir, &dc, proxy, &args.credentials, output).await?;
    }
    match dc {
        Some(dc) => dir.same_data_centre(dc),
        None => dir.data_centre(),
    }
}
