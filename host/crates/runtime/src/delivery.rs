//! What a guest is told, callback by callback, and what is taken up after each.
//!
//! Invariant: calls leave only once it is written down, together with them, that what led to them is handled. Events that
//! led to none are written down with what follows, and before the script waits for anything.

use std::pin::{Pin, pin};
use std::time::Duration;

use broker::{Given, NewCall};
use sandbox::{ExitMoment, GuestError, Instance, LogLevel, Trap};
use tgl::{Event, Failure};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::actor::{Actor, LifeEnd, trapped};
use crate::patience::patiently;
use crate::script::{End, Wish};

/// How long a script handles events that lead to no call before it is written down that it did. One that handles many in a
/// row is much faster than one that takes turns with others: what it works on stays in the processor's cache.
const TURN_MAX: Duration = Duration::from_millis(5);

/// Events read from the inbox at once: the script's mailbox.
const MAILBOX_EVENTS_MAX: usize = 256;

/// How long the callback under way may take to return once the script is to stop.
const STOP_MAX: Duration = Duration::from_secs(1);

impl Actor {
    /// Waits for a callback. Where the script is to stop and the callback does not return, it is given up as if the process
    /// had ended: nothing of it is written down, so the next start does it again. What was handled before a callback that
    /// takes longer than a turn is written down meanwhile. A script that is to hold still, or has used its share of
    /// the CPU, waits before it. A callback's future is large, so it is pinned where it was made.
    pub(crate) async fn unless_stopped<T>(
        &mut self,
        mut callback: Pin<&mut impl Future<Output = T>>,
    ) -> Result<T, LifeEnd> {
        self.rest_while_told().await?;
        self.wait_for_share().await?;
        self.desk.papers().begin_callback(self.load_now());
        let mut wish = self.wish.clone();
        let turn = sleep(TURN_MAX);
        tokio::pin!(turn);
        let mut is_turn_over = false;
        loop {
            // The stop goes first: among many busy scripts each further turn of a callback is another's time.
            tokio::select! {
                biased;
                () = asked_to_stop(&mut wish) => break,
                outcome = callback.as_mut() => return Ok(outcome),
                () = &mut turn, if !is_turn_over => {
                    is_turn_over = true;
                    self.note_handled().await;
                }
            }
        }
        tokio::select! {
            biased;
            () = sleep(STOP_MAX) => Err(LifeEnd::Over(End::Stopped)),
            outcome = callback => Ok(outcome),
        }
    }

    /// After a callback of a life's start. One that trapped is called again in the next life, so its calls are not made.
    pub(crate) async fn settle_start(&mut self, outcome: Result<(), GuestError>, during: &str) -> Result<(), LifeEnd> {
        if let Err(GuestError::Trapped(trap)) = &outcome {
            return Err(self.give_up(trapped(during, trap)).await);
        }
        self.settle(outcome, during, self.cursor).await
    }

    /// After a callback: takes up what it left, and says what became of it. `during` fits after "stopped".
    async fn settle(&mut self, outcome: Result<(), GuestError>, during: &str, handled_seq: u64) -> Result<(), LifeEnd> {
        self.idle_since = Instant::now();
        if let Err(GuestError::Trapped(Trap::Exited(code))) = &outcome {
            // An end of the process by itself is one at once, by a word of the guest's language.
            self.desk.papers().end(*code as u8, ExitMoment::Now);
        }
        self.take_up(handled_seq).await?;
        if let Some(code) = self.exits_now() {
            return Err(LifeEnd::Over(End::Exited(code)));
        }
        if *self.wish.borrow() == Wish::Stop {
            return Err(LifeEnd::Over(End::Stopped));
        }
        match outcome {
            Ok(()) => Ok(()),
            Err(GuestError::Raised(text)) => {
                self.log(LogLevel::Error, text.trim_end());
                Ok(())
            }
            Err(GuestError::Trapped(trap)) => Err(trapped(during, &trap)),
        }
    }

    /// The life goes no further, and the calls of the callback that it ended in are not made. An end that the guest asked
    /// for before goes before this one.
    pub(crate) async fn give_up(&mut self, end: LifeEnd) -> LifeEnd {
        if let Err(end) = self.drop_calls().await {
            return end;
        }
        match self.exits_now() {
            Some(code) => LifeEnd::Over(End::Exited(code)),
            None => end,
        }
    }

    /// Takes up that the inbox is handled up to `seq`, and the calls that were made. An end at once drops them, as the end of
    /// a process would. Both are written down together, and only then the calls are taken; without calls there is time.
    async fn take_up(&mut self, seq: u64) -> Result<(), LifeEnd> {
        if self.exits_now().is_some() {
            self.drop_calls().await?;
        }
        let made = {
            let mut papers = self.desk.papers();
            papers.topics.end();
            papers.take_calls()
        };
        if made.count() == 0 {
            if self.written_seq == self.cursor {
                self.turn_began = Instant::now();
            }
            self.cursor = seq;
            return Ok(());
        }
        self.usage.calls += made.count();
        self.write_down(seq, &made.calls).await?;
        self.cursor = seq;
        Ok(())
    }

    /// Writes down what has been handled. Meanwhile others have their turn.
    pub(crate) async fn end_turn(&mut self) -> Result<(), LifeEnd> {
        self.tell_of_limits();
        if self.written_seq < self.cursor { self.write_down(self.cursor, &[]).await } else { Ok(()) }
    }

    /// The same while a callback is under way. Where the disk takes nothing, or calls of the callback wait there for its
    /// return, it is done after the callback.
    async fn note_handled(&mut self) {
        let is_due = self.written_seq < self.cursor && !self.desk.papers().has_staged();
        if is_due && self.account.commit(self.cursor, &[]).await.is_ok() {
            self.written_seq = self.cursor;
        }
    }

