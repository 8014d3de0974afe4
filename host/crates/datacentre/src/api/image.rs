//! The size of an image, and a file's kind, read from its first bytes: JPEG, PNG, GIF and WebP.
//!
//! Invariant: however long the file is, at most [`SEGMENTS_MAX`] small pieces of it are looked at.

use std::io;

use grammers_tl_types::enums;

/// How many segments of a JPEG may come before the one that says its size.
const SEGMENTS_MAX: usize = 512;
/// How much of the beginning is looked at.
pub(super) const HEAD_BYTES: usize = 32;

/// An image's form and size in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Image {
    pub(super) mime: &'static str,
    pub(super) width: i32,
    pub(super) height: i32,
}

/// What image a file is, if it is one of those known here. `read` gives bytes of the file from an offset on.
pub(super) fn image(mut read: impl FnMut(u64, usize) -> io::Result<Vec<u8>>) -> io::Result<Option<Image>> {
    let head = read(0, HEAD_BYTES)?;
    let sized = |mime, size: Option<(u32, u32)>| {
        let (width, height) = size?;
        let (width, height) = (i32::try_from(width).ok()?, i32::try_from(height).ok()?);
        (width > 0 && height > 0).then_some(Image { mime, width, height })
    };
    Ok(match () {
        () if head.starts_with(b"\xff\xd8\xff") => sized("image/jpeg", jpeg(&mut read)?),
        () if head.starts_with(b"\x89PNG\r\n\x1a\n") => sized("image/png", png(&head)),
        () if head.starts_with(b"GIF8") => sized("image/gif", gif(&head)),
        () if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") => sized("image/webp", webp(&head)),
        () => None,
    })
}

/// What kind of file begins like this: <https://core.telegram.org/type/storage.FileType>.
pub(super) fn file_type(head: &[u8]) -> enums::storage::FileType {
    use enums::storage::FileType as T;
    match () {
        () if head.starts_with(b"\xff\xd8\xff") => T::FileJpeg,
        () if head.starts_with(b"GIF8") => T::FileGif,
        () if head.starts_with(b"\x89PNG") => T::FilePng,
        () if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") => T::FileWebp,
        () if head.starts_with(b"%PDF") => T::FilePdf,
        () if head.starts_with(b"ID3") || head.starts_with(b"\xff\xfb") => T::FileMp3,
        () if head.get(4..12) == Some(b"ftypqt  ") => T::FileMov,
        () if head.get(4..8) == Some(b"ftyp") => T::FileMp4,
        () => T::FileUnknown,
    }
}

fn jpeg(read: &mut impl FnMut(u64, usize) -> io::Result<Vec<u8>>) -> io::Result<Option<(u32, u32)>> {
    let mut at = 2;
    for _ in 0..SEGMENTS_MAX {
        let segment = read(at, 9)?;
        let [0xff, marker, high, low, _, h1, h2, w1, w2] = segment[..] else { return Ok(None) };
        let frame = matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc);
        if frame {
            return Ok(Some((u16::from_be_bytes([w1, w2]).into(), u16::from_be_bytes([h1, h2]).into())));
        }
        // Markers may be preceded by any number of fill bytes.
        at += if marker == 0xff { 1 } else { 2 + u64::from(u16::from_be_bytes([high, low])) };
    }
    Ok(None)
}

fn png(head: &[u8]) -> Option<(u32, u32)> {
    let number = |at: usize| Some(u32::from_be_bytes(head.get(at..at + 4)?.try_into().ok()?));
    Some((number(16)?, number(20)?))
}

fn gif(head: &[u8]) -> Option<(u32, u32)> {
    let number = |at: usize| Some(u32::from(u16::from_le_bytes(head.get(at..at + 2)?.try_into().ok()?)));
    Some((number(6)?, number(8)?))
}

fn webp(head: &[u8]) -> Option<(u32, u32)> {
    let number = |at: usize| Some(u32::from_le_bytes(head.get(at..at + 4)?.try_into().ok()?));
    match head.get(12..16)? {
        b"VP8X" => Some(((number(24)? & 0xff_ffff) + 1, (number(27)? & 0xff_ffff) + 1)),
        b"VP8L" => {
            let bits = number(21)?;
            Some(((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1))
        }
        b"VP8 " => {
            let bits = number(26)?;
            Some((bits & 0x3fff, (bits >> 16) & 0x3fff))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> Option<Image> {
        image(|at, limit| Ok(bytes.iter().skip(usize::try_from(at).unwrap()).take(limit).copied().collect())).unwrap()
    }

    #[test]
    fn sizes_are_read_from_headers() {
        let jpeg =
            [b"\xff\xd8\xff\xe0\x00\x04ab\xff\xff\xc2\x00\x11\x08".as_slice(), &[0x02, 0x58, 0x03, 0x20, 3]].concat();
        let png = [b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".as_slice(), &[0, 0, 0x03, 0x20, 0, 0, 0x02, 0x58]].concat();
        let gif = b"GIF89a\x20\x03\x58\x02".to_vec();
        let vp8x = [b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0".as_slice(), &[0x1f, 3, 0, 0x57, 2, 0, 0]].concat();
        let vp8l = [b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f".as_slice(), &(799_u32 | 599 << 14).to_le_bytes()].concat();
        let vp8 = [b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a".as_slice(), &[0x20, 3, 0x58, 2]].concat();
        for (bytes, mime) in [
            (jpeg, "image/jpeg"),
            (png, "image/png"),
            (gif, "image/gif"),
            (vp8x, "image/webp"),
            (vp8l, "image/webp"),
            (vp8, "image/webp"),
        ] {
            assert_eq!(of(&bytes), Some(Image { mime, width: 800, height: 600 }));
            for cut in 0..bytes.len() {
                of(&bytes[..cut]);
            }
        }
    }

    #[test]
    fn what_is_no_image_is_none() {
        let endless = [b"\xff\xd8".as_slice(), &b"\xff\xe0\x00\x02".repeat(SEGMENTS_MAX + 1)].concat();
        for bytes in [b"".as_slice(), b"text", b"GIF89a\0\0\0\0", b"RIFF\0\0\0\0WEBPXXXX", &endless] {
            assert_eq!(of(bytes), None);
        }
    }
}
