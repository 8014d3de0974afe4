//! Calls on supergroups and channels, and what others see of them.

use grammers_tl_types as tl;
use tgl::{Call, Event, Failure, FileKind, FilePart, Media, Outcome, Page, PeerDetails, PeerId, ServiceAction};
use tl::functions;

use crate::files::{file_to, load, noise, png, put, read, sent};
use crate::operator::{Channel, Operator, channel_of};
use crate::world::{User, World, text_to, two_users};

/// Alice and Bob in a supergroup that Alice has made.
pub(crate) struct Group {
    pub(crate) world: World,
    pub(crate) alice: User,
    pub(crate) bob: User,
    pub(crate) operator: Operator,
    channel: Channel,
}

impl Group {
    pub(crate) async fn new() -> Self {
        let world = World::new().await;
        let (mut alice, mut bob) = two_users(&world).await;
        let operator = Operator::of(&world, "Alice", 1).await;
        let channel = operator.channel("Tea", false, &[2]).await;
        let joined = bob.messages(1).await.remove(0);
        assert_eq!((joined.action, joined.destination), (ServiceAction::ChatAddUser, channel.peer()));
        let founded: Vec<_> = alice.messages(2).await.into_iter().map(|message| message.action).collect();
        assert_eq!(founded, [ServiceAction::ChatCreate, ServiceAction::ChatAddUser]);
        Self { world, alice, bob, operator, channel }
    }

    pub(crate) fn peer(&self) -> PeerId {
        self.channel.peer()
    }

    pub(crate) fn channel(&self) -> Channel {
        self.channel
    }
}

pub(crate) fn page(offset: u32, limit: u32) -> Page {
    Page { offset, limit }
}

