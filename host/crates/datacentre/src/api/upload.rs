//! `upload.saveFilePart` and `upload.saveBigFilePart`: <https://core.telegram.org/api/files#uploading-files>.
//!
//! Invariant: a file's bytes go from the request to the disk, and a file is only taken when all its parts are there and
//! fit together.

use std::io::Read as _;

use grammers_tl_types as tl;
use tl::{enums, functions};

use super::context::Context;
use super::error::{Answer, Failure, bad_request, rpc};
use crate::model::disk::{Blob, PART_BYTES_MAX};
use crate::model::files;
use crate::model::uploads::{self, Upload};

/// The most parts of one file.
pub(super) const PARTS_MAX: i32 = 4_000;
/// The largest file that upload.saveFilePart is for.
const SMALL_FILE_BYTES_MAX: i64 = 10 << 20;
/// What the size of a part must be a multiple of.
const PART_UNIT_BYTES: usize = 1_024;
/// How long someone must wait who has uploaded too much that no message took.
const WAIT_S: i32 = 3_600;
/// How much of a file is looked at once while its checksum is made.
const CHECKED_BYTES: usize = 64 << 10;

/// upload.saveFilePart: <https://core.telegram.org/method/upload.saveFilePart>.
pub(super) fn save_file_part(context: &mut Context<'_>, call: functions::upload::SaveFilePart) -> Answer<bool> {
    let part = checked_part(call.file_part, &call.bytes)?;
    let upload = found_or_begun(context, call.file_id, false, call.bytes.len())?;
    store(context, call.file_id, &upload, part, &call.bytes)
}

/// upload.saveBigFilePart: <https://core.telegram.org/method/upload.saveBigFilePart>. While a stream's length is not known
/// its number of parts is -1.
pub(super) fn save_big_file_part(context: &mut Context<'_>, call: functions::upload::SaveBigFilePart) -> Answer<bool> {
    let total = match call.file_total_parts {
        -1 => None,
        total if (1..=PARTS_MAX).contains(&total) => Some(total),
        _ => return Err(bad_request("FILE_PARTS_INVALID")),
    };
    let part = checked_part(call.file_part, &call.bytes)?;
    if total.is_some_and(|total| call.file_part >= total) {
        return Err(bad_request("FILE_PART_INVALID"));
    }
    let mut upload = found_or_begun(context, call.file_id, true, call.bytes.len())?;
    if let (Some(before), Some(now)) = (upload.parts, total)
        && before != now
    {
        return Err(bad_request("FILE_PARTS_INVALID"));
    }
    upload.parts = upload.parts.or(total);
    let size = i64::try_from(call.bytes.len()).unwrap_or(i64::MAX);
    let last = upload.parts == Some(call.file_part + 1);
    if last {
        if upload.part_bytes.is_some_and(|part_bytes| size > part_bytes) {
            return Err(bad_request("FILE_PART_SIZE_INVALID"));
        }
    } else {
        if !divides(call.bytes.len()) {
            return Err(bad_request("FILE_PART_SIZE_INVALID"));
        }
        if *upload.part_bytes.get_or_insert(size) != size {
            return Err(bad_request("FILE_PART_SIZE_CHANGED"));
        }
    }
    store(context, call.file_id, &upload, part, &call.bytes)
}

/// The bytes of a file that the caller uploaded: <https://core.telegram.org/type/InputFile>. The same upload may be taken
/// again as long as it is kept.
pub(super) fn taken(context: &Context<'_>, file: &enums::InputFile) -> Answer<Blob> {
    let (id, parts, md5) = match file {
        enums::InputFile::File(file) => (file.id, file.parts, file.md5_checksum.as_str()),
        enums::InputFile::Big(file) => (file.id, file.parts, ""),
        enums::InputFile::StoryDocument(_) => return Err(bad_request("MEDIA_INVALID")),
    };
    if !(1..=PARTS_MAX).contains(&parts) {
        return Err(bad_request("FILE_PARTS_INVALID"));
    }
    let upload = uploads::find(context.db, context.me, id)?.ok_or_else(|| bad_request("FILE_PART_0_MISSING"))?;
    if upload.big != matches!(file, enums::InputFile::Big(_)) {
        return Err(bad_request("FILE_PARTS_INVALID"));
    }
    let blob = match uploads::finished(context.db, upload.blob)? {
        Some(blob)
            if blob.size.unsigned_abs().div_ceil(blob.part_bytes.unsigned_abs()) == u64::from(parts.unsigned_abs()) =>
        {
            blob
        }
        Some(_) => return Err(bad_request("FILE_PARTS_INVALID")),
        None => finished(context, &upload, parts)?,
    };
    if !upload.big && blob.size > SMALL_FILE_BYTES_MAX {
        return Err(bad_request("FILE_PARTS_INVALID"));
    }
    if !md5.is_empty() && !md5.eq_ignore_ascii_case(&checksum(context, &blob)?) {
        return Err(bad_request("MD5_CHECKSUM_INVALID"));
    }
    Ok(blob)
}

