//! The worker's side: it takes over what a worker is handed, and says what it likes.
//!
//! Invariant: it ends when its host has gone.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::{ExitCode, exit};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use broker::{Client, Socket, frame};
use runtime::{End, Hold, News, Phase, ScriptStatus, Wish};
use sandbox::Output;
use tgl::PeerId;
use worker::{Order, REPORT_BYTES_MAX, Report, ScriptSetup, Setup, take_over};

use crate::lies;

/// It plays what its first script's name says.
pub(crate) const PLAY: &str = "--play";
/// It is as workers are, whatever its script is called.
pub(crate) const PLAY_HONEST: &str = "--play-honest";
/// It plays this before it has heard of any script.
pub(crate) const PLAY_AT_ONCE: &str = "--play-at-once";
/// The same, and the script whose worker does so.
pub(crate) const TAKES_NOTHING: &str = "takes nothing";
/// The script of the worker that is honest and busy.
pub(crate) const NEIGHBOUR: &str = "neighbour";
/// What it prints again and again.
pub(crate) const TICK: &str = "tick\n";

/// A worker that has been set up.
pub(crate) struct There {
    host: Mutex<UnixStream>,
    pub(crate) scripts: Vec<(ScriptSetup, Option<UnixStream>)>,
}

pub(crate) fn play(is_honest: bool) -> ExitCode {
    let host = host();
    let mut scripts = Vec::new();
    while let Ok((setup, descriptors)) = take_over::<Setup<'_>>(&host) {
        match setup {
            Setup::Program => {}
            Setup::Script(setup) => {
                scripts.push((setup.into_owned(), descriptors.into_iter().next().map(UnixStream::from)))
            }
            Setup::Begin { .. } => break,
        }
    }
    let Some(name) = scripts.first().map(|(setup, _)| setup.name.clone()) else { return ExitCode::FAILURE };
    let there = There { host: Mutex::new(host), scripts };
    match lies::ROWS.iter().find(|row| row.name == name && !is_honest) {
        Some(row) => (row.play)(there),
        None => there.play_by_name(&name),
    }
    ExitCode::SUCCESS
}

