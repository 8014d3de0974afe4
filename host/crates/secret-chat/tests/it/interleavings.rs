//! Any order of what two people do and of what happens on the way: both have the same in the end, or the chat is closed on both
//! sides and the reason is there.

use proptest::prelude::*;
use secret_chat::{Action, CloseReason, Effect, EffectId, Event, SendKind, Status};

use crate::pair::{Side, pair};

/// More steps than this would find nothing more.
const STEPS_MAX: usize = 120;
/// How often everything that is left is brought over in the end.
const ROUNDS_MAX: usize = 60;

/// Something that happens. The first number says to whom.
#[derive(Clone, Debug)]
enum Happening {
    Says(usize),
    /// One of the last messages is deleted.
    Deletes(usize, usize),
    Flushes(usize),
    SetsTtl(usize, i32),
    ChangesKey(usize),
    /// The first so many effects are made; whether the data centre's word comes back.
    Sends(usize, usize, bool),
    /// The data centre takes a message no more.
    IsRefused(usize),
    /// One that is under way arrives: this one, wherever it stands.
    Gets(usize, usize),
    /// It arrives, and will again.
    GetsTwice(usize, usize),
    Loses(usize, usize),
    Restarts(usize),
    Waits(i64),
    Discards(usize),
}

fn happening() -> impl Strategy<Value = Happening> {
    use Happening::*;
    let side = || 0..2_usize;
    prop_oneof![
        8 => side().prop_map(Says),
        2 => (side(), 0..4_usize).prop_map(|(side, which)| Deletes(side, which)),
        1 => side().prop_map(Flushes),
        1 => (side(), -5..60_i32).prop_map(|(side, ttl)| SetsTtl(side, ttl)),
        2 => side().prop_map(ChangesKey),
        10 => (side(), 1..4_usize, prop::bool::weighted(0.8)).prop_map(|(side, many, heard)| Sends(side, many, heard)),
        1 => side().prop_map(IsRefused),
        // Mostly in order.
        12 => (side(), 0..2_usize).prop_map(|(side, which)| Gets(side, which)),
        3 => (side(), 0..9_usize).prop_map(|(side, which)| Gets(side, which)),
        3 => (side(), 0..9_usize).prop_map(|(side, which)| GetsTwice(side, which)),
        3 => (side(), 0..9_usize).prop_map(|(side, which)| Loses(side, which)),
        3 => side().prop_map(Restarts),
        1 => (1..100_000_i64).prop_map(Waits),
    ]
}

/// What one person has sent: its random id, its text if it is one, and whether it was deleted or refused.
struct Said {
    random_id: i64,
    text: Option<String>,
    may_be_gone: bool,
}

struct World {
    sides: [Side; 2],
    said: [Vec<Said>; 2],
    /// On the way to each side.
    under_way: [Vec<Vec<u8>>; 2],
    next_id: i64,
    has_flushed: [bool; 2],
}

impl World {
    fn new() -> Self {
        let (said, under_way) = Default::default();
        Self { sides: pair(), said, under_way, next_id: 1, has_flushed: [false; 2] }
    }

    fn next_id(&mut self) -> i64 {
        self.next_id += 1;
        self.next_id
    }

    fn note(&mut self, side: usize, random_id: i64, text: Option<String>) {
        let may_be_gone = self.has_flushed[1 - side];
        self.said[side].push(Said { random_id, text, may_be_gone });
    }

    fn says(&mut self, side: usize) {
        let id = self.next_id();
        let text = format!("{side} says {id}");
        if self.sides[side].say(id, &text).is_ok() {
            // As often as it is asked.
            self.sides[side].say(id, "something else").unwrap();
            self.note(side, id, Some(text));
        }
    }

    fn acts(&mut self, side: usize, action: Action) {
        let id = self.next_id();
        if self.sides[side].chat.status() == Status::Open {
            self.sides[side].act(id, action);
            self.note(side, id, None);
        }
    }

    fn happens(&mut self, what: &Happening) {
        match *what {
            Happening::Says(side) => self.says(side),
            Happening::Deletes(side, which) => {
                let texts = self.said[side].iter_mut().filter(|said| said.text.is_some());
                if let Some(said) = texts.rev().nth(which) {
                    said.may_be_gone = true;
                    let id = said.random_id;
                    self.acts(side, Action::Delete(vec![id]));
                }
            }
            Happening::Flushes(side) => {
                // So may what the other side says until it hears of it.
                self.said.iter_mut().flatten().for_each(|said| said.may_be_gone = true);
                self.has_flushed[side] = true;
                self.acts(side, Action::Flush);
            }
            Happening::SetsTtl(side, ttl_s) => self.acts(side, Action::SetTtl(ttl_s)),
            Happening::ChangesKey(side) => self.sides[side].events(|chat, outside| chat.change_key(outside)),
            Happening::Sends(side, many, is_heard) => self.sends(side, many, is_heard),
            Happening::IsRefused(side) => {
                let Some(id) = self.sides[side].chat.effects().first().copied() else { return };
                let Some(Effect::Send { random_id, kind, .. }) = self.sides[side].chat.effect(id) else { return };
                if kind == SendKind::Service {
                    return;
                }
                let said = self.said[side].iter_mut().find(|said| said.random_id == random_id).expect("it was said");
                said.may_be_gone = true;
                self.sides[side].events(|chat, outside| chat.refused(id, outside));
            }
            Happening::Gets(side, which) => {
                if let Some(packet) = self.take(side, which) {
                    let _ = self.sides[side].receive(&packet);
                }
            }
            Happening::GetsTwice(side, which) => {
                if let Some(packet) = self.under_way[side].get(which).cloned() {
                    let _ = self.sides[side].receive(&packet);
                }
            }
            Happening::Loses(side, which) => drop(self.take(side, which)),
            Happening::Restarts(side) => self.sides[side].restart(),
            Happening::Waits(seconds) => {
                for side in &mut self.sides {
                    side.now_s += seconds;
                    if side.chat.deadline().is_some_and(|deadline| deadline <= side.now_s) {
                        side.events(|chat, outside| chat.on_time(outside));
                    }
                }
            }
            Happening::Discards(side) => self.sides[side].events(|chat, _| chat.discard(false)),
        }
    }

