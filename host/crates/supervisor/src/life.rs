//! One worker process, from its start to its end.
//!
//! Invariant: nothing that a worker says is trusted further than it concerns its own scripts, and everything that it may say
//! is bounded: in length, in rate ([`REPORTS_BYTES_PER_S`]), and in the time that it may be silent ([`Waits`]). When its life
//! is over the process is gone, and each script's side towards its account is back.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::time::Duration;

use broker::{Frames, Server, Socket, WireError, frame, serve};
use files::FileSpace;
use futures_util::future::{BoxFuture, join_all};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use runtime::{Allowance, News, RESTART_WAIT, Wish};
use sandbox::{Code, CodeId};
use tokio::io::AsyncWriteExt;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout};
use worker::{ORDER_BYTES_MAX, Order, REPORT_BYTES_MAX, Report, ScriptSetup, Setup, hand_over};

use crate::log::WorkerLog;
use crate::script::Placed;
use crate::supervisor::WorkerSite;

/// How long a worker is waited for, and what for.
#[derive(Clone, Copy, Debug)]
pub struct Waits {
    /// So often it is asked whether it is well.
    pub ping: Duration,
    /// One that answers so many times not is replaced.
    pub pings_unanswered_max: u32,
    /// It takes over what it is handed within this time.
    pub hand_over: Duration,
    /// It ends a script that is to end, and itself after the last one, within this time.
    pub stop: Duration,
    /// One that has closed its socket has ended within this time, and one that has ended has closed it.
    pub exit: Duration,
    /// The first one that is lost is replaced after this time; for each further one it is twice as long.
    pub restart: Duration,
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            ping: Duration::from_secs(5),
            pings_unanswered_max: 6,
            hand_over: Duration::from_secs(30),
            stop: Duration::from_secs(10),
            exit: Duration::from_secs(2),
            restart: RESTART_WAIT,
        }
    }
}

/// What a worker's process is called in lists of processes, whatever its program was started by.
const WORKER_NAME: &str = "tglhost";
/// Orders that wait for a worker to take them, beside one for each script to stop.
const ORDERS_MAX: usize = 1_024;
/// What a worker may report, in bytes within a second in the long run, each report counted as [`REPORT_COST_BYTES`] more. One
/// that has more to say waits.
const REPORTS_BYTES_PER_S: u64 = 64 << 20;
/// The same at once.
const REPORTS_BURST_BYTES_MAX: u64 = 128 << 20;
/// What a report costs beside its length; one of several statuses so much for each.
const REPORT_COST_BYTES: usize = 256;
/// How long a worker that may report no more for now is not listened to.
const REPORTS_PAUSE: Duration = Duration::from_millis(50);
/// What is told of a worker's own words on why it ends.
const WHY_BYTES_MAX: usize = 1 << 10;

/// A worker at work.
pub(crate) struct Life<'a> {
    site: &'a WorkerSite,
    scripts: &'a mut Vec<Placed>,
    codes: &'a [Code],
    /// Which of the scripts run in it, by the numbers that it knows them by.
    running: Vec<usize>,
    is_started: bool,
    /// Reports so far.
    heard: watch::Sender<u64>,
    pings_unanswered: u32,
    log: WorkerLog,
}

/// How it ended.
pub(crate) struct LifeEnd {
    /// What happened to the worker; fits after "as".
    pub(crate) why: String,
    /// At least one script was through with its start.
    pub(crate) is_started: bool,
}

/// A script's side towards its account, when its worker has left it.
type Served = (usize, Server, Result<(), WireError>);

/// What happens next.
#[allow(clippy::large_enum_variant, reason = "there is one at a time")]
enum Step {
    Report(Option<Report<'static>>),
    Served(Option<Result<Served, tokio::task::JoinError>>),
    Wish(usize, Wish),
    Ping,
    Due,
    Died(io::Result<std::process::ExitStatus>),
}

impl<'a> Life<'a> {
    pub(crate) fn new(site: &'a WorkerSite, scripts: &'a mut Vec<Placed>, codes: &'a [Code]) -> Self {
        let running = (0..scripts.len()).filter(|&script| !scripts[script].has_ended()).collect();
        Self {
            site,
            scripts,
            codes,
            running,
            is_started: false,
            heard: watch::Sender::new(0),
            pings_unanswered: 0,
            log: WorkerLog::default(),
        }
    }

