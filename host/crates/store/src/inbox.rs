//! The inbox of events that scripts have still to handle, each script's cursor in it, and the outbox of their calls.
//!
//! Invariant: an event leaves the inbox only when every script's cursor has passed it. The one exception: a script that
//! has not joined in this run holds at most the newest [`crate::INBOX_EVENTS_MAX`] events.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;

use rusqlite::{Connection, TransactionBehavior};
use tgl::{Call, Event, Request, ScriptName};

use crate::error::Fault;
use crate::{AccountStore, Batch, Bounds, State, StoreError};

impl AccountStore {
    /// Says that the script runs, and gives its cursor: the events after it are the script's to handle. A script that
    /// is new to the account begins at the inbox's end. A script that is not running any more must [`Self::leave`]
    /// unless its events are to wait for it.
    pub fn join(&self, script: &str) -> Result<u64, StoreError> {
        let end = self.inbox_seq();
        let mut state = self.lock();
        let cursor = state.cursors.get(script).copied();
        if cursor.is_none() {
            state
                .connection
                .execute("INSERT INTO script (name, cursor) VALUES (?1, ?2)", (script, end as i64))
                .map_err(|error| Fault::from(error).at(&self.0.path))?;
            state.cursors.insert(script.to_owned(), end);
        }
        state.joined.insert(script.to_owned());
        Ok(cursor.unwrap_or(end))
    }

    /// Forgets the script: its cursor and its outbox.
    pub fn leave(&self, script: &str) -> Result<(), StoreError> {
        let seq = self.inbox_seq();
        let mut state = self.lock();
        let left = (|| {
            let transaction = state.connection.transaction()?;
            transaction.execute("DELETE FROM outbox WHERE script = ?1", [script])?;
            transaction.execute("DELETE FROM script WHERE name = ?1", [script])?;
            transaction.commit()?;
            state.cursors.remove(script);
            state.joined.remove(script);
            state.prune(seq)
        })();
        left.map_err(|fault: Fault| fault.at(&self.0.path))
    }

    /// The events after `seq`, the oldest first, at most `limit` of them.
    pub fn inbox_after(&self, seq: u64, limit: usize) -> Result<Vec<(u64, Event)>, StoreError> {
        if seq >= self.inbox_seq() {
            return Ok(Vec::new());
        }
        self.read(|db| {
            let mut select = db.prepare_cached(
                "SELECT seq, event FROM inbox WHERE seq > ?1 AND event IS NOT NULL ORDER BY seq LIMIT ?2",
            )?;
            let rows = select.query_map((seq as i64, limit as i64), |row| Ok((row.get(0)?, row.get(1)?)))?;
            let mut events = Vec::new();
            for row in rows {
                let (seq, event): (i64, String) = row?;
                events.push((seq as u64, serde_json::from_str(&event)?));
            }
            Ok(events)
        })
    }

    /// The sequence number of the last event that was written.
    pub fn inbox_seq(&self) -> u64 {
        self.0.inbox_seq.load(Ordering::Acquire)
    }

    /// How many more events the inbox takes: with none, updates have to wait at the server.
    pub fn inbox_room(&self) -> u64 {
        self.lock().inbox_room(self.inbox_seq())
    }

    /// The script has handled the events up to `seq`, and these are the calls it made: the cursor and those calls that
    /// survive a restart are written as one. Only then may the calls leave.
    pub fn handled(&self, script: &str, seq: u64, requests: &[Request]) -> Result<(), StoreError> {
        let end = self.inbox_seq();
        let mut state = self.lock();
        let written = (|| {
            let cursor = state.cursors.get(script).copied().unwrap_or_default().max(seq);
            let transaction = state.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction
                .prepare_cached(
                    "INSERT INTO script (name, cursor) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET cursor = ?2",
                )?
                .execute((script, cursor as i64))?;
            for request in requests.iter().filter(|request| request.call.survives_restart()) {
                transaction
                    .prepare_cached(
                        "INSERT OR IGNORE INTO outbox (random_id, script, place, call)
                         VALUES (?1, ?2, 1 + (SELECT COALESCE(MAX(place), 0) FROM outbox), ?3)",
                    )?
                    .execute((request.random_id, script, serde_json::to_string(&request.call)?))?;
            }
            transaction.commit()?;
            state.cursors.insert(script.to_owned(), cursor);
            state.prune(end)
        })();
        self.0.checkpointer.count_transaction();
        written.map_err(|fault: Fault| fault.at(&self.0.path))
    }

