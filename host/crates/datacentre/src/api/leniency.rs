//! Where Telegram takes an `InputPeer` for an `InputUser` or `InputChannel`: both have the same fields in the same order,
//! and clients (Pyrogram and its kin) rely on it.
//!
//! Invariant: only what does not parse as it stands is read this way.

use grammers_tl_types::{Identifiable as _, types};

/// A peer's constructor, and the one that is meant in its place.
type Meant = (u32, u32);

const CHANNELS: [Meant; 1] = [(types::InputPeerChannel::CONSTRUCTOR_ID, types::InputChannel::CONSTRUCTOR_ID)];
const USERS: [Meant; 3] = [
    (types::InputPeerSelf::CONSTRUCTOR_ID, types::InputUserSelf::CONSTRUCTOR_ID),
    (types::InputPeerUser::CONSTRUCTOR_ID, types::InputUser::CONSTRUCTOR_ID),
    (types::InputPeerUserFromMessage::CONSTRUCTOR_ID, types::InputUserFromMessage::CONSTRUCTOR_ID),
];

/// The request as it may be meant: with every peer that could be a channel turned into one, then every one that could be
/// a user, then both.
pub(super) fn as_meant(request: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    [&CHANNELS[..], &USERS[..], &[CHANNELS[0], USERS[0], USERS[1], USERS[2]][..]]
        .map(|meant| replaced(request, meant))
        .into_iter()
}

fn replaced(request: &[u8], meant: &[Meant]) -> Vec<u8> {
    let (words, rest) = request.as_chunks::<4>();
    let words = words.iter().flat_map(|word| {
        let id = u32::from_le_bytes(*word);
        meant.iter().find(|(peer, _)| *peer == id).map_or(id, |(_, meant)| *meant).to_le_bytes()
    });
    words.chain(rest.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use grammers_tl_types::{Serializable as _, enums, functions};

    use super::*;

    #[test]
    fn peers_become_the_users_and_channels_they_are() {
        let user = |user_id| types::InputPeerUser { user_id, access_hash: 2 };
        let channel = types::InputPeerChannel { channel_id: 3, access_hash: 4 };
        let meant = types::InputChannel { channel_id: 3, access_hash: 4 };
        let channel_and_user =
            functions::channels::GetParticipant { channel: meant.clone().into(), participant: user(1).into() };
        let channel_and_users = functions::channels::InviteToChannel {
            channel: meant.into(),
            users: vec![enums::InputUser::UserSelf, types::InputUser { user_id: 1, access_hash: 2 }.into()],
        };
        let of_peers = |method: u32, rest: &[u8]| {
            let mut bytes = method.to_bytes();
            enums::InputPeer::from(channel.clone()).serialize(&mut bytes);
            bytes.extend(rest);
            bytes
        };
        let one = enums::InputPeer::from(user(1)).to_bytes();
        let many = vec![enums::InputPeer::PeerSelf, user(1).into()].to_bytes();
        let request = of_peers(functions::channels::GetParticipant::CONSTRUCTOR_ID, &one);
        assert!(as_meant(&request).any(|read| read == channel_and_user.to_bytes()));
        let request = of_peers(functions::channels::InviteToChannel::CONSTRUCTOR_ID, &many);
        assert!(as_meant(&request).any(|read| read == channel_and_users.to_bytes()));
    }
}
