//! Messages: the content once, and each owner's sight of it under the owner's own message id.
//!
//! Invariant: one id sequence per owner over all private chats and basic groups, never reused; a content lives as long
//! as anyone's box shows it.

use super::{Db, Peer, Result, Row, all, dialogs, files, log, one, params, run};

/// How long a random_id is remembered.
const RANDOM_ID_LIFE_S: i32 = 30 * 24 * 3600;

/// What a message says, the same for all who see it. TL objects are kept serialised.
#[derive(Clone, Debug, Default)]
pub(crate) struct Content {
    pub(crate) id: i64,
    pub(crate) sender: i64,
    pub(crate) date: i32,
    pub(crate) edit_date: Option<i32>,
    pub(crate) text: String,
    /// `Vector<MessageEntity>`
    pub(crate) entities: Option<Vec<u8>>,
    /// `MessageAction`: this is a service message.
    pub(crate) action: Option<Vec<u8>>,
    /// `MessageFwdHeader`
    pub(crate) forward: Option<Vec<u8>>,
    /// The content this replies to.
    pub(crate) reply_to: Option<i64>,
    /// `MessageReplyHeader` with the quoted part, without ids.
    pub(crate) quote: Option<Vec<u8>>,
    /// `ReplyMarkup`
    pub(crate) markup: Option<Vec<u8>>,
    pub(crate) silent: bool,
    /// A broadcast channel says it, not its sender.
    pub(crate) post: bool,
    /// A post's signature.
    pub(crate) author: Option<String>,
    /// How many saw and forwarded a post.
    pub(crate) views: i32,
    pub(crate) forwards: i32,
    /// `MessageMedia`
    pub(crate) media: Option<Vec<u8>>,
    /// The photos and documents that its media or action shows.
    pub(crate) files: Vec<i64>,
    /// The album it belongs to.
    pub(crate) grouped: Option<i64>,
    /// The message that began the topic it is in.
    pub(crate) topic: Option<i32>,
}

/// One owner's sight of a message. A channel's messages lie in its own box once; [`super::posts`] makes them a viewer's.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) owner: i64,
    pub(crate) id: i32,
    pub(crate) peer: Peer,
    pub(crate) mentioned: bool,
    /// The owner's id of the message this replies to, if the owner has it.
    pub(crate) reply_to: Option<i32>,
    pub(crate) content: Content,
}

impl Message {
    /// Sent by its owner, to someone else.
    pub(crate) fn outgoing(&self) -> bool {
        self.content.sender == self.owner && self.peer != Peer::User(self.owner)
    }
}

/// What `SELECT`s that end in [`read`] must name; boxes as b, contents as c.
pub(super) const COLUMNS: &str = "b.owner, b.id, b.peer, b.mentioned,
    (SELECT r.id FROM boxes r WHERE r.content = c.reply_to AND r.owner = b.owner),
    c.id, c.sender, c.date, c.edit_date, c.text, c.entities, c.action, c.forward, c.reply_to, c.quote, c.markup, c.silent,
    c.post, c.author, c.views, c.forwards, c.media, c.files, c.grouped, c.topic";

/// Remembers a sender's random_id: false if it was used already.
pub(crate) fn insert_random_id(db: &Db, sender: i64, random_id: i64, now: i32) -> Result<bool> {
    let sql = "INSERT OR IGNORE INTO random_ids (sender, random_id, date) VALUES (?1, ?2, ?3)";
    Ok(run(db, sql, params![sender, random_id, now])? == 1)
}

/// Notes what a sender's random_id has sent.
pub(crate) fn set_random_id_content(db: &Db, sender: i64, random_id: i64, content: i64) -> Result<()> {
    let sql = "UPDATE random_ids SET content = ?3 WHERE sender = ?1 AND random_id = ?2";
    run(db, sql, params![sender, random_id, content])?;
    Ok(())
}

/// The random_id by which this sender has sent a content.
pub(crate) fn random_id(db: &Db, sender: i64, content: i64) -> Result<Option<i64>> {
    let sql = "SELECT random_id FROM random_ids WHERE content = ?2 AND sender = ?1";
    one(db, sql, params![sender, content], |row| row.get(0))
}

/// Forgets random_ids so old that no client repeats them.
pub(crate) fn prune_random_ids(db: &Db, now: i32) -> Result<()> {
    run(db, "DELETE FROM random_ids WHERE date < ?1", [now - RANDOM_ID_LIFE_S])?;
    Ok(())
}

