//! `--allow`, `--deny` and `--chats`: what scripts may do on their account.
//!
//! Invariant: by themselves they may do what suits a script that its user trusts; the service account's messages only where
//! they are named.

use anyhow::{Result, bail};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use std::sync::Arc;
use tgl::{CHATS_LISTED_MAX, CallGroup, ChatWord, Grants};

use crate::commands::SCRIPTS_HEADING;

/// The grant of the service account's messages.
const SERVICE_MESSAGES: &str = "service-messages";

#[derive(clap::Args, Default)]
pub(crate) struct GrantArgs {
    /// Lets the scripts do more than they may by themselves. May be given several times
    #[arg(long = "allow", value_name = "WHAT", value_parser = words(), value_delimiter = ',', help_heading = SCRIPTS_HEADING)]
    allowed: Vec<Word>,
    /// Lets them do less. May be given several times
    #[arg(long = "deny", value_name = "WHAT", value_parser = words(), value_delimiter = ',', help_heading = SCRIPTS_HEADING)]
    denied: Vec<Word>,
    /// The only chats that the scripts hear of and write to: users, groups, secret-chats, or single ones as user#5, chat#7,
    /// channel#9 [default: all]
    #[arg(long, value_name = "CHATS", value_delimiter = ',', help_heading = SCRIPTS_HEADING)]
    chats: Vec<ChatWord>,
}

/// What may be allowed and denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Calls(CallGroup),
    ServiceMessages,
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
            }
        }
        for word in &self.denied {
            match word {
                Word::Calls(group) => drop(grants.calls.remove(group)),
                Word::ServiceMessages => grants.service_messages = false,
            }
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
    fn name(self) -> &'static str {
        let group = |group| CallGroup::NAMED.iter().find(|(named, _)| *named == group).map(|(_, name)| *name);
        match self {
            Self::Calls(calls) => group(calls).unwrap_or_default(),
            Self::ServiceMessages => SERVICE_MESSAGES,
        }
    }
}

/// Reads what is allowed or denied, and says what may be.
fn words() -> impl TypedValueParser<Value = Word> {
    let groups = CallGroup::NAMED.map(|(group, name)| PossibleValue::new(name).help(group.about()));
    let service = PossibleValue::new(SERVICE_MESSAGES)
        .help("see the messages of Telegram's own service account, login codes among them");
    let names = groups.into_iter().chain([service]);
    PossibleValuesParser::new(names).map(|name| name.parse().map_or(Word::ServiceMessages, Word::Calls))
}
