//! A channel's messages: they lie once, in the channel's own box, and each viewer sees them through it.
//!
//! Invariant: what a viewer sees says nothing of another viewer: whether it is their own, whether it speaks to them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::channels::{self, Channel};
use super::history::{self, Page, Window};
use super::log;
use super::messages::{self, Content, Message};
use super::{CHANNEL_CODES, Db, Peer, Result, all, members, one, params, run, unix_time};

/// Puts a content into the channel's box and log: the message, as its sender sees it, and the channel's new pts.
pub(crate) fn insert(db: &Db, channel: &Channel, content: &Content, mentioned: &[i64]) -> Result<(Message, i32)> {
    let (id, pts) = log::append_message(db, channel.code())?;
    let sql = "INSERT INTO boxes (owner, id, peer, content) VALUES (?1, ?2, ?1, ?3)";
    run(db, sql, params![channel.code(), id, content.id])?;
    for user in mentioned {
        let sql = "INSERT OR IGNORE INTO channel_mentions (channel, message, user) VALUES (?1, ?2, ?3)";
        run(db, sql, params![channel.id, id, user])?;
    }
    channels::set_moved(db, channel.id, unix_time())?;
    let reply_to = match content.reply_to {
        Some(replied) => messages::id_of_content(db, channel.code(), replied)?,
        None => None,
    };
    let message = Message {
        owner: content.sender,
        id,
        peer: channel.peer(),
        mentioned: false,
        reply_to,
        content: content.clone(),
    };
    Ok((message, pts))
}

/// Logs anything else that happened to the channel's messages: its new pts.
pub(crate) fn log(db: &Db, channel: &Channel, pts_count: i32, entry: impl FnOnce(i32) -> log::Entry) -> Result<i32> {
    channels::set_moved(db, channel.id, unix_time())?;
    log::append(db, channel.code(), pts_count, entry)
}

/// The message with this id, if the viewer has not deleted it.
pub(crate) fn find(db: &Db, channel: i64, id: i32, viewer: i64) -> Result<Option<Message>> {
    if id <= available_min(db, channel, viewer)? {
        return Ok(None);
    }
    messages::find(db, Peer::Channel(channel).code(), id)?
        .map(|message| seen_by(db, channel, message, viewer))
        .transpose()
}

/// The id of the channel's newest message.
pub(crate) fn top(db: &Db, channel: i64) -> Result<i32> {
    let sql = "SELECT MAX(id) FROM boxes WHERE owner = ?1";
    Ok(one(db, sql, [Peer::Channel(channel).code()], |row| row.get(0))?.flatten().unwrap_or(0))
}

/// A page of the channel's messages, as the viewer sees them.
pub(crate) fn page(db: &Db, channel: i64, window: &Window, viewer: i64) -> Result<Page> {
    let peer = Peer::Channel(channel);
    let page = history::page(db, peer.code(), peer, &available(db, channel, window, viewer)?)?;
    page_seen_by(db, channel, page, viewer)
}

/// A page of those of the channel's messages that `wanted` takes, as the viewer sees them.
pub(crate) fn filtered(
    db: &Db,
    channel: i64,
    window: &Window,
    viewer: i64,
    wanted: impl FnMut(&Message) -> bool,
) -> Result<Page> {
    let peer = Peer::Channel(channel);
    let page = history::filtered(db, peer.code(), Some(peer), &available(db, channel, window, viewer)?, wanted)?;
    page_seen_by(db, channel, page, viewer)
}

/// The newest messages before this content that `wanted` takes, over all of the user's chats and channels, and how many
/// there are in all. Contents are numbered as they come, boxes' ids are not comparable.
pub(crate) fn everywhere(
    db: &Db,
    user: i64,
    before: i64,
    limit: usize,
    mut wanted: impl FnMut(&Message) -> bool,
) -> Result<(Vec<Message>, i32)> {
    let sql = format!(
        "SELECT {} FROM boxes b JOIN contents c ON c.id = b.content WHERE b.owner = ?1 OR b.owner IN
         (SELECT ?2 - channel FROM channel_members WHERE user = ?1 AND standing = 0) ORDER BY c.id DESC",
        messages::COLUMNS
    );
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query([user, CHANNEL_CODES])?;
    let (mut found, mut count, mut deleted) = (Vec::new(), 0, HashMap::new());
    while let Some(row) = rows.next()? {
        let message = messages::read(row)?;
        let deleted = match (message.peer, deleted.entry(message.peer)) {
            (Peer::Channel(id), Entry::Vacant(entry)) => *entry.insert(available_min(db, id, user)?),
            (_, entry) => *entry.or_insert(0),
        };
        if message.id <= deleted || !wanted(&message) {
            continue;
        }
        count += 1;
        if message.content.id < before && found.len() < limit {
            found.push(match message.peer {
                Peer::Channel(id) => seen_by(db, id, message, user)?,
                _ => message,
            });
        }
    }
    Ok((found, count))
}

