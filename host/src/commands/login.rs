//! `tglhost login`: logs an account in by phone or QR code, with its 2FA password if it has one, or by a bot's token.
//!
//! Invariant: codes, passwords and tokens are never printed, logged or written; an account is remembered only once
//! the data centre has accepted it.

use std::fs::File;
use std::io::{BufRead, IsTerminal, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::json;
use store::AccountStore;
use telegram::login::{Login, LoginError, QrLogin, SignIn};
use telegram::{AccountConfig, ApiCredentials, DcAddress, ExchangeError, Proxy};
use tgl::User;

use crate::api::types::{LoggedIn, LoginNext, LoginStep};
use crate::commands::ACCOUNT_HEADING;
use crate::commands::dc::DC_ID;
use crate::commands::room::until_there_is_room;
use crate::data_dir::{AccountDir, DataDir};
use crate::misuse::{OrMisuse, misuse};
use crate::output::Output;
use crate::proxy;
use crate::settings;

/// How often a wrong code or password may be typed at the terminal.
const TRIES_MAX: usize = 3;

/// How long QR codes are shown, one after the other, until one of them was accepted.
const QR_WAIT_MAX: Duration = Duration::from_secs(300);

/// The environment's variable for a bot's token.
const BOT_TOKEN_VARIABLE: &str = "TGLHOST_BOT_TOKEN";

/// How much of a file with a secret is read.
const SECRET_BYTES_MAX: u64 = 4_096;

/// How much of a file with a public key is read: more than any key has.
const KEY_BYTES_MAX: u64 = 64 << 10;

/// How long a name that is piped in may take to come, where there is another one to do with.
const PIPED_NAME_WAIT: Duration = Duration::from_secs(1);

/// Where to log in; without an address, Telegram's own data centres.
#[derive(clap::Args, Clone)]
pub(crate) struct DcArgs {
    /// Address of a data centre other than Telegram's own
    #[arg(long = "dc", value_name = "ADDR", requires = "dc_key", help_heading = ACCOUNT_HEADING)]
    dc: Option<SocketAddr>,
    /// Its RSA public key, a PKCS#1 PEM file
    #[arg(long, value_name = "PEM", requires = "dc", help_heading = ACCOUNT_HEADING)]
    dc_key: Option<PathBuf>,
    /// Reach it through this proxy: socks5://HOST:PORT or http://HOST:PORT, with USER:PASSWORD@ where it wants them.
    /// Without it ALL_PROXY and NO_PROXY say by which
    #[arg(long, value_name = "URL", help_heading = ACCOUNT_HEADING)]
    proxy: Option<String>,
}

/// Who logs in. What is secret may come from a file or the environment too: options are seen by every user of the machine.
#[derive(clap::Args, Clone, Default)]
pub(crate) struct Credentials {
    /// Phone number of the account, with its country code
    #[arg(long, value_name = "N", group = "human", conflicts_with_all = ["bot_token", "bot_token_file"], help_heading = ACCOUNT_HEADING)]
    phone: Option<String>,
    /// Show a QR code, to be scanned with a Telegram app that the account's user is logged in with
    #[arg(long, group = "human", conflicts_with_all = ["bot_token", "bot_token_file"], help_heading = ACCOUNT_HEADING)]
    qr: bool,
    /// First name of an account that is new to Telegram [default: what the account is called here]
    #[arg(long, value_name = "NAME", requires = "phone", help_heading = ACCOUNT_HEADING)]
    first_name: Option<String>,
    /// The code sent to the phone [env: TGLHOST_CODE]; asked for when missing
    #[arg(long, value_name = "C", requires = "phone", conflicts_with = "code_file", help_heading = ACCOUNT_HEADING)]
    code: Option<String>,
    /// A file with the code in its first line; it is read once the code has been sent
    #[arg(long, value_name = "FILE", requires = "phone", help_heading = ACCOUNT_HEADING)]
    code_file: Option<PathBuf>,
    /// The 2FA password [env: TGLHOST_PASSWORD]; asked for when missing and needed
    #[arg(long, value_name = "P", requires = "human", conflicts_with = "password_file", help_heading = ACCOUNT_HEADING)]
    password: Option<String>,
    /// A file with the 2FA password in its first line
    #[arg(long, value_name = "FILE", requires = "human", help_heading = ACCOUNT_HEADING)]
    password_file: Option<PathBuf>,
    /// Token of a bot account [env: TGLHOST_BOT_TOKEN]
    #[arg(long, value_name = "T", conflicts_with = "bot_token_file", help_heading = ACCOUNT_HEADING)]
    bot_token: Option<String>,
    /// A file with the bot's token in its first line
    #[arg(long, value_name = "FILE", help_heading = ACCOUNT_HEADING)]
    bot_token_file: Option<PathBuf>,
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
        let shown = key_path.display();
        let about =
            std::fs::metadata(key_path).with_context(|| format!("cannot read the data centre's public key {shown}"));
        // A pipe might never end, and a folder of keys is none.
        if !about.or_misuse()?.is_file() {
            return Err(misuse(format_args!(
                "the data centre's public key {shown} is no regular file: name a PEM file"
            )));
        }
        let mut public_key_pem = String::new();
        File::open(key_path)
            .and_then(|file| file.take(KEY_BYTES_MAX).read_to_string(&mut public_key_pem))
            .with_context(|| format!("cannot read the data centre's public key {shown}"))
            .or_misuse()?;
        Ok(Some(DcAddress::Custom { address, public_key_pem, dc_id: DC_ID }))
    }

    /// The proxy by which this data centre is reached, if there is one.
    pub(crate) fn proxy(&self, dc: &DcAddress) -> Result<Option<Proxy>> {
        proxy::choose(self.proxy.as_deref(), dc)
    }

    /// Whether a proxy was named.
    pub(crate) fn names_proxy(&self) -> bool {
        self.proxy.is_some()
    }
}

