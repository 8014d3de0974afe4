//! The table of calls against what it must agree with: files of earlier versions, and the contract with guests.

use std::collections::BTreeSet;

use tgl::Call;

/// Calls as they stand in the outboxes of accounts, one a line.
const STORED: &str = include_str!("stored_calls.jsonl");

/// What is said otherwise in the contract than in the table, and how it would be said in the table's way.
const OTHERWISE: [(&str, &str); 2] =
    [("options: send-options", "reply-to: option<message-id>, preview: option<bool>"), ("range: page", "page: page")];

/// A function, its arguments and its outcome, as in the contract.
type Row = (String, String, String);

macro_rules! rows {
    ($(
        $(#[$attribute:meta])*
        $function:ident $call:ident $({ $($argument:ident: $type:ty $([$bound:ident])?),* })?
        -> $outcome:ident, $($property:ident $(($of:ident))?),*;
    )*) => {
        [$((
            stringify!($function).replace('_', "-"),
            arguments(&[$($((stringify!($argument), stringify!($type))),*)?]),
            kebab(stringify!($outcome)),
        )),*]
    };
}

#[test]
fn stored_calls_are_read_and_written_as_ever() {
    let mut names = BTreeSet::new();
    for line in STORED.lines() {
        let call: Call = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(serde_json::to_string(&call).unwrap(), line);
        names.insert(call.name().replace('_', "-"));
    }
    for (function, ..) in tgl::calls!(rows) {
        assert!(names.contains(&function), "{function} has no line");
    }
}

#[test]
fn a_topic_changes_nothing_about_a_call() {
    for line in STORED.lines() {
        let call: Call = serde_json::from_str(line).unwrap();
        let placed = Call::InTopic { topic: 4, send: Box::new(call.clone()) };
        assert_eq!(
            (placed.name(), placed.again(), placed.group(), placed.peers()),
            (call.name(), call.again(), call.group(), call.peers()),
            "{line}"
        );
        assert_eq!((placed.conversation(), placed.names()), (call.conversation(), call.names()), "{line}");
    }
}

#[test]
fn the_table_is_the_contract() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../wit/v0.1/script.wit");
    let mut contract = std::fs::read_to_string(path).unwrap();
    for (said, meant) in OTHERWISE {
        contract = contract.replace(said, meant);
    }
    let (_, calls) = contract.split_once("interface calls {").unwrap();
    let (calls, _) = calls.split_once("\n}").unwrap();
    let (_, calls) = calls.rsplit_once("  record ").unwrap();
    let (contract, table): (BTreeSet<Row>, _) = (functions(calls).collect(), BTreeSet::from(tgl::calls!(rows)));
    assert_eq!(contract.symmetric_difference(&table).collect::<Vec<_>>(), Vec::<&Row>::new(), "in one of them only");
}

/// The functions of a part of the contract.
fn functions(contract: &str) -> impl Iterator<Item = Row> {
    let mut outcome = String::new();
    contract.lines().filter_map(move |line| {
        if let Some((_, named)) = line.split_once("outcome: ") {
            outcome = named.split(|letter: char| !letter.is_alphabetic()).next()?.to_owned();
        }
        let (function, rest) = line.trim().split_once(": func(")?;
        let arguments = rest.strip_suffix(") -> request-id;")?;
        Some((function.to_owned(), arguments.to_owned(), std::mem::take(&mut outcome)))
    })
}

fn arguments(arguments: &[(&str, &str)]) -> String {
    let arguments = arguments.iter().map(|(name, of_type)| format!("{}: {}", kebab(name), kebab(of_type)));
    arguments.collect::<Vec<_>>().join(", ")
}

/// What Rust calls this, as the contract calls it.
fn kebab(rust: &str) -> String {
    let mut kebab = String::new();
    for letter in rust.replace("Vec", "List").chars().filter(|letter| !letter.is_whitespace()) {
        if letter.is_uppercase() && kebab.ends_with(|before: char| before.is_alphabetic()) {
            kebab.push('-');
        }
        kebab.push(if letter == '_' { '-' } else { letter.to_ascii_lowercase() });
    }
    kebab
}
