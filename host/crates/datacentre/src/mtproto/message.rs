//! Taking messages apart: containers and gzip. <https://core.telegram.org/mtproto/service_messages#containers>
//!
//! Invariant: one packet is unpacked to at most [`UNPACKED_BYTES_MAX`], however it was packed.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::{GzDecoder, ZlibDecoder};
use flate2::write::GzEncoder;
use grammers_tl_types::{Cursor, Deserializable as _, Serializable as _};

/// What all compressed parts of one packet may unpack to, together.
pub(crate) const UNPACKED_BYTES_MAX: usize = 8 << 20;
/// Messages in one container: the documentation's limit for clients.
pub(crate) const CONTAINER_MESSAGES_MAX: usize = 1_020;
/// Compressed objects one in another.
const GZIP_NESTING_MAX: usize = 4;
/// Results longer than this are worth compressing.
const GZIP_BYTES_MIN: usize = 4_096;
/// Identifier, sequence number and length of a message in a container.
pub(crate) const CONTAINED_HEADER_BYTES: usize = 16;

pub(crate) const MSG_CONTAINER: u32 = 0x73f1_f8dc;
pub(crate) const GZIP_PACKED: u32 = 0x3072_cfa1;
pub(crate) const RPC_RESULT: u32 = 0xf35c_6d01;

/// One message of a client. Without `Debug`: codes and passwords pass through it.
pub(crate) struct Message {
    pub(crate) msg_id: i64,
    pub(crate) seq_no: i32,
    pub(crate) body: Vec<u8>,
}

/// What cannot be taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a container or compressed object is damaged or too large")]
pub(crate) struct Damaged;

/// What may still be unpacked of the packet at hand, in bytes.
#[derive(Debug)]
pub(crate) struct Budget(usize);

impl Budget {
    pub(crate) fn new() -> Self {
        Self(UNPACKED_BYTES_MAX)
    }
}

/// The constructor at the start of a body; 0, which is none, for a body too short to have one.
pub(crate) fn constructor(body: &[u8]) -> u32 {
    u32::from_bytes(body).unwrap_or_default()
}

/// Unpacks `gzip_packed`, if this is one: gzip as documented, or zlib as TDLib sends it.
pub(crate) fn unzip(mut body: Vec<u8>, budget: &mut Budget) -> Result<Vec<u8>, Damaged> {
    for _ in 0..GZIP_NESTING_MAX {
        if constructor(&body) != GZIP_PACKED {
            return Ok(body);
        }
        let packed = Vec::<u8>::from_bytes(&body[4..]).map_err(|_| Damaged)?;
        body = inflate(&packed, budget)?;
    }
    Err(Damaged)
}

/// The messages of a container, the constructor included in `body`. Containers do not contain containers.
pub(crate) fn contained(body: &[u8]) -> Result<Vec<Message>, Damaged> {
    let cursor = &mut Cursor::from_slice(body);
    let cut_short = |_| Damaged;
    u32::deserialize(cursor).map_err(cut_short)?;
    let count = u32::deserialize(cursor).map_err(cut_short)? as usize;
    if count > CONTAINER_MESSAGES_MAX {
        return Err(Damaged);
    }
    let messages = (0..count)
        .map(|_| {
            let msg_id = i64::deserialize(cursor).map_err(cut_short)?;
            let seq_no = i32::deserialize(cursor).map_err(cut_short)?;
            let length = u32::deserialize(cursor).map_err(cut_short)? as usize;
            if length > body.len() - cursor.pos() {
                return Err(Damaged);
            }
            let mut message = vec![0; length];
            cursor.read_exact(&mut message).map_err(cut_short)?;
            Ok(Message { msg_id, seq_no, body: message })
        })
        .collect::<Result<_, _>>()?;
    Ok(messages)
}

/// The body of an `rpc_result`, compressed when that makes it shorter.
pub(crate) fn rpc_result(req_msg_id: i64, result: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(12 + result.len());
    RPC_RESULT.serialize(&mut body);
    req_msg_id.serialize(&mut body);
    match deflate(result) {
        Some(packed) => {
            GZIP_PACKED.serialize(&mut body);
            packed.serialize(&mut body);
        }
        None => body.extend_from_slice(result),
    }
    body
}

fn deflate(result: &[u8]) -> Option<Vec<u8>> {
    if result.len() < GZIP_BYTES_MIN {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(result).ok()?;
    encoder.finish().ok().filter(|packed| packed.len() < result.len())
}

fn inflate(packed: &[u8], budget: &mut Budget) -> Result<Vec<u8>, Damaged> {
    let limit = u64::try_from(budget.0).unwrap_or(u64::MAX);
    let mut out = Vec::new();
    let read = if packed.starts_with(&[0x1f, 0x8b]) {
        GzDecoder::new(packed).take(limit + 1).read_to_end(&mut out)
    } else {
        ZlibDecoder::new(packed).take(limit + 1).read_to_end(&mut out)
    };
    read.map_err(|_| Damaged)?;
    budget.0 = budget.0.checked_sub(out.len()).ok_or(Damaged)?;
    Ok(out)
}