impl Credentials {
    /// By phone, QR code or a bot's token; codes and passwords are asked for.
    pub(crate) fn of(phone: Option<String>, qr: bool, bot_token: Option<String>) -> Self {
        Self { phone, qr, bot_token, ..Self::default() }
    }

    /// Whether options say who is to log in.
    pub(crate) fn are_given(&self) -> bool {
        self.is_human() || self.bot_token.is_some() || self.bot_token_file.is_some()
    }

    /// Whether anything to log in with is there, in the environment perhaps.
    pub(crate) fn are_at_hand(&self) -> bool {
        self.are_given() || settings::variable(BOT_TOKEN_VARIABLE).is_some()
    }

    fn code(&self) -> Result<Option<String>> {
        secret(self.code.as_ref(), self.code_file.as_deref(), "TGLHOST_CODE")
    }

    fn password(&self) -> Result<Option<String>> {
        secret(self.password.as_ref(), self.password_file.as_deref(), "TGLHOST_PASSWORD")
    }

    fn is_human(&self) -> bool {
        self.phone.is_some() || self.qr
    }

    /// A bot's token, unless something else says that no bot is meant.
    fn bot_token(&self) -> Result<Option<String>> {
        if self.is_human() {
            return Ok(None);
        }
        secret(self.bot_token.as_ref(), self.bot_token_file.as_deref(), BOT_TOKEN_VARIABLE)
    }
}

/// What an option says, else the first line of a file, else a variable of the environment.
fn secret(option: Option<&String>, file: Option<&Path>, variable: &str) -> Result<Option<String>> {
    if let Some(given) = option {
        return Ok(Some(given.clone()));
    }
    match file {
        Some(path) => secret_in(path).map(Some),
        None => Ok(settings::variable(variable)),
    }
}

/// The first line of a file.
pub(crate) fn secret_in(path: &Path) -> Result<String> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(SECRET_BYTES_MAX).read_to_string(&mut text));
    read.with_context(|| format!("cannot read {}", path.display())).or_misuse()?;
    // Some editors begin a file with a mark of its encoding.
    let line = text.trim_start_matches('\u{feff}').lines().next().unwrap_or_default().trim();
    if line.is_empty() {
        let path = path.display();
        return Err(misuse(format_args!("the first line of {path} is empty: what is secret belongs there")));
    }
    Ok(line.to_owned())
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
    if !args.credentials.are_at_hand() {
        return Err(misuse(
            "name the account's phone with --phone NUMBER, have a QR code shown with --qr, or name a bot's token with \
             --bot-token-file FILE",
        ));
    }
    let proxy = args.dc.proxy(&dc)?;
    let user = log_in(&account, &dc, proxy, &args.credentials, output).await?;
    tell(&account.name, &user, output);
    Ok(0)
}

