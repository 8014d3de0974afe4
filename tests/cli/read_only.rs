//! A disk that takes nothing: what begins there ends at once, says which place it is and why, and has changed nothing.

use std::path::Path;
use std::process::Command;

use tests::{HostFolder, Process, finish};

/// The same command where this folder is on a disk that is read-only.
fn read_only(folder: &Path, command: &Command) -> Command {
    let mount = "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\" && shift && exec \"$@\"";
    let mut inside = Command::new("unshare");
    inside.args(["--map-root-user", "--mount", "sh", "-c", mount, "sh"]).arg(folder);
    inside.arg(command.get_program()).args(command.get_args());
    inside
}

#[test]
fn a_start_on_a_read_only_disk_ends_and_says_why() {
    let folder = HostFolder::new(&[
        (
            "tglhost.toml",
            "[accounts.house]\ntenants = [\"ann\"]\ndata_centre.embedded = { phone = \"9996610001\", first_name = \"House\" }\n",
        ),
        ("tenants/ann/tenant.toml", "[scripts.bot]\nfile = \"bot.py\"\naccount = \"house\"\n"),
        ("tenants/ann/scripts/bot.py", "print('up')\n"),
        ("run/data/kept", ""),
        ("run/bot.py", "print('up')\n"),
    ]);
    let run = |verb: &str| {
        let mut command = Command::new(tests::binary());
        command.arg(verb).arg("--data").arg(folder.path("run/data"));
        command
    };
    let mut run_script = run("run");
    run_script.arg(folder.path("run/bot.py"));
    let serve = folder.command(&["serve"]);
    let refused = |command: &Command, place: &str| {
        let ended = finish(&mut read_only(&folder.path("."), command), "");
        assert!(matches!(ended.code(), Some(1 | 2)), "{}", ended.stderr);
        assert!(ended.stderr.contains(place) && ended.stderr.contains("Read-only file system"), "{}", ended.stderr);
        assert_eq!(ended.stdout, "");
    };
    refused(&serve, "cannot make the folder");
    refused(&run_script, "cannot use the data directory");
    refused(&run("dc"), "cannot use the data directory");
    // Where there are data already.
    let mut host = folder.serve();
    assert_eq!(host.line(), "ann.bot: up\n");
    host.terminate();
    assert_eq!(host.finish().code(), Some(0));
    refused(&serve, "data/host.lock");
    let mut host = Process::start(&mut folder.command(&["serve"]));
    assert_eq!(host.line(), "ann.bot: up\n");
    host.terminate();
    assert_eq!(host.finish().code(), Some(0));
}