    /// The calls that an earlier run left unfinished, in their order. Nobody waits for them: their id is 0.
    pub fn outbox(&self, script: &ScriptName) -> Result<Vec<Request>, StoreError> {
        self.read(|db| {
            let mut select =
                db.prepare_cached("SELECT random_id, call FROM outbox WHERE script = ?1 ORDER BY place")?;
            let rows = select.query_map([&**script], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let mut requests = Vec::new();
            for row in rows {
                let (random_id, call): (i64, String) = row?;
                let call: Call = serde_json::from_str(&call)?;
                requests.push(Request { script: script.clone(), id: 0, random_id, call });
            }
            Ok(requests)
        })
    }
}

impl Batch<'_> {
    /// Puts an event at the inbox's end. With a key that was used before it is passed over; says whether it was new.
    ///
    /// # Errors
    /// [`StoreError::InboxFull`]: the whole batch has to be given up.
    pub fn push_event(&mut self, key: Option<&str>, event: &Event) -> Result<bool, StoreError> {
        if let Some(key) = key
            && self.run(|db| is_known(db, key))?
        {
            return Ok(false);
        }
        if self.room == 0 {
            return Err(StoreError::InboxFull { path: self.path.to_path_buf() });
        }
        let seq = self.seq + 1;
        self.run(|db| {
            db.prepare_cached("INSERT INTO inbox (seq, key, event) VALUES (?1, ?2, ?3)")?.execute((
                seq as i64,
                key,
                serde_json::to_string(event)?,
            ))?;
            Ok(())
        })?;
        self.seq = seq;
        self.room -= 1;
        Ok(true)
    }

    /// The call with this random id has come to its end: it leaves the outbox.
    pub fn complete_call(&mut self, random_id: i64) -> Result<(), StoreError> {
        self.run(|db| {
            db.prepare_cached("DELETE FROM outbox WHERE random_id = ?1")?.execute([random_id])?;
            Ok(())
        })
    }
}

impl State {
    pub(crate) fn load(connection: Connection, bounds: Bounds) -> Result<Self, Fault> {
        let pruned_seq: i64 = connection.query_row("SELECT pruned_seq FROM session", [], |row| row.get(0))?;
        let mut state = Self {
            connection,
            bounds,
            cursors: HashMap::new(),
            joined: HashSet::new(),
            pruned_seq: pruned_seq as u64,
            messages_since_prune: 0,
        };
        state.reload_cursors()?;
        Ok(state)
    }

    pub(crate) fn reload_cursors(&mut self) -> Result<(), Fault> {
        let mut select = self.connection.prepare("SELECT name, cursor FROM script")?;
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as u64)))?;
        self.cursors = rows.collect::<Result<_, _>>()?;
        Ok(())
    }

    pub(crate) fn inbox_room(&self, seq: u64) -> u64 {
        let waiting = self.joined.iter().filter_map(|script| self.cursors.get(script)).min();
        let waiting = waiting.map_or(0, |cursor| seq.saturating_sub(*cursor));
        self.bounds.inbox_events_max.saturating_sub(waiting)
    }

    /// Takes out of the tables what nobody needs any more, a whole step at a time.
    pub(crate) fn prune(&mut self, seq: u64) -> Result<(), Fault> {
        self.prune_messages()?;
        let passed = self.cursors.values().copied().min().unwrap_or(seq);
        let passed = passed.max(seq.saturating_sub(self.bounds.inbox_events_max)).min(seq);
        if passed < self.pruned_seq + self.bounds.prune_step {
            return Ok(());
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let keys_before = seq.saturating_sub(self.bounds.event_keys_max);
        for (statement, from, to) in [
            // The last row stays whatever it is: it says where the sequence goes on.
            ("DELETE FROM inbox WHERE seq > ?1 AND seq <= ?2 AND key IS NULL", self.pruned_seq, passed.min(seq - 1)),
            ("UPDATE inbox SET event = NULL WHERE seq > ?1 AND seq <= ?2", self.pruned_seq, passed),
            ("DELETE FROM inbox WHERE seq > ?1 AND seq <= ?2", 0, keys_before.min(passed)),
            ("UPDATE session SET pruned_seq = MAX(?1, ?2)", 0, passed),
        ] {
            transaction.prepare_cached(statement)?.execute((from as i64, to as i64))?;
        }
        transaction.commit()?;
        let absent = self.cursors.iter().filter(|(_, cursor)| **cursor < passed);
        for (script, cursor) in absent {
            tracing::warn!(
                script,
                events = passed - cursor,
                "the inbox is full: the oldest events of a script that does not run are dropped"
            );
        }
        self.pruned_seq = passed;
        Ok(())
    }
}

pub(crate) fn last_seq(db: &Connection) -> Result<u64, Fault> {
    let seq: Option<i64> = db.query_row("SELECT MAX(seq) FROM inbox", [], |row| row.get(0))?;
    Ok(seq.unwrap_or_default() as u64)
}

fn is_known(db: &Connection, key: &str) -> Result<bool, Fault> {
    Ok(db.prepare_cached("SELECT 1 FROM inbox WHERE key = ?1")?.exists([key])?)
}
