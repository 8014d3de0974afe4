//! Several scripts on one account: each hears everything, and of its own calls only; none makes another wait without need.

use std::sync::Arc;
use std::time::{Duration, Instant};

use broker::{Arrived, Attachment};
use files::{FileSpace, HOME_BYTES_MAX};
use grammers_tl_types::functions;
use telegram::{CALLS_UNDER_WAY_MAX, LISTS_MAX, PART_BYTES, TRANSFERS_MAX};
use tempfile::TempDir;
use tgl::{Call, CallError, Event, FileKind, FilePart, Grants, Outcome, Page, ScriptName};

use crate::channels::page;
use crate::files::{file_to, noise, put, sent};
use crate::operator::{Operator, channel_of};
use crate::world::{PATIENCE, User, World, text_to, two_users};

/// A second script on a user's account, with a private folder of its own.
struct Other {
    ends: Attachment,
    _home: TempDir,
}

impl Other {
    fn on(user: &User) -> Self {
        let home = TempDir::new().unwrap();
        let files = FileSpace::open(None, Some(home.path()), HOME_BYTES_MAX, &[]).unwrap();
        Self { ends: user.account.attach("other.py".into(), files, Grants::trusted()), _home: home }
    }

    async fn request(&self, call: Call) {
        self.ends.send(1, call).await.unwrap();
    }

    async fn completion(&mut self) -> Result<Outcome, CallError> {
        let completion = tokio::time::timeout(PATIENCE, self.ends.completions.recv()).await;
        completion.expect("a call ends").expect("the account runs").completion.result
    }

    async fn call(&mut self, call: Call) -> Result<Outcome, CallError> {
        self.request(call).await;
        self.completion().await
    }
}

