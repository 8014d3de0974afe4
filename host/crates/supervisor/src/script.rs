//! A script from the supervisor's side: what it is, and what it has to be given wherever it runs.
//!
//! Invariant: its end is told once. Its status says so after that, once, and not before its account serves it no more: who has
//! seen the end can start the script anew.

use std::sync::Arc;

use broker::{Rules, Server};
use runtime::{Allowance, End, Hold, News, Phase, Script, ScriptConfig, ScriptOutput, ScriptStatus, Usage, Wish};
use sandbox::{Code, LogLevel, Output};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::compiling::Compiling;
use crate::counter::WorkerCounter;
use crate::secrets::{HeldBack, Secrets};

/// What a script is, and what it may do.
pub struct ScriptPlan {
    /// Whose it is.
    pub tenant: Arc<str>,
    /// What it is.
    pub config: ScriptConfig,
    /// Its program, or the interpreter of it.
    pub program: Compiling,
    /// What it may do on its account.
    pub rules: Rules,
    /// What is hidden in what it says and is said of it, where it runs in a worker.
    pub secrets: Secrets,
    /// Where everything goes that it says.
    pub output: Arc<dyn ScriptOutput>,
}

/// What its workers may tell of a script, in bytes within a second in the long run, each news counted as [`NEWS_COST_BYTES`]
/// more. A script that lives for a moment and is restarted a second later tells less.
const NEWS_BYTES_PER_S: u64 = 256 << 10;
/// The same at once.
const NEWS_BURST_BYTES_MAX: u64 = 16 << 20;
/// What news cost beside their text.
const NEWS_COST_BYTES: usize = 64 << 10;

/// A script that runs in one worker after another.
pub(crate) struct Placed {
    pub(crate) config: ScriptConfig,
    pub(crate) wish: watch::Receiver<Wish>,
    trial: Trial,
    /// The account's side of it; elsewhere while a worker is served, and gone once the script is over.
    pub(crate) server: Option<Server>,
    pub(crate) counter: WorkerCounter,
    /// By when it has to be over, once it is to be.
    due: Option<Instant>,
    secrets: Secrets,
    held_back: HeldBack,
    output: Arc<dyn ScriptOutput>,
    status: watch::Sender<ScriptStatus>,
    /// What its workers may tell of it.
    news_allowed: Allowance,
    /// How it has ended, if it has.
    end: Option<End>,
    /// Its worker has said how it stood in the end.
    has_last_status: bool,
    /// Its status says that it has ended.
    is_over: bool,
    /// What its status counts of workers before this one.
    before: Before,
}

/// How far a script is that is to take another's place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trial {
    /// It is being loaded beside the other.
    Loading,
    /// It has been: from now on it is started again where it is lost.
    Loaded,
    /// It has the place, or never had to take one.
    Over,
}

#[derive(Clone, Copy, Default)]
struct Before {
    crashes: u64,
    events_lost: u64,
    usage: Usage,
}

impl Placed {
    pub(crate) fn new(
        config: ScriptConfig,
        secrets: Secrets,
        output: Arc<dyn ScriptOutput>,
        server: Server,
        counter: WorkerCounter,
    ) -> (Self, Script) {
        let (script, status, wish) = Script::elsewhere(config.is_successor);
        let placed = Self {
            trial: if config.is_successor { Trial::Loading } else { Trial::Over },
            config,
            wish,
            server: Some(server),
            counter,
            due: None,
            secrets,
            held_back: HeldBack::default(),
            output,
            status,
            news_allowed: Allowance::new(NEWS_BYTES_PER_S, NEWS_BURST_BYTES_MAX),
            end: None,
            has_last_status: false,
            is_over: false,
            before: Before::default(),
        };
        (placed, script)
    }

    /// Whether nothing more comes of it.
    pub(crate) fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// Whether it is to end: somebody has said so, or nobody is left who could.
    pub(crate) fn is_stopping(&self) -> bool {
        *self.wish.borrow() == Wish::Stop || self.wish.has_changed().is_err()
    }

    /// Waits until it is to end.
    pub(crate) fn stopped(&self) -> impl Future<Output = ()> + use<> {
        let mut wish = self.wish.clone();
        async move { drop(wish.wait_for(|wish| *wish == Wish::Stop).await) }
    }

    /// What it is to do, as soon as that is another than this.
    pub(crate) fn next_wish(&self, now: Wish) -> impl Future<Output = Wish> + use<> {
        let mut wish = self.wish.clone();
        // Nobody is left who could say so: as good as said.
        async move { wish.wait_for(|wish| *wish != now).await.map_or(Wish::Stop, |wish| *wish) }
    }

    /// Whether it is loaded beside the one whose place it is to take.
    pub(crate) fn is_on_trial(&self) -> bool {
        self.trial != Trial::Over
    }

