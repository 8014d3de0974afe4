//! Supergroups with topics: <https://core.telegram.org/api/forum>.
//!
//! Invariant: a topic is named by the service message that began it; what is in none is in "General".

use grammers_tl_types as tl;
use tl::{Serializable, enums, functions, types};

use crate::api::context::Context;
use crate::api::error::{Answer, bad_request};
use crate::api::messages::send;
use crate::api::named;
use crate::api::names::checked_title;
use crate::api::post::{self, Posting, check_may_send, take_random_id};
use crate::model::messages::Content;
use crate::model::{Peer, channels};

/// The colour of a topic that its maker chose none for.
const ICON_COLOUR: i32 = 0x6F_B9F0;

/// channels.toggleForum: <https://core.telegram.org/method/channels.toggleForum>.
pub(in crate::api) fn toggle_forum(
    context: &mut Context<'_>,
    call: functions::channels::ToggleForum,
) -> Answer<enums::Updates> {
    let access = named::channel(context, &call.channel)?;
    access.require_creator()?;
    if access.channel.broadcast {
        return Err(bad_request("CHANNEL_INVALID"));
    }
    if access.channel.forum == call.enabled {
        return Err(bad_request("CHAT_NOT_MODIFIED"));
    }
    channels::set_forum(context.db, access.channel.id, call.enabled)?;
    post::channels::answer(context, &access.channel, None)
}

/// messages.createForumTopic: <https://core.telegram.org/method/messages.createForumTopic>.
pub(in crate::api) fn create_forum_topic(
    context: &mut Context<'_>,
    call: functions::messages::CreateForumTopic,
) -> Answer<enums::Updates> {
    let peer = named::peer(context, &call.peer)?;
    let Peer::Channel(id) = peer else { return Err(bad_request("CHANNEL_FORUM_MISSING")) };
    check_may_send(context, peer)?;
    if !named::channel_of_caller(context, id)?.channel.forum {
        return Err(bad_request("CHANNEL_FORUM_MISSING"));
    }
    let title = checked_title(&call.title).map_err(|_| bad_request("TOPIC_TITLE_EMPTY"))?;
    let action = enums::MessageAction::from(types::MessageActionTopicCreate {
        title_missing: false,
        title,
        icon_color: call.icon_color.unwrap_or(ICON_COLOUR),
        icon_emoji_id: call.icon_emoji_id,
    });
    take_random_id(context, call.random_id)?;
    let content = Content { action: Some(action.to_bytes()), ..Content::default() };
    let sent = post::channels::post(context, id, Posting::of(peer, content))?;
    send::full_answer(context, &[sent], &[call.random_id])
}
