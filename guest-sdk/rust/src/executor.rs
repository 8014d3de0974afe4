//! Runs futures: tasks that go on whenever a call that they wait for has come to its end.
//!
//! Invariant: tasks run only at the end of a callback, one at a time, until none can go on. So a task is never polled while the
//! script's own code runs.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Wake, Waker};

use crate::{CallError, Failure, Result};

/// Tasks that may be under way at once.
pub const TASKS_MAX: usize = 1024;

type TaskId = u64;
type Task = Pin<Box<dyn Future<Output = Result>>>;

thread_local! {
    static EXECUTOR: Executor = Executor::default();
}

/// Runs a future beside the script, beginning when the present callback has returned. An error that it ends with goes to the
/// script's log. It cannot borrow the script: share what both need, as `Rc<Cell<_>>` or `Rc<RefCell<_>>`.
///
/// Errors: [`Failure::LimitReached`] if [`TASKS_MAX`] tasks are under way; the future is dropped.
pub fn spawn(future: impl Future<Output = Result> + 'static) -> Result<(), CallError> {
    EXECUTOR.with(|executor| executor.spawn(Box::pin(future)))
}

/// Lets every task go on that can; `failed` hears of the errors that tasks end with.
pub(crate) fn run(failed: impl FnMut(Box<dyn std::error::Error>)) {
    EXECUTOR.with(|executor| executor.run(failed));
}

#[derive(Default)]
struct Executor {
    tasks: RefCell<HashMap<TaskId, Task>>,
    last_id: Cell<TaskId>,
    ready: Arc<Ready>,
}

impl Executor {
    fn spawn(&self, task: Task) -> Result<(), CallError> {
        let mut tasks = self.tasks.borrow_mut();
        if tasks.len() >= TASKS_MAX {
            let text = format!("{TASKS_MAX} tasks are under way: let some end before spawning more");
            return Err(CallError::new(Failure::LimitReached, text));
        }
        let id = self.last_id.get() + 1;
        self.last_id.set(id);
        tasks.insert(id, task);
        self.ready.push(id);
        Ok(())
    }

    fn run(&self, mut failed: impl FnMut(Box<dyn std::error::Error>)) {
        while let Some(id) = self.ready.pop() {
            // Taken out while it runs: a task spawns others.
            let Some(mut task) = self.tasks.borrow_mut().remove(&id) else { continue };
            let waker = Waker::from(Arc::new(TaskWaker { id, ready: Arc::clone(&self.ready) }));
            match task.as_mut().poll(&mut Context::from_waker(&waker)) {
                std::task::Poll::Ready(Ok(())) => {}
                std::task::Poll::Ready(Err(error)) => failed(error),
                std::task::Poll::Pending => {
                    self.tasks.borrow_mut().insert(id, task);
                }
            }
        }
    }
}

/// Tasks that can go on, each at most once, in the order in which they were woken.
#[derive(Default)]
struct Ready(Mutex<VecDeque<TaskId>>);

impl Ready {
    fn push(&self, id: TaskId) {
        let mut ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !ids.contains(&id) {
            ids.push_back(id);
        }
    }

    fn pop(&self) -> Option<TaskId> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

struct TaskWaker {
    id: TaskId,
    ready: Arc<Ready>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.ready.push(self.id);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;
    use std::task::Poll;

    use super::*;

    /// A future that is pending until its waker has been called once from outside.
    fn gate(wakers: &Rc<RefCell<Vec<Waker>>>) -> impl Future<Output = ()> + 'static {
        let wakers = Rc::clone(wakers);
        let mut asked = false;
        std::future::poll_fn(move |context| {
            if asked {
                return Poll::Ready(());
            }
            asked = true;
            wakers.borrow_mut().push(context.waker().clone());
            Poll::Pending
        })
    }

    fn no_failure(error: Box<dyn std::error::Error>) {
        panic!("a task failed: {error}");
    }

    #[test]
    fn a_task_goes_on_only_when_woken_and_ends_once() {
        let executor = Executor::default();
        let wakers = Rc::default();
        let steps = Rc::new(RefCell::new(Vec::new()));
        let (seen, waiting) = (Rc::clone(&steps), gate(&wakers));
        let task = async move {
            seen.borrow_mut().push("begun");
            waiting.await;
            seen.borrow_mut().push("ended");
            Ok(())
        };
        executor.spawn(Box::pin(task)).unwrap();
        assert!(steps.borrow().is_empty(), "a task does not run inside spawn");
        executor.run(no_failure);
        executor.run(no_failure);
        assert_eq!(*steps.borrow(), ["begun"]);
        let waker: Waker = wakers.borrow_mut().pop().unwrap();
        waker.wake_by_ref();
        waker.wake_by_ref();
        executor.run(no_failure);
        assert_eq!(*steps.borrow(), ["begun", "ended"]);
        waker.wake();
        executor.run(no_failure);
        assert_eq!(*steps.borrow(), ["begun", "ended"], "waking an ended task does nothing");
    }

    #[test]
    fn tasks_begin_in_the_order_of_spawning() {
        let executor = Executor::default();
        let order = Rc::new(RefCell::new(Vec::new()));
        for n in 0..5 {
            let order = Rc::clone(&order);
            let task = async move {
                order.borrow_mut().push(n);
                Ok(())
            };
            executor.spawn(Box::pin(task)).unwrap();
        }
        executor.run(no_failure);
        assert_eq!(*order.borrow(), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn an_error_is_handed_over_and_ends_only_its_task() {
        let executor = Executor::default();
        let ended = Rc::new(Cell::new(false));
        executor.spawn(Box::pin(async { Err("no luck".into()) })).unwrap();
        let flag = Rc::clone(&ended);
        let task = async move {
            flag.set(true);
            Ok(())
        };
        executor.spawn(Box::pin(task)).unwrap();
        let mut errors = Vec::new();
        executor.run(|error| errors.push(error.to_string()));
        assert_eq!(errors, ["no luck"]);
        assert!(ended.get());
    }

    #[test]
    fn a_task_too_many_is_refused_until_another_ends() {
        let executor = Executor::default();
        for _ in 0..TASKS_MAX {
            executor.spawn(Box::pin(async { Ok(()) })).unwrap();
        }
        let refused = executor.spawn(Box::pin(async { Ok(()) })).unwrap_err();
        assert_eq!(refused.kind, Failure::LimitReached);
        executor.run(no_failure);
        executor.spawn(Box::pin(async { Ok(()) })).unwrap();
    }
}
