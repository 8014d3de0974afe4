//! Messages with media: sent, forwarded, edited, and refused by name.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use super::*;
use crate::api::tests::world::{World, edit, forward, new_message, phone, replied_id, reply_to, unwrapped};

#[test]
fn a_photo_reaches_the_other_with_its_size_and_bytes() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let first = alice.send(alice.peer(&bob), "first");
    let mut call = send_media(&alice, alice.peer(&bob), media(upload(&alice, &png(800, 600), "a.PNG")));
    call.reply_to = Some(reply_to(first));
    call.entities = Some(vec![types::MessageEntityBold { offset: 0, length: 7 }.into()]);
    alice.ok(&call);
    assert_eq!(alice.err(&call), "500 RANDOM_ID_DUPLICATE");
    let seen = bob.history(bob.peer(&alice)).remove(0);
    let photo = photo_of(seen.media.as_ref());
    let size = types::PhotoSize { r#type: "x".to_owned(), w: 800, h: 600, size: 24 };
    assert_eq!((photo.sizes.clone(), photo.dc_id), (vec![size.into()], 2));
    assert_eq!((seen.message.as_str(), replied_id(&seen), seen.entities.unwrap().len()), ("caption", Some(1), 1));
    assert_eq!(download(&bob, &photo_location(&photo)), png(800, 600));
    let pushed = bob.pushed_updates();
    let Some(enums::Update::NewMessage(new)) = pushed.last() else { panic!("{pushed:?}") };
    let enums::Message::Message(pushed) = &new.message else { panic!() };
    assert_eq!(photo_of(pushed.media.as_ref()).id, photo.id);
}

#[test]
fn media_that_cannot_be_sent_is_refused_by_name() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let photo = |bytes: &[u8], name: &str| media(upload(&alice, bytes, name));
    let point = |lat, long| types::InputGeoPoint { lat, long, accuracy_radius: None }.into();
    let contact = |phone: &str, name: &str| {
        enums::InputMedia::from(types::InputMediaContact {
            phone_number: phone.to_owned(),
            first_name: name.to_owned(),
            last_name: String::new(),
            vcard: String::new(),
        })
    };
    let web = |url: &str| tl_blank::input_media_web_page(url.to_owned());
    let external = types::InputMediaPhotoExternal {
        spoiler: false,
        url: "https://example.org/a.png".to_owned(),
        ttl_seconds: None,
    };
    let enums::InputMedia::UploadedPhoto(mut passing) = photo(&png(9, 9), "a.png") else { panic!() };
    passing.ttl_seconds = Some(5);
    let long = types::InputMediaContact {
        phone_number: "1".to_owned(),
        first_name: "x".to_owned(),
        last_name: String::new(),
        vcard: "x".repeat(40_000),
    };
    let cases: [(enums::InputMedia, &str); 18] = [
        (enums::InputMedia::Empty, "400 MEDIA_EMPTY"),
        (photo(&png(10, 10), "a.txt"), "400 PHOTO_EXT_INVALID"),
        (photo(b"no image", "a.png"), "400 IMAGE_PROCESS_FAILED"),
        (photo(&png(0, 10), "a.png"), "400 IMAGE_PROCESS_FAILED"),
        (photo(&png(9_999, 2), "a.png"), "400 PHOTO_INVALID_DIMENSIONS"),
        (photo(&png(5_001, 5_000), "a.png"), "400 PHOTO_INVALID_DIMENSIONS"),
        (photo(&png(210, 10), "a.png"), "400 PHOTO_INVALID_DIMENSIONS"),
        (passing.into(), "400 TTL_MEDIA_INVALID"),
        (tl_blank::input_media_photo(enums::InputPhoto::Empty).into(), "400 MEDIA_EMPTY"),
        (types::InputMediaGeoPoint { geo_point: enums::InputGeoPoint::Empty }.into(), "400 MEDIA_EMPTY"),
        (types::InputMediaGeoPoint { geo_point: point(91.0, 0.0) }.into(), "400 GEO_POINT_INVALID"),
        (types::InputMediaGeoPoint { geo_point: point(f64::NAN, 0.0) }.into(), "400 GEO_POINT_INVALID"),
        (contact("none", "Bob"), "400 PHONE_NUMBER_INVALID"),
        (contact("+1", " "), "400 CONTACT_NAME_EMPTY"),
        (types::InputMediaDice { emoticon: "🙂".to_owned() }.into(), "400 EMOTICON_INVALID"),
        (long.into(), "400 MEDIA_INVALID"),
        (web("https://telegram.org").into(), "400 WEBPAGE_NOT_FOUND"),
        (external.into(), "400 WEBPAGE_CURL_FAILED"),
    ];
    for (media, wanted) in cases {
        assert_eq!(alice.err(&send_media(&alice, alice.peer(&bob), media)), wanted);
    }
    let mut long = send_media(&alice, alice.peer(&bob), photo(&png(10, 10), "a.png"));
    long.message = "🎉".repeat(513);
    assert_eq!(alice.err(&long), "400 MEDIA_CAPTION_TOO_LONG");
    assert!(bob.history(bob.peer(&alice)).is_empty());
}

