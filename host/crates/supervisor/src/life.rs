//! One worker process, from its start to its end.
//!
//! Invariant: nothing that a worker says is trusted further than it concerns its own scripts, and everything that it may say
//! is bounded: in length, in rate ([`REPORTS_BYTES_PER_S`]), and in the time that it may be silent ([`PINGS_UNANSWERED_MAX`]). When its
//! life is over the process is gone, and each script's side towards its account is back.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::time::Duration;

use broker::{Frames, Server, WireError, frame, serve};
use files::FileSpace;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use runtime::{Allowance, News};
use sandbox::{Code, CodeId, Limits};
use tokio::io::AsyncWriteExt;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use worker::{ORDER_BYTES_MAX, Order, REPORT_BYTES_MAX, Report, ScriptSetup, Setup, hand_over};

use crate::script::Placed;
use crate::supervisor::WorkerSite;

/// How often a worker is asked whether it is well.
const PING_EVERY: Duration = Duration::from_secs(5);
/// A worker that has left so many questions without an answer is replaced. They are counted, not the time: both processes may
/// have been stopped for long.
const PINGS_UNANSWERED_MAX: u32 = 6;
/// A worker may take so long to end a script that it was told to stop, and to end itself.
const STOP_WAIT: Duration = Duration::from_secs(10);
/// A worker takes over what it is handed within this time, each part.
const HAND_OVER_WAIT: Duration = Duration::from_secs(30);
/// Orders that wait for a worker to take them.
const ORDERS_MAX: usize = 1_024;
/// What a worker may report, in bytes within a second in the long run, each report counted as [`REPORT_COST_BYTES`] more. One
/// that has more to say waits.
const REPORTS_BYTES_PER_S: u64 = 64 << 20;
/// The same at once.
const REPORTS_BURST_BYTES_MAX: u64 = 128 << 20;
/// What a report costs beside its length.
const REPORT_COST_BYTES: usize = 256;
/// How long a worker that may report no more for now is not listened to.
const REPORTS_PAUSE: Duration = Duration::from_millis(50);

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
    /// By when scripts that were told to stop have to end.
    stop_due: Option<Instant>,
    /// By when scripts have to end whose accounts were left.
    left_due: Option<Instant>,
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
enum Step {
    Report(Option<Report<'static>>),
    Served(Option<Result<Served, tokio::task::JoinError>>),
    Stop(usize),
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
            stop_due: None,
            left_due: None,
        }
    }

    /// To its end.
    pub(crate) async fn live(mut self) -> LifeEnd {
        let mut serving = JoinSet::new();
        let why = match self.begin(&mut serving).await {
            Ok((mut child, host)) => {
                let why = self.go_on(&mut child, host, &mut serving).await;
                // One that ends by itself is gone by now.
                let _ = child.kill().await;
                why
            }
            Err(error) => format!("its process cannot be started: {error}"),
        };
        // Nobody has the other ends of their sockets any more.
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

    /// Starts the process and hands over what it needs.
    async fn begin(&mut self, serving: &mut JoinSet<Served>) -> io::Result<(Child, UnixStream)> {
        let (ours, theirs) = UnixStream::pair()?;
        let mut command = Command::new(&self.site.command.program);
        command.args(&self.site.command.args).env_clear().current_dir("/").kill_on_drop(true);
        command.stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).stderr(Stdio::null());
        let child = self.site.spawner.spawn(command).await?;
        ours.set_write_timeout(Some(HAND_OVER_WAIT))?;
        let mut programs = Programs::default();
        let mut handed = Vec::with_capacity(self.running.len());
        for &script in &self.running {
            let Placed { config, .. } = &self.scripts[script];
            let (account, theirs) = UnixStream::pair()?;
            let (parts, _) = config.files.parts();
            let setup = ScriptSetup {
                name: config.name.to_string(),
                program: programs.number(&self.codes[script])?,
                source: config.source.clone(),
                files: parts,
                args: config.args.clone(),
                env: config.env.clone(),
                limits: config.limits,
                restart_wait: config.restart_wait,
                link_previews: config.link_previews,
            };
            handed.push((setup, theirs, config.files.clone()));
            account.set_nonblocking(true)?;
            let account = tokio::net::UnixStream::from_std(account)?;
            if let Some(mut server) = self.scripts[script].server.take() {
                let heard = self.heard.subscribe();
                serving.spawn(async move {
                    let ended = serve(&mut server, account, heard).await;
                    (script, server, ended)
                });
            }
        }
        let log_filter = self.site.log_filter.clone();
        let handing = tokio::task::spawn_blocking(move || {
            // What a worker does not take it says, or shows by its end.
            if let Err(error) = hand_all_over(&ours, &programs, handed, log_filter) {
                tracing::debug!(%error, "a worker does not take what it is handed");
            }
            ours
        });
        Ok((child, handing.await?))
    }

    /// Hears what it says and tells it what to do, until it has nothing more to do or is of no more use. Gives why.
    async fn go_on(&mut self, child: &mut Child, host: UnixStream, serving: &mut JoinSet<Served>) -> String {
        let connected = host.set_nonblocking(true).and_then(|()| tokio::net::UnixStream::from_std(host));
        let (reports, host) = match connected {
            Ok(host) => host.into_split(),
            Err(error) => return format!("its process cannot be heard: {error}"),
        };
        let mut reports = Frames::new(reports, REPORT_BYTES_MAX);
        let (orders, to_send) = mpsc::channel(ORDERS_MAX);
        // Ends when the last sender goes: with this life, and with the scripts' counters.
        tokio::spawn(send_orders(to_send, host));
        for (number, &script) in self.running.iter().enumerate() {
            self.scripts[script].counter.set_worker(orders.clone(), number);
        }
        let mut stops: FuturesUnordered<BoxFuture<'static, usize>> = FuturesUnordered::new();
        for (number, &script) in self.running.iter().enumerate() {
            let mut stopped = self.scripts[script].stopped.clone();
            stops.push(Box::pin(async move {
                let _ = stopped.wait_for(|stopped| *stopped).await;
                number
            }));
        }
        let mut pings = interval(PING_EVERY);
        let mut allowance = Allowance::new(&reports_limits());
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if self.running.iter().all(|&script| self.scripts[script].has_ended()) {
                self.scripts.iter_mut().for_each(|script| script.counter.forget_worker());
                drop(orders);
                return end_in_order(child, reports).await;
            }
            let due = async {
                match self.stop_due.into_iter().chain(self.left_due).min() {
                    Some(moment) => sleep_until(moment).await,
                    None => std::future::pending().await,
                }
            };
            let step = tokio::select! {
                report = hear(&mut reports, &mut allowance) => match report {
                    Ok(report) => Step::Report(report),
                    Err(error) => return format!("its process says what it may not: {error}"),
                },
                Some(number) = stops.next(), if !stops.is_empty() => Step::Stop(number),
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
                Step::Report(None) => return how_it_ended(timeout(STOP_WAIT, child.wait()).await.ok()),
                Step::Served(served) => {
                    let Some(served) = served else { continue };
                    match self.take_back(served) {
                        Ok(()) => continue,
                        Err(why) => return why,
                    }
                }
                Step::Stop(number) => {
                    self.stop_due = self.stop_due.or(Some(Instant::now() + STOP_WAIT));
                    Order::Stop { script: number }
                }
                Step::Ping if self.pings_unanswered >= PINGS_UNANSWERED_MAX => return "its process hung".to_owned(),
                Step::Ping => {
                    self.pings_unanswered += 1;
                    Order::Ping
                }
                Step::Due => return "its process did not end a script in time".to_owned(),
                Step::Died(status) => {
                    // What it said last is there still.
                    while let Ok(Some(report)) = reports.next().await {
                        if let Err(why) = self.hear(report) {
                            return why;
                        }
                    }
                    return how_it_ended(Some(status));
                }
            };
            if orders.try_send(order).is_err() {
                return "its process takes no orders".to_owned();
            }
        }
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
            Report::Failed(why) => return Err(format!("its process cannot go on: {why}")),
            Report::MissingWall(wall) => self.site.say_missing(&wall),
            Report::HostLog(line) => self.site.output.host_log(line.trim_end()),
            Report::Print { script, to, text } => self.script(script)?.output.print(to, &text),
            Report::Log { script, level, text } => self.script(script)?.output.log(level, &text),
            Report::Dropped { script, bytes } => self.script(script)?.output.dropped(bytes),
            Report::News { script, news } => {
                self.is_started |= matches!(news, News::Ready);
                self.script(script)?.hear(news);
            }
            Report::Statuses(statuses) => {
                for (script, status) in statuses {
                    self.script(script)?.stands(status);
                }
                self.forget_dues();
            }
            Report::Room { script, number, is_taken } => self.script(script)?.counter.answer(number, is_taken),
        }
        Ok(())
    }

    /// Nothing is due of scripts that have ended.
    fn forget_dues(&mut self) {
        let is_any = |is_due: fn(&Placed) -> bool| {
            let mut running = self.running.iter().map(|&script| &self.scripts[script]);
            running.any(|script| !script.has_ended() && is_due(script))
        };
        let is_any_stopping = is_any(|script| *script.stopped.borrow());
        let is_any_left = is_any(|script| script.server.is_some());
        self.stop_due = self.stop_due.filter(|_| is_any_stopping);
        self.left_due = self.left_due.filter(|_| is_any_left);
    }

    fn script(&mut self, number: usize) -> Result<&mut Placed, String> {
        let script = self.running.get(number).and_then(|&script| self.scripts.get_mut(script));
        script.ok_or_else(|| "its process speaks of a script that it has not".to_owned())
    }

    /// A script's side towards its account is served no more. An error says why the worker is of no more use.
    fn take_back(&mut self, served: Result<Served, tokio::task::JoinError>) -> Result<(), String> {
        let (script, server, ended) = served.map_err(|error| format!("its account's side ended badly: {error}"))?;
        self.scripts[script].server = Some(server);
        if self.scripts[script].has_ended() {
            return Ok(());
        }
        match ended {
            Ok(()) => {
                // Its end may be on the way.
                self.left_due = self.left_due.or(Some(Instant::now() + STOP_WAIT));
                Ok(())
            }
            Err(error) => Err(format!("its process asks its account for what it may not: {error}")),
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

/// Hands a worker what it is to have. Blocks.
fn hand_all_over(
    host: &UnixStream,
    programs: &Programs,
    scripts: Vec<(ScriptSetup, UnixStream, FileSpace)>,
    log_filter: String,
) -> io::Result<()> {
    for program in &programs.descriptors {
        hand_over(host, &Setup::Program, &[program.as_fd()])?;
    }
    for (setup, account, files) in scripts {
        let (_, folders) = files.parts();
        let descriptors: Vec<_> = std::iter::once(account.as_fd()).chain(folders).collect();
        hand_over(host, &Setup::Script(std::borrow::Cow::Owned(setup)), &descriptors)?;
    }
    hand_over(host, &Setup::Begin { host_id: std::process::id(), log_filter }, &[])
}

/// The next report, as soon as the worker may say more.
async fn hear(
    reports: &mut Frames<OwnedReadHalf>,
    allowance: &mut Allowance,
) -> Result<Option<Report<'static>>, WireError> {
    while !allowance.has(1) {
        tokio::time::sleep(REPORTS_PAUSE).await;
    }
    let report = reports.next().await?;
    allowance.take(reports.given_bytes() + REPORT_COST_BYTES);
    Ok(report)
}

fn reports_limits() -> Limits {
    let (output_bytes_per_s, output_burst_bytes_max) = (REPORTS_BYTES_PER_S, REPORTS_BURST_BYTES_MAX);
    Limits { output_bytes_per_s, output_burst_bytes_max, ..Limits::default() }
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

/// Its scripts have ended: it ends when it sees that nobody has orders for it.
async fn end_in_order(child: &mut Child, mut reports: Frames<OwnedReadHalf>) -> String {
    let ends = async {
        while let Ok(Some(_)) = reports.next::<Report<'_>>().await {}
        child.wait().await
    };
    how_it_ended(timeout(STOP_WAIT, ends).await.ok())
}

fn how_it_ended(status: Option<io::Result<std::process::ExitStatus>>) -> String {
    match status {
        Some(Ok(status)) => format!("its process ended ({status})"),
        Some(Err(error)) => format!("its process is lost: {error}"),
        None => "its process hung".to_owned(),
    }
}
