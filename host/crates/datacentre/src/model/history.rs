//! Reading boxes page by page: <https://core.telegram.org/api/offsets>.
//!
//! Invariant: pages are newest first, and asking again with the last id of a page as the offset goes on exactly there.

use super::messages::{self, COLUMNS, Message, read};
use super::{Db, Peer, Result, Row, all, one, params, posts};

/// The message with this id, if `user` has one with this peer.
pub(crate) fn find(db: &Db, user: i64, peer: Peer, id: i32) -> Result<Option<Message>> {
    Ok(match peer {
        Peer::Channel(channel) => posts::find(db, channel, id, user)?,
        _ => messages::find(db, user, id)?.filter(|message| message.peer == peer),
    })
}

/// Which messages, and which part of them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Window {
    /// Begin below this id; 0: at the newest.
    pub(crate) offset_id: i32,
    /// Without `offset_id`: begin before this date; 0: at the newest.
    pub(crate) offset_date: i32,
    /// Then go this many further; negative: back towards the newest.
    pub(crate) add_offset: i32,
    pub(crate) limit: i32,
    /// Only ids below this; 0: all.
    pub(crate) max_id: i32,
    /// Only ids above this; 0: all.
    pub(crate) min_id: i32,
}

/// A page of messages.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) messages: Vec<Message>,
    /// How many there are in all.
    pub(crate) count: i32,
    /// How many are newer than the page's first.
    pub(crate) skipped: i32,
}

/// A page of the owner's messages with this peer.
pub(crate) fn page(db: &Db, owner: i64, peer: Peer, window: &Window) -> Result<Page> {
    let code = peer.code();
    let sql = "SELECT COUNT(*) FROM boxes WHERE owner = ?1 AND peer = ?2";
    let count: i32 = one(db, sql, [owner, code], |row| row.get(0))?.unwrap_or(0);
    let max_id = if window.max_id > 0 { window.max_id } else { i32::MAX };
    let offset_id = first_below(db, owner, code, window)?;
    let sql = "SELECT COUNT(*) FROM boxes WHERE owner = ?1 AND peer = ?2 AND id >= ?3 AND id < ?4 AND id > ?5";
    let newer: i32 =
        one(db, sql, params![owner, code, offset_id, max_id, window.min_id], |row| row.get(0))?.unwrap_or(0);
    let Some((start, length)) = slice(newer, window) else {
        return Ok(Page { messages: Vec::new(), count, skipped: 0 });
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM boxes b JOIN contents c ON c.id = b.content
         WHERE b.owner = ?1 AND b.peer = ?2 AND b.id < ?3 AND b.id > ?4 ORDER BY b.id DESC LIMIT ?5 OFFSET ?6"
    );
    let messages = all(db, &sql, params![owner, code, max_id, window.min_id, length, start], read)?;
    Ok(Page { messages, count, skipped: start })
}

/// A page of those of the owner's messages, with this peer or with all, that `wanted` takes.
pub(crate) fn filtered(
    db: &Db,
    owner: i64,
    peer: Option<Peer>,
    window: &Window,
    mut wanted: impl FnMut(&Message) -> bool,
) -> Result<Page> {
    let sql = match peer {
        Some(_) => format!(
            "SELECT {COLUMNS} FROM boxes b JOIN contents c ON c.id = b.content WHERE b.owner = ?1 AND b.peer = ?2 ORDER BY b.id DESC"
        ),
        None => format!(
            "SELECT {COLUMNS} FROM boxes b JOIN contents c ON c.id = b.content WHERE b.owner = ?1 AND ?2 IS NULL ORDER BY b.id DESC"
        ),
    };
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query(params![owner, peer.map(Peer::code)])?;
    let (mut found, mut count, mut newer) = (Vec::new(), 0, 0);
    while let Some(row) = rows.next()? {
        let message = read(row)?;
        if !wanted(&message) {
            continue;
        }
        count += 1;
        if (window.max_id > 0 && message.id >= window.max_id) || message.id <= window.min_id {
            continue;
        }
        let before_offset = if window.offset_id > 0 {
            message.id >= window.offset_id
        } else {
            window.offset_date > 0 && message.content.date >= window.offset_date
        };
        newer += i32::from(before_offset);
        found.push(message);
    }
    let Some((start, length)) = slice(newer, window) else {
        return Ok(Page { messages: Vec::new(), count, skipped: 0 });
    };
    let at = |n: i32| usize::try_from(n).unwrap_or(0);
    let messages = found.into_iter().skip(at(start)).take(at(length)).collect();
    Ok(Page { messages, count, skipped: start })
}

/// The owner's ids with this peer up to `max_id` within the dates given, oldest first; at most `limit`.
pub(crate) fn ids(db: &Db, owner: i64, peer: Peer, max_id: i32, dates: (i32, i32), limit: i64) -> Result<Vec<i32>> {
    let sql = "SELECT b.id FROM boxes b JOIN contents c ON c.id = b.content
               WHERE b.owner = ?1 AND b.peer = ?2 AND b.id <= ?3 AND c.date > ?4 AND c.date < ?5 ORDER BY b.id LIMIT ?6";
    all(db, sql, params![owner, peer.code(), max_id, dates.0, dates.1, limit], |row| row.get(0))
}

/// The last content of each sender among the owner's messages from others with ids in `above..=up_to`.
pub(crate) fn last_per_sender(db: &Db, owner: i64, peer: Peer, above: i32, up_to: i32) -> Result<Vec<(i64, i64)>> {
    let sql = "SELECT c.sender, MAX(c.id) FROM boxes b JOIN contents c ON c.id = b.content
               WHERE b.owner = ?1 AND b.peer = ?2 AND b.id > ?3 AND b.id <= ?4 AND c.sender <> ?1 GROUP BY c.sender";
    let pair = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    all(db, sql, params![owner, peer.code(), above, up_to], pair)
}

/// The id below which the window begins.
fn first_below(db: &Db, owner: i64, peer: i64, window: &Window) -> Result<i32> {
    if window.offset_id > 0 {
        return Ok(window.offset_id);
    }
    if window.offset_date <= 0 {
        return Ok(i32::MAX);
    }
    let sql = "SELECT b.id FROM boxes b JOIN contents c ON c.id = b.content
               WHERE b.owner = ?1 AND b.peer = ?2 AND c.date < ?3 ORDER BY b.id DESC LIMIT 1";
    let last: Option<i32> = one(db, sql, params![owner, peer, window.offset_date], |row| row.get(0))?;
    Ok(last.map_or(0, |id| id.saturating_add(1)))
}

/// Where in the list, newest first, the window lies: its start and length; none if wholly before the newest.
fn slice(newer: i32, window: &Window) -> Option<(i32, i32)> {
    let start = newer.saturating_add(window.add_offset);
    let end = start.saturating_add(window.limit);
    let start = start.max(0);
    (end > start).then_some((start, end - start))
}
