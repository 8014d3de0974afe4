//! Reading messages back: history, by id, search.
//!
//! Invariant: a page has at most [`PAGE_MAX`] messages, newest first.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use crate::api::context::Context;
use crate::api::error::Answer;
use crate::api::limits::FORWARDED_MAX;
use crate::api::media::Kind;
use crate::api::stored_tl::stored;
use crate::api::{channels, named, text, view};
use crate::model::history::{self, Page, Window};
use crate::model::messages::{self, Message};
use crate::model::{Peer, posts};
use crate::seam::ALL_MESSAGES;

/// The most messages of one page: Telegram gives no more, whatever is asked for.
const PAGE_MAX: i32 = 100;
/// The most filters counted at once.
const FILTERS_MAX: usize = 20;

/// messages.getSplitRanges: <https://core.telegram.org/method/messages.getSplitRanges>.
pub(in crate::api) fn get_split_ranges(
    _: &mut Context<'_>,
    _: functions::messages::GetSplitRanges,
) -> Answer<Vec<enums::MessageRange>> {
    Ok(vec![ALL_MESSAGES.into()])
}

/// messages.getHistory: <https://core.telegram.org/method/messages.getHistory>.
pub(in crate::api) fn get_history(
    context: &mut Context<'_>,
    call: functions::messages::GetHistory,
) -> Answer<enums::messages::Messages> {
    let peer = named::peer(context, &call.peer)?;
    let window = Window {
        offset_id: call.offset_id,
        offset_date: call.offset_date,
        add_offset: call.add_offset,
        limit: page_size(call.limit),
        max_id: call.max_id,
        min_id: call.min_id,
    };
    if let Peer::Channel(id) = peer {
        return channels::messages::history(context, id, &window);
    }
    let page = history::page(context.db, context.me, peer, &window)?;
    answer(context, &page, None)
}

/// messages.getMessages: <https://core.telegram.org/method/messages.getMessages>. One for each asked for, in their order.
pub(in crate::api) fn get_messages(
    context: &mut Context<'_>,
    call: functions::messages::GetMessages,
) -> Answer<enums::messages::Messages> {
    let mut found = Vec::new();
    for input in call.id.iter().take(FORWARDED_MAX) {
        let (id, message) = match input {
            enums::InputMessage::Id(input) => (input.id, messages::find(context.db, context.me, input.id)?),
            enums::InputMessage::ReplyTo(input) => (input.id, replied(context, input.id)?),
            _ => (0, None),
        };
        found.push(match message {
            Some(message) => view::message(&message),
            None => types::MessageEmpty { id, peer_id: None }.into(),
        });
    }
    let (users, chats) = view::Peers::of_messages(&found).render(context, context.me)?;
    Ok(types::messages::Messages { messages: found, topics: Vec::new(), chats, users }.into())
}

/// messages.search: <https://core.telegram.org/method/messages.search>. With an empty peer it searches
/// all private chats and basic groups; searchGlobal looks into channels too.
pub(in crate::api) fn search(
    context: &mut Context<'_>,
    call: functions::messages::Search,
) -> Answer<enums::messages::Messages> {
    let peer = match &call.peer {
        enums::InputPeer::Empty => None,
        input => Some(named::peer(context, input)?),
    };
    let from = call.from_id.as_ref().map(|from| named::peer(context, from)).transpose()?;
    let wanted = Wanted { query: &call.q, filter: &call.filter, dates: (call.min_date, call.max_date) };
    let window = Window {
        offset_id: call.offset_id,
        offset_date: 0,
        add_offset: call.add_offset,
        limit: page_size(call.limit),
        max_id: call.max_id,
        min_id: call.min_id,
    };
    let takes = |message: &Message| {
        let sender = if message.content.post { message.peer } else { Peer::User(message.content.sender) };
        from.is_none_or(|from| sender == from) && wanted.takes(message)
    };
    if let Some(Peer::Channel(id)) = peer {
        return channels::messages::answer(context, id, &posts::filtered(context.db, id, &window, context.me, takes)?);
    }
    let page = history::filtered(context.db, context.me, peer, &window, takes)?;
    answer(context, &page, None)
}

/// messages.searchGlobal: <https://core.telegram.org/method/messages.searchGlobal>, over the caller's own chats and
/// channels.
pub(in crate::api) fn search_global(
    context: &mut Context<'_>,
    call: functions::messages::SearchGlobal,
) -> Answer<enums::messages::Messages> {
    let wanted = Wanted { query: &call.q, filter: &call.filter, dates: (call.min_date, call.max_date) };
    let offset_peer = match &call.offset_peer {
        enums::InputPeer::Empty => Peer::User(context.me),
        input => named::peer(context, input)?,
    };
    // What is asked for from nowhere on begins at the newest.
    let offset = messages::find(context.db, offset_peer.box_owner(context.me), call.offset_id)?;
    let before = offset.map_or(i64::MAX, |message| message.content.id);
    let limit = usize::try_from(page_size(call.limit)).unwrap_or(0);
    let (messages, count) = posts::everywhere(context.db, context.me, before, limit, |message| {
        let kind = match message.peer {
            Peer::User(_) => !call.groups_only && !call.broadcasts_only,
            Peer::Channel(_) if message.content.post => !call.groups_only && !call.users_only,
            Peer::Chat(_) | Peer::Channel(_) => !call.users_only && !call.broadcasts_only,
        };
        kind && wanted.takes(message)
    })?;
    // Clients give the last peer and id back as the next offset; the rate is not needed for that, but must be there.
    let next_rate = messages.last().map(|message| message.content.date);
    answer(context, &Page { messages, count, skipped: 0 }, next_rate)
}

