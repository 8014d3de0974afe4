//! Who waits for which call.
//!
//! Invariant: an entry is made when its call leaves, and taken out exactly once: by the completion, or by the end of the
//! future that waited.

use std::any::Any;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::bindings::tgl::script::types::{Outcome, RequestId};
use crate::{CallError, Failure, LogLevel, Result};

/// Calls that may wait for their completion at once. Another one is not made: it ends in [`Failure::LimitReached`].
pub const CALLS_PENDING_MAX: usize = 1024;

/// What the host says a call came to.
pub(crate) type Completed = Result<Outcome, CallError>;

/// Runs when its call has come to its end, with the script.
pub(crate) type Closure = Box<dyn FnOnce(&mut dyn Any, Completed) -> Result>;

/// Who is told what a call came to.
pub(crate) enum Waiter {
    /// Nobody but the log, and that only of a failure. The name is the call's.
    Log(&'static str),
    /// A closure.
    Closure(Closure),
    /// A future.
    Future(Rc<RefCell<Slot>>),
}

/// Where a future finds what its call came to.
#[derive(Default)]
pub(crate) struct Slot {
    completed: Option<Completed>,
    waker: Option<Waker>,
}

impl Slot {
    /// What the call came to, or the promise to wake the task when it has.
    pub(crate) fn poll(&mut self, context: &Context<'_>) -> Poll<Completed> {
        match self.completed.take() {
            Some(completed) => Poll::Ready(completed),
            None => {
                self.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

thread_local! {
    static WAITERS: RefCell<HashMap<RequestId, Waiter>> = RefCell::default();
}

/// Makes a call and notes who waits for it. Errors: [`Failure::LimitReached`], and the call was not made.
pub(crate) fn enqueue(make: impl FnOnce() -> RequestId, waiter: Waiter) -> Result<RequestId, CallError> {
    WAITERS.with_borrow_mut(|waiters| {
        if waiters.len() >= CALLS_PENDING_MAX {
            let text = format!("{CALLS_PENDING_MAX} calls are pending: wait for some to complete before making more");
            return Err(CallError::new(Failure::LimitReached, text));
        }
        let id = make();
        waiters.insert(id, waiter);
        Ok(id)
    })
}

/// The waiter's interest ends: its completion will be dropped.
pub(crate) fn forget(id: RequestId) {
    WAITERS.with_borrow_mut(|waiters| waiters.remove(&id));
}

/// Tells the waiter of `id`, if there is one, what its call came to. Errors: what the waiter's closure gives.
pub(crate) fn complete(id: RequestId, completed: Completed, script: &mut dyn Any) -> Result {
    // Taken out first: a closure makes calls of its own.
    let Some(waiter) = WAITERS.with_borrow_mut(|waiters| waiters.remove(&id)) else { return Ok(()) };
    match waiter {
        Waiter::Log(call) => {
            if let Err(error) = completed {
                crate::log(LogLevel::Warn, &format!("{call} failed: {error}"));
            }
            Ok(())
        }
        Waiter::Closure(closure) => closure(script, completed),
        Waiter::Future(slot) => {
            let mut slot = slot.borrow_mut();
            slot.completed = Some(completed);
            if let Some(waker) = slot.waker.take() {
                waker.wake();
            }
            Ok(())
        }
    }
}

/// How many calls wait for their completion.
#[cfg(test)]
pub(crate) fn count() -> usize {
    WAITERS.with_borrow(HashMap::len)
}
