//! Uploading and downloading.

use grammers_tl_types as tl;
use sha2::{Digest as _, Sha256};
use tl::{enums, functions, types};

use super::media::{
    document_of, download, input_file, location, media, png, save_part, send_media, upload, uploaded_document,
};
use super::world::{Client, World, new_message};
use crate::model::uploads::BLOCK_BYTES;

fn big_part(part: i32, total: i32, size: usize) -> functions::upload::SaveBigFilePart {
    functions::upload::SaveBigFilePart { file_id: 1, file_part: part, file_total_parts: total, bytes: vec![7; size] }
}

#[test]
fn parts_are_checked() {
    let world = World::new();
    let alice = world.human(1);
    for (part, size, wanted) in [
        (0, 0, "400 FILE_PART_EMPTY"),
        (0, (512 << 10) + 1, "400 FILE_PART_TOO_BIG"),
        (-1, 1, "400 FILE_PART_INVALID"),
        (4_000, 1, "400 FILE_PART_INVALID"),
    ] {
        assert_eq!(alice.err(&save_part(1, part, &vec![7; size])), wanted, "part {part} of {size}");
    }
    alice.ok(&big_part(0, 3, 64 << 10));
    for (part, total, size, wanted) in [
        (0, 0, 1024, "400 FILE_PARTS_INVALID"),
        (0, -2, 1024, "400 FILE_PARTS_INVALID"),
        (0, 4_001, 1024, "400 FILE_PARTS_INVALID"),
        (1, 4, 64 << 10, "400 FILE_PARTS_INVALID"),
        (3, 3, 1024, "400 FILE_PART_INVALID"),
        (1, 3, 1000, "400 FILE_PART_SIZE_INVALID"),
        (1, 3, 3 << 10, "400 FILE_PART_SIZE_INVALID"),
        (1, 3, 32 << 10, "400 FILE_PART_SIZE_CHANGED"),
        (2, 3, 128 << 10, "400 FILE_PART_SIZE_INVALID"),
    ] {
        assert_eq!(alice.err(&big_part(part, total, size)), wanted, "part {part} of {total}, {size} bytes");
    }
    assert_eq!(alice.err(&save_part(1, 1, b"x")), "400 FILE_PARTS_INVALID", "a big file stays one");
}

#[test]
fn a_file_is_taken_when_its_parts_fit() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    type Parts = &'static [(i32, usize)];
    let cases: [(Parts, i32, &str); 6] = [
        (&[], 1, "400 FILE_PART_0_MISSING"),
        (&[(0, 1024), (2, 10)], 3, "400 FILE_PART_1_MISSING"),
        (&[(0, 1024), (1, 10)], 1, "400 FILE_PARTS_INVALID"),
        (&[(0, 1000), (1, 10)], 2, "400 FILE_PART_SIZE_INVALID"),
        (&[(0, 1024), (1, 2048)], 2, "400 FILE_PART_LENGTH_INVALID"),
        (&[(0, 1024)], 0, "400 FILE_PARTS_INVALID"),
    ];
    for (n, (parts, said, wanted)) in (0_i64..).zip(cases) {
        for (part, size) in parts {
            alice.ok(&save_part(n, *part, &vec![7; *size]));
        }
        let file = types::InputFile { id: n, parts: said, name: "x.bin".to_owned(), md5_checksum: String::new() };
        let call = send_media(&alice, alice.peer(&bob), uploaded_document(file.into(), "x.bin"));
        assert_eq!(alice.err(&call), wanted);
    }
    alice.ok(&save_part(9, 0, b"hello"));
    let hashed = |md5: &str| types::InputFile { id: 9, parts: 1, name: "x".to_owned(), md5_checksum: md5.to_owned() };
    let send = |md5| send_media(&alice, alice.peer(&bob), uploaded_document(hashed(md5).into(), "x"));
    assert_eq!(alice.err(&send("00000000000000000000000000000000")), "400 MD5_CHECKSUM_INVALID");
    alice.ok(&send("5d41402abc4b2a76b9719d911017c592"));
    alice.ok(&send(""));
    assert_eq!(alice.err(&save_part(9, 0, b"other")), "400 FILE_PART_INVALID", "what was sent stays as it is");
    assert_eq!(
        bob.err(&send_media(&bob, bob.peer(&alice), uploaded_document(hashed("").into(), "x"))),
        "400 FILE_PART_0_MISSING"
    );
}

#[test]
fn parts_may_come_in_any_order_and_again() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let whole: Vec<u8> = (0..5_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    for part in [4_usize, 1, 0, 3, 1, 2] {
        let bytes = whole.chunks(1024).nth(part).unwrap().to_vec();
        let file_part = i32::try_from(part).unwrap();
        alice.ok(&functions::upload::SaveBigFilePart {
            file_id: 5,
            file_part,
            file_total_parts: if part == 4 { 5 } else { -1 },
            bytes,
        });
    }
    let file = types::InputFileBig { id: 5, parts: 5, name: "x.bin".to_owned() };
    alice.ok(&send_media(&alice, alice.peer(&bob), uploaded_document(file.into(), "x.bin")));
    let document = document_of(&bob.history(bob.peer(&alice))[0]);
    assert_eq!((document.size, document.dc_id), (5_000, 2));
    assert_eq!(download(&bob, &location(&document, "")), whole);
}

