//! Logging in and out: <https://core.telegram.org/api/auth>.
//!
//! Invariant: codes, passwords and tokens are handed on and forgotten; no error and no log has them. Once the data centre
//! has logged us in, nothing that fails afterwards throws that away; but a code for all to see makes an account no other user's.

mod errors;
mod qr;

use std::sync::Arc;
use std::time::Duration;

use dh::{DhFault, DhGroup};
use grammers_client::sender::RpcError;
use grammers_crypto::two_factor_auth::calculate_2fa;
use grammers_tl_types as tl;
use num_bigint::BigUint;
use store::{AccountStore, Owner, StoreError, UpdateState};
use tgl::{Peer, PeerDetails, User};
use tl::{enums, functions, types};
use tokio::sync::mpsc;

use crate::ask::{self, Patience};
use crate::backoff::backoff;
use crate::config::{AccountConfig, ApiCredentials, DcAddress};
use crate::intake::see_user;
use crate::key_exchange::{ExchangeError, exchange, with_telegram};
use crate::net::Pushed;
use crate::pool::Pool;
use crate::random::random;
use crate::rpc_error::{self, InvokeError};
use crate::session::StoreSession;

pub use errors::LoginError;
use errors::failure;
pub use qr::{QrCode, QrLogin};

/// How often a step is made again because the connection broke or the data centre failed inside, and the first pause
/// before that; it doubles with each.
const REPEATS_MAX: u32 = 3;
const PAUSE: Duration = Duration::from_millis(200);

/// How long to wait before a full disk is tried again.
const DISK_PAUSE: Duration = Duration::from_secs(1);

/// How long a step that somebody looks at waits in all because the data centre says FLOOD_WAIT. A longer wait is told.
const STEP_WAIT_MAX: Duration = Duration::from_secs(60);

/// How often a password is proved anew because the data centre has forgotten what it had offered.
const OFFERS_MAX: u32 = 3;

/// How often a login is sent on to another data centre.
const MIGRATIONS_MAX: u32 = 3;

/// What comes after a code.
#[derive(Debug)]
pub enum SignIn {
    /// Logged in, as this user.
    Done(User),
    /// The account has a second factor.
    PasswordNeeded {
        /// What its owner wrote to remember it by.
        hint: Option<String>,
    },
    /// Nobody has this number yet: a name is wanted.
    SignUpNeeded,
}

/// How a code was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeSent {
    /// As a message in Telegram, to the user's other devices.
    InTelegram,
    /// As a text message.
    BySms,
    /// By a call, or in another way.
    Otherwise,
}

/// A login on its way, over a connection of its own.
pub struct Login {
    store: AccountStore,
    dc: DcAddress,
    api: ApiCredentials,
    session: Arc<StoreSession>,
    pool: Pool,
    /// What the data centre says of its own accord.
    pushed: mpsc::Receiver<Pushed>,
    sent: Option<(String, String)>,
    /// The code that was shown last.
    qr: Option<qr::Shown>,
    /// The last step was made more than once.
    is_repeated: bool,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("dc", &self.dc).finish_non_exhaustive()
    }
}

impl Login {
    /// Begins a login to the account that `config` names. At a data centre that is not Telegram's the key is made here.
    ///
    /// # Errors
    /// [`LoginError::Unreachable`], [`LoginError::KeyExchange`], [`LoginError::Store`].
    pub async fn begin(config: AccountConfig) -> Result<Self, LoginError> {
        let AccountConfig { store, dc, api, proxy } = config;
        let session = Arc::new(StoreSession::open(store.clone(), &dc, proxy)?);
        if session.key(session.home_dc()).is_none() {
            make_key(&dc, &session).await?;
        }
        let (pool, pushed) = Pool::start(session.clone(), api.api_id);
        let mut login = Self { store, dc, api, session, pool, pushed, sent: None, qr: None, is_repeated: false };
        // The key of an earlier login may be worth nothing any more.
        match login.invoke(&functions::help::GetNearestDc {}, STEP_WAIT_MAX).await {
            Err(InvokeError::UnknownKey) => {
                make_key(&login.dc, &login.session).await?;
                login.reconnect();
                login.ask(&functions::help::GetNearestDc {}).await?;
            }
            answer => {
                answer.map_err(failure)?;
            }
        }
        Ok(login)
    }

