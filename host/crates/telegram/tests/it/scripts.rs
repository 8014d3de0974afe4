//! Several scripts on one account: each hears everything, and of its own calls only.

use std::sync::Arc;

use telegram::Attachment;
use tgl::{Event, Outcome, Request, ScriptName};

use crate::world::{World, text_to, two_users};

#[tokio::test(flavor = "multi_thread")]
async fn each_script_hears_every_event_and_its_own_completions() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    let second: ScriptName = Arc::from("second.py");
    let cursor = alice.store.join(&second).unwrap();
    let files = alice.files.clone();
    let Attachment { requests, mut completions, notes: _notes } = alice.account.attach(second.clone(), files);

    // Both use the same request ids: they are each guest's own.
    let mine = alice.request(text_to(bob.peer(), "from the first")).await;
    let call = text_to(bob.peer(), "from the second");
    requests.send(Request { id: mine, ..Request::new(second.clone(), mine, call) }).await.unwrap();
    let texts = |completion: tgl::Completion| match completion.result {
        Ok(Outcome::Message(message)) => message.text.unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(texts(alice.completion().await), "from the first");
    assert_eq!(texts(completions.recv().await.unwrap()), "from the second");
    assert!(completions.try_recv().is_err() && alice.completions.try_recv().is_err());

    bob.messages(2).await;
    bob.send(alice.peer(), "to both").await;
    let first = alice.texts(3).await;
    let heard = alice.store.inbox_after(cursor, 100).unwrap().into_iter().filter_map(|(_, event)| match event {
        Event::Message(message) => message.text,
        _ => None,
    });
    assert_eq!(heard.collect::<Vec<_>>(), first, "in one order");

    // One that is gone holds up nobody, and its calls are nobody's.
    drop((requests, completions));
    alice.store.leave(&second).unwrap();
    alice.send(bob.peer(), "alone").await;
}
