//! A guest that does as it is told. Its source, and the text of every message that comes in, is a list of commands, one a
//! line; [`run`] lists them. `trace` makes it print every callback it gets.

wit_bindgen::generate!({ path: "../../../wit/v0.1", world: "interpreter-script" });

use std::cell::{Cell, RefCell};
use std::fs::{self, File, OpenOptions};
use std::hint::black_box;
use std::io::{Read, Seek, SeekFrom, Write};
use std::time::{Duration, Instant};

use exports::tgl::script::{callbacks, interpreter};
use tgl::script::calls::{self, Page, SendOptions};
use tgl::script::host::{self, ExitMoment, LogLevel, Output};
use tgl::script::lookup;
use tgl::script::types::{CallError, Changes, Message, MessageFlags, Outcome, Peer, PeerDetails, PeerId, PeerKind};

thread_local! {
    static TRACE: Cell<bool> = const { Cell::new(false) };
    static ON_COMPLETION: RefCell<String> = const { RefCell::new(String::new()) };
    static ON_OUR_ID: RefCell<String> = const { RefCell::new(String::new()) };
    static ON_TIMER: RefCell<String> = const { RefCell::new(String::new()) };
    static FILES: RefCell<Vec<File>> = const { RefCell::new(Vec::new()) };
}

struct Puppet;
export!(Puppet);

type Done = Result<(), String>;

/// Does what one line says.
fn run(line: &str) -> Done {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let number = || rest.split(' ').next_back().and_then(|word| word.parse::<u64>().ok()).unwrap_or(0);
    let path = || rest.split(' ').next().unwrap_or("");
    match verb {
        "" => {}
        // What it says of itself.
        "trace" => TRACE.set(true),
        "print" => host::print(Output::Stdout, &format!("{rest}\n")),
        "eprint" => host::print(Output::Stderr, &format!("{rest}\n")),
        "println" => println!("{rest}"),
        "write-stderr" => eprint!("{rest}"),
        "log" => host::log(LogLevel::Info, rest),
        "log-bytes" => host::log(LogLevel::Info, &"x".repeat(number() as usize)),
        "print-bytes" => host::print(Output::Stdout, &"x".repeat(number() as usize)),
        "flood" => (0..number()).for_each(|_| println!("{}", "x".repeat(999))),
        "environment" => {
            let variables: Vec<String> = std::env::vars().map(|(name, value)| format!("{name}={value}")).collect();
            let arguments: Vec<String> = std::env::args().collect();
            println!("{} {}", variables.join(" "), arguments.join(" "));
        }
        // Calls.
        "send" => _ = send(rest),
        "spam" => (0..number()).for_each(|_| _ = send("spam")),
        "newsletter" => (0..number()).for_each(|n| _ = send(&format!("letter {n}"))),
        "send-to" => {
            let (to, text) = rest.split_once(' ').unwrap_or((rest, ""));
            _ = send_to(to.parse().unwrap_or(0), text);
        }
        "send-bytes" => _ = send(&"x".repeat(number() as usize)),
        "create-chat" => _ = calls::create_chat(&vec![user(1); number() as usize], "many"),
        "nowhere" => _ = calls::send_location(user(1), f64::NAN, 0.0),
        "history" => _ = calls::get_history(user(1), Page { offset: 0, limit: 10 }),
        "timer" => host::set_timer(number()),
        "on-our-id" => ON_OUR_ID.set(rest.to_owned()),
        "on-completion" => ON_COMPLETION.set(rest.to_owned()),
        "on-timer" => ON_TIMER.set(rest.to_owned()),
        "peer" => println!("{:?}", lookup::get_peer(user(number() as i64)).map(|peer| peer.name)),
        "message" => println!("{:?}", lookup::get_message(number() as i64).and_then(|message| message.text)),
        // Ends.
        "raise" => return Err(rest.to_owned()),
        "exit" => host::exit(number() as u8, ExitMoment::Now),
        "exit-drained" => host::exit(number() as u8, ExitMoment::Drained),
        "process-exit" => std::process::exit(number() as i32),
        "panic" => panic!("told to"),
        // Too much.
        "spin" => loop {
            black_box(0);
        },
        "work" => work(Duration::from_millis(number())),
        "sleep" => std::thread::sleep(Duration::from_millis(number())),
        "allocate" => println!("{}", allocate(number() as usize)),
        "hoard" => {
            allocate(usize::MAX);
            black_box(vec![1_u8; 1 << 30]);
        }
        "recurse" => println!("{}", recurse(number() + 1)),
        "recurse-widely" => println!("{}", recurse_widely(number() + 1)),
        "hold-widely" => println!("{}", hold_widely()),
        "open" => {
            let files: Result<Vec<File>, _> = (0..number()).map(|_| File::open("/script/puppet.txt")).collect();
            println!("{:?}", files.map(|files| FILES.with_borrow_mut(|open| open.extend(files))));
        }
        // Files and network.
        "read" => println!("{:?}", fs::read_to_string(rest)),
        "write" => println!("{:?}", fs::write(path(), vec![b'x'; number() as usize])),
        "append" => println!("{:?}", append(path(), number() as usize)),
        "resize" => println!("{:?}", File::create(path()).and_then(|file| file.set_len(number()))),
        "hold" => println!("{:?}", hold(path(), number() as usize)),
        "hold-in" => println!("{:?}", hold_in(path(), number() as usize)),
        "grow-held" => println!("{:?}", grow_held(number() as usize)),
        "close-held" => FILES.with_borrow_mut(Vec::clear),
        "rename" => println!("{:?}", rest.split_once(' ').map(|(from, to)| fs::rename(from, to))),
        "link" => println!("{:?}", rest.split_once(' ').map(|(from, to)| fs::hard_link(from, to))),
        "churn" => println!("{:?}", churn(path(), number())),
        "make-folder" => println!("{:?}", fs::create_dir(rest)),
        "make-files" => println!("{:?}", make_files(path(), number())),
        "remove" => println!("{:?}", fs::remove_file(rest)),
        "names" => match names(rest) {
            Ok(names) => println!("{names}"),
            failed => println!("{failed:?}"),
        },
        "hold-many" => println!("{:?}", hold_many(path(), number())),
        "list" => println!("{:?}", fs::read_dir(rest).map(|folder| folder.count())),
        "connect" => println!("{:?}", std::net::TcpStream::connect(rest).map(drop)),
        "bind" => println!("{:?}", std::net::UdpSocket::bind(rest).map(drop)),
        "resolve" => println!("{:?}", std::net::ToSocketAddrs::to_socket_addrs(rest).map(Iterator::count)),
        _ => return Err(format!("puppet knows no {verb:?}")),
    }
    Ok(())
}

