//! What the user sees: text, or one JSON object per line.
//!
//! Invariant: whoever has something to say never waits for whoever reads it, a chat's messages and the process's end aside;
//! and a script cannot steer the user's terminal or forge a line that is not its own.

mod escape;
mod line;
mod qr_code;
mod script_logs;
mod voice;
mod writer;

use std::borrow::Cow;
use std::io::IsTerminal;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::io::Errno;
use sandbox::Limits;
use serde::Serialize;
use tgl::ScriptName;

pub(crate) use self::escape::line as escaped_line;
use self::line::About;
pub(crate) use self::line::{Line, now};
pub(crate) use self::script_logs::{LOG_LINES_MAX, LogTail, ScriptLog, ScriptLogs};
pub(crate) use self::voice::{Voice, exit_code};
use self::writer::{Loss, Stream, Writer};
use crate::FAILED_CODE;
use crate::signals::asked_to_end;

/// What a command ends with whose output nobody reads, by convention: as by SIGPIPE.
pub(crate) const NOBODY_READS_CODE: u8 = 141;
/// What is said then.
const NOBODY_READS: &str = "nobody reads stdout any more";

/// What lines of the chat begin with among several scripts' lines. The account's own name is the scripts' to change.
const CHAT_NAME: &str = "chat";
/// How long the process's end waits for a reader that reads nothing.
const FLUSH_STALL_MAX: Duration = Duration::from_secs(10);
/// The same where the process has been asked to end.
const FLUSH_STALL_IN_HASTE_MAX: Duration = Duration::from_millis(500);

/// Where results, notes and what scripts say go. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Output {
    shared: Arc<Shared>,
    account: Option<Arc<str>>,
    script: Option<Arc<str>>,
}

struct Shared {
    json: bool,
    stdout: Writer,
    stderr: Writer,
    is_in_haste: AtomicBool,
}

impl Output {
    /// Text, or JSON lines.
    pub(crate) fn new(json: bool) -> std::io::Result<Self> {
        Self::to(json, rustix::stdio::stdout(), rustix::stdio::stderr())
    }

    fn to(json: bool, stdout: impl AsFd + Send + 'static, stderr: impl AsFd + Send + 'static) -> std::io::Result<Self> {
        let stderr = Writer::start(stderr, move |stderr, loss| match loss {
            Loss::Dropped(bytes) => stderr.say(&dropped_text(Stream::Stderr, bytes)),
            // There is no other place to say it.
            Loss::Unwritable(_) => {}
        })?;
        let notes = stderr.clone();
        let stdout = Writer::start(stdout, move |stdout, loss| match loss {
            Loss::Dropped(bytes) if json => {
                stdout.say(&line::json(About::default(), &Line::Dropped { bytes, why: "nobody_reads" }));
            }
            Loss::Dropped(bytes) => notes.say(&dropped_text(Stream::Stdout, bytes)),
            Loss::Unwritable(error) => notes.say(&format!("tglhost: {}\n", unwritable_text(error))),
        })?;
        let shared = Shared { json, stdout, stderr, is_in_haste: AtomicBool::new(false) };
        Ok(Self { shared: Arc::new(shared), account: None, script: None })
    }

    /// The same, for what is about this account.
    pub(crate) fn on_account(&self, name: &str) -> Self {
        Self { account: Some(name.into()), ..self.clone() }
    }

    /// The same, for what is about this script.
    pub(crate) fn about_script(&self, name: &str) -> Self {
        Self { script: Some(name.into()), ..self.clone() }
    }

    /// The way of one script, which is alone or one of several, and may have a log of its own.
    pub(crate) fn voice(
        &self,
        script: ScriptName,
        log: Option<ScriptLog>,
        is_one_of_several: bool,
        limits: &Limits,
    ) -> Arc<Voice> {
        Arc::new(Voice::new(self, script, log, is_one_of_several, limits))
    }

    /// Whether somebody sits at a terminal that this process reads or writes.
    pub(crate) fn is_on_terminal(&self) -> bool {
        std::io::stdin().is_terminal() || std::io::stdout().is_terminal() || std::io::stderr().is_terminal()
    }

    /// Whether JSON lines were asked for.
    pub(crate) fn is_json(&self) -> bool {
        self.shared.json
    }