    async fn write_down(&mut self, seq: u64, calls: &[NewCall]) -> Result<(), LifeEnd> {
        patiently!(self, self.account.commit(seq, calls));
        self.written_seq = seq;
        Ok(())
    }

    /// The callback's calls are not to be made. Where the guest has ended itself, its author is told so.
    async fn drop_calls(&mut self) -> Result<(), LifeEnd> {
        let made = self.desk.papers().take_calls();
        if made.staged > 0 {
            patiently!(self, self.account.unstage());
        }
        if made.count() > 0 && self.exits_now().is_some() {
            let dropped = format!(
                "calls not made: {}; the script ended itself in the callback that made them (tgl.safe_exit waits for them)",
                made.count()
            );
            self.log(LogLevel::Warn, &dropped);
        }
        Ok(())
    }

    /// Delivers the next event, if there is one and its answers have a place.
    pub(crate) async fn deliver_event(&mut self, guest: &mut Instance) -> Result<bool, LifeEnd> {
        if self.written_seq < self.cursor && self.turn_began.elapsed() >= TURN_MAX {
            self.end_turn().await?;
        }
        if !self.fetch_events().await? || self.is_held() {
            return Ok(false);
        }
        let Some(Given { seq, event, topic }) = self.mailbox.pop_front() else { return Ok(false) };
        match event {
            Some(event) => {
                self.desk.papers().topics.begin_event(&event, topic);
                let begun = Instant::now();
                let outcome = self.unless_stopped(pin!(guest.on_event(&event))).await?;
                self.usage.callbacks.add(begun.elapsed());
                self.usage.events += 1;
                self.usage.memory_bytes = guest.memory_bytes() as u64;
                self.settle(outcome, &during(&event), seq).await?;
            }
            None => self.take_up(seq).await?,
        }
        Ok(true)
    }

    /// Whether an event waits that the script may hear of. Those that it may not are passed.
    pub(crate) async fn has_event(&mut self) -> Result<bool, LifeEnd> {
        while self.fetch_events().await? {
            match self.mailbox.pop_front_if(|given| given.event.is_none()) {
                Some(passed) => self.take_up(passed.seq).await?,
                None => return Ok(true),
            }
        }
        Ok(false)
    }

    /// Whether the mailbox has events; those that follow are fetched where it has none.
    async fn fetch_events(&mut self) -> Result<bool, LifeEnd> {
        if self.mailbox.is_empty() && self.account.inbox_seq() > self.cursor {
            let after = self.cursor;
            let events = patiently!(self, self.account.events(after, MAILBOX_EVENTS_MAX));
            self.tell_of_loss(events.lost);
            self.mailbox.extend(events.given);
        }
        Ok(!self.mailbox.is_empty())
    }

    /// Delivers the next completion whose events have been delivered, if there is one.
    pub(crate) async fn deliver_completion(&mut self, guest: &mut Instance) -> Result<bool, LifeEnd> {
        // A script that is about to end hears of no event, so no completion waits for one.
        let handled_seq = if self.is_ending() { u64::MAX } else { self.cursor };
        let next = patiently!(self, self.account.next_completion(handled_seq));
        let Some(completion) = next else { return Ok(false) };
        if let Some(drain) = &mut self.drain {
            drain.completed(completion.id, Instant::now());
        }
        self.desk.papers().topics.begin_completion(completion.id);
        let outcome = self.unless_stopped(pin!(guest.on_completion(completion.id, &completion.result))).await?;
        self.settle(outcome, "in a call's callback", self.cursor).await?;
        Ok(true)
    }

    /// Completes the calls that were refused at once. Says only once per callback that there were too many.
    pub(crate) async fn refuse_calls(&mut self, guest: &mut Instance) -> Result<bool, LifeEnd> {
        let refused = self.desk.papers().take_refused();
        let over_limit = refused.iter().filter(|(_, reason)| reason.kind == Failure::LimitReached);
        if let Some((_, reason)) = over_limit.clone().next() {
            self.log(LogLevel::Warn, &format!("calls refused: {}: {}", over_limit.count(), reason.detail));
        }
        let is_any = !refused.is_empty();
        for (id, reason) in refused {
            let outcome = self.unless_stopped(pin!(guest.on_completion(id, &Err(reason)))).await?;
            self.settle(outcome, "in a call's callback", self.cursor).await?;
        }
        Ok(is_any)
    }

    /// Tells once that what was missed has been delivered.
    pub(crate) async fn tell_difference_end(&mut self, guest: &mut Instance, told: &mut bool) -> Result<bool, LifeEnd> {
        let end_seq = self.account.state().difference_end_seq;
        if *told || end_seq.is_none_or(|seq| seq > self.cursor) {
            return Ok(false);
        }
        *told = true;
        let outcome = self.unless_stopped(pin!(guest.on_get_difference_end())).await?;
        self.settle(outcome, "in on_get_difference_end", self.cursor).await?;
        Ok(true)
    }

    /// Rings the guest's timer if its moment has come and its calls have a place.
    pub(crate) async fn ring_timer(&mut self, guest: &mut Instance) -> Result<bool, LifeEnd> {
        if self.hold().is_some() {
            return Ok(false);
        }
        let is_due = self.desk.papers().timer.take_if(|moment| *moment <= Instant::now()).is_some();
        if is_due {
            let outcome = self.unless_stopped(pin!(guest.on_timer())).await?;
            self.settle(outcome, "in a timer's callback", self.cursor).await?;
        }
        Ok(is_due)
    }
}

/// Waits until the script is to stop.
async fn asked_to_stop(wish: &mut watch::Receiver<Wish>) {
    let _ = wish.wait_for(|wish| *wish == Wish::Stop).await;
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
