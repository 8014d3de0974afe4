//! `upload.getFile` and `upload.getFileHashes`: <https://core.telegram.org/api/files#downloading-files>.
//!
//! Invariant: one answer holds at most [`CHUNK_BYTES_MAX`] of a file, and only of one that the caller can name.

use grammers_tl_types as tl;
use sha2::{Digest as _, Sha256};
use tl::{enums, functions, types};

use super::context::Context;
use super::error::{Answer, bad_request};
use super::view::files::THUMB_TYPE;
use super::{image, named, references, view};
use crate::model::disk::Blob;
use crate::model::files as stored;

/// The most bytes of one answer, which also may not cross a multiple of this.
const CHUNK_BYTES_MAX: u64 = 1 << 20;
/// What offset and limit must be multiples of, and with `precise`.
const UNIT_BYTES: u64 = 4 << 10;
const PRECISE_UNIT_BYTES: u64 = 1 << 10;
/// How much of a file one hash is of, and how many hashes one answer has.
const HASHED_BYTES: u64 = 128 << 10;
const HASHES_MAX: u64 = 8;

/// upload.getFile: <https://core.telegram.org/method/upload.getFile>.
pub(super) fn get_file(context: &mut Context<'_>, call: functions::upload::GetFile) -> Answer<enums::upload::File> {
    let (offset, limit) = range(call.offset, call.limit, call.precise)?;
    let (blob, mtime) = located(context, &call.location)?;
    let disk = &context.model.disk;
    let r#type = image::file_type(&disk.read(&blob, 0, image::KIND_BYTES)?);
    Ok(types::upload::File { r#type, mtime, bytes: disk.read(&blob, offset, limit)? }.into())
}

/// upload.getFileHashes: <https://core.telegram.org/method/upload.getFileHashes>.
pub(super) fn get_file_hashes(
    context: &mut Context<'_>,
    call: functions::upload::GetFileHashes,
) -> Answer<Vec<enums::FileHash>> {
    let offset = u64::try_from(call.offset).map_err(|_| bad_request("OFFSET_INVALID"))?;
    let (blob, _) = located(context, &call.location)?;
    let first = offset / HASHED_BYTES;
    let mut hashes = Vec::new();
    for n in first..first.saturating_add(HASHES_MAX) {
        let offset = n.saturating_mul(HASHED_BYTES);
        let bytes = context.model.disk.read(&blob, offset, usize::try_from(HASHED_BYTES).unwrap_or(usize::MAX))?;
        if bytes.is_empty() {
            break;
        }
        let (offset, limit) =
            (i64::try_from(offset).unwrap_or(i64::MAX), i32::try_from(bytes.len()).unwrap_or(i32::MAX));
        hashes.push(types::FileHash { offset, limit, hash: Sha256::digest(&bytes).to_vec() }.into());
    }
    Ok(hashes)
}

/// Which part of the file is asked for, if that may be asked.
fn range(offset: i64, limit: i32, precise: bool) -> Answer<(u64, usize)> {
    let unit = if precise { PRECISE_UNIT_BYTES } else { UNIT_BYTES };
    let offset = u64::try_from(offset).ok().filter(|offset| offset.is_multiple_of(unit));
    let offset = offset.ok_or_else(|| bad_request("OFFSET_INVALID"))?;
    let whole = |limit: &u64| (unit..=CHUNK_BYTES_MAX).contains(limit) && limit.is_multiple_of(unit);
    let divides = |limit: &u64| precise || CHUNK_BYTES_MAX.is_multiple_of(*limit);
    let within = |limit: &u64| offset / CHUNK_BYTES_MAX == (offset + limit - 1) / CHUNK_BYTES_MAX;
    let limit = u64::try_from(limit).ok().filter(|limit| whole(limit) && divides(limit) && within(limit));
    let limit = limit.and_then(|limit| usize::try_from(limit).ok());
    Ok((offset, limit.ok_or_else(|| bad_request("LIMIT_INVALID"))?))
}

/// The bytes that a location names, and since when they are: <https://core.telegram.org/type/InputFileLocation>.
fn located(context: &Context<'_>, location: &enums::InputFileLocation) -> Answer<(Blob, i32)> {
    use enums::InputFileLocation as L;
    let invalid = || bad_request("LOCATION_INVALID");
    match location {
        L::InputDocumentFileLocation(named) => {
            let file = named::files::by_hash(context, false, named.id, named.access_hash)?.ok_or_else(invalid)?;
            references::check_reference(context, &file, &named.file_reference)?;
            let blob = match named.thumb_size.as_str() {
                "" => file.blob,
                THUMB_TYPE => file.thumb.ok_or_else(invalid)?.blob,
                _ => return Err(invalid()),
            };
            Ok((blob, file.date))
        }
        L::InputPhotoFileLocation(named) => {
            let file = named::files::by_hash(context, true, named.id, named.access_hash)?.ok_or_else(invalid)?;
            references::check_reference(context, &file, &named.file_reference)?;
            if named.thumb_size == view::files::size_type(&file) { Ok((file.blob, file.date)) } else { Err(invalid()) }
        }
        L::InputPeerPhotoFileLocation(named) => {
            let peer = named::peer(context, &named.peer)?;
            if !stored::is_profile_photo(context.db, peer.code(), named.photo_id)? {
                return Err(invalid());
            }
            let file = stored::find(context.db, named.photo_id)?.ok_or_else(invalid)?;
            Ok((file.blob, file.date))
        }
        L::InputEncryptedFileLocation(named) => {
            let file = named::files::encrypted(context, named.id, named.access_hash)?.ok_or_else(invalid)?;
            Ok((file.blob, file.date))
        }
        _ => Err(invalid()),
    }
}
