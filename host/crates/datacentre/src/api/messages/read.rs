//! What was read, and the marks that go with it.
//!
//! Invariant: reading only ever moves forward, and tells the reader's other sessions and the writers once.

use grammers_tl_types as tl;
use tl::{Serializable, enums, functions, types};

use crate::api::context::Context;
use crate::api::error::Answer;
use crate::api::named;
use crate::api::view::{Peers, to_tl};
use crate::model::log::{self, Entry};
use crate::model::{Peer, dialogs, history, messages, users};

/// messages.readHistory: <https://core.telegram.org/method/messages.readHistory>.
pub(in crate::api) fn read_history(
    context: &mut Context<'_>,
    call: functions::messages::ReadHistory,
) -> Answer<enums::messages::AffectedMessages> {
    let peer = named::own_box_peer(context, &call.peer)?;
    let nothing = |pts| types::messages::AffectedMessages { pts, pts_count: 0 }.into();
    let Some(dialog) = dialogs::find(context.db, context.me, peer)? else {
        return Ok(nothing(log::pts(context.db, context.me)?));
    };
    let max_id = if call.max_id > 0 { call.max_id.min(dialog.top_message) } else { dialog.top_message };
    if dialog.marked_unread {
        dialogs::set_marked_unread(context.db, context.me, peer, false)?;
    }
    let Some(still_unread_count) = dialogs::read_inbox(context.db, context.me, peer, max_id)? else {
        return Ok(nothing(log::pts(context.db, context.me)?));
    };
    let pts = tell(context, context.me, peer, |pts| {
        types::UpdateReadHistoryInbox {
            folder_id: None,
            peer: to_tl(peer),
            top_msg_id: None,
            max_id,
            still_unread_count,
            pts,
            pts_count: 1,
        }
        .into()
    })?;
    for (sender, content) in history::last_per_sender(context.db, context.me, peer, dialog.read_inbox, max_id)? {
        tell_writer(context, peer, sender, content)?;
    }
    Ok(types::messages::AffectedMessages { pts, pts_count: 1 }.into())
}

/// messages.receivedMessages: <https://core.telegram.org/method/messages.receivedMessages>; delivery is not tracked.
pub(in crate::api) fn received_messages(
    _: &mut Context<'_>,
    _: functions::messages::ReceivedMessages,
) -> Answer<Vec<enums::ReceivedNotifyMessage>> {
    Ok(Vec::new())
}

/// messages.readMessageContents: <https://core.telegram.org/method/messages.readMessageContents>; there is no media yet.
pub(in crate::api) fn read_message_contents(
    context: &mut Context<'_>,
    _: functions::messages::ReadMessageContents,
) -> Answer<enums::messages::AffectedMessages> {
    Ok(types::messages::AffectedMessages { pts: log::pts(context.db, context.me)?, pts_count: 0 }.into())
}

/// messages.readMentions: <https://core.telegram.org/method/messages.readMentions>; mentions are read with the message.
pub(in crate::api) fn read_mentions(
    context: &mut Context<'_>,
    call: functions::messages::ReadMentions,
) -> Answer<enums::messages::AffectedHistory> {
    named::peer(context, &call.peer)?;
    let pts = log::pts(context.db, context.me)?;
    Ok(types::messages::AffectedHistory { pts, pts_count: 0, offset: 0 }.into())
}

/// messages.markDialogUnread: <https://core.telegram.org/method/messages.markDialogUnread>.
pub(in crate::api) fn mark_dialog_unread(
    context: &mut Context<'_>,
    call: functions::messages::MarkDialogUnread,
) -> Answer<bool> {
    let peer = named::dialog_peer(context, &call.peer)?;
    dialogs::set_marked_unread(context.db, context.me, peer, call.unread)?;
    let dialog = types::DialogPeer { peer: to_tl(peer) }.into();
    let update = types::UpdateDialogUnreadMark { unread: call.unread, peer: dialog, saved_peer_id: None };
    context.push(context.me, vec![update.into()], &Peers::default().with(peer))?;
    Ok(true)
}

/// messages.getDialogUnreadMarks: <https://core.telegram.org/method/messages.getDialogUnreadMarks>.
pub(in crate::api) fn get_dialog_unread_marks(
    context: &mut Context<'_>,
    _: functions::messages::GetDialogUnreadMarks,
) -> Answer<Vec<enums::DialogPeer>> {
    let marked = dialogs::of_owner(context.db, context.me)?.into_iter().filter(|dialog| dialog.marked_unread);
    Ok(marked.map(|dialog| types::DialogPeer { peer: to_tl(dialog.peer) }.into()).collect())
}

/// Tells a writer up to where the caller read. Bots are not told.
fn tell_writer(context: &mut Context<'_>, peer: Peer, writer: i64, content: i64) -> Answer<()> {
    let their_peer = match peer {
        Peer::User(_) => Peer::User(context.me),
        Peer::Chat(_) | Peer::Channel(_) => peer,
    };
    let Some(max_id) = messages::id_of_content(context.db, writer, content)? else { return Ok(()) };
    let news = dialogs::read_outbox(context.db, writer, their_peer, max_id)?;
    if !news || users::find(context.db, writer)?.is_none_or(|user| user.bot) {
        return Ok(());
    }
    tell(context, writer, their_peer, |pts| {
        types::UpdateReadHistoryOutbox { peer: to_tl(their_peer), max_id, pts, pts_count: 1 }.into()
    })?;
    Ok(())
}

/// Logs and pushes one update that counts once: the owner's new pts.
fn tell(context: &mut Context<'_>, owner: i64, peer: Peer, update: impl Fn(i32) -> enums::Update) -> Answer<i32> {
    let pts = log::append(context.db, owner, 1, |pts| Entry::Other(update(pts).to_bytes()))?;
    context.push(owner, vec![update(pts)], &Peers::default().with(peer))?;
    Ok(pts)
}
