//! Photos and documents as TL objects, and the file references that go with them:
//! <https://core.telegram.org/api/file_reference>.
//!
//! What is stored has the file's own secret where the client gets a reference; [`refresh`] puts a reference made with it
//! in its place whenever a message is shown, so that who fetches a message again gets one that holds.
//!
//! Invariant: a file's secret never leaves; a file is named only with its access hash and a reference that holds.

use std::time::{SystemTime, UNIX_EPOCH};

use grammers_tl_types as tl;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tl::{enums, types};

use super::context::Context;
use super::error::{Answer, bad_request};
use super::render::stored as parsed;
use crate::model::Peer;
use crate::model::disk::Blob;
use crate::model::files::{self as stored, File};

/// How long a reference holds.
const REFERENCE_LIFE_NS: i64 = 24 * 3600 * 1_000_000_000;
const MAC_BYTES: usize = 16;
/// The type of a document's thumbnail: <https://core.telegram.org/api/files#image-thumbnail-types>.
pub(super) const THUMB_TYPE: &str = "m";

/// The time now, as references have it.
pub(crate) fn now_ns() -> i64 {
    let age = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(age.as_nanos()).unwrap_or(i64::MAX)
}

/// A photo, as it is stored; [`refresh_photo`] makes it one to show.
pub(super) fn photo(context: &Context<'_>, file: &File) -> types::Photo {
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
pub(super) fn document(context: &Context<'_>, file: &File) -> types::Document {
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
        attributes: parsed(&file.attributes).unwrap_or_default(),
    }
}

/// The type of the one size a photo has: by the longer side.
pub(super) fn size_type(file: &File) -> &'static str {
    match file.width.max(file.height) {
        ..=100 => "s",
        101..=320 => "m",
        321..=800 => "x",
        801..=1280 => "y",
        _ => "w",
    }
}

/// Puts a reference in the place of the secret, in whatever file a message's media has.
pub(super) fn refresh(media: &mut enums::MessageMedia) {
    match media {
        enums::MessageMedia::Photo(media) => media.photo.iter_mut().for_each(refresh_photo),
        enums::MessageMedia::Document(media) => media.document.iter_mut().for_each(refresh_document),
        _ => {}
    }
}

/// The same, in a service message about a photo.
pub(super) fn refresh_action(action: &mut enums::MessageAction) {
    if let enums::MessageAction::ChatEditPhoto(action) = action {
        refresh_photo(&mut action.photo);
    }
}

/// The same, in a photo.
pub(super) fn refresh_photo(photo: &mut enums::Photo) {
    if let enums::Photo::Photo(photo) = photo {
        photo.file_reference = reference(photo.id, &photo.file_reference, now_ns());
    }
}

fn refresh_document(document: &mut enums::Document) {
    if let enums::Document::Document(document) = document {
        document.file_reference = reference(document.id, &document.file_reference, now_ns());
    }
}

/// Refuses a reference that does not hold for this file.
pub(super) fn check_reference(context: &Context<'_>, file: &File, given: &[u8]) -> Answer<()> {
    if given.is_empty() {
        return Err(bad_request("FILE_REFERENCE_EMPTY"));
    }
    let invalid = || bad_request("FILE_REFERENCE_INVALID");
    let issued = i64::from_le_bytes(*given.first_chunk::<8>().ok_or_else(invalid)?);
    if !bool::from(reference(file.id, &file.secret, issued).ct_eq(given)) {
        return Err(invalid());
    }
    let old = now_ns().saturating_sub(issued) > REFERENCE_LIFE_NS;
    if old || issued <= context.faults.references_expired_ns() {
        return Err(bad_request("FILE_REFERENCE_EXPIRED"));
    }
    Ok(())
}

/// The photo (or document) with this id, if the access hash is right.
pub(super) fn by_hash(context: &Context<'_>, photo: bool, id: i64, access_hash: i64) -> Answer<Option<File>> {
    let found = stored::find(context.db, id)?;
    Ok(found.filter(|file| file.photo == photo && file.access_hash == access_hash))
}

/// A photo the caller names; `unknown` is the error when there is none.
pub(super) fn by_input_photo(context: &Context<'_>, input: &enums::InputPhoto, unknown: &str) -> Answer<File> {
    let enums::InputPhoto::Photo(named) = input else { return Err(bad_request(unknown)) };
    let file = by_hash(context, true, named.id, named.access_hash)?.ok_or_else(|| bad_request(unknown))?;
    check_reference(context, &file, &named.file_reference)?;
    Ok(file)
}

/// A document the caller names.
pub(super) fn by_input_document(context: &Context<'_>, input: &enums::InputDocument, unknown: &str) -> Answer<File> {
    let enums::InputDocument::Document(named) = input else { return Err(bad_request(unknown)) };
    let file = by_hash(context, false, named.id, named.access_hash)?.ok_or_else(|| bad_request(unknown))?;
    check_reference(context, &file, &named.file_reference)?;
    Ok(file)
}

/// A photo to show.
pub(super) fn shown_photo(context: &Context<'_>, file: &File) -> enums::Photo {
    let mut photo = photo(context, file).into();
    refresh_photo(&mut photo);
    photo
}

/// A user's photo, as the user has it.
pub(super) fn user_photo(context: &Context<'_>, user: i64) -> Answer<Option<enums::UserProfilePhoto>> {
    let id = stored::profile_photo(context.db, Peer::User(user).code())?;
    let dc_id = context.dc.id;
    Ok(id.map(|photo_id| {
        types::UserProfilePhoto { has_video: false, personal: false, photo_id, stripped_thumb: None, dc_id }.into()
    }))
}

/// A group's or channel's photo, as the chat has it.
pub(super) fn chat_photo(context: &Context<'_>, peer: Peer) -> Answer<enums::ChatPhoto> {
    let id = stored::profile_photo(context.db, peer.code())?;
    let dc_id = context.dc.id;
    Ok(id.map_or(enums::ChatPhoto::Empty, |photo_id| {
        types::ChatPhoto { has_video: false, photo_id, stripped_thumb: None, dc_id }.into()
    }))
}

/// The photo of a peer, in full.
pub(super) fn full_photo(context: &Context<'_>, peer: Peer) -> Answer<Option<enums::Photo>> {
    let Some(id) = stored::profile_photo(context.db, peer.code())? else { return Ok(None) };
    Ok(stored::find(context.db, id)?.map(|file| shown_photo(context, &file)))
}

/// The same, where the schema wants one in any case.
pub(super) fn full_photo_or_empty(context: &Context<'_>, peer: Peer) -> Answer<enums::Photo> {
    Ok(full_photo(context, peer)?.unwrap_or_else(|| types::PhotoEmpty { id: 0 }.into()))
}

fn photo_size(r#type: &str, w: i32, h: i32, blob: &Blob) -> enums::PhotoSize {
    let size = i32::try_from(blob.size).unwrap_or(i32::MAX);
    types::PhotoSize { r#type: r#type.to_owned(), w, h, size }.into()
}

/// When it was issued, and what only who knows the secret can make of that.
fn reference(id: i64, secret: &[u8], issued: i64) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(secret);
    hash.update(id.to_le_bytes());
    hash.update(issued.to_le_bytes());
    [&issued.to_le_bytes()[..], &hash.finalize()[..MAC_BYTES]].concat()
}