    /// A result of the verb: the value as JSON, else the text as one line.
    pub(crate) fn result(&self, value: &impl Serialize, text: &str) {
        if self.is_json() {
            self.json(value);
        } else {
            self.write(Stream::Stdout, &format!("{}\n", escape::line(text)));
        }
    }

    /// A result of several lines: the value as JSON, else the text as it is.
    pub(crate) fn document(&self, value: &impl Serialize, text: &str) {
        if self.is_json() {
            self.json(value);
        } else {
            self.write(Stream::Stdout, &self.for_terminal(Stream::Stdout, text));
        }
    }

    /// A line of JSON, whatever was asked for. The value says its `kind`.
    pub(crate) fn json(&self, value: &impl Serialize) {
        self.write(Stream::Stdout, &self.json_line(value));
    }

    /// A line of JSON that another process has made.
    pub(crate) fn pass_json_line(&self, line: &str) {
        self.write(Stream::Stdout, &format!("{}\n", escape::json(line)));
    }

    /// Has the terminal begin anew that stdout is, if it is one.
    pub(crate) fn clear_terminal(&self) {
        if std::io::stdout().is_terminal() {
            self.write(Stream::Stdout, "\x1b[H\x1b[2J");
        }
    }

    /// Something that happened: the line as JSON, else the text for the person at the terminal.
    pub(crate) fn tell(&self, line: &Line<'_>, text: &str) {
        if self.is_json() {
            self.json(line);
        } else {
            self.write(Stream::Stderr, &format!("{}\n", escape::paragraph(text)));
        }
    }

    /// A line for the person at the terminal; it is no result.
    pub(crate) fn note(&self, text: &str) {
        self.tell(&Line::Note { text }, text);
    }

    /// A login by QR code: what is to be scanned, and how long it is good for. It is nobody else's to see, and is in no log.
    pub(crate) fn qr_code(&self, url: &str, expires_in_s: u64) -> anyhow::Result<()> {
        if self.is_json() {
            self.json(&Line::QrCode { url, expires_in_s });
            return Ok(());
        }
        let picture = qr_code::picture(url, std::io::stderr().is_terminal())?;
        self.write(Stream::Stderr, &picture);
        self.note(&format!(
            "Scan this with a Telegram app that is logged in (Settings, Devices, Link Desktop Device) within {expires_in_s} s; \
             then there is a new one. It is the link\n{url}"
        ));
        Ok(())
    }

    /// The command's end in an error: what, why, and what to do where that is not said by what failed.
    pub(crate) fn failed(&self, error: &anyhow::Error) {
        let is_limit = |cause: &std::io::Error| Errno::from_io_error(cause) == Some(Errno::MFILE);
        let is_limit = error.chain().filter_map(|cause| cause.downcast_ref()).any(is_limit);
        let advice = if is_limit { "; give it more open files (ulimit -n)" } else { "" };
        let text = sentence(error) + advice;
        self.tell(&Line::Error { text: &text }, &format!("tglhost: {text}"));
    }

    /// A line of the host's own log.
    pub(crate) fn host_log(&self, text: &str) {
        self.tell(&Line::HostLog { text }, &format!("{} {text}", now()));
    }

    /// A message of the chat in this terminal; where several scripts run, its lines are named as the chat's, so that they are
    /// taken for nobody else's. Waits where it is not read as fast as it comes.
    pub(crate) async fn chat_message(&self, from: &str, text: &str, is_of_several: bool) {
        let text = if self.is_json() {
            self.json_line(&Line::Message { from, text })
        } else {
            escape::lines(text, is_of_several.then_some(CHAT_NAME))
        };
        self.shared.stdout.say_in_time(&text).await;
    }

    /// Ready when stdout's reader has gone: what is written from then on is lost. Says so.
    pub(crate) async fn until_nobody_reads(&self) {
        self.shared.stdout.until_closed().await;
        self.shared.stderr.say(&format!("tglhost: {NOBODY_READS}: the command ends\n"));
    }

    /// The process has been asked to end: what nobody reads is not waited for any more.
    pub(crate) fn hurry(&self) {
        self.shared.is_in_haste.store(true, Ordering::Relaxed);
    }

