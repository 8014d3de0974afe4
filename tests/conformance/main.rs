//! The `tgl` Python API, row by row: run.py tries each group of rows against a data centre that this process runs.
//!
//! Invariant: a group passes when each of its rows does, and docs/COMPATIBILITY.md says what the rows say.

use std::path::Path;
use std::process::Command;

use datacentre::{Config, DataCentre, Faults};
use serde_json::{Value, json};
use tests::{Process, binary, finish, interop_python, root, run_inside};

/// The data centre's number.
const DC_ID: i32 = 2;

/// A test for each group of rows, so that they run side by side.
macro_rules! groups {
    ($($group:ident)*) => {
        const GROUPS: &[&str] = &[$(stringify!($group)),*];

        $(#[test]
        fn $group() {
            run_inside(stringify!($group), || every_row_passes(stringify!($group)));
        })*
    };
}

groups! { callbacks changes signatures contacts groups messages reading files ends peers msgs running constants }

#[test]
fn every_group_of_rows_is_tried() {
    let names = python("import table; print(*table.all_rows())");
    assert_eq!(names.split_whitespace().collect::<Vec<_>>(), GROUPS);
}

#[test]
fn every_name_has_a_row() {
    assert_eq!(python("import table; print(*table.without_row())").trim(), "");
}

#[test]
fn compatibility_md_is_up_to_date() {
    let said = std::fs::read_to_string(root().join("docs/COMPATIBILITY.md")).unwrap_or_default();
    let meant = python("import table; print(table.markdown(), end='')");
    assert!(said == meant, "docs/COMPATIBILITY.md is not what the rows say: run `cargo xtask test conformance`");
}

/// What Python prints, in the folder of the rows.
fn python(source: &str) -> String {
    let run = finish(Command::new(interop_python()).current_dir(folder()).args(["-c", source]), "");
    assert!(run.status.success(), "{}", run.stderr);
    run.stdout
}

fn folder() -> std::path::PathBuf {
    root().join("tests/conformance")
}

fn every_row_passes(group: &str) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let runtime = tokio::runtime::Runtime::new().expect("a tokio runtime");
    let config = Config { listen: ([127, 0, 0, 1], 0).into(), data_dir: directory.path().join("dc"), dc_id: DC_ID };
    let data_centre = runtime.block_on(DataCentre::start(config)).expect("a data centre");
    let failed = try_group(group, directory.path(), &data_centre);
    runtime.block_on(data_centre.stop());
    assert!(failed.is_empty(), "{} rows failed:\n{}", failed.len(), failed.join("\n"));
}

/// Has run.py try a group, and misbehaves as it asks. Gives the rows that failed, and why.
fn try_group(group: &str, directory: &Path, data_centre: &DataCentre) -> Vec<String> {
    let settings = json!({
        "host": data_centre.address.ip(),
        "port": data_centre.address.port(),
        "dc_id": DC_ID,
        "public_key": data_centre.public_key_path,
        "tglhost": binary(),
        "directory": directory,
        "results": root().join("target/conformance"),
    });
    let mut command = Command::new(interop_python());
    command.arg(folder().join("run.py")).arg(group).arg(settings.to_string());
    let mut run = Process::start(&mut command);
    let mut failed = Vec::new();
    loop {
        let line = run.line();
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        match (&said["fault"], &said["row"], said["failed"].as_str()) {
            (Value::Array(fault), ..) => {
                misbehave(&data_centre.faults(), fault);
                run.write("\"done\"\n");
            }
            (_, Value::String(row), Some(why)) if !why.is_empty() => failed.push(format!("{row}: {why}")),
            _ if said["end"] == group => break,
            _ => {}
        }
    }
    let end = run.finish();
    assert!(end.status.success(), "{}", end.stderr);
    failed
}

fn misbehave(faults: &Faults, fault: &[Value]) {
    let [Value::String(method), code, Value::String(name)] = fault else { panic!("no fault: {fault:?}") };
    faults.fail_next(method, code.as_i64().and_then(|code| i32::try_from(code).ok()).expect("a code"), name);
}
