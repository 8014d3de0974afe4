//! Bringing a file to the data centre in parts: <https://core.telegram.org/api/files#uploading-files>.
//!
//! Invariant: a part is read from the file when it is its turn, and again if it has to be sent again; a file that is not
//! what it was when the upload began is not sent.

use std::sync::Arc;

use files::{FileSpace, OpenFile};
use futures_util::{StreamExt, TryStreamExt};
use grammers_tl_types as tl;
use tgl::Failure;
use tl::{Identifiable, enums, functions, types};

use super::part;
use super::progress::Progress;
use super::{FILE_BYTES_MAX, PART_BYTES, PARTS_IN_FLIGHT_MAX, file_error};
use crate::calls::Caller;
use crate::calls::caller::{Body, MakeBody, Way, blocking};
use crate::fault::Fault;
use crate::random::random;

/// Files over 10 MiB go by upload.saveBigFilePart.
const SMALL_BYTES_MAX: u64 = 10 << 20;

/// A file on its way up.
pub(super) struct Upload {
    file: Arc<OpenFile>,
    id: i64,
    parts: u32,
    progress: Progress,
}

/// Opens a file of the script's, on a thread that may block.
pub(super) async fn open(files: &FileSpace, path: &str) -> Result<Arc<OpenFile>, Fault> {
    let at = (files.clone(), path.to_owned());
    blocking(at, |(files, path)| files.open_file(&path).map(Arc::new).map_err(file_error)).await
}

impl Upload {
    /// Brings the whole file up.
    pub(super) async fn whole(caller: &Caller, file: Arc<OpenFile>) -> Result<Self, Fault> {
        let bytes = check_size(file.len(), file.name())?;
        let parts = u32::try_from(bytes.div_ceil(PART_BYTES)).unwrap_or(u32::MAX);
        let progress = Progress::new(caller.seat.notes.clone(), &format!("sending {}", file.name()), bytes);
        let upload = Self { file, id: i64::from_le_bytes(random()), parts, progress };
        let parts = futures_util::stream::iter(0..parts).map(|part| upload.part(caller, part));
        parts.buffer_unordered(PARTS_IN_FLIGHT_MAX).try_collect::<()>().await?;
        if !blocking(upload.file.clone(), |file| Ok(file.is_unchanged())).await? {
            return Err(changed(upload.file.name()));
        }
        Ok(upload)
    }

    /// Brings one part up, for the first time or again.
    pub(super) async fn part(&self, caller: &Caller, number: u32) -> Result<(), Fault> {
        if number >= self.parts {
            return Err(Fault::invalid("the data centre asks for a part that the file does not have"));
        }
        let (file, id, total, is_big) = (self.file.clone(), self.id, self.parts, self.is_big());
        let method = match is_big {
            true => functions::upload::SaveBigFilePart::CONSTRUCTOR_ID,
            false => functions::upload::SaveFilePart::CONSTRUCTOR_ID,
        };
        let make: MakeBody = Arc::new(move || {
            let (file_part, bytes) = (number.cast_signed(), Vec::new());
            let (offset, len) = part_range(file.len(), number);
            let (mut body, place) = match is_big {
                true => {
                    let file_total_parts = total.cast_signed();
                    let save = functions::upload::SaveBigFilePart { file_id: id, file_part, file_total_parts, bytes };
                    part::request(&save, len)
                }
                false => part::request(&functions::upload::SaveFilePart { file_id: id, file_part, bytes }, len),
            };
            read(&file, &mut body[place], offset)?;
            Ok(body)
        });
        let (connection, answer) = caller.exchange(method, Way::Files { dc_id: None }, &Body::Made(make)).await?;
        if !caller.read::<functions::upload::SaveFilePart>(connection, &answer)? {
            return Err(Fault::new(Failure::Refused, "the data centre did not take a part of the file"));
        }
        self.progress.add(part_range(self.file.len(), number).1 as u64);
        Ok(())
    }

    /// How the data centre calls what it was brought, under this name.
    pub(super) fn input_file(&self, name: &str) -> enums::InputFile {
        let (id, parts, name) = (self.id, self.parts.cast_signed(), name.to_owned());
        match self.is_big() {
            true => types::InputFileBig { id, parts, name }.into(),
            // The checksum is not needed: every part's way is protected.
            false => types::InputFile { id, parts, name, md5_checksum: String::new() }.into(),
        }
    }

    fn is_big(&self) -> bool {
        self.file.len() > SMALL_BYTES_MAX
    }
}

/// Whether a file of this size can be sent.
pub(super) fn check_size(bytes: u64, name: &str) -> Result<u64, Fault> {
    match bytes {
        0 => Err(Fault::invalid(format!("{name} is empty, and Telegram takes no empty files"))),
        1..=FILE_BYTES_MAX => Ok(bytes),
        _ => {
            let why = format!("{name} has {bytes} bytes, and {FILE_BYTES_MAX} is the most that can be sent");
            Err(Fault::new(Failure::LimitReached, why))
        }
    }
}

fn read(file: &OpenFile, bytes: &mut [u8], offset: u64) -> Result<(), Fault> {
    match file.read_at(bytes, offset) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Err(changed(file.name())),
        Err(error) => Err(Fault::new(Failure::Unavailable, format!("{} cannot be read: {error}", file.name()))),
    }
}

fn part_range(bytes: u64, part: u32) -> (u64, usize) {
    let offset = u64::from(part) * PART_BYTES;
    (offset, bytes.saturating_sub(offset).min(PART_BYTES) as usize)
}

fn changed(name: &str) -> Fault {
    Fault::new(Failure::Unavailable, format!("{name} was changed while it was being sent; it was not sent"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_their_bounds() {
        for (bytes, expected) in [
            (0, Err(Failure::Invalid)),
            (1, Ok(1)),
            (FILE_BYTES_MAX, Ok(FILE_BYTES_MAX)),
            (FILE_BYTES_MAX + 1, Err(Failure::LimitReached)),
        ] {
            assert_eq!(check_size(bytes, "a").map_err(|error| error.told().kind), expected, "{bytes}");
        }
    }

    #[test]
    fn parts_are_whole_but_the_last() {
        let bytes = 2 * PART_BYTES + 7;
        let ranges: Vec<_> = (0..3).map(|part| part_range(bytes, part)).collect();
        assert_eq!(ranges, [(0, 512 << 10), (PART_BYTES, 512 << 10), (2 * PART_BYTES, 7)]);
    }
}
