//! What reads the bytes of a script's side, held out to the targets of tests/fuzz. Nobody else is meant to call it.

use std::borrow::Cow;

use tgl::{Call, PeerId};

use crate::messages::NewCall;
use crate::wire::{ASK_BYTES_MAX, Ask, Frames, Question, frame};

/// A frame of each kind of question.
pub fn right() -> Vec<Vec<u8>> {
    let to = PeerId::user(7);
    let send = Call::SendMessage { to, text: "text".to_owned(), reply_to: Some(5), preview: Some(true) };
    let calls = [NewCall { id: 1, call: send }, NewCall { id: 2, call: Call::GetContacts }];
    let asks = [
        Ask::Join,
        Ask::BeginLife { first_id: 1 },
        Ask::OpenGate,
        Ask::Events { after: 3, limit: 64 },
        Ask::Commit { handled_seq: 4, calls: Cow::Borrowed(&calls), said: 9 },
        Ask::Stage { calls: Cow::Borrowed(&calls) },
        Ask::Unstage,
        Ask::NextCompletion { handled_seq: 5 },
        Ask::Peer(to),
        Ask::Message(6),
        Ask::Leave,
    ];
    let frames = asks.into_iter().zip(1..).map(|(ask, number)| frame(&Question { number, ask }, ASK_BYTES_MAX));
    frames.map(|frame| frame.unwrap_or_default()).collect()
}

/// The questions in these bytes up to the first that is none, in words, and how many bytes each would be as a frame.
pub async fn questions(bytes: &[u8]) -> Vec<(String, usize)> {
    let (mut frames, mut questions) = (Frames::new(bytes, ASK_BYTES_MAX), Vec::new());
    while let Ok(Some(question)) = frames.next::<Question<'static>>().await {
        let bytes = frame(&question, ASK_BYTES_MAX).map_or(0, |frame| frame.len());
        questions.push((format!("{question:?}"), bytes));
    }
    questions
}
