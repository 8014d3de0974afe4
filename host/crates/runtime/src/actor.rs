//! The task that owns one script: lives of its guest one after another, each from loading to its end or its trap.
//!
//! Invariant: whatever the guest has left on the desk is taken up right after each callback, before anything else happens.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use sandbox::{ExitMoment, GuestError, Instance, LogLevel, StartConfig, StartError, Trap};
use store::{AccountStore, StoreError};
use tgl::{Event, Failure, PeerKind};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::backoff::Backoff;
use crate::calls::{Calls, Closed};
use crate::desk::{Clerk, Desk};
use crate::script::{End, Link, Phase, ScriptConfig, ScriptOutput, ScriptStatus};
use crate::topics::Topic;

/// Events read from the inbox at once: the script's mailbox.
const MAILBOX_EVENTS_MAX: usize = 256;
/// How long calls may take to complete after the script asked to end.
const DRAIN_MAX: Duration = Duration::from_secs(30);

/// How long the callback under way may take to return once the script is to stop.
const STOP_MAX: Duration = Duration::from_secs(1);

/// One script's task.
pub(crate) struct Actor {
    config: ScriptConfig,
    link: Link,
    store: AccountStore,
    output: Arc<dyn ScriptOutput>,
    status: watch::Sender<ScriptStatus>,
    stop: watch::Receiver<bool>,
    desk: Desk,
    /// The inbox has been handled up to here.
    cursor: u64,
    calls: Calls,
}

/// How one life of the guest ended.
enum LifeEnd {
    Over(End),
    Crashed { what: String, was_loaded: bool },
}

/// Why a life goes no further; the `Err` side of every step of a life.
impl From<StoreError> for LifeEnd {
    fn from(error: StoreError) -> Self {
        Self::Over(End::Quarantined(error.to_string()))
    }
}

impl From<Closed> for LifeEnd {
    fn from(Closed: Closed) -> Self {
        Self::Over(End::Stopped)
    }
}

impl Actor {
    pub(crate) fn new(
        config: ScriptConfig,
        link: Link,
        store: AccountStore,
        output: Arc<dyn ScriptOutput>,
        status: watch::Sender<ScriptStatus>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let desk = Desk::new(config.limits.calls_pending_max);
        Self { config, link, store, output, status, stop, desk, cursor: 0, calls: Calls::default() }
    }

    /// Runs the script to its end, and says in one status that and how far it came: who watches must not see a script
    /// at rest that is about to end.
    pub(crate) async fn run(mut self, cursor: Result<u64, StoreError>) {
        let end = self.lives(cursor).await;
        self.publish(Phase::Ended(end));
    }

    /// One life after another, to the last.
    async fn lives(&mut self, cursor: Result<u64, StoreError>) -> End {
        let begun = cursor.and_then(|cursor| {
            self.cursor = cursor;
            self.store.outbox(&self.config.name)
        });
        match begun {
            Ok(left) => self.calls.add(left),
            Err(error) => return End::Quarantined(error.to_string()),
        }
        let mut backoff = Backoff::default();
        loop {
            let born = Instant::now();
            self.publish(Phase::Loading);
            let end = match self.live().await {
                Ok(end) | Err(LifeEnd::Over(end)) => end,
                Err(LifeEnd::Crashed { what, was_loaded }) => match backoff.crashed(born.elapsed(), was_loaded) {
                    Some(wait) => {
                        self.log(LogLevel::Error, &format!("stopped {what}; restarting in {} s", wait.as_secs()));
                        match self.back_off(wait).await {
                            None => continue,
                            Some(end) => end,
                        }
                    }
                    None => End::Quarantined(format!("stopped {what}, at every start")),
                },
            };
            return end;
        }
    }

