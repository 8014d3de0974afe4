//! An account at work, with what it keeps.
//!
//! Invariant: a script's way to its account is made here and nowhere else, and says whose script it is.

use broker::{Rules, ScriptId, Server};
use files::FileSpace;
use runtime::ScriptConfig;
use std::sync::Arc;
use store::{AccountStore, StoreError};
use telegram::AccountConfig;

/// An account at work. Dropping it ends its connections; what it knew is in its store at any moment.
#[derive(Debug)]
pub struct Account {
    name: Arc<str>,
    store: AccountStore,
    telegram: telegram::Account,
}

impl Account {
    /// Starts the account, which is called so here.
    ///
    /// # Errors
    /// As [`telegram::Account::start`].
    pub fn start(name: &str, config: AccountConfig) -> Result<Self, StoreError> {
        let store = config.store.clone();
        Ok(Self { name: name.into(), store, telegram: telegram::Account::start(config)? })
    }

    /// What it is called here.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it keeps.
    pub fn store(&self) -> &AccountStore {
        &self.store
    }

    /// Its side towards Telegram.
    pub fn telegram(&self) -> &telegram::Account {
        &self.telegram
    }

    /// Stops it, as [`telegram::Account::stop`].
    pub async fn stop(self) {
        self.telegram.stop().await;
    }

    /// The account's side of a script. It opens what the script names in a call, and saves files for it, in these folders.
    pub(crate) fn serve(&self, tenant: Arc<str>, config: &ScriptConfig, files: FileSpace, rules: Rules) -> Server {
        let script = config.name.clone();
        if !config.is_successor {
            files.remove_leftovers();
        }
        let attachment = self.telegram.attach(script.clone(), files, rules.grants.clone());
        let id = ScriptId { tenant, account: Arc::clone(&self.name), script };
        let begin = if config.is_successor { Server::successor } else { Server::new };
        begin(id, rules, Arc::new(self.store.scripts()), attachment)
    }
}
