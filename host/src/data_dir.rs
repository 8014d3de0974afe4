//! Where everything is kept on disk.
//!
//! Invariant: every folder made here can be entered by its owner only, and no name from outside leaves the data directory.
//! A data directory that was ever opened is marked as tglhost's own, and so are the configuration's and the cache's folders.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use telegram::DcAddress;

use crate::misuse::{OrMisuse, misuse};

/// Longest name of an account, in bytes.
const ACCOUNT_NAME_BYTES_MAX: usize = 64;

/// What the embedded data centre's account that scripts run on is called.
const EMBEDDED: &str = "embedded";

/// The data directory:
///
/// ```text
/// accounts/NAME/account.toml      where it is logged in
/// accounts/NAME/account.db        its session, inbox, peers and messages
/// accounts/NAME/scripts/SCRIPT/   one script's private folder, by what the script is called within the account
/// embedded/data-centre/           the embedded data centre
/// embedded/{script,you}/          its two accounts, laid out like the ones above
/// control.sock                    where `tglhost serve` is asked by its owner
/// host.lock                       held by the host that is at work
/// stopped.json                    scripts of a host that somebody has stopped
/// tokens.json                     digests of tenants' tokens
/// logs/TENANT.SCRIPT.jsonl        what a host's script has printed and logged
/// removed/                        what was a tenant's that was removed
/// .tglhost-own                    says that scripts see nothing of all this
/// ```
#[derive(Clone)]
pub(crate) struct DataDir {
    root: PathBuf,
}

impl DataDir {
    /// Opens, and makes if missing, the given directory or the platform's own.
    pub(crate) fn open(given: Option<PathBuf>) -> Result<Self> {
        let root = match given {
            Some(root) => make_private(&root).or_misuse().map(|()| root)?,
            None => usual_root().and_then(|root| make_private(&root).map(|()| root))?,
        };
        mark_own(&root);
        usual_folders().filter(|folder| folder.is_dir()).for_each(|folder| mark_own(&folder));
        let root = root.canonicalize().with_context(|| format!("cannot use {}", root.display()))?;
        Ok(Self { root })
    }

    /// The given directory or the platform's own, to look at what is in it. Nothing is made; a given one has to be there.
    pub(crate) fn existing(given: Option<PathBuf>) -> Result<Self> {
        let Some(given) = given else { return Ok(Self { root: usual_root()? }) };
        match given.canonicalize() {
            Ok(root) if root.is_dir() => Ok(Self { root }),
            _ => Err(misuse(format_args!("there is no data directory {}", given.display()))),
        }
    }

    /// The folder itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// tglhost's own folders, whether they are there yet or not: this data directory and the usual ones.
    pub(crate) fn own_folders(&self) -> Vec<PathBuf> {
        own_folders(&self.root)
    }

    /// The folder of a named account, whether it exists or not.
    pub(crate) fn account(&self, name: &str) -> Result<AccountDir> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+');
        if name.is_empty() || name.len() > ACCOUNT_NAME_BYTES_MAX || name.starts_with('.') || !name.chars().all(allowed)
        {
            return Err(misuse(format_args!(
                "{name:?} cannot be an account's name: use up to {ACCOUNT_NAME_BYTES_MAX} letters, digits and -_.+, the first one not a dot"
            )));
        }
        if name == EMBEDDED {
            return Err(misuse(format_args!(
                "{EMBEDDED:?} is the account of the embedded data centre, which scripts run on where none is named"
            )));
        }
        Ok(AccountDir { path: self.root.join("accounts").join(name), name: name.to_owned() })
    }

    /// The accounts that were ever logged in, by name.
    pub(crate) fn accounts(&self) -> Result<Vec<AccountDir>> {
        let folder = self.root.join("accounts");
        let mut accounts = Vec::new();
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let entry = entry.with_context(|| format!("cannot list {}", folder.display()))?;
            if let Some(name) = entry.file_name().to_str()
                && let Ok(account) = self.account(name)
                && account.exists()
            {
                accounts.push(account);
            }
        }
        accounts.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(accounts)
    }

    /// Every account that scripts may have run on: the embedded data centre's first, then those that were logged in.
    pub(crate) fn accounts_of_scripts(&self) -> Result<Vec<AccountDir>> {
        let embedded = self.embedded_account("script");
        Ok(std::iter::once(embedded).filter(|account| account.path.is_dir()).chain(self.accounts()?).collect())
    }

    /// The folders of all accounts that have a file, those of the embedded data centre's chat among them.
    pub(crate) fn account_folders(&self) -> Result<Vec<PathBuf>> {
        let folders =
            folders_in(&self.root.join("accounts"))?.into_iter().chain(folders_in(&self.root.join("embedded"))?);
        Ok(folders.filter(|folder| folder.join(store::DATABASE_FILE).is_file()).collect())
    }

    /// Where logs of a host's scripts are.
    pub(crate) fn script_logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// Where the embedded data centre keeps what it must.
    pub(crate) fn data_centre(&self) -> PathBuf {
        self.root.join("embedded/data-centre")
    }

    /// One of the two accounts of the embedded data centre, by its folder.
    pub(crate) fn embedded_account(&self, folder: &'static str) -> AccountDir {
        AccountDir { path: self.root.join("embedded").join(folder), name: EMBEDDED.to_owned() }
    }
}

/// One account's folder.
#[derive(Clone)]
pub(crate) struct AccountDir {
    /// The folder itself.
    pub(crate) path: PathBuf,
    /// What the user calls the account.
    pub(crate) name: String,
}

/// `account.toml`: where an account is logged in. Without a data centre it is Telegram itself.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountFile {
    data_centre: Option<DataCentreEntry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DataCentreEntry {
    address: std::net::SocketAddr,
    dc_id: i32,
    public_key_pem: String,
}

