//! Editing and deleting.
//!
//! Invariant: each owner of a message that changes or goes gets one update, counted in that owner's pts.

use std::collections::{BTreeMap, BTreeSet};

use grammers_tl_types as tl;
use tl::{Serializable, enums, functions, types};

use super::send::markup;
use crate::api::context::Context;
use crate::api::error::{Answer, bad_request, forbidden};
use crate::api::limits::{EDIT_TIME_S, FORWARDED_MAX};
use crate::api::media::{self, Kind};
use crate::api::stored_tl::stored;
use crate::api::view::{self, Peers};
use crate::api::{named, post, text, webpages};
use crate::model::log::{self, Entry};
use crate::model::messages::{self, Content, Message};
use crate::model::{Peer, chats, dialogs, history};

/// How many messages messages.deleteHistory deletes at once; clients ask again for the rest.
const HISTORY_DELETED_MAX: i64 = 1000;

/// messages.editMessage: <https://core.telegram.org/method/messages.editMessage>.
pub(in crate::api) fn edit_message(
    context: &mut Context<'_>,
    call: functions::messages::EditMessage,
) -> Answer<enums::Updates> {
    let peer = named::peer(context, &call.peer)?;
    let message = editable(context, peer, call.id)?;
    let mut content = message.content.clone();
    if call.message.is_none() && call.media.is_none() && call.reply_markup.is_none() {
        return Err(bad_request("MESSAGE_EMPTY"));
    }
    if let Some(input) = &call.media {
        let media = media::of_input(context, input)?;
        (content.media, content.files) = (media.to_bytes(), media.files);
    }
    if let Some(new) = &call.message {
        edit_text(context, &mut content, new, call.entities, call.no_webpage)?;
    }
    // As with Telegram, an edit without a keyboard takes the keyboard away.
    content.markup = markup(context, call.reply_markup)?;
    let said = |content: &Content| {
        (content.text.clone(), content.entities.clone(), content.markup.clone(), content.media.clone())
    };
    let same = said(&content) == said(&message.content);
    if same {
        return Err(bad_request("MESSAGE_NOT_MODIFIED"));
    }
    content.edit_date = Some(context.now);
    if let Peer::Channel(id) = peer {
        return post::channels::edit(context, id, &message, &content);
    }
    store_edit(context, &content)
}

/// messages.getMessageEditData: <https://core.telegram.org/method/messages.getMessageEditData>.
pub(in crate::api) fn get_message_edit_data(
    context: &mut Context<'_>,
    call: functions::messages::GetMessageEditData,
) -> Answer<enums::messages::MessageEditData> {
    let peer = named::peer(context, &call.peer)?;
    let caption = has_caption(&editable(context, peer, call.id)?.content);
    Ok(types::messages::MessageEditData { caption }.into())
}

/// messages.deleteMessages: <https://core.telegram.org/method/messages.deleteMessages>. Ids the caller does not have are
/// passed over.
pub(in crate::api) fn delete_messages(
    context: &mut Context<'_>,
    call: functions::messages::DeleteMessages,
) -> Answer<enums::messages::AffectedMessages> {
    let ids: BTreeSet<i32> = call.id.iter().copied().take(FORWARDED_MAX).collect();
    // What a bot deletes it deletes for everyone.
    let revoke = call.revoke || context.bot;
    let mut victims = Victims::default();
    for id in ids {
        if let Some(message) = messages::find(context.db, context.me, id)? {
            victims.add(context, message, revoke)?;
        }
    }
    let (pts, pts_count) = victims.remove(context)?;
    Ok(types::messages::AffectedMessages { pts, pts_count }.into())
}

/// messages.deleteHistory: <https://core.telegram.org/method/messages.deleteHistory>.
pub(in crate::api) fn delete_history(
    context: &mut Context<'_>,
    call: functions::messages::DeleteHistory,
) -> Answer<enums::messages::AffectedHistory> {
    let peer = named::own_box_peer(context, &call.peer)?;
    let max_id = if call.max_id > 0 { call.max_id } else { i32::MAX };
    let dates = (call.min_date.unwrap_or(0), call.max_date.filter(|date| *date > 0).unwrap_or(i32::MAX));
    let ids = history::ids(context.db, context.me, peer, max_id, dates, HISTORY_DELETED_MAX + 1)?;
    let page = usize::try_from(HISTORY_DELETED_MAX).unwrap_or(usize::MAX);
    let mut victims = Victims::default();
    for id in ids.iter().take(page) {
        if let Some(message) = messages::find(context.db, context.me, *id)? {
            victims.add(context, message, call.revoke && matches!(peer, Peer::User(_)))?;
        }
    }
    let (pts, pts_count) = victims.remove(context)?;
    let offset = i32::try_from(ids.len().saturating_sub(page)).unwrap_or(i32::MAX);
    let emptied = dialogs::find(context.db, context.me, peer)?.is_some_and(|dialog| dialog.top_message == 0);
    if emptied && !call.just_clear {
        dialogs::remove(context.db, context.me, peer)?;
    }
    Ok(types::messages::AffectedHistory { pts, pts_count, offset }.into())
}

