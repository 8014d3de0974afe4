//! Derivations and layers against what an independent program makes of them: tests/vectors.py.

use dh::DhGroup;
use serde_json::Value;

use crate::chat::{CloseReason, Ignored, Incoming};
use crate::content::{Action, Attribute, Entity, EntityKind, File, Media, Message, Thumb};
use crate::envelope::{self, Author};
use crate::file::{FileDecryptor, FileEncryptor, FileKey};
use crate::ige::Encryptor;
use crate::key::{Half, Key, common};
use crate::talk::Talk;
use crate::wire::{self, Content, Layered};
use crate::{Outside, PICTURE_CELLS};

fn vectors() -> Value {
    serde_json::from_str(include_str!("../tests/vectors.json")).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn key(vectors: &Value) -> Key {
    Key::new(bytes(&vectors["key"]).try_into().unwrap())
}

fn file_key(vectors: &Value) -> FileKey {
    let file = &vectors["file"];
    FileKey::from_bytes(&[bytes(&file["key"]), bytes(&file["iv"])].concat().try_into().unwrap())
}

/// These bytes, as often as random ones are asked for.
fn given(bytes: Vec<u8>) -> impl FnMut(&mut [u8]) {
    let mut bytes = bytes.into_iter().cycle();
    move |random| random.iter_mut().for_each(|byte| *byte = bytes.next().unwrap())
}

#[test]
fn an_exchange_gives_both_sides_the_key_it_should() {
    let vectors = vectors();
    let prime = bytes(&vectors["prime"]);
    for row in vectors["exchanges"].as_array().unwrap() {
        let generator = i32::try_from(row["generator"].as_i64().unwrap()).unwrap();
        let group = DhGroup::check(&prime, generator).unwrap();
        for (ours, public, theirs) in [("a", "g_a", "g_b"), ("b", "g_b", "g_a")] {
            let mut random = given(bytes(&row[ours]));
            let half = Half::new(&group, &mut Outside { now_s: 0, random: &mut random }).unwrap();
            assert_eq!(half.public, bytes(&row[public]));
            let key = common(&group, &half.secret, &bytes(&row[theirs])).unwrap();
            assert_eq!(key.part(0, 256), bytes(&row["key"]));
            assert_eq!(key.fingerprint(), row["fingerprint"].as_i64().unwrap());
        }
    }
}

#[test]
fn a_key_has_its_fingerprint_and_its_picture() {
    let vectors = vectors();
    let key = key(&vectors);
    assert_eq!(key.fingerprint(), vectors["fingerprint"].as_i64().unwrap());
    assert_eq!(key.picture().hex(), vectors["picture"].as_str().unwrap());
    let cells: Vec<u8> = serde_json::from_value(vectors["cells"].clone()).unwrap();
    assert_eq!(key.picture().cells().concat(), cells);
    assert_eq!(cells.len(), PICTURE_CELLS * PICTURE_CELLS);
}

#[test]
fn a_message_is_sealed_as_it_should_be_and_opened_by_the_other_side() {
    let vectors = vectors();
    let (key, padded) = (key(&vectors), bytes(&vectors["padded"]));
    for (author, packet) in [(Author::Creator, "by_creator"), (Author::Acceptor, "by_acceptor")] {
        let packet = bytes(&vectors[packet]);
        assert_eq!(envelope::seal(&key, author, &padded), packet);
        assert_eq!(*envelope::open(&key, author, &packet).unwrap(), bytes(&vectors["layered"]["bytes"]));
        assert!(envelope::open(&key, author.other(), &packet).is_none(), "a mirrored one");
        assert!(!envelope::is_of_version_one(&key, &packet));
    }
    let old = bytes(&vectors["by_version_one"]);
    assert!(envelope::is_of_version_one(&key, &old));
    assert!(envelope::open(&key, Author::Creator, &old).is_none());
}

#[test]
fn a_message_of_version_one_closes_the_chat() {
    let vectors = vectors();
    let group = DhGroup::check(&bytes(&vectors["prime"]), 3).unwrap();
    let mut random = given(vec![7]);
    let mut outside = Outside { now_s: 0, random: &mut random };
    let mut talk = Talk::new(Author::Acceptor, group, key(&vectors), &outside);
    let (old, new) = (bytes(&vectors["by_version_one"]), bytes(&vectors["by_creator"]));
    let mut receive = |bytes: &[u8]| {
        let incoming = Incoming { bytes, date: 0, file: None };
        talk.receive(&incoming, &mut Vec::new(), &mut outside)
    };
    assert_eq!(receive(&[&old[..40], &new[40..]].concat()), Ok(Err(Ignored::Forged)));
    assert_eq!(receive(&new), Ok(Ok(())));
    assert_eq!(receive(&old), Err(CloseReason::VersionOne));
}

#[test]
fn padding_is_as_long_as_it_must_be() {
    let vectors = vectors();
    let key = key(&vectors);
    let mut random = given(vec![7]);
    let mut outside = Outside { now_s: 0, random: &mut random };
    for words in 0..40 {
        let message = vec![1; 4 * words];
        let padded = envelope::padded(&message, &mut outside);
        assert!(padded.len().is_multiple_of(16) && (12..28).contains(&(padded.len() - 4 - message.len())));
        let packet = envelope::seal(&key, Author::Creator, &padded);
        assert_eq!(*envelope::open(&key, Author::Creator, &packet).unwrap(), message);
    }
    // Right keys around a length that is wrong.
    for (length, total) in [(4, 16), (4, 4 + 4 + 1_032), (6, 32), (u32::MAX, 32), (29, 32), (0, 16)] {
        let padded = [&u32::to_le_bytes(length)[..], &vec![0; total - 4]].concat();
        let packet = envelope::seal(&key, Author::Creator, &padded);
        let is_right = length == 0;
        assert_eq!(envelope::open(&key, Author::Creator, &packet).is_some(), is_right, "{length} of {total}");
    }
}

#[test]
fn what_surrounds_a_message_is_written_and_read() {
    let vectors = vectors();
    let row = &vectors["layered"];
    let message = wire::write(7, &said(text("text")), 144);
    let layered = Layered { layer: 144, in_seq_no: 0, out_seq_no: 1, message };
    assert_eq!(*layered.to_bytes(&bytes(&row["random"])), bytes(&row["bytes"]));
    let read = Layered::read(&bytes(&row["bytes"])).unwrap();
    assert_eq!((read.layer, read.in_seq_no, read.out_seq_no), (144, 0, 1));
    assert_eq!(*read.message, *layered.message);
}

#[test]
fn a_file_is_encrypted_in_pieces_as_it_would_be_whole() {
    let vectors = vectors();
    let (row, key) = (&vectors["file"], file_key(&vectors));
    let (plain, encrypted) = (bytes(&row["plain"]), bytes(&row["encrypted"]));
    assert_eq!(i64::from(key.fingerprint()), row["fingerprint"].as_i64().unwrap());
    assert_eq!(FileKey::from_bytes(&key.to_bytes()), key);
    assert!(!format!("{key:?}").contains(row["key"].as_str().unwrap()));
    let mut whole = plain.clone();
    Encryptor::new(&key.key, &key.iv).apply(&mut whole);
    assert_eq!(whole, encrypted);
    for piece_bytes in [16, 32, 48, 80] {
        let mut random = given(key.to_bytes().to_vec());
        let mut outside = Outside { now_s: 0, random: &mut random };
        let (mut encryptor, new_key) = FileEncryptor::new(&mut outside);
        assert_eq!(new_key, key);
        let mut pieces = plain.clone();
        pieces.chunks_mut(piece_bytes).for_each(|piece| encryptor.piece(piece).unwrap());
        assert_eq!(pieces, encrypted);
        let mut decryptor = FileDecryptor::new(&key);
        pieces.chunks_mut(piece_bytes).for_each(|piece| decryptor.piece(piece).unwrap());
        assert_eq!(pieces, plain);
        assert!(encryptor.piece(&mut [0; 15]).is_err() && decryptor.piece(&mut [0; 17]).is_err());
        let mut last = vec![1; 5];
        encryptor.last_piece(&mut last, &mut outside);
        assert_eq!(last.len() as u64, crate::encrypted_bytes(5));
        decryptor.piece(&mut last).unwrap();
        assert_eq!(last[..5], [1; 5]);
    }
}

fn text(text: &str) -> Message {
    Message { text: text.to_owned(), ..Message::default() }
}

fn said(message: Message) -> Content {
    Content::Message(Box::new(message))
}

fn with(media: Media) -> Content {
    said(Message { media: Some(media), ..text("caption") })
}

/// What the rows of the vectors say, by their names.
fn content(name: &str, file_key: &FileKey) -> Content {
    let thumb = Some(Thumb { bytes: b"thumb".to_vec(), w: 90, h: 60 });
    let file = File { key: file_key.clone(), size: 1_000, thumb };
    let bare = File { thumb: None, ..file.clone() };
    let entity = |offset, length, kind| Entity { offset, length, kind };
    let named = vec![Attribute::FileName("a.bin".to_owned())];
    let document = |file| Media::Document { file, mime_type: "a/b".to_owned(), attributes: named.clone() };
    let video = |file| Media::Video { file, mime_type: "video/mp4".to_owned(), duration_s: 12, w: 640, h: 480 };
    let voice = |duration_s, is_voice, title: Option<&str>, waveform| Media::Document {
        file: bare.clone(),
        mime_type: "audio/ogg".to_owned(),
        attributes: vec![Attribute::Audio {
            duration_s,
            is_voice,
            title: title.map(str::to_owned),
            performer: None,
            waveform,
        }],
    };
    let (latitude, longitude) = (1.5, -2.5);
    match name {
        "text" | "text of 8" => said(text("text")),
        "text of 17" => said(Message { ttl_s: 30, ..text("text") }),
        "text of 45" => {
            said(Message { entities: vec![entity(0, 4, EntityKind::Bold)], reply_to: Some(-5), ..text("text") })
        }
        "mention" => {
            said(Message { entities: vec![entity(0, 4, EntityKind::MentionName { user_id: 42 })], ..text("text") })
        }
        "silent answer" => said(Message {
            reply_to: Some(-5),
            via_bot: Some("bot".to_owned()),
            grouped_id: Some(11),
            ttl_s: 30,
            is_silent: true,
            has_no_preview: true,
            ..text("text")
        }),
        "entities" => said(Message {
            entities: vec![
                entity(0, 4, EntityKind::Bold),
                entity(1, 2, EntityKind::Strike),
                entity(2, 1, EntityKind::Italic),
                entity(5, 3, EntityKind::Spoiler),
                entity(9, 2, EntityKind::CustomEmoji { document_id: 99 }),
            ],
            ..text("text")
        }),
        "photo" | "photo of 8" => with(Media::Photo { file, w: 640, h: 480 }),
        "video" | "video of 8" | "video of 17" => with(video(file)),
        "audio" | "audio of 8" => with(Media::Audio { file: bare, mime_type: "audio/ogg".to_owned(), duration_s: 12 }),
        "document" | "document of 8" => with(document(file)),
        "big document" => with(document(File { size: 1 << 32, ..file })),
        "voice" => with(voice(3, true, None, Some(b"wave".to_vec()))),
        "voice of 45" => with(voice(3, false, Some("T"), None)),
        "sticker" => with(Media::ExternalDocument {
            id: 1,
            access_hash: 2,
            dc_id: 5,
            date: 3,
            size: 4,
            mime_type: "image/webp".to_owned(),
            attributes: vec![
                Attribute::Sticker { alt: ":)".to_owned(), set: Some("set".to_owned()) },
                Attribute::ImageSize { w: 512, h: 512 },
            ],
        }),
        "place" => with(Media::Geo { latitude, longitude }),
        "venue" => with(Media::Venue {
            latitude,
            longitude,
            title: "t".to_owned(),
            address: "a".to_owned(),
            provider: "p".to_owned(),
            venue_id: "v".to_owned(),
        }),
        "contact" => with(Media::Contact {
            phone_number: "123".to_owned(),
            first_name: "A".to_owned(),
            last_name: "B".to_owned(),
            user_id: 42,
        }),
        "page" => with(Media::WebPage { url: "https://example.org".to_owned() }),
        "key that is none" => with(Media::Unsupported),
        "ttl" => Content::Action(Action::SetTtl(5)),
        "read" => Content::Action(Action::Read(vec![1, 2])),
        "delete" | "delete of 8" => Content::Action(Action::Delete(vec![1])),
        "screenshot" => Content::Action(Action::Screenshot(Vec::new())),
        "flush" => Content::Action(Action::Flush),
        "typing" => Content::Action(Action::Typing(true)),
        "not typing" => Content::Action(Action::Typing(false)),
        "nobody knows" | "too much" => Content::Unsupported,
        _ => panic!("{name}"),
    }
}

/// What can be compared of what was said.
fn shown(content: &Content) -> String {
    match content {
        Content::Message(message) => format!("{message:?}"),
        Content::Action(action) => format!("{action:?}"),
        Content::Protocol(_) => "protocol".to_owned(),
        Content::Unsupported => "unsupported".to_owned(),
    }
}

#[test]
fn each_layer_is_written_in_its_own_words() {
    let vectors = vectors();
    let key = file_key(&vectors);
    let rows = vectors["written"].as_array().unwrap();
    assert!(rows.len() > 100);
    for row in rows {
        let (name, layer) = (row["name"].as_str().unwrap(), i32::try_from(row["layer"].as_i64().unwrap()).unwrap());
        let said = content(name, &key);
        assert_eq!(hex::encode(&*wire::write(7, &said, layer)), row["bytes"].as_str().unwrap(), "{name} in {layer}");
        let (random_id, read) = wire::read(&bytes(&row["bytes"]));
        assert_eq!(random_id, 7);
        if layer == 144 {
            assert_eq!(shown(&read), shown(&said), "{name}");
        }
    }
}

#[test]
fn what_earlier_layers_write_is_read() {
    let vectors = vectors();
    let key = file_key(&vectors);
    for (name, row) in vectors["old"].as_object().unwrap() {
        let (random_id, read) = wire::read(&bytes(row));
        assert_eq!((random_id, shown(&read)), (7, shown(&content(name, &key))), "{name}");
    }
}

#[test]
fn only_late_layers_speak_of_big_files() {
    let vectors = vectors();
    let key = file_key(&vectors);
    let file = |size| File { key: key.clone(), size, thumb: None };
    let document = |size| Media::Document { file: file(size), mime_type: String::new(), attributes: Vec::new() };
    for (media, layer, can) in [
        (document(1 << 31), 142, false),
        (document(1 << 31), 143, true),
        (document((1 << 31) - 1), 73, true),
        (Media::Photo { file: file(1 << 31), w: 1, h: 1 }, 144, false),
        (Media::Geo { latitude: 0.0, longitude: 0.0 }, 73, true),
    ] {
        assert_eq!(wire::can_say(&media, layer), can);
    }
}
