//! Files of secret chats: <https://core.telegram.org/api/end-to-end#sending-encrypted-files>.
//!
//! Invariant: a file is kept as long as a chat lives in which it was sent.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use super::open;
use crate::api::context::Context;
use crate::api::error::{Answer, bad_request};
use crate::api::{named, upload, view};
use crate::model::files::{self, File};
use crate::model::secret_chats::{self as stored, SecretFile};

/// messages.uploadEncryptedFile: <https://core.telegram.org/method/messages.uploadEncryptedFile>.
pub(in crate::api) fn upload_encrypted_file(
    context: &mut Context<'_>,
    call: functions::messages::UploadEncryptedFile,
) -> Answer<enums::EncryptedFile> {
    let (chat, ..) = open(context, &call.peer)?;
    let file = sent(context, chat.id, &call.file)?;
    Ok(view::secret_chats::file(context, &file))
}

/// The file that is sent in this chat, made of what was uploaded if it is new.
pub(super) fn sent(context: &Context<'_>, chat: i32, input: &enums::InputEncryptedFile) -> Answer<SecretFile> {
    use enums::InputEncryptedFile as I;
    let file = match input {
        // The name is as Telegram has it.
        I::Empty => return Err(bad_request("FILE_EMTPY")),
        I::File(known) => named::files::encrypted(context, known.id, known.access_hash)?
            .ok_or_else(|| bad_request("FILE_ID_INVALID"))?,
        I::Uploaded(small) => {
            let types::InputEncryptedFileUploaded { id, parts, md5_checksum, key_fingerprint } = small.clone();
            let uploaded = types::InputFile { id, parts, name: String::new(), md5_checksum }.into();
            made(context, &uploaded, key_fingerprint)?
        }
        I::BigUploaded(big) => {
            let types::InputEncryptedFileBigUploaded { id, parts, key_fingerprint } = big.clone();
            made(context, &types::InputFileBig { id, parts, name: String::new() }.into(), key_fingerprint)?
        }
    };
    stored::set_file_sent(context.db, chat, file.id)?;
    Ok(file)
}

fn made(context: &Context<'_>, uploaded: &enums::InputFile, key_fingerprint: i32) -> Answer<SecretFile> {
    let blob = upload::taken(context, uploaded)?;
    let file = File::new(false, blob, context.now, String::new());
    let id = files::insert(context.db, &file)?;
    stored::insert_file(context.db, id, key_fingerprint)?;
    Ok(SecretFile { id, access_hash: file.access_hash, blob, date: file.date, key_fingerprint })
}
