//! docs/GUESTS.md, done as it says: each guest there is built by its commands, and answers.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use tests::{Process, root, tglhost};

/// Where `cargo xtask test` puts the tools that the page names.
const TOOLS: [&str; 3] = ["componentize-venv/bin", "javascript/node_modules/.bin", "javascript/bin"];

/// What stands between ```` ```language ```` and ```` ``` ```` below this heading of the page.
fn block(page: &str, heading: &str, language: &str) -> String {
    let (_, section) = page.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
    let (_, block) = section.split_once(&format!("\n```{language}\n")).unwrap_or_else(|| panic!("no {language}"));
    block.split_once("\n```").expect("it ends").0.to_owned()
}

/// Builds the guest below this heading, of files in these languages, in a folder of its own.
fn built(heading: &str, languages: &[&str]) -> TempDir {
    let page = fs::read_to_string(root().join("docs/GUESTS.md")).expect("the page");
    let folder = TempDir::new().expect("a folder");
    for language in languages {
        let source = block(&page, heading, language);
        let name = source.lines().next().and_then(|line| line.split_whitespace().nth(1)).expect("the file's name");
        fs::write(folder.path().join(name), &source).expect("written");
    }
    let commands = block(&page, heading, "sh");

    let root = root().canonicalize().expect("the project");
    let tools = TOOLS.map(|tools| root.join("target").join(tools));
    for tools in &tools {
        assert!(tools.is_dir(), "{} is missing: run the tests with `cargo xtask test`", tools.display());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(tools.into_iter().chain(std::env::split_paths(&path))).expect("no colon in it");
    let mut build = Command::new("sh");
    build.args(["-euc", &commands]).current_dir(&folder).env("PATH", path).env("TGLHOST", &root);
    build.env("CARGO_NET_OFFLINE", "true").env_remove("CARGO_TARGET_DIR");
    let output = build.env("VIRTUAL_ENV", root.join("target/componentize-venv")).output().expect("sh starts");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{commands}\n{said}");
    folder
}

#[track_caller]
fn answers(component: &Path) {
    let data = TempDir::new().expect("a folder");
    let mut process = Process::start(tglhost(data.path()).arg("run").arg(component));
    process.write("!ping\n");
    assert_eq!(process.line().trim_end(), "pong", "{}", component.display());
}

#[test]
fn a_script_in_python_as_a_component_answers() {
    let folder = built("Python: a script as a component of its own", &["python"]);
    answers(&folder.path().join("bot.wasm"));
}

#[test]
fn a_guest_in_javascript_answers_by_both_engines() {
    let folder = built("JavaScript", &["js"]);
    answers(&folder.path().join("bot-sm.wasm"));
    answers(&folder.path().join("bot-qjs.wasm"));
}

/// With what `cargo xtask test` has fetched for the project's own guests.
#[test]
fn a_guest_in_rust_without_the_crate_answers() {
    let folder = built("Rust without the crate", &["toml", "rust"]);
    answers(&folder.path().join("bot.wasm"));
}
