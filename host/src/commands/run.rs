//! `tglhost run`: runs scripts on one account. Without an account they run on one of the embedded data centre's, and
//! this terminal is the chat with them.
//!
//! Invariant: scripts are read and checked before anything else is started, so a typing error costs nobody anything.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use datacentre::{Config, DataCentre};
use runtime::{End, Link, Script, ScriptConfig};
use sandbox::{ComponentSource, Folders, Limits, Program, Sandbox, SandboxConfig, WorkerCommand};
use serde_json::json;
use store::AccountStore;
use telegram::login::SignIn;
use telegram::{Account, AccountConfig, ApiCredentials, DcAddress};
use tgl::{Call, Connection, Outcome, PeerId, Request, ScriptName, User};

use crate::commands::compile_worker::COMPILE_WORKER;
use crate::commands::dc::DC_ID;
use crate::commands::login::{self, Credentials, DcArgs};
use crate::data_dir::{AccountDir, DataDir};
use crate::output::{self, Output};
use crate::terminal_chat::{Side, TerminalChat};
use crate::{python_component, settings};

/// The account that scripts run on when none is named. Phone numbers follow Telegram's own test convention.
const SCRIPT_IDENTITY: Identity = Identity { folder: "script", first_name: "Script", phone: "9996621001" };
/// The account of the person at the terminal.
const YOU_IDENTITY: Identity = Identity { folder: "you", first_name: "You", phone: "9996621002" };
/// What the embedded data centre sends to those numbers.
const TEST_CODE: &str = "22222";
/// A script larger than this is a mistake.
const SCRIPT_BYTES_MAX: u64 = 16 << 20;
/// A component larger than this is a mistake.
const COMPONENT_BYTES_MAX: u64 = 256 << 20;
/// What `kill` by Ctrl-C gives, by convention.
const INTERRUPTED_CODE: u8 = 130;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Python scripts, or WebAssembly components
    #[arg(required = true, value_name = "SCRIPT")]
    scripts: Vec<PathBuf>,
    /// The account to run them on, as named at login
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    #[command(flatten)]
    dc: DcArgs,
    #[command(flatten)]
    credentials: Credentials,
    /// Arguments for the scripts
    #[arg(last = true, value_name = "ARGS")]
    args: Vec<String>,
}

/// Runs the scripts until they end, the chat is over, or Ctrl-C.
pub(crate) async fn execute(args: Args, data_dir: &DataDir, output: &Output) -> Result<u8> {
    let files = args.scripts.iter().map(|path| ScriptFile::read(path)).collect::<Result<Vec<_>>>()?;
    let mut names = HashSet::new();
    if let Some(twice) = files.iter().find(|file| !names.insert(file.name.clone())) {
        bail!("two scripts are called {}: each needs a name of its own", twice.name);
    }
    // The engine starts on a thread of its own while the accounts connect.
    let programs = tokio::spawn(compile(files.clone(), output.clone()));
    let (programs, place) = tokio::join!(programs, Place::open(&args, data_dir, output));
    let (programs, place) = (programs.context("compiling was broken off")??, place?);
    let scripts = place.start_scripts(&files, programs, &args.args, output)?;

    let outcome = tokio::select! {
        ends = place.until_the_end(&scripts, output) => ends.map(|ends| exit_code(&files, &ends, output)),
        interrupt = interrupted() => interrupt.map(|()| INTERRUPTED_CODE),
    };
    for script in scripts {
        script.stop().await;
    }
    place.close().await;
    outcome
}

/// Comes back when the process is asked to end.
pub(crate) async fn interrupted() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// A script as it was found on disk.
#[derive(Clone)]
struct ScriptFile {
    name: ScriptName,
    folder: PathBuf,
    content: Content,
}

#[derive(Clone)]
enum Content {
    Python(Arc<str>),
    Component(Arc<[u8]>),
}

impl ScriptFile {
    /// Reads a script. As with telegram-cli, `.py` may be left off.
    fn read(given: &Path) -> Result<Self> {
        let with_suffix = given.with_added_extension("py");
        let path = if !given.exists() && with_suffix.is_file() { with_suffix.as_path() } else { given };
        let shown = path.display();
        let about = std::fs::metadata(path).with_context(|| format!("cannot run {shown}"))?;
        if !about.is_file() {
            bail!("cannot run {shown}: it is a folder, and a script is one file (name its .py or .wasm file)");
        }
        let path = path.canonicalize().with_context(|| format!("cannot run {shown}"))?;
        let (Some(name), Some(folder)) = (path.file_name().and_then(|name| name.to_str()), path.parent()) else {
            bail!("cannot run {shown}: its name is not UTF-8 text");
        };
        let is_component = path.extension().is_some_and(|extension| extension == "wasm");
        let bytes_max = if is_component { COMPONENT_BYTES_MAX } else { SCRIPT_BYTES_MAX };
        if about.len() > bytes_max {
            bail!(
                "cannot run {shown}: it has {} bytes, and {bytes_max} is the most a script of its kind may have",
                about.len()
            );
        }
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {shown}"))?;
        let content = if is_component || bytes.starts_with(b"\0asm") {
            Content::Component(bytes.into())
        } else {
            Content::Python(decode(bytes, &path)?.into())
        };
        Ok(Self { name: name.into(), folder: folder.to_owned(), content })
    }

