//! Conversations, histories and searches, newest first.
//!
//! Invariant: a list shorter than was asked for means that there is no more.

use grammers_tl_types as tl;
use tgl::{CallError, Dialog, Message, Outcome, Page, PeerId};
use tl::{enums, functions, types};

use super::messages::read_up_to;
use super::{Caller, contents, invalid};
use crate::context::unavailable;
use crate::intake;

/// Conversations in one list, as telegram-cli gave them.
const DIALOGS_MAX: i32 = 100;

/// Messages of one answer of the server's.
const PAGE: u32 = 100;

/// Messages that one call gives at most.
const MESSAGES_MAX: u32 = 10_000;

/// messages.getDialogs: <https://core.telegram.org/method/messages.getDialogs>.
pub(super) async fn dialogs(caller: &Caller) -> Result<Outcome, CallError> {
    let request = functions::messages::GetDialogs {
        exclude_pinned: false,
        folder_id: None,
        offset_date: 0,
        offset_id: 0,
        offset_peer: enums::InputPeer::Empty,
        limit: DIALOGS_MAX,
        hash: 0,
    };
    let (dialogs, messages, users, chats) = match caller.invoke(&request).await? {
        enums::messages::Dialogs::Dialogs(list) => (list.dialogs, list.messages, list.users, list.chats),
        enums::messages::Dialogs::Slice(list) => (list.dialogs, list.messages, list.users, list.chats),
        enums::messages::Dialogs::NotModified(_) => return Ok(Outcome::Dialogs(Vec::new())),
    };
    let dialogs: Vec<types::Dialog> = dialogs.into_iter().filter_map(plain_dialog).collect();
    let mut intake = caller.context.intake();
    let learnt = (|| {
        intake.learn(&users, &chats, &[])?;
        intake.write(|batch| {
            dialogs.iter().try_for_each(|dialog| {
                let peer = intake::peer_id(&dialog.peer);
                intake::mark_read(batch, peer, false, dialog.read_inbox_max_id.into())?;
                intake::mark_read(batch, peer, true, dialog.read_outbox_max_id.into())
            })
        })?;
        intake.learn(&[], &[], &messages)
    })();
    drop(intake);
    let tops = learnt.map_err(|error| unavailable(&error))?;
    let mut given = Vec::new();
    for dialog in dialogs.iter().take(DIALOGS_MAX as usize) {
        let peer = caller.context.store.peer(intake::peer_id(&dialog.peer)).map_err(|error| unavailable(&error))?;
        let Some(peer) = peer else { continue };
        let is_top = |message: &&Message| {
            message.id == i64::from(dialog.top_message) && peer.id().kind != tgl::PeerKind::Channel
        };
        let last_message = tops.iter().find(is_top).cloned();
        given.push(Dialog { peer, last_message, unread_count: u32::try_from(dialog.unread_count).unwrap_or_default() });
    }
    Ok(Outcome::Dialogs(given))
}

/// messages.getHistory, page by page; also marks what is read as read:
/// <https://core.telegram.org/method/messages.getHistory>.
pub(super) async fn get(caller: &Caller, peer: PeerId, page: Page) -> Result<Outcome, CallError> {
    let list = List { peer: caller.context.input_peer(peer)?, text: None };
    let messages = walk(caller, &list, page).await?;
    let newest_unread = messages.iter().find(|message| !message.flags.outgoing && message.flags.unread);
    if let Some(id) = newest_unread.and_then(|message| i32::try_from(message.id).ok()) {
        // Not being able to say so does not make the history wrong.
        let _ = read_up_to(caller, peer, id).await;
    }
    Ok(Outcome::Messages(messages))
}

/// messages.search: <https://core.telegram.org/method/messages.search>.
pub(super) async fn search(caller: &Caller, peer: PeerId, text: &str, page: Page) -> Result<Outcome, CallError> {
    let list = List { peer: caller.context.input_peer(peer)?, text: Some(text.to_owned()) };
    Ok(Outcome::Messages(walk(caller, &list, page).await?))
}

