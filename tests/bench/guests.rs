//! What guests cost inside the host: from the wish for an instance to its first event, a warm event, memory.

use std::collections::VecDeque;
use std::fs;
use std::future::ready;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use files::{FileSpace, HOME_BYTES_MAX};
use sandbox::{
    Answer, Compiler, CompilerConfig, ComponentSource, CpuUsed, ExitMoment, GuestHost, INSTANCES_MAX, Instance, Limits,
    LogLevel, Output, Program, Sandbox, StartConfig,
};
use tests::text_message;
use tgl::{Call, Event, LimitMeter, Message, MessageId, Outcome, Peer, PeerId, RequestId};

use crate::progress;
use crate::sample::{Figures, MS, Measure, US, count};

const COLD_STARTS: usize = 300;
const WARM_EVENTS: usize = 20_000;
/// Share of a run that is done beforehand without being measured: one in this many.
const WARM_UP_SHARE: usize = 10;
const SCRIPTS_IN_MEMORY: usize = 500;
/// Events that each of the scripts in memory has handled.
const EVENTS_PER_SCRIPT: usize = 20;

/// Measures Python and Rust guests.
pub(crate) fn measure() -> Result<Vec<Measure>> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let bench = Bench::new().await?;
        let mut measures = vec![
            bench
                .cold("python_first_event", "Python: instance asked for to first event handled", &bench.python, MS, 3.0)
                .await?,
            bench.cold("rust_first_event", "Rust: the same", &bench.rust, US, 100.0).await?,
        ];
        let mut outgoing = text_message(1, "hello");
        outgoing.flags.outgoing = true;
        let (hello, ping, outgoing) = (message(1, "hello"), message(1, "!ping"), Event::Message(outgoing));
        let warm = [
            ("python_event", "Python: warm event, not answered", &bench.python, hello.clone(), Some(20.0)),
            ("python_answer", "Python: warm event, answered", &bench.python, ping, None),
            ("rust_event", "Rust: warm event, not answered", &bench.rust, outgoing, Some(2.0)),
            ("rust_answer", "Rust: warm event, answered", &bench.rust, hello, None),
        ];
        for (id, what, guest, event, budget) in warm {
            measures.push(bench.warm(id, what, guest, &event, budget).await?);
        }
        measures.push(bench.memory().await?);
        Ok(measures)
    })
}

/// A program, and the script for it if it is an interpreter.
struct Guest {
    program: Program,
    source: Option<String>,
}

struct Bench {
    python: Guest,
    rust: Guest,
    home: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Result<Self> {
        let root = tests::root();
        // Where the tests of the other crates compile the Python component too.
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
        let (compiler, sandbox) = (Compiler::new(CompilerConfig::new(cache))?, Sandbox::new(INSTANCES_MAX)?);
        let python = Guest {
            program: program(&compiler, &sandbox, &root.join("target/guests/python.wasm")).await?,
            source: Some(fs::read_to_string(root.join("examples/ping.py"))?),
        };
        let rust = program(&compiler, &sandbox, &root.join("target/wasm32-wasip2/guest/echo_rust.wasm")).await?;
        Ok(Self { python, rust: Guest { program: rust, source: None }, home: tempfile::tempdir()? })
    }

