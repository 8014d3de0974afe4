//! The section `[grants]`: what each script may do.
//!
//! Invariant: what is not named is not granted.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use tgl::{CHATS_LISTED_MAX, CallGroup, ChatKind, ChatWord, Giver, Grants, METHODS_LISTED_MAX};
use toml::Spanned;

/// What each script may do.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct GrantsSection {
    /// The calls it may make, by their groups.
    #[schemars(with = "Vec<CallWord>")]
    calls: Vec<Spanned<String>>,
    /// The methods that it may ask Telegram by raw queries (`tgl.ext_function`). They reach every chat of the account, whatever
    /// `chats` says.
    #[schemars(with = "Vec<String>")]
    raw: Vec<Spanned<String>>,
    /// The chats that it hears of, sees and may write to: kinds, or single ones as user#5, chat#7, channel#9.
    #[schemars(with = "Vec<ChatWords>")]
    chats: Vec<Spanned<String>>,
}

impl GrantsSection {
    /// What is granted. What is no grant is told with its span.
    pub(crate) fn read(&self, faults: &mut Vec<(Range<usize>, String)>) -> Grants {
        let calls: Vec<CallGroup> = words(&self.calls, "no group of calls", faults);
        let chats: Vec<ChatWord> = words(&self.chats, "no chat and no kind of chats", faults);
        if let Some(beyond) = self.chats.get(CHATS_LISTED_MAX) {
            let what =
                format!("{} chats are listed, of {CHATS_LISTED_MAX} at most: grant their kind", self.chats.len());
            faults.push((beyond.span(), what));
        }
        Grants {
            calls: calls.into_iter().collect(),
            raw: Arc::new(self.methods(faults)),
            chats: Arc::new(chats.into_iter().collect()),
            service_messages: false,
            giver: Giver::TenantFile,
        }
    }
}

impl GrantsSection {
    fn methods(&self, faults: &mut Vec<(Range<usize>, String)>) -> BTreeSet<String> {
        if let Some(beyond) = self.raw.get(METHODS_LISTED_MAX) {
            let what = format!("{} methods are listed, of {METHODS_LISTED_MAX} at most", self.raw.len());
            faults.push((beyond.span(), what));
        }
        for method in &self.raw {
            if let Err(why) = raw_query::check_grantable(method.get_ref()) {
                faults.push((method.span(), format!("{:?} cannot be granted: {why}", method.get_ref())));
            }
        }
        self.raw.iter().map(|method| method.get_ref().clone()).collect()
    }
}

fn words<T: FromStr<Err = tgl::UnknownName>>(
    words: &[Spanned<String>],
    is_not: &str,
    faults: &mut Vec<(Range<usize>, String)>,
) -> Vec<T> {
    let read = |word: &Spanned<String>| match word.get_ref().parse() {
        Ok(known) => Some(known),
        Err(unknown) => {
            faults.push((word.span(), format!("{:?} is {is_not}: {unknown}", word.get_ref())));
            None
        }
    };
    words.iter().filter_map(read).collect()
}

/// A group of calls, for the schema.
struct CallWord;

impl JsonSchema for CallWord {
    fn schema_name() -> Cow<'static, str> {
        "CallGroup".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let of = |(group, name): (CallGroup, &str)| json_schema!({ "const": name, "description": group.about() });
        json_schema!({ "oneOf": CallGroup::NAMED.map(of) })
    }
}

/// Chats, for the schema.
struct ChatWords;

impl JsonSchema for ChatWords {
    fn schema_name() -> Cow<'static, str> {
        "Chats".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "enum": ChatKind::NAMED.map(|(_, name)| name) },
                OneChat::pattern(),
            ],
        })
    }
}

/// One chat, for the schema.
pub(crate) struct OneChat;

impl OneChat {
    fn pattern() -> Schema {
        json_schema!({ "type": "string", "pattern": "^(user|chat|channel)#[1-9][0-9]*$" })
    }
}

impl JsonSchema for OneChat {
    fn schema_name() -> Cow<'static, str> {
        "Chat".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        Self::pattern()
    }
}
