//! What an answer is written as, and what is kept back of it.

use grammers_tl_types::{Serializable, enums, types};
use raw_query::{ANSWER_TEXT_BYTES_MAX, AnswerFault, read, text};

const SERVICE: i64 = 777_000;

fn message(id: i32, user_id: i64, forwarded_from: Option<i64>) -> enums::Message {
    let forward = forwarded_from.map(|user_id| types::MessageFwdHeader {
        from_id: Some(types::PeerUser { user_id }.into()),
        ..tl_blank::message_fwd_header(5)
    });
    types::Message {
        fwd_from: forward.map(Into::into),
        ..tl_blank::message(id, types::PeerUser { user_id }.into(), 9, "Login code: 12345".to_owned())
    }
    .into()
}

fn messages(of: Vec<enums::Message>) -> Vec<u8> {
    let list = types::messages::Messages { messages: of, topics: Vec::new(), chats: Vec::new(), users: Vec::new() };
    enums::messages::Messages::from(list).to_bytes()
}

#[test]
fn an_answer_is_written_as_telegram_cli_wrote_it() {
    let nearest = types::NearestDc { country: "a \"b\"\n\u{1}ä".to_owned(), this_dc: -1, nearest_dc: 2 };
    let file = types::upload::File { r#type: enums::storage::FileType::FileJpeg, mtime: 1, bytes: vec![0xff, b'x'] };
    let nested = vec![enums::InputMessage::from(types::InputMessageId { id: 1 }), enums::InputMessage::Pinned];
    let point =
        enums::GeoPoint::from(types::GeoPoint { long: 1.5, lat: -2.0, access_hash: 3, accuracy_radius: Some(4) });
    let rows: [(&'static str, Vec<u8>, &str); 9] = [
        ("Bool", true.to_bytes(), " ( boolTrue )"),
        (
            "NearestDc",
            enums::NearestDc::from(nearest).to_bytes(),
            " ( nearestDc country :\"a \\\"b\\\"\\n\\x01ä\" this_dc : -1 nearest_dc : 2 )",
        ),
        (
            "upload.File",
            enums::upload::File::from(file).to_bytes(),
            " ( upload.file type : ( storage.fileJpeg ) mtime : 1 bytes :\"\\xffx\" )",
        ),
        ("Vector<long>", vec![1_i64, -2].to_bytes(), " ( vector 2 [\n   1\n   -2\n ] )"),
        ("Vector<int>", Vec::<i32>::new().to_bytes(), " ( vector 0 [\n ] )"),
        (
            "Vector<InputMessage>",
            nested.to_bytes(),
            " ( vector 2 [\n   ( inputMessageID id : 1 )\n   ( inputMessagePinned )\n ] )",
        ),
        (
            "GeoPoint",
            point.to_bytes(),
            " ( geoPoint flags : 1 long : 1.500000 lat : -2.000000 access_hash : 3 accuracy_radius : 4 )",
        ),
        ("DataJSON", enums::DataJson::from(types::DataJson { data: "{}".to_owned() }).to_bytes(), "\"{}\""),
        (
            "messages.Messages",
            messages(Vec::new()),
            " ( messages.messages messages : ( vector 0 [\n ] ) topics : ( vector 0 [\n ] ) chats : ( vector 0 [\n ] ) users : ( vector 0 [\n ] ) )",
        ),
    ];
    for (answer_type, bytes, expected) in rows {
        assert_eq!(text(answer_type, &bytes, false).as_deref(), Ok(expected), "{answer_type}");
    }
}

#[test]
fn what_is_written_can_be_read_again() {
    let peer = text(
        "InputPeer",
        &enums::InputPeer::from(types::InputPeerUser { user_id: 5, access_hash: -6 }).to_bytes(),
        false,
    );
    let query = format!("(messages.getHistory {} 0 0 0 0 0 0 0)", peer.unwrap());
    assert!(read(&query).is_ok(), "{query}");
}

#[test]
fn messages_of_the_service_account_are_kept_back() {
    let list =
        vec![message(1, 5, None), message(2, SERVICE, None), message(3, 5, Some(SERVICE)), message(4, 6, Some(7))];
    let shown = text("messages.Messages", &messages(list.clone()), true).unwrap();
    assert_eq!(shown.matches("12345").count(), 4);
    let kept_back = text("messages.Messages", &messages(list), false).unwrap();
    assert_eq!(kept_back.matches("12345").count(), 2, "{kept_back}");
    for id in [2, 3] {
        assert!(kept_back.contains(&format!("\n   ( messageEmpty flags : 0 id : {id} )\n")), "{kept_back}");
    }

    let notification = types::UpdateServiceNotification {
        popup: false,
        invert_media: false,
        inbox_date: None,
        r#type: String::new(),
        message: "Login code: 12345".to_owned(),
        media: enums::MessageMedia::Empty,
        entities: Vec::new(),
    };
    let short = |user_id| {
        enums::Updates::from(types::UpdateShort {
            update: match user_id {
                None => enums::Update::ServiceNotification(notification.clone()),
                Some(user_id) => enums::Update::NewMessage(types::UpdateNewMessage {
                    message: message(1, user_id, None),
                    pts: 1,
                    pts_count: 1,
                }),
            },
            date: 1,
        })
    };
    assert_eq!(text("Updates", &short(None).to_bytes(), false), Err(AnswerFault::Service));
    assert!(text("Updates", &short(None).to_bytes(), true).is_ok());
    assert!(!text("Updates", &short(Some(SERVICE)).to_bytes(), false).unwrap().contains("12345"));
    assert!(text("Updates", &short(Some(5)).to_bytes(), false).unwrap().contains("12345"));
}

#[test]
fn what_is_too_long_or_not_understood_has_no_text() {
    let long = |bytes| vec![vec![b'x'; bytes]].to_bytes();
    let block = |texts: usize| {
        let mut block = enums::RichText::TextEmpty;
        for _ in 0..texts {
            block = types::TextBold { text: block }.into();
        }
        block.to_bytes()
    };
    let mut endless = vec![1_i64; 2].to_bytes();
    endless[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    let rows: [(&'static str, Vec<u8>, AnswerFault); 9] = [
        ("Vector<bytes>", long(ANSWER_TEXT_BYTES_MAX), AnswerFault::TooLong),
        ("Vector<bytes>", long(ANSWER_TEXT_BYTES_MAX * 4), AnswerFault::TooLong),
        ("Vector<long>", vec![0_i64; ANSWER_TEXT_BYTES_MAX / 2].to_bytes(), AnswerFault::TooLong),
        ("Vector<long>", endless, AnswerFault::Unreadable),
        ("RichText", block(101), AnswerFault::Unreadable),
        ("Bool", Vec::new(), AnswerFault::Unreadable),
        ("Bool", enums::InputPeer::Empty.to_bytes(), AnswerFault::Unreadable),
        ("Vector<long>", true.to_bytes(), AnswerFault::Unreadable),
        ("Nothing", true.to_bytes(), AnswerFault::Unreadable),
    ];
    for (answer_type, bytes, expected) in rows {
        assert_eq!(text(answer_type, &bytes, false), Err(expected), "{answer_type}");
    }
}

#[test]
fn no_part_of_an_answer_and_no_changed_one_is_a_fault_of_ours() {
    let whole = messages(vec![message(1, 5, Some(7)), message(2, SERVICE, None)]);
    for at in 0..whole.len() {
        assert!(text("messages.Messages", &whole[..at], false).is_err());
        for bit in 0..8 {
            let mut changed = whole.clone();
            changed[at] ^= 1 << bit;
            let _ = text("messages.Messages", &changed, false);
        }
    }
}
