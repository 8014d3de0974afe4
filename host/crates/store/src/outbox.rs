//! The outbox: calls of scripts that have not completed. Those that a script cannot hold in memory wait here for their turn.
//!
//! Invariant: of one script, calls leave in the order of their places. A call that only asks is written only when it has to
//! wait here, and is never made again after a restart.

use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;

use broker::Load;
use rusqlite::{Connection, Row, Transaction, TransactionBehavior};
use tgl::{PeerId, Request};

use crate::error::Fault;
use crate::known::Known;
use crate::{AccountStore, Batch, ScriptStore, StoreError};

/// Rows that are looked at while one question to the outbox is answered.
const SCANNED_MAX: i64 = 1_024;

impl ScriptStore {
    /// The script begins: what an earlier run left waits for its turn, and nobody for its completion. What it only asked
    /// for, and what was never said to be made, is gone. Gives how many calls wait.
    pub fn resume_outbox(&self, script: &str) -> Result<u64, StoreError> {
        let mut state = self.0.lock();
        let load = self.0.known.load_of(script);
        if load.calls == 0 {
            return Ok(0);
        }
        let resumed = (|| {
            let transaction = state.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute("DELETE FROM outbox WHERE script = ?1 AND (kept = 0 OR stage = 2)", [script])?;
            transaction.execute("UPDATE outbox SET id = 0, stage = 1 WHERE script = ?1", [script])?;
            transaction.commit()?;
            let state = &mut *state;
            state.outbox.staged.remove(script);
            reload(&state.connection, script, &self.0.known)
        })();
        resumed.map(|load| load.calls).map_err(|fault: Fault| fault.at(&self.0.path))
    }

    /// Takes the calls that wait after this place and are wanted, at most so many, in their order. `wanted` is asked of
    /// each, by its place and its conversation, until there are enough; what it passes over stays. A call that only asks
    /// leaves the outbox with this.
    pub fn take_waiting(
        &self,
        script: &str,
        place: u64,
        limit: usize,
        mut wanted: impl FnMut(u64, Option<PeerId>) -> bool,
    ) -> Result<Vec<Request>, StoreError> {
        let (taken, asking) = self.0.read(|db| {
            let mut select = db.prepare_cached(
                "SELECT place, lane, kept, id, random_id, call FROM outbox
                 WHERE script = ?1 AND place > ?2 AND stage = 1 ORDER BY place LIMIT ?3",
            )?;
            let mut rows = select.query((script, place as i64, SCANNED_MAX))?;
            let (mut taken, mut asking) = (Vec::new(), Vec::new());
            while taken.len() < limit
                && let Some(row) = rows.next()?
            {
                let lane = row.get_ref(1)?.as_str_or_null().map_err(rusqlite::Error::from)?;
                let lane = lane.map(serde_json::from_str::<PeerId>).transpose()?;
                if !wanted(row.get::<_, i64>(0)? as u64, lane) {
                    continue;
                }
                let request = request((row.get(3)?, row.get(4)?, row.get(5)?))?;
                if !row.get::<_, bool>(2)? {
                    asking.push(request.random_id);
                }
                taken.push(request);
            }
            Ok((taken, asking))
        })?;
        if !asking.is_empty()
            && let Err(error) =
                self.0.record(|batch| asking.iter().try_for_each(|random_id| batch.complete_call(*random_id)))
        {
            tracing::debug!(%error, "calls that only ask stay in the outbox until the next start");
        }
        Ok(taken)
    }

    /// Takes the calls into this conversation that wait at these places, at most so many, with the last one's place.
    pub fn take_waiting_in(
        &self,
        script: &str,
        lane: PeerId,
        places: RangeInclusive<u64>,
        limit: usize,
    ) -> Result<(Vec<Request>, Option<u64>), StoreError> {
        self.0.read(|db| {
            let mut select = db.prepare_cached(
                "SELECT id, random_id, call, place FROM outbox
                 WHERE script = ?1 AND lane = ?2 AND place BETWEEN ?3 AND ?4 AND stage = 1 ORDER BY place LIMIT ?5",
            )?;
            let (from, to) = (*places.start() as i64, *places.end() as i64);
            let mut rows = select.query((script, lane_key(lane)?, from, to, limit as i64))?;
            let (mut taken, mut last) = (Vec::new(), None);
            while let Some(row) = rows.next()? {
                taken.push(request(parts(row)?)?);
                last = Some(row.get::<_, i64>(3)? as u64);
            }
            Ok((taken, last))
        })
    }

