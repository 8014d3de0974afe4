//! The Dockerfile, which no test builds: what it copies is there, what it runs is what documents say, and it ends as a user
//! of its own.

use std::fs;
use std::process::Command;

use tests::{binary, finish, root};

/// Its instructions, each with what it is given, lines that go on joined.
fn instructions() -> Vec<(String, String)> {
    let text = fs::read_to_string(root().join("host/package/Dockerfile")).expect("it is there");
    let text = text.replace("\\\n", " ");
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once(' ').expect("an instruction")).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
}

fn given<'a>(instructions: &'a [(String, String)], name: &'a str) -> impl Iterator<Item = &'a str> {
    instructions.iter().filter(move |(instruction, _)| instruction == name).map(|(_, given)| given.as_str())
}

#[test]
fn the_program_is_built_as_documents_say_and_copied_from_there() {
    let instructions = instructions();
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("readable");
    let rust =
        manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).expect("it says").trim_matches('"');
    let stages: Vec<&str> = given(&instructions, "FROM").collect();
    assert!(stages[0].starts_with(&format!("rust:{rust}-")) && stages[0].ends_with(" AS build"), "{stages:?}");
    assert!(given(&instructions, "RUN").any(|run| run == "cargo xtask package"));
    let usage = fs::read_to_string(root().join("xtask/src/main.rs")).expect("readable");
    assert!(usage.contains("  package "), "xtask has that verb");
    let copied: Vec<&str> = given(&instructions, "COPY").collect();
    assert_eq!(copied, [". .", "--from=build /tglhost/target/package/tglhost /usr/bin/tglhost"]);
    assert!(given(&instructions, "WORKDIR").any(|folder| folder == "/tglhost"), "it is built there");
}

#[test]
fn it_runs_commands_that_there_are_as_a_user_of_its_own() {
    let instructions = instructions();
    let words = |list: &str| -> Vec<String> { serde_json::from_str(list).expect("a list") };
    let health =
        given(&instructions, "HEALTHCHECK").next().and_then(|check| check.split_once(" CMD ")).expect("a command");
    let health = words(health.1);
    let serve = words(given(&instructions, "CMD").next().expect("a command"));
    assert_eq!(health[0], "tglhost");
    assert_eq!(given(&instructions, "ENTRYPOINT").map(words).collect::<Vec<_>>(), [["tglhost"]]);
    for arguments in [&health[1..], &serve[..]] {
        let run = finish(Command::new(binary()).args(arguments).arg("--help"), "");
        assert_eq!(run.code(), Some(0), "{arguments:?}: {}", run.stderr);
    }
    let users: Vec<&str> = given(&instructions, "USER").collect();
    assert_eq!(users, ["tglhost"]);
    let made = given(&instructions, "RUN").find(|run| run.starts_with("useradd ")).expect("it is made");
    for folder in words(given(&instructions, "VOLUME").next().expect("volumes")) {
        assert!(made.contains(&folder), "{folder} is the user's");
    }
}
