//! The chat in the terminal: what is typed goes to the scripts' account as messages of a second account, You; what that
//! account answers is printed.
//!
//! Invariant: the end is exact, not guessed: it comes when input is at its end or every script has ended, both accounts
//! hold the same messages of this chat, and every script that still runs has handled all it was given and has no call
//! under way.

use std::io::{BufRead, IsTerminal};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use files::FileSpace;
use futures_util::future::select_all;
use runtime::{End, Phase, Script, ScriptStatus};
use store::AccountStore;
use telegram::{Account, Attachment};
use tgl::{
    AccountState, Call, CallError, Completion, Event, Grants, Message, Outcome, PeerId, PeerKind, Request, ScriptName,
};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use crate::commands::run::Begin;
use crate::output::Output;

/// Lines on their way at a time: fewer than the channel to the account holds, so that sending one never waits for room that
/// only the reading of completions makes.
const LINES_UNDER_WAY_MAX: u64 = 64;
/// Lines read ahead of the sending.
const LINES_AHEAD_MAX: usize = 16;
/// Events read from an inbox at once.
const EVENTS_AT_ONCE_MAX: usize = 256;
/// How long messages may take to settle after the input's end, or that of the last script.
const SETTLE_MAX: Duration = Duration::from_secs(120);
/// The chat's name among the readers of an inbox: one that no script can have, as scripts are named after files.
const READER: &str = "/terminal";

/// One account's view of the chat.
#[derive(Clone)]
pub(crate) struct Side {
    store: AccountStore,
    state: watch::Receiver<AccountState>,
    other: PeerId,
    cursor: u64,
    counted_from_seq: u64,
    messages: usize,
}

impl Side {
    /// Follows the chat with `other` from here on. What was missed while away is given to `read` where scripts get what
    /// they have missed too, but never counted.
    pub(crate) fn follow(account: &Account, store: AccountStore, other: PeerId, from: Begin) -> Result<Self> {
        let last = store.join(READER)?;
        let counted_from_seq = store.inbox_seq();
        let cursor = if from == Begin::Last { last } else { counted_from_seq };
        store.handled(READER, cursor, &[], &[])?;
        Ok(Self { store, state: account.state(), other, cursor, counted_from_seq, messages: 0 })
    }

    /// Reads on, counting the chat's messages and handing each to `each`. Gives whether there may be more.
    fn read(&mut self, mut each: impl FnMut(&Message)) -> Result<bool> {
        let events = self.store.inbox_after(self.cursor, EVENTS_AT_ONCE_MAX)?;
        let Some(&(last_seq, _)) = events.last() else { return Ok(false) };
        for (seq, event) in &events {
            if let Event::Message(message) = event
                && self.is_of_this_chat(message)
            {
                self.messages += usize::from(*seq > self.counted_from_seq);
                each(message);
            }
        }
        self.cursor = last_seq;
        self.store.handled(READER, last_seq, &[], &[])?;
        Ok(true)
    }

    fn is_of_this_chat(&self, message: &Message) -> bool {
        if message.flags.outgoing {
            message.destination == self.other
        } else {
            message.source == Some(self.other) && message.destination.kind == PeerKind::User
        }
    }
}

/// What happens next in the chat.
#[allow(clippy::large_enum_variant, reason = "there is one at a time")]
enum Step {
    Line(String),
    EndOfInput,
    Completed(std::result::Result<Outcome, CallError>),
    /// Something moved on: there may be messages to show, or the end may have come.
    Changed,
    NotSettled,
}

/// The chat at work.
pub(crate) struct TerminalChat {
    you: Side,
    scripts_side: Side,
    requests: mpsc::Sender<Request>,
    completions: mpsc::Receiver<Completion>,
    statuses: Vec<watch::Receiver<ScriptStatus>>,
    output: Output,
    sent: u64,
    completed: u64,
}

impl TerminalChat {
    /// A chat of `account`, whose view of it is `you`, with the account that `scripts` run on.
    pub(crate) fn new(account: &Account, you: Side, scripts_side: Side, scripts: &[Script], output: Output) -> Self {
        let Attachment { requests, completions, .. } =
            account.attach(ScriptName::from(READER), FileSpace::empty(), Grants::default());
        let statuses = scripts.iter().map(Script::status).collect();
        Self { you, scripts_side, requests, completions, statuses, output, sent: 0, completed: 0 }
    }

