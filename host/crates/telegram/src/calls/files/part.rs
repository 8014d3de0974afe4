//! A part's bytes in requests and answers, without a second copy of them.
//!
//! Invariant: what is written here is what the schema's own serialiser writes: <https://core.telegram.org/mtproto/serialize>.

use std::ops::Range;

use grammers_tl_types as tl;
use tl::{Cursor, Deserializable, Identifiable, Serializable, enums, types};

/// How `bytes` begin that are too long for one byte of length.
const LONG_MARK: u8 = 254;
/// The bytes of a long length, mark included.
const LENGTH_BYTES: usize = 4;

/// A request whose last field is `bytes`, with room for `len` of them; `request` has none. Gives the whole and the place
/// where they belong.
pub(super) fn request(request: &impl Serializable, len: usize) -> (Vec<u8>, Range<usize>) {
    let mut body = Vec::with_capacity(len + 64);
    request.serialize(&mut body);
    // No bytes at all are written as a length of 0, padded.
    body.truncate(body.len().saturating_sub(4));
    match u8::try_from(len).ok().filter(|len| *len < LONG_MARK) {
        Some(short) => body.push(short),
        None => {
            let [a, b, c, _] = u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes();
            body.extend([LONG_MARK, a, b, c]);
        }
    }
    let place = body.len()..body.len() + len;
    body.resize(place.end.next_multiple_of(4), 0);
    (body, place)
}

/// Where the bytes of the file are in an `upload.file`; none if it is anything else.
pub(super) fn payload(answer: &[u8]) -> Option<Range<usize>> {
    let mut cursor = Cursor::from_slice(answer);
    if u32::deserialize(&mut cursor).ok()? != types::upload::File::CONSTRUCTOR_ID {
        return None;
    }
    enums::storage::FileType::deserialize(&mut cursor).ok()?;
    i32::deserialize(&mut cursor).ok()?;
    let at = cursor.pos();
    let head = answer.get(at..)?;
    let (begin, len) = match *head.first()? {
        LONG_MARK => {
            let length = head.get(1..LENGTH_BYTES)?;
            (at + LENGTH_BYTES, length.iter().rev().fold(0, |len, byte| len << 8 | usize::from(*byte)))
        }
        short => (at + 1, usize::from(short)),
    };
    let end = begin.checked_add(len)?;
    (end <= answer.len()).then_some(begin..end)
}

#[cfg(test)]
mod tests {
    use tl::functions;

    use super::*;

    #[test]
    fn both_are_as_the_schema_says() {
        for len in [0, 1, 3, 253, 254, 255, 256, 4_096, 512 << 10] {
            let bytes: Vec<u8> = (0..len).map(|at| at as u8).collect();
            let save = |bytes| functions::upload::SaveFilePart { file_id: 7, file_part: 8, bytes };
            let (mut body, place) = request(&save(Vec::new()), len);
            body[place].copy_from_slice(&bytes);
            assert_eq!(body, save(bytes.clone()).to_bytes(), "{len}");

            let r#type = enums::storage::FileType::FileJpeg;
            let file: enums::upload::File = types::upload::File { r#type, mtime: 9, bytes: bytes.clone() }.into();
            let answer = file.to_bytes();
            assert_eq!(&answer[payload(&answer).unwrap()], bytes, "{len}");
            for end in 0..answer.len().min(16 + len) {
                assert!(payload(&answer[..end]).is_none_or(|place| place.end <= end), "cut at {end} of {len}");
            }
        }
        assert_eq!(payload(&[]), None);
    }
}
