//! Supergroups and channels.

mod invites;
pub(super) mod links;
mod managing;
mod members;
mod messages;
mod migration;
mod moderation;
mod updates;

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use super::world::{Client, unwrapped};

/// A channel, as one client after the other names it.
#[derive(Clone, Copy)]
pub(super) struct Channel(pub(super) i64);

impl Channel {
    pub(super) fn input(self, client: &Client<'_>) -> enums::InputChannel {
        let access_hash = client.world.model.channel_access_hash(client.me, self.0);
        types::InputChannel { channel_id: self.0, access_hash }.into()
    }

    pub(super) fn peer(self, client: &Client<'_>) -> enums::InputPeer {
        let access_hash = client.world.model.channel_access_hash(client.me, self.0);
        types::InputPeerChannel { channel_id: self.0, access_hash }.into()
    }

    /// How it looks to this client.
    #[track_caller]
    pub(super) fn seen(self, client: &Client<'_>) -> enums::Chat {
        match client.ok(&functions::channels::GetChannels { id: vec![self.input(client)] }) {
            enums::messages::Chats::Chats(mut found) => found.chats.remove(0),
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    pub(super) fn open(self, client: &Client<'_>) -> types::Channel {
        match self.seen(client) {
            enums::Chat::Channel(channel) => channel,
            other => panic!("{other:?}"),
        }
    }

    /// What this client sees written in it, newest first; service messages as their action's name.
    pub(super) fn written(self, client: &Client<'_>) -> Vec<String> {
        let page = client.ok(&super::world::history_request(self.peer(client), 100));
        super::world::messages_of(page).into_iter().map(|message| said(&message)).collect()
    }

    /// Sends text: its id.
    #[track_caller]
    pub(super) fn send(self, client: &Client<'_>, text: &str) -> i32 {
        client.send(self.peer(client), text)
    }

    /// Sends the numbers from 0 on.
    pub(super) fn send_numbers(self, client: &Client<'_>, count: i32) -> Vec<i32> {
        (0..count).map(|n| self.send(client, &n.to_string())).collect()
    }

    /// The error of sending text.
    #[track_caller]
    pub(super) fn refuses(self, client: &Client<'_>) -> String {
        client.err(&client.message(self.peer(client), "x"))
    }

    pub(super) fn invite(self, by: &Client<'_>, others: &[&Client<'_>]) -> functions::channels::InviteToChannel {
        let users = others.iter().map(|other| by.user(other).into()).collect();
        functions::channels::InviteToChannel { channel: self.input(by), users }
    }

    pub(super) fn admin(
        self,
        by: &Client<'_>,
        who: &Client<'_>,
        rights: AdminRights,
    ) -> functions::channels::EditAdmin {
        let admin_rights = rights.into();
        functions::channels::EditAdmin {
            channel: self.input(by),
            user_id: by.user(who).into(),
            admin_rights,
            rank: None,
        }
    }

    pub(super) fn ban(
        self,
        by: &Client<'_>,
        who: &Client<'_>,
        rights: BannedRights,
    ) -> functions::channels::EditBanned {
        let (channel, participant) = (self.input(by), by.peer(who));
        functions::channels::EditBanned { channel, participant, banned_rights: rights.into() }
    }

    pub(super) fn join(self, client: &Client<'_>) -> functions::channels::JoinChannel {
        functions::channels::JoinChannel { channel: self.input(client) }
    }

    pub(super) fn leave(self, client: &Client<'_>) -> functions::channels::LeaveChannel {
        functions::channels::LeaveChannel { channel: self.input(client) }
    }

    pub(super) fn delete(self, client: &Client<'_>, id: Vec<i32>) -> functions::channels::DeleteMessages {
        functions::channels::DeleteMessages { channel: self.input(client), id }
    }

    pub(super) fn username(self, client: &Client<'_>, name: &str) -> functions::channels::UpdateUsername {
        functions::channels::UpdateUsername { channel: self.input(client), username: name.to_owned() }
    }

    /// The members a list with this filter names, in its order.
    #[track_caller]
    pub(super) fn list(self, client: &Client<'_>, filter: Filter) -> Vec<i64> {
        match client.ok(&self.participants(client, filter)) {
            enums::channels::ChannelParticipants::Participants(page) => page.participants.iter().map(user_of).collect(),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn participants(self, client: &Client<'_>, filter: Filter) -> functions::channels::GetParticipants {
        functions::channels::GetParticipants { channel: self.input(client), filter, offset: 0, limit: 200, hash: 0 }
    }
}

pub(super) type Filter = enums::ChannelParticipantsFilter;
pub(super) type AdminRights = types::ChatAdminRights;
pub(super) type BannedRights = types::ChatBannedRights;

/// A new supergroup with these members.
#[track_caller]
pub(super) fn supergroup(creator: &Client<'_>, others: &[&Client<'_>]) -> Channel {
    let channel = created(creator, &create("Friends", false));
    if !others.is_empty() {
        creator.ok(&channel.invite(creator, others));
    }
    channel
}

/// A new broadcast channel that is public under this name.
#[track_caller]
pub(super) fn broadcast(creator: &Client<'_>, username: &str) -> Channel {
    let channel = created(creator, &create("News", true));
    creator.ok(&channel.username(creator, username));
    channel
}

#[track_caller]
pub(super) fn created(creator: &Client<'_>, call: &functions::channels::CreateChannel) -> Channel {
    match creator.ok(call) {
        enums::Updates::Updates(updates) => Channel(updates.chats[0].id()),
        other => panic!("{other:?}"),
    }
}

pub(super) fn create(title: &str, broadcast: bool) -> functions::channels::CreateChannel {
    functions::channels::CreateChannel {
        broadcast,
        megagroup: !broadcast,
        ..tl_blank::create_channel(title.to_owned(), String::new())
    }
}

pub(super) fn no_rights() -> AdminRights {
    tl_blank::chat_admin_rights()
}

pub(super) fn no_ban() -> BannedRights {
    tl_blank::chat_banned_rights(0)
}

/// May not come in.
pub(super) fn out() -> BannedRights {
    BannedRights { view_messages: true, ..no_ban() }
}

/// May not write.
pub(super) fn silence() -> BannedRights {
    BannedRights { send_messages: true, ..no_ban() }
}

/// What a moderator may do.
pub(super) fn moderator() -> AdminRights {
    AdminRights { delete_messages: true, ban_users: true, ..no_rights() }
}

pub(super) fn user_of(participant: &enums::ChannelParticipant) -> i64 {
    use enums::ChannelParticipant as P;
    let of_peer = |peer: &enums::Peer| match peer {
        enums::Peer::User(user) => user.user_id,
        other => panic!("{other:?}"),
    };
    match participant {
        P::Participant(member) => member.user_id,
        P::ParticipantSelf(member) => member.user_id,
        P::Creator(member) => member.user_id,
        P::Admin(member) => member.user_id,
        P::Banned(member) => of_peer(&member.peer),
        P::Left(member) => of_peer(&member.peer),
    }
}

/// A message's text, or its action's name.
pub(super) fn said(message: &enums::Message) -> String {
    match message {
        enums::Message::Message(message) => message.message.clone(),
        enums::Message::Service(service) => action_name(&service.action),
        enums::Message::Empty(_) => "(empty)".to_owned(),
    }
}

fn action_name(action: &enums::MessageAction) -> String {
    let debug = format!("{action:?}");
    format!("({})", debug.split('(').next().unwrap_or_default())
}

/// What a client was told: each update as a short text.
pub(super) fn told(client: &Client<'_>) -> Vec<String> {
    client.pushed().into_iter().flat_map(unwrapped).map(|update| short(&update)).collect()
}

/// An update in short.
pub(super) fn short(update: &enums::Update) -> String {
    use enums::Update as U;
    match update {
        U::NewChannelMessage(new) => format!("new {} pts {}+{}", said(&new.message), new.pts, new.pts_count),
        U::EditChannelMessage(edit) => format!("edit {} pts {}+{}", said(&edit.message), edit.pts, edit.pts_count),
        U::DeleteChannelMessages(gone) => format!("delete {:?} pts {}+{}", gone.messages, gone.pts, gone.pts_count),
        U::ReadChannelInbox(read) => format!("read inbox {} left {}", read.max_id, read.still_unread_count),
        U::ReadChannelOutbox(read) => format!("read outbox {}", read.max_id),
        U::ChannelUserTyping(_) => "typing".to_owned(),
        U::ChannelTooLong(moved) => format!("too long pts {}", moved.pts.unwrap_or(0)),
        U::Channel(_) => "channel".to_owned(),
        U::PendingJoinRequests(pending) => format!("pending {}", pending.requests_pending),
        other => format!("{other:?}").split('(').next().unwrap_or_default().to_owned(),
    }
}
