//! Raw queries: what Telegram is asked in its own words, and what nobody may ask.

use std::sync::Arc;

use broker::Attachment;
use tgl::{Call, CallError, Failure, Grants, Outcome};

use crate::world::{PATIENCE, User, World, two_users};

/// A script that is granted some methods.
struct Asker {
    ends: Attachment,
    asked: u64,
}

impl Asker {
    fn on(user: &User, methods: &[&str], service_messages: bool) -> Self {
        let raw = Arc::new(methods.iter().map(|method| (*method).to_owned()).collect());
        let grants = Grants { raw, service_messages, ..Grants::trusted() };
        Self { ends: user.account.attach("asker.py".into(), user.files.clone(), grants), asked: 0 }
    }

    async fn ask(&mut self, text: &str) -> Result<String, CallError> {
        self.asked += 1;
        self.ends.send(self.asked, Call::RawQuery { text: text.to_owned() }).await.unwrap();
        let completion = tokio::time::timeout(PATIENCE, self.ends.completions.recv()).await;
        match completion.expect("a call ends").expect("the account runs").completion.result? {
            Outcome::Text(text) => Ok(text),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_raw_query_is_answered_in_text_and_what_it_changes_is_heard() {
    let world = World::new().await;
    let (mut alice, mut bob) = two_users(&world).await;
    let granted =
        ["help.getNearestDc", "messages.sendMessage", "messages.getHistory", "users.getUsers", "contacts.resolvePhone"];
    let mut asker = Asker::on(&alice, &granted, false);
    let us = alice.id;
    let send = |random_id| {
        format!("(messages.sendMessage flags:0 peer:(inputPeerSelf) message:\"to myself\" random_id:{random_id})")
    };
    let rows: [(String, Result<String, &str>); 6] = [
        ("(help.getNearestDc)".to_owned(), Ok(" ( nearestDc country :\"XX\" this_dc : 2 nearest_dc : 2 )".to_owned())),
        ("(users.getUsers (vector 1 [ (inputUserSelf) ]))".to_owned(), Ok(format!(" id : {us} "))),
        (send(77), Ok(" ( updateMessageID id : ".to_owned())),
        (
            "(messages.getHistory (inputPeerSelf) 0 0 0 limit:10 0 0 0)".to_owned(),
            Ok(" message :\"to myself\"".to_owned()),
        ),
        ("(contacts.resolvePhone \"0\")".to_owned(), Err("PHONE_NOT_OCCUPIED")),
        (
            "(messages.getHistory (inputPeerSelf) 0)".to_owned(),
            Err("column 39: a whole number of 32 bits is to come here, and not `)`"),
        ),
    ];
    for (text, expected) in rows {
        match (asker.ask(&text).await, expected) {
            (Ok(answer), Ok(part)) => assert!(answer.contains(&part), "{text}: {answer}"),
            (Err(error), Err(said)) => assert!(error.detail.contains(said), "{text}: {error:?}"),
            (other, _) => panic!("{text}: {other:?}"),
        }
    }
    world.dc.faults().fail_next("help.getNearestDc", 420, "FLOOD_WAIT_100000");
    assert_eq!(asker.ask("(help.getNearestDc)").await, Err(CallError::new(Failure::Refused, "FLOOD_WAIT_100000")));
    assert_eq!(alice.texts(1).await, ["to myself"], "the account hears what a raw query has sent");
    alice.send(bob.peer(), "and goes on").await;
    assert_eq!(
        (alice.texts(1).await, bob.texts(1).await),
        (vec!["and goes on".to_owned()], vec!["and goes on".to_owned()])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_asked_is_not() {
    let world = World::new().await;
    let alice = world.user("Alice", 1).await;
    let granted = [
        "auth.logOut",
        "account.getPassword",
        "account.getAuthorizations",
        "account.deleteAccount",
        "invokeWithLayer",
        "messages.getHistory",
        "messages.search",
        "messages.forwardMessages",
    ];
    let mut asker = Asker::on(&alice, &granted, false);
    let history = "(messages.getHistory (inputPeerUser 777000 0) 0 0 0 0 0 0 0)";
    let everywhere = "(messages.search 0 (inputPeerEmpty) code (inputMessagesFilterEmpty) 0 0 0 0 0 0 0 0)";
    let service = "messages of Telegram's service account are not shown to scripts";
    let rows = [
        ("(auth.logOut)", Failure::NotGranted, "auth.logOut: it is about who may use the account"),
        ("(account.getPassword)", Failure::NotGranted, "account.getPassword: it is about who may use the account"),
        ("(account.getAuthorizations)", Failure::NotGranted, "account.getAuthorizations: it is about"),
        ("(account.deleteAccount 0 bye)", Failure::NotGranted, "account.deleteAccount: it is about"),
        ("(invokeWithLayer 1 (help.getConfig))", Failure::Invalid, "`query` cannot be written in a query"),
        (
            "(help.getConfig)",
            Failure::NotGranted,
            "help.getConfig is not granted to this script (raw): run it with --allow raw=help.getConfig",
        ),
        (history, Failure::NotGranted, service),
        (everywhere, Failure::NotGranted, service),
        (
            "(messages.forwardMessages 0 (inputPeerSelf) (vector 1 [ 1 ]) (vector 1 [ 1 ]) (inputPeerSelf))",
            Failure::NotGranted,
            service,
        ),
    ];
    for (text, kind, said) in rows {
        let error = asker.ask(text).await.unwrap_err();
        assert!(error.kind == kind && error.detail.contains(said), "{text}: {error:?}");
    }
    let mut none = Asker::on(&alice, &[], true);
    let error = none.ask("(help.getConfig").await.unwrap_err();
    assert_eq!(error.detail, "raw_query is not granted to this script (raw): run it with --allow raw=METHOD");
    let mut sees = Asker::on(&alice, &granted, true);
    let error = sees.ask(history).await.unwrap_err();
    assert!(error.kind == Failure::Refused, "asked, and nobody is there: {error:?}");
}
