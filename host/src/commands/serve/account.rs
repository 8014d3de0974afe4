//! One account of a host: opened, logged in where that needs nobody, and connected.
//!
//! Invariant: its scripts have their places in it before it connects, so nothing that comes is missed by them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use config::DataCentre;
use store::AccountStore;
use supervisor::Account;
use telegram::login::SignIn;
use telegram::{AccountConfig, ApiCredentials, DcAddress};

use crate::commands::login;
use crate::data_dir::{AccountDir, DataDir};
use crate::held;
use crate::output::Output;
use crate::settings;

/// What accounts are opened with.
pub(super) struct Surroundings<'a> {
    pub(super) data_dir: &'a DataDir,
    pub(super) embedded: Option<&'a datacentre::DataCentre>,
    /// api_id, and the file with api_hash.
    pub(super) telegram: Option<&'a (i32, PathBuf)>,
    pub(super) output: &'a Output,
}

impl Surroundings<'_> {
    /// Opens the account that is called so, for scripts with these names and files.
    ///
    /// # Errors
    /// Why it cannot be at work, for its owner.
    pub(super) async fn open(
        &self,
        name: &str,
        place: &DataCentre,
        scripts: &[(PathBuf, String)],
    ) -> Result<(Account, AccountDir)> {
        let (config, dir) = self.config(name, place).await?;
        let (store, dc) = (config.store.clone(), config.dc.clone());
        if telegram::is_logged_in(&store).is_none() {
            let DataCentre::Embedded { phone, first_name } = place else {
                bail!(
                    "nobody is logged in: run `tglhost account login {name} --phone NUMBER`, or with --qr, and this host's --host DIR"
                );
            };
            sign_in(config.clone(), phone, first_name).await?;
        }
        dir.set_data_centre(&dc)?;
        let places: Vec<(&Path, Option<&str>)> =
            scripts.iter().map(|(path, name)| (path.as_path(), Some(name.as_str()))).collect();
        store.scripts().enrol(&places)?;
        let account = Account::start(name, config)?;
        held::tell(account.telegram(), name, self.output);
        Ok((account, dir))
    }

    /// What an account is opened or logged in with. Its file is held open.
    ///
    /// # Errors
    /// Where it cannot be opened, or the host does not know how its data centre is reached.
    pub(super) async fn config(&self, name: &str, place: &DataCentre) -> Result<(AccountConfig, AccountDir)> {
        let dir = self.data_dir.account(name)?;
        let (dc, api) = (self.address(place)?, self.api(place)?);
        let path = dir.path.clone();
        let store = tokio::task::spawn_blocking(move || AccountStore::open(&path)).await??;
        Ok((AccountConfig { store, dc, api, proxy: None }, dir))
    }

    fn address(&self, place: &DataCentre) -> Result<DcAddress> {
        Ok(match place {
            DataCentre::Telegram => DcAddress::Telegram,
            DataCentre::Embedded { .. } => {
                let embedded = self.embedded.context("the embedded data centre does not run")?;
                DcAddress::Custom {
                    address: embedded.address,
                    public_key_pem: embedded.public_key_pem.clone(),
                    dc_id: embedded.dc_id,
                }
            }
            DataCentre::At { address, dc_id, key_file } => DcAddress::Custom {
                address: *address,
                public_key_pem: std::fs::read_to_string(key_file)
                    .with_context(|| format!("cannot read {}", key_file.display()))?,
                dc_id: *dc_id,
            },
        })
    }

    fn api(&self, place: &DataCentre) -> Result<ApiCredentials> {
        if *place != DataCentre::Telegram {
            return Ok(settings::embedded_credentials());
        }
        let (api_id, hash_file) = self.telegram.ok_or_else(|| anyhow!("tglhost.toml has no section [telegram]"))?;
        let api_hash = login::secret_in(hash_file)?;
        Ok(ApiCredentials { api_id: *api_id, api_hash })
    }
}

/// Logs a test number in at the embedded data centre, which sends the same code to it always: the number's sixth digit, five
/// times.
async fn sign_in(config: AccountConfig, phone: &str, first_name: &str) -> Result<()> {
    let code = phone.get(5..6).unwrap_or_default().repeat(5);
    let mut login = login::begin(config).await?;
    login.send_code(phone).await?;
    match login.sign_in(&code).await? {
        SignIn::Done(_) => {}
        SignIn::SignUpNeeded => {
            login.sign_up(first_name, "").await?;
        }
        SignIn::PasswordNeeded { .. } => bail!("the account {phone} of the embedded data centre has a 2FA password"),
    }
    Ok(login.finish().await?)
}
