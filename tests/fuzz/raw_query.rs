//! The text of a raw query: it is one, or refused at a place that is in it. One that is read is of a method that the schema has, in
//! whole words and of bounded length; an answer's text is bounded too, whatever the answer is.

use crate::damage::{bytes_like, text_like};
use crate::holds_for_each;

const RIGHT: [&str; 7] = [
    "(help.getConfig)",
    "(messages.sendMessage peer=inputPeerSelf message=\"text\" random_id=1)",
    "(messages.getHistory peer=(inputPeerUser user_id=1 access_hash=-2) offset_id=0 offset_date=0 add_offset=0 limit=10 max_id=0 min_id=0 hash=0)",
    "(users.getUsers id=[inputUserSelf inputUserSelf])",
    "(contacts.search q=\"\\x41\\n\" limit=5)",
    "(messages.sendMessage no_webpage=true peer=inputPeerSelf message=\"\\u00e4\" random_id=0x7fffffffffffffff)",
    "(account.getPassword)",
];

#[test]
fn any_text_is_a_query_or_refused() {
    holds_for_each(
        |from| text_like(from, &RIGHT),
        |text| match raw_query::read(text) {
            Ok(query) => {
                assert!(query.bytes.len() % 4 == 0 && query.bytes.starts_with(&query.id.to_le_bytes()), "{query:?}");
                assert!(query.bytes.len() <= 8 * text.len() + 64, "{} bytes of {text:?}", query.bytes.len());
            }
            Err(fault) => {
                assert!((1..=text.chars().count() + 1).contains(&fault.column), "{fault} of {text:?}");
            }
        },
    );
}

#[test]
fn any_answer_is_text_or_refused() {
    // A vector of longs, an error, a text, and what is compressed.
    let right =
        [[0x1cb5_c415_u32, 2, 1, 0, 2, 0], [0x2144_ca19, 400, 0x7878_7803, 0, 0, 0], [0x3072_cfa1, 4, 0, 0, 0, 0]];
    let right = right.map(|words| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>());
    holds_for_each(
        |from| bytes_like(from, &right),
        |bytes| {
            for of in ["Config", "Vector<long>", "Updates", "messages.Messages", "Bool"] {
                if let Ok(text) = raw_query::text(of, bytes, false) {
                    assert!(text.len() <= raw_query::ANSWER_TEXT_BYTES_MAX);
                }
            }
        },
    );
}