    /// auth.sendCode: <https://core.telegram.org/method/auth.sendCode>.
    pub async fn send_code(&mut self, phone: &str) -> Result<CodeSent, LoginError> {
        let settings = tl_blank::code_settings();
        let request = functions::auth::SendCode {
            phone_number: phone.to_owned(),
            api_id: self.api.api_id,
            api_hash: self.api.api_hash.clone(),
            settings: settings.into(),
        };
        let answer = self.ask(&request).await.map_err(|error| match error {
            LoginError::PhoneInvalid(_) => LoginError::PhoneInvalid(phone.to_owned()),
            other => other,
        })?;
        let enums::auth::SentCode::Code(code) = answer else {
            return Err(LoginError::Refused("it wants something else than a code".to_owned()));
        };
        self.sent = Some((phone.to_owned(), code.phone_code_hash));
        Ok(match code.r#type {
            enums::auth::SentCodeType::App(_) => CodeSent::InTelegram,
            enums::auth::SentCodeType::Sms(_) => CodeSent::BySms,
            _ => CodeSent::Otherwise,
        })
    }

    /// auth.signIn: <https://core.telegram.org/method/auth.signIn>.
    pub async fn sign_in(&mut self, code: &str) -> Result<SignIn, LoginError> {
        let (phone_number, phone_code_hash) = self.sent()?;
        let request = functions::auth::SignIn {
            phone_number,
            phone_code_hash,
            phone_code: Some(code.trim().to_owned()),
            email_verification: None,
        };
        match self.authorize(&request).await {
            Ok(Some(user)) => self.keep(&user).await.map(SignIn::Done),
            Ok(None) => Ok(SignIn::SignUpNeeded),
            Err(error) => self.password_needed(error).await,
        }
    }

    /// auth.signUp: <https://core.telegram.org/method/auth.signUp>.
    pub async fn sign_up(&mut self, first_name: &str, last_name: &str) -> Result<User, LoginError> {
        let (phone_number, phone_code_hash) = self.sent()?;
        let request = functions::auth::SignUp {
            no_joined_notifications: true,
            phone_number,
            phone_code_hash,
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
        };
        self.complete(&request).await
    }

    /// auth.checkPassword, by SRP: the password itself is not sent. <https://core.telegram.org/api/srp>.
    pub async fn check_password(&mut self, password: &str) -> Result<User, LoginError> {
        let mut offers = 1;
        loop {
            let proof = self.prove(password).await?;
            match self.complete(&functions::auth::CheckPassword { password: proof.into() }).await {
                // What it had offered is too old: a wait was in between.
                Err(LoginError::Refused(name)) if name == "SRP_ID_INVALID" && offers < OFFERS_MAX => offers += 1,
                ended => return ended,
            }
        }
    }

    /// auth.importBotAuthorization: <https://core.telegram.org/method/auth.importBotAuthorization>.
    pub async fn bot(&mut self, token: &str) -> Result<User, LoginError> {
        let request = functions::auth::ImportBotAuthorization {
            flags: 0,
            api_id: self.api.api_id,
            api_hash: self.api.api_hash.clone(),
            bot_auth_token: token.trim().to_owned(),
        };
        self.complete(&request).await
    }

    /// auth.logOut, and forgets the login here as well: <https://core.telegram.org/method/auth.logOut>.
    pub async fn log_out(mut self) -> Result<(), LoginError> {
        let answer = self.ask(&functions::auth::LogOut {}).await;
        match answer {
            // Being logged out already is as good.
            Err(LoginError::Refused(name)) if name == "AUTH_KEY_UNREGISTERED" => {}
            answer => {
                answer?;
            }
        }
        self.store.clear_login()?;
        self.finish().await
    }

    /// Ends the login's connection, logged in or not: an account may start only after that, as Telegram ends a session
    /// that is used from two places.
    pub async fn finish(self) -> Result<(), LoginError> {
        self.pool.shut_down().await;
        Ok(())
    }

    /// Whether the password is all that is missing.
    async fn password_needed(&mut self, error: LoginError) -> Result<SignIn, LoginError> {
        match error {
            LoginError::Refused(name) if name == "SESSION_PASSWORD_NEEDED" => {
                Ok(SignIn::PasswordNeeded { hint: self.hint().await })
            }
            error => Err(error),
        }
    }

    /// What the owner wrote to remember the password by. The login goes on without it.
    async fn hint(&mut self) -> Option<String> {
        match self.ask(&functions::account::GetPassword {}).await {
            Ok(enums::account::Password::Password(password)) => password.hint.filter(|hint| !hint.is_empty()),
            Err(error) => {
                tracing::info!(%error, "the password's hint is not known");
                None
            }
        }
    }

    async fn prove(&mut self, password: &str) -> Result<types::InputCheckPasswordSrp, LoginError> {
        let enums::account::Password::Password(offer) = self.ask(&functions::account::GetPassword {}).await?;
        let (Some(algorithm), Some(srp_b), Some(srp_id)) = (offer.current_algo, offer.srp_b, offer.srp_id) else {
            return Err(LoginError::OutOfOrder("this account has no password"));
        };
        let password = password.to_owned();
        // Hashing it takes a hundred thousand rounds.
        let proof = tokio::task::spawn_blocking(move || prove(algorithm, srp_b, srp_id, &password)).await;
        proof.map_err(|_| LoginError::UnsafePassword("its numbers cannot be computed with".to_owned()))?
    }

    fn sent(&self) -> Result<(String, String), LoginError> {
        self.sent.clone().ok_or(LoginError::OutOfOrder("ask for a code"))
    }

    /// The last step of a login.
    async fn complete<R>(&mut self, request: &R) -> Result<User, LoginError>
    where
        R: tl::RemoteCall<Return = enums::auth::Authorization>,
    {
        match self.authorize(request).await? {
            Some(user) => self.keep(&user).await,
            None => Err(LoginError::OutOfOrder("sign up with a name")),
        }
    }

    /// A step that logs in: as whom, or nobody where the data centre wants a name first.
    async fn authorize<R>(&mut self, request: &R) -> Result<Option<enums::User>, LoginError>
    where
        R: tl::RemoteCall<Return = enums::auth::Authorization>,
    {
        match self.ask(request).await {
            Ok(enums::auth::Authorization::Authorization(done)) => Ok(Some(done.user)),
            Ok(enums::auth::Authorization::SignUpRequired(_)) => Ok(None),
            // The first answer may have been lost: a code that was accepted is not accepted again.
            Err(error) if self.is_repeated => self.ourselves().await.map(Some).ok_or(error),
            Err(error) => Err(error),
        }
    }

    /// Who is logged in with our key, if somebody is.
    async fn ourselves(&mut self) -> Option<enums::User> {
        let request = functions::users::GetUsers { id: vec![enums::InputUser::UserSelf] };
        self.ask(&request).await.ok()?.into_iter().next()
    }

    /// Keeps who has logged in, as soon as the disk takes it, and then from where on updates count.
    async fn keep(&mut self, user: &enums::User) -> Result<User, LoginError> {
        let unnamed = || LoginError::Refused("the answer names no user".to_owned());
        let enums::User::User(owner) = user else { return Err(unnamed()) };
        self.check_who_accepted(owner).await?;
        let owner = Owner { user_id: owner.id, is_bot: owner.bot };
        let mut is_said = false;
        let us = loop {
            match self.keep_owner(owner, user) {
                Err(error @ StoreError::DiskFull { .. }) => {
                    if !std::mem::replace(&mut is_said, true) {
                        tracing::error!(%error, "logged in; that is kept as soon as the disk has room");
                    }
                    tokio::time::sleep(DISK_PAUSE).await;
                }
                kept => break kept?,
            }
        };
        // What the same user has missed since an earlier login is still to come.
        if self.store.update_state()?.is_none() {
            self.keep_state().await?;
        }
        match us.map(|us| us.details) {
            Some(PeerDetails::User(user)) => Ok(user),
            _ => Err(unnamed()),
        }
    }

    fn keep_owner(&self, owner: Owner, user: &enums::User) -> Result<Option<Peer>, StoreError> {
        self.store.set_home_dc(self.session.home_dc())?;
        self.store.set_owner(owner)?;
        Ok(self.store.record(|batch| see_user(batch, user))?.0)
    }

    /// Keeps from where on updates count. Where it cannot be had, the account asks for it when it starts.
    async fn keep_state(&mut self) -> Result<(), LoginError> {
        match self.invoke(&functions::updates::GetState {}, ask::FLOOD_WAIT_MAX).await {
            Ok(enums::updates::State::State(state)) => {
                let state = UpdateState { pts: state.pts, qts: state.qts, date: state.date, seq: state.seq };
                self.store.record(|batch| batch.set_update_state(state))?;
            }
            Err(error) => {
                tracing::warn!(error = %failure(error), "logged in, but updates count only from the first start on")
            }
        }
        Ok(())
    }

    /// Asks, follows the account to its data centre, and tells errors apart.
    async fn ask<R: tl::RemoteCall>(&mut self, request: &R) -> Result<R::Return, LoginError> {
        for _ in 0..MIGRATIONS_MAX {
            match self.invoke(request, STEP_WAIT_MAX).await {
                Err(InvokeError::Rpc(RpcError { code: 303, value: Some(dc_id), .. })) if !self.dc.is_custom() => {
                    let dc_id = i32::try_from(dc_id).unwrap_or_default();
                    self.session.set_home_dc(dc_id)?;
                    self.reconnect();
                }
                answer => return answer.map_err(failure),
            }
        }
        Err(LoginError::Refused("it sends us from one data centre to another".to_owned()))
    }

    /// Asks, and asks again as calls do: after a broken connection, a failure inside the data centre, and a wait that it
    /// wants, of which `flood_wait_max` in all are waited.
    async fn invoke<R: tl::RemoteCall>(
        &mut self,
        request: &R,
        flood_wait_max: Duration,
    ) -> Result<R::Return, InvokeError> {
        self.is_repeated = false;
        let (mut repeats, mut patience) = (0, Patience(flood_wait_max));
        loop {
            let error = match self.pool.invoke(request).await {
                Err(error) => error,
                answer => return answer,
            };
            let wait = match &error {
                InvokeError::Rpc(error) => patience.wait_for(error),
                _ => None,
            };
            let is_passing = match &error {
                InvokeError::Lost(_) => true,
                InvokeError::Rpc(error) => rpc_error::is_passing(error),
                _ => false,
            };
            if let Some(wait) = wait {
                tracing::info!(wait_s = wait.as_secs(), "the data centre wants a step of the login later");
                tokio::time::sleep(wait).await;
            } else if is_passing && repeats < REPEATS_MAX {
                tracing::debug!(?error, "a step of the login is made again");
                repeats += 1;
                tokio::time::sleep(backoff(PAUSE, repeats)).await;
                self.is_repeated = true;
                if matches!(error, InvokeError::Lost(_)) {
                    self.reconnect();
                }
            } else {
                return Err(error);
            }
        }
    }

    fn reconnect(&mut self) {
        (self.pool, self.pushed) = Pool::start(self.session.clone(), self.api.api_id);
    }
}

