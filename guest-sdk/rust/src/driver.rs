//! Between the host and the script: makes the script when the host first calls, hands over what the host says, and then lets
//! tasks go on.

use std::any::Any;
use std::cell::RefCell;
use std::error::Error;
use std::marker::PhantomData;

use crate::bindings::exports::tgl::script::callbacks::Guest;
use crate::bindings::tgl::script::types::{Outcome, RequestId};
use crate::{CallError, Changes, LogLevel, Message, Peer, Result, Script, executor, pending};

/// What [`export!`](crate::export) makes the component of.
pub struct Exported<S>(PhantomData<S>);

thread_local! {
    static SCRIPT: RefCell<Option<Box<dyn Any>>> = const { RefCell::new(None) };
}

/// Runs one callback and then the tasks that can go on. Errors: the callback's, with its causes, as text for the log.
fn enter<S: Script>(callback: impl FnOnce(&mut S) -> Result) -> Result<(), String> {
    let result = SCRIPT.with_borrow_mut(|script| {
        let script = script.get_or_insert_with(|| Box::new(S::default()));
        match script.downcast_mut::<S>() {
            Some(script) => callback(script),
            None => Err("a component exports one script".into()),
        }
    });
    executor::run(|error| crate::log(LogLevel::Error, &format!("a task failed: {}", with_causes(&*error))));
    result.map_err(|error| with_causes(&*error))
}

impl<S: Script> Guest for Exported<S> {
    fn on_our_id(id: i64) -> Result<(), String> {
        enter::<S>(|script| script.on_our_id(id))
    }

    fn on_binlog_replay_end() -> Result<(), String> {
        enter::<S>(S::on_binlog_replay_end)
    }

    fn on_get_difference_end() -> Result<(), String> {
        enter::<S>(S::on_get_difference_end)
    }

    fn on_message(message: Message) -> Result<(), String> {
        enter::<S>(|script| script.on_message(message))
    }

    fn on_user_update(user: Peer, what: Changes) -> Result<(), String> {
        enter::<S>(|script| script.on_user_update(user, what))
    }

    fn on_chat_update(chat: Peer, what: Changes) -> Result<(), String> {
        enter::<S>(|script| script.on_chat_update(chat, what))
    }

    fn on_secret_chat_update(chat: Peer, what: Changes) -> Result<(), String> {
        enter::<S>(|script| script.on_secret_chat_update(chat, what))
    }

    fn on_completion(request: RequestId, outcome: Result<Outcome, CallError>) -> Result<(), String> {
        enter::<S>(|script| pending::complete(request, outcome, script))
    }

    fn on_timer() -> Result<(), String> {
        enter::<S>(S::on_timer)
    }
}

/// "this: because of that: because of that".
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
