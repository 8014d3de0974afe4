//! The brake on a script's sends: as fast as Telegram says that a chat, a group and all together may be written to, and two
//! scripts that answer each other run no faster. <https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this>
//!
//! Invariant: a send is put off, never dropped, and one into a chat that has had its share holds up none into another.

use std::collections::HashMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tgl::{Limit, Limits, Message, PeerId, PeerKind};
use tokio::time::Instant;

use crate::loops::{Loop, Loops};

/// How fast a script may send in the long run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendRates {
    /// Into one chat, a second. Default: 1.
    pub chat_per_s: u32,
    /// Into one group or channel, a minute. Default: 20.
    pub group_per_min: u32,
    /// In all, a second. Default: 30.
    pub all_per_s: u32,
    /// So many times in a row one peer may answer at once before sends into that chat are slowed down further. Default: 60.
    pub loop_rounds_max: u32,
}

impl From<&Limits> for SendRates {
    fn from(limits: &Limits) -> Self {
        let Limits { chat_sends_per_s, group_sends_per_min, sends_per_s, loop_rounds_max, .. } = *limits;
        Self {
            chat_per_s: chat_sends_per_s,
            group_per_min: group_sends_per_min,
            all_per_s: sends_per_s,
            loop_rounds_max,
        }
    }
}

impl Default for SendRates {
    fn default() -> Self {
        Self::from(&Limits::default())
    }
}

impl std::fmt::Display for SendRates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { chat_per_s, group_per_min, all_per_s, .. } = self;
        write!(f, "{chat_per_s} a second in a chat, {group_per_min} a minute in a group, {all_per_s} a second in all")
    }
}

/// Sends into one chat that may follow each other at once after a silence.
const CHAT_BURST: u32 = 5;

/// Chats whose share is remembered before those that have all of it again are forgotten.
const CHATS_MAX: usize = 1_024;

/// See the module.
#[derive(Debug)]
pub(crate) struct Brake {
    chat: Pace,
    group: Pace,
    all: Pace,
    all_used: Used,
    loops: Loops,
    chats: HashMap<PeerId, Chat>,
}

/// What one chat has used.
#[derive(Clone, Copy, Debug)]
struct Chat {
    as_chat: Used,
    as_group: Used,
}

impl Brake {
    pub(crate) fn new(rates: SendRates) -> Self {
        let now = Instant::now();
        Self {
            chat: Pace::new(rates.chat_per_s, Duration::from_secs(1), CHAT_BURST),
            group: Pace::new(rates.group_per_min, Duration::from_secs(60), rates.group_per_min),
            all: Pace::new(rates.all_per_s, Duration::from_secs(1), rates.all_per_s),
            all_used: Used(now),
            loops: Loops::new(rates.loop_rounds_max),
            chats: HashMap::new(),
        }
    }

    /// Whether a call may leave now that may send anywhere; then it counts. Else when it may, and the limit it waits for.
    pub(crate) fn admit_anywhere(&mut self, now: Instant) -> Result<(), (Instant, Limit)> {
        let ready = self.all.ready_at(self.all_used);
        if ready > now {
            return Err((ready, Limit::sends_per_s));
        }
        self.all_used = self.all.take(self.all_used, now);
        Ok(())
    }

    /// The script is given this message, which is this event of the inbox.
    pub(crate) fn heard(&mut self, seq: u64, message: &Message, now: Instant) {
        self.loops.heard(seq, message, now);
    }

    /// A chat that goes round, and that nobody was told of yet.
    pub(crate) fn take_loop(&mut self) -> Option<Loop> {
        self.loops.take_found()
    }

    /// Whether a send into this chat may leave now; then it counts. Else when it may, and the limit it waits for. The inbox's
    /// last event is this one.
    pub(crate) fn admit(&mut self, to: PeerId, inbox_seq: u64, now: Instant) -> Result<(), (Instant, Limit)> {
        let used = self.chats.get(&to).copied().unwrap_or(Chat { as_chat: Used(now), as_group: Used(now) });
        let is_group = to.kind != PeerKind::User;
        let ready = [
            Some((self.all.ready_at(self.all_used), Limit::sends_per_s)),
            Some((self.chat.ready_at(used.as_chat), Limit::chat_sends_per_s)),
            is_group.then(|| (self.group.ready_at(used.as_group), Limit::group_sends_per_min)),
            self.loops.ready_at(to).map(|at| (at, Limit::loop_rounds_max)),
        ];
        if let Some(later) = ready.into_iter().flatten().max_by_key(|(at, _)| *at).filter(|(at, _)| *at > now) {
            return Err(later);
        }
        if self.chats.len() >= CHATS_MAX {
            self.chats.retain(|_, chat| chat.as_chat.0.max(chat.as_group.0) > now);
        }
        self.all_used = self.all.take(self.all_used, now);
        self.loops.sent(to, inbox_seq, now);
        let as_group = if is_group { self.group.take(used.as_group, now) } else { used.as_group };
        self.chats.insert(to, Chat { as_chat: self.chat.take(used.as_chat, now), as_group });
        Ok(())
    }
}