/// Says who is logged in.
pub(crate) fn tell(account: &str, user: &LoggedIn, output: &Output) {
    let LoggedIn { user_id, user } = user;
    output.on_account(account).result(
        &json!({"kind": "logged_in", "user_id": user_id, "user": user}),
        &format!("{account} is logged in as {user} ({user_id})"),
    );
}

/// Logs in at `dc` with what was given, asking for what was not. The account is remembered when it succeeds.
pub(crate) async fn log_in(
    account: &AccountDir,
    dc: &DcAddress,
    proxy: Option<Proxy>,
    credentials: &Credentials,
    output: &Output,
) -> Result<LoggedIn> {
    if account.is_logged_in()? {
        account.same_data_centre(dc.clone())?;
    }
    let api = api_credentials(dc)?;
    let login = until_there_is_room(output, || async {
        let store = AccountStore::open(&account.path)?;
        begin(AccountConfig { store, dc: dc.clone(), api: api.clone(), proxy: proxy.clone() }).await
    });
    let mut login = login.await?;
    let user = walk(&mut login, &account.name, credentials, output).await?;
    login.finish().await?;
    account.set_data_centre(dc)?;
    Ok(user)
}

/// Begins a login. An error names the data centre that it is about.
pub(crate) async fn begin(config: AccountConfig) -> Result<Login> {
    let dc = config.dc.clone();
    let begun = Login::begin(config).await;
    let is_bad_key = matches!(begun, Err(LoginError::KeyExchange(ExchangeError::BadKeyText(_))));
    let begun = begun.with_context(|| match dc {
        DcAddress::Telegram => "cannot log in at Telegram".to_owned(),
        DcAddress::Custom { address, .. } => format!("cannot log in at the data centre {address}"),
    });
    if is_bad_key { begun.or_misuse() } else { begun }
}

/// Whoever takes the steps of a login: the data centre here, or a host at work.
pub(crate) trait Steps {
    /// Takes one, and says what comes next.
    async fn take(&mut self, step: LoginStep) -> Result<LoginNext>;
}

impl Steps for Login {
    async fn take(&mut self, step: LoginStep) -> Result<LoginNext> {
        Ok(take_step(self, step).await?)
    }
}

/// Takes a step of a login. A mistake that can be mended is an answer.
pub(crate) async fn take_step(login: &mut Login, step: LoginStep) -> Result<LoginNext, LoginError> {
    let done = |user: User| LoginNext::Done(LoggedIn { user_id: user.id, user: telegram::display_name(&user) });
    let signed_in = |signed_in| match signed_in {
        SignIn::Done(user) => done(user),
        SignIn::PasswordNeeded { hint } => LoginNext::Password { hint },
        SignIn::SignUpNeeded => LoginNext::SignUp,
    };
    let by_qr = |qr| match qr {
        QrLogin::Shown(code) => LoginNext::Qr { url: code.url, expires_in_s: code.life.as_secs() },
        QrLogin::Accepted(accepted) => signed_in(accepted),
    };
    let next = match step {
        LoginStep::Phone { phone } => login.send_code(&phone).await.map(|_| LoginNext::Code),
        LoginStep::Code { code } => login.sign_in(&code).await.map(signed_in),
        LoginStep::Qr => login.show_qr(QR_WAIT_MAX).await.map(by_qr),
        LoginStep::QrWait => login.await_qr().await.map(by_qr),
        LoginStep::Password { password } => login.check_password(&password).await.map(done),
        LoginStep::SignUp { first_name } => login.sign_up(&first_name, "").await.map(done),
        LoginStep::BotToken { bot_token } => login.bot(&bot_token).await.map(done),
    };
    match next {
        Err(error @ (LoginError::CodeInvalid | LoginError::PasswordInvalid)) => {
            Ok(LoginNext::Again { why: error.to_string() })
        }
        next => next,
    }
}

