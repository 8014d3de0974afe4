//! Reads the files of a host's folder and checks that they mean something together.
//!
//! Invariant: either everything is right, or everything that is wrong is told, each with its place.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use files::Mount;
use serde::de::DeserializeOwned;
use tgl::{Grants, Limits};
use toml::Spanned;

use crate::ask::{Asked, asked_in};
use crate::errors::{ErrorsSection, ErrorsTo};
use crate::fault::{Fault, Faults, Text};
use crate::grants;
use crate::named::{Given, Granted, Secret, check_variable};
use crate::regular;
use crate::sections::{DataCentre, HOST_FILE, HostFile, ListenSection, ScriptSection, TenantFile};
use crate::totals::Totals;

/// The folder of the tenants.
pub const TENANTS: &str = "tenants";
/// A tenant's file in its folder.
pub const TENANT_FILE: &str = "tenant.toml";
/// The folder of a tenant's scripts.
pub const SCRIPTS: &str = "scripts";
/// Longest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Longest name, in bytes.
const NAME_BYTES_MAX: usize = 32;
/// Tenants of one host.
const TENANTS_MAX: usize = 10_000;

/// What a host is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Which program connects to Telegram itself, and the file of its secret.
    pub telegram: Option<(i32, PathBuf)>,
    /// Where tenants reach the host with their tokens, read when it starts.
    pub http: Option<SocketAddr>,
    /// Where Prometheus reads the host's metrics, read when it starts.
    pub metrics: Option<SocketAddr>,
    /// The accounts that tenants share, by name.
    pub accounts: BTreeMap<String, HostAccount>,
    /// The tenants, by name.
    pub tenants: BTreeMap<String, Tenant>,
}

/// An account that tenants share.
#[derive(Clone, Debug, PartialEq)]
pub struct HostAccount {
    /// Where it is.
    pub data_centre: DataCentre,
    /// Whose scripts may run on it.
    pub tenants: Vec<String>,
}

/// Who owns accounts and scripts.
#[derive(Clone, Debug, PartialEq)]
pub struct Tenant {
    /// Its own accounts, by name.
    pub accounts: BTreeMap<String, TenantAccount>,
    /// Its scripts, by name.
    pub scripts: BTreeMap<String, Script>,
    /// Where its scripts' errors are told.
    pub errors: Option<ErrorsTo>,
}

/// An account of one tenant's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantAccount {
    /// Where it is.
    pub data_centre: DataCentre,
}

/// A script of a tenant's.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    /// Its file.
    pub path: PathBuf,
    /// The account that it runs on.
    pub account: String,
    /// That account is one of the tenant's own.
    pub is_own_account: bool,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its environment, beside its secrets.
    pub env: Vec<(String, String)>,
    /// Values of its environment that are shown to nobody.
    pub secrets: Vec<(String, Secret)>,
    /// Folders that it sees beside its own.
    pub folders: Vec<Mount>,
    /// What it may do: what its tenant is granted and the script asks for.
    pub grants: Grants,
    /// What it asks for by name and is not given, each with how to give it.
    pub refused: Vec<String>,
    /// It says what it asks for.
    pub asks: bool,
    /// What is wrong with what it asks for. A script with any is granted nothing, and is not to be run.
    pub faults: Vec<Fault>,
    /// How much it may use.
    pub limits: Limits,
    /// After so long without anything to do it gives its memory back.
    pub sleep_after: Option<Duration>,
}

/// Reads what the host in this folder is told. These folders are its own, its data among them: no script is given one.
///
/// # Errors
/// Everything that is wrong.
pub fn read(folder: &Path, own: &[PathBuf]) -> Result<Config, Faults> {
    let mut faults = Vec::new();
    let config = Reader { folder, own, faults: &mut faults }.config();
    match config {
        Some(config) if faults.is_empty() => Ok(config),
        _ => Err(Faults(faults)),
    }
}

struct Reader<'a> {
    folder: &'a Path,
    own: &'a [PathBuf],
    faults: &'a mut Vec<Fault>,
}

/// What each script of a tenant may be given.
struct Allowed {
    grants: Grants,
    given: Given,
    limits: Limits,
}

/// What a tenant's file is checked against.
struct Above<'a> {
    limits: Limits,
    totals: Totals,
    shared: &'a BTreeMap<String, HostAccount>,
    host_folder: &'a Path,
}

