//! Channels and private chats through lost pushes, cut connections and restarts: nothing is lost, nothing comes twice.

use std::collections::HashMap;

use grammers_tl_types as tl;
use telegram::login::Login;
use tgl::{Message, PeerId, ServiceAction};
use tl::functions;

use crate::login::TOKEN;
use crate::operator::Operator;
use crate::proxy::Proxy;
use crate::world::{User, World, config, phone, sign_up};

/// The texts that have come, by conversation.
#[derive(Default)]
struct Heard(HashMap<PeerId, Vec<String>>);

impl Heard {
    fn take(&mut self, messages: Vec<Message>) {
        for message in messages {
            self.0.entry(message.destination).or_default().extend(message.text);
        }
    }

    fn count(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_loses_and_doubles_nothing() {
    let world = World::new().await;
    let proxy = Proxy::new(world.dc.address).await;
    let mut alice = world.user("Alice", 1).await;
    let store = world.store("Bob");
    sign_up(&store, world.address(), "Bob", &phone(2)).await;
    let mut bob = User::start(store, proxy.to(world.address())).await;
    alice.knows(&bob, 2).await;
    let operator = Operator::of(&world, "Alice", 1).await;
    let groups = [operator.channel("Tea", false, &[2]).await, operator.channel("Cake", false, &[2]).await];
    bob.messages(2).await;

    let chats = [groups[0].peer(), groups[1].peer(), bob.peer()];
    let (mut heard, mut expected) = (Heard::default(), Heard::default());
    for round in 0..12 {
        match round % 4 {
            1 => world.dc.faults().drop_next_pushes(5),
            2 => proxy.cut(),
            3 => world.dc.faults().drop_connections(),
            _ => {}
        }
        for chat in chats {
            for number in 0..3 {
                let text = format!("{round} {number}");
                alice.send(chat, &text).await;
                expected.0.entry(chat).or_default().push(text);
            }
        }
        if round % 5 == 4 {
            let store = bob.store.clone();
            bob.stop().await;
            bob = User::start(store, proxy.to(world.address())).await;
        }
    }
    while heard.count() < expected.count() {
        heard.take(bob.messages(expected.count() - heard.count()).await);
    }
    assert_eq!(heard.0, expected.0, "each conversation whole and in its order");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_hears_of_its_groups_what_it_has_missed() {
    let world = World::new().await;
    let _alice = world.user("Alice", 1).await;
    let operator = Operator::of(&world, "Alice", 1).await;
    let store = world.store("bot");
    let mut login = Login::begin(config(store.clone(), world.address())).await.unwrap();
    login.bot(TOKEN).await.unwrap();
    login.finish().await.unwrap();
    let mut bot = world.start(store).await;
    let group = operator.channel("Tea", false, &[]).await;
    let user = operator.named("bot4242_bot").await;
    let invite = || functions::channels::InviteToChannel { channel: group.input(), users: vec![user.clone()] };
    operator.call(&invite()).await;
    assert_eq!(bot.messages(1).await[0].action, ServiceAction::ChatAddUser);
    operator.say(group, "live").await;
    assert_eq!(bot.texts(1).await, ["live"]);
    bot.send(group.peer(), "answer").await;
    assert_eq!(bot.texts(1).await, ["answer"]);

    // Away while it is taken into another one.
    let store = bot.store.clone();
    bot.stop().await;
    let other = operator.channel("Cake", false, &[]).await;
    operator.say(other, "before the bot").await;
    operator.call(&functions::channels::InviteToChannel { channel: other.input(), users: vec![user] }).await;
    for text in ["one", "two"] {
        operator.say(other, text).await;
        operator.say(group, text).await;
    }
    let mut bot = world.start(store).await;
    let mut heard = Heard::default();
    heard.take(bot.messages(5).await);
    assert_eq!((&heard.0[&group.peer()], &heard.0[&other.peer()]), (&texts(), &texts()));
}

fn texts() -> Vec<String> {
    vec!["one".to_owned(), "two".to_owned()]
}
