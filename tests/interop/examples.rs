//! Each example as it stands, at work with stock Telethon clients: `tglhost run` runs it in the sandbox. Both ends are looked
//! at: what the clients saw, and what lies in the script's private folder.
//!
//! Invariant: each example has a test of its name.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rusqlite::Connection;
use serde_json::{Value, json};
use tests::{Place, Process, finish, interop_python, root, run_inside, wait_until};

use crate::chat::{Chat, Library};
use crate::{settings, texts};

/// The script's account.
const SCRIPT: (&str, &str) = ("9996631001", "Script");
/// Those who talk to it.
const ANN: (&str, &str) = ("9996620001", "Ann");
const BEN: (&str, &str) = ("9996620002", "Ben");
/// More than the examples ask for at once.
const MESSAGES: usize = 105;

/// A test for each example.
macro_rules! examples {
    ($($example:ident: $file:literal $does:ident;)*) => {
        const FILES: &[&str] = &[$($file),*];

        $(#[test]
        fn $example() {
            run_inside(concat!("examples::", stringify!($example)), || $does(&mut Script::start($file)));
        })*
    };
}

examples! {
    echo_rust: "echo-rust" repeats_what_it_hears;
    exporter: "exporter.py" exports_a_chat;
    forwarder: "forwarder.py" forwards_between_two_groups;
    history: "history.py" counts_what_was_said;
    moderator: "moderator.py" deletes_warns_and_removes;
    ping: "ping.py" answers_every_client_in_private_and_in_groups;
    reminder: "reminder.py" reminds_after_a_restart;
    saver: "saver.py" saves_photos_and_documents;
}

#[test]
fn every_example_is_tried() {
    let entries = fs::read_dir(root().join("examples")).expect("the examples");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    assert_eq!(names, FILES);
}

fn answers_every_client_in_private_and_in_groups(script: &mut Script) {
    for (library, who) in [
        (Library::Telethon, ANN),
        (Library::Kurigram, BEN),
        (Library::Telethon216, ("9996620003", "Cat")),
        (Library::Mtcute227, ("9996620004", "Dan")),
    ] {
        let mut person = script.person(library, who);
        for (kind, id) in script.private_chat_and_group(&mut person) {
            person.ask(json!({"do": "send", kind: id, "text": "not for you"}));
            let sent = person.ask(json!({"do": "send", kind: id, "text": "!ping"}))["id"].clone();
            let answer = person.message_with("PONG!");
            assert_eq!([&answer[kind], &answer["sender"], &answer["reply_to"]], [&id, &script.user, &sent]);
        }
    }
}

fn repeats_what_it_hears(script: &mut Script) {
    let mut ann = script.person(Library::Telethon, ANN);
    for (kind, id) in script.private_chat_and_group(&mut ann) {
        ann.ask(json!({"do": "send", kind: id, "text": "hello ✓"}));
        let answer = ann.message();
        assert_eq!([&answer[kind], &answer["sender"], &answer["text"]], [&id, &script.user, &json!("hello ✓")]);
    }
}

fn counts_what_was_said(script: &mut Script) {
    let mut ann = script.person(Library::Telethon, ANN);
    say_much(&mut ann, &script.user);
    ann.ask(json!({"do": "send", "user": script.user, "text": "!count"}));
    assert_eq!(ann.message()["text"], format!("{} messages", MESSAGES + 1));
}

/// Two warnings, then the writer is out; nothing is left of what was forbidden, and all else is.
fn deletes_warns_and_removes(script: &mut Script) {
    let mut owner = script.person(Library::Telethon, ANN);
    let mut guest = Chat::start(Library::Telethon, &script.settings(BEN));
    let made = owner.ask(json!({"do": "supergroup", "title": "A supergroup", "members": [script.user]}));
    let group = &made["channel"];
    owner.ask(json!({"do": "promote", "channel": group, "user": script.user}));
    let link = owner.ask(json!({"do": "link", "channel": group}))["link"].clone();
    guest.ask(json!({"do": "join", "link": link}));

    guest.ask(json!({"do": "send", "channel": group, "text": "hello"}));
    let warnings = [1, 2].map(|count| format!("Ben, that is not welcome here ({count} of 3)"));
    for warning in &warnings {
        guest.ask(json!({"do": "send", "channel": group, "text": "Best Casino!"}));
        assert_eq!(guest.message_with(warning)["sender"], script.user);
    }
    guest.ask(json!({"do": "send", "channel": group, "text": "FREE MONEY"}));
    wait_until("the guest is out, and what he wrote is gone", || {
        let members = owner.ask(json!({"do": "members", "channel": group}))["members"].clone();
        let history = owner.ask(json!({"do": "history", "channel": group, "limit": 100}));
        !members.as_array().expect("a list of users").contains(&guest.id)
            && texts(&history) == [&warnings[1], &warnings[0], "hello"]
    });
}