#[test]
fn offset_and_limit_are_checked() {
    let world = World::new();
    let (alice, location) = with_document(&world, &[7; 5_000]);
    let get = |offset, limit, precise| functions::upload::GetFile {
        precise,
        cdn_supported: false,
        location: location.clone(),
        offset,
        limit,
    };
    for (offset, limit, precise, wanted) in [
        (-4096, 4096, false, "400 OFFSET_INVALID"),
        (1024, 4096, false, "400 OFFSET_INVALID"),
        (1, 1024, true, "400 OFFSET_INVALID"),
        (0, 0, false, "400 LIMIT_INVALID"),
        (0, -4096, false, "400 LIMIT_INVALID"),
        (0, 5000, false, "400 LIMIT_INVALID"),
        (0, 12 << 10, false, "400 LIMIT_INVALID"),
        (0, 2 << 20, false, "400 LIMIT_INVALID"),
        (1 << 19, 1 << 20, false, "400 LIMIT_INVALID"),
        (1 << 19, 1 << 20, true, "400 LIMIT_INVALID"),
        (i64::MAX & !4095, 4096, false, ""),
        (1 << 19, 1 << 19, false, ""),
        (3 << 10, 5 << 10, true, ""),
    ] {
        let got = alice.call(&get(offset, limit, precise)).map_or_else(|error| error.to_string(), |_| String::new());
        assert_eq!(got, wanted, "{offset}, {limit}");
    }
    let enums::upload::File::File(rest) = alice.ok(&get(4096, 4096, false)) else { panic!() };
    assert_eq!(rest.bytes.len(), 5_000 - 4_096);
    let hashes = alice.ok(&functions::upload::GetFileHashes { location: location.clone(), offset: 0 });
    let wanted = types::FileHash { offset: 0, limit: 5_000, hash: Sha256::digest([7; 5_000]).to_vec() };
    assert_eq!(hashes, [wanted.into()]);
}

#[test]
fn only_who_was_given_a_file_can_name_it() {
    let world = World::new();
    let (alice, right) = with_document(&world, b"secret");
    let enums::InputFileLocation::InputDocumentFileLocation(right) = right else { panic!() };
    let changed = |change: &dyn Fn(&mut types::InputDocumentFileLocation)| {
        let mut location = right.clone();
        change(&mut location);
        enums::InputFileLocation::from(location)
    };
    for (location, wanted) in [
        (changed(&|location| location.access_hash ^= 1), "400 LOCATION_INVALID"),
        (changed(&|location| location.id += 1), "400 LOCATION_INVALID"),
        (changed(&|location| location.thumb_size = "m".to_owned()), "400 LOCATION_INVALID"),
        (changed(&|location| location.file_reference.clear()), "400 FILE_REFERENCE_EMPTY"),
        (changed(&|location| location.file_reference.truncate(4)), "400 FILE_REFERENCE_INVALID"),
        (changed(&|location| location.file_reference[9] ^= 1), "400 FILE_REFERENCE_INVALID"),
        (changed(&|location| location.file_reference[0] ^= 1), "400 FILE_REFERENCE_INVALID"),
        (
            types::InputPeerPhotoFileLocation { big: true, peer: enums::InputPeer::PeerSelf, photo_id: right.id }
                .into(),
            "400 LOCATION_INVALID",
        ),
        (
            types::InputFileLocation { volume_id: 1, local_id: 1, secret: 1, file_reference: vec![] }.into(),
            "400 LOCATION_INVALID",
        ),
    ] {
        let get = functions::upload::GetFile { precise: false, cdn_supported: false, location, offset: 0, limit: 4096 };
        assert_eq!(alice.err(&get), wanted);
    }
}

#[test]
fn a_file_reference_expires_and_comes_anew_with_the_message() {
    let world = World::new();
    let (alice, old) = with_document(&world, b"data");
    world.faults.expire_file_references();
    let get = |location| functions::upload::GetFile {
        precise: false,
        cdn_supported: false,
        location,
        offset: 0,
        limit: 4096,
    };
    assert_eq!(alice.err(&get(old)), "400 FILE_REFERENCE_EXPIRED");
    let document = document_of(&alice.history(enums::InputPeer::PeerSelf)[0]);
    assert_eq!(download(&alice, &location(&document, "")), b"data");
}

#[test]
fn files_outlive_a_restart() {
    let world = World::new();
    with_document(&world, b"data");
    let world = world.restarted();
    let mut alice = world.client();
    alice.log_in(1);
    let document = document_of(&alice.history(enums::InputPeer::PeerSelf)[0]);
    assert_eq!(download(&alice, &location(&document, "")), b"data");
}

