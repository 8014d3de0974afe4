//! Supergroups with topics: what answers what, and where what is sent goes.

use tgl::{Call, Failure, FileKind, MessageId, Outcome, PeerId, ServiceAction};

use crate::channels::Group;
use crate::world::{User, text_to};

fn id_of(user: &User, group: PeerId, server_id: i32) -> MessageId {
    user.store.message_id(group, server_id).unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_in_a_topic_answers_what_it_answers() {
    let mut scene = Group::new().await;
    let group = scene.peer();
    let channel = scene.channel();
    let Group { bob, operator, .. } = &mut scene;
    operator.make_forum(channel).await;
    let topic = operator.topic(channel, "Cakes").await;
    let begun = bob.messages(1).await.remove(0);
    assert_eq!((begun.action, begun.reply_to), (ServiceAction::Noop, None));
    let topic_id = id_of(bob, group, topic);
    assert_eq!(begun.id, topic_id);

    operator.answer(channel, "in the topic", Some(topic)).await;
    let plain = bob.messages(1).await.remove(0);
    let plain_server_id = bob.store.server_message(plain.id).unwrap().unwrap().id;
    operator.answer(channel, "an answer", Some(plain_server_id)).await;
    let answer = bob.messages(1).await.remove(0);
    operator.say(channel, "in General").await;
    let general = bob.messages(1).await.remove(0);
    for (message, reply_to, lies_in) in [
        (&begun, None, Some(topic_id)),
        (&plain, None, Some(topic_id)),
        (&answer, Some(plain.id), Some(topic_id)),
        (&general, None, None),
    ] {
        let found = (message.reply_to, bob.store.scripts().topic(message.id).unwrap());
        assert_eq!(found, (reply_to, lies_in), "{:?}", message.text);
        // A history says the same, and changes nothing.
        assert_eq!(bob.store.message(message.id).unwrap().as_ref(), Some(message));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_in_a_topic_stays_there() {
    let mut scene = Group::new().await;
    let group = scene.peer();
    let channel = scene.channel();
    let Group { alice, bob, operator, .. } = &mut scene;
    operator.make_forum(channel).await;
    let server_id = operator.topic(channel, "Cakes").await;
    alice.messages(1).await;
    let topic = bob.messages(1).await.remove(0).id;
    assert_eq!(topic, id_of(bob, group, server_id));
    std::fs::write(bob.home.path().join("a.txt"), "a cake").unwrap();
    let to = group;
    let reply_to = Some(topic);
    let sends = [
        text_to(to, "a text"),
        Call::SendMessage { to, text: "to its beginning".to_owned(), reply_to, preview: None },
        Call::SendLocation { to, latitude: 1.0, longitude: 2.0 },
        Call::SendContact { to, phone: "1".to_owned(), first_name: "Ada".to_owned(), last_name: String::new() },
        Call::SendFile { to, kind: FileKind::Document, path: "a.txt".to_owned() },
        Call::SendFile { to, kind: FileKind::Text, path: "a.txt".to_owned() },
        Call::ForwardMessage { to, id: 0 },
    ];
    let mut first = None;
    for send in sends {
        let send = match send {
            Call::ForwardMessage { to, .. } => Call::ForwardMessage { to, id: first.unwrap() },
            send => send,
        };
        let what = format!("{send:?}");
        let Ok(Outcome::Message(sent)) = bob.call(Call::InTopic { topic, send: Box::new(send) }).await else {
            panic!("{what}")
        };
        first.get_or_insert(sent.id);
        let got = alice.messages(1).await.remove(0);
        let expected = Some(id_of(alice, group, server_id));
        assert_eq!((got.reply_to, alice.store.scripts().topic(got.id).unwrap()), (None, expected), "{what}");
        assert_eq!(bob.store.scripts().topic(sent.id).unwrap(), Some(topic), "{what}");
    }
    // What says nothing of a topic lies in none.
    bob.send(group, "in General").await;
    let general = alice.messages(1).await.remove(0);
    assert_eq!(alice.store.scripts().topic(general.id).unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_back_is_not_passed_on_into_a_topic_either() {
    let mut scene = Group::new().await;
    let group = scene.peer();
    let Group { bob, .. } = &mut scene;
    bob.send(group, "a login code").await;
    let code = bob.messages(1).await.remove(0);
    let service = PeerId::user(777_000);
    let code = tgl::Message { id: 99, source: Some(service), destination: bob.peer(), ..code };
    bob.store.record(|batch| batch.put_message(service, &code)).unwrap();
    for pass_on in [Call::ForwardMessage { to: group, id: 99 }, Call::ForwardMedia { to: group, id: 99 }] {
        let ended = bob.call(Call::InTopic { topic: 4, send: Box::new(pass_on) }).await;
        assert!(matches!(&ended, Err(error) if error.kind == Failure::NotGranted), "{ended:?}");
    }
}
