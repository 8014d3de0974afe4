//! A line of JSON: what all of them have, and the kinds that the host itself writes. docs/json.schema.json describes them.
//!
//! Invariant: each is one object on one line, and says when, on which account, of which script and what kind it is.

use serde::Serialize;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

use super::escape;
use super::writer::Stream;

/// What happened. Verbs have kinds of their own beside these.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Line<'a> {
    /// A script printed something.
    Print { stream: Stream, text: &'a str },
    /// A line of a script's log: its own, or an error in one of its callbacks.
    Log { level: &'a str, text: &'a str },
    /// A script's program has been loaded.
    Loaded,
    /// A script has been given what was left from last time, and takes what comes.
    Ready,
    /// A script was stopped, and is started again in a while.
    Crashed { text: &'a str, restart_in_s: u64 },
    /// A script could not be loaded.
    LoadFailed { text: &'a str },
    /// A script is not started again: it crashed too often, or the host cannot keep what it must.
    GivenUp { text: &'a str },
    /// A script is over, whichever way.
    Ended { code: u8, why: &'a str },
    /// Output was dropped: a script wrote too much, or nobody read it.
    Dropped { bytes: u64, why: &'a str },
    /// The account is connected and up to date.
    Connected,
    /// The account is not connected, and tries again.
    Lost { text: &'a str },
    /// A message of the chat in the terminal.
    Message { from: &'a str, text: &'a str },
    /// What is to be scanned as a QR code, to log in.
    QrCode { url: &'a str, expires_in_s: u64 },
    /// A remark for whoever started the command.
    Note { text: &'a str },
    /// A line of the host's own log.
    HostLog { text: &'a str },
    /// The command failed.
    Error { text: &'a str },
    /// What `--version` gives.
    Version { name: &'a str, version: &'a str },
    /// What `--help` gives.
    Help { text: &'a str },
}

/// Whom a line is about.
#[derive(Clone, Copy, Default)]
pub(super) struct About<'a> {
    pub(super) account: Option<&'a str>,
    pub(super) script: Option<&'a str>,
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    time: String,
    account: Option<&'a str>,
    script: Option<&'a str>,
    #[serde(flatten)]
    what: &'a T,
}

/// The line, with its end.
pub(super) fn json(about: About<'_>, what: &impl Serialize) -> String {
    let envelope = Envelope { time: now(), account: about.account, script: about.script, what };
    match serde_json::to_string(&envelope) {
        Ok(line) => format!("{}\n", escape::json(&line)),
        Err(error) => json(about, &Line::Error { text: &format!("cannot write as JSON: {error}") }),
    }
}

/// The time, as RFC 3339 and UTC.
pub(crate) fn now() -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = SystemTime.format_time(&mut Writer::new(&mut text));
    text
}
