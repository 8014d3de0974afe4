//! What the store keeps of a message beside what scripts see of it: where the server has its photo or file, so that it can
//! be loaded later, and the topic it lies in, so that answers stay there.
//!
//! Invariant: it is kept with the message it belongs to, in the same transaction.

use grammers_tl_types as tl;
use store::{Batch, MediaFile, MediaKind, StoreError, Thumbnail};
use tgl::MessageId;
use tl::enums;

use super::messages;

/// Keeps what there is beside the message that has just been put under this id.
pub(crate) fn keep(batch: &mut Batch<'_>, id: MessageId, message: &enums::Message) -> Result<(), StoreError> {
    if let Some((chat, topic)) = messages::topic(message) {
        let topic = batch.message_id(chat, topic)?;
        batch.put_topic(id, topic)?;
    }
    let enums::Message::Message(message) = message else { return Ok(()) };
    match message.media.as_ref().and_then(file) {
        Some(file) => batch.put_media(id, &file),
        None => Ok(()),
    }
}

fn file(media: &enums::MessageMedia) -> Option<MediaFile> {
    match media {
        enums::MessageMedia::Photo(media) => photo(media.photo.as_ref()?),
        enums::MessageMedia::Document(media) => document(media.document.as_ref()?),
        _ => None,
    }
}

fn photo(photo: &enums::Photo) -> Option<MediaFile> {
    let enums::Photo::Photo(photo) = photo else { return None };
    let thumbnail = largest(&photo.sizes);
    Some(MediaFile {
        kind: MediaKind::Photo,
        id: photo.id,
        access_hash: photo.access_hash,
        reference: photo.file_reference.clone(),
        dc_id: photo.dc_id,
        bytes: thumbnail.as_ref().map_or(0, |size| size.bytes),
        mime: "image/jpeg".to_owned(),
        name: String::new(),
        thumbnail,
    })
}

fn document(document: &enums::Document) -> Option<MediaFile> {
    let enums::Document::Document(document) = document else { return None };
    let name = document.attributes.iter().find_map(|attribute| match attribute {
        enums::DocumentAttribute::Filename(named) => Some(named.file_name.clone()),
        _ => None,
    });
    Some(MediaFile {
        kind: MediaKind::Document,
        id: document.id,
        access_hash: document.access_hash,
        reference: document.file_reference.clone(),
        dc_id: document.dc_id,
        bytes: u64::try_from(document.size).ok()?,
        mime: document.mime_type.clone(),
        name: name.unwrap_or_default(),
        thumbnail: document.thumbs.as_deref().and_then(largest),
    })
}

/// The largest picture that can be loaded: <https://core.telegram.org/type/PhotoSize>.
fn largest(sizes: &[enums::PhotoSize]) -> Option<Thumbnail> {
    let all = sizes.iter().filter_map(|size| {
        let (size, width, height, bytes) = match size {
            enums::PhotoSize::Size(size) => (&size.r#type, size.w, size.h, size.size),
            enums::PhotoSize::Progressive(size) => (&size.r#type, size.w, size.h, *size.sizes.iter().max()?),
            _ => return None,
        };
        let bytes = u64::try_from(bytes).ok()?;
        Some((i64::from(width) * i64::from(height), Thumbnail { size: size.clone(), bytes }))
    });
    all.max_by_key(|(area, _)| *area).map(|(_, size)| size)
}