#[test]
fn dice_fall_at_the_server_alike_for_both() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    for (emoticon, faces) in [("🎲", 6), ("🎯", 6), ("🎳", 6), ("🏀", 5), ("⚽", 5), ("🎰", 64)] {
        let die = types::InputMediaDice { emoticon: emoticon.to_owned() };
        alice.ok(&send_media(&alice, alice.peer(&bob), die.into()));
        let [theirs, hers] = [bob.history(bob.peer(&alice)), alice.history(alice.peer(&bob))];
        let fell = |message: &types::Message| match &message.media {
            Some(enums::MessageMedia::Dice(die)) => (die.value, die.emoticon.clone()),
            other => panic!("{other:?}"),
        };
        assert_eq!(fell(&theirs[0]), fell(&hers[0]));
        assert!((1..=faces).contains(&fell(&hers[0]).0) && fell(&hers[0]).1 == emoticon, "{:?}", hers[0].media);
    }
}

#[test]
fn a_document_keeps_its_attributes_and_thumbnail() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let attributes: Vec<enums::DocumentAttribute> = vec![
        types::DocumentAttributeFilename { file_name: "film.mp4".to_owned() }.into(),
        types::DocumentAttributeVideo { supports_streaming: true, ..tl_blank::document_attribute_video(2.5, 320, 240) }
            .into(),
    ];
    let thumb = upload(&alice, &png(90, 60), "thumb.png");
    let film =
        document_with(upload(&alice, b"\0\0\0\x18ftypmp42", "film.mp4"), "video/mp4", attributes.clone(), Some(thumb));
    alice.ok(&send_media(&alice, alice.peer(&bob), film));
    let message = bob.history(bob.peer(&alice)).remove(0);
    let document = document_of(&message);
    assert_eq!((document.attributes.clone(), document.mime_type.as_str()), (attributes, "video/mp4"));
    let size = types::PhotoSize { r#type: "m".to_owned(), w: 90, h: 60, size: 24 };
    assert_eq!(document.thumbs, Some(vec![size.into()]));
    assert_eq!(download(&bob, &location(&document, "m")), png(90, 60));
    let enums::MessageMedia::Document(media) = message.media.unwrap() else { panic!() };
    assert!(media.video && !media.round && !media.voice);

    let picture = document_with(upload(&alice, &png(40, 30), "x.png"), "image/png", Vec::new(), None);
    alice.ok(&send_media(&alice, alice.peer(&bob), picture));
    let document = document_of(&bob.history(bob.peer(&alice))[0]);
    assert_eq!(document.attributes, [types::DocumentAttributeImageSize { w: 40, h: 30 }.into()]);
}

#[test]
fn a_contact_brings_its_user_along() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let contact = types::InputMediaContact {
        phone_number: phone(2),
        first_name: "Bob".to_owned(),
        last_name: String::new(),
        vcard: String::new(),
    };
    let answer = alice.ok(&send_media(&alice, enums::InputPeer::PeerSelf, contact.into()));
    let enums::Updates::Updates(updates) = answer else { panic!() };
    assert!(updates.users.iter().any(|user| user.id() == bob.me));
}

