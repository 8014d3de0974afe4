//! Photos, documents and other media in messages, and how tests make them.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use super::world::Client;

mod finding;
mod messages;
mod photos;

/// The beginning of a PNG of this size: as much as anyone looks at here.
pub(super) fn png(width: u32, height: u32) -> Vec<u8> {
    [b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".as_slice(), &width.to_be_bytes(), &height.to_be_bytes()].concat()
}

pub(super) fn save_part(file_id: i64, file_part: i32, bytes: &[u8]) -> functions::upload::SaveFilePart {
    functions::upload::SaveFilePart { file_id, file_part, bytes: bytes.to_vec() }
}

pub(super) fn input_file(id: i64, parts: i32, name: &str) -> enums::InputFile {
    types::InputFile { id, parts, name: name.to_owned(), md5_checksum: String::new() }.into()
}

/// Uploads a file that fits into one part.
pub(super) fn upload(client: &Client<'_>, bytes: &[u8], name: &str) -> enums::InputFile {
    let id = i64::from_le_bytes(crate::model::random());
    client.ok(&save_part(id, 0, bytes));
    input_file(id, 1, name)
}

/// An uploaded photo as media.
pub(super) fn media(file: enums::InputFile) -> enums::InputMedia {
    tl_blank::input_media_uploaded_photo(file).into()
}

/// An uploaded document as media.
pub(super) fn uploaded_document(file: enums::InputFile, name: &str) -> enums::InputMedia {
    document_with(
        file,
        "text/plain",
        vec![types::DocumentAttributeFilename { file_name: name.to_owned() }.into()],
        None,
    )
}

fn document_with(
    file: enums::InputFile,
    mime: &str,
    attributes: Vec<enums::DocumentAttribute>,
    thumb: Option<enums::InputFile>,
) -> enums::InputMedia {
    types::InputMediaUploadedDocument {
        thumb,
        ..tl_blank::input_media_uploaded_document(file, mime.to_owned(), attributes)
    }
    .into()
}

pub(super) fn send_media(
    _: &Client<'_>,
    peer: enums::InputPeer,
    media: enums::InputMedia,
) -> functions::messages::SendMedia {
    tl_blank::send_media(peer, media, "caption".to_owned(), i64::from_le_bytes(crate::model::random()))
}

#[track_caller]
pub(super) fn document_of(message: &types::Message) -> types::Document {
    match &message.media {
        Some(enums::MessageMedia::Document(types::MessageMediaDocument {
            document: Some(enums::Document::Document(document)),
            ..
        })) => document.clone(),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub(super) fn photo_of(media: Option<&enums::MessageMedia>) -> types::Photo {
    match media {
        Some(enums::MessageMedia::Photo(types::MessageMediaPhoto {
            photo: Some(enums::Photo::Photo(photo)), ..
        })) => photo.clone(),
        other => panic!("{other:?}"),
    }
}

pub(super) fn location(document: &types::Document, thumb_size: &str) -> enums::InputFileLocation {
    let types::Document { id, access_hash, ref file_reference, .. } = *document;
    let (file_reference, thumb_size) = (file_reference.clone(), thumb_size.to_owned());
    types::InputDocumentFileLocation { id, access_hash, file_reference, thumb_size }.into()
}

fn photo_location(photo: &types::Photo) -> enums::InputFileLocation {
    let [enums::PhotoSize::Size(size)] = &photo.sizes[..] else { panic!("{photo:?}") };
    let types::Photo { id, access_hash, ref file_reference, .. } = *photo;
    let (file_reference, thumb_size) = (file_reference.clone(), size.r#type.clone());
    types::InputPhotoFileLocation { id, access_hash, file_reference, thumb_size }.into()
}

fn input_photo(photo: &types::Photo) -> enums::InputPhoto {
    let types::Photo { id, access_hash, ref file_reference, .. } = *photo;
    types::InputPhoto { id, access_hash, file_reference: file_reference.clone() }.into()
}

pub(super) fn download(client: &Client<'_>, location: &enums::InputFileLocation) -> Vec<u8> {
    let call = functions::upload::GetFile {
        precise: false,
        cdn_supported: false,
        location: location.clone(),
        offset: 0,
        limit: 1 << 20,
    };
    match client.ok(&call) {
        enums::upload::File::File(file) => file.bytes,
        other => panic!("{other:?}"),
    }
}

fn upload_media(client: &Client<'_>, media: enums::InputMedia) -> enums::MessageMedia {
    let peer = enums::InputPeer::PeerSelf;
    client.ok(&functions::messages::UploadMedia { business_connection_id: None, peer, media })
}

fn by_id(photo: &types::Photo) -> enums::InputMedia {
    let id = input_photo(photo);
    tl_blank::input_media_photo(id).into()
}

fn album(peer: enums::InputPeer, parts: Vec<enums::InputMedia>) -> functions::messages::SendMultiMedia {
    let single = |(n, media)| {
        let random_id = i64::from_le_bytes(crate::model::random());
        types::InputSingleMedia { media, random_id, message: format!("part {n}"), entities: None }.into()
    };
    tl_blank::send_multi_media(peer, parts.into_iter().enumerate().map(single).collect())
}
