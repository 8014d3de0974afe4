//! What is missed in channels comes later, in order and once; who is shut out hears no more.

use tgl::{Call, Event, Failure, ServiceAction};

use crate::channels::{Group, page};
use crate::world::text_to;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_in_channels_comes_before_the_end_of_the_difference() {
    let stage = Group::new().await;
    let group = stage.peer();
    let Group { world, mut alice, mut bob, operator, .. } = stage;
    alice.send(group, "before").await;
    bob.messages(1).await;
    let (store, seq) = (bob.store.clone(), bob.store.inbox_seq());
    bob.stop().await;
    let mut expected = Vec::new();
    for number in 0..230 {
        let text = number.to_string();
        alice.request(text_to(group, &text)).await;
        expected.push(text);
        if number % 40 == 39 {
            for _ in 0..40 {
                alice.completion().await.result.unwrap();
            }
        }
    }
    for _ in 0..30 {
        alice.completion().await.result.unwrap();
    }
    let other = operator.channel("Other", false, &[2]).await;
    let mut bob = world.start(store).await;
    let end = bob.state.borrow().difference_end_seq.unwrap();
    let messages = bob.messages(231).await;
    let texts = messages.iter().filter(|message| message.destination == group);
    assert_eq!(texts.map(|message| message.text.clone().unwrap_or_default()).collect::<Vec<_>>(), expected);
    assert!(messages.iter().any(|message| message.destination == other.peer()), "a channel that is new to us");
    assert!(end >= seq + 231, "before the difference ended");
    alice.send(group, "after").await;
    assert_eq!(bob.texts(1).await, ["after"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_pushes_of_a_channel_are_noticed_and_fetched() {
    let mut stage = Group::new().await;
    let group = stage.peer();
    for round in 0..3 {
        // Not Bob alone misses them: each push goes to every session.
        stage.world.dc.faults().drop_next_pushes(4);
        let texts: Vec<_> = (0..4).map(|number| format!("{round} {number}")).collect();
        for text in &texts {
            stage.alice.send(group, text).await;
        }
        assert_eq!(stage.bob.texts(4).await, texts);
    }
    assert_eq!(stage.alice.texts(12).await.len(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_difference_of_a_channel_tells_is_looked_up_in_it() {
    let mut stage = Group::new().await;
    let group = stage.peer();
    let Group { world, alice, bob, .. } = &mut stage;
    alice.send(group, "before").await;
    bob.messages(1).await;
    let store = bob.store.clone();
    let bob = std::mem::replace(bob, world.user("Nobody", 9).await);
    bob.stop().await;
    for number in 0..130 {
        alice.send(group, &number.to_string()).await;
    }
    // As if the server had forgotten what came after this state.
    store.record(|batch| batch.set_channel_pts(group.id, Some(0))).unwrap();
    let mut bob = world.start(store).await;
    assert_eq!(bob.texts(130).await, (0..130).map(|number| number.to_string()).collect::<Vec<_>>());
    alice.send(group, "after").await;
    assert_eq!(bob.texts(1).await, ["after"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_difference_that_floods_or_fails_comes_later() {
    let mut stage = Group::new().await;
    let group = stage.peer();
    let faults = stage.world.dc.faults();
    for (code, name) in [(420, "FLOOD_WAIT_1"), (500, "HISTORY_GET_FAILED")] {
        faults.fail_next("updates.getChannelDifference", code, name);
        faults.drop_next_pushes(3);
        stage.alice.send(group, "lost").await;
        stage.alice.send(group, "found").await;
        stage.alice.send(stage.bob.peer(), "meanwhile").await;
        let mut texts = stage.bob.texts(3).await;
        texts.sort();
        assert_eq!(texts, ["found", "lost", "meanwhile"], "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_shut_out_is_told_and_nothing_breaks() {
    let mut stage = Group::new().await;
    let group = stage.peer();
    let Group { world, alice, bob, .. } = &mut stage;
    bob.events();
    alice.call(Call::DeleteChatUser { chat: group, user: bob.peer() }).await.unwrap();
    let is_left = |store: &store::AccountStore| store.peer_record(group).unwrap().unwrap().facts.is_left;
    while !is_left(&bob.store) {
        let seq = bob.store.inbox_seq();
        if !is_left(&bob.store) {
            bob.wait(|state| state.inbox_seq > seq).await;
        }
    }
    let left = bob.events().into_iter().any(|event| matches!(event, Event::ChatUpdate { what, .. } if what.flags));
    assert!(left);
    assert_eq!(bob.store.channel_state(group.id).unwrap().pts, None);
    alice.send(group, "without him").await;
    alice.send(bob.peer(), "to him").await;
    assert_eq!(bob.texts(1).await, ["to him"]);
    let (store, id) = (bob.store.clone(), bob.peer());
    let bob = std::mem::replace(bob, world.user("Nobody", 9).await);
    bob.stop().await;
    alice.call(Call::AddChatUser { chat: group, user: id }).await.unwrap();
    alice.send(group, "with him").await;
    let mut bob = world.start(store).await;
    let messages = bob.messages(2).await;
    assert_eq!((messages[0].action, messages[1].text.as_deref()), (ServiceAction::ChatAddUser, Some("with him")));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_shut_out_while_away_hears_it_at_the_first_call() {
    let mut stage = Group::new().await;
    let group = stage.peer();
    let Group { world, alice, bob, .. } = &mut stage;
    let (store, id) = (bob.store.clone(), bob.peer());
    let bob = std::mem::replace(bob, world.user("Nobody", 9).await);
    bob.stop().await;
    alice.send(group, "with him").await;
    alice.call(Call::DeleteChatUser { chat: group, user: id }).await.unwrap();
    let mut bob = world.start(store).await;
    for call in
        [text_to(group, "hello"), Call::GetHistory { peer: group, page: page(0, 1) }, Call::MarkRead { peer: group }]
    {
        let error = bob.call(call).await.unwrap_err();
        assert_eq!((error.kind, error.detail.as_str()), (Failure::Refused, "CHANNEL_PRIVATE"));
    }
    assert!(bob.store.peer_record(group).unwrap().unwrap().facts.is_left);
    alice.send(id, "still friends").await;
    assert_eq!(bob.texts(1).await, ["still friends"]);
}
