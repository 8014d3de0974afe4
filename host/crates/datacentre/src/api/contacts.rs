//! `contacts.*`: the contact list, finding users, blocking.
//!
//! Invariant: a phone number finds only who has it; names in a list are the caller's own.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use super::auth::digits;
use super::context::Context;
use super::error::{Answer, bad_request};
use super::named;
use super::names::{checked_first_name, checked_last_name};
use super::view::{self, Peers, to_tl};
use crate::model::members::{self, Standing};
use crate::model::users::{self, User};
use crate::model::{Peer, channels, contacts, dialogs};

/// How many contacts one request may bring.
const IMPORTED_MAX: usize = 500;
/// The most users one search or page gives.
const FOUND_MAX: i64 = 50;
/// The shortest query contacts.search looks for, in characters.
const QUERY_MIN_CHARS: usize = 3;

/// contacts.getContacts: <https://core.telegram.org/method/contacts.getContacts>.
pub(super) fn get_contacts(
    context: &mut Context<'_>,
    _: functions::contacts::GetContacts,
) -> Answer<enums::contacts::Contacts> {
    let all = contacts::of_owner(context.db, context.me)?;
    let (users, _) = Peers::default().with_users(all.iter().map(|contact| contact.user)).render(context, context.me)?;
    let saved_count = i32::try_from(all.len()).unwrap_or(i32::MAX);
    let contacts = all.iter().map(|one| types::Contact { user_id: one.user, mutual: one.mutual }.into()).collect();
    Ok(types::contacts::Contacts { contacts, saved_count, users }.into())
}

/// contacts.getStatuses: <https://core.telegram.org/method/contacts.getStatuses>.
pub(super) fn get_statuses(
    context: &mut Context<'_>,
    _: functions::contacts::GetStatuses,
) -> Answer<Vec<enums::ContactStatus>> {
    let mut statuses = Vec::new();
    for contact in contacts::of_owner(context.db, context.me)? {
        if let Some(user) = users::find(context.db, contact.user)?.filter(|user| !user.bot) {
            let status = view::status(&user, context.now);
            statuses.push(types::ContactStatus { user_id: user.id, status }.into());
        }
    }
    Ok(statuses)
}

/// contacts.importContacts: <https://core.telegram.org/method/contacts.importContacts>. Numbers nobody has are passed over.
pub(super) fn import_contacts(
    context: &mut Context<'_>,
    call: functions::contacts::ImportContacts,
) -> Answer<enums::contacts::ImportedContacts> {
    let mut imported = Vec::new();
    let mut people = Peers::default();
    let mut retry_contacts = Vec::new();
    for (n, enums::InputContact::InputPhoneContact(given)) in call.contacts.into_iter().enumerate() {
        if n >= IMPORTED_MAX {
            retry_contacts.push(given.client_id);
            continue;
        }
        let Some(user) = users::by_phone(context.db, &digits(&given.phone))? else { continue };
        put(context, &user, &given.first_name, &given.last_name)?;
        people.add(Peer::User(user.id));
        imported.push(types::ImportedContact { user_id: user.id, client_id: given.client_id }.into());
    }
    let (users, _) = people.render(context, context.me)?;
    Ok(types::contacts::ImportedContacts { imported, popular_invites: Vec::new(), retry_contacts, users }.into())
}

/// contacts.addContact: <https://core.telegram.org/method/contacts.addContact>.
pub(super) fn add_contact(context: &mut Context<'_>, call: functions::contacts::AddContact) -> Answer<enums::Updates> {
    let user = named::user(context, &call.id)?;
    if user.id == context.me {
        return Err(bad_request("CONTACT_ID_INVALID"));
    }
    put(context, &user, &call.first_name, &call.last_name)?;
    settings_changed(context, &[user.id])
}

