//! A sandbox, a compiler with its cache in target/, and a host that writes down what its guest asks.

use std::future::ready;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use files::FileSpace;
use sandbox::{
    Answer, CompileError, Compiler, CompilerConfig, ComponentSource, CpuUsed, ExitMoment, GuestHost, INSTANCES_MAX,
    Instance, Limits, LogLevel, Output, Program, Sandbox, StartConfig, StartError,
};
use tgl::{
    Call, Event, LimitMeter, Message, MessageFlags, MessageId, Peer, PeerDetails, PeerId, RequestId, ServiceAction,
    User,
};

/// One sandbox for all tests, as a host has one for all scripts.
pub(crate) fn sandbox() -> Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| Sandbox::new(INSTANCES_MAX).unwrap()).clone()
}

pub(crate) fn compiler() -> Compiler {
    static COMPILER: OnceLock<Compiler> = OnceLock::new();
    COMPILER.get_or_init(|| Compiler::new(CompilerConfig::new(cache_dir())).unwrap()).clone()
}

/// The program of a component, or why there is none.
pub(crate) async fn made(source: ComponentSource) -> Result<Program, CompileError> {
    sandbox().load(&compiler().compile(source, || ()).await?)
}

/// The program of a component that a user gives.
pub(crate) async fn program(component: Vec<u8>) -> Program {
    made(ComponentSource::user(component)).await.unwrap()
}

/// Kept from run to run, so that the Python component is compiled once.
pub(crate) fn cache_dir() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled")
}

pub(crate) async fn puppet() -> Program {
    program(crate::built::puppet()).await
}

/// What a guest asked its host, and what it was told to be.
#[derive(Clone, Default)]
pub(crate) struct Notes {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    stdout: String,
    stderr: String,
    log: Vec<(LogLevel, String)>,
    calls: Vec<Call>,
    calls_max: Option<usize>,
    timer_ms: Option<u64>,
    exit: Option<(u8, ExitMoment)>,
}

impl Notes {
    pub(crate) fn stderr(&self) -> String {
        self.inner.lock().unwrap().stderr.clone()
    }

    /// What was printed since this was last asked, without the newline at its end.
    pub(crate) fn take_stdout(&self) -> String {
        std::mem::take(&mut self.inner.lock().unwrap().stdout).trim_end().to_owned()
    }

    pub(crate) fn log(&self) -> Vec<(LogLevel, String)> {
        self.inner.lock().unwrap().log.clone()
    }

    pub(crate) fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.inner.lock().unwrap().calls)
    }

    pub(crate) fn timer_ms(&self) -> Option<u64> {
        self.inner.lock().unwrap().timer_ms
    }

    /// The wake-up that was asked for since this was last asked.
    pub(crate) fn take_timer_ms(&self) -> Option<u64> {
        self.inner.lock().unwrap().timer_ms.take()
    }

    pub(crate) fn exit(&self) -> Option<(u8, ExitMoment)> {
        self.inner.lock().unwrap().exit
    }

    pub(crate) fn refuse_calls_beyond(&self, calls_max: usize) {
        self.inner.lock().unwrap().calls_max = Some(calls_max);
    }
}

impl GuestHost for Notes {
    fn call(&mut self, call: Call) -> Answer<Option<RequestId>> {
        let mut inner = self.inner.lock().unwrap();
        if inner.calls_max.is_some_and(|max| inner.calls.len() >= max) {
            return Box::pin(ready(None));
        }
        inner.calls.push(call);
        Box::pin(ready(Some(inner.calls.len() as RequestId)))
    }

    fn peer(&mut self, id: PeerId) -> Answer<Option<Peer>> {
        assert_ne!(id.id, 666, "a fault in the host, for the test that asks for one");
        Box::pin(ready((id.id == 7).then(|| user_peer(7, "Ada"))))
    }

    fn message(&mut self, id: MessageId) -> Answer<Option<Message>> {
        Box::pin(ready((id == 7).then(|| message(7, "kept"))))
    }

    fn log(&mut self, level: LogLevel, text: &str) {
        self.inner.lock().unwrap().log.push((level, text.to_owned()));
    }

    fn print(&mut self, to: Output, text: &str) {
        let mut inner = self.inner.lock().unwrap();
        match to {
            Output::Stdout => inner.stdout.push_str(text),
            Output::Stderr => inner.stderr.push_str(text),
        }
    }

    fn set_timer(&mut self, after_ms: u64) {
        self.inner.lock().unwrap().timer_ms = Some(after_ms);
    }

    fn exit(&mut self, code: u8, moment: ExitMoment) {
        self.inner.lock().unwrap().exit = Some((code, moment));
    }
}

/// An instance and what it says.
pub(crate) struct Running {
    pub(crate) instance: Instance,
    pub(crate) notes: Notes,
}

impl Running {
    /// Loads a source; the test fails if the guest does.
    pub(crate) async fn load(&mut self, source: &str) {
        self.instance.load(source, "/script/test").await.unwrap();
    }

    /// Has the puppet do what the commands say, and gives what it prints.
    pub(crate) async fn tell(&mut self, commands: &str) -> String {
        self.instance.on_event(&Event::Message(message(1, commands))).await.unwrap();
        self.notes.take_stdout()
    }
}

/// What a test changes of the usual start.
#[derive(Default)]
pub(crate) struct With {
    pub(crate) limits: Limits,
    pub(crate) files: Option<FileSpace>,
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
}

pub(crate) async fn start(program: &Program, with: With) -> Result<Running, StartError> {
    let notes = Notes::default();
    let With { limits, files, args, env } = with;
    let files = files.unwrap_or_else(FileSpace::empty);
    let instance = program
        .start(StartConfig {
            limits,
            files,
            args,
            env,
            cpu_used: CpuUsed::default(),
            limit_meter: LimitMeter::default(),
            host: Box::new(notes.clone()),
        })
        .await?;
    Ok(Running { instance, notes })
}

pub(crate) async fn started(program: &Program) -> Running {
    start(program, With::default()).await.unwrap()
}

pub(crate) fn message(id: MessageId, text: &str) -> Message {
    Message {
        id,
        flags: MessageFlags { unread: true, created: true, ..MessageFlags::default() },
        source: Some(PeerId::user(2)),
        destination: PeerId::user(1),
        text: Some(text.to_owned()),
        media: None,
        date: 1_700_000_000,
        forward: None,
        reply_to: None,
        action: ServiceAction::None,
    }
}

pub(crate) fn user_peer(id: i64, name: &str) -> Peer {
    let user = User { id, first_name: Some(name.to_owned()), ..User::default() };
    Peer { name: name.to_owned(), details: PeerDetails::User(user) }
}