    /// One life of the guest.
    async fn live(&mut self) -> Result<End, LifeEnd> {
        let replay_end_seq = self.store.inbox_seq();
        let mut guest = self.load().await?;
        let our_id = self.our_id().await?;
        let outcome = self.unless_stopped(guest.on_our_id(our_id)).await?;
        self.settle(outcome, "in on_our_id", self.cursor)?;

        let mut mailbox = VecDeque::new();
        while self.cursor < replay_end_seq && self.deliver_event(&mut guest, &mut mailbox).await? {}
        let outcome = self.unless_stopped(guest.on_binlog_replay_end()).await?;
        self.settle(outcome, "in on_binlog_replay_end", self.cursor)?;
        self.calls.open_gate();

        let mut difference_told = false;
        let mut drain_by = None;
        loop {
            if let Some(end) = self.end_asked_for(&mut drain_by) {
                return Ok(end);
            }
            self.calls.send(&self.link.requests)?;
            // A script that always has something to do still lets others have their turn.
            tokio::task::consume_budget().await;
            let progress = self.refuse_calls(&mut guest).await?
                || self.deliver_completion(&mut guest).await?
                || self.tell_difference_end(&mut guest, &mut difference_told).await?
                || self.deliver_event(&mut guest, &mut mailbox).await?
                || self.ring_timer(&mut guest).await?;
            if !progress {
                self.publish(Phase::Running);
                let timer = self.desk.papers().timer;
                self.wait([timer, drain_by].into_iter().flatten().min()).await?;
            }
        }
    }

    /// A new guest with its program loaded.
    async fn load(&mut self) -> Result<Instance, LifeEnd> {
        self.begin_guest();
        let mut args = vec![self.config.source.as_ref().map_or(self.config.name.to_string(), |(_, path)| path.clone())];
        args.extend(self.config.args.iter().cloned());
        let config = StartConfig {
            limits: self.config.limits,
            files: self.config.files.clone(),
            args,
            env: self.config.env.clone(),
            host: Box::new(Clerk {
                desk: self.desk.clone(),
                name: self.config.name.clone(),
                store: self.store.clone(),
                output: Arc::clone(&self.output),
                link_previews: self.config.link_previews,
                grants: self.config.grants,
            }),
        };
        let mut guest = match self.config.program.start(config).await {
            Ok(guest) => guest,
            Err(StartError::Trapped(trap)) => return Err(trapped("at its start", &trap, false)),
            Err(error) => return Err(LifeEnd::Over(End::LoadFailed(error.to_string()))),
        };
        if let Some((source, path)) = &self.config.source {
            let outcome = self.unless_stopped(guest.load(source, path)).await?;
            self.take_up(self.cursor)?;
            if *self.stop.borrow() {
                return Err(LifeEnd::Over(End::Stopped));
            }
            if let Some((code, ExitMoment::Now)) = self.desk.papers().exit {
                return Err(LifeEnd::Over(End::Exited(code)));
            }
            match outcome {
                Ok(()) => {}
                Err(GuestError::Raised(traceback)) => return Err(LifeEnd::Over(End::LoadFailed(traceback))),
                Err(GuestError::Trapped(trap)) => return Err(trapped("while it was loaded", &trap, false)),
            }
        }
        Ok(guest)
    }

    /// The account's user, once it is logged in.
    async fn our_id(&mut self) -> Result<i64, LifeEnd> {
        loop {
            let our_id = self.link.state.borrow_and_update().our_id;
            if let Some(our_id) = our_id {
                return Ok(our_id);
            }
            // No timer rings before the guest has heard who it is.
            self.wait(None).await?;
        }
    }

    /// Waits for a callback. Where the script is to stop and the callback does not return, it is given up as if the process
    /// had ended: nothing of it is written down, so the next start does it again.
    async fn unless_stopped<T>(&self, callback: impl Future<Output = T>) -> Result<T, LifeEnd> {
        tokio::pin!(callback);
        let mut stop = self.stop.clone();
        tokio::select! {
            biased;
            outcome = &mut callback => return Ok(outcome),
            _ = stop.wait_for(|stop| *stop) => {}
        }
        timeout(STOP_MAX, callback).await.map_err(|_| LifeEnd::Over(End::Stopped))
    }

    /// After a callback: takes up what it left, and says what became of it. `during` fits after "stopped".
    fn settle(&mut self, outcome: Result<(), GuestError>, during: &str, handled_seq: u64) -> Result<(), LifeEnd> {
        self.take_up(handled_seq)?;
        if let Some((code, ExitMoment::Now)) = self.desk.papers().exit {
            return Err(LifeEnd::Over(End::Exited(code)));
        }
        if *self.stop.borrow() {
            return Err(LifeEnd::Over(End::Stopped));
        }
        match outcome {
            Ok(()) => Ok(()),
            Err(GuestError::Raised(text)) => {
                self.log(LogLevel::Error, text.trim_end());
                Ok(())
            }
            Err(GuestError::Trapped(trap)) => Err(trapped(during, &trap, true)),
        }
    }

