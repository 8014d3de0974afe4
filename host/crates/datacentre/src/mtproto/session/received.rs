//! Which messages of the client this session has seen, and what came of them.
//! <https://core.telegram.org/mtproto/service_messages_about_messages#notice-of-ignored-error-message>
//!
//! Invariant: no identifier is accepted twice; those too old to be remembered are refused rather than taken for new.

use std::collections::BTreeMap;

/// Identifiers remembered; more than the greatest container holds.
pub(crate) const RECEIVED_MAX: usize = 2_048;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Received {
    entries: BTreeMap<i64, Entry>,
    /// The greatest identifier forgotten.
    forgotten: i64,
}

#[derive(Debug)]
struct Entry {
    seq_no: i32,
    progress: Progress,
}

/// How far a message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// A container or service message: nothing is due for it any more.
    Done,
    /// A method call at work.
    Running,
    /// A method call at work whose answer is no longer wanted.
    Dropped,
    /// A method call answered by the message with this identifier.
    Answered { answer: i64, failed: bool },
}

/// Whether a message must have an odd sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relevance {
    /// Yes: a method call.
    Content,
    /// No: a container.
    Bare,
    /// Clients differ: acknowledgements, pings and other service requests.
    Either,
}

/// What to do with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    New,
    /// It came before; this is what came of it.
    Again(Progress),
    /// Refuse it with this code of `bad_msg_notification`.
    Bad(i32),
}

impl Received {
    /// Judges a message by its identifier and sequence number. Nothing is changed.
    pub(crate) fn judge(&self, msg_id: i64, seq_no: i32, relevance: Relevance) -> Verdict {
        let odd = seq_no & 1 == 1;
        if msg_id & 3 != 0 {
            return Verdict::Bad(18);
        }
        if let Some(entry) = self.entries.get(&msg_id) {
            return Verdict::Again(entry.progress);
        }
        if msg_id <= self.forgotten {
            return Verdict::Bad(20);
        }
        match relevance {
            Relevance::Bare if odd => return Verdict::Bad(34),
            Relevance::Content if !odd => return Verdict::Bad(35),
            _ => {}
        }
        let before = self.entries.range(..msg_id).next_back();
        if before.is_some_and(|(_, entry)| entry.seq_no > seq_no || odd && entry.seq_no == seq_no) {
            return Verdict::Bad(32);
        }
        let after = self.entries.range(msg_id..).next();
        if after.is_some_and(|(_, entry)| entry.seq_no < seq_no || odd && entry.seq_no == seq_no) {
            return Verdict::Bad(33);
        }
        Verdict::New
    }

    /// Remembers a message judged new.
    pub(crate) fn insert(&mut self, msg_id: i64, seq_no: i32, progress: Progress) {
        self.entries.insert(msg_id, Entry { seq_no, progress });
        while self.entries.len() > RECEIVED_MAX {
            let Some((oldest, _)) = self.entries.pop_first() else { return };
            self.forgotten = oldest;
        }
    }

    /// What came of a message, if it is remembered.
    pub(crate) fn progress(&self, msg_id: i64) -> Option<Progress> {
        self.entries.get(&msg_id).map(|entry| entry.progress)
    }

    /// Changes what came of a message.
    pub(crate) fn set_progress(&mut self, msg_id: i64, progress: Progress) {
        if let Some(entry) = self.entries.get_mut(&msg_id) {
            entry.progress = progress;
        }
    }

    /// One byte of `msgs_state_info`:
    /// <https://core.telegram.org/mtproto/service_messages_about_messages#informational-message-regarding-status-of-messages>
    pub(crate) fn status(&self, msg_id: i64) -> u8 {
        const UNKNOWN: u8 = 1;
        const NOT_RECEIVED: u8 = 2;
        const NOT_RECEIVED_YET: u8 = 3;
        const RECEIVED: u8 = 4;
        const NO_ACK_NEEDED: u8 = 16;
        const RUNNING: u8 = 32;
        const ANSWERED: u8 = 64;
        match self.progress(msg_id) {
            Some(Progress::Done) => RECEIVED | NO_ACK_NEEDED,
            Some(Progress::Running | Progress::Dropped) => RECEIVED | RUNNING,
            Some(Progress::Answered { .. }) => RECEIVED | ANSWERED,
            None if msg_id <= self.forgotten => UNKNOWN,
            None if self.entries.last_key_value().is_some_and(|(newest, _)| msg_id > *newest) => NOT_RECEIVED_YET,
            None => NOT_RECEIVED,
        }
    }
}
