//! Logging in by a QR code that a client of the same user scans: <https://core.telegram.org/api/qr-login>.
//!
//! Invariant: a code's token is in what is to be shown and nowhere else; and whatever the data centre says, a code is shown for
//! [`LIFE_MIN`] at least, and a new one after [`LIFE_MAX`] at most.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64ct::{Base64UrlUnpadded, Encoding};
use grammers_tl_types as tl;
use tl::{enums, functions, types};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::{Login, LoginError, MIGRATIONS_MAX, SignIn};
use crate::net::Pushed;

/// How long a code is shown. Telegram's live for 30 s.
const LIFE_MIN: Duration = Duration::from_secs(1);
const LIFE_MAX: Duration = Duration::from_secs(60);

/// A code to be shown as a QR code. Whoever scans it can log in as themselves here, so `Debug` does not show it.
pub struct QrCode {
    /// What the QR code says.
    pub url: String,
    /// How long it can be accepted.
    pub life: Duration,
}

impl std::fmt::Debug for QrCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QrCode").field("life", &self.life).finish_non_exhaustive()
    }
}

/// How a login by QR code stands.
#[derive(Debug)]
pub enum QrLogin {
    /// This code is to be shown, in place of the one before.
    Shown(QrCode),
    /// A code was accepted, or somebody was logged in already.
    Accepted(SignIn),
}

/// A code that is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    since: Instant,
    life: Duration,
    /// From the first one on, codes are shown for so long.
    within: Duration,
    until: Instant,
    /// How far the data centre's clock is ahead of this machine's.
    ahead_s: i64,
}

impl Login {
    /// Begins to show codes, for so long in all. Where somebody is logged in already, nothing is to be shown.
    pub async fn show_qr(&mut self, within: Duration) -> Result<QrLogin, LoginError> {
        if let Some(user) = self.ourselves().await {
            return self.keep(&user).await.map(|user| QrLogin::Accepted(SignIn::Done(user)));
        }
        let enums::Config::Config(config) = self.ask(&functions::help::GetConfig {}).await?;
        let (now, ahead_s) = (Instant::now(), i64::from(config.date) - unix_s());
        self.qr = Some(Shown { since: now, life: Duration::ZERO, within, until: now + within, ahead_s });
        self.look_at_qr().await
    }

    /// Waits until the code was accepted or another one is to be shown. Where this is not waited for to the end, it may be
    /// called again.
    pub async fn await_qr(&mut self) -> Result<QrLogin, LoginError> {
        let shown = self.shown()?;
        let _ = timeout_at(shown.until.min(shown.since + shown.life), self.told_of_qr()).await;
        match self.look_at_qr().await? {
            QrLogin::Shown(_) if Instant::now() >= shown.until => {
                Err(LoginError::QrUnanswered { within_s: shown.within.as_secs() })
            }
            next => Ok(next),
        }
    }

    /// Refuses another user than the account's where anybody could accept a code: what is kept of the account's would go.
    pub(super) async fn check_who_accepted(&mut self, user: &types::User) -> Result<(), LoginError> {
        let Some(owner) = self.store.owner()?.filter(|owner| self.qr.is_some() && owner.user_id != user.id) else {
            return Ok(());
        };
        if let Err(error) = self.ask(&functions::auth::LogOut {}).await {
            tracing::warn!(%error, "a login of another user's cannot be ended: they can, in the list of their devices");
        }
        let names = [&user.first_name, &user.last_name].into_iter().flatten().map(String::as_str);
        let name = names.collect::<Vec<_>>().join(" ");
        Err(LoginError::OtherUser { name, user_id: user.id, owner_id: owner.user_id })
    }

    fn shown(&self) -> Result<Shown, LoginError> {
        self.qr.ok_or(LoginError::OutOfOrder("have a QR code shown"))
    }

    /// Ready when the data centre says that a code was accepted, or may have said so.
    async fn told_of_qr(&mut self) {
        while let Some(Pushed::Updates(updates)) = self.pushed.recv().await {
            if tells_of_qr(&updates) {
                return;
            }
        }
    }

    /// Asks what came of the last code: it was accepted, or there is a new one.
    async fn look_at_qr(&mut self) -> Result<QrLogin, LoginError> {
        let request = functions::auth::ExportLoginToken {
            api_id: self.api.api_id,
            api_hash: self.api.api_hash.clone(),
            except_ids: Vec::new(),
        };
        let mut answer = self.ask(&request).await;
        for _ in 0..MIGRATIONS_MAX {
            let Ok(enums::auth::LoginToken::MigrateTo(to)) = answer else { break };
            answer = self.import(to).await;
        }
        match answer {
            Ok(enums::auth::LoginToken::Success(success)) => match success.authorization {
                enums::auth::Authorization::Authorization(done) => self.accepted_by(&done.user).await,
                enums::auth::Authorization::SignUpRequired(_) => {
                    Err(refused("it wants a name for somebody who has one"))
                }
            },
            answer => {
                // The first answer may have been lost: then we are logged in.
                if self.is_repeated
                    && let Some(user) = self.ourselves().await
                {
                    return self.accepted_by(&user).await;
                }
                match answer {
                    Ok(enums::auth::LoginToken::Token(token)) => self.shown_anew(&token).await.map(QrLogin::Shown),
                    Ok(_) => Err(refused("it sends us from one data centre to another")),
                    Err(error) => self.password_needed(error).await.map(QrLogin::Accepted),
                }
            }
        }
    }

    async fn accepted_by(&mut self, user: &enums::User) -> Result<QrLogin, LoginError> {
        self.keep(user).await.map(|user| QrLogin::Accepted(SignIn::Done(user)))
    }

    /// auth.importLoginToken, at the data centre where the user lives.
    async fn import(&mut self, to: types::auth::LoginTokenMigrateTo) -> Result<enums::auth::LoginToken, LoginError> {
        if !self.dc.is_custom() {
            self.session.set_home_dc(to.dc_id)?;
            self.reconnect();
        }
        self.ask(&functions::auth::ImportLoginToken { token: to.token }).await
    }

    /// A new code, not sooner than [`LIFE_MIN`] after the one before.
    async fn shown_anew(&mut self, token: &types::auth::LoginToken) -> Result<QrCode, LoginError> {
        let before = self.shown()?;
        if !before.life.is_zero() {
            sleep_until(before.since + LIFE_MIN).await;
        }
        let left_s = i64::from(token.expires) - (unix_s() + before.ahead_s);
        let life = Duration::from_secs(left_s.try_into().unwrap_or_default()).clamp(LIFE_MIN, LIFE_MAX);
        self.qr = Some(Shown { since: Instant::now(), life, ..before });
        Ok(QrCode { url: format!("tg://login?token={}", Base64UrlUnpadded::encode_string(&token.token)), life })
    }
}

fn refused(why: &str) -> LoginError {
    LoginError::Refused(why.to_owned())
}

fn tells_of_qr(updates: &enums::Updates) -> bool {
    let tells = |update: &enums::Update| matches!(update, enums::Update::LoginToken);
    match updates {
        enums::Updates::UpdateShort(short) => tells(&short.update),
        enums::Updates::Combined(combined) => combined.updates.iter().any(tells),
        enums::Updates::Updates(updates) => updates.updates.iter().any(tells),
        _ => false,
    }
}

/// Seconds since 1970, by this machine's clock.
fn unix_s() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs().cast_signed())
}