/// contacts.deleteContacts: <https://core.telegram.org/method/contacts.deleteContacts>.
pub(super) fn delete_contacts(
    context: &mut Context<'_>,
    call: functions::contacts::DeleteContacts,
) -> Answer<enums::Updates> {
    let mut gone = Vec::new();
    for input in call.id.iter().take(IMPORTED_MAX) {
        let user = named::user(context, input)?;
        contacts::remove(context.db, context.me, user.id)?;
        gone.push(user.id);
    }
    settings_changed(context, &gone)
}

/// contacts.deleteByPhones: <https://core.telegram.org/method/contacts.deleteByPhones>.
pub(super) fn delete_by_phones(context: &mut Context<'_>, call: functions::contacts::DeleteByPhones) -> Answer<bool> {
    let mut gone = Vec::new();
    for phone in call.phones.iter().take(IMPORTED_MAX) {
        if let Some(user) = users::by_phone(context.db, &digits(phone))? {
            contacts::remove(context.db, context.me, user.id)?;
            gone.push(user.id);
        }
    }
    settings_changed(context, &gone)?;
    Ok(true)
}

/// contacts.resolveUsername: <https://core.telegram.org/method/contacts.resolveUsername>.
pub(super) fn resolve_username(
    context: &mut Context<'_>,
    call: functions::contacts::ResolveUsername,
) -> Answer<enums::contacts::ResolvedPeer> {
    let username = call.username.trim().trim_start_matches('@');
    if !super::names::is_username(username) {
        return Err(bad_request("USERNAME_INVALID"));
    }
    if let Some(channel) = channels::by_username(context.db, username)? {
        let (users, chats) = Peers::default().with(channel.peer()).render(context, context.me)?;
        return Ok(types::contacts::ResolvedPeer { peer: to_tl(channel.peer()), chats, users }.into());
    }
    let user = users::by_username(context.db, username)?.ok_or_else(|| bad_request("USERNAME_NOT_OCCUPIED"))?;
    resolved(context, &user)
}

/// contacts.resolvePhone: <https://core.telegram.org/method/contacts.resolvePhone>.
pub(super) fn resolve_phone(
    context: &mut Context<'_>,
    call: functions::contacts::ResolvePhone,
) -> Answer<enums::contacts::ResolvedPeer> {
    let user = users::by_phone(context.db, &digits(&call.phone))?;
    resolved(context, &user.ok_or_else(|| bad_request("PHONE_NOT_OCCUPIED"))?)
}

/// contacts.search: <https://core.telegram.org/method/contacts.search>. Known users come first.
pub(super) fn search(context: &mut Context<'_>, call: functions::contacts::Search) -> Answer<enums::contacts::Found> {
    let query = call.q.trim().trim_start_matches('@');
    if query.is_empty() {
        return Err(bad_request("SEARCH_QUERY_EMPTY"));
    }
    if query.chars().count() < QUERY_MIN_CHARS {
        return Err(bad_request("QUERY_TOO_SHORT"));
    }
    let (mut my_results, mut results) = (Vec::new(), Vec::new());
    let mut people = Peers::default();
    let limit = i64::from(call.limit).clamp(0, FOUND_MAX);
    for channel in channels::search(context.db, context.me, query, limit)? {
        let peer = channel.peer();
        let member = members::find(context.db, channel.id, context.me)?;
        let mine = member.is_some_and(|member| member.standing == Standing::Member);
        (if mine { &mut my_results } else { &mut results }).push(to_tl(peer));
        people.add(peer);
    }
    for user in users::search(context.db, query, limit)? {
        let peer = Peer::User(user.id);
        let known = contacts::find(context.db, context.me, user.id)?.is_some()
            || dialogs::find(context.db, context.me, peer)?.is_some();
        if known {
            my_results.push(to_tl(peer));
        } else if user.username.is_some() {
            results.push(to_tl(peer));
        } else {
            continue;
        }
        people.add(peer);
    }
    let (users, chats) = people.render(context, context.me)?;
    Ok(types::contacts::Found { my_results, results, chats, users }.into())
}