/// Gives a message another text, or a caption if it has media, and the preview that goes with it.
fn edit_text(
    context: &Context<'_>,
    content: &mut Content,
    new: &str,
    entities: Option<Vec<enums::MessageEntity>>,
    no_webpage: bool,
) -> Answer<()> {
    let captioned = has_caption(content);
    let text = if captioned { text::caption(context, new, entities)? } else { text::prepare(context, new, entities)? };
    if !captioned {
        content.media = webpages::kept(&text, no_webpage);
    }
    (content.text, content.entities) = (text.text, text.entities);
    Ok(())
}

/// Whether a message's text is one below media: a preview of a page that the text speaks of is none.
fn has_caption(content: &Content) -> bool {
    let media = stored(&content.media);
    media.is_some_and(|media| Kind::of(&media) != Some(Kind::WebPage))
}

/// A message of the caller's own that may still be edited.
fn editable(context: &Context<'_>, peer: Peer, id: i32) -> Answer<Message> {
    let message = named::message(context, peer, id)?;
    let content = &message.content;
    if content.action.is_some() {
        return Err(bad_request("MESSAGE_ID_INVALID"));
    }
    if let Peer::Channel(id) = peer {
        post::channels::check_may_edit(context, id, &message)?;
        return Ok(message);
    }
    if content.sender != context.me || content.forward.is_some() {
        return Err(forbidden("MESSAGE_AUTHOR_REQUIRED"));
    }
    let own_notes = peer == Peer::User(context.me);
    if !own_notes && !context.bot && context.now.saturating_sub(content.date) > EDIT_TIME_S {
        return Err(bad_request("MESSAGE_EDIT_TIME_EXPIRED"));
    }
    Ok(message)
}

/// Stores an edit and tells everyone who has the message: the caller's answer.
fn store_edit(context: &mut Context<'_>, content: &Content) -> Answer<enums::Updates> {
    messages::edit(context.db, content)?;
    let mut own = Vec::new();
    let mut own_people = Peers::default();
    for sight in messages::sights(context.db, content.id)? {
        let pts = log::append(context.db, sight.owner, 1, |_| Entry::EditedMessage(sight.id))?;
        let message = view::message(&sight);
        let people = Peers::of_messages(std::slice::from_ref(&message));
        let update: enums::Update = types::UpdateEditMessage { message, pts, pts_count: 1 }.into();
        if sight.owner == context.me {
            own.push(update.clone());
            own_people = people.clone();
        }
        context.push(sight.owner, vec![update], &people)?;
    }
    context.updates(context.me, own, &own_people)
}

/// Messages that go, by owner.
#[derive(Default)]
struct Victims(BTreeMap<i64, BTreeMap<i32, Peer>>);

impl Victims {
    /// Adds a message of the caller's, and with `revoke` everyone's sight of it where the caller may do that.
    fn add(&mut self, context: &Context<'_>, message: Message, revoke: bool) -> Answer<()> {
        let everyone = revoke
            && match message.peer {
                Peer::User(_) => true,
                Peer::Chat(id) => message.content.sender == context.me || moderates(context, id)?,
                Peer::Channel(_) => false,
            };
        if everyone {
            for sight in messages::sights(context.db, message.content.id)? {
                self.0.entry(sight.owner).or_default().insert(sight.id, sight.peer);
            }
        } else {
            self.0.entry(message.owner).or_default().insert(message.id, message.peer);
        }
        Ok(())
    }

    /// Removes them all and tells their owners: the caller's pts and how much it grew.
    fn remove(self, context: &mut Context<'_>) -> Answer<(i32, i32)> {
        let mut own = (log::pts(context.db, context.me)?, 0);
        for (owner, messages) in self.0 {
            let ids: Vec<i32> = messages.keys().copied().collect();
            messages::remove(context.db, owner, &ids)?;
            for peer in messages.into_values().collect::<BTreeSet<_>>() {
                dialogs::refresh(context.db, owner, peer)?;
            }
            let pts_count = i32::try_from(ids.len()).unwrap_or(i32::MAX);
            let update =
                |pts| enums::Update::from(types::UpdateDeleteMessages { messages: ids.clone(), pts, pts_count });
            let pts = log::append(context.db, owner, pts_count, |pts| Entry::Other(update(pts).to_bytes()))?;
            if owner == context.me {
                own = (pts, pts_count);
            }
            context.push(owner, vec![update(pts)], &Peers::default())?;
        }
        Ok(own)
    }
}

/// Whether the caller may delete others' messages in this group.
fn moderates(context: &Context<'_>, chat: i64) -> Answer<bool> {
    let admin = chats::member(context.db, chat, context.me)?.is_some_and(|member| member.admin);
    Ok(admin || chats::find(context.db, chat)?.is_some_and(|chat| chat.creator == context.me))
}