    /// The process's end. Gives the code to end with: one that says that something is lost, where all else went well.
    pub(crate) fn end(&self, code: u8) -> u8 {
        self.finish();
        let Some(error) = self.shared.stdout.error().filter(|_| code == 0) else { return code };
        if error == Errno::PIPE {
            self.shared.stderr.say(&format!("tglhost: {NOBODY_READS}\n"));
            self.finish();
        }
        lost_code(error)
    }

    /// Waits until all has been written, as long as somebody reads it and nobody asks to end.
    pub(crate) fn finish(&self) {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            match asked_to_end(self) {
                Ok(asked_to_end) => tokio::select! {
                    () = self.flush() => {}
                    _ = asked_to_end => {}
                },
                Err(_) => self.flush().await,
            }
        });
    }

    /// Waits until all has been written, as long as somebody reads it.
    async fn flush(&self) {
        let is_in_haste = self.shared.is_in_haste.load(Ordering::Relaxed);
        let stall_max = if is_in_haste { FLUSH_STALL_IN_HASTE_MAX } else { FLUSH_STALL_MAX };
        // What stdout did not take is told on stderr.
        self.shared.stdout.flush(stall_max).await;
        self.shared.stderr.flush(stall_max).await;
    }

    /// From now on a copy of the notes goes there as well.
    pub(crate) fn set_witness(&self, witness: OwnedFd) {
        self.notes().set_witness(witness);
    }

    /// Ends the copying after what has been said so far, and gives back where it went.
    pub(crate) async fn dismiss_witness(&self) -> Option<Arc<OwnedFd>> {
        self.flush().await;
        self.notes().dismiss_witness()
    }

    /// Passes on notes of another process as they are.
    pub(crate) fn pass_on(&self, notes: &str) {
        let stream = if self.is_json() { Stream::Stdout } else { Stream::Stderr };
        self.write(stream, &self.for_terminal(stream, notes));
    }

    fn notes(&self) -> &Writer {
        if self.is_json() { &self.shared.stdout } else { &self.shared.stderr }
    }

    fn json_line(&self, what: &impl Serialize) -> String {
        line::json(About { account: self.account.as_deref(), script: self.script.as_deref() }, what)
    }

    /// Text as it is; without what steers a terminal, where the stream is one.
    fn for_terminal<'a>(&self, stream: Stream, text: &'a str) -> Cow<'a, str> {
        // Not asked beforehand: a log file may take the terminal's place.
        let is_terminal = match stream {
            Stream::Stdout => std::io::stdout().is_terminal(),
            Stream::Stderr => std::io::stderr().is_terminal(),
        };
        if is_terminal { Cow::Owned(escape::without_control(text)) } else { Cow::Borrowed(text) }
    }

    fn write(&self, stream: Stream, text: &str) {
        match stream {
            Stream::Stdout => self.shared.stdout.say(text),
            Stream::Stderr => self.shared.stderr.say(text),
        }
    }
}

/// What is said where nobody has read a stream for a while.
fn dropped_text(stream: Stream, bytes: u64) -> String {
    let stream = match stream {
        Stream::Stdout => "stdout",
        Stream::Stderr => "stderr",
    };
    format!("tglhost: {bytes} bytes for {stream} were dropped: they could not be written in time\n")
}

/// The code of a command that did all it had to, but what belongs on stdout.
fn lost_code(error: Errno) -> u8 {
    if error == Errno::PIPE { NOBODY_READS_CODE } else { FAILED_CODE }
}

/// Prints what clap has to say before there is any other output, and gives the code to end with.
pub(crate) fn print(message: &clap::Error) -> u8 {
    let code = message.exit_code() as u8;
    // Where stderr cannot be written there is nothing left to do.
    let Some(error) = message.print().err().filter(|_| !message.use_stderr()) else { return code };
    let error = Errno::from_io_error(&error).unwrap_or(Errno::IO);
    eprintln!("tglhost: {}", if error == Errno::PIPE { NOBODY_READS.to_owned() } else { unwritable_text(error) });
    lost_code(error)
}

/// What is said where stdout cannot be written.
fn unwritable_text(error: Errno) -> String {
    format!("cannot write to stdout: {}; what belongs there is lost until that works", std::io::Error::from(error))
}

/// An error and its causes in one line, each said once.
pub(crate) fn sentence(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&cause);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_each_cause_once() {
        let error = anyhow::anyhow!("refused").context("cannot connect: refused").context("no chat");
        assert_eq!(sentence(&error), "no chat: cannot connect: refused");
    }
}
