//! A call that is about to be made, and the three ways to make it.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::bindings::tgl::script::calls::{self as raw, SendOptions};
use crate::bindings::tgl::script::types::{Outcome, RequestId};
use crate::pending::{self, Completed, Slot, Waiter};
use crate::{CallError, Dialog, Failure, Message, MessageId, Peer, PeerId, Result, Script};

/// A call that answers with a `T`. It leaves, after the present callback, once it is started, given a closure or awaited.
#[must_use = "nothing is asked of Telegram before `.start()`, `.then(…)` or `.await`"]
pub struct Call<'a, T> {
    name: &'static str,
    make: Box<dyn FnOnce() -> RequestId + 'a>,
    answer: PhantomData<fn() -> T>,
}

impl<'a, T: Answer> Call<'a, T> {
    pub(crate) fn new(name: &'static str, make: impl FnOnce() -> RequestId + 'a) -> Self {
        Self { name, make: Box::new(make), answer: PhantomData }
    }

    /// Makes the call; what it comes to does not matter, but a failure is written to the script's log.
    ///
    /// Errors: [`Failure::LimitReached`] if too many calls are pending; the call was not made.
    pub fn start(self) -> Result<(), CallError> {
        pending::enqueue(self.make, Waiter::Log(self.name)).map(drop)
    }

    /// Makes the call; the closure gets the script and what the call came to. An error that it gives back goes to the
    /// script's log.
    ///
    /// Errors: [`Failure::LimitReached`] if too many calls are pending; the call was not made and the closure is dropped.
    pub fn then<S, F>(self, closure: F) -> Result<(), CallError>
    where
        S: Script,
        F: FnOnce(&mut S, Result<T, CallError>) -> Result + 'static,
    {
        let waiter = Waiter::Closure(Box::new(move |script, completed| match script.downcast_mut::<S>() {
            Some(script) => closure(script, T::from_completed(completed)),
            None => {
                Err(format!("`then` names {}, which is not this guest's script", std::any::type_name::<S>()).into())
            }
        }));
        pending::enqueue(self.make, waiter).map(drop)
    }
}

/// Awaiting a call makes it and gives what it came to. To have several calls under way at once turn each into a future first,
/// then await them.
///
/// Errors: those of the call, and [`Failure::LimitReached`] if too many calls are pending.
impl<T: Answer> IntoFuture for Call<'_, T> {
    type Output = Result<T, CallError>;
    type IntoFuture = Pending<T>;

    fn into_future(self) -> Pending<T> {
        let slot = Rc::new(RefCell::new(Slot::default()));
        let state = match pending::enqueue(self.make, Waiter::Future(Rc::clone(&slot))) {
            Ok(id) => State::Waiting { id, slot },
            Err(error) => State::Refused(Some(error)),
        };
        Pending { state, answer: PhantomData }
    }
}

/// A call on its way. Dropped, it forgets the call, which is made all the same.
pub struct Pending<T> {
    state: State,
    answer: PhantomData<fn() -> T>,
}

enum State {
    Waiting { id: RequestId, slot: Rc<RefCell<Slot>> },
    Refused(Option<CallError>),
}

impl<T: Answer> Future for Pending<T> {
    type Output = Result<T, CallError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.state {
            State::Waiting { slot, .. } => slot.borrow_mut().poll(context).map(T::from_completed),
            State::Refused(error) => error.take().map_or(Poll::Pending, |error| Poll::Ready(Err(error))),
        }
    }
}

impl<T> Drop for Pending<T> {
    fn drop(&mut self) {
        if let State::Waiting { id, .. } = self.state {
            pending::forget(id);
        }
    }
}

/// A message about to be sent; see [`send_message`](crate::calls::send_message). Its ways to leave are those of [`Call`].
#[must_use = "nothing is sent before `.start()`, `.then(…)` or `.await`"]
pub struct SendMessage<'a> {
    to: PeerId,
    text: &'a str,
    options: SendOptions,
}

impl<'a> SendMessage<'a> {
    pub(crate) fn new(to: PeerId, text: &'a str) -> Self {
        Self { to, text, options: SendOptions { reply_to: None, preview: None } }
    }

    /// Makes it an answer to this message of the same conversation.
    pub fn reply_to(mut self, message: MessageId) -> Self {
        self.options.reply_to = Some(message);
        self
    }

    /// Forces the preview of a link in it on or off, instead of leaving that to Telegram.
    pub fn preview(mut self, on: bool) -> Self {
        self.options.preview = Some(on);
        self
    }

    /// See [`Call::start`].
    pub fn start(self) -> Result<(), CallError> {
        self.call().start()
    }

    /// See [`Call::then`]. The closure gets the message as it was sent.
    pub fn then<S, F>(self, closure: F) -> Result<(), CallError>
    where
        S: Script,
        F: FnOnce(&mut S, Result<Message, CallError>) -> Result + 'static,
    {
        self.call().then(closure)
    }

    fn call(self) -> Call<'a, Message> {
        Call::new("send_message", move || raw::send_message(self.to, self.text, self.options))
    }
}

impl IntoFuture for SendMessage<'_> {
    type Output = Result<Message, CallError>;
    type IntoFuture = Pending<Message>;

    fn into_future(self) -> Pending<Message> {
        self.call().into_future()
    }
}

/// What a call can answer with: nothing, messages, peers, dialogs, or a text. Which one is said at each of [`calls`](crate::calls).
pub trait Answer: Sized + sealed::FromOutcome {}

impl<T: sealed::FromOutcome> Answer for T {}

mod sealed {
    use super::*;

    pub trait FromOutcome: Sized {
        /// None if the outcome is of another kind.
        fn from_outcome(outcome: Outcome) -> Option<Self>;

        /// What the host said, as this kind of answer. A host that answers with another kind breaks the contract.
        fn from_completed(completed: Completed) -> Result<Self, CallError> {
            let broken =
                || CallError::new(Failure::Invalid, "the host gave an answer that does not belong to this call");
            Self::from_outcome(completed?).ok_or_else(broken)
        }
    }

    macro_rules! answers {
        ($($answer:ty: $outcome:pat => $value:expr;)+) => {$(
            impl FromOutcome for $answer {
                fn from_outcome(outcome: Outcome) -> Option<Self> {
                    match outcome {
                        $outcome => Some($value),
                        _ => None,
                    }
                }
            }
        )+};
    }

    answers! {
        (): Outcome::Done => ();
        Message: Outcome::Message(message) => message;
        Vec<Message>: Outcome::Messages(messages) => messages;
        Peer: Outcome::Peer(peer) => peer;
        Vec<Peer>: Outcome::Peers(peers) => peers;
        Vec<Dialog>: Outcome::Dialogs(dialogs) => dialogs;
        String: Outcome::File(text) | Outcome::Text(text) => text;
    }
}

#[cfg(test)]
mod tests;
