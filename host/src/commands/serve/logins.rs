//! Logins of a host's accounts while it is at work, step by step.
//!
//! Invariant: what is secret in a step goes to the data centre and nowhere else; a login that is not gone on with holds its
//! account for [`LOGIN_WAIT_MAX`] only.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use telegram::login::{Login, LoginError};
use telegram::{AccountConfig, DcAddress};
use tokio::time::Instant;

use super::handle::Handle;
use super::refusal::Refusal;
use crate::api::types::{LoginNext, LoginStep};
use crate::commands::login::{begin, take_step};
use crate::data_dir::AccountDir;

/// Logins at one time.
const LOGINS_MAX: usize = 16;
/// How long a login waits for its next step.
const LOGIN_WAIT_MAX: Duration = Duration::from_secs(600);

/// The logins that wait for a step.
#[derive(Default)]
pub(super) struct Logins {
    waiting: Mutex<BTreeMap<String, Waiting>>,
}

/// An account that somebody logs in to, and where that is.
pub(super) struct Vacant {
    pub(super) config: AccountConfig,
    pub(super) dir: AccountDir,
}

struct Waiting {
    login: Login,
    dir: AccountDir,
    dc: DcAddress,
    until: Instant,
}

/// Takes a step of this account's login. Once it is through, the host goes to work with the account.
///
/// # Errors
/// Where the account is at work, no login is under way, or the data centre refuses.
pub(super) async fn take(handle: &Handle, account: String, step: LoginStep) -> Result<LoginNext, Refusal> {
    let handle = handle.clone();
    // Who asked may go: a step that was taken counts.
    let taken = tokio::spawn(async move { take_now(&handle, account, step).await });
    taken.await.unwrap_or_else(|error| {
        tracing::error!(%error, "a login ended badly");
        Err(Refusal::Failed("a fault in the host (a bug in tglhost)".to_owned()))
    })
}

async fn take_now(handle: &Handle, account: String, step: LoginStep) -> Result<LoginNext, Refusal> {
    let is_first = matches!(step, LoginStep::Phone { .. } | LoginStep::BotToken { .. });
    let earlier = handle.logins().take(&account);
    let mut waiting = if is_first {
        drop(earlier);
        begun(handle, &account).await?
    } else {
        let none = || Refusal::Conflict(format!("no login of {account} is under way: begin it with a phone number"));
        earlier.ok_or_else(none)?
    };
    let next = take_step(&mut waiting.login, step).await.map_err(refusal)?;
    if !matches!(next, LoginNext::Done(_)) {
        waiting.until = Instant::now() + LOGIN_WAIT_MAX;
        handle.logins().put(account, waiting)?;
        return Ok(next);
    }
    let Waiting { login, dir, dc, .. } = waiting;
    login.finish().await.map_err(refusal)?;
    dir.set_data_centre(&dc).map_err(|error| Refusal::failed(&error))?;
    handle.reload().await?;
    Ok(next)
}

async fn begun(handle: &Handle, account: &str) -> Result<Waiting, Refusal> {
    let name = account.to_owned();
    let vacant = handle.change(|host| Box::pin(async move { host.vacate(&name).await }));
    let Vacant { config, dir } = vacant.await?;
    let dc = config.dc.clone();
    let login = begin(config).await.map_err(|error| Refusal::failed(&error))?;
    Ok(Waiting { login, dir, dc, until: Instant::now() + LOGIN_WAIT_MAX })
}

/// What the data centre refuses is for whoever logs in to mend.
fn refusal(error: LoginError) -> Refusal {
    match error {
        LoginError::Store(_) | LoginError::Unreachable(_) => Refusal::Failed(error.to_string()),
        error => Refusal::Conflict(error.to_string()),
    }
}

impl Logins {
    /// The login of this account, if it waits.
    fn take(&self, account: &str) -> Option<Waiting> {
        self.lock().remove(account)
    }

    fn put(&self, account: String, waiting: Waiting) -> Result<(), Refusal> {
        let mut logins = self.lock();
        if logins.len() >= LOGINS_MAX {
            return Err(Refusal::TooMuch(format!("{LOGINS_MAX} logins are under way: try again in a while")));
        }
        logins.insert(account, waiting);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Waiting>> {
        let mut logins = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        logins.retain(|_, waiting| waiting.until > now);
        logins
    }
}
