//! The chat in the terminal: what is typed goes to the scripts' account as messages of a second account, You; what that
//! account answers is printed.
//!
//! Invariant: the end is exact, not guessed: it comes when input is at its end or every script has ended, both accounts
//! hold the same messages of this chat, and every script that still runs has handled all it was given and has no call
//! under way. What it waits for after the input's end is said, and has a bound in time and in messages.

use std::io::{BufRead, IsTerminal, Read};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use broker::Attachment;
use files::FileSpace;
use futures_util::future::select_all;
use runtime::{End, Hold, Phase, Script, ScriptStatus};
use store::ScriptStore;
use supervisor::Account;
use tgl::{AccountState, Call, CallError, Event, Grants, Message, Outcome, PeerId, PeerKind, ScriptName};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use crate::commands::run::Begin;
use crate::output::Output;

/// Lines on their way at a time: fewer than the channel to the account holds, so that sending one never waits for room that
/// only the reading of completions makes.
const LINES_UNDER_WAY_MAX: u64 = 64;
/// Lines read ahead of the sending.
const LINES_AHEAD_MAX: usize = 16;
/// Longest line that is read, in bytes. A message has 4,096 characters at most.
const LINE_BYTES_MAX: u64 = 64 << 10;
/// Events read from an inbox at once.
const EVENTS_AT_ONCE_MAX: usize = 256;
/// How long messages may take to settle after the input's end, or that of the last script: longer than one callback.
const SETTLE_MAX: Duration = Duration::from_secs(120);
/// Messages that may come meanwhile, beside what was typed and an answer to each line of it. A script that answers itself sends
/// them without end.
const SETTLE_MESSAGES_MAX: usize = 5_000;
/// So many scripts that are waited for are named, and the others counted.
const NAMED_MAX: usize = 5;
/// Who waits longer than this after the input's end is told what for.
const SETTLING_SAID_AFTER: Duration = Duration::from_secs(1);
/// The chat's name among the readers of an inbox: one that no script can have, as scripts are named after files.
const READER: &str = "/terminal";

/// One account's view of the chat.
#[derive(Clone)]
pub(crate) struct Side {
    store: ScriptStore,
    state: watch::Receiver<AccountState>,
    other: PeerId,
    cursor: u64,
    /// How far reading is written down: behind the cursor where the disk takes nothing.
    kept: u64,
    counted_from_seq: u64,
    messages: usize,
}

impl Side {
    /// Follows the chat with `other` from here on. What was missed while away is given to `read` where scripts get what
    /// they have missed too, but never counted.
    pub(crate) fn follow(account: &Account, other: PeerId, from: Begin) -> Result<Self> {
        let store = account.store().scripts();
        let last = store.join(READER)?;
        let counted_from_seq = store.inbox_seq();
        let cursor = if from == Begin::Last { last } else { counted_from_seq };
        store.handled(READER, cursor, &[], &[])?;
        Ok(Self {
            store,
            state: account.telegram().state(),
            other,
            cursor,
            kept: cursor,
            counted_from_seq,
            messages: 0,
        })
    }

    /// Reads on, counting the chat's messages and handing each to `each`. Gives whether there may be more.
    fn read(&mut self, mut each: impl FnMut(&Message)) -> Result<bool> {
        let events = self.store.inbox_after(self.cursor, EVENTS_AT_ONCE_MAX)?;
        let last_seq = events.last().map_or(self.cursor, |(seq, _)| *seq);
        for (seq, event) in &events {
            if let Event::Message(message) = &***event
                && self.is_of_this_chat(message)
            {
                self.messages += usize::from(*seq > self.counted_from_seq);
                each(message);
            }
        }
        self.cursor = last_seq;
        self.keep_place()?;
        Ok(!events.is_empty())
    }

