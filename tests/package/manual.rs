//! Each verb has a man page that man(1) has no complaint about, and shells complete it.

use std::fs;
use std::process::Command;

use tempfile::TempDir;
use tests::{binary, finish};

use crate::{run_if_there, text};

/// What `tglhost --help` lists, `help` itself aside.
fn verbs() -> Vec<String> {
    let help = finish(Command::new(binary()).arg("--help"), "").stdout;
    let list = help.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("a list of verbs");
    let begins = |line: &&str| line.starts_with("  ") && !line.starts_with("   ");
    let verbs = list.lines().filter(begins).filter_map(|line| line.split_whitespace().next().map(str::to_owned));
    let verbs: Vec<_> = verbs.filter(|verb| verb != "help").collect();
    assert!(verbs.len() > 10, "{help}");
    verbs
}

#[test]
fn every_verb_has_a_page_that_man_reads() {
    let folder = TempDir::new().expect("a folder");
    let written = finish(Command::new(binary()).arg("man-pages").arg(folder.path()), "");
    assert_eq!(written.code(), Some(0), "{}", written.stderr);
    let names = verbs().into_iter().map(|verb| format!("tglhost-{verb}.1")).chain(["tglhost.1".to_owned()]);
    let mut expected: Vec<_> = names.collect();
    expected.sort();
    let pages = fs::read_dir(folder.path()).expect("listed");
    let mut pages: Vec<_> =
        pages.map(|page| page.expect("an entry").file_name().into_string().expect("text")).collect();
    pages.sort();
    assert_eq!(pages, expected);
    for page in pages {
        let mut man = Command::new("man");
        man.env("MANWIDTH", "100").env("LC_ALL", "C.UTF-8").args(["--warnings", "-l"]).arg(folder.path().join(&page));
        let Some(read) = run_if_there(&mut man) else { return };
        assert!(read.status.success() && read.stderr.is_empty(), "{page}: {}", text(&read.stderr));
        let read = text(&read.stdout);
        assert!(read.contains("SYNOPSIS") && read.contains("--json"), "{page}: {read}");
    }
}

#[test]
fn shells_complete_every_verb() {
    for shell in ["bash", "zsh", "fish"] {
        let said = finish(Command::new(binary()).args(["completions", shell]), "");
        assert_eq!(said.code(), Some(0), "{}", said.stderr);
        let missing: Vec<_> = verbs().into_iter().filter(|verb| !said.stdout.contains(verb.as_str())).collect();
        assert!(missing.is_empty(), "{shell}: {missing:?}");
        let json = finish(Command::new(binary()).args(["completions", shell, "--json"]), "");
        assert_eq!(json.json_lines()[0]["text"], said.stdout);
    }
}
