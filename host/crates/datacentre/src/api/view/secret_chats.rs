//! Secret chats as TL objects: <https://core.telegram.org/type/EncryptedChat>.
//!
//! Invariant: only the two keys that a chat lives with are shown it as open; to the participant's others it is discarded.

use grammers_tl_types as tl;
use tl::{enums, types};

use crate::api::context::Context;
use crate::api::error::Answer;
use crate::model::secret_chats::{SecretChat, SecretFile, Side, State, changed_since};

/// The chat as a user sees it with this key.
pub(in crate::api) fn chat(context: &Context<'_>, chat: &SecretChat, user: i64, key: i64) -> enums::EncryptedChat {
    let SecretChat { id, date, creator: admin_id, participant: participant_id, .. } = *chat;
    let access_hash = context.model.secret_chat_access_hash(user, id);
    let g_a = || chat.g_a.clone();
    let open = |g_a_or_b| {
        let key_fingerprint = chat.fingerprint;
        types::EncryptedChat { id, access_hash, date, admin_id, participant_id, g_a_or_b, key_fingerprint }.into()
    };
    match (chat.state, chat.side(user, key)) {
        (State::Requested, Some(Side::Creator)) => {
            types::EncryptedChatWaiting { id, access_hash, date, admin_id, participant_id }.into()
        }
        (State::Requested, Some(Side::Participant)) => {
            let folder_id = None;
            types::EncryptedChatRequested { folder_id, id, access_hash, date, admin_id, participant_id, g_a: g_a() }
                .into()
        }
        (State::Accepted, Some(Side::Creator)) => open(chat.g_b.clone()),
        (State::Accepted, Some(Side::Participant)) => open(g_a()),
        (State::Discarded, _) | (_, None) => {
            types::EncryptedChatDiscarded { history_deleted: chat.history_deleted, id }.into()
        }
    }
}

/// An encrypted file.
pub(in crate::api) fn file(context: &Context<'_>, file: &SecretFile) -> enums::EncryptedFile {
    let SecretFile { id, access_hash, key_fingerprint, .. } = *file;
    types::EncryptedFile { id, access_hash, size: file.blob.size, dc_id: context.dc.id, key_fingerprint }.into()
}

/// What has happened since then in the caller's chats, as they are now.
pub(in crate::api) fn changed(context: &Context<'_>, since: i32) -> Answer<Vec<enums::Update>> {
    let (user, key) = (context.me, context.caller.auth_key_id);
    let mut updates = Vec::new();
    for changed in changed_since(context.db, user, key, since)? {
        if changed.changed >= since {
            let chat = chat(context, &changed, user, key);
            updates.push(types::UpdateEncryption { chat, date: changed.changed }.into());
        }
        let Some(side) = changed.side(user, key) else { continue };
        let (max_date, date) = changed.read_by_other(side);
        if changed.state == State::Accepted && date >= since {
            updates.push(types::UpdateEncryptedMessagesRead { chat_id: changed.id, max_date, date }.into());
        }
    }
    Ok(updates)
}
