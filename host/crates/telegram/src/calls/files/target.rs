//! What of a message is loaded, under which name it is saved, and what the server calls it.
//!
//! Invariant: nothing that the server or a sender made up comes into a file's name but letters and digits.

use grammers_tl_types as tl;
use store::{MediaFile, MediaKind};
use tgl::{Failure, FilePart};
use tl::{enums, types};

use super::endings;
use crate::fault::Fault;

/// The longest ending of a file's name that is taken over.
const EXTENSION_CHARS_MAX: usize = 10;

/// A file at the server and its name here.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Target {
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) location: enums::InputFileLocation,
}

impl Target {
    /// What this part of the message's media is. As with telegram-cli, a photo may be asked for as a document, and so on.
    pub(super) fn of(media: &MediaFile, part: FilePart) -> Result<Self, Fault> {
        let wants_thumbnail = matches!(part, FilePart::VideoThumbnail | FilePart::DocumentThumbnail);
        let thumbnail = media.thumbnail.as_ref();
        let (id, access_hash, file_reference) = (media.id, media.access_hash, media.reference.clone());
        let picture = |none: &str| thumbnail.ok_or_else(|| Fault::new(Failure::NotFound, none));
        let (name, bytes, location) = match media.kind {
            MediaKind::Photo if wants_thumbnail => {
                return Err(Fault::new(Failure::NotFound, "only videos and documents have a thumbnail"));
            }
            MediaKind::Photo => {
                let size = picture("the photo has no size that can be loaded")?;
                let thumb_size = size.size.clone();
                let location = types::InputPhotoFileLocation { id, access_hash, file_reference, thumb_size };
                (picture_name(id, &size.size), size.bytes, location.into())
            }
            MediaKind::Document if wants_thumbnail => {
                let size = picture("the document has no thumbnail")?;
                let thumb_size = size.size.clone();
                let location = types::InputDocumentFileLocation { id, access_hash, file_reference, thumb_size };
                (picture_name(id, &size.size), size.bytes, location.into())
            }
            MediaKind::Document => {
                let thumb_size = String::new();
                let location = types::InputDocumentFileLocation { id, access_hash, file_reference, thumb_size };
                (document_name(media), media.bytes, location.into())
            }
        };
        Ok(Self { name, bytes, location })
    }
}

fn picture_name(id: i64, size: &str) -> String {
    format!("download_{id}_{}.jpg", plain(size).unwrap_or_else(|| "x".to_owned()))
}

fn document_name(media: &MediaFile) -> String {
    let from_name = media.name.rsplit_once('.').and_then(|(_, extension)| plain(extension));
    match from_name.or_else(|| endings::ending_of(&media.mime).and_then(plain)) {
        Some(extension) => format!("download_{}.{extension}", media.id),
        None => format!("download_{}", media.id),
    }
}

/// A short word of letters and digits, in small letters; none if it is not.
fn plain(word: &str) -> Option<String> {
    let is_plain = (1..=EXTENSION_CHARS_MAX).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_alphanumeric());
    is_plain.then(|| word.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use store::Thumbnail;

    use super::*;

    fn media(kind: MediaKind, name: &str, mime: &str, thumbnail: Option<&str>) -> MediaFile {
        MediaFile {
            kind,
            id: 7,
            access_hash: 8,
            reference: vec![9],
            dc_id: 2,
            bytes: 100,
            mime: mime.to_owned(),
            name: name.to_owned(),
            thumbnail: thumbnail.map(|size| Thumbnail { size: size.to_owned(), bytes: 10 }),
        }
    }

    #[test]
    fn names_are_telegram_clis_and_say_nothing_of_the_senders() {
        use FilePart as Part;
        let cases = [
            (MediaKind::Document, "song.MP3", "audio/mpeg", None, Part::Audio, Ok(("download_7.mp3", 100))),
            (MediaKind::Document, "song.mp3", "audio/mpeg", None, Part::Photo, Ok(("download_7.mp3", 100))),
            (MediaKind::Document, "", "image/jpeg", None, Part::Document, Ok(("download_7.jpg", 100))),
            (MediaKind::Document, "", "video/mp4", None, Part::Video, Ok(("download_7.mp4", 100))),
            (MediaKind::Document, "", "video/x-matroska", None, Part::Video, Ok(("download_7.mkv", 100))),
            (MediaKind::Document, "", "audio/mpeg", None, Part::Audio, Ok(("download_7.mp3", 100))),
            (MediaKind::Document, "", "text/plain", None, Part::Document, Ok(("download_7.txt", 100))),
            (MediaKind::Document, "", "application/octet-stream", None, Part::Document, Ok(("download_7", 100))),
            (
                MediaKind::Document,
                "noending",
                "application/octet-stream",
                None,
                Part::Document,
                Ok(("download_7", 100)),
            ),
            (MediaKind::Document, "x.tar.gz", "", None, Part::Document, Ok(("download_7.gz", 100))),
            (MediaKind::Document, "../../etc/passwd", "", None, Part::Document, Ok(("download_7", 100))),
            (MediaKind::Document, "a.b/../../c", "a/b", None, Part::Document, Ok(("download_7", 100))),
            (MediaKind::Document, "a.e\0x", "no/such", None, Part::Document, Ok(("download_7", 100))),
            (MediaKind::Document, "a.mp4", "", Some("m"), Part::VideoThumbnail, Ok(("download_7_m.jpg", 10))),
            (MediaKind::Document, "a.mp4", "", Some("m"), Part::DocumentThumbnail, Ok(("download_7_m.jpg", 10))),
            (MediaKind::Document, "a.mp4", "", None, Part::VideoThumbnail, Err(Failure::NotFound)),
            (MediaKind::Photo, "", "image/jpeg", Some("y"), Part::Photo, Ok(("download_7_y.jpg", 10))),
            (MediaKind::Photo, "", "image/jpeg", Some("../y"), Part::Document, Ok(("download_7_x.jpg", 10))),
            (MediaKind::Photo, "", "image/jpeg", None, Part::Photo, Err(Failure::NotFound)),
            (MediaKind::Photo, "", "image/jpeg", Some("y"), Part::DocumentThumbnail, Err(Failure::NotFound)),
        ];
        for (kind, name, mime, thumbnail, part, expected) in cases {
            let target = Target::of(&media(kind, name, mime, thumbnail), part).map_err(|error| error.told().kind);
            let found = target.as_ref().map(|target| (target.name.as_str(), target.bytes)).map_err(|kind| *kind);
            assert_eq!(found, expected, "{name:?} {mime} {part:?}");
        }
    }
}
