//! Dialogs: lists, pins, drafts.
//!
//! Invariant: lists are newest first, pinned ones before the others in their own order.

use grammers_tl_types as tl;
use tl::{Serializable, enums, functions, types};

use crate::api::context::Context;
use crate::api::error::{Answer, bad_request};
use crate::api::limits::TEXT_MAX_UTF16;
use crate::api::stored_tl::stored;
use crate::api::view::{self, Peers, to_tl};
use crate::api::{named, text};
use crate::model::Peer;
use crate::model::dialogs::{self, Dialog};

/// The most dialogs of one page.
const PAGE_MAX: usize = 100;
/// The most pinned dialogs: <https://core.telegram.org/api/config>.
const PINNED_MAX: usize = 5;

/// messages.getDialogs: <https://core.telegram.org/method/messages.getDialogs>.
pub(in crate::api) fn get_dialogs(
    context: &mut Context<'_>,
    call: functions::messages::GetDialogs,
) -> Answer<enums::messages::Dialogs> {
    // There are no folders but the main one, and nothing is ever archived.
    let mut all =
        if call.folder_id.unwrap_or(0) == 0 { dialogs::of_owner(context.db, context.me)? } else { Vec::new() };
    if call.exclude_pinned {
        all.retain(|dialog| dialog.pinned == 0);
    }
    let first_page = call.offset_id == 0 && call.offset_date == 0;
    let count = i32::try_from(all.len()).unwrap_or(i32::MAX);
    let with_place = |dialog| Ok((place(context, &dialog)?, dialog));
    let mut placed = all.into_iter().map(with_place).collect::<Answer<Vec<_>>>()?;
    placed.sort_by_key(|(place, dialog)| std::cmp::Reverse((if first_page { dialog.pinned } else { 0 }, *place)));
    if !first_page {
        let offset = offset(context, &call)?;
        placed.retain(|(place, dialog)| dialog.pinned == 0 && *place < offset);
    }
    let mut rest: Vec<Dialog> = placed.into_iter().map(|(_, dialog)| dialog).collect();
    let limit = usize::try_from(call.limit).unwrap_or(0).min(PAGE_MAX);
    let whole = first_page && rest.len() <= limit;
    rest.truncate(limit);
    let (dialogs, messages, people) = view::dialogs(context, &rest)?;
    let (users, chats) = people.render(context, context.me)?;
    Ok(if whole {
        types::messages::Dialogs { dialogs, messages, chats, users }.into()
    } else {
        types::messages::DialogsSlice { count, dialogs, messages, chats, users }.into()
    })
}

/// messages.getPeerDialogs: <https://core.telegram.org/method/messages.getPeerDialogs>.
pub(in crate::api) fn get_peer_dialogs(
    context: &mut Context<'_>,
    call: functions::messages::GetPeerDialogs,
) -> Answer<enums::messages::PeerDialogs> {
    let mut found = Vec::new();
    for input in call.peers.iter().take(PAGE_MAX) {
        let peer = named::dialog_peer(context, input)?;
        found.push(dialogs::find(context.db, context.me, peer)?.unwrap_or_else(|| Dialog::empty(peer)));
    }
    peer_dialogs(context, &found)
}

/// messages.getPinnedDialogs: <https://core.telegram.org/method/messages.getPinnedDialogs>.
pub(in crate::api) fn get_pinned_dialogs(
    context: &mut Context<'_>,
    call: functions::messages::GetPinnedDialogs,
) -> Answer<enums::messages::PeerDialogs> {
    let pinned = if call.folder_id == 0 { pinned(context)? } else { Vec::new() };
    peer_dialogs(context, &pinned)
}

/// messages.toggleDialogPin: <https://core.telegram.org/method/messages.toggleDialogPin>.
pub(in crate::api) fn toggle_dialog_pin(
    context: &mut Context<'_>,
    call: functions::messages::ToggleDialogPin,
) -> Answer<bool> {
    let peer = named::dialog_peer(context, &call.peer)?;
    let before = pinned(context)?;
    let is_pinned = before.iter().any(|dialog| dialog.peer == peer);
    if call.pinned && !is_pinned && before.len() >= PINNED_MAX {
        return Err(bad_request("PINNED_DIALOGS_TOO_MUCH"));
    }
    dialogs::set_pinned(context.db, context.me, peer, call.pinned)?;
    let dialog = types::DialogPeer { peer: to_tl(peer) }.into();
    let update = types::UpdateDialogPinned { pinned: call.pinned, folder_id: None, peer: dialog };
    context.push(context.me, vec![update.into()], &Peers::default().with(peer))?;
    Ok(true)
}

/// messages.reorderPinnedDialogs: <https://core.telegram.org/method/messages.reorderPinnedDialogs>.
pub(in crate::api) fn reorder_pinned_dialogs(
    context: &mut Context<'_>,
    call: functions::messages::ReorderPinnedDialogs,
) -> Answer<bool> {
    let order = call.order.iter().map(|input| named::dialog_peer(context, input)).collect::<Answer<Vec<_>>>()?;
    if order.len() > PINNED_MAX {
        return Err(bad_request("PINNED_DIALOGS_TOO_MUCH"));
    }
    let before = pinned(context)?;
    let unlisted = before.iter().map(|dialog| dialog.peer).filter(|peer| !order.contains(peer));
    let unlisted: Vec<Peer> = unlisted.collect();
    for peer in &unlisted {
        dialogs::set_pinned(context.db, context.me, *peer, false)?;
    }
    let kept: &[Peer] = if call.force { &[] } else { &unlisted };
    for peer in kept.iter().rev().chain(order.iter().rev()) {
        dialogs::set_pinned(context.db, context.me, *peer, true)?;
    }
    let listed = order.iter().map(|peer| types::DialogPeer { peer: to_tl(*peer) }.into()).collect();
    let update = types::UpdatePinnedDialogs { folder_id: None, order: Some(listed) };
    context.push(context.me, vec![update.into()], &Peers::default())?;
    Ok(true)
}

