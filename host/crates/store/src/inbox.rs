//! The inbox of events that scripts have still to handle, and each script's cursor in it.
//!
//! Invariant: an event leaves the inbox only when every script's cursor has passed it, or when those that it has not
//! passed are behind by more than their quota: [`broker::INBOX_EVENTS_MAX`] for a script that runs,
//! [`broker::AWAY_EVENTS_MAX`] for one that does not, [`broker::INBOX_BYTES_MAX`] for all. So who lags holds up nobody. Only
//! when all that run are behind by their quota, updates wait at the server instead.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use broker::SharedEvent;
use rusqlite::{Connection, TransactionBehavior};
use tgl::Event;

use crate::error::Fault;
use crate::known::Known;
use crate::outbox::Outbox;
use crate::recent::RecentEvent;
use crate::{AccountStore, Batch, Bounds, ScriptStore, State, StoreError};

impl ScriptStore {
    /// Says that the script runs, and gives its cursor: the events after it are the script's to handle. A script that
    /// is new to the account begins at the inbox's end. Where the disk takes nothing for now that is remembered until
    /// [`Self::handled`] writes it down.
    pub fn join(&self, script: &str) -> Result<u64, StoreError> {
        let end = self.0.known.inbox_seq();
        let mut state = self.0.lock();
        let cursor = state.cursors.get(script).copied();
        if cursor.is_none() {
            let insert = "INSERT INTO script (name, cursor) VALUES (?1, ?2)";
            match state.connection.execute(insert, (script, end as i64)) {
                Ok(_) => {}
                Err(error) => match Fault::from(error).at(&self.0.path) {
                    error if error.is_passing() => {
                        tracing::warn!(%error, script, "a script's place is not written yet")
                    }
                    error => return Err(error),
                },
            }
            state.cursors.insert(script.to_owned(), end);
        }
        state.joined.insert(script.to_owned());
        Ok(cursor.unwrap_or(end))
    }

    /// Forgets the script: its cursor and its outbox.
    pub fn leave(&self, script: &str) -> Result<(), StoreError> {
        let seq = self.0.known.inbox_seq();
        let mut state = self.0.lock();
        let left = (|| {
            let transaction = state.connection.transaction()?;
            transaction.execute("DELETE FROM outbox WHERE script = ?1", [script])?;
            transaction.execute("DELETE FROM script WHERE name = ?1", [script])?;
            transaction.commit()?;
            state.cursors.remove(script);
            state.joined.remove(script);
            state.outbox.staged.remove(script);
            self.0.known.forget_load(script);
            state.prune(seq)
        })();
        self.0.checkpointer.begin();
        left.map_err(|fault: Fault| fault.at(&self.0.path))
    }

    /// The events after `seq`, the oldest first, at most `limit` of them.
    pub fn inbox_after(&self, seq: u64, limit: usize) -> Result<Vec<(u64, Arc<SharedEvent>)>, StoreError> {
        if seq >= self.0.known.inbox_seq() {
            return Ok(Vec::new());
        }
        if let Some(recent) = self.0.known.recent_after(seq, limit) {
            return Ok(recent);
        }
        self.0.read(|db| {
            let mut select = db.prepare_cached(
                "SELECT seq, event FROM inbox WHERE seq > ?1 AND event IS NOT NULL ORDER BY seq LIMIT ?2",
            )?;
            let rows = select.query_map((seq as i64, limit as i64), |row| Ok((row.get(0)?, row.get(1)?)))?;
            let mut events = Vec::new();
            for row in rows {
                let (seq, event): (i64, String) = row?;
                let event: Event = serde_json::from_str(&event)?;
                events.push((seq as u64, Arc::new(event.into())));
            }
            Ok(events)
        })
    }

    /// The sequence number of the last event that was written.
    pub fn inbox_seq(&self) -> u64 {
        self.0.known.inbox_seq()
    }

    /// What the quota has taken from the inbox's beginning: events up to here are there no more.
    pub fn pruned_seq(&self) -> u64 {
        self.0.known.pruned_seq()
    }
}

impl AccountStore {
    /// The sequence number of the last event that was written.
    pub fn inbox_seq(&self) -> u64 {
        self.0.known.inbox_seq()
    }

    /// How many more events the inbox takes: with none, updates have to wait at the server.
    pub fn inbox_room(&self) -> u64 {
        self.0.lock().inbox_room(self.0.known.inbox_seq())
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
        let bytes = self.run(|db| {
            let event = serde_json::to_string(event)?;
            db.prepare_cached("INSERT INTO inbox (seq, key, event) VALUES (?1, ?2, ?3)")?
                .execute((seq as i64, key, &event))?;
            Ok(event.len() as u64)
        })?;
        self.events.push(RecentEvent { seq, event: Arc::new(event.clone().into()), bytes });
        self.seq = seq;
        self.room -= 1;
        Ok(true)
    }
}

impl State {
    pub(crate) fn load(connection: Connection, bounds: Bounds, known: Arc<Known>) -> Result<Self, Fault> {
        let mut state = Self {
            connection,
            bounds,
            known,
            cursors: HashMap::new(),
            joined: HashSet::new(),
            inbox_bytes: 0,
            messages_since_prune: 0,
            outbox: Outbox::default(),
        };
        state.reload()?;
        Ok(state)
    }

