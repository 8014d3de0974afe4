//! A user of a data centre, by the host's own account and without a script.
//!
//! Invariant: what comes of every call is waited for, and none may fail.

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use broker::Attachment;
use files::FileSpace;
use store::AccountStore;
use telegram::login::{Login, SignIn};
use telegram::{Account, AccountConfig, ApiCredentials, DcAddress};
use tgl::{Call, Grants, Outcome};

/// What its calls go by.
const NAME: &str = "client";
/// Calls that are under way at once, at most.
const UNDER_WAY_MAX: usize = 32;

/// See the module.
pub(crate) struct Client {
    pub(crate) account: Account,
    calls: Attachment,
}

impl Client {
    /// Logs in with a test number, signed up first where it is new; `data` is where the account lies.
    pub(crate) async fn log_in(data: &Path, dc: DcAddress, phone: &str, files: FileSpace) -> Result<Self> {
        let api = ApiCredentials { api_id: 1, api_hash: "hash".to_owned() };
        let store = AccountStore::open(data)?;
        let config = AccountConfig { store: store.clone(), dc, api, proxy: None };
        let mut login = Login::begin(config.clone()).await?;
        login.send_code(phone).await?;
        if let SignIn::SignUpNeeded = login.sign_in(&phone[5..6].repeat(5)).await? {
            login.sign_up("Client", "").await?;
        }
        login.finish().await?;
        store.scripts().join(NAME)?;
        let account = Account::start(config)?;
        let calls = account.attach(NAME.into(), files, Grants::trusted());
        Ok(Self { account, calls })
    }

    /// What comes of a call.
    pub(crate) async fn call(&mut self, call: Call) -> Result<Outcome> {
        self.calls.send(1, call).await?;
        self.next_outcome().await
    }

    /// Makes these calls, each as soon as there is room for it.
    pub(crate) async fn call_all(&mut self, calls: impl IntoIterator<Item = Call>) -> Result<()> {
        let mut under_way = 0;
        for call in calls {
            if under_way == UNDER_WAY_MAX {
                self.next_outcome().await?;
                under_way -= 1;
            }
            self.calls.send(1, call).await?;
            under_way += 1;
        }
        for _ in 0..under_way {
            self.next_outcome().await?;
        }
        Ok(())
    }

    async fn next_outcome(&mut self) -> Result<Outcome> {
        let arrived = self.calls.completions.recv().await.context("the account has stopped")?;
        arrived.completion.result.map_err(|error| anyhow!("{}", error.detail))
    }
}