    /// To its end.
    pub(crate) async fn live(mut self) -> LifeEnd {
        let mut serving = JoinSet::new();
        let (stopped, hand_over_wait) = (self.all_stopped(), self.site.waits.hand_over);
        let begun = tokio::select! {
            begun = self.begin(&mut serving) => begun.map_err(|error| not_started(&error)),
            () = stopped => Err("its scripts were stopped".to_owned()),
            () = sleep(hand_over_wait) => Err("its process does not take what it is handed".to_owned()),
        };
        let why = match begun {
            Ok((mut child, host)) => {
                let why = self.go_on(&mut child, host, &mut serving).await;
                // One that ends by itself is gone by now.
                let _ = child.kill().await;
                why
            }
            Err(why) => why,
        };
        // Nobody has the other ends of their sockets any more, and nothing more is heard: no call waits for that.
        self.heard = watch::Sender::new(0);
        while let Some(served) = serving.join_next().await {
            // Why the worker is over is known already.
            let _ = self.take_back(served);
        }
        for script in self.scripts.iter_mut() {
            script.counter.forget_worker();
            if script.server.is_none() && !script.has_ended() {
                let why = "a fault in the host (a bug in tglhost)".to_owned();
                script.end(runtime::End::Quarantined(why));
            }
        }
        LifeEnd { why, is_started: self.is_started }
    }

    /// Waits until all its scripts are to stop.
    fn all_stopped(&self) -> impl Future<Output = ()> + use<> {
        let stops = self.running.iter().map(|&script| self.scripts[script].stopped());
        join_all(stops.collect::<Vec<_>>()).map(drop)
    }

    /// Starts the process and hands over what it needs. May be given up at any moment.
    async fn begin(&mut self, serving: &mut JoinSet<Served>) -> io::Result<(Child, UnixStream)> {
        let (ours, theirs) = UnixStream::pair()?;
        let mut command = Command::new(&self.site.command.program);
        command.arg0(WORKER_NAME).args(&self.site.command.args).env_clear().current_dir("/").kill_on_drop(true);
        command.stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).stderr(Stdio::null());
        let child = self.site.spawner.spawn(command).await?;
        let mut programs = Programs::default();
        let mut handed = Vec::with_capacity(self.running.len());
        for &script in &self.running {
            let Placed { config, .. } = &self.scripts[script];
            let setup = ScriptSetup {
                name: config.name.to_string(),
                program: programs.number(&self.codes[script])?,
                source: config.source.clone(),
                files: config.files.parts(),
                args: config.args.clone(),
                env: config.env.clone(),
                limits: config.limits,
                restart_wait: config.restart_wait,
                link_previews: config.link_previews,
                sleep_after: config.sleep_after,
                is_successor: self.scripts[script].is_on_trial(),
            };
            handed.push((setup, config.files.clone()));
        }
        let log_filter = self.site.log_filter.clone();
        let handing = tokio::task::spawn_blocking(move || {
            let accounts = hand_all_over(&ours, &programs, handed, log_filter)?;
            io::Result::Ok((ours, accounts))
        });
        let (ours, accounts) = handing.await??;
        for (&script, account) in self.running.iter().zip(accounts) {
            let account = Socket::new(account)?;
            if let Some(mut server) = self.scripts[script].server.take() {
                let heard = self.heard.subscribe();
                serving.spawn(async move {
                    let ended = serve(&mut server, account, heard).await;
                    (script, server, ended)
                });
            }
        }
        Ok((child, ours))
    }