/// Goes through a login, asking for what was not given.
pub(crate) async fn walk(
    steps: &mut impl Steps,
    account_name: &str,
    credentials: &Credentials,
    output: &Output,
) -> Result<LoggedIn> {
    let begin = match (credentials.bot_token()?, &credentials.phone) {
        (Some(bot_token), _) => LoginStep::BotToken { bot_token },
        (None, Some(phone)) => LoginStep::Phone { phone: phone.clone() },
        (None, None) if credentials.qr => LoginStep::Qr,
        (None, None) => bail!("neither a phone number, nor --qr, nor a bot token was given"),
    };
    let phone = credentials.phone.as_deref().unwrap_or_default();
    let (mut code, mut password) = (credentials.code()?, credentials.password()?);
    let mut next = steps.take(begin).await?;
    loop {
        next = match next {
            LoginNext::Done(user) => return Ok(user),
            LoginNext::Code => {
                let question = format!("Code sent to {phone}");
                answered(steps, code.take(), &question, false, output, |code| LoginStep::Code { code }).await?
            }
            LoginNext::Qr { url, expires_in_s } => {
                output.on_account(account_name).qr_code(&url, expires_in_s)?;
                steps.take(LoginStep::QrWait).await?
            }
            LoginNext::Password { hint } => {
                let question =
                    hint.map_or_else(|| "2FA password".to_owned(), |hint| format!("2FA password (hint: {hint})"));
                let given = password.take();
                answered(steps, given, &question, true, output, |password| LoginStep::Password { password }).await?
            }
            LoginNext::SignUp => {
                let first_name = match &credentials.first_name {
                    Some(name) => name.clone(),
                    None => ask_first_name(account_name, output)?,
                };
                steps.take(LoginStep::SignUp { first_name }).await?
            }
            LoginNext::Again { why } => bail!("{why}"),
        };
    }
}

/// Takes a step with what was given, or what is answered, which a person may mistype.
async fn answered(
    steps: &mut impl Steps,
    mut given: Option<String>,
    question: &str,
    secret: bool,
    output: &Output,
    step: impl Fn(String) -> LoginStep,
) -> Result<LoginNext> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let answer = match given.take() {
            Some(given) => given,
            None => ask(question, secret, output)?,
        };
        match steps.take(step(answer)).await? {
            LoginNext::Again { why } if may_ask_again(attempt) => output.note(&why),
            next => return Ok(next),
        }
    }
}

/// A person may mistype; a program that pipes its answer in may not.
fn may_ask_again(attempt: usize) -> bool {
    attempt < TRIES_MAX && std::io::stdin().is_terminal()
}

/// Asks at the terminal; elsewhere takes a name that is piped in, and waits for nobody who says none.
fn ask_first_name(default: &str, output: &Output) -> Result<String> {
    if std::io::stdin().is_terminal() {
        output.note(&format!("This number is new. First name [{default}]:"));
    }
    let name = if std::io::stdin().is_terminal() { read_line()? } else { piped_line()? };
    if !name.is_empty() {
        return Ok(name);
    }
    output.note(&format!("This number is new: its first name is {default} (--first-name gives another)."));
    Ok(default.to_owned())
}

/// The next line of stdin, if it comes soon. The thread that waits for it ends with the process.
fn piped_line() -> Result<String> {
    let (sender, receiver) = sync_channel(1);
    std::thread::Builder::new().name("stdin".to_owned()).spawn(move || sender.send(read_line()))?;
    receiver.recv_timeout(PIPED_NAME_WAIT).unwrap_or_else(|_| Ok(String::new()))
}

/// Asks at the terminal, or takes the next line of stdin.
fn ask(question: &str, secret: bool, output: &Output) -> Result<String> {
    let stdin = std::io::stdin();
    if secret && stdin.is_terminal() {
        return Ok(dialoguer::Password::new().with_prompt(question).interact()?);
    }
    output.note(&format!("{question}:"));
    let answer = read_line()?;
    if answer.is_empty() {
        bail!("no answer to {question:?}: type it, pipe it in, or give it by an option or a file (see --help)");
    }
    Ok(answer)
}

/// A line of stdin, empty at its end.
fn read_line() -> Result<String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("cannot read the answer from stdin")?;
    Ok(line.trim().to_owned())
}