/// messages.searchGlobal: <https://core.telegram.org/method/messages.searchGlobal>. It knows no count to skip: what is
/// skipped is fetched as well.
pub(super) async fn search_everywhere(caller: &Caller, text: &str, page: Page) -> Result<Outcome, CallError> {
    check(page)?;
    let wanted = page.offset.saturating_add(page.limit);
    if wanted > MESSAGES_MAX {
        return Err(invalid(&format!("a search of everything ends after {MESSAGES_MAX} messages")));
    }
    let (mut found, mut offset_rate, mut offset_id, mut offset_peer) = (Vec::new(), 0, 0, enums::InputPeer::Empty);
    while found.len() < wanted as usize {
        let limit = (wanted - found.len() as u32).min(PAGE);
        let request = functions::messages::SearchGlobal {
            broadcasts_only: false,
            groups_only: false,
            users_only: false,
            folder_id: None,
            community: None,
            q: text.to_owned(),
            filter: enums::MessagesFilter::InputMessagesFilterEmpty,
            min_date: 0,
            max_date: 0,
            offset_rate,
            offset_peer,
            offset_id,
            limit: limit as i32,
        };
        let answer = caller.invoke(&request).await?;
        let next_rate = match &answer {
            enums::messages::Messages::Slice(list) => list.next_rate,
            _ => None,
        };
        let (messages, count) = learn(caller, answer)?;
        let last = messages.last().map(|message| message.id);
        found.extend(messages);
        let (Some(next_rate), Some(last), true) = (next_rate, last, count > 0) else { break };
        let chat = caller.context.store.message_chat(last).map_err(|error| unavailable(&error))?;
        offset_peer = chat.and_then(|chat| caller.context.input_peer(chat).ok()).unwrap_or(enums::InputPeer::Empty);
        (offset_rate, offset_id) = (next_rate, i32::try_from(last).unwrap_or_default());
    }
    Ok(Outcome::Messages(found.into_iter().skip(page.offset as usize).take(page.limit as usize).collect()))
}

/// The messages of one conversation: all, or those with this text.
struct List {
    peer: enums::InputPeer,
    text: Option<String>,
}

impl List {
    /// At most `limit` messages, older than `offset_id` unless that is 0, after skipping `add_offset` of them.
    async fn fetch(
        &self,
        caller: &Caller,
        offset_id: i32,
        add_offset: i32,
        limit: i32,
    ) -> Result<enums::messages::Messages, CallError> {
        let peer = self.peer.clone();
        let Some(text) = &self.text else {
            let request = functions::messages::GetHistory {
                peer,
                offset_id,
                offset_date: 0,
                add_offset,
                limit,
                max_id: 0,
                min_id: 0,
                hash: 0,
            };
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

/// Collects a stretch of a list from answers of at most [`PAGE`] messages. From the second answer on an id says where
/// to go on, so that messages that come meanwhile shift nothing.
async fn walk(caller: &Caller, list: &List, page: Page) -> Result<Vec<Message>, CallError> {
    check(page)?;
    let (mut given, mut offset_id, mut skip) = (Vec::new(), 0, page.offset as i32);
    while given.len() < page.limit as usize {
        let limit = (page.limit - given.len() as u32).min(PAGE);
        let (messages, count) = learn(caller, list.fetch(caller, offset_id, skip, limit as i32).await?)?;
        let last = messages.last().and_then(|message| i32::try_from(message.id).ok());
        given.extend(messages);
        let Some(last) = last else { break };
        if count < limit as usize {
            break;
        }
        (offset_id, skip) = (last, 0);
    }
    given.truncate(page.limit as usize);
    Ok(given)
}

/// Keeps the messages of an answer; gives them, and how many the server gave.
fn learn(caller: &Caller, answer: enums::messages::Messages) -> Result<(Vec<Message>, usize), CallError> {
    let (messages, users, chats) = contents(answer);
    let learnt = caller.context.intake().learn(&users, &chats, &messages).map_err(|error| unavailable(&error))?;
    Ok((learnt, messages.len()))
}

fn check(page: Page) -> Result<(), CallError> {
    let is_possible = page.limit <= MESSAGES_MAX && i32::try_from(page.offset).is_ok();
    if is_possible { Ok(()) } else { Err(invalid(&format!("ask for at most {MESSAGES_MAX} messages at a time"))) }
}

fn plain_dialog(dialog: enums::Dialog) -> Option<types::Dialog> {
    match dialog {
        enums::Dialog::Dialog(dialog) => Some(dialog),
        _ => None,
    }
}