#[test]
fn an_album_is_one_group_of_messages() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let photos: Vec<_> = (1..4)
        .map(|n| photo_of(Some(&upload_media(&alice, media(upload(&alice, &png(100 * n, 100), "a.png"))))))
        .collect();
    let sent = alice.ok(&album(alice.peer(&bob), photos.iter().map(by_id).collect()));
    let ids = unwrapped(sent).into_iter().filter(|update| matches!(update, enums::Update::MessageId(_))).count();
    assert_eq!(ids, 3, "each under its random_id");
    let messages = bob.history(bob.peer(&alice));
    let album_id = messages[0].grouped_id;
    assert!(album_id.is_some() && messages.iter().all(|message| message.grouped_id == album_id));
    assert_eq!(
        messages.iter().map(|message| message.message.as_str()).collect::<Vec<_>>(),
        ["part 2", "part 1", "part 0"]
    );

    let document = document_of(&{
        let call = send_media(&alice, enums::InputPeer::PeerSelf, uploaded_document(upload(&alice, b"x", "x"), "x"));
        let enums::Message::Message(message) = new_message(&alice.ok(&call)) else { panic!() };
        message
    });
    let types::Document { id, access_hash, file_reference, .. } = document;
    let document = tl_blank::input_media_document(types::InputDocument { id, access_hash, file_reference }.into());
    let mut stale = photos[0].clone();
    stale.file_reference.clear();
    for (parts, wanted) in [
        (vec![], "400 MEDIA_EMPTY"),
        (photos.iter().cycle().take(11).map(by_id).collect(), "400 MULTI_MEDIA_TOO_LONG"),
        (vec![by_id(&photos[0]), document.into()], "400 MEDIA_GROUPED_INVALID"),
        (vec![media(input_file(1, 1, "a.png"))], "400 MEDIA_INVALID"),
        (vec![by_id(&photos[0]), by_id(&stale)], "400 FILE_REFERENCE_1_EMPTY"),
    ] {
        assert_eq!(alice.err(&album(alice.peer(&bob), parts)), wanted);
    }
}

#[test]
fn forwarding_carries_media_and_leaves_out_what_is_asked() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let answer =
        alice.ok(&send_media(&alice, enums::InputPeer::PeerSelf, media(upload(&alice, &png(10, 10), "a.png"))));
    let enums::Message::Message(original) = new_message(&answer) else { panic!() };
    for (drop_author, drop_media_captions, wanted) in
        [(false, false, (true, "caption")), (true, false, (false, "caption")), (true, true, (false, ""))]
    {
        let mut call = forward(enums::InputPeer::PeerSelf, alice.peer(&bob), vec![original.id]);
        (call.drop_author, call.drop_media_captions) = (drop_author, drop_media_captions);
        alice.ok(&call);
        let seen = bob.history(bob.peer(&alice)).remove(0);
        assert_eq!((seen.fwd_from.is_some(), seen.message.as_str()), wanted);
        assert_eq!(download(&bob, &photo_location(&photo_of(seen.media.as_ref()))), png(10, 10));
    }
}

#[test]
fn captions_and_media_can_be_edited() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let answer = alice.ok(&send_media(&alice, alice.peer(&bob), media(upload(&alice, &png(10, 10), "a.png"))));
    let id = new_message(&answer).id();
    alice.ok(&edit(alice.peer(&bob), id, ""));
    assert_eq!(bob.history(bob.peer(&alice))[0].message, "", "a caption may go");
    let mut call = edit(alice.peer(&bob), id, "new");
    call.media = Some(media(upload(&alice, &png(20, 20), "b.png")));
    alice.ok(&call);
    let seen = bob.history(bob.peer(&alice)).remove(0);
    assert_eq!(seen.message, "new");
    assert_eq!(download(&bob, &photo_location(&photo_of(seen.media.as_ref()))), png(20, 20));
    assert_eq!(alice.err(&edit(alice.peer(&bob), id, "new")), "400 MESSAGE_NOT_MODIFIED");
    let data = alice.ok(&functions::messages::GetMessageEditData { peer: alice.peer(&bob), id });
    assert_eq!(data, types::messages::MessageEditData { caption: true }.into());
}
