//! Conversations that go round by themselves: two scripts that answer each other for ever.
//!
//! Invariant: who takes a moment, as people do, is not taken for a script. A round is a send of the script's that is answered
//! within [`ANSWER_MAX`], by the same peer as the one before; an answer that takes longer begins the count anew.

use std::collections::HashMap;
use std::time::Duration;

use tgl::{Message, PeerId, PeerKind};
use tokio::time::Instant;

/// An answer that comes sooner than this may be a script's.
const ANSWER_MAX: Duration = Duration::from_secs(2);
/// Sends into a chat that goes round are so far apart.
const PAUSE: Duration = Duration::from_secs(10);
/// Chats that are watched before those are forgotten in which nobody has answered in time.
const CHATS_MAX: usize = 1_024;

/// A chat that goes round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Loop {
    pub(crate) chat: PeerId,
    /// Who answers.
    pub(crate) with: PeerId,
    /// So many times in a row.
    pub(crate) rounds: u32,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Loops {
    rounds_max: u32,
    chats: HashMap<PeerId, Chat>,
    /// Those that nobody was told of yet.
    found: Vec<Loop>,
}

#[derive(Debug)]
struct Chat {
    /// When the last send left.
    sent_at: Instant,
    /// The inbox's last event then, until that send is answered.
    before: Option<u64>,
    with: Option<PeerId>,
    rounds: u32,
}

impl Loops {
    pub(crate) fn new(rounds_max: u32) -> Self {
        Self { rounds_max, chats: HashMap::new(), found: Vec::new() }
    }

    /// When the next send into this chat may leave, where it goes round.
    pub(crate) fn ready_at(&self, to: PeerId) -> Option<Instant> {
        let chat = self.chats.get(&to).filter(|chat| chat.rounds >= self.rounds_max);
        chat.map(|chat| chat.sent_at + PAUSE)
    }

    /// A send into this chat leaves, while the inbox's last event is this one.
    pub(crate) fn sent(&mut self, to: PeerId, inbox_seq: u64, now: Instant) {
        if self.chats.len() >= CHATS_MAX && !self.chats.contains_key(&to) {
            self.chats.retain(|_, chat| now.duration_since(chat.sent_at) <= ANSWER_MAX);
            if self.chats.len() >= CHATS_MAX {
                return;
            }
        }
        let chat = self.chats.entry(to).or_insert(Chat { sent_at: now, before: None, with: None, rounds: 0 });
        (chat.sent_at, chat.before) = (now, Some(inbox_seq));
    }

    /// The script is given this message, which is this event of the inbox.
    pub(crate) fn heard(&mut self, seq: u64, message: &Message, now: Instant) {
        let Some(from) = message.source.filter(|_| !message.flags.outgoing) else { return };
        let place = if message.destination.kind == PeerKind::User { from } else { message.destination };
        let Some(chat) = self.chats.get_mut(&place) else { return };
        // What was there before the send is no answer to it.
        if chat.before.take_if(|before| seq > *before).is_none() {
            return;
        }
        let is_round = now.duration_since(chat.sent_at) <= ANSWER_MAX && chat.with.replace(from) == Some(from);
        chat.rounds = if is_round { chat.rounds.saturating_add(1) } else { 0 };
        if chat.rounds == self.rounds_max {
            self.found.push(Loop { chat: place, with: from, rounds: chat.rounds });
        }
    }

    /// One that nobody was told of yet.
    pub(crate) fn take_found(&mut self) -> Option<Loop> {
        self.found.pop()
    }
}

impl std::fmt::Display for Loop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "within {} s, as a script does, {} times in a row: from now on sends there are {} s apart, until that takes longer; \
             `loop_rounds_max` in the tenant's `[limits]` says how many times it may be",
            ANSWER_MAX.as_secs(),
            self.rounds,
            PAUSE.as_secs()
        )
    }
}

#[cfg(test)]
mod tests {
    use tgl::{MessageFlags, ServiceAction};

    use super::*;

    const ME: i64 = 77;
    const GROUP: PeerId = PeerId { kind: PeerKind::Chat, id: 5 };

    fn message(from: PeerId, destination: PeerId) -> Message {
        Message {
            id: 1,
            flags: MessageFlags::default(),
            source: Some(from),
            destination,
            text: None,
            media: None,
            date: 0,
            forward: None,
            reply_to: None,
            action: ServiceAction::None,
        }
    }

    /// What a hundred answers of these people, who take turns, are taken for where each takes so long.
    fn found_with(chat: PeerId, people: &[i64], answer_ms: u64) -> Option<Loop> {
        let (mut loops, mut now) = (Loops::new(60), Instant::now());
        for round in 0..100 {
            loops.sent(chat, round, now);
            now += Duration::from_millis(answer_ms);
            let from = PeerId::user(people[round as usize % people.len()]);
            let destination = if chat == GROUP { GROUP } else { PeerId::user(ME) };
            loops.heard(round + 1, &message(from, destination), now);
        }
        assert_eq!(loops.ready_at(chat).is_some(), loops.found.len() == 1);
        loops.take_found()
    }

    #[test]
    fn only_who_answers_at_once_for_long_is_taken_for_a_script() {
        let found = |chat, with| Some(Loop { chat, with: PeerId::user(with), rounds: 60 });
        for (chat, people, answer_ms, expected) in [
            (PeerId::user(1), &[1][..], 10, found(PeerId::user(1), 1)),
            (GROUP, &[1], 1_900, found(GROUP, 1)),
            (PeerId::user(1), &[1], 2_100, None),
            (GROUP, &[1, 2, 3], 10, None),
        ] {
            assert_eq!(found_with(chat, people, answer_ms), expected, "{chat} {people:?} {answer_ms}");
        }
    }

    #[test]
    fn one_pause_ends_a_loop_and_what_was_there_before_is_no_answer() {
        let (mut loops, mut now, peer) = (Loops::new(3), Instant::now(), PeerId::user(1));
        let answer = message(peer, PeerId::user(ME));
        for seq in 1..=5 {
            loops.sent(peer, 100, now);
            loops.heard(seq, &answer, now);
        }
        assert_eq!(loops.ready_at(peer), None, "it works off what has come long before");
        for seq in 101..=104 {
            loops.sent(peer, seq - 1, now);
            loops.heard(seq, &answer, now);
        }
        assert_eq!(loops.ready_at(peer), Some(now + PAUSE));
        loops.sent(peer, 104, now);
        now += ANSWER_MAX + Duration::from_millis(1);
        loops.heard(105, &answer, now);
        assert_eq!(loops.ready_at(peer), None);
    }

    #[test]
    fn what_is_watched_is_bounded() {
        let (mut loops, now) = (Loops::new(3), Instant::now());
        (0..2 * CHATS_MAX as i64).for_each(|id| loops.sent(PeerId::user(id), 0, now));
        assert_eq!(loops.chats.len(), CHATS_MAX);
        loops.sent(PeerId::user(-1), 0, now + PAUSE);
        assert_eq!(loops.chats.len(), 1);
    }
}
