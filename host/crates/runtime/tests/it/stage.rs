//! Where a script plays: its account is the test.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use broker::{Arrived, Attachment, Load, Rules, ScriptId, SendRates, Server};
use files::FileSpace;
use runtime::{End, News, Phase, Script, ScriptConfig, ScriptOutput, ScriptStatus, Threads};
use sandbox::{Compiler, CompilerConfig, ComponentSource, INSTANCES_MAX, Limits, LogLevel, Output, Program, Sandbox};
use store::{AccountStore, Bounds};
use tempfile::TempDir;
use tgl::{
    AccountState, CallError, Completion, Event, Grants, Message, MessageFlags, MessageId, Outcome, PeerId, Request,
    ServiceAction,
};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const OUR_ID: i64 = 77;

/// An account that is the test, and one script on it.
pub(crate) struct Stage {
    pub(crate) store: AccountStore,
    pub(crate) requests: mpsc::Receiver<Request>,
    pub(crate) completions: mpsc::Sender<Arrived>,
    pub(crate) notes: mpsc::Sender<String>,
    pub(crate) state: watch::Sender<AccountState>,
    pub(crate) script: Script,
    /// The account's side of the script.
    serving: JoinHandle<()>,
    said: Said,
    folder: Arc<TempDir>,
}

/// What the test sets up.
pub(crate) struct Setting {
    pub(crate) source: &'static str,
    pub(crate) limits: Limits,
    pub(crate) is_logged_in: bool,
    pub(crate) link_previews: bool,
    pub(crate) grants: Grants,
    pub(crate) send_rates: Option<SendRates>,
    pub(crate) bounds: Bounds,
    pub(crate) restart_wait: Duration,
    pub(crate) is_successor: bool,
    pub(crate) sleep_after: Option<Duration>,
}

impl Setting {
    /// A script with this source on an account that is logged in.
    pub(crate) fn of(source: &'static str) -> Self {
        Self {
            source,
            limits: Limits::default(),
            is_logged_in: true,
            link_previews: true,
            send_rates: None,
            bounds: Bounds::default(),
            restart_wait: runtime::RESTART_WAIT,
            is_successor: false,
            sleep_after: None,
            grants: Grants::trusted(),
        }
    }
}

impl Stage {
    /// A script on a new account.
    pub(crate) async fn new(setting: Setting) -> Self {
        Self::on(Arc::new(tempfile::tempdir().unwrap()), setting).await
    }

    /// A script that has come through its start and waits for events.
    pub(crate) async fn live(setting: Setting) -> Self {
        let stage = Self::new(setting).await;
        stage.settles().await;
        stage
    }

    async fn on(folder: Arc<TempDir>, setting: Setting) -> Self {
        let store = AccountStore::open_bounded(folder.path(), setting.bounds).unwrap();
        let program = program().await;
        let (requests_sender, requests) = mpsc::channel(64);
        let (completions, completions_receiver) = mpsc::channel(64);
        let (notes, notes_receiver) = mpsc::channel(64);
        let (state, state_receiver) = watch::channel(AccountState {
            our_id: setting.is_logged_in.then_some(OUR_ID),
            begun_seq: store.inbox_seq(),
            inbox_seq: store.inbox_seq(),
            ..AccountState::default()
        });
        let config = ScriptConfig {
            name: "puppet".into(),
            source: Some((setting.source.to_owned(), "/script/puppet".to_owned())),
            files: FileSpace::empty(),
            args: Vec::new(),
            env: Vec::new(),
            limits: setting.limits,
            restart_wait: setting.restart_wait,
            link_previews: setting.link_previews,
            sleep_after: setting.sleep_after,
            is_successor: setting.is_successor,
        };
        let attachment = Attachment {
            requests: requests_sender,
            completions: completions_receiver,
            notes: notes_receiver,
            state: state_receiver,
        };
        let Limits { calls_pending_max, calls_bytes_max, .. } = setting.limits;
        let rules = Rules {
            grants: setting.grants,
            load_max: Load { calls: calls_pending_max as u64, bytes: calls_bytes_max },
            send_rates: setting.send_rates,
        };
        let begin = if setting.is_successor { Server::successor } else { Server::new };
        let id = ScriptId::own("account", "puppet".into());
        let (account, serving) = crate::meet(begin(id, rules, Arc::new(store.scripts()), attachment));
        let said = Said::default();
        let script = Script::start(threads(), config, async { Ok(program) }, account, Arc::new(said.clone()));
        Self { store, requests, completions, notes, state, script, serving, said, folder }
    }

    /// Stops the script and starts it again, as after a restart of the process.
    pub(crate) async fn restart(self, setting: Setting) -> Self {
        self.pause().await.resume(setting).await
    }

    /// Stops the script. Its account goes on.
    pub(crate) async fn pause(self) -> Interval {
        let Self { store, script, serving, folder, .. } = self;
        script.stop().await;
        serving.await.unwrap();
        Interval { store, folder }
    }

    /// The account gets an event.
    pub(crate) fn push(&self, event: Event) -> u64 {
        let ((), seq) = self.store.record(|batch| batch.push_event(None, &event).map(drop)).unwrap();
        self.state.send_modify(|state| state.inbox_seq = seq);
        seq
    }

    /// A message comes in; the puppet does what it says.
    pub(crate) fn tell(&self, id: MessageId, text: &str) -> u64 {
        self.push(Event::Message(message(id, text)))
    }

    /// The next call.
    pub(crate) async fn request(&mut self) -> Request {
        tokio::time::timeout(PATIENCE, self.requests.recv()).await.expect("a call comes").expect("the script is there")
    }

