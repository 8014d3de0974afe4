//! `users.*`: users as their viewers may see them.
//!
//! Invariant: a user whose access hash is wrong is as unknown as one who does not exist.

use grammers_tl_types as tl;
use tl::{Serializable, enums, functions, types};

use super::context::Context;
use super::error::{Answer, Failure};
use super::named;
use super::stored_tl::stored;
use super::view::{self, Peers};
use crate::model::users::{self, User};
use crate::model::{Peer, chats, contacts, dialogs, members};

/// How many users one request may ask for; more are ignored.
const USERS_MAX: usize = 200;
/// How many common groups are counted.
const COMMON_CHATS_MAX: i64 = 1000;

/// users.getUsers: <https://core.telegram.org/method/users.getUsers>. One for each asked for, in their order.
pub(super) fn get_users(context: &mut Context<'_>, call: functions::users::GetUsers) -> Answer<Vec<enums::User>> {
    let one = |input: &enums::InputUser| match named::user(context, input) {
        Ok(user) => view::user(context, context.me, &user),
        Err(Failure::Rpc(_)) => Ok(types::UserEmpty { id: named_id(input) }.into()),
        Err(other) => Err(other),
    };
    call.id.iter().take(USERS_MAX).map(one).collect()
}

/// users.getFullUser: <https://core.telegram.org/method/users.getFullUser>.
pub(super) fn get_full_user(
    context: &mut Context<'_>,
    call: functions::users::GetFullUser,
) -> Answer<enums::users::UserFull> {
    let user = named::user(context, &call.id)?;
    let (users, chats) = Peers::default().with_user(user.id).render(context, context.me)?;
    Ok(types::users::UserFull { full_user: full(context, &user)?, chats, users }.into())
}

fn full(context: &Context<'_>, user: &User) -> Answer<enums::UserFull> {
    let peer = Peer::User(user.id);
    let settings = view::peer_settings(context, peer)?;
    let notify = view::notify_settings(dialogs::find(context.db, context.me, peer)?.as_ref());
    let common = match user.id {
        id if id == context.me => 0,
        id => {
            chats::common(context.db, context.me, id, 0, COMMON_CHATS_MAX)?.len()
                + members::common(context.db, context.me, id, 0, COMMON_CHATS_MAX)?.len()
        }
    };
    let common = i32::try_from(common).unwrap_or(i32::MAX);
    let mut tl = tl_blank::user_full(user.id, settings, notify, common);
    tl.about = Some(user.about.clone()).filter(|about| !about.is_empty());
    tl.blocked = contacts::is_blocked(context.db, context.me, user.id)?;
    tl.can_pin_message = true;
    tl.profile_photo = view::files::full_photo(context, peer)?;
    tl.bot_info = if user.bot { Some(bot_info(context, user.id)?) } else { None };
    Ok(tl.into())
}

/// What a bot says of itself.
pub(super) fn bot_info(context: &Context<'_>, bot: i64) -> Answer<enums::BotInfo> {
    let mut info = tl_blank::bot_info();
    info.user_id = Some(bot);
    let scope = enums::BotCommandScope::Default.to_bytes();
    info.commands = stored(&users::bot_commands(context.db, bot, &scope, "")?);
    info.menu_button = Some(enums::BotMenuButton::Default);
    Ok(info.into())
}

fn named_id(input: &enums::InputUser) -> i64 {
    match input {
        enums::InputUser::User(user) => user.user_id,
        enums::InputUser::FromMessage(seen) => seen.user_id,
        enums::InputUser::UserSelf | enums::InputUser::Empty => 0,
    }
}
