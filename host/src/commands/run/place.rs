//! The account that scripts run on: one of the user's own, or the embedded data centre's.
//!
//! Invariant: what is started here is stopped by [`Place::close`], the accounts before their data centre.

use anyhow::{Context, Result, bail};
use files::{FileSpace, HOME_BYTES_MAX};
use runtime::{End, Link, Script, ScriptConfig};
use sandbox::{Limits, Program};
use serde_json::json;
use store::AccountStore;
use telegram::{Account, AccountConfig, Attachment, DcAddress};
use tgl::Connection;

use super::Args;
use super::embedded::Embedded;
use super::script_file::ScriptFile;
use crate::commands::login::{self, Credentials};
use crate::data_dir::{AccountDir, DataDir};
use crate::output::{self, Output};

/// The account that the scripts run on, and what stands around it.
pub(super) struct Place {
    dir: AccountDir,
    store: AccountStore,
    account: Account,
    chat: Option<Embedded>,
}

impl Place {
    /// Opens the account that the arguments name, logging it in first where they say how.
    pub(super) async fn open(args: &Args, data_dir: &DataDir, output: &Output) -> Result<Self> {
        match (&args.account, args.dc.address()?) {
            (None, None) if !args.credentials.are_given() => {
                let (script, embedded) = Embedded::start(data_dir).await?;
                Ok(Self { dir: script.dir, store: script.store, account: script.account, chat: Some(embedded) })
            }
            (name, dc) => {
                let dir = data_dir.account(name.as_deref().unwrap_or("default"))?;
                Self::on_account(dir, dc, &args.credentials, output).await
            }
        }
    }

    /// On an account of one's own: logged in before, or now with the credentials given.
    async fn on_account(
        dir: AccountDir,
        dc: Option<DcAddress>,
        credentials: &Credentials,
        output: &Output,
    ) -> Result<Self> {
        if !dir.is_logged_in()? {
            if !credentials.are_given() {
                bail!(
                    "nobody is logged in as {:?}: run `tglhost login {}` first, or give --phone and --code or --bot-token",
                    dir.name,
                    dir.name
                );
            }
            let dc = dc.clone().unwrap_or(DcAddress::Telegram);
            login::log_in(&dir, &dc, credentials, output).await?;
        }
        let dc = match dc {
            Some(dc) => dir.same_data_centre(dc)?,
            None => dir.data_centre()?,
        };
        let store = AccountStore::open(&dir.path)?;
        let api = login::api_credentials(&dc)?;
        let account = Account::start(AccountConfig { store: store.clone(), dc, api })?;
        output.note(&format!("{} connects; Ctrl-C ends it.", dir.name));
        Ok(Self { dir, store, account, chat: None })
    }

    /// Starts the scripts, in their order.
    pub(super) fn start_scripts(
        &self,
        files: &[ScriptFile],
        programs: Vec<Program>,
        args: &Args,
        output: &Output,
    ) -> Result<Vec<Script>> {
        let mut scripts = Vec::with_capacity(files.len());
        for (file, program) in files.iter().zip(programs) {
            let home = self.dir.script_home(&file.name)?;
            let files = FileSpace::open(Some(&file.folder), Some(&home), HOME_BYTES_MAX, &args.folders)?;
            let config = ScriptConfig {
                name: file.name.clone(),
                program,
                source: file.source(),
                files: files.clone(),
                args: args.args.clone(),
                env: time_zone().map(|zone| ("TZ".to_owned(), zone)).into_iter().collect(),
                limits: Limits::default(),
                link_previews: args.link_previews,
            };
            let Attachment { requests, completions, notes } = self.account.attach(file.name.clone(), files);
            let link = Link { requests, completions, notes, state: self.account.state() };
            scripts.push(Script::start(config, link, self.store.clone(), output::for_scripts(output)));
        }
        Ok(scripts)
    }

    /// Waits for the scripts' ends, or for the chat's. Gives the ends in the scripts' order; none for one that runs on.
    pub(super) async fn until_the_end(&self, scripts: &[Script], output: &Output) -> Result<Vec<Option<End>>> {
        match &self.chat {
            Some(embedded) => embedded.converse(scripts, output).await,
            None => self.until_scripts_end(scripts, output).await,
        }
    }

    /// Without a chat: until every script has ended or the account is logged out. Outages are told as they come.
    async fn until_scripts_end(&self, scripts: &[Script], output: &Output) -> Result<Vec<Option<End>>> {
        let mut state = self.account.state();
        let mut said = Connection::Connecting;
        let ends = futures_util::future::join_all(scripts.iter().map(Script::ended));
        tokio::pin!(ends);
        loop {
            let connection = state.borrow_and_update().connection.clone();
            if connection != said {
                self.tell(&connection, output)?;
                said = connection;
            }
            tokio::select! {
                ends = &mut ends => return Ok(ends.into_iter().map(Some).collect()),
                changed = state.changed() => changed.context("the account has stopped")?,
            }
        }
    }

    fn tell(&self, connection: &Connection, output: &Output) -> Result<()> {
        let account = &self.dir.name;
        match connection {
            Connection::Connecting => {}
            Connection::Online => {
                let text = format!("{account} is online.");
                if output.is_json() {
                    output.json(&json!({"event": "online", "account": account}));
                } else {
                    output.note(&text);
                }
            }
            Connection::Waiting(why) => output.note(&format!("{account} is not connected, and tries again: {why}")),
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

/// The user's time zone, by its name in the time zone database. A guest's C library knows UTC only; a script that wants
/// local time finds the name in TZ.
fn time_zone() -> Option<String> {
    if let Ok(zone) = std::env::var("TZ") {
        return Some(zone.trim_start_matches(':').to_owned());
    }
    let file = std::fs::canonicalize("/etc/localtime").ok()?;
    Some(file.to_str()?.split_once("/zoneinfo/")?.1.to_owned())
}