    /// Completes a call, after these events.
    pub(crate) async fn complete(&self, request: &Request, result: Result<Outcome, CallError>, after_seq: u64) {
        self.store.record(|batch| batch.complete_call(request.random_id)).unwrap();
        let completion = Completion { id: request.id, result, after_seq };
        self.completions.send(Arrived { completion, room: None }).await.unwrap();
    }

    /// Waits until the script has said so much, and gives it.
    pub(crate) async fn hears(&self, lines: &[&str]) {
        let said = self.said.wait(|said| said.lines().len() >= lines.len()).await;
        assert_eq!(said.lines(), lines);
    }

    /// Waits for a log line with this in it, and gives the line.
    pub(crate) async fn log_line(&self, part: &str) -> String {
        let said = self.said.wait(|said| said.log.iter().any(|line| line.contains(part))).await;
        said.log.iter().find(|line| line.contains(part)).cloned().unwrap_or_default()
    }

    /// Waits until it is said that a limit was reached, and gives all lines that say so.
    pub(crate) async fn limits_told(&self) -> Vec<String> {
        self.said.wait(|said| !said.limits.is_empty()).await.limits
    }

    /// Waits until so much has become of the script, and gives it.
    pub(crate) async fn news(&self, count: usize) -> Vec<News> {
        self.said.wait(|said| said.news.len() >= count).await.news
    }

    /// Every log line so far.
    pub(crate) fn log(&self) -> Vec<String> {
        self.said.inner.borrow().log.clone()
    }

    /// Waits until the script stands so.
    pub(crate) async fn stands(&self, what: &str, wanted: impl FnMut(&ScriptStatus) -> bool) {
        let mut status = self.script.status();
        let stands = tokio::time::timeout(PATIENCE, status.wait_for(wanted)).await;
        if stands.is_err() {
            panic!("not {what}: {:?}", self.script.status().borrow());
        }
    }

    /// Waits until the script has nothing more to do.
    pub(crate) async fn settles(&self) {
        let seq = self.store.inbox_seq();
        self.stands("settled", |status| {
            status.phase == Phase::Running && status.handled_seq >= seq && status.calls_pending == 0
        })
        .await;
    }

    pub(crate) async fn ends(&self) -> End {
        tokio::time::timeout(PATIENCE, self.script.ended()).await.expect("it ends")
    }
}

/// The time between two runs of a script.
pub(crate) struct Interval {
    store: AccountStore,
    folder: Arc<TempDir>,
}

impl Interval {
    /// A message comes in meanwhile.
    pub(crate) fn tell(&self, id: MessageId, text: &str) {
        let event = Event::Message(message(id, text));
        self.store.record(|batch| batch.push_event(None, &event).map(drop)).unwrap();
    }

    pub(crate) async fn resume(self, setting: Setting) -> Stage {
        let Self { store, folder } = self;
        drop(store);
        Stage::on(folder, setting).await
    }
}

fn threads() -> &'static Threads {
    static THREADS: OnceLock<Threads> = OnceLock::new();
    THREADS.get_or_init(|| Threads::start().unwrap())
}

async fn program() -> Program {
    static SHARED: OnceLock<(Compiler, Sandbox)> = OnceLock::new();
    let cache = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    let new = || (Compiler::new(CompilerConfig::new(cache)).unwrap(), Sandbox::new(INSTANCES_MAX).unwrap());
    let (compiler, sandbox) = SHARED.get_or_init(new);
    let code = compiler.compile(ComponentSource::user(crate::built::puppet()), || ()).await.unwrap();
    sandbox.load(&code).unwrap()
}

/// What a script said.
#[derive(Clone)]
struct Said {
    inner: watch::Sender<Words>,
}

#[derive(Clone, Debug, Default)]
struct Words {
    printed: String,
    log: Vec<String>,
    /// What is said of limits that were reached.
    limits: Vec<String>,
    news: Vec<News>,
}

impl Words {
    fn lines(&self) -> Vec<&str> {
        self.printed.lines().collect()
    }
}

impl Default for Said {
    fn default() -> Self {
        Self { inner: watch::Sender::new(Words::default()) }
    }
}

impl Said {
    async fn wait(&self, wanted: impl FnMut(&Words) -> bool) -> Words {
        let mut words = self.inner.subscribe();
        let said = tokio::time::timeout(PATIENCE, words.wait_for(wanted)).await.map(|words| words.unwrap().clone());
        said.unwrap_or_else(|_| panic!("it only said {:?}", self.inner.borrow()))
    }
}

impl ScriptOutput for Said {
    fn print(&self, _: Output, text: &str) -> bool {
        self.inner.send_modify(|words| words.printed.push_str(text));
        true
    }

    fn log(&self, _: LogLevel, text: &str) -> bool {
        self.inner.send_modify(|words| words.log.push(format!("puppet: {text}")));
        true
    }

    fn dropped(&self, _: u64) {}

    fn tell(&self, news: &News) {
        self.inner.send_modify(|words| {
            if let News::LimitReached(text) = news {
                words.limits.push(text.clone());
                return;
            }
            if let News::Crashed { why, restart_in } = news {
                words.log.push(format!("puppet: stopped {why}; restarting in {} s", restart_in.as_secs()));
            }
            words.news.push(news.clone());
        });
    }
}

pub(crate) fn message(id: MessageId, text: &str) -> Message {
    Message {
        id,
        flags: MessageFlags::default(),
        source: Some(PeerId::user(1)),
        destination: PeerId::user(OUR_ID),
        text: Some(text.to_owned()),
        media: None,
        date: 1_700_000_000,
        forward: None,
        reply_to: None,
        action: ServiceAction::None,
    }
}

/// A message of the account's own.
pub(crate) fn own_message(id: MessageId, text: &str) -> Message {
    Message { flags: MessageFlags { outgoing: true, ..MessageFlags::default() }, ..message(id, text) }
}
