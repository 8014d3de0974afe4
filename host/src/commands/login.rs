//! `tglhost login`: logs an account in by phone, with its 2FA password if it has one, or by a bot's token.
//!
//! Invariant: codes, passwords and tokens are never printed, logged or written; an account is remembered only once
//! the data centre has accepted it.

use std::io::{BufRead, IsTerminal};
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde_json::json;
use store::AccountStore;
use telegram::login::{Login, LoginError, SignIn};
use telegram::{ApiCredentials, DcAddress};
use tgl::User;

use crate::commands::dc::DC_ID;
use crate::data_dir::{AccountDir, DataDir};
use crate::output::Output;
use crate::settings;

/// How often a wrong code or password may be typed at the terminal.
const TRIES_MAX: usize = 3;

/// Where to log in; without an address, Telegram's own data centres.
#[derive(clap::Args, Clone)]
pub(crate) struct DcArgs {
    /// Address of a data centre other than Telegram's own
    #[arg(long = "dc", value_name = "ADDR", requires = "dc_key")]
    dc: Option<SocketAddr>,
    /// Its RSA public key, a PKCS#1 PEM file
    #[arg(long, value_name = "PEM", requires = "dc")]
    dc_key: Option<PathBuf>,
}

/// Who logs in.
#[derive(clap::Args, Clone)]
pub(crate) struct Credentials {
    /// Phone number of the account, with its country code
    #[arg(long, value_name = "N", conflicts_with = "bot_token")]
    phone: Option<String>,
    /// The code sent to the phone; asked for when missing
    #[arg(long, value_name = "C", requires = "phone")]
    code: Option<String>,
    /// The 2FA password; asked for when missing and needed
    #[arg(long, value_name = "P", requires = "phone")]
    password: Option<String>,
    /// Token of a bot account
    #[arg(long, value_name = "T")]
    bot_token: Option<String>,
}

#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to call the account here
    name: String,
    #[command(flatten)]
    credentials: Credentials,
    #[command(flatten)]
    dc: DcArgs,
}

impl DcArgs {
    /// The data centre that was named, if one was.
    pub(crate) fn address(&self) -> Result<Option<DcAddress>> {
        let (Some(address), Some(key_path)) = (self.dc, &self.dc_key) else { return Ok(None) };
        let public_key_pem = std::fs::read_to_string(key_path)
            .with_context(|| format!("cannot read the data centre's public key {}", key_path.display()))?;
        Ok(Some(DcAddress::Custom { address, public_key_pem, dc_id: DC_ID }))
    }
}

impl Credentials {
    /// By phone or by a bot's token; codes and passwords are asked for.
    pub(crate) fn of(phone: Option<String>, bot_token: Option<String>) -> Self {
        Self { phone, code: None, password: None, bot_token }
    }

    /// Whether anything to log in with was given.
    pub(crate) fn are_given(&self) -> bool {
        self.phone.is_some() || self.bot_token.is_some()
    }
}

/// api_id and api_hash for this data centre.
pub(crate) fn api_credentials(dc: &DcAddress) -> Result<ApiCredentials> {
    match dc {
        DcAddress::Telegram => settings::telegram_credentials(),
        DcAddress::Custom { .. } => Ok(settings::embedded_credentials()),
    }
}

/// Logs an account in and remembers it.
pub(crate) async fn execute(args: Args, data_dir: &DataDir, output: &Output) -> Result<u8> {
    let account = data_dir.account(&args.name)?;
    let dc = args.dc.address()?.unwrap_or(DcAddress::Telegram);
    if !args.credentials.are_given() {
        bail!("name the account's phone with --phone NUMBER, or a bot's token with --bot-token TOKEN");
    }
    let user = log_in(&account, &dc, &args.credentials, output).await?;
    let name = telegram::display_name(&user);
    output.result(
        &json!({"event": "logged_in", "account": account.name, "user_id": user.id, "user": name}),
        &format!("{} is logged in as {name} ({})", account.name, user.id),
    );
    Ok(0)
}