    /// Python source and its path in the guest, or nothing for a compiled guest.
    fn source(&self) -> Option<(String, String)> {
        match &self.content {
            Content::Python(text) => Some((text.to_string(), format!("{}/{}", sandbox::SCRIPT_PATH, self.name))),
            Content::Component(_) => None,
        }
    }
}

/// A script's text, or the line where it stops being UTF-8.
fn decode(bytes: Vec<u8>, path: &Path) -> Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid].iter().filter(|&&byte| byte == b'\n').count() + 1;
        anyhow::anyhow!(
            "cannot run {}: it is not UTF-8 text (line {line}): save it as UTF-8 in your editor",
            path.display()
        )
    })
}

/// Compiles what the scripts need, or takes it from the cache. The Python runtime is compiled once for all of them.
async fn compile(files: Vec<ScriptFile>, output: Output) -> Result<Vec<Program>> {
    let worker = WorkerCommand {
        program: std::env::current_exe().context("cannot find this program's own file")?,
        args: vec![COMPILE_WORKER.into()],
    };
    let sandbox = Sandbox::new(SandboxConfig { compile_worker: Some(worker), ..SandboxConfig::new(cache_dir()?) })?;
    let say = |what: &str| output.note(&format!("Compiling {what} for this machine (once)…"));
    let mut python: Option<Program> = None;
    let mut programs = Vec::with_capacity(files.len());
    for file in &files {
        let program = match (&file.content, &python) {
            (Content::Component(bytes), _) => {
                let compiled = sandbox.compile(ComponentSource::user(bytes.to_vec()), || say(&file.name)).await;
                compiled.with_context(|| format!("cannot run {}", file.name))?
            }
            (Content::Python(_), Some(python)) => python.clone(),
            (Content::Python(_), None) => {
                let compiled = sandbox.compile(python_component::source()?, || say("the Python runtime")).await?;
                python.insert(compiled).clone()
            }
        };
        programs.push(program);
    }
    Ok(programs)
}

/// The user's time zone, by its name in the time zone database: scripts compare message dates with local time.
fn time_zone() -> Option<String> {
    if let Ok(zone) = std::env::var("TZ") {
        return Some(zone.trim_start_matches(':').to_owned());
    }
    let file = std::fs::canonicalize("/etc/localtime").ok()?;
    Some(file.to_str()?.split_once("/zoneinfo/")?.1.to_owned())
}

/// Where compiled components are kept: private to this user, and safe to delete.
fn cache_dir() -> Result<PathBuf> {
    let cache = dirs::cache_dir().context("no cache directory is known for this user: set HOME")?;
    Ok(cache.join("tglhost"))
}

/// The account that the scripts run on, and what stands around it.
struct Place {
    dir: AccountDir,
    store: AccountStore,
    account: Account,
    chat: Option<Embedded>,
}

/// The embedded data centre and the account of the person at the terminal. The two views of their chat begin when both
/// accounts are up to date and no script runs yet, so both count the same messages.
struct Embedded {
    data_centre: DataCentre,
    you: Account,
    your_view: Side,
    scripts_view: Side,
}

impl Place {
    async fn open(args: &Args, data_dir: &DataDir, output: &Output) -> Result<Self> {
        match (&args.account, args.dc.address()?) {
            (None, None) if !args.credentials.are_given() => Self::embedded(data_dir).await,
            (name, dc) => {
                let dir = data_dir.account(name.as_deref().unwrap_or("default"))?;
                Self::on_account(dir, dc, &args.credentials, output).await
            }
        }
    }