impl AccountDir {
    /// Whether this account was ever logged in.
    pub(crate) fn exists(&self) -> bool {
        self.path.join("account.toml").is_file()
    }

    /// Whether somebody is logged in to this account, by what is on disk.
    pub(crate) fn is_logged_in(&self) -> Result<bool> {
        Ok(self.exists() && store::inspect(&self.path)?.is_some_and(|summary| summary.user.is_some()))
    }

    /// `dc` if it is where this account is logged in, at a new address perhaps; a session is worth nothing elsewhere,
    /// and must not be tried there. An error that says so for any other data centre.
    pub(crate) fn same_data_centre(&self, dc: DcAddress) -> Result<DcAddress> {
        let is_same = match (&self.data_centre()?, &dc) {
            (DcAddress::Telegram, DcAddress::Telegram) => true,
            (DcAddress::Custom { public_key_pem: ours, .. }, DcAddress::Custom { public_key_pem: named, .. }) => {
                ours.trim() == named.trim()
            }
            _ => false,
        };
        if !is_same {
            return Err(misuse(format_args!(
                "{:?} is logged in at another data centre: choose another name for the account at this one",
                self.name
            )));
        }
        Ok(dc)
    }

    /// The data centre this account is logged in at.
    pub(crate) fn data_centre(&self) -> Result<DcAddress> {
        let path = self.path.join("account.toml");
        let text = fs::read_to_string(&path).with_context(|| {
            format!("there is no account {:?}: log it in with `tglhost login {} --phone NUMBER`", self.name, self.name)
        })?;
        let file: AccountFile = toml::from_str(&text).with_context(|| {
            format!("{} is damaged: log the account in again with `tglhost login {}`", path.display(), self.name)
        })?;
        Ok(match file.data_centre {
            None => DcAddress::Telegram,
            Some(entry) => {
                DcAddress::Custom { address: entry.address, public_key_pem: entry.public_key_pem, dc_id: entry.dc_id }
            }
        })
    }

    /// Remembers the data centre this account is logged in at.
    pub(crate) fn set_data_centre(&self, dc: &DcAddress) -> Result<()> {
        let data_centre = match dc {
            DcAddress::Telegram => None,
            DcAddress::Custom { address, public_key_pem, dc_id } => {
                Some(DataCentreEntry { address: *address, dc_id: *dc_id, public_key_pem: public_key_pem.clone() })
            }
        };
        let text = toml::to_string(&AccountFile { data_centre })?;
        let path = self.path.join("account.toml");
        write_whole(&path, text.as_bytes())
    }

    /// A script's private folder, whether it is there or not.
    pub(crate) fn script_home(&self, script: &str) -> PathBuf {
        self.path.join("scripts").join(script)
    }

    /// A script's private folder, made if missing.
    pub(crate) fn make_script_home(&self, script: &str) -> Result<PathBuf> {
        let path = self.script_home(script);
        make_private(&path)?;
        Ok(path)
    }

    /// Takes a script's private folder away, all at once for whoever looks. What it held is deleted when the folder that
    /// this gives is removed.
    pub(crate) fn set_script_home_aside(&self, script: &str) -> std::io::Result<PathBuf> {
        let aside = self.path.join("forgotten");
        remove_folder(&aside)?;
        match fs::rename(self.script_home(script), &aside) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            moved => moved?,
        }
        Ok(aside)
    }
}

/// The private folders of the scripts of the account in this folder.
pub(crate) fn script_homes(account: &Path) -> Result<Vec<PathBuf>> {
    folders_in(&account.join("scripts"))
}

/// The folders in one that may not be there.
fn folders_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("cannot list {}", folder.display()))?,
    };
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>();
    let paths = paths.with_context(|| format!("cannot list {}", folder.display()))?;
    Ok(paths.into_iter().filter(|path| path.is_dir()).collect())
}

/// Writes a file that its owner alone may read: whoever reads it, and whenever the process ends, finds it as it was before or
/// as it is after. Where it cannot be written nothing is left beside it.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let beside = path.with_extension("new");
    let write = || {
        let mut file = File::options().create(true).write(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    let written = write().inspect_err(|_| _ = fs::remove_file(&beside));
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// tglhost's own folders where this is its data directory, whether they are there yet or not.
pub(crate) fn own_folders(data: &Path) -> Vec<PathBuf> {
    std::iter::once(data.to_owned()).chain(usual_folders()).collect()
}

/// The platform's own data directory, whether it is there or not.
fn usual_root() -> Result<PathBuf> {
    let data = dirs::data_dir();
    let data = data.context("no data directory is known for this user (HOME is not set): name one with --data DIR")?;
    Ok(data.join("tglhost"))
}

/// The usual data directory, the configuration's folder and the cache's.
fn usual_folders() -> impl Iterator<Item = PathBuf> {
    let usual = [dirs::data_dir(), dirs::config_dir(), dirs::cache_dir()];
    usual.into_iter().flatten().map(|folder| folder.join("tglhost"))
}

/// Has other commands know the folder as tglhost's own. This one knows it without that.
pub(crate) fn mark_own(folder: &Path) {
    if let Err(reason) = files::mark_own_folder(folder) {
        tracing::warn!("{} cannot be marked as tglhost's own: {reason}", folder.display());
    }
}

/// Removes a folder with all that is in it; one that is not there is as good.
pub(crate) fn remove_folder(path: &Path) -> std::io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Makes a folder, and those above it, that only its owner may enter. One that is there already is left to its owner.
fn make_private(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("cannot make the folder {}", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
        .with_context(|| format!("cannot protect the folder {}", path.display()))
}
