//! What scripts have done: how far each has come in the inbox, and which calls it made.
//!
//! Invariant: both of one script are written as one. Whatever has come by the time that one transaction begins is written
//! by it, so many scripts cost little more than one; nothing waits for a timer.

use std::sync::{Mutex, PoisonError};

use rusqlite::{Transaction, TransactionBehavior};
use tgl::Request;
use tokio::sync::oneshot;

use crate::error::Fault;
use crate::outbox::{KeptCall, Stage, Writing};
use crate::{ScriptStore, StoreError};

/// What one script has done.
struct Commit {
    script: String,
    seq: u64,
    taken: Vec<KeptCall>,
    waiting: Vec<KeptCall>,
}

/// A commit that waits to be written, and who waits for that.
type Waiting = (Commit, oneshot::Sender<Result<(), StoreError>>);

/// What waits for the next transaction: of each script that is at work one commit at most.
#[derive(Default)]
pub(crate) struct Commits(Mutex<Vec<Waiting>>);

impl ScriptStore {
    /// The script has handled the events up to `seq`, and these are the calls it made. The cursor and those calls that
    /// survive a restart are written as one; only then may the calls leave. `waiting` come after `taken`, and after all
    /// that waits already: they leave when [`Self::take_waiting`] gives them.
    pub fn handled(&self, script: &str, seq: u64, taken: &[Request], waiting: &[Request]) -> Result<(), StoreError> {
        self.write_commits(&[self.commit_of(script, seq, taken, waiting)?])
    }

    /// These scripts have handled the events up to `seq`, and made no call by that.
    pub fn pass_over<'a>(&self, scripts: impl IntoIterator<Item = &'a str>, seq: u64) -> Result<(), StoreError> {
        let commits = scripts.into_iter().map(|script| self.commit_of(script, seq, &[], &[]));
        self.write_commits(&commits.collect::<Result<Vec<_>, _>>()?)
    }

    /// As [`Self::handled`], together with what other scripts have handled by then: where there are others, after all that is
    /// ready to run on this thread has had its turn. It is written even where nobody waits for that any more.
    pub async fn handled_together(
        &self,
        script: &str,
        seq: u64,
        taken: &[Request],
        waiting: &[Request],
    ) -> Result<(), StoreError> {
        let commit = self.commit_of(script, seq, taken, waiting)?;
        let (told, outcome) = oneshot::channel();
        let is_first = {
            let mut commits = self.0.commits.0.lock().unwrap_or_else(PoisonError::into_inner);
            commits.push((commit, told));
            commits.len() == 1
        };
        if is_first {
            let _writer = Writer(self);
            if self.0.lock().joined.len() > 1 {
                tokio::task::yield_now().await;
            }
        }
        // The writer tells everybody, unless it has failed inside.
        outcome.await.unwrap_or_else(|_| Err(Fault::Refused("the host failed inside".to_owned()).at(&self.0.path)))
    }

    fn commit_of(&self, script: &str, seq: u64, taken: &[Request], waiting: &[Request]) -> Result<Commit, StoreError> {
        let kept = |requests: &[Request], stage| {
            KeptCall::of_all(requests, stage).map_err(|fault: Fault| fault.at(&self.0.path))
        };
        let (taken, waiting) = (kept(taken, Stage::Taken)?, kept(waiting, Stage::Waiting)?);
        Ok(Commit { script: script.to_owned(), seq, taken, waiting })
    }

    /// Writes what waits. Where it cannot be written together, each by itself: one that cannot be is no other's trouble.
    fn write_waiting(&self) {
        let waiting = std::mem::take(&mut *self.0.commits.0.lock().unwrap_or_else(PoisonError::into_inner));
        let (commits, told): (Vec<Commit>, Vec<_>) = waiting.into_iter().unzip();
        let is_written = self.write_commits(&commits).is_ok();
        for (commit, told) in commits.iter().zip(told) {
            let outcome = if is_written { Ok(()) } else { self.write_commits(std::slice::from_ref(commit)) };
            // Who has gone meanwhile finds it at its next start.
            let _ = told.send(outcome);
        }
    }

    /// Writes these as one transaction.
    fn write_commits(&self, commits: &[Commit]) -> Result<(), StoreError> {
        let end = self.0.known.inbox_seq();
        let mut state = self.0.lock();
        let state = &mut *state;
        let written = (|| {
            let transaction = state.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut outbox = Writing::begin(&transaction, &state.outbox);
            let mut cursors = Vec::with_capacity(commits.len());
            for commit in commits {
                let cursor = state.cursors.get(&commit.script).copied().unwrap_or_default().max(commit.seq);
                put_cursor(&transaction, &commit.script, cursor)?;
                outbox.put(&commit.script, &commit.taken)?;
                outbox.release_staged(&commit.script)?;
                outbox.put(&commit.script, &commit.waiting)?;
                cursors.push(cursor);
            }
            let put = outbox.end();
            transaction.commit()?;
            for (commit, cursor) in commits.iter().zip(cursors) {
                state.outbox.staged.remove(&commit.script);
                match state.cursors.get_mut(&commit.script) {
                    Some(known) => *known = cursor,
                    None => _ = state.cursors.insert(commit.script.clone(), cursor),
                }
            }
            state.outbox.count_put(put, &self.0.known);
            state.prune(end)
        })();
        self.0.checkpointer.count_transaction();
        written.map_err(|fault: Fault| fault.at(&self.0.path))
    }
}

fn put_cursor(transaction: &Transaction<'_>, script: &str, cursor: u64) -> Result<(), Fault> {
    let put = "INSERT INTO script (name, cursor) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET cursor = ?2";
    transaction.prepare_cached(put)?.execute((script, cursor as i64))?;
    Ok(())
}

/// Writes what waits when it goes: also where the task is given up that was to do it.
struct Writer<'a>(&'a ScriptStore);

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        self.0.write_waiting();
    }
}