    /// Every call of the script that has not completed, in their order, for who only looks: nobody waits for these, so their
    /// id is 0.
    pub fn outbox(&self, script: &str) -> Result<Vec<Request>, StoreError> {
        self.0.read(|db| {
            let mut select = db.prepare_cached(
                "SELECT 0, random_id, call FROM outbox WHERE script = ?1 AND stage < 2 ORDER BY place",
            )?;
            let rows = select.query_map([script], parts)?;
            rows.map(|row| request(row?)).collect()
        })
    }

    /// Calls of a callback that still runs, too many to be held in memory: they count once [`Self::handled`] says so, and
    /// until then are gone after a restart.
    pub fn stage(&self, script: &str, requests: &[Request]) -> Result<(), StoreError> {
        let mut state = self.0.lock();
        let state = &mut *state;
        let staged = (|| {
            let transaction = state.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut outbox = Writing::begin(&transaction, &state.outbox);
            outbox.put(script, &KeptCall::of_all(requests, Stage::Staged)?)?;
            let put = outbox.end();
            transaction.commit()?;
            state.outbox.count_put(put, &self.0.known);
            state.outbox.staged.insert(script.to_owned());
            Ok(())
        })();
        staged.map_err(|fault: Fault| fault.at(&self.0.path))
    }

    /// Forgets what was staged: the callback's calls are not to be made.
    pub fn unstage(&self, script: &str) -> Result<(), StoreError> {
        let mut state = self.0.lock();
        let state = &mut *state;
        if !state.outbox.staged.contains(script) {
            return Ok(());
        }
        let unstaged = (|| {
            state.connection.execute("DELETE FROM outbox WHERE script = ?1 AND stage = 2", [script])?;
            state.outbox.staged.remove(script);
            reload(&state.connection, script, &self.0.known).map(drop)
        })();
        unstaged.map_err(|fault: Fault| fault.at(&self.0.path))
    }

    /// How much of the script's waits or is under way.
    pub fn outbox_load(&self, script: &str) -> Load {
        self.0.known.load_of(script)
    }
}

impl AccountStore {
    /// Whether this call has still to complete.
    pub fn is_in_outbox(&self, random_id: i64) -> Result<bool, StoreError> {
        self.0.read(|db| Ok(db.prepare_cached("SELECT 1 FROM outbox WHERE random_id = ?1")?.exists([random_id])?))
    }
}

impl Batch<'_> {
    /// The call with this random id has come to its end: it leaves the outbox.
    pub fn complete_call(&mut self, random_id: i64) -> Result<(), StoreError> {
        let gone = self.run(|db| {
            let delete = "DELETE FROM outbox WHERE random_id = ?1 RETURNING script, octet_length(call)";
            let mut delete = db.prepare_cached(delete)?;
            let mut rows = delete.query([random_id])?;
            let mut gone = None;
            while let Some(row) = rows.next()? {
                gone = Some((row.get(0)?, row.get::<_, i64>(1)? as u64));
            }
            Ok(gone)
        })?;
        self.completed.extend(gone);
        Ok(())
    }
}

/// How far a call in the outbox has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The script holds it in memory, or it is under way.
    Taken = 0,
    /// It waits for its turn.
    Waiting = 1,
    /// The callback that makes it has not returned.
    Staged = 2,
}

/// What whoever writes knows of the outbox.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    /// Scripts of which there are calls at [`Stage::Staged`].
    pub(crate) staged: HashSet<String>,
    last_place: u64,
}

impl Outbox {
    /// As the table says, with how much is in it of each script.
    pub(crate) fn load(db: &Connection) -> Result<(Self, HashMap<String, Load>), Fault> {
        let (mut outbox, mut loads) = (Self::default(), HashMap::new());
        let sums = "SELECT script, COUNT(*), SUM(octet_length(call)), MAX(place) FROM outbox GROUP BY script";
        let mut select = db.prepare(sums)?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let (calls, bytes, place): (i64, i64, i64) = (row.get(1)?, row.get(2)?, row.get(3)?);
            loads.insert(row.get(0)?, Load { calls: calls as u64, bytes: bytes as u64 });
            outbox.last_place = outbox.last_place.max(place as u64);
        }
        Ok((outbox, loads))
    }

    pub(crate) fn count_put(&mut self, put: Put, known: &Known) {
        self.last_place = put.last_place;
        put.loads.iter().for_each(|(script, load)| known.count_put(script, *load));
    }
}

