//! Guests in a process that is locked down: it runs code that it was handed, and opens nothing else.
//! Such a process is this very program, which is why the test brings its own `main`.

#[path = "../../../../tests/guests/built.rs"]
mod built;

#[path = "it/support.rs"]
#[allow(dead_code, reason = "made for the other tests")]
mod support;

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use lockdown::{Allowed, lock_down};
use sandbox::{Code, Compiler, CompilerConfig, ComponentSource, Sandbox};
use support::{cache_dir, started};

/// Runs the code that it is given as its stdin, with a script.
const CLOSED: &str = "closed";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [CLOSED, script] => closed(script),
        _ => {
            a_closed_process_runs_what_it_is_handed();
            // As the standard harness says it.
            let _ = writeln!(std::io::stdout(), "test result: ok. 1 passed; 0 failed");
        }
    }
    ExitCode::SUCCESS
}

fn a_closed_process_runs_what_it_is_handed() {
    let folder = tempfile::tempdir().expect("a folder");
    // The second is open to others: code is in memory alone.
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("it is ours");
    for (cache, component, script) in [
        (folder.path().join("compiled"), built::puppet(), ""),
        (folder.path().to_owned(), built::puppet(), ""),
        (cache_dir(), built::python(), "import tgl\ntgl.set_on_msg_receive(lambda msg: print('works'))"),
    ] {
        let code = run(compiled(&cache, component)).descriptor().expect("a descriptor");
        let program = std::env::current_exe().expect("it has a path");
        let output = Command::new(program)
            .args([CLOSED, script])
            .stdin(code)
            .stderr(Stdio::inherit())
            .output()
            .expect("it runs");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "works\n", "{}", cache.display());
        assert!(output.status.success(), "{}", cache.display());
    }
}

async fn compiled(cache: &Path, component: Vec<u8>) -> Code {
    let compiler = Compiler::new(CompilerConfig::new(cache)).expect("the engine starts");
    compiler.compile(ComponentSource::user(component), || ()).await.expect("it compiles")
}

fn closed(script: &str) {
    let code = std::io::stdin().as_fd().try_clone_to_owned().expect("a descriptor");
    sandbox::prepare();
    assert_eq!(fs::read_dir("/proc/self/task").expect("Linux").count(), 1, "no thread has been started");
    close(&code);
    let sandbox = Sandbox::new(1).expect("the engine starts");
    assert!(is_open("pagemap"), "the pool sees which pages are written to");
    let program = sandbox.load(&Code::handed_over(code)).expect("it is a script");
    let said = run(async {
        let mut guest = started(&program).await;
        guest.load(script).await;
        guest.tell("print works").await
    });
    let _ = writeln!(std::io::stdout(), "{said}");
}

/// Leaves nothing of the system but the file of this code.
fn close(code: &OwnedFd) {
    let allowed = Allowed {
        folders: Vec::new(),
        files: vec![code.as_fd()],
        open_files_max: 64,
        parent_id: std::os::unix::process::parent_id(),
    };
    // Where the kernel lacks a wall, the rest is tried all the same.
    let missing = lock_down(&allowed).expect("closed");
    assert!(File::open("/proc/self/pagemap").is_err() || !missing.is_empty());
}

/// Whether this process has a file of this name open. Links can be read where nothing can be opened.
fn is_open(name: &str) -> bool {
    let links = (0..64).filter_map(|fd| fs::read_link(format!("/proc/self/fd/{fd}")).ok());
    links.into_iter().any(|link| link.ends_with(name))
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().expect("a runtime starts").block_on(work)
}
