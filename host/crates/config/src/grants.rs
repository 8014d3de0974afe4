//! The section `[grants]`: what each script may do.
//!
//! Invariant: what is not named is not granted.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use tgl::{CHATS_LISTED_MAX, CallGroup, ChatKind, ChatWord, Giver, Grants, METHODS_LISTED_MAX};
use toml::Spanned;

use crate::named::{FolderSection, Given, Names};

/// What each script may do.
#[derive(Debug, Default, Deserialize, JsonSchema)]
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
    /// Values that it finds in its environment.
    #[schemars(with = "BTreeMap<String, String>")]
    env: BTreeMap<Spanned<String>, Spanned<String>>,
    /// Values that it finds in its environment and nobody else sees: each is the text of a file, from the tenant's folder on, that
    /// its owner alone may read, or of one of the service's credentials.
    #[schemars(with = "BTreeMap<String, PathBuf>")]
    secrets: BTreeMap<Spanned<String>, Spanned<PathBuf>>,
    /// Folders that it finds at `/NAME`.
    #[schemars(with = "BTreeMap<String, FolderSection>")]
    folders: BTreeMap<Spanned<String>, FolderSection>,
}

/// What a script asks for, and what one script may do of what its tenant may.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AskedSection {
    /// Calls, by their groups.
    #[schemars(with = "Vec<CallWord>")]
    calls: Vec<Spanned<String>>,
    /// Methods of raw queries.
    #[schemars(with = "Vec<String>")]
    raw: Vec<Spanned<String>>,
    /// Chats: kinds, or single ones as user#5, chat#7, channel#9.
    #[schemars(with = "Vec<ChatWords>")]
    chats: Vec<Spanned<String>>,
    /// Environment values, by their names.
    #[schemars(with = "Vec<String>")]
    env: Vec<Spanned<String>>,
    /// Secrets, by their names.
    #[schemars(with = "Vec<String>")]
    secrets: Vec<Spanned<String>>,
    /// Folders, by their names.
    #[schemars(with = "Vec<String>")]
    folders: Vec<Spanned<String>>,
}

impl GrantsSection {
    /// What is granted, beside what is given by name. What is no grant is told with its span.
    pub(crate) fn read(&self, faults: &mut Vec<(Range<usize>, String)>) -> Grants {
        grants(&self.calls, &self.raw, &self.chats, faults)
    }

    /// What is given by name to the tenant with this folder.
    pub(crate) fn given(
        &self,
        tenant_folder: &Path,
        own: &[PathBuf],
        faults: &mut Vec<(Range<usize>, String)>,
    ) -> Given {
        Given::read(&self.env, &self.secrets, &self.folders, tenant_folder, own, faults)
    }
}

impl AskedSection {
    /// Tells names in what one script may have that its tenant is not given.
    pub(crate) fn check(&self, given: &Given, faults: &mut Vec<(Range<usize>, String)>) {
        given.check(&self.env, &self.secrets, &self.folders, faults);
    }

    /// What is asked for. What is no grant is told with its span.
    pub(crate) fn read(&self, faults: &mut Vec<(Range<usize>, String)>) -> (Grants, Names) {
        let names = Names::read(&self.env, &self.secrets, &self.folders, faults);
        (grants(&self.calls, &self.raw, &self.chats, faults), names)
    }
}

/// What is asked for and not given, beside what has a name of its own, and how to give it.
pub(crate) fn refused(asked: &Grants, given: &Grants) -> Vec<String> {
    let how = |what: String, key: &str| {
        format!(
            "{what} granted to this script: add it to `{key}` in [grants] in its tenant's file, and in `grants` of the script's \
             own section there if that has them"
        )
    };
    let calls =
        asked.calls.difference(&given.calls).map(|calls| how(format!("the calls \"{calls}\" are not"), "calls"));
    let raw = asked.raw.difference(&given.raw).map(|method| how(format!("the method {method} is not"), "raw"));
    let no_chat = !asked.chats.is_empty() && asked.chats.and(&given.chats).is_empty();
    let chats = no_chat.then(|| how("none of the chats that it asks for is".to_owned(), "chats"));
    calls.chain(raw).chain(chats).collect()
}

fn grants(
    calls: &[Spanned<String>],
    raw: &[Spanned<String>],
    chats: &[Spanned<String>],
    faults: &mut Vec<(Range<usize>, String)>,
) -> Grants {
    let calls: Vec<CallGroup> = words(calls, "no group of calls", faults);
    if let Some(beyond) = chats.get(CHATS_LISTED_MAX) {
        let what = format!("{} chats are listed, of {CHATS_LISTED_MAX} at most: grant their kind", chats.len());
        faults.push((beyond.span(), what));
    }
    for chat in chats.iter().filter(|chat| is_service(chat.get_ref())) {
        let what =
            format!("{} is Telegram's service account, which is kept from scripts: take it away", chat.get_ref());
        faults.push((chat.span(), what));
    }
    let chats: Vec<ChatWord> = words(chats, "no chat and no kind of chats", faults);
    Grants {
        calls: calls.into_iter().collect(),
        raw: Arc::new(methods(raw, faults)),
        chats: Arc::new(chats.into_iter().collect()),
        service_messages: false,
        giver: Giver::TenantFile,
    }
}

/// Whether this means the account by which Telegram writes to users.
pub(crate) fn is_service(chat: &str) -> bool {
    matches!(chat.parse(), Ok(ChatWord::One(chat)) if chat.is_service())
}

fn methods(raw: &[Spanned<String>], faults: &mut Vec<(Range<usize>, String)>) -> BTreeSet<String> {
    if let Some(beyond) = raw.get(METHODS_LISTED_MAX) {
        let what = format!("{} methods are listed, of {METHODS_LISTED_MAX} at most", raw.len());
        faults.push((beyond.span(), what));
    }
    for method in raw {
        if let Err(why) = raw_query::check_grantable(method.get_ref()) {
            faults.push((method.span(), format!("{:?} cannot be granted: {why}", method.get_ref())));
        }
    }
    raw.iter().map(|method| method.get_ref().clone()).collect()
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