/// Logs in at `dc` with what was given, asking for what was not. The account is remembered when it succeeds.
pub(crate) async fn log_in(
    account: &AccountDir,
    dc: &DcAddress,
    credentials: &Credentials,
    output: &Output,
) -> Result<User> {
    if account.is_logged_in()? {
        account.same_data_centre(dc.clone())?;
    }
    let api = api_credentials(dc)?;
    let store = AccountStore::open(&account.path)?;
    let mut login = begin(store, dc, api).await?;
    let user = match (&credentials.bot_token, &credentials.phone) {
        (Some(token), _) => login.bot(token).await?,
        (None, Some(phone)) => by_phone(&mut login, phone, credentials, output).await?,
        (None, None) => bail!("neither a phone number nor a bot token was given"),
    };
    login.finish().await?;
    account.set_data_centre(dc)?;
    Ok(user)
}

/// Begins a login at `dc`. An error names the data centre that it is about.
pub(crate) async fn begin(store: AccountStore, dc: &DcAddress, api: ApiCredentials) -> Result<Login> {
    Login::begin(store, dc.clone(), api).await.with_context(|| match dc {
        DcAddress::Telegram => "cannot log in at Telegram".to_owned(),
        DcAddress::Custom { address, .. } => format!("cannot log in at the data centre {address}"),
    })
}

async fn by_phone(login: &mut Login, phone: &str, credentials: &Credentials, output: &Output) -> Result<User> {
    login.send_code(phone).await?;
    let mut code = credentials.code.clone();
    let mut attempt = 0;
    let signed_in = loop {
        attempt += 1;
        let given = match code.take() {
            Some(code) => code,
            None => ask(&format!("Code sent to {phone}"), false, output)?,
        };
        match login.sign_in(&given).await {
            Err(error @ LoginError::CodeInvalid) if may_ask_again(attempt) => output.note(&error.to_string()),
            signed_in => break signed_in?,
        }
    };
    match signed_in {
        SignIn::Done(user) => Ok(user),
        SignIn::PasswordNeeded { hint } => by_password(login, hint, credentials, output).await,
        SignIn::SignUpNeeded => {
            let first_name = ask("This number is new. First name", false, output)?;
            Ok(login.sign_up(&first_name, "").await?)
        }
    }
}

async fn by_password(
    login: &mut Login,
    hint: Option<String>,
    credentials: &Credentials,
    output: &Output,
) -> Result<User> {
    let question = hint.map_or_else(|| "2FA password".to_owned(), |hint| format!("2FA password (hint: {hint})"));
    let mut password = credentials.password.clone();
    let mut attempt = 0;
    loop {
        attempt += 1;
        let given = match password.take() {
            Some(password) => password,
            None => ask(&question, true, output)?,
        };
        match login.check_password(&given).await {
            Err(error @ LoginError::PasswordInvalid) if may_ask_again(attempt) => output.note(&error.to_string()),
            user => return Ok(user?),
        }
    }
}

/// A person may mistype; a program that pipes its answer in may not.
fn may_ask_again(attempt: usize) -> bool {
    attempt < TRIES_MAX && std::io::stdin().is_terminal()
}

/// Asks at the terminal, or takes the next line of stdin.
fn ask(question: &str, secret: bool, output: &Output) -> Result<String> {
    let stdin = std::io::stdin();
    if secret && stdin.is_terminal() {
        return Ok(dialoguer::Password::new().with_prompt(question).interact()?);
    }
    output.note(&format!("{question}:"));
    let mut line = String::new();
    stdin.lock().read_line(&mut line).context("cannot read the answer from stdin")?;
    let answer = line.trim().to_owned();
    if answer.is_empty() {
        bail!("no answer to {question:?}: type it, pipe it in, or give it as an option (see --help)");
    }
    Ok(answer)
}