impl Reader<'_> {
    fn config(&mut self) -> Option<Config> {
        let path = self.folder.join(HOST_FILE);
        let text = self.text(&path)?;
        let text = Text { path: &path, text: &text };
        let file: HostFile = self.parse(&text)?;
        let mut accounts = BTreeMap::new();
        let names = self.tenant_names();
        for (name, section) in &file.accounts {
            self.check_name(&text, name);
            for tenant in section.tenants.iter().filter(|tenant| !names.contains(tenant.get_ref())) {
                let what = format!(
                    "there is no tenant {:?}: make the folder {TENANTS}/{} with a {TENANT_FILE}, or take the name away",
                    tenant.get_ref(),
                    tenant.get_ref()
                );
                self.faults.push(text.fault(Some(tenant.span()), what));
            }
            let data_centre = self.data_centre(&text, section.data_centre.as_ref(), self.folder);
            let tenants = section.tenants.iter().map(|tenant| tenant.get_ref().clone()).collect();
            accounts.insert(name.get_ref().clone(), HostAccount { data_centre, tenants });
        }
        let telegram = file.telegram.as_ref().map(|section| {
            let hash_file = self.folder.join(section.api_hash_file.get_ref());
            if !hash_file.is_file() {
                let what = format!("there is no file {}: write the api_hash into it", hash_file.display());
                self.faults.push(text.fault(Some(section.api_hash_file.span()), what));
            }
            (section.api_id, hash_file)
        });
        let mut spans = Vec::new();
        let limits = file.limits.of_host(&mut spans);
        let totals = file.totals.of_host(&limits, &mut spans);
        self.tell(&text, spans);
        let above = Above { limits, totals, shared: &accounts, host_folder: self.folder };
        let mut tenants = BTreeMap::new();
        for name in names {
            if let Some(tenant) = self.tenant(&name, &above) {
                tenants.insert(name, tenant);
            }
        }
        let uses_telegram = |data_centre: &DataCentre| *data_centre == DataCentre::Telegram;
        let own = tenants.values().flat_map(|tenant| tenant.accounts.values().map(|account| &account.data_centre));
        let is_at_telegram = accounts.values().map(|account| &account.data_centre).chain(own).any(uses_telegram);
        if is_at_telegram && telegram.is_none() {
            let what = "an account is at Telegram itself, which wants to know which program connects: write a section \
                        [telegram] with api_id and api_hash_file (from https://my.telegram.org/apps)";
            self.faults.push(text.fault(None, what));
        }
        let listen = |section: &Option<ListenSection>| section.as_ref().map(|section| section.listen);
        let (http, metrics) = (listen(&file.http), listen(&file.metrics));
        Some(Config { telegram, http, metrics, accounts, tenants })
    }

    /// The tenants that have folders, in the order of their names.
    fn tenant_names(&mut self) -> Vec<String> {
        let folder = self.folder.join(TENANTS);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
            Err(error) => {
                self.faults.push(Fault { path: folder, place: None, what: format!("it cannot be listed: {error}") });
                return Vec::new();
            }
        };
        let mut names = Vec::new();
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !entry.path().is_dir() || name.starts_with('.') {
                continue;
            }
            match unfit_name(&name) {
                None => names.push(name),
                Some(what) => self.faults.push(Fault { path: entry.path(), place: None, what }),
            }
        }
        names.sort();
        if names.len() > TENANTS_MAX {
            let what = format!("there are {} tenants, and may be {TENANTS_MAX}", names.len());
            self.faults.push(Fault { path: folder, place: None, what });
            names.truncate(TENANTS_MAX);
        }
        names
    }

    fn tenant(&mut self, name: &str, above: &Above<'_>) -> Option<Tenant> {
        let folder = self.folder.join(TENANTS).join(name);
        let path = folder.join(TENANT_FILE);
        let text = self.text(&path)?;
        let text = Text { path: &path, text: &text };
        let file: TenantFile = self.parse(&text)?;
        let mut accounts = BTreeMap::new();
        for (account, section) in &file.accounts {
            self.check_name(&text, account);
            if above.shared.contains_key(account.get_ref()) {
                let what = format!("the host has an account {:?} too: give this one another name", account.get_ref());
                self.faults.push(text.fault(Some(account.span()), what));
            }
            let data_centre = self.data_centre(&text, section.data_centre.as_ref(), above.host_folder);
            accounts.insert(account.get_ref().clone(), TenantAccount { data_centre });
        }
        let mut spans = Vec::new();
        let (grants, given) = (file.grants.read(&mut spans), file.grants.given(&folder, self.own, &mut spans));
        let limits = file.limits.within(&above.limits, &mut spans);
        let allowed = Allowed { grants, given, limits };
        let totals = file.totals.within(&above.totals, &mut spans);
        self.tell(&text, spans);
        self.check_count(&text, "accounts", file.accounts.keys(), totals.accounts_max);
        self.check_count(&text, "scripts", file.scripts.keys(), totals.scripts_max);
        let mut scripts = BTreeMap::new();
        let mut places = Vec::new();
        for (script, section) in &file.scripts {
            self.check_name(&text, script);
            let is_own_account = self.is_own_account(&text, &section.account, name, &accounts, above);
            if let Some(script_read) = self.script(&text, &folder, section, &allowed) {
                places.push((script.span(), script_read.limits));
                scripts.insert(script.get_ref().clone(), Script { is_own_account, ..script_read });
            }
        }
        self.check_sums(&text, &totals, places);
        let errors = file.errors.as_ref().and_then(|section| self.errors(&text, section, name, &accounts, above));
        Some(Tenant { accounts, scripts, errors })
    }

    /// Whether this account is one of the tenant's own. One that it may not use at all is told.
    fn is_own_account(
        &mut self,
        text: &Text<'_>,
        account: &Spanned<String>,
        tenant: &str,
        own: &BTreeMap<String, TenantAccount>,
        above: &Above<'_>,
    ) -> bool {
        let is_own = own.contains_key(account.get_ref());
        let shared = above.shared.get(account.get_ref());
        if !is_own && !shared.is_some_and(|account| account.tenants.iter().any(|with| with == tenant)) {
            let own: Vec<&String> = own.keys().collect();
            let what = format!(
                "this tenant has no account {:?}: it has {own:?} of its own; one of the host's has to name the tenant in its \
                 `tenants`",
                account.get_ref()
            );
            self.faults.push(text.fault(Some(account.span()), what));
        }
        is_own
    }

    fn errors(
        &mut self,
        text: &Text<'_>,
        section: &ErrorsSection,
        tenant: &str,
        own: &BTreeMap<String, TenantAccount>,
        above: &Above<'_>,
    ) -> Option<ErrorsTo> {
        let is_own_account = self.is_own_account(text, &section.account, tenant, own, above);
        let mut spans = Vec::new();
        let chat = section.chat(&mut spans);
        self.tell(text, spans);
        Some(ErrorsTo { account: section.account.get_ref().clone(), is_own_account, chat: chat? })
    }

    fn check_count<'k>(
        &mut self,
        text: &Text<'_>,
        what: &str,
        mut names: impl ExactSizeIterator<Item = &'k Spanned<String>>,
        most: u64,
    ) {
        let count = names.len();
        let beyond = usize::try_from(most).ok().and_then(|most| names.nth(most));
        if let Some(beyond) = beyond {
            let what = format!(
                "this tenant has {count} {what}, and may have {most}: take some away, or raise {what}_max in [totals], here or \
                 where the host gives it"
            );
            self.faults.push(text.fault(Some(beyond.span()), what));
        }
    }

    /// Checks what scripts may use, in the order in which they are written.
    fn check_sums(&mut self, text: &Text<'_>, totals: &Totals, mut scripts: Vec<(Range<usize>, Limits)>) {
        scripts.sort_by_key(|(span, _)| span.start);
        let limits: Vec<Limits> = scripts.iter().map(|(_, limits)| *limits).collect();
        for (first, what) in totals.exceeded(&limits) {
            self.faults.push(text.fault(Some(scripts[first].0.clone()), what));
        }
    }

    fn script(&mut self, text: &Text<'_>, tenant: &Path, section: &ScriptSection, allowed: &Allowed) -> Option<Script> {
        let mut spans = Vec::new();
        let limits = section.limits.within(&allowed.limits, &mut spans);
        let own = section.grants.as_ref().map(|own| own.read(&mut spans));
        section.grants.iter().for_each(|own| own.check(&allowed.given, &mut spans));
        let file = section.file.get_ref();
        let is_below = file.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        let path = tenant.join(SCRIPTS).join(file);
        if !is_below {
            spans.push((
                section.file.span(),
                format!("a script's file is named from the folder {SCRIPTS} on, without `..`"),
            ));
        } else if !path.is_file() {
            spans.push((section.file.span(), format!("there is no file {}", path.display())));
        }
        for name in section.env.keys() {
            check_variable(name, &mut spans);
            if allowed.given.has_secret(name.get_ref()) {
                spans.push((
                    name.span(),
                    format!("{} is a secret of this tenant: take one of the two away", name.get_ref()),
                ));
            }
        }
        let told = section.args.iter().chain(section.env.values());
        for value in told.filter(|value| value.get_ref().contains('\0')) {
            spans.push((value.span(), "an argument or a variable holds no NUL character".to_owned()));
        }
        self.tell(text, spans);
        let asked = if is_below { asked_in(&path) } else { Ok(Default::default()) };
        // Its file is the script's, and a fault in it nobody else's.
        let (asked, faults) = match asked {
            Ok(asked) => (asked, Vec::new()),
            Err(faults) => (Asked::default(), faults),
        };
        let grants = own.as_ref().map_or_else(|| allowed.grants.clone(), |(own, _)| allowed.grants.and(own));
        let Granted { mut env, secrets, folders, mut refused } =
            allowed.given.granted(&asked.names, own.as_ref().map(|(_, names)| names));
        refused.extend(grants::refused(&asked.grants, &grants));
        // What is said for this script alone goes before what its tenant is given.
        let told = section.env.iter().map(|(name, value)| (name.get_ref().clone(), value.get_ref().clone()));
        env.extend(told);
        Some(Script {
            path,
            account: section.account.get_ref().clone(),
            is_own_account: false,
            args: section.args.iter().map(|arg| arg.get_ref().clone()).collect(),
            env: env.into_iter().collect(),
            secrets,
            folders,
            grants: grants.and(&asked.grants),
            refused,
            asks: asked.is_said,
            faults,
            limits,
            sleep_after: section.sleep_after_s.map(|seconds| Duration::from_secs(seconds.get().into())),
        })
    }

    fn data_centre(
        &mut self,
        text: &Text<'_>,
        section: Option<&Spanned<DataCentre>>,
        host_folder: &Path,
    ) -> DataCentre {
        let Some(section) = section else { return DataCentre::Telegram };
        let mut place = section.get_ref().clone();
        match &mut place {
            DataCentre::Telegram => {}
            DataCentre::Embedded { phone, .. } => {
                let is_test =
                    phone.len() == 10 && phone.starts_with("99966") && phone.bytes().all(|c| c.is_ascii_digit());
                if !is_test || phone.as_bytes()[5] == b'0' {
                    let what =
                        "a phone number of the embedded data centre is 99966, a digit other than 0, and four more";
                    self.faults.push(text.fault(Some(section.span()), what));
                }
            }
            DataCentre::At { key_file, .. } => {
                *key_file = host_folder.join(&*key_file);
                if !key_file.is_file() {
                    let what =
                        format!("there is no file {}: write the data centre's public key into it", key_file.display());
                    self.faults.push(text.fault(Some(section.span()), what));
                }
            }
        }
        place
    }

    fn text(&mut self, path: &Path) -> Option<String> {
        let read = || {
            let bytes = regular::beginning(path, FILE_BYTES_MAX + 1)?;
            if bytes.len() as u64 > FILE_BYTES_MAX {
                return Err(std::io::Error::other(format!("it has more than {FILE_BYTES_MAX} bytes")));
            }
            String::from_utf8(bytes).map_err(std::io::Error::other)
        };
        read()
            .map_err(|error| {
                let what = match error.kind() {
                    std::io::ErrorKind::NotFound => {
                        "there is no such file; `tglhost serve --example --host DIR` writes one to begin with"
                            .to_owned()
                    }
                    _ => format!("it cannot be read: {error}"),
                };
                self.faults.push(Fault { path: path.to_owned(), place: None, what });
            })
            .ok()
    }

    fn parse<T: DeserializeOwned>(&mut self, text: &Text<'_>) -> Option<T> {
        toml::from_str(text.text).map_err(|error| self.faults.push(text.fault(error.span(), error.message()))).ok()
    }

    fn check_name(&mut self, text: &Text<'_>, name: &Spanned<String>) {
        if let Some(what) = unfit_name(name.get_ref()) {
            self.faults.push(text.fault(Some(name.span()), what));
        }
    }

    fn tell(&mut self, text: &Text<'_>, spans: Vec<(Range<usize>, String)>) {
        self.faults.extend(spans.into_iter().map(|(span, what)| text.fault(Some(span), what)));
    }
}

/// Why this can be no name of a tenant, account or script, if it can not.
pub fn unfit_name(name: &str) -> Option<String> {
    let is_fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    let begins_well = name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    (name.len() > NAME_BYTES_MAX || !begins_well || !name.chars().all(is_fit)).then(|| {
        format!(
            "{name:?} cannot be a name: use up to {NAME_BYTES_MAX} small letters, digits, - and _, the first one a letter or digit"
        )
    })
}

pub(crate) fn is_variable(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
