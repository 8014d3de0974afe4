//! Two people in one chat, their stores, and the way between them.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use dh::DhGroup;
use secret_chat::{
    Action, Effect, EffectId, Event, Ignored, Incoming, Message, Outgoing, Outside, Refused, Row, SecretChat, Status,
};

/// When everything begins.
pub(crate) const BEGINNING_S: i64 = 1_700_000_000;

/// What is kept of a chat.
pub(crate) type Rows = BTreeMap<i64, Vec<u8>>;

/// One person: the chat, what is kept of it, and what has happened in it.
pub(crate) struct Side {
    pub(crate) chat: SecretChat,
    pub(crate) rows: Rows,
    pub(crate) events: Vec<Event>,
    pub(crate) now_s: i64,
    random: u64,
}

pub(crate) fn group() -> DhGroup {
    static GROUP: OnceLock<DhGroup> = OnceLock::new();
    let vectors = || -> serde_json::Value { serde_json::from_str(include_str!("../vectors.json")).unwrap() };
    let prime = || hex::decode(vectors()["prime"].as_str().unwrap()).unwrap();
    GROUP.get_or_init(|| DhGroup::check(&prime(), 3).unwrap()).clone()
}

/// Random enough for a test. Secret exponents are short, because long ones take long.
fn fill(state: &mut u64, bytes: &mut [u8]) {
    let is_exponent = bytes.len() == 256;
    let from = if is_exponent { 240 } else { 0 };
    for byte in &mut bytes[from..] {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *byte = (*state >> 32) as u8;
    }
}