#[test]
fn uploads_are_bounded_for_one_user_and_for_all() {
    let mut world = World::new();
    world.set_limits(|limits| {
        limits.uploads_per_user_max = 2;
        limits.unfinished_bytes_per_user_max = 3 * BLOCK_BYTES;
        limits.unfinished_bytes_max = 4 * BLOCK_BYTES;
        limits.stored_bytes_max = 2 * BLOCK_BYTES;
    });
    let (alice, bob) = (world.human(1), world.human(2));
    let (tiny, two_blocks) = ([7; 1], [7; 5_000]);
    alice.ok(&save_part(1, 0, &tiny));
    alice.ok(&save_part(1, 0, &tiny));
    alice.ok(&save_part(2, 0, &tiny));
    assert_eq!(alice.err(&save_part(3, 0, &tiny)), "420 FLOOD_WAIT_3600", "too many");
    assert_eq!(alice.err(&save_part(2, 1, &two_blocks)), "420 FLOOD_WAIT_3600", "too much");
    bob.ok(&save_part(1, 0, &tiny));
    assert_eq!(bob.err(&save_part(1, 1, &two_blocks)), "420 FLOOD_WAIT_3600", "too much of all users");
    bob.ok(&save_part(1, 1, &tiny));
    for id in [1, 2] {
        alice.ok(&send_media(&alice, enums::InputPeer::PeerSelf, uploaded_document(input_file(id, 1, "a"), "a")));
    }
    assert_eq!(bob.err(&save_part(1, 2, &tiny)), "500 STORAGE_CHECK_FAILED", "the disk is full");
    assert_eq!(bob.err(&save_part(2, 0, &tiny)), "500 STORAGE_CHECK_FAILED", "the disk is full");
    alice.ok(&super::world::delete(vec![1, 2], true));
    world.model.sweep_files(crate::model::unix_time() + 3 * 24 * 3600).unwrap();
    for part in 0..3 {
        bob.ok(&save_part(2, part, &tiny));
    }
    assert_eq!(bob.err(&save_part(2, 3, &tiny)), "420 FLOOD_WAIT_3600", "what went made room, and no more");
}

#[test]
fn uploads_left_lying_make_room_for_others() {
    let mut world = World::new();
    world.set_limits(|limits| {
        limits.unfinished_bytes_max = BLOCK_BYTES;
        limits.upload_life_s = -1;
    });
    let (alice, bob) = (world.human(1), world.human(2));
    alice.ok(&save_part(1, 0, b"left lying"));
    bob.ok(&save_part(1, 0, b"new"));
    assert_eq!(world.files_on_disk(), 1);
}

#[test]
fn what_nothing_refers_to_goes_from_the_disk() {
    let world = World::new();
    let alice = world.human(1);
    let (now, day) = (crate::model::unix_time(), 24 * 3600);
    let kept = upload(&alice, b"kept", "a.bin");
    alice.ok(&send_media(&alice, enums::InputPeer::PeerSelf, uploaded_document(kept, "a.bin")));
    let unsent = upload(&alice, &png(200, 200), "b.png");
    alice.ok(&functions::messages::UploadMedia {
        business_connection_id: None,
        peer: enums::InputPeer::PeerSelf,
        media: media(unsent),
    });
    alice.ok(&save_part(77, 0, b"unfinished"));
    assert_eq!(world.files_on_disk(), 3);
    world.model.sweep_files(now).unwrap();
    assert_eq!(world.files_on_disk(), 3, "they may still be wanted");
    world.model.sweep_files(now + day + 10).unwrap();
    assert_eq!(world.files_on_disk(), 1);
    let message = alice.history(enums::InputPeer::PeerSelf).remove(0);
    assert_eq!(download(&alice, &location(&document_of(&message), "")), b"kept");
    alice.ok(&functions::messages::ForwardMessages {
        ..super::world::forward(enums::InputPeer::PeerSelf, enums::InputPeer::PeerSelf, vec![message.id])
    });
    alice.ok(&super::world::delete(vec![message.id], true));
    world.model.sweep_files(now + 3 * day).unwrap();
    assert_eq!(world.files_on_disk(), 1, "the forwarded message shows it");
    let last = alice.history(enums::InputPeer::PeerSelf).remove(0).id;
    alice.ok(&super::world::delete(vec![last], true));
    world.model.sweep_files(now + 5 * day).unwrap();
    assert_eq!(world.files_on_disk(), 0);
    world.put_stray_file();
    let world = world.restarted();
    assert_eq!(world.files_on_disk(), 0, "bytes without a row go at the start");
}

/// A client that sent itself a document, and where its bytes are.
fn with_document<'w>(world: &'w World, bytes: &[u8]) -> (Client<'w>, enums::InputFileLocation) {
    let alice = world.human(1);
    let file = upload(&alice, bytes, "a.bin");
    let answer = alice.ok(&send_media(&alice, enums::InputPeer::PeerSelf, uploaded_document(file, "a.bin")));
    let enums::Message::Message(message) = new_message(&answer) else { panic!() };
    let location = location(&document_of(&message), "");
    (alice, location)
}
