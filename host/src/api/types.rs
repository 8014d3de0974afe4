//! What a host is asked and what it answers, as JSON.
//!
//! Invariant: plain data; nothing in it is a secret but a token or a code on its way, and those have no `Debug`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// How every script stands that whoever asks may see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Scripts {
    pub(crate) scripts: Vec<ScriptStanding>,
}

/// How a script stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct ScriptStanding {
    /// Whose it is.
    pub(crate) tenant: String,
    /// What its tenant calls it.
    pub(crate) name: String,
    /// The account that it runs on, as the host calls it.
    pub(crate) account: String,
    pub(crate) state: ScriptState,
    /// Why it does not run, or waits, or its account is not connected.
    pub(crate) why: Option<String>,
    /// Events that wait for it.
    pub(crate) waiting_events: u64,
    /// Calls that have not completed.
    pub(crate) waiting_calls: u64,
    /// Events that left the inbox before it came to them, since it was started.
    pub(crate) lost_events: u64,
    /// How often it crashed since it was started.
    pub(crate) crashes: u64,
    pub(crate) usage: Usage,
}

/// What a script has used since it was started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Usage {
    /// Events that it has handled.
    pub(crate) events: u64,
    /// Calls that it has made.
    pub(crate) calls: u64,
    /// CPU time, in milliseconds.
    pub(crate) cpu_ms: u64,
    /// Its linear memory now, in bytes. What it has not written to is shared with others.
    pub(crate) memory_bytes: u64,
    /// How often it has reached its limits: of each that it has, by name.
    pub(crate) limits_reached: BTreeMap<String, u64>,
    /// The median of what an event's callback took, in microseconds, to within a factor of two.
    pub(crate) callback_us_p50: u64,
    /// The same, of 99 in 100.
    pub(crate) callback_us_p99: u64,
}

/// What a script is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ScriptState {
    /// Its program is being loaded.
    Loading,
    /// It is given what was left from last time.
    Starting,
    /// It takes what comes.
    Running,
    /// It had nothing to do, and has no memory until it has.
    Sleeping,
    /// It crashed, and is started again in a while.
    Restarting,
    /// Somebody has stopped it.
    Stopped,
    /// It has ended by itself.
    Ended,
    /// It cannot be run.
    Failed,
}

impl ScriptState {
    /// Its word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Loading => "loading",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Sleeping => "sleeping",
            Self::Restarting => "restarting",
            Self::Stopped => "stopped",
            Self::Ended => "ended",
            Self::Failed => "failed",
        }
    }
}

/// How every account stands that whoever asks may see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Accounts {
    pub(crate) accounts: Vec<AccountStanding>,
}

/// How an account stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct AccountStanding {
    /// What the host calls it; a tenant's own begins with the tenant's name and a dot.
    pub(crate) name: String,
    pub(crate) state: AccountState,
    /// Why it is not online.
    pub(crate) why: Option<String>,
    /// Calls that had to wait because Telegram wanted it (FLOOD_WAIT), since the account was started.
    pub(crate) flood_waits: u64,
    /// Scripts that are to run on it, of those that whoever asks may see.
    pub(crate) scripts: u64,
}

/// What an account is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AccountState {
    /// Connected.
    Online,
    /// It connects.
    Connecting,
    /// It cannot connect, and tries again.
    Waiting,
    /// It was logged out.
    LoggedOut,
    /// It cannot be at work: nobody is logged in, or its data are damaged.
    Failed,
}

impl AccountState {
    /// Its word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Connecting => "connecting",
            Self::Waiting => "waiting",
            Self::LoggedOut => "logged-out",
            Self::Failed => "failed",
        }
    }
}

/// A step of a login. The first is a phone number, a QR code that is wanted, or a bot's token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "step", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum LoginStep {
    /// Have a code sent to this number.
    Phone {
        /// With its country code.
        phone: String,
    },
    /// The code that came.
    Code { code: String },
    /// Have a QR code shown, which a Telegram app that is logged in scans.
    Qr,
    /// Wait until the QR code was accepted or another one is to be shown, which takes a minute at most.
    QrWait,
    /// The password of the second factor.
    Password { password: String },
    /// The name of somebody who is new to Telegram.
    SignUp { first_name: String },
    /// Log a bot in.
    BotToken {
        /// As @BotFather gave it.
        bot_token: String,
    },
}

/// What a login needs next.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "next", rename_all = "kebab-case")]
pub(crate) enum LoginNext {
    /// The code that was sent.
    Code,
    /// That this is shown as a QR code, and scanned; and meanwhile the step `qr-wait`.
    Qr {
        /// Whoever opens it with a Telegram app logs in here, so it is for nobody else's eyes.
        url: String,
        /// How long it can be accepted, in seconds.
        expires_in_s: u64,
    },
    /// The password of the second factor, with what its owner wrote to remember it by.
    Password { hint: Option<String> },
    /// A name: the number is new to Telegram.
    SignUp,
    /// The same step again: what was given is wrong.
    Again { why: String },
    /// Nothing.
    Done(LoggedIn),
}

/// Who is logged in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct LoggedIn {
    pub(crate) user_id: i64,
    pub(crate) user: String,
}

/// What of a script's log is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LogQuery {
    /// So many lines from its end; without it all that is kept.
    pub(crate) lines: Option<u32>,
    /// Whether what comes is wanted too, until whoever asks goes.
    #[serde(default)]
    pub(crate) follow: bool,
}

/// A tenant that is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct NewTenant {
    /// Letters, digits, `-` and `_`.
    pub(crate) name: String,
}

/// A token that reaches one tenant. It is said once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Token {
    pub(crate) tenant: String,
    /// What goes into the header `Authorization: Bearer …`.
    pub(crate) token: String,
}

/// Where what went is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Removed {
    /// The folder that holds what there was of it. Nothing was deleted.
    pub(crate) kept_in: String,
}

/// What came of a reload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Reloaded {
    /// Scripts that go on as they were because their new version cannot be had, and those that cannot be run.
    pub(crate) troubles: Vec<Trouble>,
}

/// A script, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Trouble {
    pub(crate) tenant: String,
    pub(crate) name: String,
    pub(crate) why: String,
}

/// Why something was not done (<https://www.rfc-editor.org/rfc/rfc9457>).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Problem {
    /// The HTTP status.
    pub(crate) status: u16,
    /// What kind of problem it is.
    pub(crate) title: String,
    /// What happened, why, and what to do.
    pub(crate) detail: String,
}
