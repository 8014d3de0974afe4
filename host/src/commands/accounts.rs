//! `tglhost accounts`: who is logged in, and where.

use anyhow::Result;
use serde::Serialize;
use telegram::DcAddress;

use crate::data_dir::{AccountDir, DataDir};
use crate::output::Output;

/// Lists the accounts of the data directory, read from disk alone.
pub(crate) fn execute(data_dir: &DataDir, output: &Output) -> Result<u8> {
    let accounts = data_dir.accounts()?;
    if accounts.is_empty() && !output.is_json() {
        output.note("No account is logged in. `tglhost login NAME --phone NUMBER` logs one in.");
    }
    for account in accounts {
        let line = Line::read(&account);
        output.on_account(&account.name).result(&line, &line.text());
    }
    Ok(0)
}

#[derive(Serialize)]
#[serde(tag = "kind", rename = "account")]
struct Line {
    name: String,
    data_centre: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Line {
    fn read(account: &AccountDir) -> Self {
        let data_centre = match account.data_centre() {
            Ok(DcAddress::Telegram) => "Telegram".to_owned(),
            Ok(DcAddress::Custom { address, .. }) => address.to_string(),
            Err(_) => "unknown".to_owned(),
        };
        let (user, error) = match store::inspect(&account.path) {
            Ok(summary) => (summary.and_then(|summary| summary.user), None),
            Err(error) => (None, Some(error.to_string())),
        };
        Self {
            name: account.name.clone(),
            data_centre,
            user_id: user.as_ref().map(|user| user.id().id),
            user: user.map(|user| user.name),
            error,
        }
    }

    fn text(&self) -> String {
        let who = match (&self.user, &self.user_id, &self.error) {
            (Some(user), Some(id), _) => format!("{user} ({id})"),
            (_, _, Some(error)) => error.clone(),
            _ => format!("logged out: `tglhost login {}` logs it in again", self.name),
        };
        format!("{}\t{}\t{}", self.name, self.data_centre, who)
    }
}
