//! docs/LIMITS.md is the table of limits.

use std::fs;

use broker::{AWAY_EVENTS_MAX, INBOX_BYTES_MAX, INBOX_EVENTS_MAX};
use config::{ERRORS_TOLD_PER_HOUR_MAX, NAMES_LISTED_MAX, SECRET_BYTES_MAX, TotalRow};
use files::MOUNTS_MAX;
use tgl::{LimitRow, Limits};

/// Set to write the page anew.
const WRITE: &str = "TGLHOST_WRITE_LIMITS";

const TOTALS: &str = "\n## Totals of a tenant\n\nWhat all of a tenant's scripts may use together, by these names in a section `[totals]` of the host's file, for each tenant, and \
of\na tenant's own, which lowers them. The limits of its scripts, added up, are to be within them: a tenant's file in which they are not\nis \
refused, with the script by which they are more. So what holds each script back holds all of them back, and none can use up what\nanother \
was given. The defaults are what\n32 scripts may use, more where the host gives each more. Give many scripts less each in `[limits]`.\n\n| total | default | what it bounds |\n|---|---:|---|\n";
const FIXED: &str = "\n## What no file changes\n\n| | bound | where it is reached |\n|---|---:|---|\n";

fn page() -> String {
    let mut page = "# Limits\n\nHow much one script may use. A script is told once in its log of each limit that it reaches, and `tglhost usage` and the metrics count\nhow often. The host's file sets them in a section `[limits]`, and a tenant's own lowers them, by these names; `tglhost run` takes them as\n`--limit NAME=N`. Amounts\n\
                    of bytes are numbers or texts as \"64 MiB\".\n\n| limit | default | what it bounds | where it is reached |\n|---|---:|---|---|\n"
        .to_owned();
    for LimitRow { name, default, bounds, reached } in Limits::TABLE {
        let default = amount(name, *default);
        page.push_str(&format!("| `{name}` | {default} | {bounds} | {reached} |\n"));
    }
    page.push_str(TOTALS);
    for TotalRow { name, default, bounds } in config::totals() {
        page.push_str(&format!("| `{name}` | {} | {bounds} |\n", amount(name, default)));
    }
    page.push_str(FIXED);
    for (what, bound, reached) in fixed() {
        page.push_str(&format!("| {what} | {bound} | {reached} |\n"));
    }
    page
}

/// What the host keeps of itself for every script, whatever files say.
fn fixed() -> [(&'static str, String, &'static str); 7] {
    [
        (
            "Events that wait for a script that runs and lags",
            format!("{INBOX_EVENTS_MAX} or {} MiB", INBOX_BYTES_MAX >> 20),
            "The oldest are lost, with a line that says how many.",
        ),
        ("Events that wait for a script that does not run", AWAY_EVENTS_MAX.to_string(), "The same."),
        (
            "Timers of a script: one, which it sets anew. Those of Python code are kept in the script's own memory",
            "1".to_owned(),
            "A later one takes the place of the earlier one.",
        ),
        (
            "Environment values that a tenant gives by name, and that a script asks for; secrets, as many",
            NAMES_LISTED_MAX.to_string(),
            "The file is refused.",
        ),
        ("A secret", format!("{} KiB", SECRET_BYTES_MAX >> 10), "The file that names it is refused."),
        ("Folders that a script asks for by name", MOUNTS_MAX.to_string(), "What it asks for is refused."),
        (
            "Errors of a tenant that are told in the chat of its `[errors]` within an hour, each kind once",
            ERRORS_TOLD_PER_HOUR_MAX.to_string(),
            "Further ones are counted, and their number told at the hour's end; `tglhost logs` has all.",
        ),
    ]
}

/// A default as people read it.
fn amount(name: &str, default: u64) -> String {
    match default {
        bytes if name.contains("bytes") && bytes % (1 << 20) == 0 => format!("{} MiB", bytes >> 20),
        bytes if name.contains("bytes") && bytes % (1 << 10) == 0 => format!("{} KiB", bytes >> 10),
        number => number.to_string(),
    }
}

#[test]
fn the_page_is_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/LIMITS.md");
    if std::env::var_os(WRITE).is_some() {
        fs::write(path, page()).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap_or_default(), page(), "run this test with {WRITE}=1 to write it anew");
}
