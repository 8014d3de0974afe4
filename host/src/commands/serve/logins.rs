//! Logins of a host's accounts while it is at work, step by step.
//!
//! Invariant: what is secret in a step goes to the data centre and nowhere else; a login that is not gone on with holds its
//! account for [`LOGIN_WAIT_MAX`] only, and for whoever begins another one not at all.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use telegram::login::{Login, LoginError};
use telegram::{AccountConfig, DcAddress};

use super::handle::Handle;
use super::refusal::Refusal;
use super::seats::Seats;
use crate::api::types::{LoginNext, LoginStep};
use crate::commands::login::{begin, take_step};
use crate::data_dir::AccountDir;

/// Logins at one time.
const LOGINS_MAX: usize = 16;
/// How long a login waits for its next step.
const LOGIN_WAIT_MAX: Duration = Duration::from_secs(600);

/// The logins that are under way.
pub(super) struct Logins(Seats<UnderWay>);

/// An account that somebody logs in to, and where that is.
pub(super) struct Vacant {
    pub(super) config: AccountConfig,
    pub(super) dir: AccountDir,
}

struct UnderWay {
    login: Login,
    dir: AccountDir,
    /// The account's folder, whatever has its name later.
    folder: Option<FolderId>,
    dc: DcAddress,
}

/// A folder's disk, and its number there.
type FolderId = (u64, u64);

impl Default for Logins {
    fn default() -> Self {
        Self(Seats::new(LOGINS_MAX, LOGIN_WAIT_MAX))
    }
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
    let is_first = matches!(step, LoginStep::Phone { .. } | LoginStep::Qr | LoginStep::BotToken { .. });
    let mut seat = handle.logins().0.take(&account, is_first).await?;
    let earlier = seat.login.take();
    let mut under_way = if is_first {
        if let Some(earlier) = earlier {
            earlier.login.finish().await.map_err(refusal)?;
        }
        begun(handle, &account).await?
    } else {
        let none = || {
            Refusal::Conflict(format!("no login of {account} is under way: begin it with a phone number or a QR code"))
        };
        earlier.ok_or_else(none)?
    };
    let next = if step == LoginStep::QrWait {
        tokio::select! {
            next = take_step(&mut under_way.login, step) => Some(next),
            // Who waits there may have gone long ago.
            () = seat.until_begun_anew() => None,
        }
    } else {
        Some(take_step(&mut under_way.login, step).await)
    };
    let next = match next {
        Some(Ok(next)) => next,
        // Nothing was asked of the data centre: the login is where it was.
        Some(Err(error @ LoginError::OutOfOrder(_))) => {
            seat.leave(under_way);
            return Err(refusal(error));
        }
        ended => {
            let why = || Refusal::Conflict(format!("another login of {account} was begun"));
            let why = ended.and_then(Result::err).map_or_else(why, refusal);
            under_way.login.finish().await.map_err(refusal)?;
            return Err(why);
        }
    };
    if !matches!(next, LoginNext::Done(_)) {
        seat.leave(under_way);
        return Ok(next);
    }
    let UnderWay { login, dir, folder, dc } = under_way;
    let name = account.clone();
    let is_there = handle.change(|host| Box::pin(async move { Ok(host.has_account(&name)) })).await?;
    if !is_there || folder.is_none() || folder_id(&dir.path) != folder {
        login.log_out().await.map_err(refusal)?;
        let why =
            format!("the account {account} was taken away while somebody logged in to it: they are logged out again");
        return Err(Refusal::Conflict(why));
    }
    login.finish().await.map_err(refusal)?;
    dir.set_data_centre(&dc).map_err(|error| Refusal::failed(&error))?;
    handle.reload().await?;
    Ok(next)
}

async fn begun(handle: &Handle, account: &str) -> Result<UnderWay, Refusal> {
    let name = account.to_owned();
    let vacant = handle.change(|host| Box::pin(async move { host.vacate(&name).await }));
    let Vacant { config, dir } = vacant.await?;
    let dc = config.dc.clone();
    let login = begin(config).await.map_err(|error| Refusal::failed(&error))?;
    Ok(UnderWay { login, folder: folder_id(&dir.path), dir, dc })
}

fn folder_id(path: &Path) -> Option<FolderId> {
    path.metadata().ok().map(|about| (about.dev(), about.ino()))
}

/// What the data centre refuses is for whoever logs in to mend.
fn refusal(error: LoginError) -> Refusal {
    match error {
        LoginError::Store(_) | LoginError::Unreachable(_) => Refusal::Failed(error.to_string()),
        error => Refusal::Conflict(error.to_string()),
    }
}
