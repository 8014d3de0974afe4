//! What is found by its kind of media, and previews of addresses.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use super::*;
use crate::api::tests::world::{World, edit, messages_of, search_request};

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
    let audio = |voice| types::DocumentAttributeAudio { voice, ..tl_blank::document_attribute_audio(1) }.into();
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
        assert_eq!(messages_of(alice.ok(&call)).len(), *count, "{filter:?}");
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
