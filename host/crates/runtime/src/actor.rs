//! The task that owns one script: lives of its guest one after another, each from loading to its end or its trap.
//!
//! Invariant: whatever the guest has left on the desk is taken up right after each callback, before anything else happens.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use broker::{BrokerError, Client, Given, SendRates};
use sandbox::{CpuUsed, ExitMoment, GuestError, Instance, LogLevel, Program, StartConfig, StartError, Trap};
use tgl::{Limit, LimitMeter};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::desk::{Clerk, Desk};
use crate::drain::Drain;
use crate::patience::{Said, patiently};
use crate::script::{End, Hold, News, Phase, ScriptConfig, ScriptOutput, ScriptStatus, Wish};
use crate::share::Share;
use crate::usage::Usage;

/// CPU time, in microseconds, after which it is told how much a script has used though nothing else has become of it.
const USAGE_TOLD_EVERY_US: u64 = 100_000;

/// One script's task.
pub(crate) struct Actor {
    pub(crate) config: ScriptConfig,
    pub(crate) account: Client,
    pub(crate) output: Arc<dyn ScriptOutput>,
    status: watch::Sender<ScriptStatus>,
    pub(crate) wish: watch::Receiver<Wish>,
    /// It is loaded beside the one whose place it takes.
    is_on_trial: bool,
    pub(crate) desk: Desk,
    /// The inbox has been handled up to here.
    pub(crate) cursor: u64,
    /// The same, as far as it is written down.
    pub(crate) written_seq: u64,
    /// Events up to here were left from an earlier run or life: they are told before the end of the replay.
    left_to_seq: u64,
    /// When the first event was handled of which that is not written down.
    pub(crate) turn_began: Instant,
    /// When the last callback returned.
    pub(crate) idle_since: Instant,
    /// Events read from the inbox.
    pub(crate) mailbox: VecDeque<Given>,
    /// How fast it may send.
    pub(crate) send_rates: Option<SendRates>,
    /// The CPU time that it has used, and how much of that it may.
    pub(crate) cpu_used: CpuUsed,
    pub(crate) share: Share,
    /// How often it has reached its limits.
    pub(crate) limit_meter: LimitMeter,
    /// What it has used, its CPU time aside.
    pub(crate) usage: Usage,
    /// What of its bounds was said already.
    pub(crate) said: Said,
    /// The life has come through its start: all that was left from last time is handled.
    is_started: bool,
    /// The script has asked to end.
    pub(crate) drain: Option<Drain>,
}

/// How one life of the guest ended.
pub(crate) enum LifeEnd {
    Over(End),
    Crashed { what: String },
}

/// Why a life goes no further; the `Err` side of every step of a life.
impl From<BrokerError> for LifeEnd {
    fn from(error: BrokerError) -> Self {
        Self::Over(match error {
            BrokerError::Closed => End::Stopped,
            error => End::Quarantined(error.to_string()),
        })
    }
}

impl Actor {
    pub(crate) fn new(
        config: ScriptConfig,
        account: Client,
        output: Arc<dyn ScriptOutput>,
        status: watch::Sender<ScriptStatus>,
        wish: watch::Receiver<Wish>,
    ) -> Self {
        let limit_meter = LimitMeter::default();
        let desk = Desk::new(&config.limits, limit_meter.clone());
        let share = Share::new(config.limits.cpu_ms_per_min_max, Instant::now());
        Self {
            is_on_trial: config.is_successor,
            config,
            account,
            output,
            status,
            wish,
            desk,
            cursor: 0,
            written_seq: 0,
            left_to_seq: 0,
            turn_began: Instant::now(),
            idle_since: Instant::now(),
            mailbox: VecDeque::new(),
            send_rates: None,
            cpu_used: CpuUsed::default(),
            share,
            limit_meter,
            usage: Usage::default(),
            said: Said::default(),
            is_started: false,
            drain: None,
        }
    }

