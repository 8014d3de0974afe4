//! A request of any layer: it is understood or refused, and what is understood has a bound.

use tl_schema::layers;

use crate::damage::bytes_like;
use crate::holds_for_each;

/// How much longer what is meant may be than what was asked.
const GROWTH_MAX: usize = 8;
const REQUESTS: [&str; 6] = [
    "(messages.sendMessage flags:8 peer:(inputPeerUser 1 2) message:\"text\" random_id:1 \
     entities:(vector 1 [ (inputMessageEntityMentionName 0 1 (inputUser 1 2)) ]))",
    "(messages.sendMedia flags:0 (inputPeerSelf) (inputMediaGeoPoint (inputGeoPoint flags:0 1.5 2.5)) \"\" 1)",
    "(messages.forwardMessages flags:0 (inputPeerSelf) (vector 1 [ 1 ]) (vector 1 [ 3 ]) (inputPeerSelf))",
    "(users.getUsers (vector 2 [ (inputUserSelf) (inputUserSelf) ]))",
    "(channels.inviteToChannel (inputChannel 1 2) (vector 1 [ (inputUser 3 4) ]))",
    "(contacts.importContacts (vector 1 [ (inputPhoneContact flags:0 1 \"2\" \"a\" \"b\") ]))",
];
/// Numbers that methods and constructors of these have had.
const NUMBERS: [u32; 8] =
    [0x983f_9745, 0xfbf2_340a, 0xfe05_dc9a, 0x545c_d15a, 0x7852_834e, 0x6d74_da08, 0xf392_b7f4, 0xdde8_a54c];

#[test]
fn any_request_is_understood_or_refused() {
    let read = |text: &&str| raw_query::read(text).expect("it is a query").bytes;
    let mut right: Vec<Vec<u8>> = REQUESTS.iter().map(read).collect();
    for request in right.clone() {
        let of_old = |id: u32| [&id.to_le_bytes()[..], &request[4..]].concat();
        right.extend(NUMBERS.map(of_old));
    }
    let understood = right.iter().filter(|request| layers::request(request.to_vec()).is_ok()).count();
    assert!(understood > REQUESTS.len(), "{understood}");
    holds_for_each(
        |from| bytes_like(from, &right),
        |bytes| {
            if let Ok(meant) = layers::request(bytes.clone()) {
                assert!(meant.len() <= GROWTH_MAX * bytes.len() + 64, "{} bytes of {}", meant.len(), bytes.len());
                assert_eq!(layers::request(meant.clone()).as_ref(), Ok(&meant), "what is meant is meant so");
            }
        },
    );
}