/// messages.getSearchCounters: <https://core.telegram.org/method/messages.getSearchCounters>.
pub(in crate::api) fn get_search_counters(
    context: &mut Context<'_>,
    call: functions::messages::GetSearchCounters,
) -> Answer<Vec<enums::messages::SearchCounter>> {
    let peer = named::peer(context, &call.peer)?;
    let mut counters = Vec::new();
    for filter in call.filters.into_iter().take(FILTERS_MAX) {
        let wanted = Wanted { query: "", filter: &filter, dates: (0, 0) };
        let (owner, takes) = (peer.box_owner(context.me), |message: &Message| wanted.takes(message));
        let page = history::filtered(context.db, owner, Some(peer), &Window::default(), takes)?;
        counters.push(types::messages::SearchCounter { inexact: false, count: page.count, filter }.into());
    }
    Ok(counters)
}

/// messages.getUnreadMentions: <https://core.telegram.org/method/messages.getUnreadMentions>; mentions are read with the
/// message.
pub(in crate::api) fn get_unread_mentions(
    context: &mut Context<'_>,
    call: functions::messages::GetUnreadMentions,
) -> Answer<enums::messages::Messages> {
    named::peer(context, &call.peer)?;
    answer(context, &Page::default(), None)
}

/// messages.getScheduledHistory: <https://core.telegram.org/method/messages.getScheduledHistory>; nothing is scheduled.
pub(in crate::api) fn get_scheduled_history(
    context: &mut Context<'_>,
    call: functions::messages::GetScheduledHistory,
) -> Answer<enums::messages::Messages> {
    named::peer(context, &call.peer)?;
    answer(context, &Page::default(), None)
}

/// What a search looks for.
struct Wanted<'a> {
    query: &'a str,
    filter: &'a enums::MessagesFilter,
    /// After and before; 0: any.
    dates: (i32, i32),
}

impl Wanted<'_> {
    fn takes(&self, message: &Message) -> bool {
        let content = &message.content;
        let (after, before) = self.dates;
        content.date > after
            && (before <= 0 || content.date < before)
            && self.filter_takes(message)
            && text::matches(&content.text, self.query)
    }

    fn filter_takes(&self, message: &Message) -> bool {
        use enums::MessagesFilter as F;
        if message.content.action.is_some() {
            let action = stored(&message.content.action);
            let photo = matches!(action, Some(enums::MessageAction::ChatEditPhoto(_)));
            return photo && *self.filter == F::InputMessagesFilterChatPhotos;
        }
        match self.filter {
            F::InputMessagesFilterEmpty => true,
            F::InputMessagesFilterMyMentions => message.mentioned,
            F::InputMessagesFilterUrl => has_url(message),
            filter => {
                let media: Option<enums::MessageMedia> = stored(&message.content.media);
                media.as_ref().and_then(Kind::of).is_some_and(|kind| is_filtered(kind, filter))
            }
        }
    }
}

/// Whether a filter for media takes media of this kind.
fn is_filtered(kind: Kind, filter: &enums::MessagesFilter) -> bool {
    use enums::MessagesFilter as F;
    match filter {
        F::InputMessagesFilterPhotos => kind == Kind::Photo,
        F::InputMessagesFilterVideo => kind == Kind::Video,
        F::InputMessagesFilterPhotoVideo => matches!(kind, Kind::Photo | Kind::Video),
        F::InputMessagesFilterDocument => kind == Kind::Document,
        F::InputMessagesFilterGif => kind == Kind::Gif,
        F::InputMessagesFilterVoice => kind == Kind::Voice,
        F::InputMessagesFilterMusic => kind == Kind::Music,
        F::InputMessagesFilterRoundVoice => matches!(kind, Kind::Voice | Kind::RoundVideo),
        F::InputMessagesFilterRoundVideo => kind == Kind::RoundVideo,
        F::InputMessagesFilterGeo => kind == Kind::Geo,
        F::InputMessagesFilterContacts => kind == Kind::Contact,
        _ => false,
    }
}

fn has_url(message: &Message) -> bool {
    use enums::MessageEntity as E;
    let entities: Vec<E> = stored(&message.content.entities).unwrap_or_default();
    entities.iter().any(|entity| matches!(entity, E::Url(_) | E::TextUrl(_)))
}

fn replied(context: &Context<'_>, id: i32) -> Answer<Option<Message>> {
    let replied = messages::find(context.db, context.me, id)?.and_then(|message| message.reply_to);
    Ok(match replied {
        Some(id) => messages::find(context.db, context.me, id)?,
        None => None,
    })
}

fn page_size(limit: i32) -> i32 {
    limit.clamp(0, PAGE_MAX)
}

/// A page as Telegram answers: all there are, or a slice of them with their number.
fn answer(context: &Context<'_>, page: &Page, next_rate: Option<i32>) -> Answer<enums::messages::Messages> {
    let (messages, users, chats) = view::messages_and_peers(context, &page.messages)?;
    let topics = Vec::new();
    if i32::try_from(messages.len()).is_ok_and(|length| length >= page.count) {
        return Ok(types::messages::Messages { messages, topics, chats, users }.into());
    }
    Ok(types::messages::MessagesSlice {
        inexact: false,
        count: page.count,
        next_rate,
        offset_id_offset: Some(page.skipped),
        search_flood: None,
        messages,
        topics,
        chats,
        users,
    }
    .into())
}
