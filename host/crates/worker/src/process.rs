//! The worker's process, from its first instruction to its end.
//!
//! Invariant: while it is set up it has one thread and runs nothing of a guest's; then it is locked down; then its threads
//! begin. It ends when its host does.

use std::borrow::Cow;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::Arc;

use broker::{Client, Frames, Socket, WireError, frame};
use files::FileSpace;
use lockdown::{Access, Allowed, Missing, lock_down};
use runtime::{Phase, Script, ScriptConfig, Threads, Wish, give_way};
use rustix::io::Errno;
use rustix::process::Signal;
use sandbox::{Code, Program, Sandbox};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::handover::take_over;
use crate::protocol::{ORDER_BYTES_MAX, Order, REPORT_BYTES_MAX, Report, ScriptSetup, Setup};
use crate::reports::{HostLog, Reports, Voice};

/// Open files beside those of scripts: sockets, clocks, what is looked up.
const OWN_FILES_MAX: u64 = 1_024;
/// Open files of a script beside those that its guest may have open: folders on the way to one, and files on helper threads.
const FILES_BESIDE_MAX: u64 = 64;

/// Why a worker cannot begin.
#[derive(Debug, thiserror::Error)]
enum WorkerError {
    #[error("its host cannot be heard: {0}")]
    Host(#[from] io::Error),
    #[error("it cannot hold its scripts' folders: {0} (give tglhost more open files: ulimit -n)")]
    Files(#[source] io::Error),
    #[error("it was set up wrongly: {0}")]
    Setup(String),
    #[error("it cannot be locked down: {0}")]
    LockDown(#[from] lockdown::LockdownError),
    #[error("its sandbox cannot start: {0}")]
    Sandbox(#[from] sandbox::SandboxError),
    #[error("its host is not understood: {0}")]
    Wire(#[from] WireError),
}

/// What the host has handed over.
#[derive(Default)]
struct HandedOver {
    programs: Vec<OwnedFd>,
    scripts: Vec<HandedScript>,
    host_id: u32,
    log_filter: String,
}

struct HandedScript {
    setup: ScriptSetup,
    account: UnixStream,
    files: FileSpace,
}

/// Runs the worker, whose stdin is the socket to its host. Only the host itself starts it. On a thread of the scripts this is
/// called once, as by a guest that has left its sandbox: after the first script's program has begun.
pub fn work(once_begun: fn()) -> ExitCode {
    if rustix::net::sockopt::socket_type(rustix::stdio::stdin()).is_err() {
        eprintln!("tglhost: only tglhost itself starts a worker: run scripts by `tglhost run`");
        return ExitCode::FAILURE;
    }
    if close_inherited().is_err() {
        return ExitCode::FAILURE;
    }
    let Ok(host) = io::stdin().as_fd().try_clone_to_owned().map(UnixStream::from) else { return ExitCode::FAILURE };
    match begin(&host, once_begun) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if let Ok(report) = frame(&Report::Failed(error.to_string()), REPORT_BYTES_MAX) {
                // A host that is gone need not hear of it.
                let _ = host.set_nonblocking(false).and_then(|()| io::Write::write_all(&mut &host, &report));
            }
            ExitCode::FAILURE
        }
    }
}

/// Closes what the host had from whoever started it, but the first three.
fn close_inherited() -> io::Result<()> {
    let names = std::fs::read_dir("/proc/self/fd")?.map(|entry| Ok(entry?.file_name()));
    // All of it, before anything is closed: the listing itself is one of them.
    for name in names.collect::<io::Result<Vec<_>>>()? {
        match name.to_str().and_then(|name| name.parse::<RawFd>().ok()) {
            Some(descriptor) if descriptor > rustix::stdio::stderr().as_raw_fd() => {
                let _ = nix::unistd::close(descriptor);
            }
            _ => {}
        }
    }
    Ok(())
}

fn begin(host: &UnixStream, once_begun: fn()) -> Result<(), WorkerError> {
    give_way();
    let handed_over = HandedOver::take(host)?;
    sandbox::prepare();
    let missing = handed_over.lock_down()?;
    let reports = Reports::default();
    start_log(&handed_over.log_filter, &reports);
    missing.into_iter().for_each(|wall| reports.say(&Report::MissingWall(wall)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(handed_over, host.try_clone()?, reports, once_begun))
}

impl HandedOver {
    /// Hears what there is, until the host says that this was all.
    fn take(host: &UnixStream) -> Result<Self, WorkerError> {
        let mut taken = Self::default();
        loop {
            let (setup, descriptors) =
                take_over::<Setup<'_>>(host).map_err(|error| match Errno::from_io_error(&error) {
                    Some(Errno::MFILE) => WorkerError::Files(error),
                    _ => WorkerError::Host(error),
                })?;
            let mut descriptors = descriptors.into_iter();
            let mut next =
                || descriptors.next().ok_or_else(|| WorkerError::Setup("a descriptor is missing".to_owned()));
            match setup {
                Setup::Program => taken.programs.push(next()?),
                Setup::Script(setup) => {
                    let account = UnixStream::from(next()?);
                    let folders: Vec<OwnedFd> = descriptors.collect();
                    let files = FileSpace::of_parts(setup.files.clone(), folders)
                        .map_err(|error| WorkerError::Setup(error.to_string()))?;
                    taken.scripts.push(HandedScript { setup: setup.into_owned(), account, files });
                }
                Setup::Begin { host_id, log_filter } => {
                    (taken.host_id, taken.log_filter) = (host_id, log_filter);
                    return Ok(taken);
                }
            }
        }
    }

    /// From now on this process reaches what is in here, and nothing else.
    fn lock_down(&self) -> Result<Vec<Missing>, WorkerError> {
        let opened = self.scripts.iter().map(|script| script.files.opened_folders()).collect::<io::Result<Vec<_>>>()?;
        let access = |writable| if writable { Access::Write } else { Access::Read };
        let folders = opened.iter().flatten().map(|(folder, writable)| (folder.as_fd(), access(*writable)));
        let open_files = |script: &HandedScript| script.setup.limits.open_files_max as u64 + FILES_BESIDE_MAX;
        let lone_files: Vec<OwnedFd> = self.scripts.iter().filter_map(|script| script.files.lone_file()).collect();
        Ok(lock_down(&Allowed {
            folders: folders.collect(),
            files: self.programs.iter().chain(&lone_files).map(AsFd::as_fd).collect(),
            parent_id: self.host_id,
            open_files_max: OWN_FILES_MAX + self.scripts.iter().map(open_files).sum::<u64>(),
        })?)
    }
}

/// The log of this process is its host's.
fn start_log(filter: &str, reports: &Reports) {
    let filter = tracing_subscriber::EnvFilter::new(filter);
    let log = tracing_subscriber::fmt().with_env_filter(filter).without_time().with_ansi(false);
    log.with_writer(HostLog(reports.clone())).init();
    let reports = reports.clone();
    std::panic::set_hook(Box::new(move |panic| {
        reports.say(&Report::HostLog(Cow::Owned(format!("a fault in the host (a bug in tglhost): {panic}"))));
    }));
}

/// The host alone says when it is over: what is sent to all of its process group, or of its service, is for the host. A file
/// that may not grow is a full disk, which a guest is told.
fn heed_no_signals() -> io::Result<()> {
    for number in [Signal::INT, Signal::TERM, Signal::HUP, Signal::USR1, Signal::USR2, Signal::XFSZ] {
        // What listened once is never again left to the system.
        drop(signal(SignalKind::from_raw(number.as_raw()))?);
    }
    Ok(())
}

/// Runs the scripts until the host has gone.
async fn run(handed_over: HandedOver, host: UnixStream, reports: Reports, once_begun: fn()) -> Result<(), WorkerError> {
    heed_no_signals()?;
    host.set_nonblocking(true)?;
    let (orders, mut host) = tokio::net::UnixStream::from_std(host)?.into_split();
    let HandedOver { programs, scripts, .. } = handed_over;
    let sandbox = Sandbox::new(u32::try_from(scripts.len()).unwrap_or(u32::MAX))?;
    let threads = Threads::start()?;
    let mut worker = Worker { reports: reports.clone(), threads, scripts: Vec::with_capacity(scripts.len()) };
    let load = |code: OwnedFd| sandbox.load(&Code::handed_over(code)).map_err(|error| error.to_string());
    let programs: Vec<_> = programs.into_iter().map(load).collect();
    for HandedScript { setup, account, files } in scripts {
        let program = programs.get(setup.program).cloned();
        let program = program.ok_or_else(|| WorkerError::Setup("a program is missing".to_owned()))?;
        worker.start(setup, account, files, program)?;
    }
    worker.call(once_begun);
    let statuses: Vec<watch::Receiver<_>> = worker.scripts.iter().map(|running| running.status.clone()).collect();
    tokio::select! {
        written = reports.write_to(&mut host, &statuses) => Ok(written?),
        obeyed = worker.obey(Frames::new(orders, ORDER_BYTES_MAX)) => obeyed,
    }
}

/// Scripts at work.
struct Worker {
    reports: Reports,
    threads: Threads,
    scripts: Vec<Running>,
}

struct Running {
    /// Until it is told to stop.
    script: Option<Script>,
    status: watch::Receiver<runtime::ScriptStatus>,
    files: FileSpace,
}

impl Worker {
    fn start(
        &mut self,
        setup: ScriptSetup,
        account: UnixStream,
        files: FileSpace,
        program: Result<Program, String>,
    ) -> Result<(), WorkerError> {
        let number = self.scripts.len();
        let voice = Arc::new(Voice::new(self.reports.clone(), number, &setup.limits));
        let config = ScriptConfig {
            name: setup.name.as_str().into(),
            source: setup.source,
            files: files.clone(),
            args: setup.args,
            env: setup.env,
            limits: setup.limits,
            restart_wait: setup.restart_wait,
            link_previews: setup.link_previews,
            sleep_after: setup.sleep_after,
            is_successor: setup.is_successor,
        };
        let script = {
            let _on_threads = self.threads.enter();
            let account = Client::there(Socket::new(account)?, self.reports.said());
            Script::start(&self.threads, config, std::future::ready(program), account, voice)
        };
        let status = script.status();
        tokio::spawn(self.reports.clone().watch(number, status.clone()));
        self.scripts.push(Running { script: Some(script), status, files });
        Ok(())
    }

    /// Calls it once the first script has begun.
    fn call(&self, once_begun: fn()) {
        let Some(mut status) = self.scripts.first().map(|first| first.status.clone()) else { return };
        let _on_threads = self.threads.enter();
        tokio::spawn(async move {
            let has_begun = status.wait_for(|status| status.phase != Phase::Loading).await.is_ok();
            if has_begun {
                once_begun();
            }
        });
    }

    /// Does what the host orders, until it has gone.
    async fn obey(&mut self, mut orders: Frames<tokio::net::unix::OwnedReadHalf>) -> Result<(), WorkerError> {
        while let Some(order) = orders.next().await? {
            let reports = self.reports.clone();
            match order {
                Order::Ping => {
                    let _on_threads = self.threads.enter();
                    tokio::spawn(async move { reports.say(&Report::Pong) });
                }
                Order::Wish { script, wish } => {
                    let running = &mut self.running(script)?.script;
                    match (wish, running.as_ref()) {
                        (Wish::Stop, _) => drop(running.take().map(|script| tokio::spawn(script.stop()))),
                        (Wish::Hold | Wish::Run, Some(script)) => script.hold(wish == Wish::Hold),
                        (Wish::Hold | Wish::Run, None) => {}
                    }
                }
                Order::TakeRoom { script, number, bytes } => {
                    let quota = self.running(script)?.files.quota().clone();
                    tokio::task::spawn_blocking(move || {
                        let is_taken = quota.turn().admit(bytes);
                        reports.say(&Report::Room { script, number, is_taken });
                    });
                }
                Order::MayBeLess { script } => self.running(script)?.files.quota().may_be_less(),
            }
        }
        Ok(())
    }

    fn running(&mut self, script: usize) -> Result<&mut Running, WorkerError> {
        self.scripts.get_mut(script).ok_or_else(|| WorkerError::Setup("it has no such script".to_owned()))
    }
}
