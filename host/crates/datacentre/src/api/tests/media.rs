//! Photos, documents and other media in messages, and how tests make them.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use super::channels::supergroup;
use super::world::{Client, World, edit, forward, group, new_message, replied_id, reply_to, search_request, unwrapped};

/// The beginning of a PNG of this size: as much as anyone looks at here.
pub(super) fn png(width: u32, height: u32) -> Vec<u8> {
    [b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".as_slice(), &width.to_be_bytes(), &height.to_be_bytes()].concat()
}

pub(super) fn save_part(file_id: i64, file_part: i32, bytes: &[u8]) -> functions::upload::SaveFilePart {
    functions::upload::SaveFilePart { file_id, file_part, bytes: bytes.to_vec() }
}

pub(super) fn input_file(id: i64, parts: i32, name: &str) -> enums::InputFile {
    types::InputFile { id, parts, name: name.to_owned(), md5_checksum: String::new() }.into()
}

/// Uploads a file that fits into one part.
pub(super) fn upload(client: &Client<'_>, bytes: &[u8], name: &str) -> enums::InputFile {
    let id = i64::from_le_bytes(crate::model::random());
    client.ok(&save_part(id, 0, bytes));
    input_file(id, 1, name)
}

/// An uploaded photo as media.
pub(super) fn media(file: enums::InputFile) -> enums::InputMedia {
    types::InputMediaUploadedPhoto {
        spoiler: false,
        live_photo: false,
        file,
        stickers: None,
        ttl_seconds: None,
        video: None,
    }
    .into()
}

/// An uploaded document as media.
pub(super) fn uploaded_document(file: enums::InputFile, name: &str) -> enums::InputMedia {
    document_with(
        file,
        "text/plain",
        vec![types::DocumentAttributeFilename { file_name: name.to_owned() }.into()],
        None,
    )
}

fn document_with(
    file: enums::InputFile,
    mime: &str,
    attributes: Vec<enums::DocumentAttribute>,
    thumb: Option<enums::InputFile>,
) -> enums::InputMedia {
    types::InputMediaUploadedDocument {
        nosound_video: false,
        force_file: false,
        spoiler: false,
        file,
        thumb,
        mime_type: mime.to_owned(),
        attributes,
        stickers: None,
        video_cover: None,
        video_timestamp: None,
        ttl_seconds: None,
    }
    .into()
}

pub(super) fn send_media(
    _: &Client<'_>,
    peer: enums::InputPeer,
    media: enums::InputMedia,
) -> functions::messages::SendMedia {
    functions::messages::SendMedia {
        silent: false,
        background: false,
        clear_draft: false,
        noforwards: false,
        update_stickersets_order: false,
        invert_media: false,
        allow_paid_floodskip: false,
        peer,
        reply_to: None,
        media,
        message: "caption".to_owned(),
        random_id: i64::from_le_bytes(crate::model::random()),
        reply_markup: None,
        entities: None,
        schedule_date: None,
        schedule_repeat_period: None,
        send_as: None,
        quick_reply_shortcut: None,
        effect: None,
        allow_paid_stars: None,
        suggested_post: None,
    }
}

#[track_caller]
pub(super) fn document_of(message: &types::Message) -> types::Document {
    match &message.media {
        Some(enums::MessageMedia::Document(types::MessageMediaDocument {
            document: Some(enums::Document::Document(document)),
            ..
        })) => document.clone(),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub(super) fn photo_of(media: Option<&enums::MessageMedia>) -> types::Photo {
    match media {
        Some(enums::MessageMedia::Photo(types::MessageMediaPhoto {
            photo: Some(enums::Photo::Photo(photo)), ..
        })) => photo.clone(),
        other => panic!("{other:?}"),
    }
}

pub(super) fn location(document: &types::Document, thumb_size: &str) -> enums::InputFileLocation {
    let types::Document { id, access_hash, ref file_reference, .. } = *document;
    let (file_reference, thumb_size) = (file_reference.clone(), thumb_size.to_owned());
    types::InputDocumentFileLocation { id, access_hash, file_reference, thumb_size }.into()
}

fn photo_location(photo: &types::Photo) -> enums::InputFileLocation {
    let [enums::PhotoSize::Size(size)] = &photo.sizes[..] else { panic!("{photo:?}") };
    let types::Photo { id, access_hash, ref file_reference, .. } = *photo;
    let (file_reference, thumb_size) = (file_reference.clone(), size.r#type.clone());
    types::InputPhotoFileLocation { id, access_hash, file_reference, thumb_size }.into()
}

fn input_photo(photo: &types::Photo) -> enums::InputPhoto {
    let types::Photo { id, access_hash, ref file_reference, .. } = *photo;
    types::InputPhoto { id, access_hash, file_reference: file_reference.clone() }.into()
}

pub(super) fn download(client: &Client<'_>, location: &enums::InputFileLocation) -> Vec<u8> {
    let call = functions::upload::GetFile {
        precise: false,
        cdn_supported: false,
        location: location.clone(),
        offset: 0,
        limit: 1 << 20,
    };
    match client.ok(&call) {
        enums::upload::File::File(file) => file.bytes,
        other => panic!("{other:?}"),
    }
}

fn upload_media(client: &Client<'_>, media: enums::InputMedia) -> enums::MessageMedia {
    let peer = enums::InputPeer::PeerSelf;
    client.ok(&functions::messages::UploadMedia { business_connection_id: None, peer, media })
}

fn by_id(photo: &types::Photo) -> enums::InputMedia {
    let id = input_photo(photo);
    types::InputMediaPhoto { spoiler: false, live_photo: false, id, ttl_seconds: None, video: None }.into()
}

fn album(peer: enums::InputPeer, parts: Vec<enums::InputMedia>) -> functions::messages::SendMultiMedia {
    let single = |(n, media)| {
        let random_id = i64::from_le_bytes(crate::model::random());
        types::InputSingleMedia { media, random_id, message: format!("part {n}"), entities: None }.into()
    };
    functions::messages::SendMultiMedia {
        silent: false,
        background: false,
        clear_draft: false,
        noforwards: false,
        update_stickersets_order: false,
        invert_media: false,
        allow_paid_floodskip: false,
        peer,
        reply_to: None,
        multi_media: parts.into_iter().enumerate().map(single).collect(),
        schedule_date: None,
        send_as: None,
        quick_reply_shortcut: None,
        effect: None,
        allow_paid_stars: None,
    }
}

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
    let web = |url: &str| types::InputMediaWebPage {
        force_large_media: false,
        force_small_media: false,
        optional: false,
        url: url.to_owned(),
    };
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
    let cases: [(enums::InputMedia, &str); 17] = [
        (enums::InputMedia::Empty, "400 MEDIA_EMPTY"),
        (photo(&png(10, 10), "a.txt"), "400 PHOTO_EXT_INVALID"),
        (photo(b"no image", "a.png"), "400 IMAGE_PROCESS_FAILED"),
        (photo(&png(0, 10), "a.png"), "400 IMAGE_PROCESS_FAILED"),
        (photo(&png(9_999, 2), "a.png"), "400 PHOTO_INVALID_DIMENSIONS"),
        (photo(&png(5_001, 5_000), "a.png"), "400 PHOTO_INVALID_DIMENSIONS"),
        (photo(&png(210, 10), "a.png"), "400 PHOTO_INVALID_DIMENSIONS"),
        (passing.into(), "400 TTL_MEDIA_INVALID"),
        (
            types::InputMediaPhoto {
                spoiler: false,
                live_photo: false,
                id: enums::InputPhoto::Empty,
                ttl_seconds: None,
                video: None,
            }
            .into(),
            "400 MEDIA_EMPTY",
        ),
        (types::InputMediaGeoPoint { geo_point: enums::InputGeoPoint::Empty }.into(), "400 MEDIA_EMPTY"),
        (types::InputMediaGeoPoint { geo_point: point(91.0, 0.0) }.into(), "400 GEO_POINT_INVALID"),
        (types::InputMediaGeoPoint { geo_point: point(f64::NAN, 0.0) }.into(), "400 GEO_POINT_INVALID"),
        (contact("none", "Bob"), "400 PHONE_NUMBER_INVALID"),
        (contact("+1", " "), "400 CONTACT_NAME_EMPTY"),
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
fn a_document_keeps_its_attributes_and_thumbnail() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let attributes: Vec<enums::DocumentAttribute> = vec![
        types::DocumentAttributeFilename { file_name: "film.mp4".to_owned() }.into(),
        types::DocumentAttributeVideo {
            round_message: false,
            supports_streaming: true,
            nosound: false,
            duration: 2.5,
            w: 320,
            h: 240,
            preload_prefix_size: None,
            video_start_ts: None,
            video_codec: None,
        }
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
        phone_number: super::world::phone(2),
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
    let document = types::InputMediaDocument {
        spoiler: false,
        id: types::InputDocument { id, access_hash, file_reference }.into(),
        video_cover: None,
        video_timestamp: None,
        ttl_seconds: None,
        query: None,
    };
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

#[test]
fn a_known_address_gets_a_preview_unless_it_is_not_wanted() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    for (text, no_webpage, wanted) in [
        ("see https://example.org/a", false, true),
        ("see https://example.org/a", true, false),
        ("see https://telegram.org/a", false, false),
        ("see nothing", false, false),
    ] {
        let mut call = alice.message(alice.peer(&bob), text);
        call.no_webpage = no_webpage;
        let answer = alice.ok(&call);
        let enums::Updates::UpdateShortSentMessage(short) = answer else { panic!("{answer:?}") };
        let seen = bob.history(bob.peer(&alice)).remove(0);
        let preview = matches!(seen.media, Some(enums::MessageMedia::WebPage(_)));
        assert_eq!((preview, short.media), (wanted, seen.media), "{text}");
        let asked = alice.ok(&functions::messages::GetWebPagePreview { message: text.to_owned(), entities: None });
        let enums::messages::WebPagePreview::Preview(asked) = asked;
        assert_eq!(asked.media != enums::MessageMedia::Empty, text.contains("example.org"));
    }
    let id = alice.send(alice.peer(&bob), "https://example.org");
    alice.ok(&edit(alice.peer(&bob), id, "no more"));
    assert_eq!(bob.history(bob.peer(&alice))[0].media, None);
}

#[test]
fn searches_tell_kinds_of_media_apart() {
    use enums::MessagesFilter as F;
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let to = || alice.peer(&bob);
    let audio = |voice| {
        types::DocumentAttributeAudio { voice, duration: 1, title: None, performer: None, waveform: None }.into()
    };
    let sound = |voice| document_with(upload(&alice, b"sound", "s.ogg"), "audio/ogg", vec![audio(voice)], None);
    let geo = types::InputMediaGeoPoint {
        geo_point: types::InputGeoPoint { lat: 1.0, long: 2.0, accuracy_radius: None }.into(),
    };
    for media in [
        media(upload(&alice, &png(10, 10), "a.png")),
        uploaded_document(upload(&alice, b"x", "x"), "x"),
        sound(true),
        sound(false),
        geo.into(),
    ] {
        alice.ok(&send_media(&alice, to(), media));
    }
    alice.send(to(), "https://example.org");
    let expected = [
        (F::InputMessagesFilterPhotos, 1),
        (F::InputMessagesFilterPhotoVideo, 1),
        (F::InputMessagesFilterVideo, 0),
        (F::InputMessagesFilterDocument, 1),
        (F::InputMessagesFilterVoice, 1),
        (F::InputMessagesFilterRoundVoice, 1),
        (F::InputMessagesFilterMusic, 1),
        (F::InputMessagesFilterGeo, 1),
        (F::InputMessagesFilterContacts, 0),
        (F::InputMessagesFilterGif, 0),
        (F::InputMessagesFilterUrl, 1),
        (F::InputMessagesFilterEmpty, 6),
    ];
    for (filter, count) in &expected {
        let mut call = search_request(to());
        call.filter = filter.clone();
        assert_eq!(super::world::messages_of(alice.ok(&call)).len(), *count, "{filter:?}");
    }
    let filters = expected.iter().map(|(filter, _)| filter.clone()).collect();
    let counters = alice.ok(&functions::messages::GetSearchCounters {
        peer: to(),
        saved_peer_id: None,
        top_msg_id: None,
        filters,
    });
    for (enums::messages::SearchCounter::Counter(counter), (filter, count)) in counters.into_iter().zip(expected) {
        assert_eq!((usize::try_from(counter.count).unwrap(), counter.filter), (count, filter));
    }
}

#[test]
fn a_profile_photo_is_seen_by_others_until_it_goes() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    alice.send(alice.peer(&bob), "hello");
    bob.pushed();
    let upload_photo = |side| {
        let file = Some(upload(&alice, &png(side, side), "me.png"));
        let (video, video_start_ts, video_emoji_markup, bot) = (None, None, None, None);
        functions::photos::UploadProfilePhoto { fallback: false, bot, file, video, video_start_ts, video_emoji_markup }
    };
    assert_eq!(alice.err(&upload_photo(159)), "400 PHOTO_CROP_SIZE_SMALL");
    for side in [200, 300] {
        alice.ok(&upload_photo(side));
        let pushed = bob.pushed();
        let [enums::Updates::Updates(updates)] = &pushed[..] else { panic!("{pushed:?}") };
        assert_eq!(updates.updates, [types::UpdateUser { user_id: alice.me }.into()]);
        let enums::User::User(user) = &updates.users[0] else { panic!() };
        let Some(enums::UserProfilePhoto::Photo(photo)) = &user.photo else { panic!("{user:?}") };
        for big in [true, false] {
            let location = types::InputPeerPhotoFileLocation { big, peer: bob.peer(&alice), photo_id: photo.photo_id };
            assert_eq!(download(&bob, &location.into()), png(side, side));
        }
    }
    let photos = |client: &Client<'_>, limit| {
        let call =
            functions::photos::GetUserPhotos { user_id: client.user(&alice).into(), offset: 0, max_id: 0, limit };
        let photos = match client.ok(&call) {
            enums::photos::Photos::Photos(all) => all.photos,
            enums::photos::Photos::Slice(slice) => slice.photos,
        };
        photos
            .into_iter()
            .map(|photo| match photo {
                enums::Photo::Photo(photo) => photo,
                enums::Photo::Empty(_) => panic!(),
            })
            .collect::<Vec<_>>()
    };
    let both = photos(&bob, 10);
    assert_eq!((both.len(), photos(&bob, 1).len()), (2, 1));
    assert_eq!(download(&bob, &photo_location(&both[0])), png(300, 300), "the newest first");
    let again = functions::photos::UpdateProfilePhoto { fallback: false, bot: None, id: input_photo(&both[1]) };
    alice.ok(&again);
    assert_eq!(photos(&alice, 10)[0].id, both[1].id);
    let gone = alice.ok(&functions::photos::DeletePhotos { id: both.iter().map(input_photo).collect() });
    assert_eq!((gone.len(), photos(&alice, 10).len()), (2, 0));
    assert!(bob.ok(&functions::photos::DeletePhotos { id: both.iter().map(input_photo).collect() }).is_empty());
}

#[test]
fn a_group_photo_is_told_to_its_members() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let peer = group(&alice, &[&bob], "Friends");
    let enums::InputPeer::Chat(types::InputPeerChat { chat_id }) = peer else { panic!() };
    bob.pushed();
    let change = |photo| functions::messages::EditChatPhoto { chat_id, photo };
    assert_eq!(alice.err(&change(enums::InputChatPhoto::Empty)), "400 CHAT_NOT_MODIFIED");
    let file = Some(upload(&alice, &png(200, 200), "g.png"));
    let new = types::InputChatUploadedPhoto { file, video: None, video_start_ts: None, video_emoji_markup: None };
    alice.ok(&change(new.into()));
    let pushed = bob.pushed();
    let [enums::Updates::Updates(updates)] = &pushed[..] else { panic!("{pushed:?}") };
    let enums::Update::NewMessage(new) = &updates.updates[0] else { panic!() };
    let enums::Message::Service(service) = &new.message else { panic!() };
    let enums::MessageAction::ChatEditPhoto(types::MessageActionChatEditPhoto { photo: enums::Photo::Photo(photo) }) =
        &service.action
    else {
        panic!()
    };
    assert_eq!(download(&bob, &photo_location(photo)), png(200, 200));
    let enums::Chat::Chat(chat) = &updates.chats[0] else { panic!() };
    let enums::ChatPhoto::Photo(shown) = &chat.photo else { panic!() };
    let location = types::InputPeerPhotoFileLocation { big: false, peer: peer.clone(), photo_id: shown.photo_id };
    assert_eq!(download(&bob, &location.into()), png(200, 200));
    let mut call = search_request(peer.clone());
    call.filter = enums::MessagesFilter::InputMessagesFilterChatPhotos;
    assert_eq!(super::world::messages_of(bob.ok(&call)).len(), 1);
    let same = types::InputChatPhoto { id: input_photo(photo) };
    assert_eq!(alice.err(&change(same.into())), "400 CHAT_NOT_MODIFIED");
    alice.ok(&change(enums::InputChatPhoto::Empty));
    let enums::messages::Chats::Chats(chats) = bob.ok(&functions::messages::GetChats { id: vec![chat_id] }) else {
        panic!()
    };
    let enums::Chat::Chat(chat) = &chats.chats[0] else { panic!() };
    assert_eq!(chat.photo, enums::ChatPhoto::Empty);
}

#[test]
fn a_channel_has_media_and_a_photo_too() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let made = supergroup(&alice, &[&bob]);
    let (channel, peer) = (made.input(&alice), made.peer(&alice));
    bob.pushed();
    alice.ok(&send_media(&alice, peer.clone(), media(upload(&alice, &png(200, 200), "a.png"))));
    let pushed = bob.pushed_updates();
    let Some(enums::Update::NewChannelMessage(new)) = pushed.last() else { panic!("{pushed:?}") };
    let enums::Message::Message(seen) = &new.message else { panic!() };
    let photo = photo_of(seen.media.as_ref());
    assert_eq!(download(&bob, &photo_location(&photo)), png(200, 200));
    let mut search = search_request(peer);
    search.filter = enums::MessagesFilter::InputMessagesFilterPhotos;
    let enums::messages::Messages::ChannelMessages(found) = alice.ok(&search) else { panic!() };
    let enums::Message::Message(found) = &found.messages[0] else { panic!() };
    let id = input_photo(&photo_of(found.media.as_ref()));
    let answer = alice.ok(&functions::channels::EditPhoto { channel, photo: types::InputChatPhoto { id }.into() });
    let enums::Updates::Updates(updates) = answer else { panic!() };
    let enums::Chat::Channel(chat) = &updates.chats[0] else { panic!() };
    let enums::ChatPhoto::Photo(shown) = &chat.photo else { panic!("{chat:?}") };
    assert_eq!(shown.photo_id, photo.id);
}
