//! Where Telegram takes an `InputPeer` for an `InputUser` or `InputChannel`: both have the same fields in the same order,
//! and clients (Pyrogram and its kin) rely on it.
//!
//! Invariant: only what does not parse as it stands is read this way.

use grammers_tl_types::{Identifiable as _, types};

/// The peer's constructor, and the one that is meant in its place.
const MEANT: [(u32, u32); 4] = [
    (types::InputPeerSelf::CONSTRUCTOR_ID, types::InputUserSelf::CONSTRUCTOR_ID),
    (types::InputPeerUser::CONSTRUCTOR_ID, types::InputUser::CONSTRUCTOR_ID),
    (types::InputPeerUserFromMessage::CONSTRUCTOR_ID, types::InputUserFromMessage::CONSTRUCTOR_ID),
    (types::InputPeerChannel::CONSTRUCTOR_ID, types::InputChannel::CONSTRUCTOR_ID),
];

/// The request with every peer that could be a user or channel turned into one.
pub(super) fn with_peers_as_meant(request: &[u8]) -> Vec<u8> {
    let (words, rest) = request.as_chunks::<4>();
    let words = words.iter().flat_map(|word| {
        let id = u32::from_le_bytes(*word);
        MEANT.iter().find(|(peer, _)| *peer == id).map_or(id, |(_, meant)| *meant).to_le_bytes()
    });
    words.chain(rest.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use grammers_tl_types::{Deserializable as _, Serializable as _, enums};

    use super::*;

    #[test]
    fn peers_become_the_users_they_are() {
        let peers: [enums::InputPeer; 2] = [types::InputPeerUser { user_id: 1, access_hash: 2 }.into(), enums::InputPeer::PeerSelf];
        let users: [enums::InputUser; 2] = [types::InputUser { user_id: 1, access_hash: 2 }.into(), enums::InputUser::UserSelf];
        for (peer, user) in peers.into_iter().zip(users) {
            let read = enums::InputUser::from_bytes(&with_peers_as_meant(&peer.to_bytes()));
            assert_eq!(read, Ok(user));
        }
    }
}
