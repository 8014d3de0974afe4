//! Sending media, one by one and in albums: <https://core.telegram.org/api/files#sending-files>.
//!
//! Invariant: a message with media is sent, counted and repeated as one with text is.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use super::send::{self, Prepared};
use crate::api::context::Context;
use crate::api::error::{Answer, Failure, bad_request};
use crate::api::media::{self, Kind};
use crate::api::post::{self, Posting, Sent};
use crate::api::{named, text, view};
use crate::model::messages::Content;
use crate::model::{dialogs, random};

/// The most messages of one album.
pub(in crate::api) const ALBUM_MAX: usize = 10;

/// messages.sendMedia: <https://core.telegram.org/method/messages.sendMedia>.
pub(in crate::api) fn send_media(
    context: &mut Context<'_>,
    call: functions::messages::SendMedia,
) -> Answer<enums::Updates> {
    if call.schedule_date.is_some() {
        return Err(bad_request("SCHEDULE_DATE_INVALID"));
    }
    let peer = named::peer(context, &call.peer)?;
    post::check_may_send(context, peer)?;
    post::take_random_id(context, call.random_id)?;
    let caption = text::caption(context, &call.message, call.entities)?;
    let media = media::of_input(context, &call.media)?;
    let mut content = Content {
        text: caption.text,
        entities: caption.entities,
        silent: call.silent,
        markup: send::markup(context, call.reply_markup)?,
        media: media.to_bytes(),
        files: media.files,
        ..Content::default()
    };
    if let Some(reply) = &call.reply_to {
        send::reply_to(context, peer, reply, &mut content)?;
    }
    let sent = post::post(context, Posting { mentioned: &caption.mentioned, ..Posting::of(peer, content) })?;
    if call.clear_draft {
        dialogs::set_draft(context.db, context.me, peer, None)?;
    }
    send::full_answer(context, &[sent], &[call.random_id])
}

/// messages.uploadMedia: <https://core.telegram.org/method/messages.uploadMedia>.
pub(in crate::api) fn upload_media(
    context: &mut Context<'_>,
    call: functions::messages::UploadMedia,
) -> Answer<enums::MessageMedia> {
    let peer = named::peer(context, &call.peer)?;
    post::check_may_send(context, peer)?;
    let mut media = media::of_input(context, &call.media)?.tl;
    view::files::refresh(&mut media);
    Ok(media)
}

/// messages.sendMultiMedia: <https://core.telegram.org/method/messages.sendMultiMedia>. Its files are uploaded before, by
/// messages.uploadMedia.
pub(in crate::api) fn send_multi_media(
    context: &mut Context<'_>,
    call: functions::messages::SendMultiMedia,
) -> Answer<enums::Updates> {
    if call.schedule_date.is_some() {
        return Err(bad_request("SCHEDULE_DATE_INVALID"));
    }
    if call.multi_media.is_empty() {
        return Err(bad_request("MEDIA_EMPTY"));
    }
    if call.multi_media.len() > ALBUM_MAX {
        return Err(bad_request("MULTI_MEDIA_TOO_LONG"));
    }
    let peer = named::peer(context, &call.peer)?;
    post::check_may_send(context, peer)?;
    let mut replied = Content::default();
    if let Some(reply) = &call.reply_to {
        send::reply_to(context, peer, reply, &mut replied)?;
    }
    let mut first = None;
    let mut random_ids = Vec::with_capacity(call.multi_media.len());
    let mut prepared = Vec::with_capacity(call.multi_media.len());
    for (n, enums::InputSingleMedia::Media(single)) in call.multi_media.into_iter().enumerate() {
        post::take_random_id(context, single.random_id)?;
        random_ids.push(single.random_id);
        let kind_before = first;
        let one = album_part(context, &single).map_err(|failure| numbered(failure, n))?;
        first.get_or_insert(one.1);
        if !one.1.goes_with(kind_before.unwrap_or(one.1)) {
            return Err(bad_request("MEDIA_GROUPED_INVALID"));
        }
        prepared.push(one.0);
    }
    // One alone is no album.
    let grouped = (prepared.len() > 1).then(|| i64::from_le_bytes(random()));
    let mut sent: Vec<Sent> = Vec::with_capacity(prepared.len());
    for Prepared { mut content, mentioned } in prepared {
        (content.reply_to, content.quote, content.topic) = (replied.reply_to, replied.quote.clone(), replied.topic);
        (content.grouped, content.silent) = (grouped, call.silent);
        sent.push(post::post(context, Posting { mentioned: &mentioned, ..Posting::of(peer, content) })?);
    }
    if call.clear_draft {
        dialogs::set_draft(context.db, context.me, peer, None)?;
    }
    send::full_answer(context, &sent, &random_ids)
}

/// One message of an album, and what it shows.
fn album_part(context: &Context<'_>, single: &types::InputSingleMedia) -> Answer<(Prepared, Kind)> {
    if !matches!(single.media, enums::InputMedia::Photo(_) | enums::InputMedia::Document(_)) {
        return Err(bad_request("MEDIA_INVALID"));
    }
    let media = media::of_input(context, &single.media)?;
    let kind = Kind::of(&media.tl).ok_or_else(|| bad_request("MEDIA_INVALID"))?;
    let caption = text::caption(context, &single.message, single.entities.clone())?;
    let content = Content {
        text: caption.text,
        entities: caption.entities,
        media: media.to_bytes(),
        files: media.files,
        ..Content::default()
    };
    Ok((Prepared { content, mentioned: caption.mentioned }, kind))
}

/// Says of which part of the album a file reference is wrong.
fn numbered(failure: Failure, n: usize) -> Failure {
    match failure {
        Failure::Rpc(error) => match error.name.strip_prefix("FILE_REFERENCE_") {
            Some(what) => bad_request(&format!("FILE_REFERENCE_{n}_{what}")),
            None => Failure::Rpc(error),
        },
        other => other,
    }
}