/// A steady rate, and how far it may be outrun.
#[derive(Clone, Copy, Debug)]
struct Pace {
    interval: Duration,
    /// What may be taken beforehand.
    ahead: Duration,
}

/// Until when a pace has been used up. In the past: not at all.
#[derive(Clone, Copy, Debug)]
struct Used(Instant);

impl Pace {
    fn new(count: u32, per: Duration, burst: u32) -> Self {
        let interval = per / count.max(1);
        Self { interval, ahead: interval * burst.max(1).saturating_sub(1) }
    }

    fn ready_at(&self, used: Used) -> Instant {
        used.0.checked_sub(self.ahead).unwrap_or(used.0)
    }

    fn take(&self, used: Used, now: Instant) -> Used {
        Used(used.0.max(now) + self.interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends into these chats as fast as it is let, and gives how many had left after each of the seconds.
    fn sent_after(rates: SendRates, chats: &[PeerId], seconds: &[u64]) -> Vec<usize> {
        let (mut brake, begin, mut count) = (Brake::new(rates), Instant::now(), 0);
        let mut counts = Vec::new();
        for ms in (0..=seconds.last().unwrap() * 1_000).step_by(10) {
            let now = begin + Duration::from_millis(ms);
            for chat in chats {
                while brake.admit(*chat, 0, now).is_ok() {
                    count += 1;
                }
            }
            if ms % 1_000 == 0 && seconds.contains(&(ms / 1_000)) {
                counts.push(count);
            }
        }
        counts
    }

    #[test]
    fn sends_are_as_many_as_the_rates_allow() {
        let rates = SendRates::default();
        let users: Vec<PeerId> = (1..=100).map(PeerId::user).collect();
        for (chats, seconds, expected) in [
            (&[PeerId::user(1)][..], &[0, 1, 10][..], &[5, 6, 15][..]),
            (&[PeerId::chat(1)], &[0, 60, 120], &[5, 40, 60]),
            (&[PeerId::channel(1)], &[0, 120], &[5, 60]),
            (&users, &[0, 1, 10], &[30, 60, 330]),
        ] {
            assert_eq!(sent_after(rates, chats, seconds), expected, "{:?}", chats.first());
        }
        let faster = SendRates { chat_per_s: 10, ..rates };
        assert_eq!(sent_after(faster, &[PeerId::user(1)], &[0, 1]), [5, 15]);
    }

    #[test]
    fn what_may_send_anywhere_counts_among_all() {
        let (mut brake, now) = (Brake::new(SendRates { all_per_s: 10, ..SendRates::default() }), Instant::now());
        let queries = (0..20).take_while(|_| brake.admit_anywhere(now).is_ok()).count();
        assert_eq!(queries, 10);
        assert!(brake.admit(PeerId::user(1), 0, now).is_err(), "nothing is left for a send");
        assert!(brake.admit_anywhere(now + Duration::from_millis(100)).is_ok(), "ten a second");
    }

    #[test]
    fn one_chat_holds_up_no_other() {
        let mut brake = Brake::new(SendRates::default());
        let now = Instant::now();
        while brake.admit(PeerId::user(1), 0, now).is_ok() {}
        assert!(brake.admit(PeerId::user(2), 0, now).is_ok());
    }

    #[test]
    fn chats_that_have_their_share_again_are_forgotten() {
        let mut brake = Brake::new(SendRates { all_per_s: 1_000_000, ..SendRates::default() });
        let mut now = Instant::now();
        for id in 0..10 * CHATS_MAX as i64 {
            now += Duration::from_millis(10);
            assert!(brake.admit(PeerId::user(id), 0, now).is_ok(), "{id}");
            assert!(brake.chats.len() <= CHATS_MAX);
        }
    }
}