    /// Runs the script to its end, and says in one status that and how far it came: who watches must not see a script
    /// at rest that is about to end.
    pub(crate) async fn run(mut self, program: impl Future<Output = Result<Program, String>>) {
        let end = match self.unless_stopped_at_once(program).await {
            Some(Ok(program)) => self.lives(&program).await,
            Some(Err(why)) => End::LoadFailed(why),
            None => End::Stopped,
        };
        self.account.leave().await;
        self.output.tell(&News::Ended(end.clone()));
        self.publish(Phase::Ended(end));
    }

    /// One life after another, to the last.
    async fn lives(&mut self, program: &Program) -> End {
        let mut loaded = match self.begin(program).await {
            Ok(loaded) => loaded,
            Err(LifeEnd::Over(end)) => return end,
            Err(LifeEnd::Crashed { what }) => return End::Quarantined(format!("stopped {what}")),
        };
        let mut backoff = Backoff::new(self.config.restart_wait, self.config.limits.start_crashes_max);
        loop {
            let born = Instant::now();
            self.publish(Phase::Loading);
            let lived = match self.live(program, loaded.take()).await {
                Ok(None) => self.sleep().await.map(|()| None),
                lived => lived,
            };
            let end = match self.end_turn().await.and(lived) {
                Ok(None) => continue,
                Ok(Some(end)) | Err(LifeEnd::Over(end)) => end,
                Err(LifeEnd::Crashed { what }) => match backoff.crashed(born.elapsed(), self.is_started) {
                    Some(restart_in) => {
                        self.output.tell(&News::Crashed { why: what, restart_in });
                        // The event that it crashed in is given again. One that a sleeper is woken by is still there.
                        self.mailbox.clear();
                        match self.back_off(restart_in).await {
                            None => {
                                // What the next life finds is left from this one.
                                self.left_to_seq = self.account.inbox_seq();
                                continue;
                            }
                            Some(end) => end,
                        }
                    }
                    None => {
                        self.limit_meter.reached(Limit::start_crashes_max);
                        self.tell_of_limits();
                        self.status.send_modify(|status| status.crashes += 1);
                        End::Quarantined(format!(
                            "stopped {what}, at every start ({} in a row are the limit start_crashes_max)",
                            self.config.limits.start_crashes_max
                        ))
                    }
                },
            };
            return end;
        }
    }

    /// Takes up what an earlier run has left. A successor is loaded before that, and gives its guest.
    async fn begin(&mut self, program: &Program) -> Result<Option<Instance>, LifeEnd> {
        let loaded = match self.is_on_trial {
            true => Some(self.load_beside(program).await?),
            false => None,
        };
        let joined = patiently!(self, self.account.join());
        (self.cursor, self.written_seq) = (joined.handled_seq, joined.handled_seq);
        self.send_rates = joined.send_rates;
        self.left_to_seq = joined.left_to_seq;
        self.desk.papers().begin_at(joined.next_id);
        Ok(loaded)
    }

    /// Loads a guest while another is at work in its place, and waits until that has gone. What it asks for meanwhile stays on
    /// the desk.
    async fn load_beside(&mut self, program: &Program) -> Result<Instance, LifeEnd> {
        let guest = self.load(program).await?;
        if self.exits_now().is_some() {
            return Err(self.give_up(LifeEnd::Over(End::Stopped)).await);
        }
        self.publish_hold(Hold::Told);
        let wish = self.wish.wait_for(|wish| *wish != Wish::Hold).await.map_or(Wish::Stop, |wish| *wish);
        if wish == Wish::Stop {
            return Err(LifeEnd::Over(End::Stopped));
        }
        self.is_on_trial = false;
        self.config.files.quota().measure_anew();
        Ok(guest)
    }

    /// Without a guest, until there is something for one.
    async fn sleep(&mut self) -> Result<(), LifeEnd> {
        while !self.has_event().await? {
            self.end_turn().await?;
            self.usage.memory_bytes = 0;
            self.publish(Phase::Sleeping);
            self.wait(None).await?;
        }
        Ok(())
    }

