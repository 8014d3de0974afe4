//! `photos.*`, and the photos of groups and channels.
//!
//! Invariant: who may see a user or chat learns of its new photo by an update, and can download it by the chat itself.

use grammers_tl_types as tl;
use tl::{Serializable, enums, functions, types};

use super::context::Context;
use super::error::{Answer, bad_request};
use super::post::{self, Posting, Sent};
use super::view::{self, Peers};
use super::{media, named};
use crate::model::files::{self as stored, File};
use crate::model::messages::Content;
use crate::model::{Peer, chats, users};

/// The shortest side of a photo of a user or chat.
const SIDE_MIN_PIXELS: i32 = 160;
/// The most photos of one answer, and of one request to delete.
const PHOTOS_MAX: i64 = 100;

/// photos.uploadProfilePhoto: <https://core.telegram.org/method/photos.uploadProfilePhoto>.
pub(super) fn upload_profile_photo(
    context: &mut Context<'_>,
    call: functions::photos::UploadProfilePhoto,
) -> Answer<enums::photos::Photo> {
    check_own(call.bot.as_ref(), call.fallback)?;
    let file = call.file.as_ref().ok_or_else(|| bad_request("PHOTO_FILE_MISSING"))?;
    let photo = uploaded(context, file)?;
    show(context, &photo)
}

/// photos.updateProfilePhoto: <https://core.telegram.org/method/photos.updateProfilePhoto>. An empty one takes the photo
/// shown now away.
pub(super) fn update_profile_photo(
    context: &mut Context<'_>,
    call: functions::photos::UpdateProfilePhoto,
) -> Answer<enums::photos::Photo> {
    check_own(call.bot.as_ref(), call.fallback)?;
    if call.id == enums::InputPhoto::Empty {
        if let Some(current) = stored::profile_photo(context.db, context.me)? {
            stored::remove_profile_photo(context.db, context.me, current)?;
            tell(context)?;
        }
        let photo = view::files::full_photo_or_empty(context, Peer::User(context.me))?;
        return answer(context, photo);
    }
    let photo = named::files::by_input_photo(context, &call.id, "PHOTO_ID_INVALID")?;
    check_size(&photo)?;
    show(context, &photo)
}

/// photos.deletePhotos: <https://core.telegram.org/method/photos.deletePhotos>: the ids of those that went.
pub(super) fn delete_photos(context: &mut Context<'_>, call: functions::photos::DeletePhotos) -> Answer<Vec<i64>> {
    let most = usize::try_from(PHOTOS_MAX).unwrap_or(usize::MAX);
    let mut deleted = Vec::new();
    for input in call.id.iter().take(most) {
        let enums::InputPhoto::Photo(named) = input else { continue };
        let known = named::files::by_hash(context, true, named.id, named.access_hash)?.is_some();
        if known && stored::remove_profile_photo(context.db, context.me, named.id)? {
            deleted.push(named.id);
        }
    }
    if !deleted.is_empty() {
        tell(context)?;
    }
    Ok(deleted)
}

/// photos.getUserPhotos: <https://core.telegram.org/method/photos.getUserPhotos>, the one shown first.
pub(super) fn get_user_photos(
    context: &mut Context<'_>,
    call: functions::photos::GetUserPhotos,
) -> Answer<enums::photos::Photos> {
    let user = named::user(context, &call.user_id)?;
    let below = if call.max_id > 0 { call.max_id } else { i64::MAX };
    let limit = if call.limit > 0 { i64::from(call.limit).min(PHOTOS_MAX) } else { PHOTOS_MAX };
    let offset = i64::from(call.offset).max(0);
    let (found, count) = stored::profile_photos(context.db, user.id, below, offset, limit)?;
    let photos: Vec<_> = found.iter().map(|file| view::files::shown_photo(context, file)).collect();
    let users = vec![view::user(context, context.me, &user)?];
    if i32::try_from(photos.len()).is_ok_and(|length| length >= count) {
        return Ok(types::photos::Photos { photos, users }.into());
    }
    Ok(types::photos::PhotosSlice { count, photos, users }.into())
}

