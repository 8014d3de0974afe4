//! The embedded data centre and its two accounts: the scripts', and that of the person at the terminal.
//!
//! Invariant: what this makes survives: the second start finds both accounts logged in and acquainted.

use anyhow::{Context, Result, bail};
use datacentre::{Config, DataCentre, StartError};
use files::FileSpace;
use runtime::{End, Script};
use store::AccountStore;
use supervisor::Account;
use telegram::login::SignIn;
use telegram::{AccountConfig, DcAddress};
use tgl::{Call, Connection, Grants, Outcome, PeerId, User};

use super::Begin;
use crate::commands::dc::DC_ID;
use crate::commands::login;
use crate::commands::room::{until_there_is_room, when_there_is_room};
use crate::data_dir::{AccountDir, DataDir};
use crate::held;
use crate::output::{Output, sentence};
use crate::settings;
use crate::terminal_chat::{Side, TerminalChat};

/// The account that scripts run on when none is named. Phone numbers follow Telegram's own test convention.
const SCRIPT_IDENTITY: Identity = Identity { folder: "script", first_name: "Script", phone: "9996621001" };
/// The account of the person at the terminal.
const YOU_IDENTITY: Identity = Identity { folder: "you", first_name: "You", phone: "9996621002" };
/// What the embedded data centre sends to those numbers.
const TEST_CODE: &str = "22222";

/// The embedded data centre and the account of the person at the terminal. The two views of their chat begin when both
/// accounts are up to date and no script runs yet, so both count the same messages.
pub(super) struct Embedded {
    data_centre: DataCentre,
    you: Account,
    your_view: Side,
    scripts_view: Side,
}

impl Embedded {
    /// Starts all three, and gives the scripts' account beside what stands around it. `prepare` has that account's store
    /// before the account connects. What the disk has no room for is waited for.
    pub(super) async fn start(
        data_dir: &DataDir,
        from: Begin,
        output: &Output,
        prepare: impl FnMut(&AccountStore) -> Result<()>,
    ) -> Result<(AccountDir, Account, Self)> {
        let config = Config {
            listen: std::net::SocketAddr::from(([127, 0, 0, 1], 0)),
            data_dir: data_dir.data_centre(),
            dc_id: DC_ID,
        };
        let data_centre = until_there_is_room(output, || async {
            DataCentre::start(config.clone()).await.context("the embedded data centre cannot start")
        });
        let script_store = SCRIPT_IDENTITY.open_store(data_dir, output);
        let your_store = YOU_IDENTITY.open_store(data_dir, output);
        // Side by side, on threads of their own.
        let (data_centre, script_store, your_store) = tokio::join!(data_centre, script_store, your_store);
        let (data_centre, script_store, your_store) = (data_centre?, script_store?, your_store?);
        let dc = DcAddress::Custom {
            address: data_centre.address,
            public_key_pem: data_centre.public_key_pem.clone(),
            dc_id: data_centre.dc_id,
        };
        let around = Around { data_centre: &data_centre, dc: &dc, output };
        let (script, you) = tokio::try_join!(
            SCRIPT_IDENTITY.start(&around, script_store, prepare),
            YOU_IDENTITY.start(&around, your_store, |_| Ok(()))
        )?;
        tokio::try_join!(up_to_date(&script), up_to_date(&you))?;
        let (script_user, your_user) = (user_of(script.store())?, user_of(you.store())?);
        around.ask_when_there_is_room(|| get_acquainted(&you, script_user.id)).await?;
        let your_view = Side::follow(&you, PeerId::user(script_user.id), from)?;
        let scripts_view = Side::follow(&script, PeerId::user(your_user.id), from)?;
        let dir = data_dir.embedded_account(SCRIPT_IDENTITY.folder);
        Ok((dir, script, Self { data_centre, you, your_view, scripts_view }))
    }

    /// Chats with the scripts in the terminal. Gives what [`TerminalChat::converse`] gives.
    pub(super) async fn converse(
        &self,
        scripts: &[Script],
        names: Vec<String>,
        output: &Output,
    ) -> Result<Vec<Option<End>>> {
        let (your_view, scripts_view) = (self.your_view.clone(), self.scripts_view.clone());
        TerminalChat::new(&self.you, your_view, scripts_view, scripts, names, output.clone()).converse().await
    }

    /// Stops the account You, then the data centre.
    pub(super) async fn stop(self) {
        self.you.stop().await;
        self.data_centre.stop().await;
    }
}

