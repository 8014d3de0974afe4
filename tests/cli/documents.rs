//! What the documents tell users to type: every command line of tglhost's in them is one that it takes.

use std::fs;
use std::process::Command;

use tests::{binary, finish, root};

/// Documents that say what to type, beside those in docs/.
const DOCUMENTS: [&str; 3] = ["README.md", "SECURITY.md", "guest-sdk/rust/README.md"];

#[test]
fn every_command_in_the_documents_is_one_that_tglhost_takes() {
    let pages = fs::read_dir(root().join("docs")).expect("listed").map(|entry| entry.expect("an entry").path());
    let pages = pages.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let mut seen = 0;
    for document in DOCUMENTS.iter().map(|name| root().join(name)).chain(pages) {
        let text = fs::read_to_string(&document).expect("readable");
        for line in commands(&text) {
            // `--help` at the end has it say what it can do instead of doing it, once it has understood the rest. A word in
            // capitals stands for a value, and need not be one.
            let run = finish(Command::new(binary()).args(&line).arg("--help"), "");
            let is_known =
                !["unexpected argument", "unrecognized subcommand"].iter().any(|part| run.stderr.contains(part));
            let shown = format!("{}: tglhost {}: {}", document.display(), line.join(" "), run.stderr);
            assert!(run.code() == Some(0) || is_known && has_placeholder(&line), "{shown}");
            seen += 1;
        }
    }
    assert!(seen > 20, "they are found");
}

#[test]
fn the_first_screen_of_the_readme_shows_both_uses() {
    let readme = fs::read_to_string(root().join("README.md")).expect("it is there");
    let screen: Vec<&str> = readme.lines().take(24).collect();
    for shown in ["tglhost run bot.py ", "tglhost serve --example --host my-host "] {
        assert!(screen.iter().any(|line| line.starts_with(&format!("    {shown}"))), "{shown}");
    }
}

/// Whether a word, or what is given after its `=`, is all capitals.
fn has_placeholder(line: &[String]) -> bool {
    let is_one = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    line.iter().flat_map(|word| word.split('=')).any(is_one)
}

/// The arguments of each call of tglhost: in blocks of commands, and within the text between backquotes.
fn commands(text: &str) -> Vec<Vec<String>> {
    let block = text.lines().filter_map(|line| line.strip_prefix("    ")).map(str::to_owned);
    let prose: Vec<&str> = text.lines().filter(|line| !line.starts_with("    ")).collect();
    let prose = prose.join(" ").replace("```", "");
    let quoted: Vec<String> = prose.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    block.chain(quoted).filter_map(|line| arguments(&line)).collect()
}

/// What tglhost is given in a line that calls it, to the comment: by itself, or by sudo with what that is given first.
fn arguments(line: &str) -> Option<Vec<String>> {
    let line = line.split(" #").next().unwrap_or_default();
    let called = match line.split_once("-u tglhost ") {
        Some((sudo, called)) if sudo.starts_with("sudo ") => called,
        _ => line.strip_prefix("sudo ").unwrap_or(line),
    };
    let mut words = called.split_whitespace().skip_while(|word| word.contains('='));
    let program = words.next()?;
    let given: Vec<String> = words.map(str::to_owned).collect();
    // A word alone is its name.
    (program.trim_start_matches("target/debug/") == "tglhost" && !given.is_empty()).then_some(given)
}
