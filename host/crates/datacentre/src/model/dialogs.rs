//! Dialogs: per owner and peer the last message, what was read on both sides, and the owner's marks.
//!
//! Invariant: `unread` is the number of messages from others with ids above `read_inbox`; `top_message` is the last
//! message of the peer in the owner's box. Of channels, whose messages lie in one box for all, both are counted when asked
//! for, and the stored `top_message` says only whether the dialog is listed.

use super::{Db, Peer, Result, Row, all, one, params, run};

/// A dialog as stored.
#[derive(Clone, Debug)]
pub(crate) struct Dialog {
    pub(crate) peer: Peer,
    pub(crate) top_message: i32,
    pub(crate) read_inbox: i32,
    pub(crate) read_outbox: i32,
    pub(crate) unread: i32,
    pub(crate) marked_unread: bool,
    /// 0 when not pinned; else the greater the higher.
    pub(crate) pinned: i32,
    /// `DraftMessage`
    pub(crate) draft: Option<Vec<u8>>,
    /// `PeerNotifySettings`
    pub(crate) notify: Option<Vec<u8>>,
}

impl Dialog {
    /// The dialog with a peer nothing is stored of.
    pub(crate) fn empty(peer: Peer) -> Dialog {
        Dialog {
            peer,
            top_message: 0,
            read_inbox: 0,
            read_outbox: 0,
            unread: 0,
            marked_unread: false,
            pinned: 0,
            draft: None,
            notify: None,
        }
    }
}

/// The condition is [`super::CHANNEL_CODES`].
const COLUMNS: &str = "peer,
    CASE WHEN peer < -1000000000000 THEN COALESCE((SELECT MAX(id) FROM boxes b WHERE b.owner = dialogs.peer), 0) ELSE top_message END,
    read_inbox, read_outbox,
    CASE WHEN peer < -1000000000000 THEN (SELECT COUNT(*) FROM boxes b JOIN contents c ON c.id = b.content
        WHERE b.owner = dialogs.peer AND b.id > read_inbox AND c.sender <> dialogs.owner) ELSE unread END,
    marked_unread, pinned, draft, notify";

/// A new message came: it is the top one now, and unread if it is from someone else.
pub(crate) fn raise(db: &Db, owner: i64, peer: Peer, message: i32, unread: bool) -> Result<()> {
    let sql = "INSERT INTO dialogs (owner, peer, top_message, unread) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT DO UPDATE SET top_message = excluded.top_message, unread = unread + excluded.unread";
    run(db, sql, params![owner, peer.code(), message, unread])?;
    Ok(())
}

/// The owner's dialog with this peer.
pub(crate) fn find(db: &Db, owner: i64, peer: Peer) -> Result<Option<Dialog>> {
    let sql = format!("SELECT {COLUMNS} FROM dialogs WHERE owner = ?1 AND peer = ?2");
    one(db, &sql, [owner, peer.code()], read)
}

/// The owner's dialogs that have messages.
pub(crate) fn of_owner(db: &Db, owner: i64) -> Result<Vec<Dialog>> {
    let sql = format!("SELECT {COLUMNS} FROM dialogs WHERE owner = ?1 AND top_message > 0");
    all(db, &sql, [owner], read)
}

/// Lists a channel among its new member's dialogs, all of it read.
pub(crate) fn open_channel(db: &Db, owner: i64, channel: Peer) -> Result<()> {
    let sql = "INSERT INTO dialogs (owner, peer, top_message, read_inbox)
               VALUES (?1, ?2, 1, COALESCE((SELECT MAX(id) FROM boxes WHERE owner = ?2), 0))
               ON CONFLICT DO UPDATE SET top_message = 1, read_inbox = excluded.read_inbox";
    run(db, sql, [owner, channel.code()])?;
    Ok(())
}

/// The owner's drafts, by peer.
pub(crate) fn drafted(db: &Db, owner: i64) -> Result<Vec<Dialog>> {
    let sql = format!("SELECT {COLUMNS} FROM dialogs WHERE owner = ?1 AND draft IS NOT NULL ORDER BY peer");
    all(db, &sql, [owner], read)
}

/// Messages from others that the owner has not read, over all dialogs.
pub(crate) fn unread_total(db: &Db, owner: i64) -> Result<i32> {
    let sql = "SELECT COALESCE(SUM(unread), 0) FROM dialogs WHERE owner = ?1";
    Ok(one(db, sql, [owner], |row| row.get(0))?.unwrap_or(0))
}

/// The owner read up to `max_id`: what is still unread; none if that was read before.
pub(crate) fn read_inbox(db: &Db, owner: i64, peer: Peer, max_id: i32) -> Result<Option<i32>> {
    let sql = "UPDATE dialogs SET read_inbox = ?3 WHERE owner = ?1 AND peer = ?2 AND read_inbox < ?3";
    if run(db, sql, params![owner, peer.code(), max_id])? == 0 {
        return Ok(None);
    }
    refresh(db, owner, peer)?;
    Ok(find(db, owner, peer)?.map(|dialog| dialog.unread))
}