    /// One life of the guest, which may be loaded already. Gives its end, or nothing where it is to sleep.
    async fn live(&mut self, program: &Program, loaded: Option<Instance>) -> Result<Option<End>, LifeEnd> {
        (self.is_started, self.drain) = (false, None);
        let mut guest = match loaded {
            Some(guest) => guest,
            None => {
                self.begin_guest().await?;
                self.load(program).await?
            }
        };
        self.settle_start(Ok(()), "while it was loaded").await?;
        self.usage.memory_bytes = guest.memory_bytes() as u64;
        self.output.tell(&News::Loaded);
        self.publish(Phase::Starting);
        let our_id = self.our_id().await?;
        let outcome = self.unless_stopped(pin!(guest.on_our_id(our_id))).await?;
        self.settle_start(outcome, "in on_our_id").await?;

        while self.cursor < self.left_to_seq && !self.is_ending() {
            if !self.deliver_event(&mut guest).await? {
                if self.hold().is_none() {
                    break;
                }
                // So much was left that the answers have no place: they leave before the end of it.
                patiently!(self, self.account.open_gate());
                self.wait(None).await?;
            }
        }
        let outcome = self.unless_stopped(pin!(guest.on_binlog_replay_end())).await?;
        self.settle_start(outcome, "in on_binlog_replay_end").await?;
        patiently!(self, self.account.open_gate());
        self.is_started = true;
        self.output.tell(&News::Ready);

        let mut difference_told = false;
        loop {
            if let Some(end) = self.end_asked_for() {
                return Ok(Some(end));
            }
            self.tell_of_brake();
            // A script that always has something to do still lets others have their turn.
            tokio::task::consume_budget().await;
            let progress = self.refuse_calls(&mut guest).await?
                || self.deliver_completion(&mut guest).await?
                || !self.is_ending()
                    && (self.tell_difference_end(&mut guest, &mut difference_told).await?
                        || self.deliver_event(&mut guest).await?
                        || self.ring_timer(&mut guest).await?);
            if !progress {
                self.end_turn().await?;
                self.publish(Phase::Running);
                let sleeps_at = self.sleeps_at();
                if sleeps_at.is_some_and(|moment| moment <= Instant::now()) {
                    return Ok(None);
                }
                self.wait(self.next_moment().into_iter().chain(sleeps_at).min()).await?;
            }
        }
    }

