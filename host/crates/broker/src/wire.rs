//! What crosses a socket between the two sides: frames, each a length and a message in postcard's format.
//!
//! Invariant: nothing is held for a frame that is longer than it may be, and a frame that was begun survives a reader that
//! is given up.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::{fmt, io};

use serde::de::{DeserializeOwned, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use tgl::{AccountState, Completion, Message, MessageId, Peer, PeerId, RequestId};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::error::BrokerError;
use crate::messages::{Backlog, Events, Joined, NewCall};

/// Longest frame from a script's side: the calls of a callback that are held in memory, each of the longest text.
pub(crate) const ASK_BYTES_MAX: usize = 16 << 20;

/// Calls in one frame. A callback's are more than a few hundred only where the disk takes none of them.
pub(crate) const CALLS_AT_ONCE_MAX: usize = 100_000;

/// Longest frame from the account's side.
pub(crate) const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Bytes before a frame: its length, the lowest first.
const LENGTH_BYTES: usize = 4;

/// Bytes that are read at once, at least.
const READ_BYTES: usize = 8 << 10;

/// Room that is kept for the next frame.
const KEPT_BYTES: usize = 64 << 10;

/// Why a connection between the two sides is of no more use.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The system refused.
    #[error("the connection failed: {0}")]
    Failed(#[from] io::Error),
    /// The other side sends what may not be sent.
    #[error("a frame of {0} bytes came")]
    TooLong(usize),
    /// The other side sends what is no message.
    #[error("a frame is no message: {0}")]
    NoMessage(#[from] postcard::Error),
    /// The other side asks for what it may not.
    #[error("{0}")]
    Refused(String),
}

/// What a script's side asks.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Question<'a> {
    /// Names it; the answer has the same.
    pub(crate) number: u64,
    pub(crate) ask: Ask<'a>,
}

/// The methods of [`crate::Client`] and [`crate::Lookups`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Ask<'a> {
    Join,
    BeginLife {
        first_id: RequestId,
    },
    OpenGate,
    Events {
        after: u64,
        limit: usize,
    },
    Commit {
        handled_seq: u64,
        #[serde(deserialize_with = "calls")]
        calls: Cow<'a, [NewCall]>,
        /// So much the script's side has said before, by another way.
        said: u64,
    },
    Stage {
        #[serde(deserialize_with = "calls")]
        calls: Cow<'a, [NewCall]>,
    },
    Unstage,
    NextCompletion {
        handled_seq: u64,
    },
    Peer(PeerId),
    Message(MessageId),
    Leave,
}

/// What the account's side says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Said {
    pub(crate) what: What,
    pub(crate) pulse: Pulse,
    /// What comes next, where the script waits for it.
    pub(crate) pushed: Option<Pushed>,
}

/// Why it is said.
#[derive(Debug, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant, reason = "one is moved at a time")]
pub(crate) enum What {
    Answer {
        number: u64,
        answer: Result<Answer, BrokerError>,
    },
    /// Something has changed by itself.
    Moved {
        state: Option<AccountState>,
        note: Option<String>,
        trouble: Option<BrokerError>,
    },
}

/// Events that nobody had to ask for.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Pushed {
    /// They are the next after this one.
    pub(crate) after: u64,
    pub(crate) events: Events,
}

impl Pushed {
    /// Whether they are what is asked for.
    pub(crate) fn is_next(&self, after: u64, limit: usize) -> bool {
        self.after == after && self.events.given.len() <= limit
    }
}

/// What came of a question.
#[derive(Debug, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant, reason = "one is moved at a time")]
pub(crate) enum Answer {
    Done,
    Joined(Joined),
    Events(Events),
    Completion(Option<Completion>),
    Peer(Option<Peer>),
    Message(Option<Message>),
}

/// What a script's side has to know at any moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pulse {
    pub(crate) inbox_seq: u64,
    pub(crate) backlog: Backlog,
}

/// A list of at most so many, for `deserialize_with`: a short frame can hold a list that is long in memory.
///
/// # Errors
/// Where there are more.
pub fn at_most<'de, D: Deserializer<'de>, T: Deserialize<'de>, const MAX: usize>(from: D) -> Result<Vec<T>, D::Error> {
    struct AtMost<T, const MAX: usize>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for AtMost<T, MAX> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {MAX}")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
            let mut taken = Vec::new();
            while let Some(next) = list.next_element()? {
                if taken.len() == MAX {
                    return Err(A::Error::invalid_length(MAX + 1, &self));
                }
                taken.push(next);
            }
            Ok(taken)
        }
    }

    from.deserialize_seq(AtMost::<T, MAX>(PhantomData))
}

fn calls<'de, D: Deserializer<'de>>(from: D) -> Result<Cow<'static, [NewCall]>, D::Error> {
    at_most::<D, NewCall, CALLS_AT_ONCE_MAX>(from).map(Cow::Owned)
}

/// A message as a frame.
///
/// # Errors
/// [`WireError::TooLong`] for one that the other side would not take.
pub fn frame(message: &impl Serialize, bytes_max: usize) -> Result<Vec<u8>, WireError> {
    let mut frame = postcard::to_extend(message, vec![0; LENGTH_BYTES])?;
    let length = frame.len() - LENGTH_BYTES;
    let Some(length) = u32::try_from(length).ok().filter(|_| length <= bytes_max) else {
        return Err(WireError::TooLong(length));
    };
    frame[..LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
    Ok(frame)
}

/// Reads frames.
pub struct Frames<R> {
    from: R,
    /// What has come and was not given yet.
    buffer: Vec<u8>,
    /// The frame that was given last: it is still at the buffer's beginning.
    given: usize,
    bytes_max: usize,
}

impl<R: AsyncRead + Unpin> Frames<R> {
    /// From here, each at most so long.
    pub fn new(from: R, bytes_max: usize) -> Self {
        Self { from, buffer: Vec::new(), given: 0, bytes_max }
    }

    /// The next message; none at the connection's end. May be given up at any moment.
    ///
    /// # Errors
    /// Where the other side sends what may not be sent; nothing that comes then is of any use.
    pub async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, WireError> {
        self.buffer.drain(..std::mem::take(&mut self.given));
        if self.buffer.len() < READ_BYTES {
            // A long frame leaves no more behind than a short one.
            self.buffer.shrink_to(KEPT_BYTES);
        }
        loop {
            if let Some(end) = self.whole()? {
                self.given = end;
                return Ok(Some(postcard::from_bytes(&self.buffer[LENGTH_BYTES..end])?));
            }
            self.buffer.reserve(READ_BYTES);
            if self.from.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// How long the frame of the message was that was given last, in bytes.
    pub fn given_bytes(&self) -> usize {
        self.given
    }

    /// Where the first frame ends, if all of it is there.
    fn whole(&self) -> Result<Option<usize>, WireError> {
        let Some((length, rest)) = self.buffer.split_first_chunk() else { return Ok(None) };
        let length = u32::from_le_bytes(*length) as usize;
        if length > self.bytes_max {
            return Err(WireError::TooLong(length));
        }
        Ok((rest.len() >= length).then_some(LENGTH_BYTES + length))
    }
}