/// messages.editChatPhoto: <https://core.telegram.org/method/messages.editChatPhoto>.
pub(super) fn edit_chat_photo(
    context: &mut Context<'_>,
    call: functions::messages::EditChatPhoto,
) -> Answer<enums::Updates> {
    let chat = named::own_chat(context, call.chat_id)?;
    let sent = change(context, Peer::Chat(chat.id), &call.photo)?;
    let people = Peers::of_messages(&[view::message(&sent.message)]);
    context.updates(context.me, vec![sent.update()], &people)
}

/// channels.editPhoto: <https://core.telegram.org/method/channels.editPhoto>.
pub(super) fn edit_channel_photo(
    context: &mut Context<'_>,
    call: functions::channels::EditPhoto,
) -> Answer<enums::Updates> {
    let access = named::channel(context, &call.channel)?;
    access.require_unless_free(|rights| rights.change_info, |banned| banned.change_info)?;
    let sent = change(context, access.channel.peer(), &call.photo)?;
    post::channels::answer(context, &access.channel, Some(&sent))
}

/// Gives a chat another photo, or none, and says so in it.
fn change(context: &mut Context<'_>, peer: Peer, input: &enums::InputChatPhoto) -> Answer<Sent> {
    let photo = match input {
        enums::InputChatPhoto::Empty => None,
        enums::InputChatPhoto::InputChatUploadedPhoto(photo) => {
            Some(uploaded(context, photo.file.as_ref().ok_or_else(|| bad_request("PHOTO_INVALID"))?)?)
        }
        enums::InputChatPhoto::Photo(photo) => Some(named::files::by_input_photo(context, &photo.id, "PHOTO_INVALID")?),
    };
    let before = stored::profile_photo(context.db, peer.code())?;
    if before == photo.as_ref().map(|photo| photo.id) {
        return Err(bad_request("CHAT_NOT_MODIFIED"));
    }
    if let Some(before) = before {
        stored::remove_profile_photo(context.db, peer.code(), before)?;
    }
    let action: enums::MessageAction = match &photo {
        None => enums::MessageAction::ChatDeletePhoto,
        Some(photo) => {
            check_size(photo)?;
            stored::add_profile_photo(context.db, peer.code(), photo.id)?;
            types::MessageActionChatEditPhoto { photo: view::files::photo(context, photo).into() }.into()
        }
    };
    if let Peer::Chat(id) = peer {
        chats::grow_version(context.db, id)?;
    }
    let files = photo.iter().map(|photo| photo.id).collect();
    post::post(context, Posting::of(peer, Content { action: Some(action.to_bytes()), files, ..Content::default() }))
}

/// A bot's photo is set by the bot, and a second one, for those who may not see the first, is not offered.
fn check_own(bot: Option<&enums::InputUser>, fallback: bool) -> Answer<()> {
    match (bot, fallback) {
        (Some(_), _) => Err(bad_request("BOT_INVALID")),
        (None, true) => Err(bad_request("PHOTO_INVALID")),
        (None, false) => Ok(()),
    }
}

fn uploaded(context: &Context<'_>, file: &enums::InputFile) -> Answer<File> {
    let photo = media::store_photo(context, file)?;
    check_size(&photo)?;
    Ok(photo)
}

fn check_size(photo: &File) -> Answer<()> {
    let small = photo.width.min(photo.height) < SIDE_MIN_PIXELS;
    if small { Err(bad_request("PHOTO_CROP_SIZE_SMALL")) } else { Ok(()) }
}

fn show(context: &mut Context<'_>, photo: &File) -> Answer<enums::photos::Photo> {
    stored::add_profile_photo(context.db, context.me, photo.id)?;
    tell(context)?;
    let photo = view::files::shown_photo(context, photo);
    answer(context, photo)
}

fn answer(context: &Context<'_>, photo: enums::Photo) -> Answer<enums::photos::Photo> {
    let users = vec![view::user_by_id(context, context.me, context.me)?];
    Ok(types::photos::Photo { photo, users }.into())
}

/// Tells the caller's other sessions and all who hear of the caller.
fn tell(context: &mut Context<'_>) -> Answer<()> {
    let me = context.me;
    for user in std::iter::once(me).chain(users::audience(context.db, me)?) {
        let update = types::UpdateUser { user_id: me }.into();
        context.push(user, vec![update], &Peers::default().with_user(me))?;
    }
    Ok(())
}
