//! One conversation's messages, or those of them with a text, as a list that can be asked for any stretch of it.
//!
//! Invariant: messages that only the host has any more stand in it where they stood before they were deleted.

use grammers_tl_types as tl;
use tgl::{Failure, Grants, Message, Page, PeerId};
use tl::{enums, functions};

use super::{Caller, contents, grants, history_request};
use crate::fault::Fault;

/// What the messages of one call may take, as they are kept.
pub(super) const LIST_BYTES_MAX: u64 = 16 << 20;

/// Messages of one answer of the server's.
pub(super) const PAGE: u32 = 100;

/// The messages of one conversation: all, or those with this text.
pub(super) struct List {
    pub(super) chat: PeerId,
    pub(super) peer: enums::InputPeer,
    pub(super) search: Option<Search>,
}

/// What is searched for, and who searches: that a text is found tells what it says.
#[derive(Clone)]
pub(super) struct Search {
    pub(super) text: String,
    pub(super) grants: Grants,
}

/// Messages of a list that is being put together.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pub(super) messages: Vec<Message>,
    bytes: u64,
}

impl Collected {
    /// Adds what follows.
    ///
    /// # Errors
    /// [`Failure::LimitReached`] where the list becomes larger than a script may be given.
    pub(super) fn add(&mut self, messages: Vec<Message>) -> Result<(), Fault> {
        self.bytes += broker::size(&messages);
        if self.bytes > LIST_BYTES_MAX {
            let why = format!("the messages take more than {} MiB: ask for fewer at a time", LIST_BYTES_MAX >> 20);
            return Err(Fault::new(Failure::LimitReached, why));
        }
        self.messages.extend(messages);
        Ok(())
    }
}

/// A stretch of a list.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Stretch {
    pub(super) messages: Vec<Message>,
    /// How long the list is, where its end was reached.
    pub(super) total: Option<u32>,
}

/// The messages of one answer.
pub(super) struct Answer {
    pub(super) messages: Vec<Message>,
    /// How many the server gave, empty ones included.
    given: usize,
    /// The last one, by the server's id.
    pub(super) last_id: Option<i32>,
    /// How long the server says that the list is.
    count: u32,
}

impl List {
    /// What stands in the list from `page.offset` on, at most `page.limit` of it.
    pub(super) async fn stretch(&self, caller: &Caller, page: Page) -> Result<Stretch, Fault> {
        let text = self.search.as_ref().map(|search| search.text.as_str());
        let restored = self.visible(restored(caller, Some(self.chat), text)?);
        // Each restored message may stand before what is asked for.
        let offset = page.offset.saturating_sub(restored.len() as u32);
        let limit = page.limit.saturating_add(page.offset - offset);
        let server = self.walk(caller, Page { offset, limit }).await?;
        Ok(merge(server, offset, restored, page))
    }

    /// Collects a stretch from answers of at most [`PAGE`] messages. From the second answer on an id says where to go
    /// on, so that messages that come meanwhile shift nothing.
    async fn walk(&self, caller: &Caller, page: Page) -> Result<Stretch, Fault> {
        let (mut found, mut total) = (Collected::default(), None);
        let (mut given, mut offset_id, mut skip) = (0, 0, page.offset as i32);
        let mut wanted = page.limit as usize;
        while given < wanted {
            let limit = (wanted - given).min(PAGE as usize);
            let answer = learn(caller, self.fetch(caller, offset_id, skip, limit as i32).await?)?;
            let count = answer.messages.len();
            let visible = self.visible(answer.messages);
            wanted += count - visible.len();
            found.add(visible)?;
            given += answer.given;
            // The server may give less than it has.
            let is_end = answer.given < limit && page.offset.saturating_add(given as u32) >= answer.count;
            if is_end || answer.given == 0 {
                total = Some(if given == 0 { answer.count } else { page.offset.saturating_add(given as u32) });
                break;
            }
            let Some(last_id) = answer.last_id else { break };
            (offset_id, skip) = (last_id, 0);
        }
        Ok(Stretch { messages: found.messages, total })
    }

    /// Those of the messages that stand in the list.
    fn visible(&self, messages: Vec<Message>) -> Vec<Message> {
        match &self.search {
            Some(search) => grants::found(&search.grants, messages),
            None => messages,
        }
    }

    /// At most `limit` messages, older than `offset_id` unless that is 0, after skipping `add_offset` of them.
    async fn fetch(
        &self,
        caller: &Caller,
        offset_id: i32,
        add_offset: i32,
        limit: i32,
    ) -> Result<enums::messages::Messages, Fault> {
        let peer = self.peer.clone();
        let Some(Search { text, .. }) = &self.search else {
            let request = history_request(peer, offset_id, add_offset, limit);
            return caller.invoke(&request).await;
        };
        let request = functions::messages::Search {
            peer,
            q: text.clone(),
            from_id: None,
            saved_peer_id: None,
            saved_reaction: None,
            top_msg_id: None,
            filter: enums::MessagesFilter::InputMessagesFilterEmpty,
            min_date: 0,
            max_date: 0,
            offset_id,
            add_offset,
            limit,
            max_id: 0,
            min_id: 0,
            hash: 0,
        };
        caller.invoke(&request).await
    }
}

