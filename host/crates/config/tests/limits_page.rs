//! docs/LIMITS.md is the table of limits.

use std::fs;

use tgl::{LimitRow, Limits};

/// Set to write the page anew.
const WRITE: &str = "TGLHOST_WRITE_LIMITS";

fn page() -> String {
    let mut page = "# Limits\n\nHow much one script may use. A tenant's file and the host's own lower them in a section `[limits]`, by these names; amounts\n\
                    of bytes are numbers or texts as \"64 MiB\".\n\n| limit | default | what it bounds | where it is reached |\n|---|---:|---|---|\n"
        .to_owned();
    for LimitRow { name, default, bounds, reached } in Limits::TABLE {
        let default = amount(name, *default);
        page.push_str(&format!("| `{name}` | {default} | {bounds} | {reached} |\n"));
    }
    page
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