    /// It takes the other's place.
    pub(crate) fn end_trial(&mut self) {
        self.trial = Trial::Over;
    }

    /// Where it was lost before it was loaded beside another: that goes on, and this one is not tried again.
    pub(crate) fn fail_trial(&mut self, why: &str) {
        if self.trial == Trial::Loading {
            self.end(End::Quarantined(format!("stopped while it was loaded, as {why}")));
        }
    }

    /// It is to be over by then, unless it has to be earlier.
    pub(crate) fn expect_end(&mut self, by: Instant) {
        if !self.is_over {
            self.due.get_or_insert(by);
        }
    }

    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// It prints. What comes after its end is passed over, here and below.
    pub(crate) fn print(&mut self, to: Output, text: &str) {
        if self.has_ended() {
            return;
        }
        let text = self.secrets.hide_piece(to, text, &mut self.held_back);
        if !text.is_empty() {
            self.output.print(to, &text);
        }
    }

    /// It logs.
    pub(crate) fn log(&self, level: LogLevel, text: &str) {
        if !self.has_ended() {
            self.output.log(level, &self.secrets.hide(text));
        }
    }

    /// So much of its text was dropped.
    pub(crate) fn dropped(&self, bytes: u64) {
        if !self.has_ended() {
            self.output.dropped(bytes);
        }
    }

    /// What its worker says has become of it. An error where that cannot be true.
    pub(crate) fn hear(&mut self, news: News) -> Result<(), String> {
        let text_bytes = match &news {
            News::Crashed { why, .. } | News::Ended(End::LoadFailed(why) | End::Quarantined(why)) => why.len(),
            News::LimitReached(text) => text.len(),
            News::Loaded | News::Ready | News::Ended(End::Exited(_) | End::Stopped) => 0,
        };
        let cost = NEWS_COST_BYTES + text_bytes;
        if !self.news_allowed.has(cost) {
            return Err("its process tells more than can become of a script".to_owned());
        }
        self.news_allowed.take(cost);
        self.becomes(news);
        Ok(())
    }

    /// How it stands, as its worker says. That it has ended counts once that was told.
    pub(crate) fn stands(&mut self, mut now: ScriptStatus) {
        let is_last = matches!(now.phase, Phase::Ended(_));
        if is_last != self.has_ended() || self.has_last_status {
            return;
        }
        if is_last {
            self.has_last_status = true;
            now.phase = self.status.borrow().phase.clone();
        }
        if self.trial == Trial::Loading && now.hold == Some(Hold::Told) {
            self.trial = Trial::Loaded;
        }
        now.crashes = now.crashes.saturating_add(self.before.crashes);
        now.events_lost = now.events_lost.saturating_add(self.before.events_lost);
        now.usage = now.usage.after(&self.before.usage);
        self.status.send_replace(now);
        self.settle();
    }

    /// Its account's side is here again.
    pub(crate) fn take_back(&mut self, server: Server) {
        self.server = Some(server);
        self.settle();
    }

    /// It has ended without its worker.
    pub(crate) fn end(&mut self, end: End) {
        self.becomes(News::Ended(end));
        self.be_over();
    }

    /// Its worker has gone and is replaced in a while.
    pub(crate) fn back_off(&mut self, news: News) {
        self.becomes(news);
        self.due = None;
        self.status.send_modify(|status| {
            status.phase = Phase::BackingOff;
            status.crashes = status.crashes.saturating_add(1);
        });
        let ScriptStatus { crashes, events_lost, usage, .. } = *self.status.borrow();
        self.before = Before { crashes, events_lost, usage };
    }

    /// Where it has ended: nothing more is waited for from its worker.
    pub(crate) fn be_over(&mut self) {
        let Some(end) = self.end.clone().filter(|_| !self.is_over) else { return };
        self.is_over = true;
        self.due = None;
        self.server = None;
        self.status.send_modify(|status| status.phase = Phase::Ended(end));
    }

    /// All that was to come has come.
    fn settle(&mut self) {
        if self.has_last_status && self.server.is_some() {
            self.be_over();
        }
    }

    fn becomes(&mut self, news: News) {
        if self.has_ended() {
            return;
        }
        // A guest that is gone prints nothing more.
        if matches!(news, News::Crashed { .. } | News::Ended(_)) {
            self.secrets.hide_rest(&mut self.held_back).for_each(|(to, rest)| _ = self.output.print(to, &rest));
        }
        let news = self.secrets.hide_in(news);
        self.output.tell(&news);
        if let News::Ended(end) = news {
            self.end = Some(end);
        }
    }
}

/// A script whose program is there.
pub(crate) type Ready = (Placed, Code);