    /// Writes down how far reading is. Where the disk takes nothing that is tried again with the next event; what was read
    /// since may be shown once more after the next start.
    fn keep_place(&mut self) -> Result<()> {
        if self.kept < self.cursor {
            match self.store.handled(READER, self.cursor, &[], &[]) {
                Ok(_) => self.kept = self.cursor,
                Err(error) if error.is_passing() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
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
    /// It is time to say what is waited for.
    Settling,
    NotSettled,
}

/// The chat at work.
pub(crate) struct TerminalChat {
    you: Side,
    scripts_side: Side,
    calls: Attachment,
    names: Vec<String>,
    statuses: Vec<watch::Receiver<ScriptStatus>>,
    output: Output,
    sent: u64,
    completed: u64,
    /// There may be messages that were not read yet.
    is_behind: bool,
    settling: Option<Settling>,
}

/// Since the input's end, or that of the last script.
struct Settling {
    until: Instant,
    messages_before: usize,
    /// When to say what is waited for, until it was said.
    say_at: Option<Instant>,
}

impl TerminalChat {
    /// A chat of `account`, whose view of it is `you`, with the account that `scripts` run on, each under its name.
    pub(crate) fn new(
        account: &Account,
        you: Side,
        scripts_side: Side,
        scripts: &[Script],
        names: Vec<String>,
        output: Output,
    ) -> Self {
        let calls = account.telegram().attach(ScriptName::from(READER), FileSpace::empty(), Grants::trusted());
        let statuses = scripts.iter().map(Script::status).collect();
        Self {
            you,
            scripts_side,
            calls,
            names,
            statuses,
            output,
            sent: 0,
            completed: 0,
            is_behind: false,
            settling: None,
        }
    }

    /// Talks until the input is at its end and answers have settled, or every script has ended. Gives the scripts' ends
    /// so far, in their order; none for one that still runs.
    pub(crate) async fn converse(mut self) -> Result<Vec<Option<End>>> {
        if std::io::stdin().is_terminal() {
            self.output.note("Type a message; Ctrl-D ends.");
        }
        let mut lines = read_lines(self.output.clone())?;
        loop {
            self.read_on().await?;
            if self.settling.is_none() && self.every_script_has_ended() {
                self.begin_settling();
            }
            if self.settling.is_some() && self.under_way().is_none() {
                return Ok(self.ends());
            }
            match self.next(&mut lines).await? {
                Step::Line(line) => self.send(line).await?,
                Step::EndOfInput => self.begin_settling(),
                Step::Completed(result) => {
                    self.completed += 1;
                    if let Err(error) = result {
                        self.output.note(&format!("not sent: {}", error.detail));
                    }
                }
                Step::Changed => {}
                Step::Settling => self.say_what_is_waited_for(),
                // A program that is compiled has a bound of its own.
                Step::NotSettled if self.is_any_loading() => self.begin_settling(),
                // What scripts end with matters more than a message that cannot be shown.
                Step::NotSettled if self.every_script_has_ended() => return Ok(self.ends()),
                Step::NotSettled => return Err(self.not_settled()),
            }
        }
    }

    /// Waits for the next thing to happen.
    async fn next(&mut self, lines: &mut mpsc::Receiver<Result<String>>) -> Result<Step> {
        let takes_lines = self.settling.is_none() && self.sent - self.completed < LINES_UNDER_WAY_MAX;
        if self.are_too_many() {
            return Ok(Step::NotSettled);
        }
        let (until, say_at) = self.settling.as_ref().map(|settling| (settling.until, settling.say_at)).unzip();
        let statuses = select_all(self.statuses.iter_mut().map(|status| Box::pin(changed(status))));
        Ok(tokio::select! {
            line = lines.recv(), if takes_lines => line.transpose()?.map_or(Step::EndOfInput, Step::Line),
            completion = self.calls.completions.recv() => {
                Step::Completed(completion.context("the account You has stopped")?.completion.result)
            }
            () = changed(&mut self.you.state) => Step::Changed,
            () = changed(&mut self.scripts_side.state) => Step::Changed,
            _ = statuses => Step::Changed,
            () = std::future::ready(()), if self.is_behind => Step::Changed,
            () = at(say_at.flatten()) => Step::Settling,
            () = at(until) => Step::NotSettled,
        })
    }

    async fn send(&mut self, text: String) -> Result<()> {
        if text.trim().is_empty() {
            return Ok(());
        }
        self.sent += 1;
        let call = Call::SendMessage { to: self.you.other, text, reply_to: None, preview: None };
        self.calls.send(self.sent, call).await.context("the account You takes no calls")
    }

    /// Shows some of what has come, and counts it on the scripts' side. Where nobody reads it, it waits here, and the inbox on
    /// disk.
    async fn read_on(&mut self) -> Result<()> {
        let from = self.you.store.peer(self.you.other)?.map_or_else(String::new, |peer| peer.name);
        let mut texts = Vec::new();
        let is_more = self.you.read(|message| {
            if !message.flags.outgoing {
                texts.push(message.text.clone());
            }
        })?;
        for text in texts {
            let text = text.as_deref().unwrap_or("(no text)");
            self.output.chat_message(&from, text, self.names.len() > 1).await;
        }
        self.is_behind = self.scripts_side.read(|_| {})? || is_more;
        Ok(())
    }

    /// What is not at its end yet, in words; none if nothing is under way on either side. The scripts' side has been read
    /// before it is asked how far the scripts are.
    fn under_way(&self) -> Option<String> {
        if self.completed < self.sent {
            return Some("what was typed is still being sent".to_owned());
        }
        let seq = self.scripts_side.cursor;
        let of_script = |(name, status): (&String, &watch::Receiver<ScriptStatus>)| {
            let status = status.borrow();
            match status.phase {
                Phase::Loading => Some(format!("{name} is being loaded")),
                Phase::BackingOff => Some(format!("{name} is about to be started again")),
                Phase::Starting => Some(format!("{name} is handling messages")),
                Phase::Running | Phase::Sleeping if status.handled_seq < seq => {
                    Some(format!("{name} is handling messages"))
                }
                Phase::Running if status.calls_pending > 0 => Some(format!("{name} has calls under way")),
                Phase::Running | Phase::Sleeping | Phase::Ended(_) => None,
            }
        };
        let of_scripts: Vec<String> = self.names.iter().zip(&self.statuses).filter_map(of_script).collect();
        if let Some((named, others)) = of_scripts.split_at_checked(NAMED_MAX).filter(|(_, others)| !others.is_empty()) {
            return Some(format!("{}, and {} more are not done", named.join(", "), others.len()));
        }
        if !of_scripts.is_empty() {
            return Some(of_scripts.join(", "));
        }
        let is_any_missing = self.is_behind || self.you.messages != self.scripts_side.messages;
        is_any_missing.then(|| "messages are on their way".to_owned())
    }

    /// From now on only what is under way is waited for.
    fn begin_settling(&mut self) {
        let (now, old) = (Instant::now(), self.settling.take());
        self.settling = Some(Settling {
            until: now + SETTLE_MAX,
            messages_before: self.you.messages,
            say_at: old.map_or(Some(now + SETTLING_SAID_AFTER), |old| old.say_at),
        });
    }

    fn say_what_is_waited_for(&mut self) {
        let what = self.under_way().unwrap_or_default();
        let at_end = if self.every_script_has_ended() { "Every script has ended" } else { "The input is at its end" };
        self.output.note(&format!("{at_end}, but {what}; Ctrl-C ends it."));
        if let Some(settling) = &mut self.settling {
            settling.say_at = None;
        }
    }

    fn are_too_many(&self) -> bool {
        let max =
            SETTLE_MESSAGES_MAX.saturating_add(usize::try_from(self.sent).unwrap_or(usize::MAX).saturating_mul(2));
        self.settling.as_ref().is_some_and(|settling| self.you.messages - settling.messages_before > max)
    }

    fn not_settled(&self) -> anyhow::Error {
        let what = self.under_way().unwrap_or_default();
        if self.are_too_many() {
            return anyhow!(
                "more than {SETTLE_MESSAGES_MAX} messages have come since the input's end, and {what}: does a script answer \
                 itself? `msg.out` tells it which messages are its own"
            );
        }
        anyhow!("{} s after the input's end {what}: it is waited for no longer", SETTLE_MAX.as_secs())
    }

    fn every_script_has_ended(&self) -> bool {
        self.statuses.iter().all(|status| matches!(status.borrow().phase, Phase::Ended(_)))
    }

    /// Whether a script is on its way to its first message, and waits for no disk.
    fn is_any_loading(&self) -> bool {
        let is_loading = |status: &ScriptStatus| {
            matches!(status.phase, Phase::Loading | Phase::Starting) && status.hold != Some(Hold::Disk)
        };
        self.statuses.iter().any(|status| is_loading(&status.borrow()))
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

/// Waits for a moment; for ever where there is none.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// Waits for a watch to change; for ever once its sender is gone, since nothing changes then.
async fn changed<T>(watch: &mut watch::Receiver<T>) {
    if watch.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Lines of stdin, read by a thread of their own because such a read cannot be cancelled.
fn read_lines(output: Output) -> Result<mpsc::Receiver<Result<String>>> {
    let (sender, receiver) = mpsc::channel(LINES_AHEAD_MAX);
    std::thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        let mut stdin = std::io::stdin().lock();
        loop {
            let line = match read_line(&mut stdin).context("cannot read from stdin").transpose() {
                None => return,
                Some(Ok(Line::Text(text))) => Ok(text),
                Some(Ok(Line::Unfit(why))) => {
                    output.note(&format!("A line was not sent: {why}."));
                    continue;
                }
                Some(Err(error)) => Err(error),
            };
            let failed = line.is_err();
            if sender.blocking_send(line).is_err() || failed {
                return;
            }
        }
    })?;
    Ok(receiver)
}

/// A line that was typed.
enum Line {
    Text(String),
    /// One that cannot be a message, and why.
    Unfit(&'static str),
}

/// The next line, without its end; none at the input's end.
fn read_line(input: &mut impl BufRead) -> std::io::Result<Option<Line>> {
    let mut line = Vec::new();
    if input.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.len() as u64 == LINE_BYTES_MAX && !line.ends_with(b"\n") {
        input.skip_until(b'\n')?;
        return Ok(Some(Line::Unfit("it is longer than any message can be")));
    }
    let line = line.strip_suffix(b"\n").unwrap_or(&line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    Ok(Some(match std::str::from_utf8(line) {
        Ok(text) => Line::Text(text.to_owned()),
        Err(_) => Line::Unfit("it is not UTF-8 text"),
    }))
}