    /// Writes down, together, that the inbox is handled up to `seq` and which calls were made, and only then takes the
    /// calls. An end at once drops them, as the end of a process would.
    fn take_up(&mut self, seq: u64) -> Result<(), LifeEnd> {
        let requests = {
            let mut papers = self.desk.papers();
            papers.topics.end();
            let requests = papers.take_calls();
            if matches!(papers.exit, Some((_, ExitMoment::Now))) { Vec::new() } else { requests }
        };
        if seq > self.cursor || !requests.is_empty() {
            self.store.handled(&self.config.name, seq, &requests)?;
            self.cursor = seq;
            self.calls.add(requests);
        }
        Ok(())
    }

    /// Delivers the next event, if there is one.
    async fn deliver_event(
        &mut self,
        guest: &mut Instance,
        mailbox: &mut VecDeque<(u64, Event)>,
    ) -> Result<bool, LifeEnd> {
        if mailbox.is_empty() {
            if self.store.inbox_seq() <= self.cursor {
                return Ok(false);
            }
            mailbox.extend(self.store.inbox_after(self.cursor, MAILBOX_EVENTS_MAX)?);
        }
        let Some((seq, event)) = mailbox.pop_front() else { return Ok(false) };
        match self.config.grants.shown_event(event) {
            Some(event) => {
                let topic = self.topic(&event)?;
                self.desk.papers().topics.begin_message(topic);
                let outcome = self.unless_stopped(guest.on_event(&event)).await?;
                self.settle(outcome, &during(&event), seq)?;
            }
            None => self.take_up(seq)?,
        }
        Ok(true)
    }

    /// The topic in which a message lies. Only supergroups have them.
    fn topic(&self, event: &Event) -> Result<Option<Topic>, StoreError> {
        match event {
            Event::Message(message) if message.destination.kind == PeerKind::Channel => {
                Ok(self.store.topic(message.id)?.map(|topic| (message.destination, topic)))
            }
            _ => Ok(None),
        }
    }

    /// Delivers the next completion whose events have been delivered, if there is one.
    async fn deliver_completion(&mut self, guest: &mut Instance) -> Result<bool, LifeEnd> {
        while let Ok(completion) = self.link.completions.try_recv() {
            self.calls.take_in(completion);
        }
        let Some(completion) = self.calls.next_completion(self.cursor) else { return Ok(false) };
        self.desk.papers().completed(completion.id);
        let outcome = self.unless_stopped(guest.on_completion(completion.id, &completion.result)).await?;
        self.settle(outcome, "in a call's callback", self.cursor)?;
        Ok(true)
    }

    /// Completes the calls that were refused at once. Says only once per callback that there were too many.
    async fn refuse_calls(&mut self, guest: &mut Instance) -> Result<bool, LifeEnd> {
        let refused = self.desk.papers().take_refused();
        let over_limit = refused.iter().filter(|(_, reason)| reason.kind == Failure::LimitReached);
        if let Some((_, reason)) = over_limit.clone().next() {
            self.log(LogLevel::Warn, &format!("calls refused: {}: {}", over_limit.count(), reason.detail));
        }
        let is_any = !refused.is_empty();
        for (id, reason) in refused {
            let outcome = self.unless_stopped(guest.on_completion(id, &Err(reason))).await?;
            self.settle(outcome, "in a call's callback", self.cursor)?;
        }
        Ok(is_any)
    }

    /// Tells once that what was missed has been delivered.
    async fn tell_difference_end(&mut self, guest: &mut Instance, told: &mut bool) -> Result<bool, LifeEnd> {
        let end_seq = self.link.state.borrow_and_update().difference_end_seq;
        if *told || end_seq.is_none_or(|seq| seq > self.cursor) {
            return Ok(false);
        }
        *told = true;
        let outcome = self.unless_stopped(guest.on_get_difference_end()).await?;
        self.settle(outcome, "in on_get_difference_end", self.cursor)?;
        Ok(true)
    }