/// The ids of the channel's messages up to `max_id`, oldest first; at most `limit`.
pub(crate) fn ids(db: &Db, channel: i64, max_id: i32, limit: i64) -> Result<Vec<i32>> {
    let sql = "SELECT id FROM boxes WHERE owner = ?1 AND id <= ?2 ORDER BY id LIMIT ?3";
    all(db, sql, params![Peer::Channel(channel).code(), max_id, limit], |row| row.get(0))
}

/// The ids of this sender's messages, oldest first; at most `limit`.
pub(crate) fn ids_of_sender(db: &Db, channel: i64, sender: i64, limit: i64) -> Result<Vec<i32>> {
    let sql = "SELECT b.id FROM boxes b JOIN contents c ON c.id = b.content
               WHERE b.owner = ?1 AND c.sender = ?2 AND c.action IS NULL ORDER BY b.id LIMIT ?3";
    all(db, sql, params![Peer::Channel(channel).code(), sender, limit], |row| row.get(0))
}

/// Takes messages out of the channel.
pub(crate) fn remove(db: &Db, channel: &Channel, ids: &[i32]) -> Result<()> {
    for id in ids {
        let sql = "DELETE FROM post_viewers WHERE content = (SELECT content FROM boxes WHERE owner = ?1 AND id = ?2)";
        run(db, sql, params![channel.code(), id])?;
        run(db, "DELETE FROM channel_mentions WHERE channel = ?1 AND message = ?2", params![channel.id, id])?;
    }
    messages::remove(db, channel.code(), ids)
}

/// The last message of each sender but the reader among those with ids in `above..=up_to`.
pub(crate) fn last_per_sender(db: &Db, channel: i64, reader: i64, above: i32, up_to: i32) -> Result<Vec<(i64, i32)>> {
    let sql = "SELECT c.sender, MAX(b.id) FROM boxes b JOIN contents c ON c.id = b.content
               WHERE b.owner = ?1 AND b.id > ?3 AND b.id <= ?4 AND c.sender <> ?2 GROUP BY c.sender";
    let values = params![Peer::Channel(channel).code(), reader, above, up_to];
    all(db, sql, values, |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Whom a message speaks to.
pub(crate) fn mentioned(db: &Db, channel: i64, id: i32) -> Result<Vec<i64>> {
    let sql = "SELECT user FROM channel_mentions WHERE channel = ?1 AND message = ?2";
    all(db, sql, params![channel, id], |row| row.get(0))
}

/// Counts a viewer of a post, once: how many there are.
pub(crate) fn view(db: &Db, content: i64, viewer: i64) -> Result<i32> {
    let new = run(db, "INSERT OR IGNORE INTO post_viewers (content, user) VALUES (?1, ?2)", [content, viewer])?;
    let sql = "UPDATE contents SET views = views + ?2 WHERE id = ?1 RETURNING views";
    let new = i64::try_from(new).unwrap_or(0);
    Ok(one(db, sql, [content, new], |row| row.get(0))?.unwrap_or(0))
}

/// Counts a post's being forwarded.
pub(crate) fn count_forward(db: &Db, content: i64) -> Result<()> {
    run(db, "UPDATE contents SET forwards = forwards + 1 WHERE id = ?1", [content])?;
    Ok(())
}

fn available(db: &Db, channel: i64, window: &Window, viewer: i64) -> Result<Window> {
    let min_id = window.min_id.max(available_min(db, channel, viewer)?);
    Ok(Window { min_id, ..*window })
}

fn available_min(db: &Db, channel: i64, viewer: i64) -> Result<i32> {
    Ok(members::find(db, channel, viewer)?.map_or(0, |member| member.available_min))
}

fn page_seen_by(db: &Db, channel: i64, page: Page, viewer: i64) -> Result<Page> {
    let messages =
        page.messages.into_iter().map(|message| seen_by(db, channel, message, viewer)).collect::<Result<_>>()?;
    Ok(Page { messages, ..page })
}

fn seen_by(db: &Db, channel: i64, message: Message, viewer: i64) -> Result<Message> {
    let sql = "SELECT 1 FROM channel_mentions WHERE channel = ?1 AND message = ?2 AND user = ?3";
    let mentioned = one(db, sql, params![channel, message.id, viewer], |_| Ok(()))?.is_some();
    Ok(Message { owner: viewer, mentioned, ..message })
}
