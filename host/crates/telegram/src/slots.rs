//! Slots for an account's transfers, shared fairly by its scripts.
//!
//! Invariant: at most [`TRANSFERS_MAX`] slots are taken at a time, and [`KEPT_SLOTS`] of them only by scripts that have
//! no other. A script that has none goes before those that have some; otherwise scripts take turns.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use tgl::ScriptName;
use tokio::sync::Notify;

use crate::sync::locked;

/// Files of one account that are sent or loaded at a time; further ones wait for their turn. The last slot is kept for a
/// script that transfers nothing yet, so a script by itself has all but one.
pub const TRANSFERS_MAX: usize = 4;

/// Slots that nobody takes beside another: however slow one script's files are, the next script's first one begins.
const KEPT_SLOTS: usize = 1;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct TransferSlots {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// How many slots a script has, where it has any.
    taken: HashMap<ScriptName, usize>,
    /// Who waits: scripts in the order of their turns, the tickets of each in the order of asking.
    waiting: VecDeque<(ScriptName, VecDeque<u64>)>,
    last_ticket: u64,
}

/// A slot that is taken. Dropping it frees it.
#[derive(Debug)]
pub(crate) struct TransferSlot<'a> {
    slots: &'a TransferSlots,
    script: ScriptName,
}

/// One who waits. Dropping it ends the waiting.
struct Turn<'a> {
    slots: &'a TransferSlots,
    script: &'a ScriptName,
    ticket: u64,
}

impl TransferSlots {
    /// Waits for a slot for the script.
    pub(crate) async fn take(&self, script: &ScriptName) -> TransferSlot<'_> {
        let turn = Turn { slots: self, script, ticket: locked(&self.state).enter(script) };
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if locked(&self.state).admit(turn.ticket) {
                return TransferSlot { slots: self, script: script.clone() };
            }
            changed.await;
        }
    }
}

impl State {
    fn enter(&mut self, script: &ScriptName) -> u64 {
        self.last_ticket += 1;
        match self.waiting.iter_mut().find(|(waiting, _)| waiting == script) {
            Some((_, tickets)) => tickets.push_back(self.last_ticket),
            None => self.waiting.push_back((script.clone(), VecDeque::from([self.last_ticket]))),
        }
        self.last_ticket
    }

    /// Takes a slot where it is this one's turn.
    fn admit(&mut self, ticket: u64) -> bool {
        let Some(at) = self.next().filter(|at| self.waiting[*at].1.front() == Some(&ticket)) else { return false };
        let Some((script, mut tickets)) = self.waiting.remove(at) else { return false };
        tickets.pop_front();
        *self.taken.entry(script.clone()).or_default() += 1;
        if !tickets.is_empty() {
            self.waiting.push_back((script, tickets));
        }
        true
    }

    /// Which of the scripts that wait is given a slot now.
    fn next(&self) -> Option<usize> {
        let free = TRANSFERS_MAX.saturating_sub(self.taken.values().sum());
        let newcomer = || self.waiting.iter().position(|(script, _)| !self.taken.contains_key(script));
        let first = || (free > KEPT_SLOTS && !self.waiting.is_empty()).then_some(0);
        if free == 0 { None } else { newcomer().or_else(first) }
    }

    fn leave(&mut self, script: &ScriptName, ticket: u64) {
        if let Some((_, tickets)) = self.waiting.iter_mut().find(|(waiting, _)| waiting == script) {
            tickets.retain(|waiting| *waiting != ticket);
        }
        self.waiting.retain(|(_, tickets)| !tickets.is_empty());
    }

    fn free(&mut self, script: &ScriptName) {
        if let Some(count) = self.taken.get_mut(script) {
            *count -= 1;
        }
        self.taken.retain(|_, count| *count > 0);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // With or without a slot: whoever is next now has to hear of it.
        locked(&self.slots.state).leave(self.script, self.ticket);
        self.slots.changed.notify_waiters();
    }
}