/// What the accounts are opened with.
struct Around<'a> {
    data_centre: &'a DataCentre,
    dc: &'a DcAddress,
    output: &'a Output,
}

impl Around<'_> {
    /// Does what asks the data centre for something. What fails as that has no room is done again once there is some.
    async fn ask_when_there_is_room<F>(&self, mut work: impl FnMut() -> F) -> Result<()>
    where
        F: Future<Output = Result<()>>,
    {
        let asking = || {
            let refused_before = self.data_centre.writes_refused();
            let asked = work();
            async move {
                asked.await.map_err(|error| match self.data_centre.writes_refused() > refused_before {
                    true => StartError::NoRoom(sentence(&error)).into(),
                    false => error,
                })
            }
        };
        until_there_is_room(self.output, asking).await
    }
}

/// Who is logged in with this store.
fn user_of(store: &AccountStore) -> Result<User> {
    telegram::is_logged_in(store).context(
        "an account of the embedded data centre was logged out: remove the folder `embedded` of the data directory to begin anew",
    )
}

/// The first time, You adds the scripts' account to its contacts, as a person would before writing to somebody.
async fn get_acquainted(you: &Account, script_user_id: i64) -> Result<()> {
    if you.store().peer(PeerId::user(script_user_id))?.is_some() {
        return Ok(());
    }
    let mut contacts = you.telegram().attach("contacts".into(), FileSpace::empty(), Grants::trusted());
    let call = Call::AddContact {
        phone: SCRIPT_IDENTITY.phone.to_owned(),
        first_name: SCRIPT_IDENTITY.first_name.to_owned(),
        last_name: String::new(),
    };
    contacts.send(1, call).await.context("the account You takes no calls")?;
    let arrived = contacts.completions.recv().await.context("the account You has stopped")?;
    match arrived.completion.result {
        Ok(Outcome::Peers(peers)) if !peers.is_empty() => Ok(()),
        Ok(_) => bail!(
            "the embedded data centre does not know the scripts' account: remove the folder `embedded` of the data directory to begin anew"
        ),
        Err(error) => bail!("You cannot add the scripts' account to its contacts: {}", error.detail),
    }
}

/// An account of the embedded data centre.
struct Identity {
    folder: &'static str,
    first_name: &'static str,
    phone: &'static str,
}

impl Identity {
    async fn open_store(&self, data_dir: &DataDir, output: &Output) -> Result<AccountStore> {
        let dir = data_dir.embedded_account(self.folder);
        let open = || {
            let path = dir.path.clone();
            async { Ok(tokio::task::spawn_blocking(move || AccountStore::open(&path)).await??) }
        };
        until_there_is_room(output, open).await
    }

    /// Starts the account, signed up or logged in first where it is not yet, and prepared before it connects.
    async fn start(
        &self,
        around: &Around<'_>,
        store: AccountStore,
        mut prepare: impl FnMut(&AccountStore) -> Result<()>,
    ) -> Result<Account> {
        let output = around.output;
        let api = settings::embedded_credentials();
        let config = AccountConfig { store: store.clone(), dc: around.dc.clone(), api, proxy: None };
        if telegram::is_logged_in(&store).is_none() {
            around.ask_when_there_is_room(|| self.log_in(config.clone())).await?;
        }
        when_there_is_room(output, || prepare(&store)).await?;
        let account = when_there_is_room(output, || Ok(Account::start(self.folder, config.clone())?)).await?;
        held::tell(account.telegram(), self.first_name, output);
        Ok(account)
    }

    async fn log_in(&self, config: AccountConfig) -> Result<()> {
        let mut login = login::begin(config).await?;
        login.send_code(self.phone).await?;
        match login.sign_in(TEST_CODE).await? {
            SignIn::Done(_) => {}
            SignIn::SignUpNeeded => {
                login.sign_up(self.first_name, "").await?;
            }
            SignIn::PasswordNeeded { .. } => bail!("the embedded account {} has a 2FA password", self.first_name),
        }
        Ok(login.finish().await?)
    }
}

/// Waits until an account has fetched what it missed.
async fn up_to_date(account: &Account) -> Result<()> {
    let mut state = account.telegram().state();
    let state = state
        .wait_for(|state| state.difference_end_seq.is_some() || matches!(state.connection, Connection::LoggedOut(_)))
        .await
        .context("the account has stopped")?;
    if let Connection::LoggedOut(why) = &state.connection {
        bail!(
            "an account of the embedded data centre was logged out: {why}; remove the folder `embedded` of the data directory to begin anew"
        );
    }
    Ok(())
}
