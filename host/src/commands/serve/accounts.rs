//! The accounts of a host.
//!
//! Invariant: an account that cannot be at work says why, and is tried again when the files are read again; the others go on.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use config::{Config, DataCentre};
use futures_util::future::join_all;
use supervisor::Account;
use tgl::Connection;

use super::account::Surroundings;
use super::board::ShownAccount;
use super::logins::Vacant;
use super::refusal::Refusal;
use super::script::own_account_name;
use crate::commands::dc::DC_ID;
use crate::data_dir::{AccountDir, DataDir};
use crate::output::{Output, sentence};

/// Why an account is not at work that waits for a login.
pub(super) const NOBODY_LOGGED_IN: &str = "nobody is logged in";

/// See the module.
pub(super) struct Accounts {
    data_dir: DataDir,
    output: Output,
    embedded: Option<datacentre::DataCentre>,
    /// api_id, and the file with api_hash.
    telegram: Option<(i32, PathBuf)>,
    seats: BTreeMap<String, Seat>,
}

/// One of them.
struct Seat {
    place: DataCentre,
    at_work: Result<(Arc<Account>, AccountDir), String>,
}

impl Accounts {
    /// None yet.
    pub(super) fn new(data_dir: DataDir, output: Output) -> Self {
        Self { data_dir, output, embedded: None, telegram: None, seats: BTreeMap::new() }
    }

    /// Takes those that are to be there no more, or elsewhere; those that are not at work are tried again.
    pub(super) fn take_what_went(&mut self, places: &BTreeMap<String, DataCentre>) -> Vec<Arc<Account>> {
        let stays = |name: &String, seat: &Seat| places.get(name) == Some(&seat.place) && seat.at_work.is_ok();
        let (stay, go): (BTreeMap<_, _>, BTreeMap<_, _>) =
            std::mem::take(&mut self.seats).into_iter().partition(|(name, seat)| stays(name, seat));
        self.seats = stay;
        go.into_values().filter_map(|seat| seat.at_work.ok()).map(|(account, _)| account).collect()
    }

    /// Opens those that are not there yet, each for these scripts: their files and names.
    pub(super) async fn open_new(
        &mut self,
        config: &Config,
        places: &BTreeMap<String, DataCentre>,
        scripts_on: impl Fn(&str) -> Vec<(PathBuf, String)>,
    ) {
        self.telegram.clone_from(&config.telegram);
        let needs_embedded = places.values().any(|place| matches!(place, DataCentre::Embedded { .. }));
        if needs_embedded && self.embedded.is_none() {
            let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
            let config = datacentre::Config { listen, data_dir: self.data_dir.data_centre(), dc_id: DC_ID };
            match datacentre::DataCentre::start(config).await {
                Ok(embedded) => self.embedded = Some(embedded),
                Err(error) => self.output.note(&format!("The embedded data centre cannot start: {error}")),
            }
        }
        let surroundings = self.surroundings();
        let new = places.iter().filter(|(name, _)| !self.has(name));
        let opened = join_all(new.map(async |(name, place)| {
            let at_work = surroundings.open(name, place, &scripts_on(name)).await;
            let at_work = at_work.map(|(account, dir)| (Arc::new(account), dir));
            (name.clone(), Seat { place: place.clone(), at_work: at_work.map_err(|error| sentence(&error)) })
        }))
        .await;
        for (name, seat) in opened {
            if let Err(why) = &seat.at_work {
                self.output.on_account(&name).note(&format!("The account {name} is not at work: {why}"));
            }
            self.seats.insert(name, seat);
        }
    }

    /// What they are called.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.seats.keys()
    }

    /// Whether there is this one, at work or not.
    pub(super) fn has(&self, name: &str) -> bool {
        self.seats.contains_key(name)
    }

    /// One that is at work.
    ///
    /// # Errors
    /// Where it is not, and why.
    pub(super) fn at_work(&self, name: &str) -> Result<(&Arc<Account>, &AccountDir)> {
        let seat = self.seats.get(name).with_context(|| format!("there is no account {name}"))?;
        let (account, dir) = seat.at_work.as_ref().map_err(|why| anyhow!("its account is not at work: {why}"))?;
        Ok((account, dir))
    }

    /// How each stands.
    pub(super) fn shown(&self) -> BTreeMap<String, ShownAccount> {
        let shown = |seat: &Seat| match &seat.at_work {
            Ok((account, _)) => Ok(account.telegram().state()),
            Err(why) => Err(why.clone()),
        };
        self.seats.iter().map(|(name, seat)| (name.clone(), shown(seat))).collect()
    }

    /// Takes an account that was logged out from among those at work, if it is there.
    ///
    /// # Errors
    /// Where somebody is logged in, or there is no such account.
    pub(super) fn take_logged_out(&mut self, name: &str) -> Result<Option<Arc<Account>>, Refusal> {
        let seat = self.seats.get_mut(name).ok_or_else(|| Refusal::no_account(name))?;
        let Ok((account, _)) = &seat.at_work else { return Ok(None) };
        if !matches!(account.telegram().state().borrow().connection, Connection::LoggedOut(_)) {
            return Err(Refusal::Conflict(format!("somebody is logged in to {name} already")));
        }
        let gone = std::mem::replace(&mut seat.at_work, Err(NOBODY_LOGGED_IN.to_owned()));
        Ok(gone.ok().map(|(account, _)| account))
    }

    /// What is needed to log in to an account that is not at work.
    ///
    /// # Errors
    /// Where it cannot be had.
    pub(super) async fn vacant(&self, name: &str) -> Result<Vacant, Refusal> {
        let seat = self.seats.get(name).ok_or_else(|| Refusal::no_account(name))?;
        let made = self.surroundings().config(name, &seat.place).await;
        let (config, dir) = made.map_err(|error| Refusal::failed(&error))?;
        Ok(Vacant { config, dir })
    }

    /// Stops all of them, in order.
    pub(super) async fn stop(self) {
        let at_work = self.seats.into_values().filter_map(|seat| seat.at_work.ok());
        join_all(at_work.map(|(account, _)| close(account))).await;
        if let Some(embedded) = self.embedded {
            embedded.stop().await;
        }
    }

    fn surroundings(&self) -> Surroundings<'_> {
        Surroundings {
            data_dir: &self.data_dir,
            embedded: self.embedded.as_ref(),
            telegram: self.telegram.as_ref(),
            output: &self.output,
        }
    }
}

/// Every account, by what it is called on the host, and where it is.
pub(crate) fn places(config: &Config) -> BTreeMap<String, DataCentre> {
    let shared = config.accounts.iter().map(|(name, account)| (name.clone(), account.data_centre.clone()));
    let own = config.tenants.iter().flat_map(|(tenant, of)| {
        let named = move |name: &String| own_account_name(tenant, name);
        of.accounts.iter().map(move |(name, account)| (named(name), account.data_centre.clone()))
    });
    shared.chain(own).collect()
}

/// Stops an account, in order where nobody else has it.
pub(super) async fn close(account: Arc<Account>) {
    if let Some(account) = Arc::into_inner(account) {
        account.stop().await;
    }
}
