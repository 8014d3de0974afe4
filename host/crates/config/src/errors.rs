//! The section `[errors]`: the chat in which a tenant's errors are told.
//!
//! Invariant: it is one chat, of an account that the tenant's scripts may run on.

use std::ops::Range;

use schemars::JsonSchema;
use serde::Deserialize;
use tgl::{ChatWord, PeerId};
use toml::Spanned;

use crate::grants::{OneChat, is_service};

/// Errors of a tenant that are told within an hour.
pub const ERRORS_TOLD_PER_HOUR_MAX: usize = 10;

/// Where the tenant's owner hears of its scripts' errors. Each kind of error is told once an hour.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErrorsSection {
    /// The account that tells them: one of the tenant's own, or one of the host's that is shared with the tenant.
    #[schemars(with = "String")]
    pub(crate) account: Spanned<String>,
    /// The chat, as user#5, chat#7 or channel#9.
    #[schemars(with = "OneChat")]
    chat: Spanned<String>,
}

/// Where a tenant's errors are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorsTo {
    /// The account that tells them.
    pub account: String,
    /// That account is one of the tenant's own.
    pub is_own_account: bool,
    /// The chat.
    pub chat: PeerId,
}

impl ErrorsSection {
    /// The chat. What is none is told with its span.
    pub(crate) fn chat(&self, faults: &mut Vec<(Range<usize>, String)>) -> Option<PeerId> {
        let word = self.chat.get_ref();
        if is_service(word) {
            let what =
                format!("{word} is Telegram's service account, to which nobody can write: name a chat of your own");
            faults.push((self.chat.span(), what));
            return None;
        }
        if let Ok(ChatWord::One(chat)) = word.parse() {
            return Some(chat);
        }
        faults.push((self.chat.span(), format!("{word:?} is not one chat: name it as user#5, chat#7 or channel#9")));
        None
    }
}