/// contacts.getTopPeers: <https://core.telegram.org/method/contacts.getTopPeers>; not kept.
pub(super) fn get_top_peers(
    _: &mut Context<'_>,
    _: functions::contacts::GetTopPeers,
) -> Answer<enums::contacts::TopPeers> {
    Ok(enums::contacts::TopPeers::Disabled)
}

/// contacts.block: <https://core.telegram.org/method/contacts.block>.
pub(super) fn block(context: &mut Context<'_>, call: functions::contacts::Block) -> Answer<bool> {
    let user = other_user(context, &call.id)?;
    if contacts::block(context.db, context.me, user)? {
        blocked_changed(context, user, true)?;
    }
    Ok(true)
}

/// contacts.unblock: <https://core.telegram.org/method/contacts.unblock>.
pub(super) fn unblock(context: &mut Context<'_>, call: functions::contacts::Unblock) -> Answer<bool> {
    let user = other_user(context, &call.id)?;
    if contacts::unblock(context.db, context.me, user)? {
        blocked_changed(context, user, false)?;
    }
    Ok(true)
}

/// contacts.getBlocked: <https://core.telegram.org/method/contacts.getBlocked>.
pub(super) fn get_blocked(
    context: &mut Context<'_>,
    call: functions::contacts::GetBlocked,
) -> Answer<enums::contacts::Blocked> {
    let (offset, limit) = (i64::from(call.offset).max(0), i64::from(call.limit).clamp(0, 2 * FOUND_MAX));
    let (page, count) = contacts::blocked(context.db, context.me, offset, limit)?;
    let (users, chats) = Peers::default().with_users(page.iter().map(|(user, _)| *user)).render(context, context.me)?;
    let blocked: Vec<enums::PeerBlocked> = page
        .iter()
        .map(|(user, date)| types::PeerBlocked { peer_id: to_tl(Peer::User(*user)), date: *date }.into())
        .collect();
    if i32::try_from(blocked.len()).is_ok_and(|length| length == count) {
        return Ok(types::contacts::Blocked { blocked, chats, users }.into());
    }
    Ok(types::contacts::BlockedSlice { count, blocked, chats, users }.into())
}

fn resolved(context: &Context<'_>, user: &User) -> Answer<enums::contacts::ResolvedPeer> {
    let users = vec![view::user(context, context.me, user)?];
    Ok(types::contacts::ResolvedPeer { peer: to_tl(Peer::User(user.id)), chats: Vec::new(), users }.into())
}

fn put(context: &Context<'_>, user: &User, first_name: &str, last_name: &str) -> Answer<()> {
    if user.id == context.me {
        return Ok(());
    }
    let first_name = checked_first_name(first_name).map_err(|_| bad_request("CONTACT_NAME_EMPTY"))?;
    let last_name = checked_last_name(last_name)?;
    contacts::put(context.db, context.me, user.id, first_name, last_name)?;
    Ok(())
}

/// Tells the caller's sessions how the chats with these users look now: the caller's answer.
fn settings_changed(context: &mut Context<'_>, changed: &[i64]) -> Answer<enums::Updates> {
    let mut updates = Vec::new();
    for id in changed {
        let peer = Peer::User(*id);
        let settings = view::peer_settings(context, peer)?;
        updates.push(enums::Update::from(types::UpdatePeerSettings { peer: to_tl(peer), settings }));
    }
    let people = Peers::default().with_users(changed.iter().copied());
    context.push(context.me, updates.clone(), &people)?;
    context.updates(context.me, updates, &people)
}

fn other_user(context: &Context<'_>, input: &enums::InputPeer) -> Answer<i64> {
    match named::peer(context, input)? {
        Peer::User(id) if id != context.me => Ok(id),
        _ => Err(bad_request("CONTACT_ID_INVALID")),
    }
}

fn blocked_changed(context: &mut Context<'_>, user: i64, blocked: bool) -> Answer<()> {
    let peer = Peer::User(user);
    let update = types::UpdatePeerBlocked { blocked, blocked_my_stories_from: false, peer_id: to_tl(peer) };
    context.push(context.me, vec![update.into()], &Peers::default().with(peer))
}
