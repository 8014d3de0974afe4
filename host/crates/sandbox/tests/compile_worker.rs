//! The compile worker as a process of its own, and several hosts at once: all of them this very program, which is why the
//! test brings its own `main`.

#[path = "../../../../tests/guests/built.rs"]
mod built;

#[path = "it/components.rs"]
#[allow(dead_code, reason = "made for the other tests")]
mod components;

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use sandbox::{CompileError, Compiler, CompilerCommand, CompilerConfig, ComponentSource, Sandbox};

const WORKER: &str = "compile-worker";
/// A worker that waits at a gate if there is a token for it.
const SLOW_WORKER: &str = "slow-worker";
/// A host that has the puppet compiled.
const HOST: &str = "host";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [WORKER] => sandbox::compile_worker(),
        [SLOW_WORKER, gate] => slow_worker(Path::new(gate)),
        [HOST, cache] => run(host(Path::new(cache))),
        _ => run(async {
            a_worker_compiles_what_the_host_can_load().await;
            a_worker_that_fails_is_told_from_a_component_that_does().await;
            a_component_that_compiles_for_long_holds_up_no_other().await;
            hosts_that_start_at_once_compile_a_component_once();
            // As the standard harness says it.
            let _ = writeln!(std::io::stdout(), "test result: ok. 4 passed; 0 failed");
        }),
    }
}

fn run(work: impl Future<Output = ()>) -> ExitCode {
    tokio::runtime::Runtime::new().expect("a runtime starts").block_on(work);
    ExitCode::SUCCESS
}

/// A compiler whose worker is this program with these arguments, or another program.
fn with_worker(program: &str, args: &[&str]) -> (Compiler, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let worker = CompilerCommand { program: program.into(), args: args.iter().map(Into::into).collect() };
    let config = CompilerConfig { compile_worker: Some(worker), ..CompilerConfig::new(folder.path().join("compiled")) };
    (Compiler::new(config).expect("the engine starts"), folder)
}

fn this_program() -> String {
    std::env::current_exe().expect("it has a path").into_os_string().into_string().expect("and a name")
}

async fn a_worker_compiles_what_the_host_can_load() {
    let (compiler, _folder) = with_worker(&this_program(), &[WORKER]);
    let sandbox = Sandbox::new(1).expect("the engine starts");
    for was_cached in [false, true] {
        let code = compiler.compile(ComponentSource::user(built::puppet()), || ()).await.expect("it compiles");
        assert_eq!(code.was_cached(), was_cached);
        sandbox.load(&code).expect("it is a script");
    }
}

async fn a_worker_that_fails_is_told_from_a_component_that_does() {
    let mut damaged = built::puppet();
    damaged.truncate(damaged.len() / 2);
    for (program, component, reason) in [
        (this_program().as_str(), damaged, "the component is not valid: "),
        ("/no/such/program", built::puppet(), "the compiler cannot be started (/no/such/program)"),
        ("false", built::puppet(), "the compiler stopped (exit status: 1)"),
        ("true", built::puppet(), "the compiler did not answer for this version of tglhost"),
        ("echo", built::puppet(), "the compiler did not answer for this version of tglhost"),
    ] {
        let (compiler, folder) = with_worker(program, &[WORKER]);
        let Err(error) = compiler.compile(ComponentSource::user(component), || ()).await else {
            panic!("{program} gives code")
        };
        let error = error.to_string();
        assert!(error.contains(reason), "{error}");
        let kept = fs::read_dir(folder.path().join("compiled")).expect("the cache");
        let kept: Vec<_> = kept.map(|entry| entry.expect("a file").file_name()).collect();
        assert!(!kept.iter().any(|name| name.to_string_lossy().ends_with(".cwasm")), "{program}: {kept:?}");
    }
}

/// Takes a token, if there is one, and then waits until the gate is opened.
fn slow_worker(gate: &Path) -> ExitCode {
    let mut tokens = fs::read_dir(gate).expect("the gate's folder").map(|entry| entry.expect("a token").path());
    if tokens.any(|token| token.file_name() != Some("gate".as_ref()) && fs::remove_file(token).is_ok()) {
        File::open(gate.join("gate")).and_then(|gate| gate.lock_shared()).expect("the gate opens");
    }
    sandbox::compile_worker()
}

async fn a_component_that_compiles_for_long_holds_up_no_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let gate = File::create(folder.path().join("gate")).expect("a gate");
    gate.lock().expect("closed");
    let cores = std::thread::available_parallelism().expect("there are some").get();
    for number in 0..cores {
        File::create(folder.path().join(number.to_string())).expect("a token");
    }
    let (compiler, _cache) = with_worker(&this_program(), &[SLOW_WORKER, folder.path().to_str().expect("UTF-8")]);
    let slow: Vec<_> = (0..cores)
        .map(|number| {
            let component = components::pretending(&number.to_string());
            let compiler = compiler.clone();
            tokio::spawn(async move { compiler.compile(ComponentSource::user(component), || ()).await })
        })
        .collect();
    while fs::read_dir(folder.path()).expect("the gate's folder").count() > 1 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let quick = compiler.compile(ComponentSource::user(built::puppet()), || ());
    let quick = tokio::time::timeout(Duration::from_secs(120), quick).await;
    quick.expect("it waits for no other").expect("it compiles");
    assert!(slow.iter().all(|slow| !slow.is_finished()), "the others are being compiled");
    gate.unlock().expect("open");
    let sandbox = Sandbox::new(1).expect("the engine starts");
    for slow in slow {
        let code = slow.await.expect("no panic").expect("it compiles");
        let Err(refused) = sandbox.load(&code) else { panic!("it is linked") };
        assert!(matches!(refused, CompileError::Mismatch(_)), "{refused}");
    }
}

/// Says whether the puppet had to be compiled.
async fn host(cache: &Path) {
    let worker = CompilerCommand { program: this_program().into(), args: vec![WORKER.into()] };
    let config = CompilerConfig { compile_worker: Some(worker), ..CompilerConfig::new(cache) };
    let compiler = Compiler::new(config).expect("the engine starts");
    let code = compiler.compile(ComponentSource::user(built::puppet()), || ()).await.expect("it compiles");
    let _ = writeln!(std::io::stdout(), "{}", if code.was_cached() { "cached" } else { "compiled" });
}

fn hosts_that_start_at_once_compile_a_component_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let hosts: Vec<_> = (0..4)
        .map(|_| {
            let mut host = Command::new(this_program());
            host.arg(HOST).arg(folder.path().join("compiled")).stdout(Stdio::piped()).spawn().expect("it starts")
        })
        .collect();
    let mut said: Vec<String> = hosts
        .into_iter()
        .map(|host| {
            let output = host.wait_with_output().expect("it ends");
            String::from_utf8(output.stdout).expect("text").trim().to_owned()
        })
        .collect();
    said.sort();
    assert_eq!(said, ["cached", "cached", "cached", "compiled"]);
}