    /// On an account of one's own: logged in before, or now with the credentials given.
    async fn on_account(
        dir: AccountDir,
        dc: Option<DcAddress>,
        credentials: &Credentials,
        output: &Output,
    ) -> Result<Self> {
        let known = dir.exists() && store::inspect(&dir.path)?.is_some_and(|summary| summary.user.is_some());
        if !known {
            if !credentials.are_given() {
                bail!(
                    "nobody is logged in as {:?}: run `tglhost login {}` first, or give --phone and --code or --bot-token",
                    dir.name,
                    dir.name
                );
            }
            let dc = dc.clone().unwrap_or(DcAddress::Telegram);
            login::log_in(&dir, &dc, credentials, output).await?;
        } else if let Some(dc) = &dc {
            dir.set_data_centre(dc)?;
        }
        let dc = dir.data_centre()?;
        let store = AccountStore::open(&dir.path)?;
        let api = login::api_credentials(&dc)?;
        let account = Account::start(AccountConfig { store: store.clone(), dc, api })?;
        output.note(&format!("{} connects; Ctrl-C ends it.", dir.name));
        Ok(Self { dir, store, account, chat: None })
    }

    /// On the embedded data centre, with You at the other end of the chat.
    async fn embedded(data_dir: &DataDir) -> Result<Self> {
        let config = Config {
            listen: std::net::SocketAddr::from(([127, 0, 0, 1], 0)),
            data_dir: data_dir.data_centre(),
            dc_id: DC_ID,
        };
        let data_centre = DataCentre::start(config).await.context("the embedded data centre cannot start")?;
        let dc = DcAddress::Custom {
            address: data_centre.address,
            public_key_pem: data_centre.public_key_pem.clone(),
            dc_id: data_centre.dc_id,
        };
        let (script, you) = tokio::try_join!(SCRIPT_IDENTITY.open(data_dir, &dc), YOU_IDENTITY.open(data_dir, &dc))?;
        tokio::try_join!(up_to_date(&script.account), up_to_date(&you.account))?;
        let (script_user, your_user) = (user_of(&script.store)?, user_of(&you.store)?);
        get_acquainted(&you, script_user.id).await?;
        let your_view = Side::follow(&you.account, you.store, PeerId::user(script_user.id))?;
        let scripts_view = Side::follow(&script.account, script.store.clone(), PeerId::user(your_user.id))?;
        let embedded = Embedded { data_centre, you: you.account, your_view, scripts_view };
        Ok(Self { dir: script.dir, store: script.store, account: script.account, chat: Some(embedded) })
    }

    fn start_scripts(
        &self,
        files: &[ScriptFile],
        programs: Vec<Program>,
        args: &[String],
        output: &Output,
    ) -> Result<Vec<Script>> {
        let mut scripts = Vec::with_capacity(files.len());
        for (file, program) in files.iter().zip(programs) {
            let config = ScriptConfig {
                name: file.name.clone(),
                program,
                source: file.source(),
                folders: Folders { script: Some(file.folder.clone()), home: Some(self.dir.script_home(&file.name)?) },
                args: args.to_vec(),
                env: time_zone().map(|zone| ("TZ".to_owned(), zone)).into_iter().collect(),
                limits: Limits::default(),
            };
            let (requests, completions) = self.account.attach(file.name.clone());
            let link = Link { requests, completions, state: self.account.state() };
            scripts.push(Script::start(config, link, self.store.clone(), output::for_scripts(output)));
        }
        Ok(scripts)
    }

    /// Waits for the scripts' ends, or for the chat's. Gives the ends in the scripts' order; none for one that runs on.
    async fn until_the_end(&self, scripts: &[Script], output: &Output) -> Result<Vec<Option<End>>> {
        let Some(embedded) = &self.chat else {
            return self.until_scripts_end(scripts, output).await;
        };
        let (your_view, scripts_view) = (embedded.your_view.clone(), embedded.scripts_view.clone());
        TerminalChat::new(&embedded.you, your_view, scripts_view, scripts, output.clone()).converse().await
    }

    /// Without a chat: until every script has ended or the account is logged out. Outages are told as they come.
    async fn until_scripts_end(&self, scripts: &[Script], output: &Output) -> Result<Vec<Option<End>>> {
        let mut state = self.account.state();
        let mut said = Connection::Connecting;
        let ends = futures_util::future::join_all(scripts.iter().map(Script::ended));
        tokio::pin!(ends);
        loop {
            let connection = state.borrow_and_update().connection.clone();
            if connection != said {
                self.tell(&connection, output)?;
                said = connection;
            }
            tokio::select! {
                ends = &mut ends => return Ok(ends.into_iter().map(Some).collect()),
                changed = state.changed() => changed.context("the account has stopped")?,
            }
        }
    }