fn saves_photos_and_documents(script: &mut Script) {
    let mut ann = script.person(Library::Telethon, ANN);
    let folder = format!("saved/user_{}", ann.id);
    for (name, as_document) in [("photo.jpg", false), ("photo.jpg", true), ("data.bin", true)] {
        let file = script.file(name);
        ann.ask(json!({"do": "send_file", "user": script.user, "path": file, "as_document": as_document}));
        let line = script.run.line();
        let saved = line.trim_end().strip_prefix("Saved /home/").unwrap_or_else(|| panic!("{line}"));
        assert!(saved.starts_with(&folder), "{saved}");
        let saved = fs::read(script.home().join(saved)).expect("what it says it has saved");
        assert!(saved == fs::read(&file).expect("what was sent"), "{name} is another file now");
    }
    assert_eq!(fs::read_dir(script.home().join(folder)).expect("the sender's folder").count(), 3);
}

/// Its owner, at another client of theirs, asks for it in a chat with Ann, where there is a reply and a photo too.
fn exports_a_chat(script: &mut Script) {
    let mut ann = script.person(Library::Telethon, ANN);
    let sent = say_much(&mut ann, &script.user);
    ann.ask(json!({"do": "send", "user": script.user, "text": "so \"ä\" it is", "reply_to": sent}));
    let photo = script.file("photo.jpg");
    ann.ask(json!({"do": "send_file", "user": script.user, "path": photo, "as_document": false}));
    let mut owner = Chat::start(Library::Telethon, &script.settings(SCRIPT));
    let ann = owner.ask(json!({"do": "contact", "phone": ann.phone, "name": "Ann"}))["user"].clone();
    owner.ask(json!({"do": "send", "user": ann, "text": "!export"}));
    assert_eq!(script.run.line(), "Exporting Ann\n");
    assert_eq!(script.run.line(), format!("{} messages with Ann are exported\n", MESSAGES + 3));

    let history = owner.ask(json!({"do": "history", "user": ann, "limit": 1000}));
    let mut said: Vec<_> = history["messages"].as_array().expect("messages").iter().map(essence).collect();
    said.reverse();
    let exported = fs::read(script.home().join("export.json")).expect("export.json");
    let exported: Vec<Value> = serde_json::from_slice(&exported).expect("a list");
    assert_eq!(exported.iter().map(essence).collect::<Vec<_>>(), said);
    assert_eq!([&exported[MESSAGES + 1]["media"]["type"], &exported[MESSAGES + 1]["from"]], ["photo", "Ann"]);
    assert_eq!(rows_of_table(&script.home().join("export.db")), said);
}

/// A message's number, text and the number of what it replies to, by a client or by the exporter.
fn essence(message: &Value) -> (Option<i64>, String, Option<i64>) {
    let reply = message.get("reply_to").unwrap_or(&message["reply_id"]);
    (message["id"].as_i64(), message["text"].as_str().unwrap_or_default().to_owned(), reply.as_i64())
}

/// The same, of each row of the exporter's table.
fn rows_of_table(file: &Path) -> Vec<(Option<i64>, String, Option<i64>)> {
    let database = Connection::open(file).expect("a database");
    let mut rows =
        database.prepare("SELECT id, ifnull(text, ''), reply_id FROM message ORDER BY id").expect("its table");
    let rows = rows.query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).expect("rows");
    rows.map(|row| row.expect("a row")).collect()
}

fn reminds_after_a_restart(script: &mut Script) {
    let mut ann = script.person(Library::Telethon, ANN);
    ann.ask(json!({"do": "send", "user": script.user, "text": "!remind 5s look at the oven"}));
    let answer = ann.message();
    assert!(answer["text"].as_str().is_some_and(|text| text.starts_with("I will, at ")), "{answer}");
    script.stop();
    let kept = Connection::open(script.home().join("reminders.db")).expect("a database");
    let kept: Vec<u8> = kept.query_row("SELECT CAST(text AS BLOB) FROM reminder", (), |row| row.get(0)).expect("a row");
    assert_eq!(kept, b"look at the oven");
    script.start_again();
    let reminder = ann.message();
    assert_eq!([&reminder["text"], &reminder["user"]], [&json!("Reminder: look at the oven"), &script.user]);
}