/// Alice, who knows Bob and Carol.
async fn three_users(world: &World) -> (User, User, User) {
    let (mut alice, bob) = two_users(world).await;
    let carol = world.user("Carol", 3).await;
    alice.knows(&carol, 3).await;
    (alice, bob, carol)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_script_hears_every_event_and_its_own_completions() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    let second: ScriptName = Arc::from("second.py");
    let cursor = alice.store.scripts().join(&second).unwrap();
    let files = alice.files.clone();
    let mut ends = alice.account.attach(second.clone(), files, Grants::trusted());

    // Both use the same request ids: they are each guest's own.
    let mine = alice.request(text_to(bob.peer(), "from the first")).await;
    let call = text_to(bob.peer(), "from the second");
    ends.send(mine, call).await.unwrap();
    let texts = |completion: tgl::Completion| match completion.result {
        Ok(Outcome::Message(message)) => message.text.unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(texts(alice.completion().await), "from the first");
    assert_eq!(texts(ends.completions.recv().await.unwrap().completion), "from the second");
    assert!(ends.completions.try_recv().is_err() && alice.completions.try_recv().is_err());

    bob.messages(2).await;
    bob.send(alice.peer(), "to both").await;
    let first = alice.texts(3).await;
    let heard =
        alice.store.scripts().inbox_after(cursor, 100).unwrap().into_iter().filter_map(|(_, event)| match &**event {
            Event::Message(message) => message.text.clone(),
            _ => None,
        });
    assert_eq!(heard.collect::<Vec<_>>(), first, "in one order");

    // One that is gone holds up nobody, and its calls are nobody's.
    drop(ends);
    alice.store.scripts().leave(&second).unwrap();
    alice.send(bob.peer(), "alone").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_wait_holds_up_sends_into_its_chat_and_nothing_else() {
    let world = World::new().await;
    let (mut alice, mut bob, carol) = three_users(&world).await;
    let mut other = Other::on(&alice);
    let wait = Duration::from_secs(10);
    let history = |user: &User| Call::GetHistory { peer: user.peer(), page: page(0, 1) };
    let begun = Instant::now();
    world.dc.faults().fail_next("messages.sendMessage", 420, "FLOOD_WAIT_10");
    let held = alice.request(text_to(bob.peer(), "first")).await;
    // What is answered after it says that the data centre has refused it.
    alice.call(history(&bob)).await.unwrap();
    alice.send(carol.peer(), "elsewhere").await;
    for call in [text_to(carol.peer(), "from another"), history(&bob), Call::GetContacts] {
        other.call(call).await.unwrap();
    }
    other.request(text_to(bob.peer(), "second")).await;
    alice.call(Call::GetContacts).await.unwrap();
    assert!(other.ends.completions.try_recv().is_err(), "it keeps its place in the conversation");
    assert_eq!(alice.completion().await.id, held);
    assert!(begun.elapsed() >= wait);
    other.completion().await.unwrap();
    assert_eq!(bob.texts(2).await, ["first", "second"]);

    // What has no order at the server waits for the same script and conversation alone.
    let begun = Instant::now();
    world.dc.faults().fail_next("messages.getHistory", 420, "FLOOD_WAIT_10");
    let held = alice.request(history(&bob)).await;
    alice.send(bob.peer(), "a send").await;
    alice.call(history(&carol)).await.unwrap();
    other.call(history(&bob)).await.unwrap();
    let waiting = alice.request(history(&bob)).await;
    assert!([held, waiting].contains(&alice.completion().await.id));
    assert!(begun.elapsed() >= wait);
    assert!([held, waiting].contains(&alice.completion().await.id));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_with_all_its_calls_under_way_starves_no_other() {
    let world = World::new().await;
    let (mut alice, mut bob, carol) = three_users(&world).await;
    let mut other = Other::on(&alice);
    world.dc.faults().fail_next("messages.sendMessage", 420, "FLOOD_WAIT_10");
    let texts: Vec<_> = (0..CALLS_UNDER_WAY_MAX + 10).map(|number| number.to_string()).collect();
    for text in &texts {
        alice.request(text_to(bob.peer(), text)).await;
    }
    for call in [Call::GetContacts, Call::GetPeerInfo { peer: bob.peer() }] {
        other.call(call).await.unwrap();
    }
    assert!(alice.completions.try_recv().is_err(), "all of them wait");
    other.call(text_to(carol.peer(), "hello")).await.unwrap();
    for _ in &texts {
        alice.completion().await.result.unwrap();
    }
    assert_eq!(bob.texts(texts.len()).await, texts);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_that_a_script_was_not_given_yet_keep_further_ones_from_being_fetched() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    alice.call(text_to(bob.peer(), "one")).await.unwrap();
    bob.messages(1).await;
    let page = Page { offset: 0, limit: 10 };
    for _ in 0..LISTS_MAX + 3 {
        alice.request(Call::GetHistory { peer: bob.peer(), page }).await;
    }
    let last = alice.request(text_to(bob.peer(), "two")).await;
    // What is no list does not wait for room.
    let mut arrived = Vec::new();
    while arrived.last().is_none_or(|arrived: &Arrived| arrived.completion.id != last) {
        arrived.push(alice.completions.recv().await.unwrap());
    }
    assert!(arrived.len() <= LISTS_MAX + 1, "{} lists are in memory", arrived.len() - 1);
    let lists_given = arrived.len() - 1;
    drop(arrived);
    for _ in lists_given..LISTS_MAX + 3 {
        alice.completion().await.result.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_and_what_it_has_become_are_one_conversation() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    let operator = Operator::of(&world, "Alice", 1).await;
    alice.call(Call::CreateChat { users: vec![bob.peer()], title: "Tea".to_owned() }).await.unwrap();
    let group = bob.messages(1).await.remove(0).destination;
    let migrate = functions::messages::MigrateChat { chat_id: group.id };
    let channel = channel_of(&operator.call(&migrate).await).peer();
    // Who has heard of it knows where it goes on.
    bob.messages(2).await;
    alice.messages(3).await;
    let mut other = Other::on(&alice);
    world.dc.faults().fail_next("messages.sendMessage", 420, "FLOOD_WAIT_10");
    alice.request(text_to(group, "first")).await;
    alice.call(Call::GetContacts).await.unwrap();
    other.call(text_to(channel, "second")).await.unwrap();
    assert_eq!(bob.texts(2).await, ["first", "second"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_with_many_files_does_not_hold_up_anothers_first() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    put(&alice, "large.bin", &noise(18 * PART_BYTES));
    put(&alice, "small.bin", &noise(1_000));
    let large_count = TRANSFERS_MAX + 1;
    for _ in 0..large_count {
        sent(alice.call(file_to(bob.peer(), FileKind::Document, "large.bin")).await);
    }
    sent(alice.call(file_to(bob.peer(), FileKind::Document, "small.bin")).await);
    let messages = bob.messages(large_count + 1).await;
    let load = |at: usize| Call::LoadFile { message: messages[at].id, part: FilePart::Document };
    bob.call(load(large_count)).await.unwrap();
    let mut other = Other::on(&bob);
    for at in 0..large_count {
        bob.request(load(at)).await;
    }
    // One part, and three files of eighteen before it.
    other.call(load(large_count)).await.unwrap();
    assert!(bob.completions.try_recv().is_err(), "there was a place for it");
    for _ in 0..large_count {
        bob.completion().await.result.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_files_message_that_waits_holds_up_no_other_file() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    let mut groups = Vec::new();
    for number in 0..=TRANSFERS_MAX {
        let call = Call::CreateChat { users: vec![bob.peer()], title: format!("Group {number}") };
        alice.call(call).await.unwrap();
        groups.push(bob.messages(1).await.remove(0).destination);
    }
    put(&alice, "a.txt", b"hello");
    let loaded = sent(alice.call(file_to(bob.peer(), FileKind::Document, "a.txt")).await);
    for (kind, method) in [(FileKind::Text, "messages.sendMessage"), (FileKind::Document, "messages.sendMedia")] {
        let mut waiting = Vec::new();
        for group in &groups {
            world.dc.faults().fail_next(method, 420, "FLOOD_WAIT_10");
            waiting.push(alice.request(file_to(*group, kind, "a.txt")).await);
        }
        let load = alice.request(Call::LoadFile { message: loaded.id, part: FilePart::Document }).await;
        let first = alice.completion().await;
        assert!(first.id == load && first.result.is_ok(), "{kind:?}: {first:?}");
        for _ in &waiting {
            let completion = alice.completion().await;
            assert!(waiting.contains(&completion.id) && completion.result.is_ok(), "{kind:?}: {completion:?}");
        }
        std::fs::remove_dir_all(alice.home.path().join("downloads")).unwrap();
    }
}