fn run_all(text: &str) -> Done {
    text.lines().try_for_each(run)
}

fn user(id: i64) -> PeerId {
    PeerId { kind: PeerKind::User, id }
}

fn send(text: &str) -> u64 {
    send_to(1, text)
}

fn send_to(id: i64, text: &str) -> u64 {
    calls::send_message(user(id), text, SendOptions { reply_to: None, preview: None })
}

fn work(time: Duration) {
    let began = Instant::now();
    while began.elapsed() < time {
        black_box(0);
    }
}

/// Takes memory, MiB by MiB, and gives how much there was, all of it held.
fn allocate(mib_max: usize) -> usize {
    let mut pieces: Vec<Vec<u8>> = Vec::new();
    while pieces.len() < mib_max {
        let mut piece = Vec::new();
        if piece.try_reserve_exact(1 << 20).is_err() {
            break;
        }
        piece.resize(1 << 20, 1);
        pieces.push(piece);
    }
    let mib = pieces.len();
    if mib_max == usize::MAX {
        std::mem::forget(pieces);
    }
    mib
}

#[allow(unconditional_recursion)]
fn recurse(depth: u64) -> u64 {
    black_box(recurse(black_box(depth) + 1)) + 1
}

/// Keeps something that has an address at each level, so that the stack in its memory ends first.
#[allow(unconditional_recursion)]
fn recurse_widely(depth: u64) -> u64 {
    let kept = black_box([depth; 64]);
    recurse_widely(kept[0] + 1) + black_box(kept)[63]
}

/// Wants more than its whole stack at once.
#[inline(never)]
fn hold_widely() -> u8 {
    black_box([1; 4 << 20])[0]
}

fn append(path: &str, bytes: usize) -> std::io::Result<()> {
    OpenOptions::new().append(true).create(true).open(path)?.write_all(&vec![b'x'; bytes])
}

/// Makes a file of this length and keeps it open.
fn hold(path: &str, bytes: usize) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(&vec![b'x'; bytes])?;
    FILES.with_borrow_mut(|open| open.push(file));
    Ok(())
}

