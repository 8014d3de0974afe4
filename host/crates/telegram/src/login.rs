//! Logging in and out: <https://core.telegram.org/api/auth>.
//!
//! Invariant: codes, passwords and tokens are handed on and forgotten; no error and no log has them.

use std::sync::Arc;
use std::time::Duration;

use grammers_client::sender::RpcError;
use grammers_crypto::two_factor_auth::calculate_2fa;
use grammers_tl_types as tl;
use num_bigint::BigUint;
use store::{AccountStore, Owner, StoreError, UpdateState};
use tgl::{PeerDetails, User};
use tl::{enums, functions, types};

use crate::config::{ApiCredentials, DcAddress};
use crate::dh::{DhFault, Group, random};
use crate::intake::see_user;
use crate::key_exchange::{ExchangeError, exchange};
use crate::pool::{self, InvokeError, Pool};
use crate::session::StoreSession;

/// How often a step is tried when the connection breaks, and the first pause between; it doubles with each.
const TRIES_MAX: u32 = 3;
const PAUSE: Duration = Duration::from_millis(200);

/// How often a login is sent on to another data centre.
const MIGRATIONS_MAX: u32 = 3;

/// Why a login does not go on. The text says what to do.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the texts say it")]
pub enum LoginError {
    #[error("{0} is not a phone number that the data centre accepts; write it with its country code, as in +49…")]
    PhoneInvalid(String),
    #[error("this phone number is banned from Telegram")]
    PhoneBanned,
    #[error("the code is wrong; look at it again")]
    CodeInvalid,
    #[error("the code has expired; ask for a new one")]
    CodeExpired,
    #[error("the password is wrong")]
    PasswordInvalid,
    #[error("the bot token is not valid; ask @BotFather for it")]
    TokenInvalid,
    #[error("the name is not accepted; it needs a first name of at most 64 characters")]
    NameInvalid,
    #[error("too many tries; try again in {seconds} s")]
    FloodWait { seconds: u32 },
    #[error(
        "api_id and api_hash are not accepted; get your own at https://my.telegram.org and put them into the configuration"
    )]
    ApiIdInvalid,
    #[error("the data centre cannot be reached: {0}; check the address and the network, then try again")]
    Unreachable(String),
    #[error(transparent)]
    KeyExchange(ExchangeError),
    #[error("this step needs an earlier one first: {0}")]
    OutOfOrder(&'static str),
    #[error("the data centre offers a password check that is not safe ({0}); do not enter the password")]
    UnsafePassword(String),
    #[error("the data centre refuses: {0}")]
    Refused(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

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
    sent: Option<(String, String)>,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("dc", &self.dc).finish_non_exhaustive()
    }
}

