//! What a file is, as far as its name and its first bytes tell.
//!
//! Invariant: reading further than [`HEAD_BYTES`] into a file is the upload's business.

use files::OpenFile;
use grammers_tl_types as tl;
use tgl::FileKind;
use tl::{enums, types};

use super::upload::Upload;
use crate::fault::Fault;

/// How much of a file is looked at.
const HEAD_BYTES: u64 = 64 << 10;

/// What Telegram takes as a photo: <https://core.telegram.org/api/files#uploading-files>.
const PHOTO_BYTES_MAX: u64 = 10 << 20;
const PHOTO_SIDES_MAX: usize = 10_000;
const PHOTO_RATIO_MAX: usize = 20;

/// What is said of a file whose type nobody knows.
const UNKNOWN_MIME: &str = "application/octet-stream";

/// A file, as it will be shown.
#[derive(Debug, PartialEq)]
pub(super) struct Kind {
    shown: FileKind,
    mime: String,
    width: i32,
    height: i32,
}

/// Finds out what the file is. Blocks.
pub(super) fn kind(file: &OpenFile, wanted: FileKind) -> Result<Kind, Fault> {
    let mut head = vec![0; file.len().min(HEAD_BYTES) as usize];
    // A file that cannot be read is the upload's to tell.
    let _ = file.read_at(&mut head, 0);
    let picture = Picture::of(&head);
    let mime = match &picture {
        Some(picture) => picture.mime.to_owned(),
        None => mime_guess::from_path(file.name()).first_raw().unwrap_or(UNKNOWN_MIME).to_owned(),
    };
    let shown = match wanted {
        FileKind::Detect => detect(&mime, picture.as_ref(), file.len()),
        FileKind::Photo if file.len() > PHOTO_BYTES_MAX => {
            return Err(Fault::invalid(format!("{} is larger than 10 MB: send it as a document", file.name())));
        }
        wanted => wanted,
    };
    let side = |side: Option<usize>| side.and_then(|side| i32::try_from(side).ok()).unwrap_or_default();
    let (width, height) = (side(picture.as_ref().map(|p| p.width)), side(picture.as_ref().map(|p| p.height)));
    Ok(Kind { shown, mime, width, height })
}

fn detect(mime: &str, picture: Option<&Picture>, bytes: u64) -> FileKind {
    match mime.split('/').next() {
        Some("image") if bytes <= PHOTO_BYTES_MAX && picture.is_some_and(Picture::is_photo) => FileKind::Photo,
        Some("video") => FileKind::Video,
        Some("audio") => FileKind::Audio,
        _ => FileKind::Document,
    }
}

/// What a picture's first bytes tell.
struct Picture {
    mime: &'static str,
    width: usize,
    height: usize,
}

impl Picture {
    fn of(head: &[u8]) -> Option<Self> {
        let mime = match imagesize::image_type(head).ok()? {
            imagesize::ImageType::Jpeg => "image/jpeg",
            imagesize::ImageType::Png => "image/png",
            imagesize::ImageType::Gif => "image/gif",
            imagesize::ImageType::Webp => "image/webp",
            imagesize::ImageType::Bmp => "image/bmp",
            _ => return None,
        };
        let size = imagesize::blob_size(head).unwrap_or(imagesize::ImageSize { width: 0, height: 0 });
        Some(Self { mime, width: size.width, height: size.height })
    }

    fn is_photo(&self) -> bool {
        let (long, short) = (self.width.max(self.height), self.width.min(self.height));
        let is_format = matches!(self.mime, "image/jpeg" | "image/png");
        is_format && short > 0 && long + short <= PHOTO_SIDES_MAX && long <= short * PHOTO_RATIO_MAX
    }
}

impl Kind {
    /// What is said of it when it is sent: <https://core.telegram.org/type/InputMedia>.
    pub(super) fn media(&self, upload: &Upload, name: &str) -> enums::InputMedia {
        let file = upload.input_file(&self.name(name));
        if self.shown == FileKind::Photo {
            return tl_blank::input_media_uploaded_photo(file).into();
        }
        types::InputMediaUploadedDocument {
            force_file: self.shown == FileKind::Document,
            ..tl_blank::input_media_uploaded_document(file, self.mime.clone(), self.attributes(name))
        }
        .into()
    }

    /// Photos have to be called as one.
    fn name(&self, name: &str) -> String {
        let extension = match self.mime.as_str() {
            "image/png" => "png",
            "image/jpeg" => "jpg",
            _ => return name.to_owned(),
        };
        let has_one = mime_guess::from_path(name).first_raw() == Some(self.mime.as_str());
        if self.shown != FileKind::Photo || has_one { name.to_owned() } else { format!("{name}.{extension}") }
    }

    fn attributes(&self, name: &str) -> Vec<enums::DocumentAttribute> {
        let mut attributes = vec![types::DocumentAttributeFilename { file_name: name.to_owned() }.into()];
        let (w, h) = (self.width, self.height);
        match self.shown {
            FileKind::Video => attributes.push(
                types::DocumentAttributeVideo {
                    supports_streaming: true,
                    ..tl_blank::document_attribute_video(0.0, w, h)
                }
                .into(),
            ),
            FileKind::Audio => attributes.push(tl_blank::document_attribute_audio(0).into()),
            _ if w > 0 && h > 0 => attributes.push(types::DocumentAttributeImageSize { w, h }.into()),
            _ => {}
        }
        attributes
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// The beginning of a PNG file of this size.
    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        bytes.extend(width.to_be_bytes().into_iter().chain(height.to_be_bytes()));
        bytes.extend([8, 2, 0, 0, 0]);
        bytes
    }

    #[test]
    fn files_are_told_by_their_beginning_and_their_name() {
        let home = tempfile::tempdir().unwrap();
        let files = files::FileSpace::open(None, Some(home.path()), 1 << 30, &[]).unwrap();
        let gif = b"GIF89a\x10\0\x10\0".to_vec();
        for (name, head, len, expected, mime) in [
            ("a.png", png(640, 480), 100, FileKind::Photo, "image/png"),
            ("a.dat", png(640, 480), 100, FileKind::Photo, "image/png"),
            ("wide.png", png(2_000, 10), 100, FileKind::Document, "image/png"),
            ("vast.png", png(9_000, 9_000), 100, FileKind::Document, "image/png"),
            ("large.png", png(640, 480), PHOTO_BYTES_MAX + 1, FileKind::Document, "image/png"),
            ("a.gif", gif, 100, FileKind::Document, "image/gif"),
            ("false.jpg", b"no picture".to_vec(), 100, FileKind::Document, "image/jpeg"),
            ("a.mp4", vec![], 100, FileKind::Video, "video/mp4"),
            ("a.mp3", vec![], 100, FileKind::Audio, "audio/mpeg"),
            ("a.pdf", vec![], 100, FileKind::Document, "application/pdf"),
            ("a", vec![], 100, FileKind::Document, UNKNOWN_MIME),
            ("a.no-such-type", vec![], 100, FileKind::Document, UNKNOWN_MIME),
        ] {
            let path = home.path().join(name);
            fs::write(&path, head).unwrap();
            fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(len).unwrap();
            let found = kind(&files.open_file(name).unwrap(), FileKind::Detect).unwrap();
            assert_eq!((found.shown, found.mime.as_str()), (expected, mime), "{name}");
        }
        let large = files.open_file("large.png").unwrap();
        assert!(kind(&large, FileKind::Photo).is_err());
        assert_eq!(kind(&large, FileKind::Document).unwrap().width, 640);
    }
}
