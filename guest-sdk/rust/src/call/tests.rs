//! Calls and their answers without a host: the test says which request ids calls get and what they come to.

use std::cell::Cell;

use super::*;
use crate::{executor, spawn};

#[derive(Default)]
struct Counter {
    answers: Vec<String>,
}

impl Script for Counter {}

fn call(id: RequestId) -> Call<'static, String> {
    Call::new("raw_query", move || id)
}

fn text(text: &str) -> Completed {
    Ok(Outcome::Text(text.into()))
}

fn run_tasks() {
    executor::run(|error| panic!("a task failed: {error}"));
}

#[test]
fn a_closure_gets_the_script_and_the_answer_once() {
    let mut script = Counter::default();
    let note = |me: &mut Counter, answer: Result<String, CallError>| {
        me.answers.push(answer?);
        Ok(())
    };
    call(1).then(note).unwrap();
    pending::complete(1, text("one"), &mut script).unwrap();
    pending::complete(1, text("again"), &mut script).unwrap();
    assert_eq!(script.answers, ["one"]);
    assert_eq!(pending::count(), 0);
}

#[test]
fn a_closures_error_is_the_callbacks_error() {
    let mut script = Counter::default();
    let pass_on = |_: &mut Counter, answer: Result<String, CallError>| {
        answer?;
        Ok(())
    };
    call(1).then(pass_on).unwrap();
    let error = CallError::new(Failure::Refused, "CHAT_WRITE_FORBIDDEN");
    let result = pending::complete(1, Err(error), &mut script);
    assert_eq!(result.unwrap_err().to_string(), "refused by Telegram: CHAT_WRITE_FORBIDDEN");
}

#[test]
fn a_closure_for_another_script_is_an_error_not_a_panic() {
    #[derive(Default)]
    struct Other;
    impl Script for Other {}
    call(1).then(|_: &mut Other, _| Ok(())).unwrap();
    let error = pending::complete(1, text("one"), &mut Counter::default()).unwrap_err();
    assert!(error.to_string().contains("Other"), "{error}");
}

#[test]
fn an_answer_of_the_wrong_kind_is_an_error() {
    let mut script = Counter::default();
    let invalid = |_: &mut Counter, answer: Result<String, CallError>| {
        assert_eq!(answer.unwrap_err().kind, Failure::Invalid);
        Ok(())
    };
    call(1).then(invalid).unwrap();
    pending::complete(1, Ok(Outcome::Done), &mut script).unwrap();
}

#[test]
fn a_task_awaits_one_call_after_another() {
    let mut script = Counter::default();
    let said = Rc::new(RefCell::new(Vec::new()));
    let heard = Rc::clone(&said);
    spawn(async move {
        let first = call(1).await?;
        heard.borrow_mut().push(first);
        let second = call(2).await?;
        heard.borrow_mut().push(second);
        Ok(())
    })
    .unwrap();
    run_tasks();
    assert_eq!(pending::count(), 1, "the second call waits for the first");
    pending::complete(1, text("one"), &mut script).unwrap();
    run_tasks();
    assert_eq!(*said.borrow(), ["one"]);
    pending::complete(2, text("two"), &mut script).unwrap();
    run_tasks();
    assert_eq!(*said.borrow(), ["one", "two"]);
    assert_eq!(pending::count(), 0);
}

#[test]
fn calls_turned_into_futures_are_under_way_together() {
    let mut script = Counter::default();
    let said = Rc::new(Cell::new(0));
    let heard = Rc::clone(&said);
    spawn(async move {
        let (first, second) = (call(1).into_future(), call(2).into_future());
        heard.set(first.await?.len() + second.await?.len());
        Ok(())
    })
    .unwrap();
    run_tasks();
    assert_eq!(pending::count(), 2);
    pending::complete(2, text("four"), &mut script).unwrap();
    run_tasks();
    pending::complete(1, text("one"), &mut script).unwrap();
    run_tasks();
    assert_eq!(said.get(), 7);
}

#[test]
fn a_dropped_future_forgets_its_call() {
    let future = call(1).into_future();
    assert_eq!(pending::count(), 1);
    drop(future);
    assert_eq!(pending::count(), 0);
    pending::complete(1, text("late"), &mut Counter::default()).unwrap();
}

#[test]
fn a_call_too_many_is_not_made() {
    let made = Rc::new(Cell::new(0));
    let counted = || {
        let made = Rc::clone(&made);
        Call::<()>::new("mark_read", move || {
            made.set(made.get() + 1);
            made.get()
        })
    };
    for _ in 0..pending::CALLS_PENDING_MAX {
        counted().start().unwrap();
    }
    assert_eq!(counted().start().unwrap_err().kind, Failure::LimitReached);
    assert_eq!(counted().then(|_: &mut Counter, _| Ok(())).unwrap_err().kind, Failure::LimitReached);
    let outcome = Rc::new(RefCell::new(None));
    let (seen, refused) = (Rc::clone(&outcome), counted().into_future());
    spawn(async move {
        *seen.borrow_mut() = Some(refused.await);
        Ok(())
    })
    .unwrap();
    run_tasks();
    assert_eq!(outcome.take().unwrap().unwrap_err().kind, Failure::LimitReached);
    assert_eq!(made.get(), pending::CALLS_PENDING_MAX as u64);
    pending::complete(1, Ok(Outcome::Done), &mut Counter::default()).unwrap();
    counted().start().unwrap();
}
