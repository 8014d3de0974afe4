//! The photos and documents that clients name.
//!
//! Invariant: a file is reached only with its access hash and, unless it is encrypted, a reference that holds.

use grammers_tl_types as tl;
use tl::enums;

use crate::api::context::Context;
use crate::api::error::{Answer, bad_request};
use crate::api::references::check_reference;
use crate::model::files::{self as stored, File};
use crate::model::secret_chats::{self, SecretFile};

/// The photo (or document) with this id, if the access hash is right.
pub(in crate::api) fn by_hash(context: &Context<'_>, photo: bool, id: i64, access_hash: i64) -> Answer<Option<File>> {
    let found = stored::find(context.db, id)?;
    Ok(found.filter(|file| file.photo == photo && file.access_hash == access_hash))
}

/// A photo the caller names; `unknown` is the error when there is none.
pub(in crate::api) fn by_input_photo(context: &Context<'_>, input: &enums::InputPhoto, unknown: &str) -> Answer<File> {
    let enums::InputPhoto::Photo(named) = input else { return Err(bad_request(unknown)) };
    let file = by_hash(context, true, named.id, named.access_hash)?.ok_or_else(|| bad_request(unknown))?;
    check_reference(context, &file, &named.file_reference)?;
    Ok(file)
}

/// A document the caller names.
pub(in crate::api) fn by_input_document(
    context: &Context<'_>,
    input: &enums::InputDocument,
    unknown: &str,
) -> Answer<File> {
    let enums::InputDocument::Document(named) = input else { return Err(bad_request(unknown)) };
    let file = by_hash(context, false, named.id, named.access_hash)?.ok_or_else(|| bad_request(unknown))?;
    check_reference(context, &file, &named.file_reference)?;
    Ok(file)
}

/// The encrypted file with this id, if the access hash is right. It needs no reference: nothing shows it anew.
pub(in crate::api) fn encrypted(context: &Context<'_>, id: i64, access_hash: i64) -> Answer<Option<SecretFile>> {
    let found = secret_chats::file(context.db, id)?;
    Ok(found.filter(|file| file.access_hash == access_hash))
}
