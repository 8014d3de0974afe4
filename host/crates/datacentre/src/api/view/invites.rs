//! Invite links as TL objects.
//!
//! Invariant: a link is shown to who may see it, which is the caller's to know.

use grammers_tl_types::enums;

use crate::model::invites::Invite;

/// A link as its administrators see it.
pub(in crate::api) fn exported(invite: &Invite) -> enums::ExportedChatInvite {
    let mut tl = tl_blank::chat_invite_exported(link(&invite.hash), invite.admin, invite.date);
    tl.revoked = invite.revoked;
    tl.permanent = invite.permanent;
    tl.request_needed = invite.request_needed;
    tl.expire_date = invite.expires;
    tl.usage_limit = invite.usage_limit;
    tl.usage = Some(invite.usage).filter(|usage| *usage > 0);
    tl.requested = Some(invite.requested).filter(|requested| *requested > 0);
    tl.title = invite.title.clone();
    tl.into()
}

fn link(hash: &str) -> String {
    format!("https://t.me/+{hash}")
}