/// Others read the owner's messages up to `max_id`: true if that is news.
pub(crate) fn read_outbox(db: &Db, owner: i64, peer: Peer, max_id: i32) -> Result<bool> {
    let sql = "UPDATE dialogs SET read_outbox = ?3 WHERE owner = ?1 AND peer = ?2 AND read_outbox < ?3";
    Ok(run(db, sql, params![owner, peer.code(), max_id])? == 1)
}

/// Counts again after messages went.
pub(crate) fn refresh(db: &Db, owner: i64, peer: Peer) -> Result<()> {
    if let Peer::Channel(_) = peer {
        return Ok(());
    }
    let sql = "UPDATE dialogs SET
        top_message = COALESCE((SELECT MAX(id) FROM boxes b WHERE b.owner = ?1 AND b.peer = ?2), 0),
        unread = (SELECT COUNT(*) FROM boxes b JOIN contents c ON c.id = b.content
                  WHERE b.owner = ?1 AND b.peer = ?2 AND b.id > read_inbox AND c.sender <> ?1)
        WHERE owner = ?1 AND peer = ?2";
    run(db, sql, [owner, peer.code()])?;
    Ok(())
}

/// Removes a dialog, pins and marks with it.
pub(crate) fn remove(db: &Db, owner: i64, peer: Peer) -> Result<()> {
    run(db, "DELETE FROM dialogs WHERE owner = ?1 AND peer = ?2", [owner, peer.code()])?;
    Ok(())
}

/// Pins a dialog above all others, or unpins it.
pub(crate) fn set_pinned(db: &Db, owner: i64, peer: Peer, pinned: bool) -> Result<()> {
    ensure(db, owner, peer)?;
    let sql = "UPDATE dialogs SET pinned = CASE WHEN ?3 THEN 1 + (SELECT MAX(pinned) FROM dialogs WHERE owner = ?1) ELSE 0 END
               WHERE owner = ?1 AND peer = ?2";
    run(db, sql, params![owner, peer.code(), pinned])?;
    Ok(())
}

/// Marks a dialog as unread by hand, or takes the mark away.
pub(crate) fn set_marked_unread(db: &Db, owner: i64, peer: Peer, unread: bool) -> Result<()> {
    ensure(db, owner, peer)?;
    run(
        db,
        "UPDATE dialogs SET marked_unread = ?3 WHERE owner = ?1 AND peer = ?2",
        params![owner, peer.code(), unread],
    )?;
    Ok(())
}

/// Keeps a draft (`DraftMessage`), or removes it: true if anything changed.
pub(crate) fn set_draft(db: &Db, owner: i64, peer: Peer, draft: Option<&[u8]>) -> Result<bool> {
    if draft.is_some() {
        ensure(db, owner, peer)?;
    }
    let sql = "UPDATE dialogs SET draft = ?3 WHERE owner = ?1 AND peer = ?2 AND draft IS NOT ?3";
    Ok(run(db, sql, params![owner, peer.code(), draft])? == 1)
}

/// Keeps the owner's notification settings (`PeerNotifySettings`) for this peer.
pub(crate) fn set_notify(db: &Db, owner: i64, peer: Peer, settings: &[u8]) -> Result<()> {
    ensure(db, owner, peer)?;
    run(db, "UPDATE dialogs SET notify = ?3 WHERE owner = ?1 AND peer = ?2", params![owner, peer.code(), settings])?;
    Ok(())
}

/// The date of the message with this id that the owner has with this peer.
pub(crate) fn date(db: &Db, owner: i64, peer: Peer, message: i32) -> Result<i32> {
    let sql = "SELECT c.date FROM boxes b JOIN contents c ON c.id = b.content WHERE b.owner = ?1 AND b.id = ?2";
    Ok(one(db, sql, params![peer.box_owner(owner), message], |row| row.get(0))?.unwrap_or(0))
}

fn ensure(db: &Db, owner: i64, peer: Peer) -> Result<()> {
    run(db, "INSERT OR IGNORE INTO dialogs (owner, peer, top_message) VALUES (?1, ?2, 0)", [owner, peer.code()])?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Dialog> {
    Ok(Dialog {
        peer: Peer::from_code(row.get(0)?),
        top_message: row.get(1)?,
        read_inbox: row.get(2)?,
        read_outbox: row.get(3)?,
        unread: row.get(4)?,
        marked_unread: row.get(5)?,
        pinned: row.get(6)?,
        draft: row.get(7)?,
        notify: row.get(8)?,
    })
}
