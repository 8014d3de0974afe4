//! The files as they are written: their sections and keys.
//!
//! Invariant: a key that is not here is refused, with those that are.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;
use toml::Spanned;

use crate::errors::ErrorsSection;
use crate::grants::{AskedSection, GrantsSection};
use crate::limits::LimitsSection;
use crate::totals::TotalsSection;

/// The host's own file in its folder.
pub const HOST_FILE: &str = "tglhost.toml";

/// The schemas of the files, by their file names in docs/, for editors.
pub fn schemas() -> [(&'static str, Schema); 2] {
    [("tglhost.schema.json", schema_for!(HostFile)), ("tenant.schema.json", schema_for!(TenantFile))]
}

/// tglhost.toml: what this host is.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "tglhost.toml")]
pub(crate) struct HostFile {
    /// Which program connects, for accounts at Telegram itself.
    pub(crate) telegram: Option<TelegramSection>,
    /// Where tenants reach the host with their tokens; without it they do not.
    pub(crate) http: Option<ListenSection>,
    /// Where Prometheus reads the host's metrics; without it nowhere.
    pub(crate) metrics: Option<ListenSection>,
    /// Accounts that scripts of several tenants run on.
    #[schemars(with = "BTreeMap<String, HostAccountSection>")]
    pub(crate) accounts: BTreeMap<Spanned<String>, HostAccountSection>,
    /// How much each script of each tenant may use at most.
    pub(crate) limits: LimitsSection,
    /// How much all scripts of a tenant may use together, of each tenant at most.
    pub(crate) totals: TotalsSection,
}

/// As https://my.telegram.org/apps gives it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TelegramSection {
    /// The program's number.
    pub(crate) api_id: i32,
    /// The file with its hash, which is a secret; from the host's folder on.
    #[schemars(with = "PathBuf")]
    pub(crate) api_hash_file: Spanned<PathBuf>,
}

/// A port that is listened at. What it says is not encrypted: another machine than this one comes by a proxy or a tunnel.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListenSection {
    /// Its address, as `127.0.0.1:8480`.
    pub(crate) listen: SocketAddr,
}

/// An account of the host's.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HostAccountSection {
    /// The tenants whose scripts may run on it.
    #[schemars(with = "Vec<String>")]
    pub(crate) tenants: Vec<Spanned<String>>,
    #[serde(default)]
    #[schemars(with = "DataCentre")]
    pub(crate) data_centre: Option<Spanned<DataCentre>>,
}

/// tenant.toml: what one tenant has, may do, and how much.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "tenant.toml")]
pub(crate) struct TenantFile {
    /// What each script may do, as far as it asks for it.
    pub(crate) grants: GrantsSection,
    /// How much each script may use.
    pub(crate) limits: LimitsSection,
    /// How much all scripts may use together: what each may, added up.
    pub(crate) totals: TotalsSection,
    /// Where its owner hears of its scripts' errors; without it nowhere.
    pub(crate) errors: Option<ErrorsSection>,
    /// The tenant's own accounts.
    #[schemars(with = "BTreeMap<String, TenantAccountSection>")]
    pub(crate) accounts: BTreeMap<Spanned<String>, TenantAccountSection>,
    /// The scripts, each by its name.
    #[schemars(with = "BTreeMap<String, ScriptSection>")]
    pub(crate) scripts: BTreeMap<Spanned<String>, ScriptSection>,
}

/// An account of a tenant's own.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TenantAccountSection {
    #[schemars(with = "DataCentre")]
    pub(crate) data_centre: Option<Spanned<DataCentre>>,
}

/// Where an account is; without it at Telegram itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
pub enum DataCentre {
    /// Telegram itself.
    Telegram,
    /// The embedded data centre of this host, with this phone number there: 99966, a digit other than 0, and four more.
    Embedded {
        /// The account's phone number.
        phone: String,
        /// Its first name.
        first_name: String,
    },
    /// Another data centre.
    At {
        /// Its address.
        address: SocketAddr,
        /// Its number.
        dc_id: i32,
        /// The file with its public key, from the host's folder on.
        key_file: PathBuf,
    },
}

/// A script of a tenant's.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScriptSection {
    /// Its file, from the tenant's folder `scripts` on: a Python script or a WebAssembly component.
    #[schemars(with = "PathBuf")]
    pub(crate) file: Spanned<PathBuf>,
    /// The account that it runs on: one of the tenant's own, or one of the host's that is shared with the tenant.
    #[schemars(with = "String")]
    pub(crate) account: Spanned<String>,
    /// Its arguments.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(crate) args: Vec<Spanned<String>>,
    /// Its environment, beside what it is granted of that by name.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub(crate) env: BTreeMap<Spanned<String>, Spanned<String>>,
    /// What it may do of what its tenant may; without it all of that. With it what is not named here it may not.
    pub(crate) grants: Option<AskedSection>,
    /// How much it may use, where that is less than the tenant's scripts may.
    #[serde(default)]
    pub(crate) limits: LimitsSection,
    /// After so many seconds in which it had nothing to do and waited for no call and no timer it sleeps: its memory is given
    /// back, and what is in its variables is gone. What comes next has it started again from its file.
    pub(crate) sleep_after_s: Option<NonZeroU32>,
}
