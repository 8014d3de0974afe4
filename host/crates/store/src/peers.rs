//! Peers as they were last seen, each under its print name.
//!
//! Invariant: no two peers of an account have the same print name at the same time.

use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension, Row};
use serde::{Deserialize, Serialize};
use tgl::{MessageId, Peer, PeerDetails, PeerId, PeerKind, Timestamp, User};

use crate::error::Fault;
use crate::near_peers::NearPeers;
use crate::{AccountStore, Batch, Inner, ScriptStore, StoreError};

/// What the account knows of a peer beyond what scripts see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PeerFacts {
    /// Names the photo; 0 without one.
    pub photo_id: i64,
    /// The user is in our contact list.
    pub is_contact: bool,
    /// The account was deleted, or the group deactivated.
    pub is_deleted: bool,
    /// The user is a bot.
    pub is_bot: bool,
    /// We have left the group or are shut out of it.
    pub is_left: bool,
    /// We administer the group.
    pub is_admin: bool,
    /// How many members the group has.
    pub members_count: i32,
    /// Grows with each change of a basic group's members.
    pub version: i32,
    /// We have read the conversation's messages up to this one.
    pub read_in_max: MessageId,
    /// The other side has read ours up to this one.
    pub read_out_max: MessageId,
    /// Only that little is known which comes along with messages: <https://core.telegram.org/api/min>.
    pub is_min: bool,
    /// The channel posts to its readers; a supergroup is written in by its members.
    pub is_broadcast: bool,
    /// The supergroup that the basic group has become, by its id.
    pub migrated_to: Option<i64>,
    /// When we came into the channel; 0 where we are not in it.
    pub joined: i32,
    /// A message by which the server knows who is meant, for a user of whom we have no access hash.
    pub met_in: Option<MessageId>,
}

/// A peer with everything that is kept of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerRecord {
    /// What scripts see.
    pub peer: Peer,
    /// What the server wants to see before it lets us write to the peer; basic groups have none.
    pub access_hash: Option<i64>,
    /// The rest.
    pub facts: PeerFacts,
}

impl AccountStore {
    /// The peer as it was last seen; none if it never was. Who was to be online until a moment that has passed is not.
    pub fn peer(&self, id: PeerId) -> Result<Option<Peer>, StoreError> {
        self.0.peer(id)
    }

    /// The peer and all that is known of it.
    pub fn peer_record(&self, id: PeerId) -> Result<Option<PeerRecord>, StoreError> {
        self.0.peer_record(id)
    }
}

impl ScriptStore {
    /// As [`AccountStore::peer`].
    pub fn peer(&self, id: PeerId) -> Result<Option<Peer>, StoreError> {
        self.0.peer(id)
    }
}

impl Inner {
    fn peer(&self, id: PeerId) -> Result<Option<Peer>, StoreError> {
        let mut found = self.peer_record(id)?.map(|record| record.peer);
        if let Some(Peer { details: PeerDetails::User(user), .. }) = &mut found {
            user.status.online &= user.status.when > unix_time();
        }
        Ok(found)
    }

    fn peer_record(&self, id: PeerId) -> Result<Option<PeerRecord>, StoreError> {
        near_or(&self.known.near_peers, id, || self.read(|db| find(db, id)))
    }
}

impl Batch<'_> {
    /// The peer as it was last seen.
    pub fn peer_record(&self, id: PeerId) -> Result<Option<PeerRecord>, StoreError> {
        match self.peers.get(&id) {
            Some(written) => Ok(Some(written.clone())),
            None => near_or(self.near_peers, id, || self.run(|db| find(db, id))),
        }
    }

    /// Keeps the peer and gives it back with its print name, which is the store's to choose: `record.peer.name` is
    /// not read.
    pub fn put_peer(&mut self, record: &PeerRecord) -> Result<Peer, StoreError> {
        let peer = self.run(|db| put(db, record))?;
        self.peers.insert(peer.id(), PeerRecord { peer: peer.clone(), ..record.clone() });
        Ok(peer)
    }
}

