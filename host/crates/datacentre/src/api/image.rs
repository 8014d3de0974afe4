//! A file's kind, and the size of an image, read from its first bytes: JPEG, PNG, GIF and WebP.
//!
//! Invariant: however long the file is, no more than [`HEAD_BYTES`] of it are looked at.

use grammers_tl_types::enums;

/// How much of the beginning tells a file's kind.
pub(super) const KIND_BYTES: usize = 32;
/// How much of the beginning tells an image's size: a JPEG may have a lot of other data before its size.
pub(super) const HEAD_BYTES: usize = 1 << 20;

/// An image's form and size in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Image {
    pub(super) mime: &'static str,
    pub(super) width: i32,
    pub(super) height: i32,
}

/// What image a file is that begins like this, if it is one of those known here.
pub(super) fn image(head: &[u8]) -> Option<Image> {
    use enums::storage::FileType as T;
    let mime = match file_type(head) {
        T::FileJpeg => "image/jpeg",
        T::FilePng => "image/png",
        T::FileGif => "image/gif",
        T::FileWebp => "image/webp",
        _ => return None,
    };
    let size = imagesize::blob_size(head).ok()?;
    let (width, height) = (i32::try_from(size.width).ok()?, i32::try_from(size.height).ok()?);
    (width > 0 && height > 0).then_some(Image { mime, width, height })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_from_headers() {
        let jpeg =
            [b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc2\x00\x11\x08".as_slice(), &[0x02, 0x58, 0x03, 0x20, 3]].concat();
        let png = [b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".as_slice(), &[0, 0, 0x03, 0x20, 0, 0, 0x02, 0x58]].concat();
        let gif = b"GIF89a\x20\x03\x58\x02\0\0\0".to_vec();
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
            assert_eq!(image(&bytes), Some(Image { mime, width: 800, height: 600 }));
            for cut in 0..bytes.len() {
                image(&bytes[..cut]);
            }
        }
    }

    #[test]
    fn what_is_no_image_is_none() {
        let endless = [b"\xff\xd8".as_slice(), &b"\xff\xe0\x00\x02".repeat(HEAD_BYTES)].concat();
        for bytes in [b"".as_slice(), b"text", b"GIF89a\0\0\0\0\0\0\0", b"RIFF\0\0\0\0WEBPXXXX", &endless] {
            assert_eq!(image(bytes), None);
        }
    }
}