    /// Rings the guest's timer if its moment has come.
    async fn ring_timer(&mut self, guest: &mut Instance) -> Result<bool, LifeEnd> {
        let is_due = self.desk.papers().timer.take_if(|moment| *moment <= Instant::now()).is_some();
        if is_due {
            let outcome = self.unless_stopped(guest.on_timer()).await?;
            self.settle(outcome, "in a timer's callback", self.cursor)?;
        }
        Ok(is_due)
    }

    /// The end that the guest asked for, once it may come.
    fn end_asked_for(&self, drain_by: &mut Option<Instant>) -> Option<End> {
        let (code, _) = self.desk.papers().exit?;
        let by = *drain_by.get_or_insert_with(|| Instant::now() + DRAIN_MAX);
        let is_drained = self.calls.pending() == 0;
        if !is_drained && Instant::now() >= by {
            self.log(LogLevel::Warn, &format!("ended with {} calls not completed", self.calls.pending()));
        }
        (is_drained || Instant::now() >= by).then_some(End::Exited(code))
    }

    /// Waits until there may be something to do, at the latest until this moment.
    async fn wait(&mut self, until: Option<Instant>) -> Result<(), LifeEnd> {
        let sleep = async {
            match until {
                Some(moment) => tokio::time::sleep_until(moment).await,
                None => std::future::pending().await,
            }
        };
        let completion = tokio::select! {
            changed = self.link.state.changed() => changed.map(|()| None).map_err(drop),
            completion = self.link.completions.recv() => completion.map(Some).ok_or(()),
            Some(note) = self.link.notes.recv() => {
                self.output.log(&self.config.name, LogLevel::Info, &note);
                Ok(None)
            }
            permit = self.link.requests.reserve(), if self.calls.waits_for_room() => permit.map(|_| None).map_err(drop),
            _ = self.stop.changed() => Err(()),
            () = sleep => Ok(None),
        };
        match completion {
            Ok(Some(completion)) => self.calls.take_in(completion),
            Ok(None) => {}
            Err(()) => return Err(LifeEnd::Over(End::Stopped)),
        }
        Ok(())
    }

    /// Waits before the next life; calls made before the crash still go out. Gives an end if one came meanwhile.
    async fn back_off(&mut self, wait: Duration) -> Option<End> {
        self.begin_guest();
        let until = Instant::now() + wait;
        while Instant::now() < until {
            self.status.send_modify(|status| status.crashes += u64::from(status.phase != Phase::BackingOff));
            self.publish(Phase::BackingOff);
            let step = match self.calls.send(&self.link.requests) {
                Ok(()) => self.wait(Some(until)).await,
                Err(closed) => Err(closed.into()),
            };
            if let Err(LifeEnd::Over(end)) = step {
                return Some(end);
            }
        }
        None
    }

    /// Whatever the guest before left unfinished is nobody's any more.
    fn begin_guest(&mut self) {
        let mut papers = self.desk.papers();
        papers.clear();
        self.calls.begin_guest(papers.next_id());
    }

    fn publish(&self, phase: Phase) {
        let (handled_seq, calls_pending) = (self.cursor, self.calls.pending());
        self.status.send_if_modified(|status| {
            let crashes = status.crashes;
            let now = ScriptStatus { phase, handled_seq, calls_pending, crashes };
            let is_new = *status != now;
            *status = now;
            is_new
        });
    }

    fn log(&self, level: LogLevel, text: &str) {
        self.output.log(&self.config.name, level, text);
    }
}

/// What a script was doing, for the line that tells of its crash.
fn during(event: &Event) -> String {
    match event {
        Event::Message(message) => format!("in on_msg_receive (message {})", message.id),
        Event::UserUpdate { user, .. } => format!("in on_user_update ({})", user.name),
        Event::ChatUpdate { chat, .. } => format!("in on_chat_update ({})", chat.name),
        Event::SecretChatUpdate { chat, .. } => format!("in on_secret_chat_update ({})", chat.name),
    }
}

/// What a trap means for the script: its end if it ended its own process, else a crash.
fn trapped(during: &str, trap: &Trap, was_loaded: bool) -> LifeEnd {
    match trap {
        Trap::Exited(code) => LifeEnd::Over(End::Exited(*code as u8)),
        _ => LifeEnd::Crashed { what: format!("{during}: it {trap}"), was_loaded },
    }
}