/// Stores a content: its id.
pub(crate) fn insert_content(db: &Db, content: &Content) -> Result<i64> {
    let sql = "INSERT INTO contents (sender, date, text, entities, action, forward, reply_to, quote, markup, silent, post, author,
               media, files, grouped, topic) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
    let c = content;
    let values = params![
        c.sender,
        c.date,
        c.text,
        c.entities,
        c.action,
        c.forward,
        c.reply_to,
        c.quote,
        c.markup,
        c.silent,
        c.post,
        c.author,
        c.media,
        files::ids_to_bytes(&c.files),
        c.grouped,
        c.topic
    ];
    run(db, sql, values)?;
    let id = db.last_insert_rowid();
    if !c.files.is_empty() {
        files::set_content_files(db, id, &c.files)?;
    }
    Ok(id)
}

/// Puts a content into the owner's box, dialog and log: the message and the new pts.
pub(crate) fn deliver(db: &Db, owner: i64, peer: Peer, content: &Content, mentioned: bool) -> Result<(Message, i32)> {
    let (id, pts) = log::append_message(db, owner)?;
    let sql = "INSERT INTO boxes (owner, id, peer, content, mentioned) VALUES (?1, ?2, ?3, ?4, ?5)";
    run(db, sql, params![owner, id, peer.code(), content.id, mentioned])?;
    dialogs::raise(db, owner, peer, id, content.sender != owner)?;
    let reply_to = match content.reply_to {
        Some(replied) => id_of_content(db, owner, replied)?,
        None => None,
    };
    Ok((Message { owner, id, peer, mentioned, reply_to, content: content.clone() }, pts))
}

/// The message with this id in the owner's box.
pub(crate) fn find(db: &Db, owner: i64, id: i32) -> Result<Option<Message>> {
    let sql =
        format!("SELECT {COLUMNS} FROM boxes b JOIN contents c ON c.id = b.content WHERE b.owner = ?1 AND b.id = ?2");
    one(db, &sql, params![owner, id], read)
}

/// Everyone's sight of a content.
pub(crate) fn sights(db: &Db, content: i64) -> Result<Vec<Message>> {
    let sql = format!("SELECT {COLUMNS} FROM boxes b JOIN contents c ON c.id = b.content WHERE b.content = ?1");
    all(db, &sql, [content], read)
}

/// Who sent a content.
pub(crate) fn sender(db: &Db, content: i64) -> Result<Option<i64>> {
    one(db, "SELECT sender FROM contents WHERE id = ?1", [content], |row| row.get(0))
}

/// The owner's id of a content.
pub(crate) fn id_of_content(db: &Db, owner: i64, content: i64) -> Result<Option<i32>> {
    one(db, "SELECT id FROM boxes WHERE content = ?1 AND owner = ?2", [content, owner], |row| row.get(0))
}

/// Changes a content's text and media.
pub(crate) fn edit(db: &Db, content: &Content) -> Result<()> {
    let sql = "UPDATE contents SET text = ?2, entities = ?3, markup = ?4, edit_date = ?5, media = ?6, files = ?7 WHERE id = ?1";
    let (c, files) = (content, files::ids_to_bytes(&content.files));
    run(db, sql, params![c.id, c.text, c.entities, c.markup, c.edit_date, c.media, files])?;
    files::set_content_files(db, c.id, &c.files)
}

/// Takes messages out of the owner's box, and contents out of the world when nobody sees them any more.
pub(crate) fn remove(db: &Db, owner: i64, ids: &[i32]) -> Result<()> {
    for id in ids {
        let sql = "DELETE FROM boxes WHERE owner = ?1 AND id = ?2 RETURNING content";
        let content: Option<i64> = one(db, sql, params![owner, id], |row| row.get(0))?;
        if let Some(content) = content {
            let sql = "DELETE FROM contents WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM boxes WHERE content = ?1)";
            run(db, sql, [content])?;
        }
    }
    Ok(())
}

pub(super) fn read(row: &Row<'_>) -> Result<Message> {
    Ok(Message {
        owner: row.get(0)?,
        id: row.get(1)?,
        peer: Peer::from_code(row.get(2)?),
        mentioned: row.get(3)?,
        reply_to: row.get(4)?,
        content: Content {
            id: row.get(5)?,
            sender: row.get(6)?,
            date: row.get(7)?,
            edit_date: row.get(8)?,
            text: row.get(9)?,
            entities: row.get(10)?,
            action: row.get(11)?,
            forward: row.get(12)?,
            reply_to: row.get(13)?,
            quote: row.get(14)?,
            markup: row.get(15)?,
            silent: row.get(16)?,
            post: row.get(17)?,
            author: row.get(18)?,
            views: row.get(19)?,
            forwards: row.get(20)?,
            media: row.get(21)?,
            files: files::ids_from_bytes(row.get(22)?),
            grouped: row.get(23)?,
            topic: row.get(24)?,
        },
    })
}