pub(crate) fn play_at_once(name: &str) -> ExitCode {
    let host = host();
    match name {
        "exits in the middle" => drop(take_over::<Setup<'_>>(&host)),
        TAKES_NOTHING => std::thread::sleep(Duration::from_secs(60)),
        _ => {}
    }
    ExitCode::FAILURE
}

fn host() -> UnixStream {
    UnixStream::from(io::stdin().as_fd().try_clone_to_owned().expect("a socket"))
}

pub(crate) fn status(phase: Phase) -> ScriptStatus {
    ScriptStatus {
        phase,
        handled_seq: 0,
        events_waiting: 0,
        events_lost: 0,
        calls_pending: 0,
        calls_bytes: 0,
        hold: None,
        crashes: 0,
        usage: runtime::Usage::default(),
    }
}

impl There {
    pub(crate) fn say(&self, report: &Report<'_>) {
        self.say_bytes(&frame(report, REPORT_BYTES_MAX).expect("it is short enough"));
    }

    /// Sends these bytes, whatever they are.
    pub(crate) fn say_bytes(&self, bytes: &[u8]) {
        let mut host = self.host.lock().expect("no panic");
        if host.write_all(bytes).is_err() {
            exit(0);
        }
    }

    pub(crate) fn print(&self, script: usize, text: &str) {
        self.say(&Report::Print { script, to: Output::Stdout, text: text.into() });
    }

    pub(crate) fn tell(&self, script: usize, news: News) {
        self.say(&Report::News { script, news });
    }

    /// Its first script's account.
    pub(crate) fn account(&mut self) -> UnixStream {
        self.scripts[0].1.take().expect("it is taken once")
    }

    /// Closes the socket to the host.
    pub(crate) fn hang_up(&self) {
        let host = self.host.lock().expect("no panic");
        host.shutdown(std::net::Shutdown::Both).expect("a socket");
    }

    /// Ends a script as a worker does.
    pub(crate) fn end(&mut self, script: usize, end: End) {
        self.tell(script, News::Ended(end.clone()));
        self.scripts[script].1 = None;
        self.say(&Report::Statuses(vec![(script, status(Phase::Ended(end)))]));
    }

    /// Answers, ends scripts as it is told, and itself after its host.
    pub(crate) fn obey(mut self) -> ! {
        loop {
            match self.order() {
                Some(Order::Ping) => self.say(&Report::Pong),
                Some(Order::Wish { script, wish: Wish::Stop }) => self.end(script, End::Stopped),
                Some(Order::Wish { .. } | Order::TakeRoom { .. } | Order::MayBeLess { .. }) => {}
                None => exit(0),
            }
        }
    }

    /// Answers, and does nothing else that it is told.
    pub(crate) fn only_answer(self) -> ! {
        while let Some(order) = self.order() {
            if order == Order::Ping {
                self.say(&Report::Pong);
            }
        }
        self.be_silent()
    }

    /// Does nothing any more.
    pub(crate) fn be_silent(self) -> ! {
        loop {
            std::thread::sleep(Duration::from_secs(60));
        }
    }

    /// Each of its scripts starts and says in which process.
    fn begin(&self) {
        for script in 0..self.scripts.len() {
            if self.scripts[script].0.is_successor {
                let held = ScriptStatus { hold: Some(Hold::Told), ..status(Phase::Starting) };
                self.say(&Report::Statuses(vec![(script, held)]));
            }
            self.tell(script, News::Loaded);
            self.tell(script, News::Ready);
            self.print(script, &format!("{}\n", std::process::id()));
        }
    }

    fn play_by_name(mut self, name: &str) {
        if name == NEIGHBOUR {
            return self.be_busy();
        }
        if let Some(number) = name.strip_prefix("bytes ") {
            return self.say_any(number.parse().expect("a number"));
        }
        self.begin();
        match name {
            "ends well" => self.end(0, End::Exited(3)),
            "exits and exits" => exit(1),
            "is there and hangs" => self.be_silent(),
            _ => {}
        }
        self.obey()
    }

    /// Reports with bytes turned, taken out and put in.
    fn say_any(self, number: u64) {
        let reports = [
            Report::Pong,
            Report::Statuses(vec![(0, status(Phase::Running))]),
            Report::News { script: 0, news: News::Loaded },
            Report::Print { script: 0, to: Output::Stdout, text: "text".into() },
            Report::Room { script: 0, number: 1, is_taken: true },
            Report::News {
                script: 0,
                news: News::Crashed { why: "why".to_owned(), restart_in: Duration::from_secs(1) },
            },
            Report::Statuses(vec![(0, status(Phase::Ended(End::Exited(1)))); 3]),
        ];
        let frames = reports.iter().map(|report| frame(report, REPORT_BYTES_MAX).expect("short"));
        let mut bytes: Vec<u8> = frames.collect::<Vec<_>>().concat();
        let mut seed = number;
        let mut random = move |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % below
        };
        for _ in 0..=random(4) {
            let at = random(bytes.len());
            match random(3) {
                0 => bytes[at] ^= 1 << random(8),
                1 => _ = bytes.remove(at),
                _ => bytes.insert(at, random(256) as u8),
            }
        }
        self.say_bytes(&bytes);
        self.obey()
    }

    /// Asks its account again and again, and says so.
    fn be_busy(mut self) {
        self.begin();
        let account = self.account();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                on_account(account, async |client| {
                    while client.lookups().peer(PeerId::user(1)).await.is_ok() {
                        self.print(0, TICK);
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                });
                exit(0);
            });
            loop {
                match self.order() {
                    Some(Order::Ping) => self.say(&Report::Pong),
                    Some(_) => {}
                    None => exit(0),
                }
            }
        });
    }

    fn order(&self) -> Option<Order> {
        let mut host = self.host.lock().expect("no panic").try_clone().ok()?;
        let mut head = [0; 4];
        host.read_exact(&mut head).ok()?;
        let mut body = vec![0; u32::from_le_bytes(head) as usize];
        host.read_exact(&mut body).ok()?;
        postcard::from_bytes(&body).ok()
    }
}

/// Does this as a script's side that has joined.
pub(crate) fn on_account(account: UnixStream, act: impl AsyncFnOnce(&mut Client)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut client = Client::there(Socket::new(account).expect("a socket"), Arc::default());
        if client.join().await.is_ok() {
            act(&mut client).await;
        }
    });
}