    /// Learns anew what the tables say of scripts, inbox and outbox.
    pub(crate) fn reload(&mut self) -> Result<(), Fault> {
        self.reload_cursors()?;
        let pruned_seq: i64 = self.connection.query_row("SELECT pruned_seq FROM session", [], |row| row.get(0))?;
        self.inbox_bytes = bytes_between(&self.connection, pruned_seq as u64, i64::MAX as u64)?;
        let (outbox, loads) = Outbox::load(&self.connection)?;
        self.outbox = outbox;
        self.known.replace(last_seq(&self.connection)?, pruned_seq as u64, loads);
        Ok(())
    }

    pub(crate) fn reload_cursors(&mut self) -> Result<(), Fault> {
        let mut select = self.connection.prepare("SELECT name, cursor FROM script")?;
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as u64)))?;
        self.cursors = rows.collect::<Result<_, _>>()?;
        Ok(())
    }

    /// How much room there is before whoever runs and is furthest has its quota full.
    pub(crate) fn inbox_room(&self, seq: u64) -> u64 {
        let furthest = self.joined.iter().filter_map(|script| self.cursors.get(script)).max();
        let Some(furthest) = furthest.copied() else { return self.bounds.inbox_events_max };
        let can_shrink = furthest >= self.known.pruned_seq() + self.bounds.prune_step;
        if self.inbox_bytes > self.bounds.inbox_bytes_max && !can_shrink {
            return 0;
        }
        self.bounds.inbox_events_max.saturating_sub(seq.saturating_sub(furthest))
    }

    /// Up to where nobody needs the inbox any more, or has no right to.
    fn passed_seq(&self, seq: u64) -> u64 {
        let held_from = |(script, cursor): (&String, &u64)| {
            let is_running = self.joined.contains(script);
            let events_max = if is_running { self.bounds.inbox_events_max } else { self.bounds.away_events_max };
            (*cursor).max(seq.saturating_sub(events_max))
        };
        let passed = self.cursors.iter().map(held_from).min().unwrap_or(seq);
        let is_too_large = self.inbox_bytes > self.bounds.inbox_bytes_max;
        let furthest = self.joined.iter().filter_map(|script| self.cursors.get(script)).max().copied().unwrap_or(seq);
        match is_too_large {
            // Nothing goes that has reached nobody yet.
            true => passed.max((self.known.pruned_seq() + self.bounds.prune_step).min(furthest)),
            false => passed,
        }
    }

    /// Takes out of the tables what nobody needs any more, a whole step at a time.
    pub(crate) fn prune(&mut self, seq: u64) -> Result<(), Fault> {
        self.prune_messages()?;
        let (passed, pruned_seq) = (self.passed_seq(seq).min(seq), self.known.pruned_seq());
        if passed < pruned_seq + self.bounds.prune_step {
            return Ok(());
        }
        let gone_bytes = bytes_between(&self.connection, pruned_seq, passed)?;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let keys_before = seq.saturating_sub(self.bounds.event_keys_max);
        for (statement, from, to) in [
            // The last row stays whatever it is: it says where the sequence goes on.
            ("DELETE FROM inbox WHERE seq > ?1 AND seq <= ?2 AND key IS NULL", pruned_seq, passed.min(seq - 1)),
            ("UPDATE inbox SET event = NULL WHERE seq > ?1 AND seq <= ?2", pruned_seq, passed),
            ("DELETE FROM inbox WHERE seq > ?1 AND seq <= ?2", 0, keys_before.min(passed)),
            ("UPDATE session SET pruned_seq = MAX(?1, ?2)", 0, passed),
        ] {
            transaction.prepare_cached(statement)?.execute((from as i64, to as i64))?;
        }
        transaction.commit()?;
        self.inbox_bytes = self.inbox_bytes.saturating_sub(gone_bytes);
        let behind = self.cursors.iter().filter(|(_, cursor)| **cursor < passed);
        for (script, cursor) in behind {
            let events = passed - (*cursor).max(pruned_seq);
            tracing::warn!(script, events, "the inbox is full: the oldest events of a script that lags are dropped");
        }
        self.known.set_pruned_seq(passed);
        Ok(())
    }
}

fn last_seq(db: &Connection) -> Result<u64, Fault> {
    let seq: Option<i64> = db.query_row("SELECT MAX(seq) FROM inbox", [], |row| row.get(0))?;
    Ok(seq.unwrap_or_default() as u64)
}

fn is_known(db: &Connection, key: &str) -> Result<bool, Fault> {
    Ok(db.prepare_cached("SELECT 1 FROM inbox WHERE key = ?1")?.exists([key])?)
}

/// How much the events after `from` take, up to `to`.
fn bytes_between(db: &Connection, from: u64, to: u64) -> Result<u64, Fault> {
    let sum = "SELECT COALESCE(SUM(octet_length(event)), 0) FROM inbox WHERE seq > ?1 AND seq <= ?2";
    let bytes: i64 = db.prepare_cached(sum)?.query_row((from as i64, to as i64), |row| row.get(0))?;
    Ok(bytes as u64)
}
