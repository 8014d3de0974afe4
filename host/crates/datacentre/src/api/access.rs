//! What a user may do in a channel, and in a basic group: <https://core.telegram.org/api/rights>.
//!
//! Invariant: the creator may do all; an administrator what the administrator's rights say; all others what neither
//! their own nor everyone's bans forbid.

use grammers_tl_types as tl;
use tl::{enums, types};

use super::context::Context;
use super::error::{Answer, bad_request, forbidden};
use super::stored_tl::stored;
use crate::model::channels::{self, Channel};
use crate::model::chats::{self, Chat};
use crate::model::contacts;
use crate::model::members::{self, Member, Standing};
use crate::model::users::User;

/// One right of an administrator.
pub(in crate::api) type AdminRight = fn(&types::ChatAdminRights) -> bool;
/// One thing ordinary members may be banned from.
pub(in crate::api) type Banned = fn(&types::ChatBannedRights) -> bool;

/// A channel and how one user stands to it.
#[derive(Clone, Debug)]
pub(in crate::api) struct Access {
    pub(in crate::api) channel: Channel,
    pub(in crate::api) user: i64,
    pub(in crate::api) member: Option<Member>,
}

/// How this user stands to this channel; none if there is no such channel.
pub(in crate::api) fn of_user(context: &Context<'_>, id: i64, user: i64) -> Answer<Option<Access>> {
    let Some(channel) = channels::find(context.db, id)? else { return Ok(None) };
    let member = members::find(context.db, id, user)?;
    Ok(Some(Access { channel, user, member }))
}

impl Access {
    pub(in crate::api) fn is_creator(&self) -> bool {
        self.channel.creator == self.user
    }

    /// Is in the channel now.
    pub(in crate::api) fn is_member(&self) -> bool {
        self.has_standing(Standing::Member)
    }

    /// May not come in.
    pub(in crate::api) fn is_banned(&self) -> bool {
        self.has_standing(Standing::Banned)
    }

    fn has_standing(&self, standing: Standing) -> bool {
        self.member.as_ref().is_some_and(|member| member.standing == standing)
    }

    /// May see what is in the channel: members may, and anyone in a public one, unless banned.
    pub(in crate::api) fn may_read(&self) -> bool {
        !self.channel.deleted && (self.is_member() || (self.channel.username.is_some() && !self.is_banned()))
    }

    pub(in crate::api) fn check_may_read(&self) -> Answer<()> {
        if self.may_read() { Ok(()) } else { Err(bad_request("CHANNEL_PRIVATE")) }
    }

    /// The rights of an administrator; none for all others.
    pub(in crate::api) fn admin_rights(&self) -> Option<types::ChatAdminRights> {
        if !self.is_member() {
            return None;
        }
        if self.is_creator() {
            return Some(all_rights(self.channel.broadcast));
        }
        let enums::ChatAdminRights::Rights(rights) = stored(&self.member.as_ref()?.admin_rights)?;
        Some(rights)
    }

    /// What this member alone may not do.
    pub(in crate::api) fn banned_rights(&self) -> Option<types::ChatBannedRights> {
        let enums::ChatBannedRights::Rights(rights) = stored(&self.member.as_ref()?.banned_rights)?;
        Some(rights)
    }

    /// What no ordinary member may do.
    pub(in crate::api) fn default_banned_rights(&self) -> types::ChatBannedRights {
        match stored(&Some(self.channel.banned_rights.clone())) {
            Some(enums::ChatBannedRights::Rights(rights)) => rights,
            None => tl_blank::chat_banned_rights(i32::MAX),
        }
    }

    /// Is an administrator with this right.
    pub(in crate::api) fn has(&self, right: AdminRight) -> bool {
        self.admin_rights().is_some_and(|rights| right(&rights))
    }

    /// Refuses who is not an administrator with this right.
    pub(in crate::api) fn require(&self, right: AdminRight) -> Answer<()> {
        if self.has(right) { Ok(()) } else { Err(bad_request("CHAT_ADMIN_REQUIRED")) }
    }

    /// Refuses who is not the creator.
    pub(in crate::api) fn require_creator(&self) -> Answer<()> {
        if self.is_creator() { Ok(()) } else { Err(bad_request("CHAT_ADMIN_REQUIRED")) }
    }

    /// Refuses who has neither the administrator's right nor, as an ordinary member of a supergroup, the freedom.
    pub(in crate::api) fn require_unless_free(&self, right: AdminRight, banned: Banned) -> Answer<()> {
        let free = !self.channel.broadcast
            && self.is_member()
            && !banned(&self.default_banned_rights())
            && !self.banned_rights().is_some_and(|rights| banned(&rights));
        if free { Ok(()) } else { self.require(right) }
    }

    /// Refuses who may not write: <https://core.telegram.org/method/messages.sendMessage>.
    pub(in crate::api) fn check_may_write(&self) -> Answer<()> {
        if self.channel.broadcast {
            let may = self.has(|rights| rights.post_messages);
            return if may { Ok(()) } else { Err(forbidden("CHAT_WRITE_FORBIDDEN")) };
        }
        if self.admin_rights().is_some() {
            return Ok(());
        }
        let silenced = |rights: &types::ChatBannedRights| rights.send_messages || rights.send_plain;
        if self.banned_rights().is_some_and(|rights| silenced(&rights)) {
            return Err(bad_request("USER_BANNED_IN_CHANNEL"));
        }
        if !self.is_member() || silenced(&self.default_banned_rights()) {
            return Err(forbidden("CHAT_WRITE_FORBIDDEN"));
        }
        Ok(())
    }
}

/// A creator's rights.
pub(in crate::api) fn all_rights(broadcast: bool) -> types::ChatAdminRights {
    let mut rights = tl_blank::chat_admin_rights();
    rights.change_info = true;
    rights.post_messages = broadcast;
    rights.edit_messages = broadcast;
    rights.delete_messages = true;
    rights.ban_users = true;
    rights.invite_users = true;
    rights.pin_messages = !broadcast;
    rights.add_admins = true;
    rights.manage_call = true;
    rights.other = true;
    rights
}

/// Whether this user is a member of the group now.
pub(in crate::api) fn is_member(context: &Context<'_>, chat: i64, user: i64) -> Answer<bool> {
    Ok(chats::member(context.db, chat, user)?.is_some_and(|member| member.standing == chats::Standing::Member))
}

/// Whether the caller is the group's creator or an administrator.
pub(in crate::api) fn manages(context: &Context<'_>, chat: &Chat) -> Answer<bool> {
    let admin = chats::member(context.db, chat.id, context.me)?.is_some_and(|member| member.admin);
    Ok(admin || chat.creator == context.me)
}

/// Those who can be invited, and those who blocked the caller.
pub(in crate::api) fn willing(
    context: &Context<'_>,
    users: Vec<User>,
) -> Answer<(Vec<User>, Vec<enums::MissingInvitee>)> {
    let (mut invited, mut missing) = (Vec::new(), Vec::new());
    for user in users {
        if contacts::is_blocked(context.db, user.id, context.me)? {
            let invitee = types::MissingInvitee {
                premium_would_allow_invite: false,
                premium_required_for_pm: false,
                user_id: user.id,
            };
            missing.push(invitee.into());
        } else {
            invited.push(user);
        }
    }
    Ok((invited, missing))
}