    fn tell(&self, connection: &Connection, output: &Output) -> Result<()> {
        let account = &self.dir.name;
        match connection {
            Connection::Connecting => {}
            Connection::Online => {
                let text = format!("{account} is online.");
                if output.is_json() {
                    output.json(&json!({"event": "online", "account": account}));
                } else {
                    output.note(&text);
                }
            }
            Connection::Waiting(why) => output.note(&format!("{account} is not connected, and tries again: {why}")),
            Connection::LoggedOut(why) => {
                bail!("{account} was logged out: {why}; log it in again with `tglhost login {account}`")
            }
        }
        Ok(())
    }

    async fn close(self) {
        self.account.stop().await;
        if let Some(embedded) = self.chat {
            embedded.you.stop().await;
            embedded.data_centre.stop().await;
        }
    }
}

/// Who is logged in with this store.
fn user_of(store: &AccountStore) -> Result<User> {
    telegram::is_logged_in(store).context(
        "an account of the embedded data centre was logged out: remove the folder `embedded` of the data directory to begin anew",
    )
}

/// The first time, You adds the scripts' account to its contacts, as a person would before writing to somebody.
async fn get_acquainted(you: &Opened, script_user_id: i64) -> Result<()> {
    if you.store.peer(PeerId::user(script_user_id))?.is_some() {
        return Ok(());
    }
    let (requests, mut completions) = you.account.attach("contacts".into());
    let call = Call::AddContact {
        phone: SCRIPT_IDENTITY.phone.to_owned(),
        first_name: SCRIPT_IDENTITY.first_name.to_owned(),
        last_name: String::new(),
    };
    requests.send(Request::new("contacts".into(), 1, call)).await.ok().context("the account You has stopped")?;
    let completion = completions.recv().await.context("the account You has stopped")?;
    match completion.result {
        Ok(Outcome::Peers(peers)) if !peers.is_empty() => Ok(()),
        Ok(_) => bail!(
            "the embedded data centre does not know the scripts' account: remove the folder `embedded` of the data directory to begin anew"
        ),
        Err(error) => bail!("You cannot add the scripts' account to its contacts: {}", error.detail),
    }
}

/// An account of the embedded data centre.
struct Identity {
    folder: &'static str,
    first_name: &'static str,
    phone: &'static str,
}

struct Opened {
    dir: AccountDir,
    store: AccountStore,
    account: Account,
}

impl Identity {
    /// Starts the account, signed up or logged in first where it is not yet.
    async fn open(&self, data_dir: &DataDir, dc: &DcAddress) -> Result<Opened> {
        let dir = data_dir.embedded_account(self.folder);
        let store = AccountStore::open(&dir.path)?;
        let api = settings::embedded_credentials();
        if telegram::is_logged_in(&store).is_none() {
            self.log_in(store.clone(), dc, api.clone()).await?;
        }
        let account = Account::start(AccountConfig { store: store.clone(), dc: dc.clone(), api })?;
        Ok(Opened { dir, store, account })
    }

    async fn log_in(&self, store: AccountStore, dc: &DcAddress, api: ApiCredentials) -> Result<()> {
        let mut login = login::begin(store, dc, api).await?;
        login.send_code(self.phone).await?;
        match login.sign_in(TEST_CODE).await? {
            SignIn::Done(_) => {}
            SignIn::SignUpNeeded => {
                login.sign_up(self.first_name, "").await?;
            }
            SignIn::PasswordNeeded { .. } => bail!("the embedded account {} has a 2FA password", self.first_name),
        }
        Ok(login.finish().await?)
    }
}

/// Waits until an account has fetched what it missed.
async fn up_to_date(account: &Account) -> Result<()> {
    let mut state = account.state();
    let state = state
        .wait_for(|state| state.difference_end_seq.is_some() || matches!(state.connection, Connection::LoggedOut(_)))
        .await
        .context("the account has stopped")?;
    if let Connection::LoggedOut(why) = &state.connection {
        bail!(
            "an account of the embedded data centre was logged out: {why}; remove the folder `embedded` of the data directory to begin anew"
        );
    }
    Ok(())
}

/// The code that the process ends with: the first script's that did not end well, else 0. Says why for those that failed.
fn exit_code(files: &[ScriptFile], ends: &[Option<End>], output: &Output) -> u8 {
    let mut code = 0;
    for (file, end) in files.iter().zip(ends) {
        let its_code = match end {
            None | Some(End::Stopped) => 0,
            Some(End::Exited(code)) => *code,
            Some(End::LoadFailed(why)) => {
                output.note(&format!("{} could not be loaded:\n{}", file.name, why.trim_end()));
                1
            }
            Some(End::Quarantined(why)) => {
                output.note(&format!("{} was stopped for good: {why}", file.name));
                1
            }
        };
        code = if code == 0 { its_code } else { code };
    }
    code
}
