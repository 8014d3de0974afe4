//! Photos and documents as TL objects, with references by which they can be fetched.
//!
//! What is stored has the file's own secret where the client gets a reference; [`refresh`] puts a reference made with it
//! in its place whenever a message is shown, so that who fetches a message again gets one that holds.
//!
//! Invariant: a file's secret never leaves.

use grammers_tl_types as tl;
use tl::{enums, types};

use crate::api::context::Context;
use crate::api::error::Answer;
use crate::api::references;
use crate::api::stored_tl::stored as stored_tl;
use crate::model::Peer;
use crate::model::disk::Blob;
use crate::model::files::{self as stored, File};

/// The type of a document's thumbnail: <https://core.telegram.org/api/files#image-thumbnail-types>.
pub(in crate::api) const THUMB_TYPE: &str = "m";

/// A photo, as it is stored; [`refresh_photo`] makes it one to show.
pub(in crate::api) fn photo(context: &Context<'_>, file: &File) -> types::Photo {
    let size = photo_size(size_type(file), file.width, file.height, &file.blob);
    types::Photo {
        has_stickers: false,
        id: file.id,
        access_hash: file.access_hash,
        file_reference: file.secret.clone(),
        date: file.date,
        sizes: vec![size],
        video_sizes: None,
        dc_id: context.dc.id,
    }
}

/// A document, as it is stored.
pub(in crate::api) fn document(context: &Context<'_>, file: &File) -> types::Document {
    let thumb = file.thumb.map(|thumb| photo_size(THUMB_TYPE, thumb.width, thumb.height, &thumb.blob));
    types::Document {
        id: file.id,
        access_hash: file.access_hash,
        file_reference: file.secret.clone(),
        date: file.date,
        mime_type: file.mime.clone(),
        size: file.blob.size,
        thumbs: thumb.map(|thumb| vec![thumb]),
        video_thumbs: None,
        dc_id: context.dc.id,
        attributes: stored_tl(&file.attributes).unwrap_or_default(),
    }
}

/// The type of the one size a photo has: by the longer side.
pub(in crate::api) fn size_type(file: &File) -> &'static str {
    match file.width.max(file.height) {
        ..=100 => "s",
        101..=320 => "m",
        321..=800 => "x",
        801..=1280 => "y",
        _ => "w",
    }
}

/// Puts a reference in the place of the secret, in whatever file a message's media has.
pub(in crate::api) fn refresh(media: &mut enums::MessageMedia) {
    match media {
        enums::MessageMedia::Photo(media) => media.photo.iter_mut().for_each(refresh_photo),
        enums::MessageMedia::Document(media) => media.document.iter_mut().for_each(refresh_document),
        _ => {}
    }
}

/// The same, in a service message about a photo.
pub(in crate::api) fn refresh_action(action: &mut enums::MessageAction) {
    if let enums::MessageAction::ChatEditPhoto(action) = action {
        refresh_photo(&mut action.photo);
    }
}

/// The same, in a photo.
pub(in crate::api) fn refresh_photo(photo: &mut enums::Photo) {
    if let enums::Photo::Photo(photo) = photo {
        photo.file_reference = references::issued_now(photo.id, &photo.file_reference);
    }
}

fn refresh_document(document: &mut enums::Document) {
    if let enums::Document::Document(document) = document {
        document.file_reference = references::issued_now(document.id, &document.file_reference);
    }
}

/// A photo to show.
pub(in crate::api) fn shown_photo(context: &Context<'_>, file: &File) -> enums::Photo {
    let mut photo = photo(context, file).into();
    refresh_photo(&mut photo);
    photo
}

/// A user's photo, as the user has it.
pub(in crate::api) fn user_photo(context: &Context<'_>, user: i64) -> Answer<Option<enums::UserProfilePhoto>> {
    let id = stored::profile_photo(context.db, Peer::User(user).code())?;
    let dc_id = context.dc.id;
    Ok(id.map(|photo_id| {
        types::UserProfilePhoto { has_video: false, personal: false, photo_id, stripped_thumb: None, dc_id }.into()
    }))
}

/// A group's or channel's photo, as the chat has it.
pub(in crate::api) fn chat_photo(context: &Context<'_>, peer: Peer) -> Answer<enums::ChatPhoto> {
    let id = stored::profile_photo(context.db, peer.code())?;
    let dc_id = context.dc.id;
    Ok(id.map_or(enums::ChatPhoto::Empty, |photo_id| {
        types::ChatPhoto { has_video: false, photo_id, stripped_thumb: None, dc_id }.into()
    }))
}

/// The photo of a peer, in full.
pub(in crate::api) fn full_photo(context: &Context<'_>, peer: Peer) -> Answer<Option<enums::Photo>> {
    let Some(id) = stored::profile_photo(context.db, peer.code())? else { return Ok(None) };
    Ok(stored::find(context.db, id)?.map(|file| shown_photo(context, &file)))
}

/// The same, where the schema wants one in any case.
pub(in crate::api) fn full_photo_or_empty(context: &Context<'_>, peer: Peer) -> Answer<enums::Photo> {
    Ok(full_photo(context, peer)?.unwrap_or_else(|| types::PhotoEmpty { id: 0 }.into()))
}

fn photo_size(r#type: &str, w: i32, h: i32, blob: &Blob) -> enums::PhotoSize {
    let size = i32::try_from(blob.size).unwrap_or(i32::MAX);
    types::PhotoSize { r#type: r#type.to_owned(), w, h, size }.into()
}