    /// Hears what it says and tells it what to do, until it has nothing more to do or is of no more use. Gives why.
    async fn go_on(&mut self, child: &mut Child, host: UnixStream, serving: &mut JoinSet<Served>) -> String {
        let connected = host.set_nonblocking(true).and_then(|()| tokio::net::UnixStream::from_std(host));
        let (reports, host) = match connected {
            Ok(host) => host.into_split(),
            Err(error) => return format!("its process cannot be heard: {error}"),
        };
        let mut reports = Frames::new(reports, REPORT_BYTES_MAX);
        let (orders, to_send) = mpsc::channel(ORDERS_MAX + self.running.len());
        // Ends when the last sender goes: with this life, and with the scripts' counters.
        tokio::spawn(send_orders(to_send, host));
        let mut wishes: FuturesUnordered<BoxFuture<'static, (usize, Wish)>> = FuturesUnordered::new();
        for (number, &script) in self.running.iter().enumerate() {
            let script = &self.scripts[script];
            script.counter.set_worker(orders.clone(), number);
            let at_first = if script.is_on_trial() { Wish::Hold } else { Wish::Run };
            wishes.push(Box::pin(script.next_wish(at_first).map(move |wish| (number, wish))));
        }
        let mut orders = Some(orders);
        let mut pings = interval(self.site.waits.ping);
        // A host that was held up asks once.
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut allowance = Allowance::new(REPORTS_BYTES_PER_S, REPORTS_BURST_BYTES_MAX);
        let mut exit_due = None;
        loop {
            if orders.is_some() && self.running.iter().all(|&script| self.scripts[script].has_ended()) {
                // It ends when it sees that nobody has orders for it.
                self.scripts.iter_mut().for_each(|script| script.counter.forget_worker());
                orders = None;
                exit_due = Some(Instant::now() + self.site.waits.stop);
            }
            let dues = self.running.iter().filter_map(|&script| self.scripts[script].due());
            let due = dues.chain(exit_due).min();
            let due = async {
                match due {
                    Some(moment) => sleep_until(moment).await,
                    None => std::future::pending().await,
                }
            };
            let step = tokio::select! {
                report = hear(&mut reports, &mut allowance) => match report {
                    Ok(report) => Step::Report(report),
                    // One that has ended before it read all that it was told.
                    Err(WireError::Failed(_)) => Step::Report(None),
                    Err(error) => return format!("its process says what it may not: {error}"),
                },
                Some((number, wish)) = wishes.next(), if !wishes.is_empty() => Step::Wish(number, wish),
                served = serving.join_next(), if !serving.is_empty() => Step::Served(served),
                _ = pings.tick() => Step::Ping,
                () = due => Step::Due,
                status = child.wait() => Step::Died(status),
            };
            let order = match step {
                Step::Report(Some(report)) => match self.hear(report) {
                    Ok(()) => continue,
                    Err(why) => return why,
                },
                Step::Report(None) => return how_it_ended(timeout(self.site.waits.exit, child.wait()).await.ok()),
                Step::Served(served) => {
                    let Some(served) = served else { continue };
                    match self.take_back(served) {
                        Ok(()) => continue,
                        Err(why) => return why,
                    }
                }
                Step::Wish(number, wish) => {
                    let script = &mut self.scripts[self.running[number]];
                    match wish {
                        Wish::Stop => script.expect_end(Instant::now() + self.site.waits.stop),
                        Wish::Run => script.end_trial(),
                        Wish::Hold => {}
                    }
                    if wish != Wish::Stop {
                        wishes.push(Box::pin(script.next_wish(wish).map(move |wish| (number, wish))));
                    }
                    Order::Wish { script: number, wish }
                }
                Step::Ping if self.pings_unanswered >= self.site.waits.pings_unanswered_max => {
                    return "its process hung".to_owned();
                }
                Step::Ping => {
                    self.pings_unanswered += 1;
                    Order::Ping
                }
                Step::Due => return "its process did not end in time what was to end".to_owned(),
                Step::Died(status) => {
                    return match timeout(self.site.waits.exit, self.hear_out(&mut reports, &mut allowance)).await {
                        Ok(Err(why)) => why,
                        Ok(Ok(())) | Err(_) => how_it_ended(Some(status)),
                    };
                }
            };
            if orders.as_ref().is_some_and(|orders| orders.try_send(order).is_err()) {
                return "its process takes no orders".to_owned();
            }
        }
    }

    /// Takes what a process that has ended said last.
    async fn hear_out(&mut self, reports: &mut Frames<OwnedReadHalf>, allowance: &mut Allowance) -> Result<(), String> {
        while let Ok(Some(report)) = hear(reports, allowance).await {
            self.hear(report)?;
        }
        Ok(())
    }

    /// Takes a report. An error says why the worker is of no more use.
    fn hear(&mut self, report: Report<'_>) -> Result<(), String> {
        let heard = self.take_in(report);
        self.heard.send_modify(|heard| *heard += 1);
        heard
    }

    fn take_in(&mut self, report: Report<'_>) -> Result<(), String> {
        match report {
            Report::Pong => self.pings_unanswered = 0,
            Report::Failed(why) => return Err(format!("its process cannot go on: {}", one_line(&why))),
            Report::MissingWall(wall) => self.site.say_missing(wall),
            Report::HostLog(text) => self.log.write(&text, &*self.site.output),
            Report::Print { script, to, text } => self.script(script)?.print(to, &text),
            Report::Log { script, level, text } => self.script(script)?.log(level, &text),
            Report::Dropped { script, bytes } => self.script(script)?.dropped(bytes),
            Report::News { script, news } => {
                self.is_started |= matches!(news, News::Ready);
                let is_end = matches!(news, News::Ended(_));
                self.script(script)?.hear(news)?;
                if is_end {
                    self.expect_end(script);
                }
            }
            Report::Statuses(statuses) => {
                for (script, status) in statuses {
                    self.script(script)?.stands(status);
                }
            }
            Report::Room { script, number, is_taken } => self.script(script)?.counter.answer(number, is_taken),
        }
        Ok(())
    }

    /// From now on the worker has so long to be through with this script of its.
    fn expect_end(&mut self, number: usize) {
        let by = Instant::now() + self.site.waits.stop;
        if let Ok(script) = self.script(number) {
            script.expect_end(by);
        }
    }