    /// From the wish for an instance to the end of its first event, one instance after the other.
    async fn cold(
        &self,
        id: &'static str,
        what: &'static str,
        guest: &Guest,
        unit: (&'static str, f64),
        budget: f64,
    ) -> Result<Measure> {
        progress(what);
        let event = message(1, "hello");
        let starts = count(COLD_STARTS);
        let mut times = Vec::with_capacity(starts);
        for round in 0..starts + starts / WARM_UP_SHARE {
            let begun = Instant::now();
            let (mut instance, _calls) = self.start(guest).await?;
            instance.on_event(&event).await?;
            if round >= starts / WARM_UP_SHARE {
                times.push(begun.elapsed());
            }
        }
        Ok(Measure::of_times(id, what, unit, times, Some(budget)))
    }

    /// One event after the other in one instance. What the guest calls completes between them, outside the measured time.
    async fn warm(
        &self,
        id: &'static str,
        what: &'static str,
        guest: &Guest,
        event: &Event,
        budget: Option<f64>,
    ) -> Result<Measure> {
        progress(what);
        let (mut instance, calls) = self.start(guest).await?;
        let sent = Ok(Outcome::Message(text_message(2, "an answer")));
        let events = count(WARM_EVENTS);
        let mut times = Vec::with_capacity(events);
        for round in 0..events + events / WARM_UP_SHARE {
            let begun = Instant::now();
            instance.on_event(event).await?;
            let time = begun.elapsed();
            if round >= events / WARM_UP_SHARE {
                times.push(time);
            }
            while let Some(call) = calls.next() {
                instance.on_completion(call, &sent).await?;
            }
        }
        Ok(Measure::of_times(id, what, US, times, budget))
    }

    /// What each loaded Python script adds to the memory that this process shares with nobody.
    async fn memory(&self) -> Result<Measure> {
        let what = "Python: private memory per loaded script";
        progress(what);
        let (first, _) = self.start(&self.python).await?;
        let before = private_dirty_bytes()?;
        let mut instances = vec![first];
        let scripts = count(SCRIPTS_IN_MEMORY);
        for _ in 0..scripts {
            let (mut instance, _calls) = self.start(&self.python).await?;
            for n in 0..EVENTS_PER_SCRIPT {
                instance.on_event(&message(n as MessageId + 1, "hello")).await?;
            }
            instances.push(instance);
        }
        let bytes = private_dirty_bytes()?.saturating_sub(before) as f64 / scripts as f64;
        drop(instances);
        let figures = Figures::One { value: bytes / f64::from(1 << 20) };
        Ok(Measure { id: "python_memory", what, unit: "MiB", figures, samples: scripts, budget: Some(2.5) })
    }

    /// An instance with its script loaded, and the calls that it makes.
    async fn start(&self, guest: &Guest) -> Result<(Instance, Calls)> {
        let calls = Calls::default();
        let config = StartConfig {
            limits: Limits::default(),
            files: FileSpace::open(Some(&tests::root().join("examples")), Some(self.home.path()), HOME_BYTES_MAX, &[])?,
            args: vec!["ping.py".to_owned()],
            env: Vec::new(),
            cpu_used: CpuUsed::default(),
            limit_meter: LimitMeter::default(),
            host: Box::new(Host { calls: calls.clone(), last: 0 }),
        };
        let mut instance = guest.program.start(config).await?;
        if let Some(source) = &guest.source {
            instance.load(source, "/script/ping.py").await?;
        }
        Ok((instance, calls))
    }
}

async fn program(compiler: &Compiler, sandbox: &Sandbox, path: &Path) -> Result<Program> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let compiling = || progress(&format!("compiling {}", path.display()));
    let code = compiler.compile(ComponentSource::user(bytes), compiling).await;
    code.and_then(|code| sandbox.load(&code)).map_err(|error| anyhow!("{}: {error}", path.display()))
}

/// The calls that a guest has made and that are not completed yet.
#[derive(Clone, Default)]
struct Calls(Arc<Mutex<VecDeque<RequestId>>>);

impl Calls {
    fn next(&self) -> Option<RequestId> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

/// Takes calls and does nothing else.
struct Host {
    calls: Calls,
    last: RequestId,
}

impl GuestHost for Host {
    fn call(&mut self, _: Call) -> Answer<Option<RequestId>> {
        self.last += 1;
        self.calls.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(self.last);
        Box::pin(ready(Some(self.last)))
    }

    fn peer(&mut self, _: PeerId) -> Answer<Option<Peer>> {
        Box::pin(ready(None))
    }

    fn message(&mut self, _: MessageId) -> Answer<Option<Message>> {
        Box::pin(ready(None))
    }

    fn log(&mut self, _: LogLevel, _: &str) {}

    fn print(&mut self, _: Output, _: &str) {}

    fn set_timer(&mut self, _: u64) {}

    fn exit(&mut self, _: u8, _: ExitMoment) {}
}

fn message(id: MessageId, text: &str) -> Event {
    Event::Message(text_message(id, text))
}

/// Memory of this process that it has written to and shares with nobody, by the kernel's account.
fn private_dirty_bytes() -> Result<u64> {
    let account = fs::read_to_string("/proc/self/smaps_rollup").context("memory can be measured on Linux only")?;
    let line = account
        .lines()
        .find_map(|line| line.strip_prefix("Private_Dirty:"))
        .context("no Private_Dirty in smaps_rollup")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1024)
}