fn forwards_between_two_groups(script: &mut Script) {
    let mut ann = script.person(Library::Telethon, ANN);
    let groups = ["a", "b"].map(|end| {
        let group = ann.ask(json!({"do": "group", "title": end, "members": [script.user]}))["chat"].clone();
        ann.ask(json!({"do": "send", "chat": group, "text": format!("!forward {end}")}));
        assert_eq!(ann.message_with(&format!("This is {end} now"))["chat"], group);
        group
    });
    for (from, to) in [(0, 1), (1, 0)] {
        ann.ask(json!({"do": "send", "chat": groups[from], "text": "to all of you"}));
        let forwarded = ann.message();
        assert_eq!([&forwarded["text"], &forwarded["chat"]], [&json!("to all of you"), &groups[to]]);
        assert_eq!([&forwarded["sender"], &forwarded["forwarded_from"]], [&script.user, &ann.id]);
    }
}

/// An example at work on an account of its own.
struct Script {
    place: Place,
    program: PathBuf,
    run: Process,
    /// Its user.
    user: Value,
}

impl Script {
    /// Signs its account up, and starts it.
    fn start(file: &str) -> Self {
        let program = match file {
            "echo-rust" => root().join("target/wasm32-wasip2/guest/echo_rust.wasm"),
            _ => root().join("examples").join(file),
        };
        assert!(program.is_file(), "{} is missing: run the tests with `cargo xtask test`", program.display());
        let place = Place::new();
        place.sign_up("script", SCRIPT.0, SCRIPT.1);
        let run = started(&place, &program);
        Self { place, program, run, user: Value::Null }
    }

    /// Ends it as a supervisor does.
    fn stop(&mut self) {
        self.run.terminate();
        assert_eq!(self.run.wait().code(), Some(0));
    }

    fn start_again(&mut self) {
        self.run = started(&self.place, &self.program);
    }

    /// Somebody who has the script among their contacts.
    fn person(&mut self, library: Library, who: (&str, &str)) -> Chat {
        let mut person = Chat::start(library, &self.settings(who));
        self.user = person.ask(json!({"do": "contact", "phone": SCRIPT.0, "name": SCRIPT.1}))["user"].clone();
        person
    }

    /// A client's settings.
    fn settings(&self, (phone, name): (&str, &str)) -> Value {
        let address = self.place.address.parse().expect("an address");
        settings(address, &self.place.public_key, self.place.data.path(), phone, name)
    }

    /// The chats that a person can have with it.
    fn private_chat_and_group(&self, person: &mut Chat) -> [(&'static str, Value); 2] {
        let group = person.ask(json!({"do": "group", "title": "A group", "members": [self.user]}))["chat"].clone();
        [("user", self.user.clone()), ("chat", group)]
    }

    /// The script's private folder.
    fn home(&self) -> PathBuf {
        let name = self.program.file_name().expect("a file");
        self.place.data.path().join("user/accounts/script/scripts").join(name)
    }

    /// One of the files that tests/conformance/media.py makes.
    fn file(&self, name: &str) -> PathBuf {
        let path = self.place.data.path().join(name);
        let make = "import media, sys; open(sys.argv[1], 'wb').write(media.FILES[sys.argv[2]]())";
        let mut python = Command::new(interop_python());
        python.current_dir(root().join("tests/conformance")).args(["-c", make]).arg(&path).arg(name);
        let run = finish(&mut python, "");
        assert!(run.status.success(), "{}", run.stderr);
        path
    }
}

fn started(place: &Place, program: &Path) -> Process {
    let mut run = Process::start(place.command(&["run", "--account", "script"]).arg(program));
    run.stderr_line_with("is online");
    run
}

/// Says [`MESSAGES`] things to somebody; gives the number of the last.
fn say_much(chat: &mut Chat, user: &Value) -> Value {
    let said =
        (0..MESSAGES).map(|number| chat.ask(json!({"do": "send", "user": user, "text": format!("number {number}")})));
    said.last().expect("some")["id"].clone()
}