/// The peer, of those that were looked at of late, or else as it is read now.
fn near_or(
    near: &NearPeers,
    id: PeerId,
    read: impl FnOnce() -> Result<Option<PeerRecord>, StoreError>,
) -> Result<Option<PeerRecord>, StoreError> {
    let moment = match near.get(id) {
        Ok(record) => return Ok(Some(record)),
        Err(moment) => moment,
    };
    let found = read()?;
    found.iter().for_each(|record| near.keep(record, moment));
    Ok(found)
}

pub(crate) fn unix_time() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

pub(crate) fn kind_number(kind: PeerKind) -> i64 {
    match kind {
        PeerKind::User => 1,
        PeerKind::Chat => 2,
        PeerKind::SecretChat => 4,
        PeerKind::Channel => 5,
    }
}

pub(crate) fn find(db: &Connection, id: PeerId) -> Result<Option<PeerRecord>, Fault> {
    let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?));
    let found: Option<(String, i64, Option<i64>, String, String)> = db
        .prepare_cached(
            "SELECT name_base, name_number, access_hash, details, facts FROM peer WHERE kind = ?1 AND id = ?2",
        )?
        .query_row((kind_number(id.kind), id.id), row)
        .optional()?;
    let Some((base, number, access_hash, details, facts)) = found else { return Ok(None) };
    let peer = Peer { name: print_name(&base, number), details: serde_json::from_str(&details)? };
    Ok(Some(PeerRecord { peer, access_hash, facts: serde_json::from_str(&facts)? }))
}

fn put(db: &Connection, record: &PeerRecord) -> Result<Peer, Fault> {
    let id = record.peer.id();
    let base = print_name_base(&record.peer.details);
    let number = name_number(db, id, &base)?;
    db.prepare_cached(
        "INSERT INTO peer (kind, id, name_base, name_number, access_hash, details, facts)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (kind, id) DO UPDATE SET
         name_base = ?3, name_number = ?4, access_hash = ?5, details = ?6, facts = ?7",
    )?
    .execute((
        kind_number(id.kind),
        id.id,
        &base,
        number,
        record.access_hash,
        serde_json::to_string(&record.peer.details)?,
        serde_json::to_string(&record.facts)?,
    ))?;
    Ok(Peer { name: print_name(&base, number), details: record.peer.details.clone() })
}

/// Which of the peers with this base the peer is: the number it has, else one that none has.
fn name_number(db: &Connection, id: PeerId, base: &str) -> Result<i64, Fault> {
    let own: Option<i64> = db
        .prepare_cached("SELECT name_number FROM peer WHERE kind = ?1 AND id = ?2 AND name_base = ?3")?
        .query_row((kind_number(id.kind), id.id, base), |row| row.get(0))
        .optional()?;
    if let Some(number) = own {
        return Ok(number);
    }
    let highest: Option<i64> = db
        .prepare_cached("SELECT MAX(name_number) FROM peer WHERE name_base = ?1")?
        .query_row([base], |row| row.get(0))?;
    Ok(highest.map_or(0, |highest| highest + 1))
}

/// telegram-cli's print name: the second peer of a name is `Name#1`, the third `Name#2`.
fn print_name(base: &str, number: i64) -> String {
    match number {
        0 => base.to_owned(),
        number => format!("{base}#{number}"),
    }
}

/// `First_Last` or the title, with `_` for every blank and control character and `@` for `#`.
fn print_name_base(details: &PeerDetails) -> String {
    let plain = match details {
        PeerDetails::User(user) => user_name(user),
        PeerDetails::Chat(group) | PeerDetails::Channel(group) if group.title.is_empty() => {
            format!("chat_{}", group.id)
        }
        PeerDetails::Chat(group) | PeerDetails::Channel(group) => group.title.clone(),
        PeerDetails::SecretChat(chat) => format!("!_{}", user_name(&chat.user)),
    };
    plain
        .chars()
        .map(|c| {
            if c <= ' ' {
                '_'
            } else if c == '#' {
                '@'
            } else {
                c
            }
        })
        .collect()
}

fn user_name(user: &User) -> String {
    let names = [&user.first_name, &user.last_name];
    let given: Vec<&str> = names.iter().filter_map(|name| name.as_deref()).filter(|name| !name.is_empty()).collect();
    if given.is_empty() { format!("user_{}", user.id) } else { given.join("_") }
}