    /// Talks until the input is at its end and answers have settled, or every script has ended. Gives the scripts' ends
    /// so far, in their order; none for one that still runs.
    pub(crate) async fn converse(mut self) -> Result<Vec<Option<End>>> {
        if std::io::stdin().is_terminal() {
            self.output.note("Type a message; Ctrl-D ends.");
        }
        let mut lines = read_lines()?;
        let mut input_open = true;
        let mut settle_by = None;
        loop {
            self.show_new_messages().await?;
            if input_open && self.every_script_has_ended() {
                input_open = false;
                settle_by = Some(Instant::now() + SETTLE_MAX);
            }
            if !input_open && self.is_settled().await? {
                return Ok(self.ends());
            }
            match self.next(&mut lines, input_open, settle_by).await? {
                Step::Line(line) => self.send(line).await?,
                Step::EndOfInput => {
                    input_open = false;
                    settle_by = Some(Instant::now() + SETTLE_MAX);
                }
                Step::Completed(result) => {
                    self.completed += 1;
                    if let Err(error) = result {
                        self.output.note(&format!("not sent: {}", error.detail));
                    }
                }
                Step::Changed => {}
                // A program that is compiled has a bound of its own.
                Step::NotSettled if self.is_any_loading() => settle_by = Some(Instant::now() + SETTLE_MAX),
                // What scripts end with matters more than a message that cannot be shown.
                Step::NotSettled if self.every_script_has_ended() => return Ok(self.ends()),
                Step::NotSettled => {
                    bail!("answers have not settled within {} s of the input's end", SETTLE_MAX.as_secs());
                }
            }
        }
    }

    /// Waits for the next thing to happen.
    async fn next(
        &mut self,
        lines: &mut mpsc::Receiver<Result<String>>,
        input_open: bool,
        settle_by: Option<Instant>,
    ) -> Result<Step> {
        let statuses = select_all(self.statuses.iter_mut().map(|status| Box::pin(changed(status))));
        Ok(tokio::select! {
            line = lines.recv(), if input_open && self.sent - self.completed < LINES_UNDER_WAY_MAX => line.transpose()?.map_or(Step::EndOfInput, Step::Line),
            completion = self.completions.recv() => {
                Step::Completed(completion.context("the account You has stopped")?.result)
            }
            () = changed(&mut self.you.state) => Step::Changed,
            () = changed(&mut self.scripts_side.state) => Step::Changed,
            _ = statuses => Step::Changed,
            () = sleep_until(settle_by.unwrap_or_else(Instant::now)), if settle_by.is_some() => Step::NotSettled,
        })
    }

    async fn send(&mut self, text: String) -> Result<()> {
        if text.trim().is_empty() {
            return Ok(());
        }
        self.sent += 1;
        let call = Call::SendMessage { to: self.you.other, text, reply_to: None, preview: None };
        self.requests
            .send(Request::new(READER.into(), self.sent, call))
            .await
            .ok()
            .context("the account You has stopped")
    }

    /// Shows what has come. Where nobody reads it, it waits here, and the inbox on disk.
    async fn show_new_messages(&mut self) -> Result<()> {
        let from = self.you.store.peer(self.you.other)?.map_or_else(String::new, |peer| peer.name);
        loop {
            let mut texts = Vec::new();
            let is_more = self.you.read(|message| {
                if !message.flags.outgoing {
                    texts.push(message.text.clone());
                }
            })?;
            for text in texts {
                self.output.chat_message(&from, text.as_deref().unwrap_or("(no text)")).await;
            }
            if !is_more {
                return Ok(());
            }
        }
    }

    /// Whether nothing is under way on either side. Reads the scripts' side before it asks how far the scripts are.
    async fn is_settled(&mut self) -> Result<bool> {
        if self.completed < self.sent {
            return Ok(false);
        }
        self.show_new_messages().await?;
        while self.scripts_side.read(|_| {})? {}
        if self.you.messages != self.scripts_side.messages {
            return Ok(false);
        }
        let seq = self.scripts_side.cursor;
        Ok(self.statuses.iter().all(|status| {
            let status = status.borrow();
            match status.phase {
                Phase::Running => status.handled_seq >= seq && status.calls_pending == 0,
                Phase::Ended(_) => true,
                _ => false,
            }
        }))
    }

    fn every_script_has_ended(&self) -> bool {
        self.statuses.iter().all(|status| matches!(status.borrow().phase, Phase::Ended(_)))
    }

    fn is_any_loading(&self) -> bool {
        self.statuses.iter().any(|status| status.borrow().phase == Phase::Loading)
    }

    fn ends(&self) -> Vec<Option<End>> {
        self.statuses
            .iter()
            .map(|status| match &status.borrow().phase {
                Phase::Ended(end) => Some(end.clone()),
                _ => None,
            })
            .collect()
    }
}

/// Waits for a watch to change; for ever once its sender is gone, since nothing changes then.
async fn changed<T>(watch: &mut watch::Receiver<T>) {
    if watch.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Lines of stdin, read by a thread of their own because such a read cannot be cancelled.
fn read_lines() -> Result<mpsc::Receiver<Result<String>>> {
    let (sender, receiver) = mpsc::channel(LINES_AHEAD_MAX);
    std::thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let line = line.context("cannot read from stdin: what is typed must be UTF-8 text");
            let failed = line.is_err();
            if sender.blocking_send(line).is_err() || failed {
                return;
            }
        }
    })?;
    Ok(receiver)
}