    fn script(&mut self, number: usize) -> Result<&mut Placed, String> {
        let script = self.running.get(number).and_then(|&script| self.scripts.get_mut(script));
        script.ok_or_else(|| "its process speaks of a script that it has not".to_owned())
    }

    /// A script's side towards its account is served no more. An error says why the worker is of no more use.
    fn take_back(&mut self, served: Result<Served, tokio::task::JoinError>) -> Result<(), String> {
        let (script, server, ended) = served.map_err(|error| format!("its account's side ended badly: {error}"))?;
        let by = Instant::now() + self.site.waits.stop;
        let script = &mut self.scripts[script];
        script.take_back(server);
        match ended {
            Err(error) if !script.has_ended() && !matches!(error, WireError::Failed(_)) => {
                Err(format!("its process asks its account for what it may not: {error}"))
            }
            // Its end may be on the way.
            _ => {
                script.expect_end(by);
                Ok(())
            }
        }
    }
}

/// The programs of one worker's scripts, each once.
#[derive(Default)]
struct Programs {
    descriptors: Vec<OwnedFd>,
    numbers: HashMap<CodeId, usize>,
}

impl Programs {
    fn number(&mut self, code: &Code) -> io::Result<usize> {
        let next = self.descriptors.len();
        let number = *self.numbers.entry(code.id()?).or_insert(next);
        if number == next {
            self.descriptors.push(code.descriptor()?);
        }
        Ok(number)
    }
}

/// Hands a worker what it is to have, and gives the host's end of each script's way to its account. Blocks. What the worker gets
/// of a script is open here only while it is sent.
fn hand_all_over(
    worker: &UnixStream,
    programs: &Programs,
    scripts: Vec<(ScriptSetup, FileSpace)>,
    log_filter: String,
) -> io::Result<Vec<UnixStream>> {
    // A worker that does not take something is given nothing more: it says why, or shows it by its end.
    let is_taken = |setup: &Setup<'_>, descriptors: &[BorrowedFd<'_>]| {
        let taken = hand_over(worker, setup, descriptors);
        taken.inspect_err(|error| tracing::debug!(%error, "a worker does not take what it is handed")).is_ok()
    };
    let mut accounts = Vec::with_capacity(scripts.len());
    if !programs.descriptors.iter().all(|program| is_taken(&Setup::Program, &[program.as_fd()])) {
        return Ok(accounts);
    }
    for (setup, files) in scripts {
        let ((account, theirs), folders) = (UnixStream::pair()?, files.roots()?);
        let descriptors: Vec<_> = std::iter::once(theirs.as_fd()).chain(folders.iter().map(AsFd::as_fd)).collect();
        if !is_taken(&Setup::Script(Cow::Owned(setup)), &descriptors) {
            return Ok(accounts);
        }
        accounts.push(account);
    }
    is_taken(&Setup::Begin { host_id: std::process::id(), log_filter }, &[]);
    Ok(accounts)
}

/// The next report, as soon as the worker may say more.
async fn hear(
    reports: &mut Frames<OwnedReadHalf>,
    allowance: &mut Allowance,
) -> Result<Option<Report<'static>>, WireError> {
    while !allowance.has(1) {
        sleep(REPORTS_PAUSE).await;
    }
    let report = reports.next().await?;
    let parts = match &report {
        Some(Report::Statuses(statuses)) => statuses.len().max(1),
        _ => 1,
    };
    allowance.take(reports.given_bytes() + parts * REPORT_COST_BYTES);
    Ok(report)
}

/// Brings orders to a worker, until nobody gives any or it takes none.
async fn send_orders(mut orders: mpsc::Receiver<Order>, mut host: OwnedWriteHalf) {
    while let Some(order) = orders.recv().await {
        let Ok(order) = frame(&order, ORDER_BYTES_MAX) else { continue };
        if let Err(error) = host.write_all(&order).await {
            tracing::debug!(%error, "a worker takes no orders");
            return;
        }
    }
}

fn not_started(error: &io::Error) -> String {
    let is_limit = rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::MFILE);
    let advice = if is_limit { " (give tglhost more open files: ulimit -n)" } else { "" };
    format!("its process cannot be started: {error}{advice}")
}

fn how_it_ended(status: Option<io::Result<std::process::ExitStatus>>) -> String {
    match status {
        Some(Ok(status)) => format!("its process ended ({status})"),
        Some(Err(error)) => format!("its process is lost: {error}"),
        None => "its process hung".to_owned(),
    }
}

/// A worker's own words, as far as a line has room for them.
fn one_line(words: &str) -> String {
    let words = &words[..words.floor_char_boundary(WHY_BYTES_MAX)];
    words.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}
