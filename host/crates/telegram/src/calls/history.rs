//! Conversations, histories and searches, newest first.
//!
//! Invariant: a list shorter than was asked for means that there is no more.

use std::cmp::Reverse;

use grammers_tl_types as tl;
use store::ServerMessage;
use tgl::{Dialog, Grants, Message, Outcome, Page, PeerId};
use tl::{enums, functions, types};

use super::list::{Collected, List, PAGE, Search, learn, restored};
use super::messages::read_up_to;
use super::{Caller, grants};
use crate::fault::Fault;
use crate::intake;

/// Conversations in one list, as telegram-cli gave them.
const DIALOGS_MAX: i32 = 100;

/// Messages that one call gives at most.
const MESSAGES_MAX: u32 = 10_000;

/// messages.getDialogs: <https://core.telegram.org/method/messages.getDialogs>.
pub(super) async fn dialogs(caller: &Caller) -> Result<Outcome, Fault> {
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
                for (outgoing, server_id) in [(false, dialog.read_inbox_max_id), (true, dialog.read_outbox_max_id)] {
                    let id_max = batch.message_id(peer, server_id)?;
                    intake::mark_read(batch, peer, outgoing, id_max)?;
                }
                Ok(())
            })
        })?;
        intake.learn(&[], &[], &messages)
    })();
    drop(intake);
    let tops = learnt?;
    let mut given = Vec::new();
    for dialog in dialogs.iter().take(DIALOGS_MAX as usize) {
        let id = intake::peer_id(&dialog.peer);
        let Some(peer) = caller.context.store.peer(id)? else { continue };
        let top = caller.context.store.message_id(id, dialog.top_message)?;
        let last_message = tops.iter().find(|message| Some(message.id) == top).cloned();
        given.push(Dialog { peer, last_message, unread_count: u32::try_from(dialog.unread_count).unwrap_or_default() });
    }
    Ok(Outcome::Dialogs(given))
}

/// messages.getHistory, page by page; also marks what is read as read:
/// <https://core.telegram.org/method/messages.getHistory>.
pub(super) async fn get(caller: &Caller, peer: PeerId, page: Page) -> Result<Outcome, Fault> {
    let messages = stretch(caller, &lists(caller, peer, None)?, page).await?;
    let newest_unread = messages.iter().find(|message| !message.flags.outgoing && message.flags.unread);
    if let Some(ServerMessage { chat: Some(chat), id }) =
        newest_unread.map(|message| caller.context.server_message(message.id)).transpose()?
    {
        // Not being able to say so does not make the history wrong.
        let _ = read_up_to(caller, chat, id).await;
    }
    Ok(Outcome::Messages(messages))
}

/// messages.search: <https://core.telegram.org/method/messages.search>.
pub(super) async fn search(
    caller: &Caller,
    grants: &Grants,
    peer: PeerId,
    text: &str,
    page: Page,
) -> Result<Outcome, Fault> {
    let lists = lists(caller, peer, Some((text, grants)))?;
    Ok(Outcome::Messages(stretch(caller, &lists, page).await?))
}

/// The messages of one conversation; those of a supergroup that was a basic group are two lists for who asks for the
/// basic group: what came after the move, and what came before.
fn lists(caller: &Caller, peer: PeerId, search: Option<(&str, &Grants)>) -> Result<Vec<List>, Fault> {
    let current = caller.context.current(peer)?;
    let chats = if current == peer { vec![peer] } else { vec![current, peer] };
    let search = search.map(|(text, grants)| Search { text: text.to_owned(), grants: grants.clone() });
    let list = |chat| Ok(List { chat, peer: caller.context.input_peer(chat)?, search: search.clone() });
    chats.into_iter().map(list).collect()
}

/// A stretch of lists that follow one another.
async fn stretch(caller: &Caller, lists: &[List], page: Page) -> Result<Vec<Message>, Fault> {
    check(page)?;
    let (mut given, mut offset) = (Vec::new(), page.offset);
    for list in lists {
        let limit = page.limit - given.len() as u32;
        let found = list.stretch(caller, Page { offset, limit }).await?;
        given.extend(found.messages);
        match found.total {
            Some(total) => offset = offset.saturating_sub(total),
            None => break,
        }
    }
    Ok(given)
}

/// messages.searchGlobal: <https://core.telegram.org/method/messages.searchGlobal>. It knows no count to skip: what is
/// skipped is fetched as well.
pub(super) async fn search_everywhere(
    caller: &Caller,
    grants: &Grants,
    text: &str,
    page: Page,
) -> Result<Outcome, Fault> {
    check(page)?;
    let wanted = page.offset.saturating_add(page.limit);
    if wanted > MESSAGES_MAX {
        return Err(Fault::invalid(format!("a search of everything ends after {MESSAGES_MAX} messages")));
    }
    let mut found = Collected::default();
    let (mut offset_rate, mut offset_id, mut offset_peer) = (0, 0, enums::InputPeer::Empty);
    while found.messages.len() < wanted as usize {
        let limit = (wanted - found.messages.len() as u32).min(PAGE);
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
        let answer = learn(caller, answer)?;
        let last = answer.messages.last().map(|message| caller.context.server_message(message.id)).transpose()?;
        found.add(grants::found(grants, answer.messages))?;
        let (Some(next_rate), Some(last), Some(last_id)) = (next_rate, last, answer.last_id) else { break };
        offset_peer =
            last.chat.and_then(|chat| caller.context.input_peer(chat).ok()).unwrap_or(enums::InputPeer::Empty);
        (offset_rate, offset_id) = (next_rate, last_id);
    }
    let restored = grants::found(grants, restored(caller, None, Some(text))?);
    let mut found = found.messages;
    if !restored.is_empty() {
        found.extend(restored);
        found.sort_by_key(|message| Reverse((message.date, message.id)));
    }
    Ok(Outcome::Messages(found.into_iter().skip(page.offset as usize).take(page.limit as usize).collect()))
}

fn check(page: Page) -> Result<(), Fault> {
    let is_possible = page.limit <= MESSAGES_MAX && i32::try_from(page.offset).is_ok();
    if is_possible { Ok(()) } else { Err(Fault::invalid(format!("ask for at most {MESSAGES_MAX} messages at a time"))) }
}

fn plain_dialog(dialog: enums::Dialog) -> Option<types::Dialog> {
    match dialog {
        enums::Dialog::Dialog(dialog) => Some(dialog),
        _ => None,
    }
}