/// Makes so many files, keeps them open, and reads what was written to each.
fn hold_many(folder: &str, count: u64) -> std::io::Result<()> {
    for number in 0..count {
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(true).open(format!("{folder}/{number}"))?;
        file.write_all(b"x")?;
        file.seek(SeekFrom::Start(0))?;
        file.read_exact(&mut [0])?;
        FILES.with_borrow_mut(|open| open.push(file));
    }
    Ok(())
}

/// The names in a folder.
fn names(folder: &str) -> std::io::Result<String> {
    let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<std::io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names.join(" "))
}

/// The same in a new folder, which is then removed with all there is in it.
fn hold_in(folder: &str, bytes: usize) -> std::io::Result<()> {
    fs::create_dir(folder)?;
    let held = hold(&format!("{folder}/file"), bytes);
    fs::remove_dir_all(folder)?;
    held
}

/// Writes more to each file that is kept open.
fn grow_held(bytes: usize) -> std::io::Result<()> {
    FILES.with_borrow_mut(|open| open.iter_mut().try_for_each(|file| file.write_all(&vec![b'x'; bytes])))
}

/// Removes a file and makes it again.
fn churn(path: &str, rounds: u64) -> std::io::Result<()> {
    (0..rounds).try_for_each(|_| {
        fs::remove_file(path)?;
        File::create(path).map(drop)
    })
}

fn make_files(folder: &str, count: u64) -> std::io::Result<()> {
    (0..count).try_for_each(|number| File::create(format!("{folder}/{number}")).map(drop))
}

fn trace(text: impl FnOnce() -> String) {
    if TRACE.get() {
        host::print(Output::Stdout, &format!("{}\n", text()));
    }
}

fn name(peer: &Peer) -> (i64, &str) {
    let id = match &peer.details {
        PeerDetails::User(user) => user.id,
        PeerDetails::Chat(group) | PeerDetails::Channel(group) => group.id,
        PeerDetails::SecretChat(chat) => chat.id,
    };
    (id, &peer.name)
}

fn update(kind: &str, peer: &Peer, what: Changes) -> Done {
    trace(|| format!("{kind} {:?} {what:?}", name(peer)));
    Ok(())
}

impl interpreter::Guest for Puppet {
    fn load(source: String, path: String) -> Done {
        if let Ok(folder) = std::env::var("PWD") {
            // Where there is none, relative paths fail where they are used.
            let _ = std::env::set_current_dir(folder);
        }
        run_all(&source)?;
        trace(|| format!("load {path}"));
        Ok(())
    }
}

impl callbacks::Guest for Puppet {
    fn on_our_id(id: i64) -> Done {
        trace(|| format!("our_id {id}"));
        let commands = ON_OUR_ID.with_borrow(Clone::clone);
        commands.split(';').try_for_each(run)
    }

    fn on_binlog_replay_end() -> Done {
        trace(|| "binlog_replay_end".to_owned());
        Ok(())
    }

    fn on_get_difference_end() -> Done {
        trace(|| "get_difference_end".to_owned());
        Ok(())
    }

    fn on_message(message: Message) -> Done {
        trace(|| format!("message {} {}", message.id, message.text.as_deref().unwrap_or("-")));
        match &message.text {
            Some(text) if !message.flags.contains(MessageFlags::OUTGOING) => run_all(text),
            _ => Ok(()),
        }
    }

    fn on_user_update(user: Peer, what: Changes) -> Done {
        update("user", &user, what)
    }

    fn on_chat_update(chat: Peer, what: Changes) -> Done {
        update("chat", &chat, what)
    }

    fn on_secret_chat_update(chat: Peer, what: Changes) -> Done {
        update("secret_chat", &chat, what)
    }

    fn on_completion(request: u64, outcome: Result<Outcome, CallError>) -> Done {
        trace(|| match outcome {
            Ok(Outcome::Message(message)) => format!("completion {request} message {}", message.id),
            Ok(other) => format!("completion {request} {other:?}"),
            Err(error) => format!("completion {request} {:?}", error.kind),
        });
        let commands = ON_COMPLETION.with_borrow(Clone::clone);
        run_all(&commands)
    }

    fn on_timer() -> Done {
        trace(|| "timer".to_owned());
        let commands = ON_TIMER.with_borrow(Clone::clone);
        run_all(&commands)
    }
}
