//! Independent Telegram clients judge the data centre: each makes a key, signs up and chats with another, and with the examples. Stock
//! Telethon and stock kurigram speak its layer; others, and an older Telethon, older ones.
//!
//! Invariant: a client that ignored the address it is given could reach nothing: each test runs again, as a process of
//! its own, in a network namespace where only loopback is up.

mod chat;
mod examples;
mod layers;
mod qr;

use std::net::SocketAddr;
use std::path::Path;

use datacentre::{Config, DataCentre};
use serde_json::{Value, json};
use tests::run_inside;

use chat::{Chat, Library};

/// The number clients' sessions name the data centre by: kurigram knows no other default.
const DC_ID: i32 = 2;

#[test]
fn telethon_and_kurigram_chat_in_private_and_in_a_group() {
    run_inside("telethon_and_kurigram_chat_in_private_and_in_a_group", || {
        let directory = tempfile::tempdir().expect("a temporary directory");
        with_data_centre(directory.path(), |settings| {
            let mut telethon = Chat::start(Library::Telethon, &settings("9996620001", "Tele"));
            let mut kurigram = Chat::start(Library::Kurigram, &settings("9996620002", "Kuri"));
            let pairs = [(&mut telethon, &mut kurigram)];
            for (one, other) in pairs {
                chat_in_private(one, other);
                chat_in_private(other, one);
                chat_in_a_group(one, other);
                chat_in_a_group(other, one);
            }
        });
    });
}

#[test]
fn telethon_and_kurigram_moderate_a_supergroup() {
    run_inside("telethon_and_kurigram_moderate_a_supergroup", || {
        let directory = tempfile::tempdir().expect("a temporary directory");
        with_data_centre(directory.path(), |settings| {
            let mut telethon = Chat::start(Library::Telethon, &settings("9996620001", "Tele"));
            let mut kurigram = Chat::start(Library::Kurigram, &settings("9996620002", "Kuri"));
            let mut guests = [("9996620003", Library::Telethon), ("9996620004", Library::Kurigram)]
                .map(|(phone, library)| Chat::start(library, &settings(phone, "Guest")));
            moderate_a_supergroup(&mut telethon, &mut kurigram, &mut guests[1]);
            moderate_a_supergroup(&mut kurigram, &mut telethon, &mut guests[0]);
        });
    });
}

#[test]
fn a_kurigram_bot_hears_who_comes_and_goes() {
    run_inside("a_kurigram_bot_hears_who_comes_and_goes", || {
        let directory = tempfile::tempdir().expect("a temporary directory");
        with_data_centre(directory.path(), |settings| {
            let mut owner = Chat::start(Library::Kurigram, &settings("9996620001", "Kuri"));
            let mut guest = Chat::start(Library::Telethon, &settings("9996620002", "Tele"));
            let mut settings = settings("9996620003", "Bot 77");
            settings["token"] = json!(format!("77:{}", "a".repeat(35)));
            let mut bot = Chat::start(Library::Kurigram, &settings);
            watch_a_supergroup(&mut owner, &mut guest, &mut bot);
        });
    });
}

#[test]
fn telethon_speaks_every_transport_it_has() {
    run_inside("telethon_speaks_every_transport_it_has", || {
        let directory = tempfile::tempdir().expect("a temporary directory");
        with_data_centre(directory.path(), |settings| {
            let mut peer = Chat::start(Library::Telethon, &settings("9996630000", "Peer"));
            for (index, transport) in ["full", "intermediate", "abridged", "obfuscated"].into_iter().enumerate() {
                let mut settings = settings(&format!("999663000{}", index + 1), transport);
                settings["transport"] = json!(transport);
                chat_in_private(&mut Chat::start(Library::Telethon, &settings), &mut peer);
            }
        });
    });
}

/// `one` writes to `other` by phone number, `other` replies, and both find the same in their history.
fn chat_in_private(one: &mut Chat, other: &mut Chat) {
    let user = one.ask(json!({"do": "contact", "phone": other.phone, "name": "Friend"}))["user"].clone();
    assert_eq!(user, other.id);
    let sent = one.ask(json!({"do": "send", "user": user, "text": "hello ✓"}))["id"].clone();
    let heard = other.message();
    assert_eq!([&heard["text"], &heard["user"], &heard["sender"]], [&json!("hello ✓"), &one.id, &one.id]);

    let reply = json!({"do": "send", "user": one.id, "text": "hello yourself", "reply_to": heard["id"]});
    let replied = other.ask(reply)["id"].clone();
    let answer = one.message();
    assert_eq!([&answer["text"], &answer["user"]], [&json!("hello yourself"), &other.id]);
    assert_eq!(answer["reply_to"], sent, "the reply names the message by the receiver's own number");

    let history = one.ask(json!({"do": "history", "user": user, "limit": 2}));
    assert_eq!(texts(&history), ["hello yourself", "hello ✓"]);
    assert_eq!(history["messages"][1]["id"], sent);
    let history = other.ask(json!({"do": "history", "user": one.id, "limit": 2}));
    assert_eq!(texts(&history), ["hello yourself", "hello ✓"]);
    assert_eq!(history["messages"][0]["id"], replied);
}

/// `one` makes a group with `other` in it; both write and reply there. They must know each other.
fn chat_in_a_group(one: &mut Chat, other: &mut Chat) {
    let chat = one.ask(json!({"do": "group", "title": "Three words long", "members": [other.id]}))["chat"].clone();
    let sent = one.ask(json!({"do": "send", "chat": chat, "text": "all here?"}))["id"].clone();
    let heard = other.message_with("all here?");
    assert_eq!([&heard["chat"], &heard["sender"]], [&chat, &one.id]);
    other.ask(json!({"do": "send", "chat": chat, "text": "yes", "reply_to": heard["id"]}));
    let answer = one.message_with("yes");
    assert_eq!([&answer["chat"], &answer["sender"], &answer["reply_to"]], [&chat, &other.id, &sent]);
    for member in [one, other] {
        let history = member.ask(json!({"do": "history", "chat": chat, "limit": 2}));
        assert_eq!(texts(&history), ["yes", "all here?"]);
    }
}

