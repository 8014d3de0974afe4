//! What the text of a query becomes, and what is said of one that is none.

use grammers_tl_types::{Serializable, enums, functions, types};
use raw_query::{DEPTH_MAX, read};

#[test]
fn a_text_becomes_the_query_that_the_types_make() {
    let dialogs = functions::messages::GetDialogs {
        exclude_pinned: true,
        folder_id: None,
        offset_date: -5,
        offset_id: 0,
        offset_peer: enums::InputPeer::Empty,
        limit: 10,
        hash: 1 << 40,
    };
    let inlined = functions::help::AcceptTermsOfService { id: types::DataJson { data: "{}".to_owned() }.into() };
    let search = functions::messages::GetMessages {
        id: vec![types::InputMessageId { id: 7 }.into(), enums::InputMessage::Pinned],
    };
    let location = functions::contacts::GetLocated {
        background: false,
        geo_point: types::InputGeoPoint { lat: -1.5, long: 2.0, accuracy_radius: Some(3) }.into(),
        self_expires: None,
    };
    let text = |text: &str| functions::contacts::ResolvePhone { phone: text.to_owned() }.to_bytes();
    let rows: [(&str, Vec<u8>); 14] = [
        (
            "(messages.getDialogs flags:1 exclude_pinned:(true) offset_date:-5 offset_id:0 offset_peer:(inputPeerEmpty) limit:10 hash:1099511627776)",
            dialogs.to_bytes(),
        ),
        ("(messages.getDialogs 1 (true) -5 0 (inputPeerEmpty) 10 1099511627776)", dialogs.to_bytes()),
        (
            " ( messages.getDialogs\n flags : 1 exclude_pinned : ( true ) -5 0 ( inputPeerEmpty ) 10\thash :1099511627776 ) ",
            dialogs.to_bytes(),
        ),
        ("(help.acceptTermsOfService id:\"{}\")", inlined.to_bytes()),
        ("(messages.getMessages (vector 2 [ (inputMessageID id:7) (inputMessagePinned) ]))", search.to_bytes()),
        ("(users.getUsers id:(vector 0 []))", functions::users::GetUsers { id: Vec::new() }.to_bytes()),
        ("(contacts.getLocated 0 (inputGeoPoint 1 -1.5 long:2 3))", location.to_bytes()),
        (
            "(messages.deleteMessages -2147483648 (vector 0 []))",
            [0xe58e_95d2_u32.to_bytes(), i32::MIN.to_bytes(), Vec::<i32>::new().to_bytes()].concat(),
        ),
        ("(account.updateStatus offline:(boolTrue))", functions::account::UpdateStatus { offline: true }.to_bytes()),
        ("(help.getConfig)", functions::help::GetConfig {}.to_bytes()),
        ("(contacts.resolvePhone word.with_3-signs)", text("word.with_3-signs")),
        ("(contacts.resolvePhone phone:phone)", text("phone")),
        (r#"(contacts.resolvePhone "a\n\r\t\b\a\\\"\x41 ä(:]")"#, text("a\n\r\t\u{8}\u{7}\\\"A ä(:]")),
        ("(contacts.resolvePhone \"\")", text("")),
    ];
    for (written, expected) in rows {
        let read = read(written);
        assert_eq!(read.map(|query| query.bytes).map_err(|fault| fault.to_string()), Ok(expected), "{written}");
    }
}

#[test]
fn what_is_no_query_is_told_with_its_column() {
    let nested = format!("(messages.getHistory {}", "(inputPeerUserFromMessage ".repeat(DEPTH_MAX + 1));
    let long = format!("(help.getConfig {})", "x".repeat(60_000));
    let rows: [(&str, &str); 31] = [
        ("", "column 1: `(` is to come here, and not the end"),
        ("help.getConfig", "column 1: `(` is to come here, and not `help.getConfig`"),
        ("(help.getconfig)", "column 2: `help.getconfig` is no method of layer "),
        ("(\"help.getConfig\")", "column 2: the name of a method is to come here, and not text in quotes"),
        ("(inputPeerSelf)", "column 2: `inputPeerSelf` is no method"),
        ("(help.getConfig", "column 16: `)` after help.getConfig is to come here, and not the end"),
        ("(help.getConfig) more", "column 18: the end is to come here, and not `more`"),
        ("(help.getConfig 5)", "column 17: `)` after help.getConfig is to come here, and not `5`"),
        (
            &long,
            "column 17: `)` after help.getConfig is to come here, and not `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx`",
        ),
        ("(messages.getChats (vector 1 [ x ]))", "column 32: id cannot be x: it is a whole number of 64 bits"),
        ("(messages.getChats (vector 2 [ 1 ]))", "column 28: the list has not the 2 elements that it says"),
        ("(messages.getChats (vector 1 [ 1 2 ]))", "column 28: the list has not the 1 elements"),
        ("(messages.getChats (vector 4000000000 []))", "column 28: the list has not the 4000000000 elements"),
        ("(messages.getChats (vector -1 []))", "column 28: id cannot be -1: it is the number of its elements"),
        ("(messages.getChats [1])", "column 20: `(` is to come here, and not `[`"),
        ("(messages.getChats (list 1 [1]))", "column 21: `vector` is to come here, and not `list`"),
        ("(messages.deleteMessages 4294967296)", "column 26: flags cannot be 4294967296"),
        (
            "(messages.readMessageContents (vector 1 [ 2147483648 ]))",
            "column 43: id cannot be 2147483648: it is a whole number of 32 bits",
        ),
        (
            "(messages.deleteMessages flags:0 revoke:(true) id:(vector 0 []))",
            "column 34: `revoke` is there only where bit 0 of `flags` is set",
        ),
        (
            "(messages.getDialogs flags:0 limit:5)",
            "column 30: `limit` is not in its place: fields go in the schema's order",
        ),
        (
            "(messages.getDialogs flags:0 offset_date:0 offset_id:0 (inputUserSelf) 0 0)",
            "column 57: `inputUserSelf` is no InputPeer",
        ),
        (
            "(messages.getDialogs flags:0 0 0 inputPeerSelf 0 0)",
            "column 34: `(` is to come here, and not `inputPeerSelf`",
        ),
        (
            "(messages.getHistory (inputPeerSelf 5) 0 0 0 0 0 0 0)",
            "column 37: `)` after inputPeerSelf is to come here, and not `5`",
        ),
        (
            "(contacts.resolvePhone ä)",
            "column 24: text, in quotes where it is more than a word, is to come here, and not `ä`",
        ),
        ("(contacts.resolvePhone \"ä\" ä)", "column 28: `)` after contacts.resolvePhone"),
        ("(contacts.resolvePhone \"x)", "column 24: the text in quotes does not end"),
        ("(contacts.resolvePhone \"x\\", "column 24: the text in quotes does not end"),
        ("(contacts.resolvePhone \"\\x4\")", "column 24: what follows the backslash"),
        ("(contacts.resolvePhone \"\\q\")", "column 24: what follows the backslash"),
        ("(invokeWithLayer 1 (help.getConfig))", "column 20: `query` cannot be written in a query"),
        (&nested, ": more than 32 objects within each other"),
    ];
    for (written, expected) in rows {
        let said = read(written).map_err(|fault| fault.to_string()).unwrap_err();
        assert!(said.contains(expected) && said.len() < 300, "{written}: {said}");
    }
}

#[test]
fn no_part_of_a_query_and_no_changed_one_is_a_fault_of_ours() {
    let whole = r#"(messages.search flags:1 peer:(inputPeerUser user_id:5 access_hash:-6) q:"ä\x41" from_id:(inputPeerSelf) filter:(inputMessagesFilterPhoneCalls flags:1 missed:(true)) 0 0 0 0 0 0 0 0)"#;
    assert!(read(whole).is_ok());
    for (at, sign) in whole.char_indices() {
        assert!(read(&whole[..at]).is_err());
        for other in ['(', ')', '[', ':', '"', '\\', '9', 'x', '\0', 'ß'] {
            let changed = format!("{}{other}{}", &whole[..at], &whole[at + sign.len_utf8()..]);
            let _ = read(&changed);
        }
    }
}

#[test]
fn what_reaches_the_service_account_is_known() {
    let peer = |peer: &str| format!("(messages.getHistory {peer} 0 0 0 0 0 0 0)");
    let within = "(inputPeerUserFromMessage peer:(inputPeerSelf) msg_id:1 user_id:777000)";
    for (text, expected) in [
        (peer("(inputPeerUser 777000 1)"), true),
        (peer("(inputPeerUser 333000 1)"), true),
        (peer(within), true),
        (peer("(inputPeerUser 778000 1)"), false),
        ("(messages.search 0 (inputPeerEmpty) code (inputMessagesFilterEmpty) 0 0 0 0 0 0 0 0)".to_owned(), true),
        ("(messages.search 0 (inputPeerSelf) code (inputMessagesFilterEmpty) 0 0 0 0 0 0 0 0)".to_owned(), false),
    ] {
        assert_eq!(read(&text).map(|query| query.reaches_service), Ok(expected), "{text}");
    }
}
