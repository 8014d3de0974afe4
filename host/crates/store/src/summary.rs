//! A look at an account from outside, also while another process has it open.

use std::net::SocketAddrV4;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use tgl::{Peer, PeerId};

use crate::error::Fault;
use crate::{DATABASE_FILE, StoreError, peers, session};

/// Who is logged in to an account, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSummary {
    /// The user; none where nobody is logged in.
    pub user: Option<Peer>,
    /// The user is a bot.
    pub is_bot: bool,
    /// The data centre's number, if one was ever used.
    pub dc_id: Option<i32>,
    /// Its address.
    pub dc_address: Option<SocketAddrV4>,
}

/// Reads who is logged in to the account in `dir`; none where there is no account. Changes nothing.
///
/// # Errors
/// As [`crate::AccountStore::open`], except that an account in use can be looked at.
pub fn inspect(dir: &Path) -> Result<Option<AccountSummary>, StoreError> {
    let path = dir.join(DATABASE_FILE);
    if !path.exists() {
        return Ok(None);
    }
    read(&path).map(Some).map_err(|fault| fault.at(&path))
}

fn read(path: &Path) -> Result<AccountSummary, Fault> {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let dc_id: Option<i32> = db.query_row("SELECT home_dc FROM session", [], |row| row.get(0))?;
    let dc = dc_id.map(|dc_id| session::dc(&db, dc_id)).transpose()?.flatten();
    let has_key = dc.as_ref().is_some_and(|dc| dc.auth_key.is_some());
    let owner = session::owner(&db)?.filter(|_| has_key);
    let user = owner.map(|owner| peers::find(&db, PeerId::user(owner.user_id))).transpose()?.flatten();
    Ok(AccountSummary {
        user: user.map(|record| record.peer),
        is_bot: owner.is_some_and(|owner| owner.is_bot),
        dc_id,
        dc_address: dc.map(|dc| dc.ipv4),
    })
}
