//! What several scripts do at one time.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::task::JoinSet;

use super::*;

const SCRIPTS: i64 = 50;

fn on_one_thread<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

/// Has each script handle one event and answer it; gives who could not.
async fn all_handle(store: &AccountStore) -> Vec<i64> {
    let mut at_work = JoinSet::new();
    for number in 0..SCRIPTS {
        let store = store.clone();
        at_work.spawn(async move {
            let calls = [send(number + 1, "an answer")];
            store.scripts().handled_together(&name(number), 1, &calls, &[]).await.is_err().then_some(number)
        });
    }
    at_work.join_all().await.into_iter().flatten().collect()
}

fn name(number: i64) -> String {
    format!("{number}.py")
}

fn store(dir: &TempDir) -> AccountStore {
    let store = open(dir);
    (0..SCRIPTS).for_each(|number| _ = store.scripts().join(&name(number)).unwrap());
    receive(&store, [1]);
    store
}

/// Scripts that have come to the event, and whose answer waits to be made.
fn done(dir: &TempDir) -> usize {
    let store = open(dir);
    let is_done = |number: &i64| {
        store.scripts().join(&name(*number)).unwrap() == 1 && store.scripts().outbox_load(&name(*number)).calls == 1
    };
    (0..SCRIPTS).filter(is_done).count()
}

fn poll<F: Future>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn what_many_scripts_do_at_once_is_one_transaction() {
    let dir = TempDir::new().unwrap();
    let store = store(&dir);
    let before = store.0.checkpointer.transactions();
    assert_eq!(on_one_thread(all_handle(&store)), [0; 0]);
    assert_eq!(store.0.checkpointer.transactions() - before, 1);
    drop(store);
    assert_eq!(done(&dir), SCRIPTS as usize);
}

#[test]
fn what_cannot_be_written_of_one_script_is_no_others_trouble() {
    let dir = TempDir::new().unwrap();
    let store = store(&dir);
    let refuse = "CREATE TEMP TRIGGER refuse BEFORE UPDATE ON script WHEN NEW.name = '7.py' BEGIN SELECT RAISE(ABORT, 'no'); END";
    store.0.lock().connection.execute_batch(refuse).unwrap();
    assert_eq!(on_one_thread(all_handle(&store)), [7]);
    drop(store);
    assert_eq!(done(&dir), SCRIPTS as usize - 1);
}

#[test]
fn what_a_script_has_done_is_written_even_if_it_is_given_up_meanwhile() {
    let dir = TempDir::new().unwrap();
    let store = store(&dir);
    let scripts = store.scripts();
    on_one_thread(async {
        // The first of them is the one that writes for all.
        let mut given_up = Box::pin(scripts.handled_together("0.py", 1, &[], &[]));
        assert!(poll(&mut given_up).is_pending());
        let mut goes_on = Box::pin(scripts.handled_together("1.py", 1, &[], &[]));
        assert!(poll(&mut goes_on).is_pending());
        drop(given_up);
        goes_on.await.unwrap();
    });
    drop((scripts, store));
    let store = open(&dir);
    assert_eq!((store.scripts().join("0.py").unwrap(), store.scripts().join("1.py").unwrap()), (1, 1));
}
