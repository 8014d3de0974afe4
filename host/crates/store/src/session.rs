//! The session: data centres with their authorisation keys, who is logged in, and how far updates have been taken.
//!
//! Invariant: an authorisation key leaves this module in [`DcRecord::auth_key`] only, and no `Debug` shows it.

use std::fmt;
use std::net::{SocketAddrV4, SocketAddrV6};

use rusqlite::{Connection, OptionalExtension, Row};

use crate::error::Fault;
use crate::{AccountStore, Batch, StoreError};

/// A data centre as this account knows it.
#[derive(Clone, PartialEq, Eq)]
pub struct DcRecord {
    /// Its number.
    pub id: i32,
    /// Its address.
    pub ipv4: SocketAddrV4,
    /// Its other address.
    pub ipv6: SocketAddrV6,
    /// The key made with it, once there is one.
    pub auth_key: Option<[u8; 256]>,
}

impl fmt::Debug for DcRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DcRecord")
            .field("id", &self.id)
            .field("ipv4", &self.ipv4)
            .field("has_auth_key", &self.auth_key.is_some())
            .finish_non_exhaustive()
    }
}

/// Who is logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The user's id.
    pub user_id: i64,
    /// The user is a bot.
    pub is_bot: bool,
}

/// How far the server's updates have been taken: <https://core.telegram.org/api/updates>.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UpdateState {
    /// Position among messages of private chats and basic groups.
    pub pts: i32,
    /// Position among secret chats' messages.
    pub qts: i32,
    /// The server's clock at the last update.
    pub date: i32,
    /// Number of the last group of updates.
    pub seq: i32,
}

impl AccountStore {
    /// The data centre the account lives in, if it was ever said.
    pub fn home_dc(&self) -> Result<Option<i32>, StoreError> {
        self.0.read(|db| Ok(db.query_row("SELECT home_dc FROM session", [], |row| row.get(0))?))
    }

    /// Says where the account lives.
    pub fn set_home_dc(&self, dc_id: i32) -> Result<(), StoreError> {
        self.0.write(|db| Ok(db.execute("UPDATE session SET home_dc = ?1", [dc_id]).map(|_| ())?))
    }

    /// What is known of a data centre.
    pub fn dc(&self, dc_id: i32) -> Result<Option<DcRecord>, StoreError> {
        self.0.read(|db| dc(db, dc_id))
    }

    /// Keeps what is known of a data centre, its key included.
    pub fn set_dc(&self, dc: &DcRecord) -> Result<(), StoreError> {
        self.0.write(|db| {
            db.prepare_cached(
                "INSERT INTO dc (id, ipv4, ipv6, auth_key) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (id) DO UPDATE SET ipv4 = ?2, ipv6 = ?3, auth_key = ?4",
            )?
            .execute((
                dc.id,
                dc.ipv4.to_string(),
                dc.ipv6.to_string(),
                dc.auth_key.as_ref().map(|key| &key[..]),
            ))?;
            Ok(())
        })
    }

    /// Who is logged in.
    pub fn owner(&self) -> Result<Option<Owner>, StoreError> {
        self.0.read(owner)
    }

    /// Says who has logged in. Where that is another user than before, everything that belonged to the earlier one
    /// goes: peers, messages, channels, events and calls.
    pub fn set_owner(&self, owner: Owner) -> Result<(), StoreError> {
        let earlier = self.owner()?;
        self.0.record(|batch| {
            batch.run(|db| {
                if earlier.is_some_and(|earlier| earlier.user_id != owner.user_id) {
                    db.execute_batch(
                        "DELETE FROM peer; DELETE FROM message; DELETE FROM channel; DELETE FROM outbox;
                         DELETE FROM inbox WHERE seq < (SELECT MAX(seq) FROM inbox);
                         UPDATE inbox SET key = NULL, event = NULL;
                         UPDATE script SET cursor = COALESCE((SELECT MAX(seq) FROM inbox), 0);
                         UPDATE session SET pts = NULL, qts = NULL, date = NULL, seq = NULL;",
                    )?;
                }
                db.execute("UPDATE session SET user_id = ?1, is_bot = ?2", (owner.user_id, owner.is_bot))?;
                Ok(())
            })
        })?;
        self.0.lock().reload().map_err(|fault| fault.at(&self.0.path))
    }

    /// Forgets the login: every authorisation key. How far updates were taken and what scripts have not handled stays,
    /// so that the same user's next login goes on from there.
    pub fn clear_login(&self) -> Result<(), StoreError> {
        self.0.write(|db| Ok(db.execute("UPDATE dc SET auth_key = NULL", []).map(|_| ())?))
    }

    /// How far updates have been taken; none before the first time.
    pub fn update_state(&self) -> Result<Option<UpdateState>, StoreError> {
        self.0.read(|db| {
            let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
            let (pts, qts, date, seq): (Option<i32>, Option<i32>, Option<i32>, Option<i32>) =
                db.query_row("SELECT pts, qts, date, seq FROM session", [], row)?;
            Ok(pts.map(|pts| UpdateState {
                pts,
                qts: qts.unwrap_or_default(),
                date: date.unwrap_or_default(),
                seq: seq.unwrap_or_default(),
            }))
        })
    }
}

impl Batch<'_> {
    /// Says how far updates have been taken, this batch included.
    pub fn set_update_state(&mut self, state: UpdateState) -> Result<(), StoreError> {
        self.run(|db| {
            db.prepare_cached("UPDATE session SET pts = ?1, qts = ?2, date = ?3, seq = ?4")?
                .execute((state.pts, state.qts, state.date, state.seq))?;
            Ok(())
        })
    }
}

pub(crate) fn owner(db: &Connection) -> Result<Option<Owner>, Fault> {
    let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let (user_id, is_bot): (Option<i64>, Option<bool>) =
        db.query_row("SELECT user_id, is_bot FROM session", [], row)?;
    Ok(user_id.map(|user_id| Owner { user_id, is_bot: is_bot.unwrap_or_default() }))
}

pub(crate) fn dc(db: &Connection, dc_id: i32) -> Result<Option<DcRecord>, Fault> {
    let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let found: Option<(String, String, Option<Vec<u8>>)> =
        db.prepare_cached("SELECT ipv4, ipv6, auth_key FROM dc WHERE id = ?1")?.query_row([dc_id], row).optional()?;
    let Some((ipv4, ipv6, auth_key)) = found else { return Ok(None) };
    let damaged = |what: &str| Fault::Content(format!("the {what} of data centre {dc_id} is unreadable"));
    Ok(Some(DcRecord {
        id: dc_id,
        ipv4: ipv4.parse().map_err(|_| damaged("address"))?,
        ipv6: ipv6.parse().map_err(|_| damaged("address"))?,
        auth_key: auth_key.map(|key| key.try_into().map_err(|_| damaged("key"))).transpose()?,
    }))
}
