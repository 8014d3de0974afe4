//! A script from the supervisor's side: what it is, and what it has to be given wherever it runs.
//!
//! Invariant: its end is told once, and its status says so after that.

use std::sync::Arc;

use broker::{Rules, Server};
use runtime::{End, News, Phase, Script, ScriptConfig, ScriptOutput, ScriptStatus};
use sandbox::Code;
use tokio::sync::watch;

use crate::compiling::Compiling;
use crate::counter::WorkerCounter;

/// What a script is, and what it may do.
pub struct ScriptPlan {
    /// What it is.
    pub config: ScriptConfig,
    /// Its program, or the interpreter of it.
    pub program: Compiling,
    /// What it may do on its account.
    pub rules: Rules,
    /// Where everything goes that it says.
    pub output: Arc<dyn ScriptOutput>,
}

/// A script that runs in one worker after another.
pub(crate) struct Placed {
    pub(crate) config: ScriptConfig,
    pub(crate) output: Arc<dyn ScriptOutput>,
    /// The account's side of it; elsewhere while a worker is served.
    pub(crate) server: Option<Server>,
    pub(crate) counter: WorkerCounter,
    status: watch::Sender<ScriptStatus>,
    pub(crate) stopped: watch::Receiver<bool>,
    /// How it has ended, if it has.
    end: Option<End>,
    /// What its status counts of workers before this one.
    before: Before,
}

#[derive(Clone, Copy, Default)]
struct Before {
    crashes: u64,
    events_lost: u64,
}

impl Placed {
    pub(crate) fn new(
        config: ScriptConfig,
        output: Arc<dyn ScriptOutput>,
        server: Server,
        counter: WorkerCounter,
    ) -> (Self, Script) {
        let (script, status, stopped) = Script::elsewhere();
        let (server, before) = (Some(server), Before::default());
        (Self { config, output, server, counter, status, stopped, end: None, before }, script)
    }

    /// Whether nothing more comes of it.
    pub(crate) fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// What its worker says has become of it.
    pub(crate) fn hear(&mut self, news: News) {
        if self.has_ended() {
            return;
        }
        self.output.tell(&news);
        if let News::Ended(end) = news {
            self.end = Some(end);
        }
    }

    /// How it stands, as its worker says. That it has ended counts once that was told.
    pub(crate) fn stands(&mut self, mut now: ScriptStatus) {
        match (&self.end, &now.phase) {
            (Some(_), Phase::Ended(_)) => {}
            (None, Phase::Ended(_)) | (Some(_), _) => return,
            (None, _) => {}
        }
        now.crashes += self.before.crashes;
        now.events_lost += self.before.events_lost;
        self.status.send_replace(now);
    }

    /// It has ended without its worker.
    pub(crate) fn end(&mut self, end: End) {
        self.hear(News::Ended(end));
        self.publish_end();
    }

    /// Its worker has gone and is replaced in a while.
    pub(crate) fn back_off(&mut self, news: News) {
        self.hear(news);
        self.status.send_modify(|status| {
            status.phase = Phase::BackingOff;
            status.crashes += 1;
        });
        let ScriptStatus { crashes, events_lost, .. } = *self.status.borrow();
        self.before = Before { crashes, events_lost };
    }

    /// Says that it has ended, if its worker did not come to that.
    pub(crate) fn publish_end(&mut self) {
        let Some(end) = &self.end else { return };
        self.status.send_if_modified(|status| {
            let phase = Phase::Ended(end.clone());
            let is_new = status.phase != phase;
            status.phase = phase;
            is_new
        });
    }
}

/// A script whose program is there.
pub(crate) type Ready = (Placed, Code);
