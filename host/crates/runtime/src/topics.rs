//! The topics of groups in which a script's answers stay: <https://core.telegram.org/api/forum>.
//!
//! Invariant: what a script sends into a group while it handles a message of one of the group's topics, or the completion of
//! a call that it made then, goes into that topic. Whatever else it sends goes where the group has what is in no topic.

use std::collections::HashMap;

use tgl::{Call, Event, MessageId, PeerId, RequestId};

/// Calls whose topic is remembered until they complete. Further ones' completions are as if they came by themselves.
const CALLS_MAX: usize = 1_024;

/// A group and the message that began one of its topics.
type Topic = (PeerId, MessageId);

/// See the module.
#[derive(Default)]
pub(crate) struct Topics {
    /// Of what is being handled.
    current: Option<Topic>,
    of_calls: HashMap<RequestId, Topic>,
}

impl Topics {
    /// An event is being handled; a message lies in this topic of its group, if in any.
    pub(crate) fn begin_event(&mut self, event: &Event, topic: Option<MessageId>) {
        self.current = match event {
            Event::Message(message) => topic.map(|topic| (message.destination, topic)),
            _ => None,
        };
    }

    /// The completion of a call is being handled.
    pub(crate) fn begin_completion(&mut self, id: RequestId) {
        self.current = self.of_calls.remove(&id);
    }

    /// Nothing is being handled.
    pub(crate) fn end(&mut self) {
        self.current = None;
    }

    /// The call, in its topic if it belongs to one. One that answers a message goes where that lies.
    pub(crate) fn place(&mut self, id: RequestId, call: Call) -> Call {
        let Some(current @ (group, topic)) = self.current else { return call };
        if self.of_calls.len() < CALLS_MAX {
            self.of_calls.insert(id, current);
        }
        match call {
            Call::SendMessage { reply_to: Some(_), .. } => call,
            call if call.destination() == Some(group) => Call::InTopic { topic, send: Box::new(call) },
            call => call,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: PeerId = PeerId::channel(7);

    fn send(to: PeerId, reply_to: Option<MessageId>) -> Call {
        Call::SendMessage { to, text: "text".to_owned(), reply_to, preview: None }
    }

    fn is_placed(topics: &mut Topics, id: RequestId, call: Call) -> bool {
        matches!(topics.place(id, call), Call::InTopic { topic: 4, .. })
    }

    #[test]
    fn answers_stay_in_their_topic_and_nothing_else_goes_there() {
        let mut topics = Topics::default();
        assert!(!is_placed(&mut topics, 1, send(GROUP, None)), "nothing is being handled");
        topics.current = Some((GROUP, 4));
        assert!(is_placed(&mut topics, 2, send(GROUP, None)));
        assert!(is_placed(&mut topics, 3, Call::SendLocation { to: GROUP, latitude: 0.0, longitude: 0.0 }));
        assert!(!is_placed(&mut topics, 4, send(GROUP, Some(9))), "it answers a message");
        assert!(!is_placed(&mut topics, 5, send(PeerId::user(1), None)), "elsewhere");
        assert!(!is_placed(&mut topics, 6, Call::GetContacts));
        topics.end();
        assert!(!is_placed(&mut topics, 7, send(GROUP, None)), "in a timer, for example");
        topics.begin_completion(6);
        assert!(is_placed(&mut topics, 8, send(GROUP, None)), "what the answer made necessary");
        topics.begin_completion(6);
        assert!(!is_placed(&mut topics, 9, send(GROUP, None)), "a completion comes once");
    }

    #[test]
    fn so_many_calls_are_remembered() {
        let mut topics = Topics { current: Some((GROUP, 4)), ..Topics::default() };
        for id in 0..=CALLS_MAX as u64 {
            topics.place(id, Call::GetContacts);
        }
        for (id, expected) in [(CALLS_MAX as u64, false), (0, true)] {
            topics.begin_completion(id);
            assert_eq!(is_placed(&mut topics, 5_000, send(GROUP, None)), expected, "{id}");
        }
    }
}