impl Drop for TransferSlot<'_> {
    fn drop(&mut self) {
        locked(&self.slots.state).free(&self.script);
        self.slots.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::Arc;

    use futures_util::FutureExt;

    use super::*;

    type Waiting<'a> = Pin<Box<dyn Future<Output = TransferSlot<'a>> + 'a>>;

    /// What scripts ask for, and what they have.
    struct Stage<'a> {
        slots: &'a TransferSlots,
        scripts: &'a [ScriptName],
        waiting: Vec<(char, Waiting<'a>)>,
        taken: Vec<(char, TransferSlot<'a>)>,
    }

    impl Stage<'_> {
        fn ask(&mut self, script: char) {
            let (slots, name) = (self.slots, &self.scripts[script as usize - 'a' as usize]);
            self.waiting.push((script, Box::pin(slots.take(name))));
        }

        /// Who has been given a slot since the last time, in this order.
        fn given(&mut self) -> String {
            let mut given = String::new();
            loop {
                let next = self.waiting.iter_mut().enumerate().find_map(|(at, (_, waiting))| {
                    let slot = waiting.now_or_never()?;
                    Some((at, slot))
                });
                let Some((at, slot)) = next else { return given };
                let (script, _) = self.waiting.remove(at);
                given.push(script);
                self.taken.push((script, slot));
            }
        }

        /// The script's oldest transfer ends.
        fn end(&mut self, script: char) {
            let at = self.taken.iter().position(|(taken, _)| *taken == script).unwrap();
            self.taken.remove(at);
        }
    }

    /// Small letters ask, capital ones end a file of theirs, and after each group of them stands who is given a slot.
    #[test]
    fn slots_are_given_fairly() {
        let scripts = ["a", "b", "c", "d", "e"].map(ScriptName::from);
        let cases: [(&str, &[(&str, &str)]); 8] = [
            ("a script by itself has all slots but the last", &[("aaaaaa", "aaa"), ("A", "a"), ("AA", "aa")]),
            ("another's first file does not wait", &[("aaaaaa", "aaa"), ("b", "b")]),
            ("the last slot is not for a second file", &[("aaabb", "aaab"), ("A", ""), ("A", "b")]),
            ("scripts without a slot go first", &[("aabc", "aabc"), ("ad", ""), ("A", "d")]),
            ("and wait for one file's end at most", &[("aaaaaaaab", "aaab"), ("c", ""), ("A", "c")]),
            ("those who have some take turns", &[("aabc", "aabc"), ("aaabbcc", ""), ("AA", "a"), ("BC", "bc")]),
            ("every script in the order of its coming", &[("abcde", "abcd"), ("B", "e"), ("b", ""), ("C", "b")]),
            ("who has ended everything is new again", &[("aaaab", "aaab"), ("b", ""), ("B", "b")]),
        ];
        for (what, steps) in cases {
            let slots = TransferSlots::default();
            let mut stage = Stage { slots: &slots, scripts: &scripts, waiting: Vec::new(), taken: Vec::new() };
            for (doings, given) in steps {
                for doing in doings.chars() {
                    match doing.is_lowercase() {
                        true => stage.ask(doing),
                        false => stage.end(doing.to_ascii_lowercase()),
                    }
                }
                assert_eq!(stage.given(), *given, "{what}: after {doings}");
                assert!(stage.taken.len() <= TRANSFERS_MAX);
            }
        }
    }

    #[test]
    fn who_does_not_wait_any_more_holds_up_nobody() {
        let slots = TransferSlots::default();
        let [one, other] = ["one.py", "other.py"].map(ScriptName::from);
        let mut taken: Vec<_> = (1..TRANSFERS_MAX).map(|_| slots.take(&one).now_or_never().unwrap()).collect();
        let mut first = Box::pin(slots.take(&one));
        let mut second = Box::pin(slots.take(&one));
        assert!(first.as_mut().now_or_never().is_none() && second.as_mut().now_or_never().is_none());
        drop(first);
        taken.pop();
        taken.push(second.now_or_never().unwrap());
        let last = slots.take(&other).now_or_never();
        assert!(last.is_some() && slots.take(&ScriptName::from("third.py")).now_or_never().is_none());
        drop((taken, last));
        assert!(locked(&slots.state).taken.is_empty() && locked(&slots.state).waiting.is_empty());
    }

    #[tokio::test]
    async fn who_waits_is_woken() {
        let (slots, script) = (Arc::new(TransferSlots::default()), ScriptName::from("one.py"));
        let tasks = (0..64).map(|_| {
            let (slots, script) = (slots.clone(), script.clone());
            tokio::spawn(async move {
                let _slot = slots.take(&script).await;
                tokio::task::yield_now().await;
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    }
}
