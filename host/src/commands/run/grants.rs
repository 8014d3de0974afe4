//! `--allow`, `--deny` and `--chats`: what scripts may do on their account.
//!
//! Invariant: by themselves they may do what suits a script that its user trusts; the service account's messages only where
//! they are named.

use std::ffi::OsStr;
use std::sync::Arc;

use anyhow::{Result, bail};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, Command, Error};
use tgl::{CHATS_LISTED_MAX, CallGroup, ChatWord, Grants, METHODS_LISTED_MAX};

use crate::commands::SCRIPTS_HEADING;

/// The grant of the service account's messages.
const SERVICE_MESSAGES: &str = "service-messages";
/// What comes before the method of a raw query.
const RAW: &str = "raw=";

#[derive(clap::Args, Default)]
pub(crate) struct GrantArgs {
    /// Lets the scripts do more than they may by themselves. May be given several times
    #[arg(long = "allow", value_name = "WHAT", value_parser = AllowedParser, value_delimiter = ',', help_heading = SCRIPTS_HEADING)]
    allowed: Vec<Word>,
    /// Lets them do less. May be given several times
    #[arg(long = "deny", value_name = "WHAT", value_parser = named(words()), value_delimiter = ',', help_heading = SCRIPTS_HEADING)]
    denied: Vec<Word>,
    /// The only chats that the scripts hear of and write to: users, groups, secret-chats, or single ones as user#5, chat#7,
    /// channel#9 [default: all]
    #[arg(long, value_name = "CHATS", value_delimiter = ',', help_heading = SCRIPTS_HEADING)]
    chats: Vec<ChatWord>,
}

/// What may be allowed and denied.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Word {
    Calls(CallGroup),
    ServiceMessages,
    /// Raw queries of this method.
    Raw(String),
}

impl GrantArgs {
    /// What the scripts may do.
    ///
    /// # Errors
    /// Where one thing is both allowed and denied, or more chats are named than may be.
    pub(crate) fn grants(&self) -> Result<Grants> {
        let mut grants = Grants::trusted();
        if let Some(both) = self.allowed.iter().find(|word| self.denied.contains(word)) {
            bail!("{} is both allowed and denied: give it to --allow or to --deny", both.name());
        }
        for word in &self.allowed {
            match word {
                Word::Calls(group) => drop(grants.calls.insert(*group)),
                Word::ServiceMessages => grants.service_messages = true,
                Word::Raw(method) => drop(Arc::make_mut(&mut grants.raw).insert(method.clone())),
            }
        }
        for word in &self.denied {
            match word {
                Word::Calls(group) => drop(grants.calls.remove(group)),
                Word::ServiceMessages => grants.service_messages = false,
                Word::Raw(method) => drop(Arc::make_mut(&mut grants.raw).remove(method)),
            }
        }
        if grants.raw.len() > METHODS_LISTED_MAX {
            bail!("--allow names {} methods of raw queries, and may name {METHODS_LISTED_MAX}", grants.raw.len());
        }
        if self.chats.len() > CHATS_LISTED_MAX {
            bail!("--chats names {} chats, and may name {CHATS_LISTED_MAX}", self.chats.len());
        }
        if !self.chats.is_empty() {
            grants.chats = Arc::new(self.chats.iter().copied().collect());
        }
        Ok(grants)
    }
}

impl Word {
    fn name(&self) -> String {
        match self {
            Self::Calls(calls) => calls.to_string(),
            Self::ServiceMessages => SERVICE_MESSAGES.to_owned(),
            Self::Raw(method) => format!("{RAW}{method}"),
        }
    }
}

/// Reads what is allowed: what may be denied too, and methods of raw queries.
#[derive(Clone)]
struct AllowedParser;

impl TypedValueParser for AllowedParser {
    type Value = Word;

    fn parse_ref(&self, command: &Command, argument: Option<&Arg>, value: &OsStr) -> Result<Word, Error> {
        let Some(method) = value.to_str().and_then(|value| value.strip_prefix(RAW)) else {
            return named(self.words()).parse_ref(command, argument, value);
        };
        let refused = |why| Error::raw(ErrorKind::ValueValidation, format!("--allow {RAW}{method}: {why}\n"));
        raw_query::check_grantable(method).map_err(|why| refused(why).with_cmd(command))?;
        Ok(Word::Raw(method.to_owned()))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.words().into_iter()))
    }
}

impl AllowedParser {
    fn words(&self) -> Vec<PossibleValue> {
        let raw = PossibleValue::new("raw=METHOD")
            .help("ask Telegram by `tgl.ext_function` what this method gives, in every chat, as raw=help.getConfig");
        words().into_iter().chain([raw]).collect()
    }
}

/// Reads one of these words.
fn named(words: Vec<PossibleValue>) -> impl TypedValueParser<Value = Word> {
    PossibleValuesParser::new(words).map(|name| name.parse().map_or(Word::ServiceMessages, Word::Calls))
}

/// What may be denied.
fn words() -> Vec<PossibleValue> {
    let groups = CallGroup::NAMED.map(|(group, name)| PossibleValue::new(name).help(group.about()));
    let service = PossibleValue::new(SERVICE_MESSAGES)
        .help("see the messages of Telegram's own service account, login codes among them");
    groups.into_iter().chain([service]).collect()
}
