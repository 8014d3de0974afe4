//! Invite links and join requests, of basic groups and of channels alike: <https://core.telegram.org/api/invites>.
//!
//! Invariant: only who may invite sees or changes links and requests; a link leads in only while it is open.

pub(super) mod join;
pub(super) mod links;
pub(super) mod requests;

use grammers_tl_types as tl;
use tl::enums;

use super::view::invites::exported;
use super::{access, named};
use crate::api::access::{Access, manages};
use crate::api::context::Context;
use crate::api::error::{Answer, bad_request};
use crate::model::chats::{self, Chat};
use crate::model::members::{self, Kind};
use crate::model::{Peer, invites};

/// How many of those who ask to be let in are named with their number.
const RECENT_MAX: usize = 5;
/// How many administrators are told of a request.
const ADMINS_TOLD_MAX: i64 = 100;

/// What links lead to.
enum Target {
    Chat(Chat),
    Channel(Box<Access>),
}

impl Target {
    fn peer(&self) -> Peer {
        match self {
            Target::Chat(chat) => Peer::Chat(chat.id),
            Target::Channel(access) => access.channel.peer(),
        }
    }

    fn is_member(&self, context: &Context<'_>) -> Answer<bool> {
        match self {
            Target::Chat(chat) => access::is_member(context, chat.id, context.me),
            Target::Channel(access) => Ok(access.is_member()),
        }
    }

    /// The user who made it: link owners and administrators are managed by them.
    fn creator(&self) -> i64 {
        match self {
            Target::Chat(chat) => chat.creator,
            Target::Channel(access) => access.channel.creator,
        }
    }
}

/// The group or channel the peer names, for whose links and requests the caller may care.
fn managed(context: &Context<'_>, input: &enums::InputPeer) -> Answer<Target> {
    match named::peer(context, input)? {
        Peer::Chat(id) => {
            let chat = named::own_chat(context, id)?;
            let may = manages(context, &chat)?;
            if may { Ok(Target::Chat(chat)) } else { Err(bad_request("CHAT_ADMIN_REQUIRED")) }
        }
        Peer::Channel(id) => {
            let access = named::channel_of_caller(context, id)?;
            access.require(|rights| rights.invite_users)?;
            Ok(Target::Channel(Box::new(access)))
        }
        Peer::User(_) => Err(bad_request("PEER_ID_INVALID")),
    }
}

/// What a link leads to, as the caller stands to it.
fn target(context: &Context<'_>, peer: Peer) -> Answer<Target> {
    let gone = || bad_request("INVITE_HASH_EXPIRED");
    match peer {
        Peer::Chat(id) => {
            Ok(Target::Chat(chats::find(context.db, id)?.filter(|chat| !chat.deactivated).ok_or_else(gone)?))
        }
        Peer::Channel(id) => {
            let access = access::of_user(context, id, context.me)?.filter(|access| !access.channel.deleted);
            Ok(Target::Channel(Box::new(access.ok_or_else(gone)?)))
        }
        Peer::User(_) => Err(gone()),
    }
}

/// The caller's main link to this peer, as the full group or channel shows it.
pub(super) fn main_link(context: &Context<'_>, peer: Peer) -> Answer<Option<enums::ExportedChatInvite>> {
    Ok(invites::permanent(context.db, peer, context.me)?.as_ref().map(exported))
}

/// How many ask to be let in, and the latest of them.
pub(super) fn pending(context: &Context<'_>, peer: Peer) -> Answer<(i32, Vec<i64>)> {
    let requests = invites::requests(context.db, peer, None)?;
    let count = i32::try_from(requests.len()).unwrap_or(i32::MAX);
    Ok((count, requests.iter().take(RECENT_MAX).map(|request| request.user).collect()))
}

/// Those who may let others in.
fn gatekeepers(context: &Context<'_>, target: &Target) -> Answer<Vec<i64>> {
    match target {
        Target::Chat(chat) => {
            let members = chats::members(context.db, chat.id)?.into_iter();
            Ok(members.filter(|member| member.admin || member.user == chat.creator).map(|member| member.user).collect())
        }
        Target::Channel(of) => {
            let mut may = Vec::new();
            for admin in members::page(context.db, of.channel.id, Kind::Admins, "", 0, ADMINS_TOLD_MAX)?.0 {
                let access = Access { channel: of.channel.clone(), user: admin.user, member: Some(admin) };
                if access.has(|rights| rights.invite_users) {
                    may.push(access.user);
                }
            }
            Ok(may)
        }
    }
}

/// The hash in a link, which may also be given alone.
fn hash_of(link: &str) -> &str {
    let after = |mark: &str| link.rfind(mark).map(|at| &link[at + mark.len()..]);
    after("joinchat/").or_else(|| after("+")).unwrap_or(link)
}