    /// Waits for what may be given up at any moment; nothing where the script is to stop first.
    async fn unless_stopped_at_once<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut wish = self.wish.clone();
        tokio::select! {
            biased;
            outcome = work => Some(outcome),
            _ = wish.wait_for(|wish| *wish == Wish::Stop) => None,
        }
    }

    /// A new guest with its program loaded. What it has asked for meanwhile lies on the desk.
    async fn load(&mut self, program: &Program) -> Result<Instance, LifeEnd> {
        let mut args = vec![self.config.source.as_ref().map_or(self.config.name.to_string(), |(_, path)| path.clone())];
        args.extend(self.config.args.iter().cloned());
        let config = StartConfig {
            limits: self.config.limits,
            files: self.config.files.clone(),
            args,
            env: self.config.env.clone(),
            cpu_used: self.cpu_used.clone(),
            limit_meter: self.limit_meter.clone(),
            host: Box::new(Clerk {
                desk: self.desk.clone(),
                lookups: self.account.lookups(),
                output: Arc::clone(&self.output),
                limit_meter: self.limit_meter.clone(),
                output_burst_bytes_max: self.config.limits.output_burst_bytes_max,
                link_previews: self.config.link_previews,
            }),
        };
        let mut guest = match program.start(config).await {
            Ok(guest) => guest,
            Err(StartError::Trapped(trap)) => return Err(trapped("at its start", &trap)),
            Err(error) => return Err(LifeEnd::Over(End::LoadFailed(error.to_string()))),
        };
        if let Some((source, path)) = self.config.source.clone() {
            let loaded = self.unless_stopped(pin!(guest.load(&source, &path))).await?;
            let failed = match loaded {
                Ok(()) => return Ok(guest),
                Err(GuestError::Raised(traceback)) => LifeEnd::Over(End::LoadFailed(traceback)),
                Err(GuestError::Trapped(trap)) => trapped("while it was loaded", &trap),
            };
            return Err(self.give_up(failed).await);
        }
        Ok(guest)
    }

    /// The account's user, once it is logged in.
    async fn our_id(&mut self) -> Result<i64, LifeEnd> {
        loop {
            let our_id = self.account.state().our_id;
            if let Some(our_id) = our_id {
                return Ok(our_id);
            }
            // No timer rings before the guest has heard who it is.
            self.wait(None).await?;
        }
    }

    /// Whether the guest has asked to end.
    pub(crate) fn is_ending(&self) -> bool {
        self.desk.papers().exit.is_some()
    }

    /// The end that the guest asked for, once it may come.
    fn end_asked_for(&mut self) -> Option<End> {
        let (code, later_id) = {
            let papers = self.desk.papers();
            (papers.exit?.0, papers.next_id())
        };
        let by = self.drain.get_or_insert_with(|| Drain::new(later_id, Instant::now())).by;
        let calls_pending = self.account.backlog().calls_pending;
        let is_drained = calls_pending == 0;
        if !is_drained && Instant::now() >= by {
            self.log(LogLevel::Warn, &format!("ended with {calls_pending} calls not completed"));
        }
        (is_drained || Instant::now() >= by).then_some(End::Exited(code))
    }

    /// When it is to sleep if nothing comes before. Not while its guest waits for a call or a timer: what is to be done then
    /// is in the guest's memory.
    fn sleeps_at(&mut self) -> Option<Instant> {
        let after = self.config.sleep_after?;
        if self.desk.papers().timer.is_some() {
            self.tell_kept_awake();
            return None;
        }
        let is_waiting = self.is_ending() || self.account.backlog().calls_pending > 0;
        (!is_waiting).then(|| self.idle_since + after)
    }

    /// When there will be something to do though nothing comes from outside.
    fn next_moment(&self) -> Option<Instant> {
        match &self.drain {
            Some(drain) => Some(drain.by),
            // A timer whose calls would have no place rings when they have.
            None => self.desk.papers().timer.filter(|_| self.hold().is_none()),
        }
    }

    /// Waits until there may be something to do, at the latest until this moment, and for as long as it is to hold still.
    pub(crate) async fn wait(&mut self, until: Option<Instant>) -> Result<(), LifeEnd> {
        self.wait_told(self.is_on_trial, until).await?;
        self.rest_while_told().await
    }

    /// Holds still while it is to.
    pub(crate) async fn rest_while_told(&mut self) -> Result<(), LifeEnd> {
        let mut has_rested = false;
        while !self.is_on_trial && *self.wish.borrow() == Wish::Hold {
            has_rested = true;
            self.end_turn().await?;
            self.publish_hold(Hold::Told);
            self.wait_told(true, None).await?;
        }
        if has_rested && *self.wish.borrow() == Wish::Stop {
            return Err(LifeEnd::Over(End::Stopped));
        }
        if has_rested {
            self.status.send_modify(|status| status.hold = None);
            // A successor that did not take its place may have written to its folder.
            self.config.files.quota().measure_anew();
        }
        Ok(())
    }

    /// Waits until there may be something to do, or it is told otherwise.
    async fn wait_told(&mut self, is_held: bool, until: Option<Instant>) -> Result<(), LifeEnd> {
        self.end_turn().await?;
        let sleep = async {
            match until {
                Some(moment) => tokio::time::sleep_until(moment).await,
                None => std::future::pending().await,
            }
        };
        let waited = tokio::select! {
            waited = self.account.wait() => waited,
            wish = next_wish(&mut self.wish, is_held) => if wish == Wish::Stop { Err(BrokerError::Closed) } else { Ok(None) },
            () = sleep => Ok(None),
        };
        match waited {
            Ok(note) => {
                note.into_iter().for_each(|note| self.log(LogLevel::Info, &note));
                Ok(())
            }
            Err(error) => self.wait_for_disk(error).await,
        }
    }

    /// Waits before the next life; calls made before the crash still go out. Gives an end if one came meanwhile.
    async fn back_off(&mut self, wait: Duration) -> Option<End> {
        if let Err(LifeEnd::Over(end)) = self.begin_guest().await {
            return Some(end);
        }
        let until = Instant::now() + wait;
        while Instant::now() < until {
            self.status.send_modify(|status| status.crashes += u64::from(status.phase != Phase::BackingOff));
            self.publish(Phase::BackingOff);
            if let Err(LifeEnd::Over(end)) = self.wait(Some(until)).await {
                return Some(end);
            }
        }
        None
    }

    /// Whatever the guest before left unfinished is nobody's any more.
    async fn begin_guest(&mut self) -> Result<(), LifeEnd> {
        let first_id = {
            let mut papers = self.desk.papers();
            papers.clear();
            papers.next_id()
        };
        patiently!(self, self.account.begin_life(first_id));
        Ok(())
    }

    pub(crate) fn publish(&self, phase: Phase) {
        let backlog = self.account.backlog();
        let hold = self.hold().or(backlog.braked_by.map(Hold::Brake));
        self.status.send_if_modified(|status| {
            let now = ScriptStatus {
                phase,
                handled_seq: self.cursor,
                events_waiting: self.account.inbox_seq().saturating_sub(self.cursor),
                events_lost: self.said.events_lost,
                calls_pending: backlog.calls_pending as usize,
                calls_bytes: backlog.load.bytes,
                hold,
                crashes: status.crashes,
                usage: Usage {
                    cpu_us: self.cpu_used.total().as_micros() as u64,
                    limits_reached: self.limit_meter.counts(),
                    ..self.usage
                },
            };
            // What a script uses while nothing else becomes of it is no news: who watches is woken now and then.
            let is_used = now.usage.cpu_us.saturating_sub(status.usage.cpu_us) >= USAGE_TOLD_EVERY_US;
            let is_new = is_used || ScriptStatus { usage: status.usage, ..now.clone() } != *status;
            if is_new {
                *status = now;
            }
            is_new
        });
    }

    /// The status as it stands now, with this hold.
    pub(crate) fn publish_hold(&self, hold: Hold) {
        self.status.send_if_modified(|status| {
            let is_new = status.hold != Some(hold);
            status.hold = Some(hold);
            is_new
        });
    }

    /// Says it, unless the script has said too much already.
    pub(crate) fn log(&self, level: LogLevel, text: &str) {
        self.output.log(level, text);
    }

    /// Whether the guest wants to end at once.
    pub(crate) fn exits_now(&self) -> Option<u8> {
        match self.desk.papers().exit {
            Some((code, ExitMoment::Now)) => Some(code),
            _ => None,
        }
    }
}

/// What is wished of the script, once it is to stop, or to hold still where it is not, or to do so no more where it is.
async fn next_wish(wish: &mut watch::Receiver<Wish>, is_held: bool) -> Wish {
    let next = wish.wait_for(|wish| *wish == Wish::Stop || (*wish == Wish::Hold) != is_held).await;
    // Nobody is left who could say so: as good as said.
    next.map_or(Wish::Stop, |wish| *wish)
}

/// What a trap means for the script: its end if it ended its own process, else a crash.
pub(crate) fn trapped(during: &str, trap: &Trap) -> LifeEnd {
    match trap {
        Trap::Exited(code) => LifeEnd::Over(End::Exited(*code as u8)),
        _ => LifeEnd::Crashed { what: format!("{during}: it {trap}") },
    }
}