impl Side {
    pub(crate) fn new(seed: u64, make: impl FnOnce(&mut Outside<'_>) -> SecretChat) -> Self {
        let mut random = seed;
        let chat = make(&mut Outside { now_s: BEGINNING_S, random: &mut |bytes| fill(&mut random, bytes) });
        let mut side = Self { chat, rows: Rows::new(), events: Vec::new(), now_s: BEGINNING_S, random };
        side.save();
        side
    }

    /// One that is kept.
    pub(crate) fn of(seed: u64, rows: Rows) -> Self {
        let chat = SecretChat::load(rows.clone()).unwrap();
        Self { chat, rows, events: Vec::new(), now_s: BEGINNING_S, random: seed }
    }

    /// A step, as an account makes it: what has changed is kept before anything else is done.
    pub(crate) fn step<T>(&mut self, step: impl FnOnce(&mut SecretChat, &mut Outside<'_>) -> T) -> T {
        let mut random = self.random;
        let mut fill = |bytes: &mut [u8]| fill(&mut random, bytes);
        let result = step(&mut self.chat, &mut Outside { now_s: self.now_s, random: &mut fill });
        self.random = random;
        self.save();
        result
    }

    pub(crate) fn events(&mut self, step: impl FnOnce(&mut SecretChat, &mut Outside<'_>) -> Vec<Event>) {
        let events = self.step(step);
        self.events.extend(events);
    }

    fn save(&mut self) {
        for Row { key, value } in self.chat.changes() {
            match value {
                Some(value) => drop(self.rows.insert(key, value)),
                None => drop(self.rows.remove(&key)),
            }
        }
    }

    /// An end and a start: what was to be done is still to be done.
    pub(crate) fn restart(&mut self) {
        let before: Vec<_> = self.chat.effects().into_iter().map(|id| (id, self.chat.effect(id))).collect();
        self.chat = SecretChat::load(self.rows.clone()).unwrap();
        let after: Vec<_> = self.chat.effects().into_iter().map(|id| (id, self.chat.effect(id))).collect();
        assert_eq!(before, after);
    }

    pub(crate) fn say(&mut self, random_id: i64, text: &str) -> Result<(), Refused> {
        let message = Message { text: text.to_owned(), ..Message::default() };
        self.send(random_id, Outgoing::Message(Box::new(message), None))
    }

    pub(crate) fn act(&mut self, random_id: i64, action: Action) {
        self.send(random_id, Outgoing::Action(action)).unwrap();
    }

    pub(crate) fn send(&mut self, random_id: i64, outgoing: Outgoing) -> Result<(), Refused> {
        let events = self.step(|chat, outside| chat.send(random_id, outgoing, outside))?;
        self.events.extend(events);
        Ok(())
    }

    /// What is first to be sent, as the data centre gets it.
    pub(crate) fn packet(&self, id: EffectId) -> Vec<u8> {
        match self.chat.effect(id) {
            Some(Effect::Send { data, .. }) => data,
            other => panic!("{id:?} is {other:?}"),
        }
    }

    pub(crate) fn confirm(&mut self, id: EffectId) {
        self.events(|chat, outside| chat.confirmed(id, None, outside));
    }

    /// All that is to be sent, confirmed.
    pub(crate) fn packets(&mut self) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        for id in self.chat.effects() {
            packets.push(self.packet(id));
            self.confirm(id);
        }
        packets
    }

    pub(crate) fn receive(&mut self, bytes: &[u8]) -> Result<(), Ignored> {
        let incoming = Incoming { bytes, date: 1, file: None };
        let events = self.step(|chat, outside| chat.receive(&incoming, outside))?;
        self.events.extend(events);
        Ok(())
    }

    /// The messages that have come, in their order.
    pub(crate) fn texts(&self) -> Vec<String> {
        let text = |event: &Event| match event {
            Event::Message { message, .. } => Some(message.text.clone()),
            _ => None,
        };
        self.events.iter().filter_map(text).collect()
    }
}

/// Who has asked and who has accepted, both with an open chat and nothing under way.
pub(crate) fn pair() -> [Side; 2] {
    static PAIR: OnceLock<[Rows; 2]> = OnceLock::new();
    let rows = PAIR.get_or_init(|| {
        let [mut a, mut b] = new_pair();
        exchange(&mut a, &mut b);
        assert_eq!([a.chat.layer(), b.chat.layer()], [144, 144]);
        [a.rows, b.rows]
    });
    let mut seed = 1;
    rows.clone().map(|rows| {
        seed += 77;
        Side::of(seed, rows)
    })
}

/// A chat that has just been opened on both sides.
pub(crate) fn new_pair() -> [Side; 2] {
    let mut a = Side::new(3, |outside| SecretChat::request(group(), outside).unwrap());
    let [EffectId::Request] = a.chat.effects()[..] else { panic!("{:?}", a.chat.effects()) };
    let Some(Effect::Request { random_id, g_a }) = a.chat.effect(EffectId::Request) else { panic!() };
    assert_eq!(random_id, a.chat.id());
    a.confirm(EffectId::Request);
    assert_eq!(a.chat.effects(), []);
    let mut b = Side::new(5, |_| SecretChat::requested(random_id, &g_a));
    assert_eq!((b.chat.status(), b.chat.effects()), (Status::Requested, vec![]));
    b.events(|chat, outside| chat.accept(group(), outside).unwrap());
    let [EffectId::Accept] = b.chat.effects()[..] else { panic!("{:?}", b.chat.effects()) };
    let Some(Effect::Accept { g_b, key_fingerprint }) = b.chat.effect(EffectId::Accept) else { panic!() };
    a.events(|chat, outside| chat.established(&g_b, key_fingerprint, outside));
    b.events(|chat, outside| chat.established(&g_b, key_fingerprint, outside));
    for side in [&a, &b] {
        assert_eq!((side.chat.status(), &side.events[..1]), (Status::Open, &[Event::Opened][..]));
    }
    [a, b]
}

/// Everything goes to and fro until nothing is left to.
pub(crate) fn exchange(a: &mut Side, b: &mut Side) {
    loop {
        let (from_a, from_b) = (a.packets(), b.packets());
        if from_a.is_empty() && from_b.is_empty() {
            return;
        }
        from_a.iter().for_each(|packet| b.receive(packet).unwrap_or_default());
        from_b.iter().for_each(|packet| a.receive(packet).unwrap_or_default());
    }
}
