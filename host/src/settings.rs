//! What the user sets once: the config file and the environment.
//!
//! Invariant: api_hash is a secret; it stands in no error and no log.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Deserialize;
use telegram::ApiCredentials;

/// A variable of the environment. One that is empty is as good as none.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// api_id and api_hash of the embedded data centre, which takes any.
pub(crate) fn embedded_credentials() -> ApiCredentials {
    ApiCredentials { api_id: 1, api_hash: "embedded".to_owned() }
}

/// The api_id and api_hash for Telegram's own data centres, from the environment, else from the config file.
pub(crate) fn telegram_credentials() -> Result<ApiCredentials> {
    let file = read_config_file()?;
    let api_id = match variable("TGLHOST_API_ID") {
        Some(text) => Some(text.parse().context("TGLHOST_API_ID is not a number")?),
        None => file.telegram.api_id,
    };
    let api_hash = variable("TGLHOST_API_HASH").or(file.telegram.api_hash);
    api_id.zip(api_hash).map(|(api_id, api_hash)| ApiCredentials { api_id, api_hash }).with_context(|| {
        format!(
            "Telegram wants to know which program connects, and no api_id and api_hash are set: get yours at \
             https://my.telegram.org/apps, then set TGLHOST_API_ID and TGLHOST_API_HASH, or write them into {} as \
             [telegram] api_id = 12345 and api_hash = \"…\"",
            config_path().map_or_else(|| "tglhost.toml".to_owned(), |path| path.display().to_string())
        )
    })
}

/// How many bytes the compile cache may have, from the environment, else from the config file, else the usual.
pub(crate) fn cache_bytes_max() -> Result<u64> {
    let mib_max = match variable("TGLHOST_CACHE_MIB_MAX") {
        Some(text) => Some(text.parse::<u64>().context("TGLHOST_CACHE_MIB_MAX is not a number of MiB")?),
        None => read_config_file()?.cache.mib_max,
    };
    Ok(mib_max.map_or(sandbox::CACHE_BYTES_MAX, |mib| mib.saturating_mul(1 << 20)))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ConfigFile {
    telegram: TelegramSection,
    cache: CacheSection,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CacheSection {
    mib_max: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TelegramSection {
    api_id: Option<i32>,
    api_hash: Option<String>,
}

fn config_path() -> Option<PathBuf> {
    Some(dirs::config_dir()?.join("tglhost/tglhost.toml"))
}

fn read_config_file() -> Result<ConfigFile> {
    let Some(path) = config_path() else { return Ok(ConfigFile::default()) };
    match std::fs::read_to_string(&path) {
        Ok(text) => toml::from_str(&text).map_err(|error| {
            // toml's own text would quote the line, which may hold the secret.
            anyhow::anyhow!("{} cannot be read as TOML: {}", path.display(), error.message())
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(ConfigFile::default()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}
