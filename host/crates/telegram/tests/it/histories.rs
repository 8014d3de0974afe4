//! Long histories: whole, in order, through flood waits, while the conversation goes on.

use tgl::{Call, Failure, Outcome, Page, PeerId};

use crate::world::{User, World, text_to, two_users};

const LENGTH: usize = 5_000;

async fn page(user: &mut User, peer: PeerId, offset: u32, limit: u32) -> Vec<String> {
    match user.call(Call::GetHistory { peer, page: Page { offset, limit } }).await {
        Ok(Outcome::Messages(messages)) => {
            messages.into_iter().map(|message| message.text.unwrap_or_default()).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_of_5000_messages_is_fetched_whole() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    for number in 0..LENGTH {
        alice.request(text_to(bob.peer(), &number.to_string())).await;
        if number % 50 == 49 {
            for _ in 0..50 {
                alice.completion().await.result.unwrap();
            }
        }
    }
    bob.messages(LENGTH).await;
    let newest_first: Vec<_> = (0..LENGTH).rev().map(|number| number.to_string()).collect();
    let faults = world.dc.faults();

    // As README has it: page by page, by count.
    let mut history: Vec<String> = Vec::new();
    loop {
        if history.len() % 2_000 == 100 {
            faults.fail_next("messages.getHistory", 420, "FLOOD_WAIT_1");
        }
        let messages = page(&mut bob, alice.peer(), history.len() as u32, 100).await;
        let is_end = messages.len() < 100;
        history.extend(messages);
        if is_end {
            break;
        }
    }
    assert_eq!(history, newest_first);

    // In one call, while messages come.
    faults.fail_next("messages.getHistory", 420, "FLOOD_WAIT_1");
    let whole = Call::GetHistory { peer: alice.peer(), page: Page { offset: 0, limit: 10_000 } };
    let fetching = bob.request(whole).await;
    for number in 0..20 {
        alice.send(bob.peer(), &format!("new {number}")).await;
    }
    let completion = bob.completion().await;
    assert_eq!(completion.id, fetching);
    let Ok(Outcome::Messages(messages)) = completion.result else { panic!() };
    let texts = messages.into_iter().map(|message| message.text.unwrap_or_default());
    let old: Vec<_> = texts.skip_while(|text| text.starts_with("new")).collect();
    assert_eq!(old, newest_first);

    let error = bob.call(Call::GetHistory { peer: alice.peer(), page: Page { offset: 0, limit: 10_001 } }).await;
    let error = error.unwrap_err();
    assert_eq!((error.kind, error.detail.as_str()), (Failure::Invalid, "ask for at most 10000 messages at a time"));
}
