//! Which updates have a position in a sequence of the server's, and in which:
//! <https://core.telegram.org/api/updates#message-related-event-sequences>.

use grammers_tl_types as tl;
use tl::enums;

/// The position of an update in the account's sequences.
pub(super) enum UpdatePosition {
    None,
    Pts { pts: i32, count: i32 },
    Qts(i32),
}

/// Where an update stands in the account's sequences. Channels' updates have a pts of their own channel's instead.
pub(super) fn in_account(update: &enums::Update) -> UpdatePosition {
    use enums::Update as U;
    let pts = |pts: i32, count: i32| UpdatePosition::Pts { pts, count };
    match update {
        U::NewMessage(u) => pts(u.pts, u.pts_count),
        U::EditMessage(u) => pts(u.pts, u.pts_count),
        U::DeleteMessages(u) => pts(u.pts, u.pts_count),
        U::ReadHistoryInbox(u) => pts(u.pts, u.pts_count),
        U::ReadHistoryOutbox(u) => pts(u.pts, u.pts_count),
        U::WebPage(u) => pts(u.pts, u.pts_count),
        U::ReadMessagesContents(u) => pts(u.pts, u.pts_count),
        U::FolderPeers(u) => pts(u.pts, u.pts_count),
        U::PinnedMessages(u) => pts(u.pts, u.pts_count),
        U::NewEncryptedMessage(u) => UpdatePosition::Qts(u.qts),
        U::MessagePollVote(u) => UpdatePosition::Qts(u.qts),
        U::ChatParticipant(u) => UpdatePosition::Qts(u.qts),
        U::ChannelParticipant(u) => UpdatePosition::Qts(u.qts),
        U::BotStopped(u) => UpdatePosition::Qts(u.qts),
        U::BotChatInviteRequester(u) => UpdatePosition::Qts(u.qts),
        U::BotChatBoost(u) => UpdatePosition::Qts(u.qts),
        U::BotMessageReaction(u) => UpdatePosition::Qts(u.qts),
        U::BotMessageReactions(u) => UpdatePosition::Qts(u.qts),
        U::BotBusinessConnect(u) => UpdatePosition::Qts(u.qts),
        U::BotNewBusinessMessage(u) => UpdatePosition::Qts(u.qts),
        U::BotEditBusinessMessage(u) => UpdatePosition::Qts(u.qts),
        U::BotDeleteBusinessMessage(u) => UpdatePosition::Qts(u.qts),
        U::BotPurchasedPaidMedia(u) => UpdatePosition::Qts(u.qts),
        U::ManagedBot(u) => UpdatePosition::Qts(u.qts),
        U::BotGuestChatQuery(u) => UpdatePosition::Qts(u.qts),
        U::BotStarsSubscription(u) => UpdatePosition::Qts(u.qts),
        _ => UpdatePosition::None,
    }
}

/// The channel in whose sequence an update stands, and where.
pub(super) fn in_channel(update: &enums::Update) -> Option<(i64, UpdatePosition)> {
    use enums::Update as U;
    let (channel_id, pts, count) = match update {
        U::NewChannelMessage(u) => (channel_of(&u.message)?, u.pts, u.pts_count),
        U::EditChannelMessage(u) => (channel_of(&u.message)?, u.pts, u.pts_count),
        U::DeleteChannelMessages(u) => (u.channel_id, u.pts, u.pts_count),
        U::PinnedChannelMessages(u) => (u.channel_id, u.pts, u.pts_count),
        U::ChannelWebPage(u) => (u.channel_id, u.pts, u.pts_count),
        _ => return None,
    };
    Some((channel_id, UpdatePosition::Pts { pts, count }))
}

fn channel_of(message: &enums::Message) -> Option<i64> {
    let peer = match message {
        enums::Message::Empty(message) => message.peer_id.as_ref()?,
        enums::Message::Message(message) => &message.peer_id,
        enums::Message::Service(message) => &message.peer_id,
    };
    match peer {
        enums::Peer::Channel(peer) => Some(peer.channel_id),
        _ => None,
    }
}