fn reload(db: &Connection, script: &str, known: &Known) -> Result<Load, Fault> {
    let sums = "SELECT COUNT(*), COALESCE(SUM(octet_length(call)), 0) FROM outbox WHERE script = ?1";
    let (calls, bytes): (i64, i64) = db.query_row(sums, [script], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let load = Load { calls: calls as u64, bytes: bytes as u64 };
    known.set_load(script, load);
    Ok(load)
}

/// A call as it is kept.
pub(crate) struct KeptCall {
    random_id: i64,
    id: u64,
    call: String,
    lane: Option<String>,
    is_kept: bool,
    stage: Stage,
}

impl KeptCall {
    /// Of these calls; of those that do not wait, only of what has to survive a restart.
    pub(crate) fn of_all(requests: &[Request], stage: Stage) -> Result<Vec<Self>, Fault> {
        let is_written = |request: &&Request| stage != Stage::Taken || request.call.survives_restart();
        requests.iter().filter(is_written).map(|request| Self::of(request, stage)).collect()
    }

    fn of(request: &Request, stage: Stage) -> Result<Self, Fault> {
        Ok(Self {
            random_id: request.random_id,
            id: request.id,
            call: serde_json::to_string(&request.call)?,
            lane: request.call.destination().map(lane_key).transpose()?,
            is_kept: request.call.survives_restart(),
            stage,
        })
    }
}

/// Calls on their way into the outbox, in a transaction.
pub(crate) struct Writing<'a> {
    transaction: &'a Transaction<'a>,
    staged: &'a HashSet<String>,
    put: Put,
}

/// What a transaction has put into the outbox.
pub(crate) struct Put {
    loads: Vec<(String, Load)>,
    last_place: u64,
}

impl<'a> Writing<'a> {
    pub(crate) fn begin(transaction: &'a Transaction<'a>, outbox: &'a Outbox) -> Self {
        let put = Put { loads: Vec::new(), last_place: outbox.last_place };
        Self { transaction, staged: &outbox.staged, put }
    }

    /// Puts a script's calls at the outbox's end.
    pub(crate) fn put(&mut self, script: &str, calls: &[KeptCall]) -> Result<(), Fault> {
        let mut load = Load::default();
        for call in calls {
            self.put.last_place += 1;
            let new = self
                .transaction
                .prepare_cached(
                    "INSERT OR IGNORE INTO outbox (random_id, script, place, call, id, lane, kept, stage)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                )?
                .execute((
                    call.random_id,
                    script,
                    self.put.last_place as i64,
                    &call.call,
                    call.id as i64,
                    &call.lane,
                    call.is_kept,
                    call.stage as i64,
                ))?;
            load.calls += new as u64;
            load.bytes += (new * call.call.len()) as u64;
        }
        if load.calls > 0 {
            self.put.loads.push((script.to_owned(), load));
        }
        Ok(())
    }

    /// What was staged of the script waits from now on.
    pub(crate) fn release_staged(&mut self, script: &str) -> Result<(), Fault> {
        if self.staged.contains(script) {
            let release = "UPDATE outbox SET stage = 1 WHERE script = ?1 AND stage = 2";
            self.transaction.prepare_cached(release)?.execute([script])?;
        }
        Ok(())
    }

    pub(crate) fn end(self) -> Put {
        self.put
    }
}

type Parts = (i64, i64, String);

/// Id, random id and call.
fn parts(row: &Row<'_>) -> rusqlite::Result<Parts> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn request((id, random_id, call): Parts) -> Result<Request, Fault> {
    Ok(Request { id: id as u64, random_id, call: serde_json::from_str(&call)? })
}

fn lane_key(lane: PeerId) -> Result<String, Fault> {
    Ok(serde_json::to_string(&lane)?)
}
