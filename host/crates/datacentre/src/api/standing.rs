//! What bots hear of participants: who came, left, was banned or made an administrator.
//! <https://core.telegram.org/constructor/updateChannelParticipant>
//!
//! Invariant: of each change hear the bots that are administrators of the group or channel, and the bot whom it is about,
//! whoever made it; each in its own sequence of qts. A group that becomes a supergroup changes nobody's standing.

use grammers_tl_types as tl;
use tl::{Serializable, enums, types};

use super::access;
use super::context::Context;
use super::error::Answer;
use super::view::updates::add_participants;
use super::view::{self, Peers};
use crate::model::invites::Invite;
use crate::model::{chats, members, qts, users};

/// A change of how a user stands to a group or channel, under way.
pub(super) struct Change {
    user: i64,
    before: Before,
}

/// How the user stood to it, by its id.
enum Before {
    Chat(i64, Option<chats::Member>),
    Channel(i64, Option<members::Member>),
}

impl Change {
    /// Remembers how the user stands to the basic group before that changes.
    pub(super) fn in_chat(context: &Context<'_>, chat: i64, user: i64) -> Answer<Change> {
        Ok(Change { user, before: Before::Chat(chat, chats::member(context.db, chat, user)?) })
    }

    /// The same of a channel.
    pub(super) fn in_channel(context: &Context<'_>, channel: i64, user: i64) -> Answer<Change> {
        Ok(Change { user, before: Before::Channel(channel, members::find(context.db, channel, user)?) })
    }

    /// Tells of the change, now that it is made; with the link by which the user came.
    pub(super) fn tell(self, context: &mut Context<'_>, invite: Option<&Invite>) -> Answer<()> {
        match self.before {
            Before::Chat(chat, before) => tell_in_chat(context, chat, self.user, before, invite),
            Before::Channel(channel, before) => tell_in_channel(context, channel, self.user, before, invite),
        }
    }
}

fn tell_in_chat(
    context: &mut Context<'_>,
    id: i64,
    user_id: i64,
    before: Option<chats::Member>,
    invite: Option<&Invite>,
) -> Answer<()> {
    let Some(chat) = chats::find(context.db, id)? else { return Ok(()) };
    let after = chats::member(context.db, id, user_id)?;
    let [prev_participant, new_participant] = [before, after].map(|member| {
        let member = member.filter(|member| member.standing == chats::Standing::Member)?;
        Some(view::participant(&chat, &member))
    });
    if prev_participant == new_participant {
        return Ok(());
    }
    let (date, actor_id) = (context.now, context.me);
    for bot in told(context, chats::admin_bots(context.db, id)?, user_id)? {
        let (prev_participant, new_participant) = (prev_participant.clone(), new_participant.clone());
        let invite = invite.map(view::invites::exported);
        let chat_id = id;
        send(context, bot, |qts| {
            types::UpdateChatParticipant {
                chat_id,
                date,
                actor_id,
                user_id,
                prev_participant,
                new_participant,
                invite,
                qts,
            }
            .into()
        })?;
    }
    Ok(())
}

fn tell_in_channel(
    context: &mut Context<'_>,
    channel_id: i64,
    user_id: i64,
    before: Option<members::Member>,
    invite: Option<&Invite>,
) -> Answer<()> {
    let after = members::find(context.db, channel_id, user_id)?;
    let (date, actor_id) = (context.now, context.me);
    for bot in told(context, members::admin_bots(context.db, channel_id)?, user_id)? {
        let Some(viewer) = access::of_user(context, channel_id, bot)? else { continue };
        let [prev_participant, new_participant] = [&before, &after].map(|member| {
            let is_shown = |member: &&members::Member| member.is_shown();
            Some(view::channels::participant(&viewer, member.as_ref().filter(is_shown)?))
        });
        if prev_participant == new_participant {
            continue;
        }
        let invite = invite.map(view::invites::exported);
        send(context, bot, |qts| {
            types::UpdateChannelParticipant {
                via_chatlist: false,
                channel_id,
                date,
                actor_id,
                user_id,
                prev_participant,
                new_participant,
                invite,
                qts,
            }
            .into()
        })?;
    }
    Ok(())
}

/// The bots that hear of a change of this user: the administrators, and the user.
fn told(context: &Context<'_>, mut admin_bots: Vec<i64>, user: i64) -> Answer<Vec<i64>> {
    if !admin_bots.contains(&user) && users::find(context.db, user)?.is_some_and(|user| user.bot) {
        admin_bots.push(user);
    }
    Ok(admin_bots)
}

/// Logs and pushes the bot's next update, made with its qts.
fn send(context: &mut Context<'_>, bot: i64, update: impl FnOnce(i32) -> enums::Update) -> Answer<()> {
    let qts = qts::now(context.db, bot)? + 1;
    let update = update(qts);
    qts::append(context.db, bot, qts, &update.to_bytes())?;
    let mut people = Peers::default();
    add_participants(&mut people, &update);
    context.push_here_too(bot, vec![update], &people)
}