/// messages.saveDraft: <https://core.telegram.org/method/messages.saveDraft>. An empty one removes the draft.
pub(in crate::api) fn save_draft(context: &mut Context<'_>, call: functions::messages::SaveDraft) -> Answer<bool> {
    let peer = named::peer(context, &call.peer)?;
    if text::utf16_len(&call.message) > TEXT_MAX_UTF16 {
        return Err(bad_request("MESSAGE_TOO_LONG"));
    }
    let empty = call.message.is_empty() && call.reply_to.is_none();
    let draft: enums::DraftMessage = if empty {
        types::DraftMessageEmpty { date: Some(context.now) }.into()
    } else {
        types::DraftMessage {
            no_webpage: call.no_webpage,
            invert_media: call.invert_media,
            reply_to: call.reply_to,
            entities: text::known(call.entities),
            ..tl_blank::draft_message(call.message, context.now)
        }
        .into()
    };
    let bytes = (!empty).then(|| draft.to_bytes());
    if dialogs::set_draft(context.db, context.me, peer, bytes.as_deref())? {
        context.push(context.me, vec![draft_update(peer, draft)], &Peers::default().with(peer))?;
    }
    Ok(true)
}

/// messages.getAllDrafts: <https://core.telegram.org/method/messages.getAllDrafts>.
pub(in crate::api) fn get_all_drafts(
    context: &mut Context<'_>,
    _: functions::messages::GetAllDrafts,
) -> Answer<enums::Updates> {
    let mut people = Peers::default();
    let mut updates = Vec::new();
    for dialog in dialogs::drafted(context.db, context.me)? {
        if let Some(draft) = stored(&dialog.draft) {
            people.add(dialog.peer);
            updates.push(draft_update(dialog.peer, draft));
        }
    }
    context.updates(context.me, updates, &people)
}

/// messages.clearAllDrafts: <https://core.telegram.org/method/messages.clearAllDrafts>.
pub(in crate::api) fn clear_all_drafts(
    context: &mut Context<'_>,
    _: functions::messages::ClearAllDrafts,
) -> Answer<bool> {
    for dialog in dialogs::drafted(context.db, context.me)? {
        dialogs::set_draft(context.db, context.me, dialog.peer, None)?;
    }
    Ok(true)
}

/// messages.getPeerSettings: <https://core.telegram.org/method/messages.getPeerSettings>.
pub(in crate::api) fn get_peer_settings(
    context: &mut Context<'_>,
    call: functions::messages::GetPeerSettings,
) -> Answer<enums::messages::PeerSettings> {
    let peer = named::peer(context, &call.peer)?;
    let (users, chats) = Peers::default().with(peer).render(context, context.me)?;
    let settings = view::peer_settings(context, peer)?;
    Ok(types::messages::PeerSettings { settings, chats, users }.into())
}

/// messages.getDialogFilters: <https://core.telegram.org/method/messages.getDialogFilters>: only the one with all chats.
pub(in crate::api) fn get_dialog_filters(
    _: &mut Context<'_>,
    _: functions::messages::GetDialogFilters,
) -> Answer<enums::messages::DialogFilters> {
    Ok(types::messages::DialogFilters { tags_enabled: false, filters: vec![enums::DialogFilter::Default] }.into())
}

fn pinned(context: &Context<'_>) -> Answer<Vec<Dialog>> {
    let mut pinned = dialogs::of_owner(context.db, context.me)?;
    pinned.retain(|dialog| dialog.pinned > 0);
    pinned.sort_by_key(|dialog| std::cmp::Reverse(dialog.pinned));
    Ok(pinned)
}

fn peer_dialogs(context: &Context<'_>, found: &[Dialog]) -> Answer<enums::messages::PeerDialogs> {
    let (dialogs, messages, people) = view::dialogs(context, found)?;
    let (users, chats) = people.render(context, context.me)?;
    let state = view::state_now(context)?;
    Ok(types::messages::PeerDialogs { dialogs, messages, chats, users, state }.into())
}

/// Where a dialog stands among the others, the greater the earlier: by the date of its last message, then its id, which
/// says nothing between peers with boxes of their own, then the peer.
type Place = (i32, i32, i64);

fn place(context: &Context<'_>, dialog: &Dialog) -> Answer<Place> {
    let date = dialogs::date(context.db, context.me, dialog.peer, dialog.top_message)?;
    Ok((date, dialog.top_message, dialog.peer.code()))
}

/// The place after which a page begins. What the request leaves out of it is filled in.
fn offset(context: &Context<'_>, call: &functions::messages::GetDialogs) -> Answer<Place> {
    let peer = match &call.offset_peer {
        enums::InputPeer::Empty => None,
        input => Some(named::peer(context, input)?),
    };
    let date = match call.offset_date {
        0 => dialogs::date(context.db, context.me, peer.unwrap_or(Peer::User(context.me)), call.offset_id)?,
        date => date,
    };
    // A date alone means before it.
    Ok((date, call.offset_id, peer.map_or(i64::MIN, Peer::code)))
}

fn draft_update(peer: Peer, draft: enums::DraftMessage) -> enums::Update {
    types::UpdateDraftMessage { peer: to_tl(peer), top_msg_id: None, saved_peer_id: None, draft }.into()
}