/// The name a client gave to a file.
pub(super) fn name(file: &enums::InputFile) -> &str {
    match file {
        enums::InputFile::File(file) => &file.name,
        enums::InputFile::Big(file) => &file.name,
        enums::InputFile::StoryDocument(_) => "",
    }
}

fn checked_part(part: i32, bytes: &[u8]) -> Answer<u32> {
    if bytes.is_empty() {
        return Err(bad_request("FILE_PART_EMPTY"));
    }
    if bytes.len() > PART_BYTES_MAX {
        return Err(bad_request("FILE_PART_TOO_BIG"));
    }
    let numbered = u32::try_from(part).ok().filter(|_| part < PARTS_MAX);
    numbered.ok_or_else(|| bad_request("FILE_PART_INVALID"))
}

/// Whether all parts of a file but the last may have this size.
fn divides(size: usize) -> bool {
    size > 0 && size.is_multiple_of(PART_UNIT_BYTES) && PART_BYTES_MAX.is_multiple_of(size)
}

/// The upload with this id, which is to get `size` bytes more.
fn found_or_begun(context: &mut Context<'_>, file_id: i64, big: bool, size: usize) -> Answer<Upload> {
    let size = uploads::disk_bytes(i64::try_from(size).unwrap_or(i64::MAX));
    let limits = context.model.limits;
    let mut upload = uploads::find(context.db, context.me, file_id)?;
    if upload.is_none() || check_room(context, size).is_err() {
        for blob in files::sweep(context.db, context.now, context.now - limits.upload_life_s)? {
            context.remove_blob(blob);
        }
        check_room(context, size).map_err(Failure::keeping_changes)?;
        upload = uploads::find(context.db, context.me, file_id)?;
    }
    match upload {
        Some(upload) if upload.big == big => Ok(upload),
        Some(_) => Err(bad_request("FILE_PARTS_INVALID")),
        None if uploads::count(context.db, context.me)? >= limits.uploads_per_user_max => {
            Err(flood_wait().keeping_changes())
        }
        None => Ok(uploads::insert(context.db, context.me, file_id, big, context.now)?),
    }
}

/// Refuses when this many bytes more are too much for the caller, for all users, or for the disk.
fn check_room(context: &Context<'_>, size: i64) -> Answer<()> {
    let (db, limits) = (context.db, &context.model.limits);
    if uploads::unfinished_bytes_of(db, context.me)? + size > limits.unfinished_bytes_per_user_max
        || uploads::unfinished_bytes(db)? + size > limits.unfinished_bytes_max
    {
        return Err(flood_wait());
    }
    let full = uploads::stored_bytes(db)? >= limits.stored_bytes_max;
    if full { Err(rpc(500, "STORAGE_CHECK_FAILED")) } else { Ok(()) }
}

fn flood_wait() -> Failure {
    rpc(420, &format!("FLOOD_WAIT_{WAIT_S}"))
}

fn store(context: &Context<'_>, file_id: i64, upload: &Upload, part: u32, bytes: &[u8]) -> Answer<bool> {
    // What a message has taken stays as it is.
    if uploads::finished(context.db, upload.blob)?.is_some() {
        return Err(bad_request("FILE_PART_INVALID"));
    }
    context.model.disk.write_part(upload.blob, part, bytes)?;
    uploads::set_part(context.db, context.me, file_id, upload, part, bytes.len(), context.now)?;
    Ok(true)
}

/// Puts the parts together, if they are all there and fit.
fn finished(context: &Context<'_>, upload: &Upload, parts: i32) -> Answer<Blob> {
    let found = uploads::parts(context.db, upload.blob)?;
    if let Some((missing, _)) = (0..parts)
        .zip(found.iter().map(Some).chain(std::iter::repeat(None)))
        .find(|(n, part)| part.is_none_or(|(number, _)| number != n))
    {
        return Err(bad_request(&format!("FILE_PART_{missing}_MISSING")));
    }
    if found.len() != usize::try_from(parts).unwrap_or(0) || upload.parts.is_some_and(|total| total != parts) {
        return Err(bad_request("FILE_PARTS_INVALID"));
    }
    let (first, last) = (found.first().map_or(0, |part| part.1), found.last().map_or(0, |part| part.1));
    let part_bytes = if parts == 1 { PART_BYTES_MAX as i64 } else { first };
    if parts > 1 && !usize::try_from(first).is_ok_and(divides) {
        return Err(bad_request("FILE_PART_SIZE_INVALID"));
    }
    let whole = &found[..found.len() - 1];
    if last > part_bytes || whole.iter().any(|(_, size)| *size != part_bytes) {
        return Err(bad_request("FILE_PART_LENGTH_INVALID"));
    }
    let size = found.iter().map(|(_, size)| size).sum();
    let blob = Blob { id: upload.blob, size, part_bytes };
    uploads::finish(context.db, &blob)?;
    Ok(blob)
}

/// A file's MD5, in hexadecimal digits.
fn checksum(context: &Context<'_>, blob: &Blob) -> Answer<String> {
    let mut reader = context.model.disk.reader(blob);
    let mut hash = md5::Context::new();
    let mut buffer = vec![0; CHECKED_BYTES];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(format!("{:x}", hash.finalize())),
            read => hash.consume(&buffer[..read]),
        }
    }
}