/// `one` makes a supergroup with `other` in it and a link to it, by which `guest` comes. `other` becomes an administrator,
/// deletes what the guest wrote and bans the guest.
fn moderate_a_supergroup(one: &mut Chat, other: &mut Chat, guest: &mut Chat) {
    let user = one.ask(json!({"do": "contact", "phone": other.phone, "name": "Friend"}))["user"].clone();
    let channel = one.ask(json!({"do": "supergroup", "title": "A supergroup", "members": [user]}))["channel"].clone();
    let sent = one.ask(json!({"do": "send", "channel": channel, "text": "all here?"}))["id"].clone();
    let heard = other.message_with("all here?");
    assert_eq!([&heard["channel"], &heard["sender"]], [&channel, &one.id]);
    assert_eq!(heard["id"], sent, "ids are the channel's");
    other.ask(json!({"do": "send", "channel": channel, "text": "yes", "reply_to": sent}));
    assert_eq!(one.message_with("yes")["reply_to"], sent);

    let link = one.ask(json!({"do": "link", "channel": channel}))["link"].clone();
    assert_eq!(guest.ask(json!({"do": "join", "link": link}))["channel"], channel);
    let spam = guest.ask(json!({"do": "send", "channel": channel, "text": "spam"}))["id"].clone();
    one.ask(json!({"do": "promote", "channel": channel, "user": user}));
    assert_eq!(other.message_with("spam")["id"], spam);
    other.ask(json!({"do": "delete", "channel": channel, "id": spam}));
    other.ask(json!({"do": "ban", "channel": channel, "user": guest.id}));
    let history = one.ask(json!({"do": "history", "channel": channel, "limit": 10}));
    assert_eq!(texts(&history), ["yes", "all here?"]);
    let mut members = one.ask(json!({"do": "members", "channel": channel}))["members"].clone();
    let members = members.as_array_mut().expect("a list of users");
    members.sort_by_key(Value::as_i64);
    let mut wanted = [one.id.clone(), other.id.clone()];
    wanted.sort_by_key(Value::as_i64);
    assert_eq!(*members, wanted);
}

/// `owner` makes a supergroup with `bot` as its administrator; `guest` comes and is banned. `owner` counts the messages.
fn watch_a_supergroup(owner: &mut Chat, guest: &mut Chat, bot: &mut Chat) {
    owner.ask(json!({"do": "resolve", "username": "bot77_bot"}));
    let made = owner.ask(json!({"do": "supergroup", "title": "A supergroup", "members": [bot.id]}));
    let channel = made["channel"].clone();
    owner.ask(json!({"do": "promote", "channel": channel, "user": bot.id}));
    let link = owner.ask(json!({"do": "link", "channel": channel}))["link"].clone();
    guest.ask(json!({"do": "join", "link": link}));
    guest.ask(json!({"do": "send", "channel": channel, "text": "hello"}));
    owner.message_with("hello");
    owner.ask(json!({"do": "ban", "channel": channel, "user": guest.id}));
    for (by, user, before, after) in [
        (&owner.id, &bot.id.clone(), Value::Null, json!("MEMBER")),
        (&owner.id, &bot.id.clone(), json!("MEMBER"), json!("ADMINISTRATOR")),
        (&guest.id, &guest.id, Value::Null, json!("MEMBER")),
        (&owner.id, &guest.id, json!("MEMBER"), json!("BANNED")),
    ] {
        let wanted = json!({
            "event": "member", "channel": channel, "by": by, "user": user, "before": before, "after": after,
        });
        assert_eq!(bot.member(), wanted);
    }
    let history = owner.ask(json!({"do": "history", "channel": channel, "limit": 100}));
    let count = history["messages"].as_array().map(Vec::len);
    assert_eq!(owner.ask(json!({"do": "count", "channel": channel}))["count"], json!(count));
}

fn texts(history: &Value) -> Vec<&str> {
    let messages = history["messages"].as_array().expect("a list of messages");
    messages.iter().filter_map(|message| message["text"].as_str()).collect()
}

/// Runs a data centre while `test` does; gives it what makes a client's settings from a phone number and a name.
fn with_data_centre(directory: &Path, test: impl FnOnce(&dyn Fn(&str, &str) -> Value)) {
    let runtime = tokio::runtime::Runtime::new().expect("a tokio runtime");
    let config = Config { listen: ([127, 0, 0, 1], 0).into(), data_dir: directory.join("dc"), dc_id: DC_ID };
    let data_centre = runtime.block_on(DataCentre::start(config)).expect("a data centre");
    let (address, public_key) = (data_centre.address, data_centre.public_key_path.clone());
    let settings = |phone: &str, name: &str| settings(address, &public_key, directory, phone, name);
    test(&settings);
    runtime.block_on(data_centre.stop());
}

/// What a client is told: the data centre, who it is, and a folder of its own below `directory`.
fn settings(address: SocketAddr, public_key: &Path, directory: &Path, phone: &str, name: &str) -> Value {
    let own = directory.join(phone);
    std::fs::create_dir(&own).expect("a new directory");
    json!({
        "host": address.ip(),
        "port": address.port(),
        "dc_id": DC_ID,
        "public_key": public_key,
        "phone": phone,
        "code": phone[5..6].repeat(5),
        "name": name,
        "directory": own,
    })
}
