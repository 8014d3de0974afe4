//! Sends whose answer was lost: made again, they are known at the data centre, and are told as what they are.

use tgl::{Call, Connection, FileKind, Outcome, PeerId};

use crate::channels::Group;
use crate::proxy::{Proxy, Weather};
use crate::world::{User, World, phone, sign_up, text_to};

/// Bob through the proxy, Alice straight, and a conversation for either kind of peer that both are in.
struct Scene {
    world: World,
    proxy: Proxy,
    alice: User,
    bob: User,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let proxy = Proxy::new(world.dc.address).await;
        let mut alice = world.user("Alice", 1).await;
        let store = world.store("Bob");
        sign_up(&store, world.address(), "Bob", &phone(2)).await;
        let mut bob = User::start(store, proxy.to(world.address())).await;
        alice.knows(&bob, 2).await;
        bob.knows(&alice, 1).await;
        Self { world, proxy, alice, bob }
    }

    /// Bob makes a call whose answer is cut off, after which Alice writes a lot, and gets its outcome.
    async fn with_lost_answer(&mut self, call: Call, noise: usize) -> tgl::Message {
        self.alice.skip_events();
        self.proxy.set(Weather::CutAfter(1));
        let id = self.bob.request(call).await;
        // It has got there, and nothing comes back.
        self.alice.messages(1).await;
        self.bob.wait(|state| state.connection != Connection::Online).await;
        let to = self.bob.peer();
        for number in 0..noise {
            self.alice.send(to, &format!("noise {number}")).await;
        }
        self.proxy.set(Weather::Fine);
        let completion = self.bob.completion().await;
        match completion.result {
            Ok(Outcome::Message(message)) if completion.id == id => message,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_known_by_what_identifies_it() {
    let mut scene = Scene::new().await;
    let to = scene.alice.peer();
    // What the data centre keeps of a text is not always what was sent, and the same text may have been sent before.
    for (text, kept, noise) in [
        ("ends in a blank ", "ends in a blank", 0),
        ("again", "again", 0),
        ("again", "again", 0),
        ("behind much else\n", "behind much else", 60),
    ] {
        let message = scene.with_lost_answer(text_to(to, text), noise).await;
        assert_eq!(message.text.as_deref(), Some(kept));
        assert!(message.flags.outgoing);
    }
    let mut own: Vec<String> = Vec::new();
    for message in scene.bob.messages(64).await {
        own.extend(message.text.filter(|_| message.flags.outgoing));
    }
    assert_eq!(own, ["ends in a blank", "again", "again", "behind much else"], "each was sent once");
    drop(scene.world);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_sent_is_known() {
    let mut scene = Group::new().await;
    let channel = scene.peer();
    let Group { world, alice, bob, .. } = &mut scene;
    let (to, us) = (bob.peer(), alice.peer());
    alice.call(Call::CreateChat { users: vec![to], title: "Tea".to_owned() }).await.unwrap();
    let group = alice.messages(1).await.remove(0).destination;
    bob.messages(1).await;
    let forwarded = alice.send(us, "forwarded").await.id;
    std::fs::write(alice.home.path().join("a.txt"), "in a file ").unwrap();
    let path = "a.txt".to_owned();
    let (send, media, forward) = ("messages.sendMessage", "messages.sendMedia", "messages.forwardMessages");
    let calls: [(&str, PeerId, Call, &str); 8] = [
        ("to oneself", us, text_to(us, "note "), send),
        ("to a group", group, text_to(group, "to all "), send),
        ("to a supergroup", channel, text_to(channel, "to many "), send),
        ("a place", to, Call::SendLocation { to, latitude: 1.0, longitude: 2.0 }, media),
        ("a forward", to, Call::ForwardMessage { to, id: forwarded }, forward),
        ("a document", to, Call::SendFile { to, kind: FileKind::Document, path: path.clone() }, media),
        ("a file as text", to, Call::SendFile { to, kind: FileKind::Text, path: path.clone() }, send),
        ("a document to a supergroup", channel, Call::SendFile { to: channel, kind: FileKind::Document, path }, media),
    ];
    alice.skip_events();
    for (what, destination, call, method) in calls {
        world.dc.faults().hide_next_answer(method, 500, "INTERNAL");
        match alice.call(call).await {
            Ok(Outcome::Message(message)) => assert_eq!(message.destination, destination, "{what}"),
            other => panic!("{what}: {other:?}"),
        }
        alice.messages(1).await;
    }
    assert_eq!(bob.messages(7).await.len(), 7, "each came once");
}