    fn take(&mut self, side: usize, which: usize) -> Option<Vec<u8>> {
        (which < self.under_way[side].len()).then(|| self.under_way[side].remove(which))
    }

    fn sends(&mut self, side: usize, many: usize, is_heard: bool) {
        for id in self.sides[side].chat.effects().into_iter().take(many) {
            if let EffectId::Send { .. } = id {
                let packet = self.sides[side].packet(id);
                self.under_way[1 - side].push(packet);
            }
            if is_heard {
                self.sides[side].confirm(id);
            }
        }
    }

    /// Everything that is left is brought over, and what was lost is asked for.
    fn ends(&mut self) {
        for side in [0, 1] {
            self.says(side);
        }
        for _ in 0..ROUNDS_MAX {
            for side in [0, 1] {
                self.sends(side, usize::MAX, true);
                for packet in std::mem::take(&mut self.under_way[1 - side]) {
                    let _ = self.sides[1 - side].receive(&packet);
                }
            }
            let is_over = [0, 1].iter().all(|side| self.got(1 - side).len() == self.said[*side].len());
            let is_quiet = self.sides.iter().all(|side| side.chat.effects().is_empty());
            if is_over && is_quiet {
                return;
            }
            self.happens(&Happening::Waits(2 * 24 * 60 * 60));
        }
    }

    /// What has come to a side: random ids, and texts.
    fn got(&self, side: usize) -> Vec<(i64, Option<String>)> {
        let got = |event: &Event| match event {
            Event::Message { random_id, message, .. } => Some((*random_id, Some(message.text.clone()))),
            Event::Action { random_id, .. } => Some((*random_id, None)),
            Event::Unsupported { .. } => panic!("{event:?}"),
            _ => None,
        };
        self.sides[side].events.iter().filter_map(got).collect()
    }

    /// Each side has, in order and once, what the other has sent; in the place of what was deleted perhaps its deletion, and
    /// of what the data centre did not take perhaps nothing.
    fn check(&self, is_lossless: bool) {
        for side in [0, 1] {
            let got = self.got(1 - side);
            let mut got = got.iter().peekable();
            for said in &self.said[side] {
                match got.next_if(|(random_id, _)| *random_id == said.random_id) {
                    Some((_, text)) => assert!(*text == said.text || (said.may_be_gone && text.is_none())),
                    None => assert!(said.may_be_gone || !is_lossless, "{} was lost", said.random_id),
                }
            }
            assert_eq!(got.next(), None, "something came twice, or out of order");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_have_the_same_in_the_end(happenings in prop::collection::vec(happening(), 1..STEPS_MAX)) {
        let mut world = World::new();
        happenings.iter().for_each(|what| world.happens(what));
        world.ends();
        for side in &world.sides {
            prop_assert_eq!(side.chat.status(), Status::Open);
        }
        prop_assert_eq!(world.sides[0].chat.ttl_s() >= 0, true);
        world.check(true);
    }

    #[test]
    fn or_the_chat_is_closed(
        before in prop::collection::vec(happening(), 0..STEPS_MAX / 2),
        side in 0..2_usize,
        after in prop::collection::vec(happening(), 0..STEPS_MAX / 2),
    ) {
        let mut world = World::new();
        before.iter().for_each(|what| world.happens(what));
        world.happens(&Happening::Discards(side));
        prop_assert_eq!(world.sides[side].chat.effects(), vec![EffectId::Discard]);
        after.iter().for_each(|what| world.happens(what));
        world.sides[1 - side].events(|chat, _| chat.discarded());
        for (side, reason) in [(side, CloseReason::ByUs), (1 - side, CloseReason::ByThem)] {
            let side = &world.sides[side];
            prop_assert_eq!(side.chat.status(), Status::Closed(reason));
            prop_assert_eq!(side.events.iter().filter(|event| matches!(event, Event::Closed(_))).count(), 1);
            // Nothing is left but that it is closed.
            prop_assert_eq!(side.rows.len(), 1);
        }
        world.check(false);
    }
}
