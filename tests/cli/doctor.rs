//! `tglhost doctor`: things are broken on purpose, and it says what, and what to do.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::Value;
use tests::{Finished, HostFolder, after, binary, finish};

const HOST: &str = "[accounts.house]\ntenants = [\"ann\"]\n\
                    data_centre.embedded = { phone = \"9996610001\", first_name = \"House\" }\n";
const TENANT: &str = "[scripts.bot]\nfile = \"bot.py\"\naccount = \"house\"\n";

fn host() -> HostFolder {
    let folder = HostFolder::new(&[
        ("tglhost.toml", HOST),
        ("tenants/ann/tenant.toml", TENANT),
        ("tenants/ann/scripts/bot.py", "# /// tglhost\n# calls = []\n# ///\n"),
        ("data/something", ""),
    ]);
    fs::set_permissions(folder.path("data"), Permissions::from_mode(0o700)).expect("set");
    folder
}

/// What it finds, by what that is about.
fn findings(run: &Finished, about: &str) -> Vec<Value> {
    run.json_lines().into_iter().filter(|line| line["about"] == about).collect()
}

#[test]
fn where_all_is_well_it_says_so_and_has_run_a_script() {
    let folder = host();
    let run = folder.ask(&["doctor", "--json"]);
    assert_eq!(run.code(), Some(0), "{}", run.stdout);
    for (about, part) in [
        ("limits", "files may be open"),
        ("python", "Python component"),
        ("data", "this user's alone"),
        ("cache", ""),
        ("worker", "ran in a locked-down worker"),
        ("host", "not at work"),
        ("files", "1 tenants, 1 scripts"),
    ] {
        let found = findings(&run, about);
        assert!(found.iter().any(|line| line["text"].as_str().unwrap().contains(part)), "{about}: {}", run.stdout);
    }
    assert!(fs::read_dir(folder.path("data")).expect("listed").count() == 1, "nothing is made");
    let host = folder.serve();
    let run = folder.ask(&["doctor"]);
    assert_eq!(run.code(), Some(0), "{}", run.stdout);
    assert!(run.stdout.contains("right   host       it is at work\n"), "{}", run.stdout);
    host.terminate();
    assert_eq!(host.finish().code(), Some(0));
}

#[test]
fn what_is_broken_is_found_with_what_to_do() {
    type Break = fn(&HostFolder);
    /// What is done to the host, and to the command; what it is about, what is said and what is advised.
    type Case = (Break, &'static str, &'static str, &'static str, &'static str);
    let nothing: Break = |_| {};
    let cases: [Case; 9] = [
        (nothing, "ulimit -n 256", "limits", "256 files may be open", "LimitNOFILE="),
        (
            |folder| fs::set_permissions(folder.path("data"), Permissions::from_mode(0o755)).unwrap(),
            "true",
            "data",
            "is open to other users",
            "chmod 700",
        ),
        (
            |folder| std::os::unix::fs::chown(folder.path("data/something"), Some(12_345), None).unwrap(),
            "true",
            "data",
            "belongs to user 12345",
            "chown -R",
        ),
        (
            |folder| {
                fs::remove_dir_all(folder.path("data")).unwrap();
                folder.write("data", "");
            },
            "true",
            "data",
            "is no folder",
            "move it away",
        ),
        (nothing, "export XDG_CACHE_HOME=/dev/null", "cache", "/dev/null/tglhost", "compiles all programs anew"),
        (nothing, "export XDG_CACHE_HOME=/proc/self", "cache", "is not there yet", "cannot be made in"),
        (nothing, "export TMPDIR=/proc/self", "worker", "no temporary folder", "see to that first"),
        (
            |folder| folder.write("tenants/ann/tenant.toml", "nonsense = 1\n"),
            "true",
            "files",
            "tenant.toml:1:1",
            "tglhost check",
        ),
        (
            |folder| {
                folder.write("hash", "0123456789abcdef0123456789abcdef\n");
                folder.write(
                    "tglhost.toml",
                    "[telegram]\napi_id = 1\napi_hash_file = \"hash\"\n[accounts.house]\ntenants = [\"ann\"]\n",
                );
            },
            "true",
            "account",
            "nobody is logged in to house",
            "tglhost account login house --phone",
        ),
    ];
    for (break_it, first, about, text, advice) in cases {
        if rustix::process::geteuid().is_root() || !text.contains("belongs to user") {
            let folder = host();
            break_it(&folder);
            let run = finish(&mut after(first, &folder.command(&["doctor", "--json"])), "");
            assert_eq!(run.code(), Some(1), "{about}, {text}: {}{}", run.stdout, run.stderr);
            let is_it = |line: &Value| {
                line["state"] == "wrong"
                    && line["text"].as_str().unwrap().contains(text)
                    && line["advice"].as_str().unwrap().contains(advice)
            };
            assert!(findings(&run, about).iter().any(is_it), "{about}, {text}: {}{}", run.stdout, run.stderr);
        }
    }
}

#[test]
fn without_a_host_it_looks_at_the_machine() {
    let data = tempfile::TempDir::new().expect("a folder");
    let run = finish(Command::new(binary()).args(["doctor", "--data"]).arg(data.path().join("data")), "");
    assert_eq!(run.code(), Some(0), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("worker") && !run.stdout.contains("  files  "), "{}", run.stdout);
}