/// Restored messages of a conversation, or of all, that have the text, newest first.
pub(super) fn restored(caller: &Caller, chat: Option<PeerId>, text: Option<&str>) -> Result<Vec<Message>, Fault> {
    let mut restored = caller.context.store.restored_messages(chat)?;
    if let Some(text) = text.map(str::to_lowercase) {
        restored.retain(|message| message.text.as_ref().is_some_and(|own| own.to_lowercase().contains(&text)));
    }
    Ok(restored)
}

/// Keeps the messages of an answer.
pub(super) fn learn(caller: &Caller, answer: enums::messages::Messages) -> Result<Answer, Fault> {
    let count = match &answer {
        enums::messages::Messages::Messages(list) => list.messages.len() as i32,
        enums::messages::Messages::Slice(list) => list.count,
        enums::messages::Messages::ChannelMessages(list) => list.count,
        enums::messages::Messages::NotModified(list) => list.count,
    };
    let (messages, users, chats) = contents(answer);
    let learnt = caller.context.intake().learn(&users, &chats, &messages)?;
    Ok(Answer {
        messages: learnt,
        given: messages.len(),
        last_id: messages.last().map(enums::Message::id),
        count: u32::try_from(count).unwrap_or_default(),
    })
}

/// Puts restored messages, newest first, where they belong in what the server gave from `offset` on, and cuts out the
/// page that was asked for. The server was asked for so many more messages as there are restored ones.
fn merge(server: Stretch, offset: u32, restored: Vec<Message>, page: Page) -> Stretch {
    let total = server.total.map(|total| total + restored.len() as u32);
    if restored.is_empty() {
        let messages = server.messages.into_iter().take(page.limit as usize).collect();
        return Stretch { messages, total };
    }
    let newest = server.messages.first().map(|message| message.id);
    // Behind the list's beginning, what is newer than the server's part, or all if that is empty, stands before the page.
    let is_before = |message: &Message| offset > 0 && newest.is_none_or(|newest| message.id > newest);
    let before = restored.iter().filter(|message| is_before(message)).count();
    let mut messages = server.messages;
    messages.extend(restored.into_iter().skip(before));
    messages.sort_by_key(|message| std::cmp::Reverse(message.id));
    let surplus = (page.offset as usize).saturating_sub(offset as usize + before);
    let messages = messages.into_iter().skip(surplus).take(page.limit as usize).collect();
    Stretch { messages, total }
}

#[cfg(test)]
mod tests {
    use tgl::{MessageFlags, ServiceAction};

    use super::*;

    fn message(id: i64) -> Message {
        Message {
            id,
            flags: MessageFlags::default(),
            source: None,
            destination: PeerId::user(1),
            text: None,
            media: None,
            date: id,
            forward: None,
            reply_to: None,
            action: ServiceAction::None,
        }
    }

    #[test]
    fn a_list_is_no_larger_than_a_script_may_be_given() {
        let large = |id| Message { text: Some("x".repeat(1 << 20)), ..message(id) };
        let mut collected = Collected::default();
        let added = (1..).map(|id| collected.add(vec![large(id)])).take_while(Result::is_ok).count();
        assert_eq!((added, collected.messages.len()), (15, 15));
        let error = collected.add(vec![large(99)]).unwrap_err().told();
        assert_eq!(error.kind, Failure::LimitReached);
    }

    /// Every page of every way in which a list of eight can be the server's in part and restored in part.
    #[test]
    fn restored_messages_stand_where_they_stood() {
        for mask in 0..=255u32 {
            let (restored, server): (Vec<i64>, Vec<i64>) = (1..=8).rev().partition(|id| mask & (1 << (id - 1)) != 0);
            for (offset, limit) in (0..10).flat_map(|offset| (0..10).map(move |limit| (offset, limit))) {
                let page = Page { offset, limit };
                let from = offset.saturating_sub(restored.len() as u32);
                let wanted = (limit + offset - from) as usize;
                let part: Vec<i64> = server.iter().copied().skip(from as usize).take(wanted).collect();
                let total = (part.len() < wanted).then_some(server.len() as u32);
                let given = Stretch { messages: part.into_iter().map(message).collect(), total };
                let merged = merge(given, from, restored.iter().copied().map(message).collect(), page);
                let ids: Vec<i64> = merged.messages.iter().map(|message| message.id).collect();
                let expected: Vec<i64> = (1..=8).rev().skip(offset as usize).take(limit as usize).collect();
                assert_eq!(ids, expected, "restored {restored:?}, {page:?}");
                assert!(merged.total.is_none_or(|total| total == 8));
                assert!(ids.len() == limit as usize || merged.total.is_some(), "a short page is the end");
            }
        }
    }
}