/// Makes a key with the account's data centre, in place of one that it does not know.
async fn make_key(dc: &DcAddress, session: &Arc<StoreSession>) -> Result<(), LoginError> {
    let home_dc = session.home_dc();
    let made = match dc {
        DcAddress::Telegram => with_telegram(session, home_dc).await,
        DcAddress::Custom { public_key_pem, .. } => exchange(session, home_dc, public_key_pem).await,
    };
    let key = made.map_err(|error| match error {
        ExchangeError::Unreachable(reason) => LoginError::Unreachable(reason),
        other => LoginError::KeyExchange(other),
    })?;
    Ok(session.set_key(home_dc, key)?)
}

/// The proof of knowing the password. Everything that the data centre offers is checked first, and our secret exponent
/// is of our own making.
fn prove(
    algorithm: enums::PasswordKdfAlgo,
    srp_b: Vec<u8>,
    srp_id: i64,
    password: &str,
) -> Result<types::InputCheckPasswordSrp, LoginError> {
    let unsafe_because = |fault: DhFault| LoginError::UnsafePassword(fault.to_string());
    let enums::PasswordKdfAlgo::Sha256Sha256Pbkdf2Hmacsha512iter100000Sha256ModPow(algorithm) = algorithm else {
        return Err(LoginError::UnsafePassword("its method is unknown; update tglhost".to_owned()));
    };
    let group = DhGroup::check(&algorithm.p, algorithm.g).map_err(unsafe_because)?;
    group.check_public(&BigUint::from_bytes_be(&srp_b)).map_err(unsafe_because)?;
    let secret = random::<256>().to_vec();
    let (m1, a) =
        calculate_2fa(&algorithm.salt1, &algorithm.salt2, &algorithm.p, &algorithm.g, srp_b, secret, password);
    Ok(types::InputCheckPasswordSrp { srp_id, a: a.to_vec(), m1: m1.to_vec() })
}
