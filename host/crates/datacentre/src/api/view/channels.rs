//! Channels and their members as TL objects, as one viewer may see them.
//!
//! Invariant: only constructors that are the same in layers 229 and 230; who may not look into a channel sees that it is
//! forbidden.

use grammers_tl_types as tl;
use tl::{Serializable, enums, types};

use super::{files, to_tl};
use crate::api::access::{self, Access, all_rights};
use crate::api::context::Context;
use crate::api::error::Answer;
use crate::api::stored_tl::stored;
use crate::model::Peer;
use crate::model::channels::Channel;
use crate::model::members::{Member, Standing};

/// The channel with this id, as `viewer` sees it.
pub(in crate::api) fn channel(context: &Context<'_>, viewer: i64, id: i64) -> Answer<enums::Chat> {
    let Some(access) = access::of_user(context, id, viewer)? else { return Ok(types::ChatEmpty { id }.into()) };
    let access_hash = context.model.channel_access_hash(viewer, id);
    if !access.may_read() {
        return Ok(closed(&access, access_hash));
    }
    Ok(open(&access, access_hash, files::chat_photo(context, access.channel.peer())?))
}

fn open(access: &Access, access_hash: i64, photo: enums::ChatPhoto) -> enums::Chat {
    let channel = &access.channel;
    let mut tl = tl_blank::channel(channel.id, channel.title.clone(), photo, channel.date);
    tl.creator = access.is_creator();
    tl.left = !access.is_member();
    tl.broadcast = channel.broadcast;
    tl.megagroup = !channel.broadcast;
    tl.signatures = channel.signatures;
    tl.forum = channel.forum;
    tl.access_hash = Some(access_hash);
    tl.username = channel.username.clone();
    tl.admin_rights = access.admin_rights().map(Into::into);
    tl.banned_rights = access.banned_rights().map(Into::into);
    tl.default_banned_rights = (!channel.broadcast).then(|| access.default_banned_rights().into());
    tl.participants_count = Some(channel.members);
    tl.into()
}

fn closed(access: &Access, access_hash: i64) -> enums::Chat {
    let Channel { id, broadcast, ref title, .. } = access.channel;
    let until_date = access.member.as_ref().filter(|_| access.is_banned()).map(|member| member.banned_until);
    types::ChannelForbidden {
        broadcast,
        megagroup: !broadcast,
        monoforum: false,
        id,
        access_hash,
        title: title.clone(),
        until_date: until_date.filter(|until| *until > 0),
    }
    .into()
}

/// A member of the viewer's channel: <https://core.telegram.org/type/ChannelParticipant>.
pub(in crate::api) fn participant(viewer: &Access, member: &Member) -> enums::ChannelParticipant {
    let (user_id, date) = (member.user, member.date);
    let is_self = user_id == viewer.user;
    if viewer.channel.creator == user_id {
        let admin_rights = all_rights(viewer.channel.broadcast).into();
        return types::ChannelParticipantCreator { user_id, admin_rights, rank: member.rank.clone() }.into();
    }
    if let Some(banned_rights) = stored(&member.banned_rights) {
        let left = member.standing != Standing::Member;
        let peer = to_tl(Peer::User(user_id));
        let kicked_by = member.banned_by;
        return types::ChannelParticipantBanned { left, peer, kicked_by, date, banned_rights, rank: None }.into();
    }
    if let Some(admin_rights) = stored(&member.admin_rights) {
        return types::ChannelParticipantAdmin {
            can_edit: may_edit_admin(viewer, member),
            is_self,
            user_id,
            inviter_id: is_self.then_some(member.inviter),
            promoted_by: member.promoted_by,
            date,
            admin_rights,
            rank: member.rank.clone(),
        }
        .into();
    }
    if is_self {
        let via_request = member.via_request;
        let inviter_id = member.inviter;
        return types::ChannelParticipantSelf {
            via_request,
            user_id,
            inviter_id,
            date,
            subscription_until_date: None,
            rank: None,
        }
        .into();
    }
    types::ChannelParticipant { user_id, date, subscription_until_date: None, rank: None }.into()
}

/// Whether the viewer may change this administrator's rights: the creator, and who made them one.
pub(in crate::api) fn may_edit_admin(viewer: &Access, admin: &Member) -> bool {
    let promoted = admin.promoted_by == viewer.user && viewer.has(|rights| rights.add_admins);
    viewer.is_creator() || promoted
}

/// What ordinary members of a new supergroup may not do.
pub(in crate::api) fn new_banned_rights() -> Vec<u8> {
    let mut rights = tl_blank::chat_banned_rights(i32::MAX);
    rights.change_info = true;
    rights.pin_messages = true;
    enums::ChatBannedRights::from(rights).to_bytes()
}
