//! The compile worker as a process of its own: this very program, which is why the test brings its own `main`.

#[path = "../../../../tests/guests/built.rs"]
mod built;

use std::io::Write;
use std::process::ExitCode;

use sandbox::{ComponentSource, Sandbox, SandboxConfig, WorkerCommand};

const WORKER: &str = "compile-worker";

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(WORKER) {
        return sandbox::compile_worker();
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    runtime.block_on(async {
        a_worker_compiles_what_the_host_can_load().await;
        a_worker_that_fails_is_told_from_a_component_that_does().await;
    });
    // As the standard harness says it.
    let _ = writeln!(std::io::stdout(), "test result: ok. 2 passed; 0 failed");
    ExitCode::SUCCESS
}

fn with_worker(program: &str) -> (Sandbox, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let worker = WorkerCommand { program: program.into(), args: vec![WORKER.into()] };
    let config = SandboxConfig { compile_worker: Some(worker), ..SandboxConfig::new(folder.path().join("compiled")) };
    (Sandbox::new(config).expect("the engine starts"), folder)
}

fn this_program() -> String {
    std::env::current_exe().expect("it has a path").into_os_string().into_string().expect("and a name")
}

async fn a_worker_compiles_what_the_host_can_load() {
    let (sandbox, _folder) = with_worker(&this_program());
    for was_cached in [false, true] {
        let program = sandbox.compile(ComponentSource::user(built::puppet()), || ()).await.expect("it compiles");
        assert_eq!(program.was_cached(), was_cached);
    }
}

async fn a_worker_that_fails_is_told_from_a_component_that_does() {
    let mut damaged = built::puppet();
    damaged.truncate(damaged.len() / 2);
    for (program, component, reason) in [
        (this_program().as_str(), damaged, "the component is not valid: "),
        ("/no/such/program", built::puppet(), "the compiler cannot be started (/no/such/program)"),
        ("false", built::puppet(), "the compiler stopped (exit status: 1)"),
        ("true", built::puppet(), "the component could not be compiled: "),
    ] {
        let (sandbox, _folder) = with_worker(program);
        let Err(error) = sandbox.compile(ComponentSource::user(component), || ()).await else {
            panic!("{program} gives a program")
        };
        let error = error.to_string();
        assert!(error.contains(reason), "{error}");
    }
}