impl Login {
    /// Begins a login to the account in `store`. At a data centre that is not Telegram's the key is made here.
    ///
    /// # Errors
    /// [`LoginError::Unreachable`], [`LoginError::KeyExchange`], [`LoginError::Store`].
    pub async fn begin(store: AccountStore, dc: DcAddress, api: ApiCredentials) -> Result<Self, LoginError> {
        let session = Arc::new(StoreSession::open(store.clone(), &dc)?);
        if !session.has_key() {
            make_key(&dc, &session).await?;
        }
        let pool = Pool::start(session.clone(), api.api_id).0;
        let mut login = Self { store, dc, api, session, pool, sent: None };
        // The key of an earlier login may be worth nothing any more.
        match login.invoke(&functions::help::GetNearestDc {}).await {
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
        let settings = types::CodeSettings {
            allow_flashcall: false,
            current_number: false,
            allow_app_hash: false,
            allow_missed_call: false,
            allow_firebase: false,
            unknown_number: false,
            logout_tokens: None,
            token: None,
            app_sandbox: None,
        };
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
        match self.ask(&request).await {
            Ok(enums::auth::Authorization::Authorization(done)) => self.keep(done).await.map(SignIn::Done),
            Ok(enums::auth::Authorization::SignUpRequired(_)) => Ok(SignIn::SignUpNeeded),
            Err(LoginError::Refused(name)) if name == "SESSION_PASSWORD_NEEDED" => {
                let enums::account::Password::Password(password) =
                    self.ask(&functions::account::GetPassword {}).await?;
                Ok(SignIn::PasswordNeeded { hint: password.hint.filter(|hint| !hint.is_empty()) })
            }
            Err(error) => Err(error),
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
        let answer = self.ask(&request).await?;
        self.complete(answer).await
    }

    /// auth.checkPassword, by SRP: the password itself is not sent. <https://core.telegram.org/api/srp>.
    pub async fn check_password(&mut self, password: &str) -> Result<User, LoginError> {
        let enums::account::Password::Password(offer) = self.ask(&functions::account::GetPassword {}).await?;
        let (Some(algorithm), Some(srp_b), Some(srp_id)) = (offer.current_algo, offer.srp_b, offer.srp_id) else {
            return Err(LoginError::OutOfOrder("this account has no password"));
        };
        let password = password.to_owned();
        // Hashing it takes a hundred thousand rounds.
        let proof = tokio::task::spawn_blocking(move || prove(algorithm, srp_b, srp_id, &password)).await;
        let proof =
            proof.map_err(|_| LoginError::UnsafePassword("its numbers cannot be computed with".to_owned()))??;
        let answer = self.ask(&functions::auth::CheckPassword { password: proof.into() }).await?;
        self.complete(answer).await
    }

    /// auth.importBotAuthorization: <https://core.telegram.org/method/auth.importBotAuthorization>.
    pub async fn bot(&mut self, token: &str) -> Result<User, LoginError> {
        let request = functions::auth::ImportBotAuthorization {
            flags: 0,
            api_id: self.api.api_id,
            api_hash: self.api.api_hash.clone(),
            bot_auth_token: token.trim().to_owned(),
        };
        let answer = self.ask(&request).await?;
        self.complete(answer).await
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

    fn sent(&self) -> Result<(String, String), LoginError> {
        self.sent.clone().ok_or(LoginError::OutOfOrder("ask for a code"))
    }

    async fn complete(&mut self, answer: enums::auth::Authorization) -> Result<User, LoginError> {
        match answer {
            enums::auth::Authorization::Authorization(done) => self.keep(done).await,
            enums::auth::Authorization::SignUpRequired(_) => Err(LoginError::OutOfOrder("sign up with a name")),
        }
    }

    /// Keeps who has logged in and from where on updates count.
    async fn keep(&mut self, done: types::auth::Authorization) -> Result<User, LoginError> {
        let unnamed = || LoginError::Refused("the answer names no user".to_owned());
        let enums::User::User(user) = &done.user else { return Err(unnamed()) };
        let owner = Owner { user_id: user.id, is_bot: user.bot };
        let enums::updates::State::State(state) = self.ask(&functions::updates::GetState {}).await?;
        let state = UpdateState { pts: state.pts, qts: state.qts, date: state.date, seq: state.seq };
        let store = &self.store;
        store.set_home_dc(self.session.home_dc())?;
        store.set_owner(owner)?;
        let is_known = store.update_state()?.is_some();
        let (us, _) = store.record(|batch| {
            // What the same user has missed since an earlier login is still to come.
            if !is_known {
                batch.set_update_state(state)?;
            }
            see_user(batch, &done.user)
        })?;
        match us.map(|us| us.details) {
            Some(PeerDetails::User(user)) => Ok(user),
            _ => Err(unnamed()),
        }
    }

    /// Asks, follows the account to its data centre, and tells errors apart.
    async fn ask<R: tl::RemoteCall>(&mut self, request: &R) -> Result<R::Return, LoginError> {
        for _ in 0..MIGRATIONS_MAX {
            match self.invoke(request).await {
                Err(InvokeError::Rpc(RpcError { code: 303, value: Some(dc_id), .. })) if !self.dc.is_custom() => {
                    let dc_id = i32::try_from(dc_id).unwrap_or_default();
                    grammers_session::Session::set_home_dc_id(&*self.session, dc_id).await?;
                    self.reconnect();
                }
                answer => return answer.map_err(failure),
            }
        }
        Err(LoginError::Refused("it sends us from one data centre to another".to_owned()))
    }

    async fn invoke<R: tl::RemoteCall>(&mut self, request: &R) -> Result<R::Return, InvokeError> {
        let mut pause = PAUSE;
        let mut tries = 0;
        loop {
            tries += 1;
            match self.pool.invoke(request).await {
                Err(InvokeError::Lost(reason)) if tries < TRIES_MAX => {
                    tracing::debug!(reason, "a step of the login is tried again");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                    self.reconnect();
                }
                answer => return answer,
            }
        }
    }

    fn reconnect(&mut self) {
        self.pool = Pool::start(self.session.clone(), self.api.api_id).0;
    }
}

/// Makes a key with a data centre whose RSA key grammers does not know. With Telegram's own grammers makes it.
async fn make_key(dc: &DcAddress, session: &StoreSession) -> Result<(), LoginError> {
    let DcAddress::Custom { address, public_key_pem, dc_id } = dc else { return Ok(()) };
    let key = exchange(*address, *dc_id, public_key_pem).await.map_err(|error| match error {
        ExchangeError::Unreachable(reason) => LoginError::Unreachable(reason),
        other => LoginError::KeyExchange(other),
    })?;
    Ok(session.set_key(key)?)
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
    let group = Group::check(&algorithm.p, algorithm.g).map_err(unsafe_because)?;
    group.check_public(&BigUint::from_bytes_be(&srp_b)).map_err(unsafe_because)?;
    let secret = random::<256>().to_vec();
    let (m1, a) =
        calculate_2fa(&algorithm.salt1, &algorithm.salt2, &algorithm.p, &algorithm.g, srp_b, secret, password);
    Ok(types::InputCheckPasswordSrp { srp_id, a: a.to_vec(), m1: m1.to_vec() })
}

fn failure(error: InvokeError) -> LoginError {
    match error {
        InvokeError::Rpc(error) => refusal(&error),
        InvokeError::Lost(reason) | InvokeError::Unreadable(reason) => LoginError::Unreachable(reason),
        InvokeError::UnknownKey => LoginError::Refused(pool::UNKNOWN_KEY_TEXT.to_owned()),
        InvokeError::TooLarge => LoginError::Refused("the request is too large".to_owned()),
    }
}

fn refusal(error: &RpcError) -> LoginError {
    match error.name.as_str() {
        "PHONE_NUMBER_INVALID" | "PHONE_NUMBER_UNOCCUPIED" => LoginError::PhoneInvalid("this".to_owned()),
        "PHONE_NUMBER_BANNED" | "USER_DEACTIVATED_BAN" => LoginError::PhoneBanned,
        "PHONE_CODE_INVALID" | "PHONE_CODE_EMPTY" => LoginError::CodeInvalid,
        "PHONE_CODE_EXPIRED" | "PHONE_CODE_HASH_EMPTY" => LoginError::CodeExpired,
        "PASSWORD_HASH_INVALID" | "SRP_PASSWORD_CHANGED" => LoginError::PasswordInvalid,
        "ACCESS_TOKEN_INVALID" | "ACCESS_TOKEN_EXPIRED" => LoginError::TokenInvalid,
        "FIRSTNAME_INVALID" | "LASTNAME_INVALID" => LoginError::NameInvalid,
        "API_ID_INVALID" | "API_ID_PUBLISHED_FLOOD" => LoginError::ApiIdInvalid,
        _ if error.code == 420 => LoginError::FloodWait { seconds: error.value.unwrap_or_default() },
        _ => LoginError::Refused(pool::error_name(error)),
    }
}
