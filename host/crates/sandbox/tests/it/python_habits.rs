//! Scripts in the manner of those that were published for telegram-cli, each run as it stands.

use std::fs;
use std::path::Path;

use files::FileSpace;
use tgl::{Call, Message, Outcome};

use crate::python::python;
use crate::python_scripts::surprises;
use crate::support::{Running, With, message, start};

/// What a script may keep in its private folder.
const HOME_BYTES_MAX: u64 = 16 << 20;

/// A script, the messages that it hears, and what it prints.
const HABITS: [(&str, &[&str], &str); 10] = [
    (
        "json_backup.py",
        &["backup"],
        "3 ['action', 'date', 'dest', 'flags', 'fwd_date', 'fwd_src', 'id', 'media', 'mention', 'out', 'reply', 'reply_id', \
         'service', 'src', 'text', 'unread'] status None",
    ),
    ("counters.py", &["hello", "!count"], "[(None, 2)]"),
    ("pluginbot.py", &["!echo a b", "!fail", "nothing"], "a b KeyError: 'nothing'"),
    ("timers.py", &["go"], "stopped"),
    ("leaves.py", &["!quit", "!quit"], "leaving sent True"),
    ("clock.py", &["what time is it"], "a minute True True"),
    ("either_python.py", &["x"], "True True False True True"),
    (
        "commands.py",
        &["!add 1 2 '3'", "!kick me", "!roll", "!roll x", "log"],
        "6 not allowed True INFO bot: roll from 2",
    ),
    ("worker.py", &["one", "two"], "answered one sent True answered two sent True"),
    (
        "peers.py",
        &["x"],
        "[<tgl.Peer: type=user, id=7, username=None, name='Ada', first_name='Ada', last_name=None, phone=None>, None] \
         1 False None None {'2': 1}",
    ),
];

#[tokio::test]
async fn published_habits_work_as_they_stand() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/habits");
    let mut surprises = String::new();
    for (file, messages, printed) in HABITS {
        let home = tempfile::tempdir().unwrap();
        let space = FileSpace::open(Some(&folder), Some(home.path()), HOME_BYTES_MAX, &[]).unwrap();
        let mut guest = start(&python().await, With { files: Some(space), ..With::default() }).await.unwrap();
        let source = fs::read_to_string(folder.join(file)).unwrap();
        let loaded = guest.instance.load(&source, &format!("/script/{file}")).await;
        assert_eq!(loaded, Ok(()), "{file}");
        let mut told = guest.notes.take_stdout();
        guest.instance.on_binlog_replay_end().await.unwrap();
        for text in messages {
            told = format!("{told} {}", guest.tell(text).await);
            told += &settled(&mut guest).await;
        }
        let stderr = guest.notes.stderr();
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        // What `!roll x` raises is printed, and the script goes on.
        let complaints =
            stderr.contains("ValueError: invalid literal") || stderr.is_empty() || file == "either_python.py";
        if words(&told) != words(printed) || !complaints {
            surprises.push_str(&format!("{file}: {told:?}, not {printed:?}\n{stderr}\n"));
        }
    }
    assert!(surprises.is_empty(), "{surprises}");
}

/// Completes the calls that the script makes, and wakes it up as it asks to be, but for the tick of on_loop; gives what it prints.
async fn settled(guest: &mut Running) -> String {
    let mut told = String::new();
    loop {
        let made = guest.notes.take_calls();
        let wake_up = guest.notes.take_timer_ms().filter(|ms| *ms < 900);
        if made.is_empty() && wake_up.is_none() {
            return told;
        }
        for (call, request) in made.iter().zip(1..) {
            guest.instance.on_completion(request, &Ok(outcome(call))).await.unwrap();
        }
        if let Some(ms) = wake_up {
            tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
            guest.instance.on_timer().await.unwrap();
        }
        told = format!("{told} {}", guest.notes.take_stdout());
    }
}

/// What comes of a call: of a history three messages.
fn outcome(call: &Call) -> Outcome {
    match call {
        Call::GetHistory { page, .. } => Outcome::Messages(history(page.offset, page.limit)),
        Call::SendMessage { text, .. } => Outcome::Message(message(100, text)),
        _ => Outcome::Done,
    }
}

fn history(offset: u32, limit: u32) -> Vec<Message> {
    (offset..3.min(offset + limit)).map(|n| message(i64::from(10 - n), "kept")).collect()
}

#[tokio::test]
async fn what_finds_modules_takes_every_call_of_importlib() {
    let cases = [(
        "import tgl, importlib, sys\nimportlib.invalidate_caches()\nopen('plugin.py', 'w').write('answer = 42')\n\
         sys.path.append('.')\nimportlib.invalidate_caches()\nprint(importlib.import_module('plugin').answer)",
        "42",
    )];
    let told = surprises(&[], None, &cases).await;
    assert!(told.is_empty(), "{told}");
}