async fn history(user: &mut User, peer: PeerId, offset: u32, limit: u32) -> Vec<String> {
    match user.call(Call::GetHistory { peer, page: page(offset, limit) }).await {
        Ok(Outcome::Messages(messages)) => {
            messages.into_iter().map(|message| message.text.unwrap_or_default()).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supergroup_is_talked_in() {
    let mut stage = Group::new().await;
    let group = stage.peer();
    let Group { alice, bob, .. } = &mut stage;
    let sent = alice.send(group, "hello").await;
    assert_eq!((sent.source, sent.destination), (Some(alice.peer()), group));
    assert_eq!(alice.messages(1).await.remove(0), sent);
    let got = bob.messages(1).await.remove(0);
    assert!(got.flags.unread && !got.flags.outgoing && got.id > i64::from(i32::MAX));
    assert_eq!((got.source, got.text.as_deref()), (Some(alice.peer()), Some("hello")));
    let answer = Call::SendMessage { to: group, text: "hi".to_owned(), reply_to: Some(got.id), preview: None };
    bob.call(answer).await.unwrap();
    let back = alice.messages(1).await.remove(0);
    assert_eq!(back.reply_to, Some(sent.id));
    assert_eq!(alice.store.message(back.id).unwrap(), Some(back.clone()));

    // From the group and into it; ids of one conversation are never another's.
    let Ok(Outcome::Message(copy)) = bob.call(Call::ForwardMessage { to: alice.peer(), id: got.id }).await else {
        panic!()
    };
    assert_eq!((copy.text.as_deref(), copy.destination), (Some("hello"), alice.peer()));
    let Ok(Outcome::Message(again)) = bob.call(Call::ForwardMessage { to: group, id: copy.id }).await else { panic!() };
    assert_eq!((again.text.as_deref(), again.destination), (Some("hello"), group));
    alice.messages(2).await;

    let ids = [sent.id, back.id, copy.id, again.id];
    assert!((0..4).all(|at| !ids[..at].contains(&ids[at])), "{ids:?}");
    bob.call(Call::SetTyping { peer: group, state: tgl::TypingState::Typing }).await.unwrap();
    bob.call(Call::MarkRead { peer: group }).await.unwrap();
    assert!(!bob.store.message(got.id).unwrap().unwrap().flags.unread);
    let Ok(Outcome::Dialogs(dialogs)) = alice.call(Call::GetDialogs).await else { panic!() };
    let dialog = dialogs.iter().find(|dialog| dialog.peer.id() == group).unwrap();
    assert_eq!((dialog.last_message.as_ref().map(|message| message.id), dialog.unread_count), (Some(again.id), 2));
    assert_eq!(history(bob, group, 0, 10).await, ["hello", "hi", "hello", "", ""]);
    let search = |peer| Call::SearchMessages { peer, text: "hel".to_owned(), page: page(0, 10) };
    for (peer, count) in [(Some(group), 2), (None, 3)] {
        let Ok(Outcome::Messages(found)) = bob.call(search(peer)).await else { panic!() };
        assert_eq!(found.len(), count, "{found:#?}");
    }

    // Ids stay what they are.
    let Group { world, bob, .. } = stage;
    let store = bob.store.clone();
    bob.stop().await;
    let mut bob = world.start(store).await;
    assert_eq!(bob.store.server_message(got.id).unwrap().unwrap().chat, Some(group));
    assert_eq!(history(&mut bob, group, 0, 10).await, ["hello", "hi", "hello", "", ""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supergroup_is_managed() {
    let mut stage = Group::new().await;
    let group = stage.peer();
    let mut carol = stage.world.user("Carol", 3).await;
    let Group { alice, bob, .. } = &mut stage;
    alice.knows(&carol, 3).await;
    alice.call(Call::AddChatUser { chat: group, user: carol.peer() }).await.unwrap();
    assert_eq!(carol.messages(1).await[0].action, ServiceAction::ChatAddUser);
    let Ok(Outcome::Peer(peer)) = bob.call(Call::GetPeerInfo { peer: group }).await else { panic!() };
    let PeerDetails::Channel(about) = peer.details else { panic!() };
    let mut members = about.member_ids;
    members.sort_unstable();
    assert_eq!(members, [alice.id, bob.id, carol.id]);

    bob.events();
    alice.call(Call::RenameChat { chat: group, title: "Coffee & Cake".to_owned() }).await.unwrap();
    let mut told = Vec::new();
    while !told
        .iter()
        .any(|event| matches!(event, Event::Message(message) if message.action == ServiceAction::ChatEditTitle))
    {
        let seq = bob.store.inbox_seq();
        told.extend(bob.events());
        if told.is_empty() {
            bob.wait(|state| state.inbox_seq > seq).await;
        }
    }
    let is_renamed =
        |event: &Event| matches!(event, Event::ChatUpdate { chat, what } if what.title && chat.name == "Coffee_&_Cake");
    assert!(told.iter().any(is_renamed), "{told:#?}");

    let error = bob.call(Call::DeleteChatUser { chat: group, user: alice.peer() }).await.unwrap_err();
    assert_eq!(error.kind, Failure::Refused, "{error:?}");
    alice.call(Call::DeleteChatUser { chat: group, user: carol.peer() }).await.unwrap();
    let error = loop {
        if let Err(error) = carol.call(text_to(group, "still here?")).await {
            break error;
        }
    };
    assert_eq!(error.kind, Failure::Refused, "{error:?}");
    alice.call(Call::AddChatUser { chat: group, user: carol.peer() }).await.unwrap();
    carol.send(group, "here again").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn channels_are_joined_by_every_kind_of_link() {
    let mut stage = Group::new().await;
    let Group { bob, operator, .. } = &mut stage;
    let open = operator.channel("Open", false, &[]).await;
    let link = operator.link(open, false).await;
    let join = |link: &str| Call::JoinChatByLink { link: link.to_owned() };
    bob.call(join(&link)).await.unwrap();
    assert_eq!(bob.messages(1).await[0].action, ServiceAction::ChatAddUserByLink);
    bob.send(open.peer(), "hello").await;
    bob.messages(1).await;
    let error = bob.call(join(&link)).await.unwrap_err();
    assert_eq!((error.kind, error.detail.as_str()), (Failure::Refused, "USER_ALREADY_PARTICIPANT"));

    let public = operator.channel("Public", false, &[]).await;
    let username = "some_group".to_owned();
    operator.call(&functions::channels::UpdateUsername { channel: public.input(), username }).await;
    bob.call(join("https://t.me/some_group")).await.unwrap();
    bob.send(public.peer(), "hello").await;

    let shut = operator.channel("Shut", false, &[]).await;
    let link = operator.link(shut, true).await;
    let error = bob.call(join(&link)).await.unwrap_err();
    assert_eq!((error.kind, error.detail.as_str()), (Failure::Refused, "INVITE_REQUEST_SENT"));
    let cases = [("+nonsense", "INVITE_HASH_EXPIRED"), ("@nobody_here", "USERNAME_NOT_OCCUPIED")];
    for (link, name) in cases {
        let error = bob.call(join(link)).await.unwrap_err();
        assert_eq!((error.kind, error.detail.as_str()), (Failure::Refused, name), "{link}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_basic_group_goes_on_as_a_supergroup() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    let operator = Operator::of(&world, "Alice", 1).await;
    alice.call(Call::CreateChat { users: vec![bob.peer()], title: "Tea".to_owned() }).await.unwrap();
    let group = bob.messages(1).await.remove(0).destination;
    bob.send(group, "before").await;
    let answer = operator.call(&functions::messages::MigrateChat { chat_id: group.id }).await;
    let channel = channel_of(&answer);
    bob.messages(3).await;
    // The script knows the old group only.
    let sent = bob.send(group, "after").await;
    assert_eq!(sent.destination, channel.peer());
    let got = alice.messages(5).await.pop().unwrap();
    assert_eq!((got.destination, got.text.as_deref()), (channel.peer(), Some("after")));
    assert_eq!(history(&mut bob, group, 0, 10).await, ["after", "", "", "before", ""]);
    assert_eq!(history(&mut bob, group, 3, 1).await, ["before"]);
    assert_eq!(history(&mut bob, channel.peer(), 0, 10).await, ["after", ""]);
    bob.call(Call::MarkRead { peer: group }).await.unwrap();
    alice.call(Call::RenameChat { chat: group, title: "Coffee".to_owned() }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn posts_of_a_channel_have_no_author() {
    let mut stage = Group::new().await;
    let Group { alice, bob, operator, .. } = &mut stage;
    let news = operator.channel("News", true, &[2]).await;
    let sent = alice.send(news.peer(), "first").await;
    assert_eq!((sent.source, sent.destination), (None, news.peer()));
    let got = bob.messages(1).await.remove(0);
    assert_eq!((got.source, got.text.as_deref()), (None, Some("first")));
    let error = bob.call(text_to(news.peer(), "me too")).await.unwrap_err();
    assert_eq!(error.kind, Failure::Refused);
    // Readers may not see each other.
    let Ok(Outcome::Peer(peer)) = bob.call(Call::GetPeerInfo { peer: news.peer() }).await else { panic!() };
    assert!(matches!(peer.details, PeerDetails::Channel(about) if about.member_ids.is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_and_restored() {
    let mut stage = Group::new().await;
    let group = stage.peer();
    let Group { alice, bob, .. } = &mut stage;
    let mut sent = Vec::new();
    for text in ["one", "two", "three"] {
        sent.push(alice.send(group, text).await);
    }
    let got = bob.messages(3).await;
    alice.call(Call::DeleteMessage { id: sent[1].id }).await.unwrap();
    assert_eq!(history(alice, group, 0, 3).await, ["three", "one", ""]);
    while bob.store.message(got[1].id).unwrap().is_some() {
        tokio::task::yield_now().await;
    }
    // Deleted for all; restored for whoever still holds it.
    bob.call(Call::RestoreMessage { id: got[1].id }).await.unwrap();
    assert_eq!(bob.store.message(got[1].id).unwrap().unwrap().text.as_deref(), Some("two"));
    assert_eq!(history(bob, group, 0, 3).await, ["three", "two", "one"]);
    assert_eq!(history(bob, group, 1, 1).await, ["two"]);
    let search = Call::SearchMessages { peer: None, text: "TWO".to_owned(), page: page(0, 10) };
    let Ok(Outcome::Messages(found)) = bob.call(search).await else { panic!() };
    assert_eq!(found.iter().map(|message| message.id).collect::<Vec<_>>(), [got[1].id]);
    assert_eq!(history(alice, group, 0, 3).await, ["three", "one", ""]);
    bob.call(Call::DeleteMessage { id: got[1].id }).await.unwrap();
    assert_eq!(bob.store.message(got[1].id).unwrap(), None);
    let error = bob.call(Call::RestoreMessage { id: got[2].id + 40 }).await.unwrap_err();
    assert_eq!(error.kind, Failure::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_sent_and_loaded_and_sent_on() {
    let mut stage = Group::new().await;
    let group = stage.peer();
    let Group { world, alice, bob, .. } = &mut stage;
    let content = noise(300_000);
    put(alice, "notes.bin", &content);
    put(alice, "photo.png", &png(64));
    let document = sent(alice.call(file_to(group, FileKind::Document, "notes.bin")).await);
    sent(alice.call(file_to(group, FileKind::Photo, "photo.png")).await);
    let got = bob.messages(2).await;
    let path = load(bob, got[0].id, FilePart::Document).await.unwrap();
    assert_eq!(read(bob, &path), content);
    load(bob, got[1].id, FilePart::Photo).await.unwrap();
    // With a reference that has expired, the message is fetched from its channel again.
    world.dc.faults().fail_next("upload.getFile", 400, "FILE_REFERENCE_EXPIRED");
    load(alice, document.id, FilePart::Document).await.unwrap();
    let on = sent(bob.call(Call::ForwardMedia { to: alice.peer(), id: got[0].id }).await);
    assert_eq!((on.destination, on.media), (alice.peer(), Some(Media::Document)));
    alice.events();
    put(alice, "face.png", &png(512));
    alice.call(Call::SetChatPhoto { chat: group, path: "face.png".to_owned() }).await.unwrap();
    bob.texts(2).await;
    let is_photo = |event: &(u64, std::sync::Arc<broker::SharedEvent>)| matches!(&**event.1, Event::ChatUpdate { chat, what } if what.photo && chat.id() == group);
    assert!(bob.store.scripts().inbox_after(0, 1_000).unwrap().iter().any(is_photo));
}
