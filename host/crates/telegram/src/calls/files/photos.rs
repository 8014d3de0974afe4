//! Photos of oneself and of groups.
//!
//! Invariant: both set a state, so doing it twice does no harm.

use grammers_tl_types as tl;
use tgl::{Outcome, PeerId};
use tl::{enums, functions, types};

use super::upload::{self, Upload};
use crate::calls::{Caller, chats};
use crate::fault::Fault;

/// photos.uploadProfilePhoto: <https://core.telegram.org/method/photos.uploadProfilePhoto>.
pub(crate) async fn set_profile_photo(caller: &Caller, path: &str) -> Result<Outcome, Fault> {
    let file = Some(bring(caller, path).await?);
    let request = functions::photos::UploadProfilePhoto { file, ..tl_blank::upload_profile_photo() };
    let enums::photos::Photo::Photo(set) = caller.invoke(&request).await?;
    caller.context.intake().learn_users(&set.users)?;
    Ok(Outcome::Done)
}

/// Brings a photo up and makes it a group's.
pub(crate) async fn set_chat_photo(caller: &Caller, chat: PeerId, path: &str) -> Result<Outcome, Fault> {
    // Before anything is brought anywhere.
    caller.context.group(chat)?;
    let file = Some(bring(caller, path).await?);
    let photo = types::InputChatUploadedPhoto { file, video: None, video_start_ts: None, video_emoji_markup: None };
    chats::set_photo(caller, chat, photo.into()).await
}

async fn bring(caller: &Caller, path: &str) -> Result<enums::InputFile, Fault> {
    let _slot = caller.context.transfers.slot(&caller.seat.script).await;
    let file = upload::open(&caller.seat.files, path).await?;
    let name = file.name().to_owned();
    Ok(Upload::whole(caller, file).await?.input_file(&name))
}
