//! Files of secret chats.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use super::{discard, heard, named, talk, with_file};
use crate::api::tests::media::{download, save_part};
use crate::api::tests::world::World;
use crate::model::unix_time;

#[test]
fn a_file_goes_to_the_other_side_and_from_chat_to_chat() {
    let world = World::new();
    let (alice, bob, carol) = (world.human(1), world.human(2), world.human(3));
    talk(&alice, &bob, 5);
    talk(&bob, &carol, 6);
    let bytes = b"sixteen bytes...".repeat(4);
    alice.ok(&save_part(1, 0, &bytes));
    let md5_checksum = format!("{:x}", md5::compute(&bytes));
    let small = types::InputEncryptedFileUploaded { id: 1, parts: 1, md5_checksum, key_fingerprint: 9 };
    let sent = alice.ok(&with_file(&alice, 5, 1, small.clone().into()));
    let enums::messages::SentEncryptedMessage::SentEncryptedFile(answer) = &sent else { panic!("{sent:?}") };
    let enums::EncryptedFile::File(file) = &answer.file else { panic!("{answer:?}") };
    assert_eq!((file.size, file.dc_id, file.key_fingerprint), (64, 2, 9));
    assert_eq!(alice.ok(&with_file(&alice, 5, 1, small.into())), sent, "the same file, not another");
    assert_eq!(heard(&bob), ["101: 1 in 5 with a file"]);
    assert_eq!(download(&bob, &location(file)), bytes);

    let known = types::InputEncryptedFile { id: file.id, access_hash: file.access_hash };
    bob.ok(&with_file(&bob, 6, 2, known.into()));
    let pushed = carol.pushed_updates();
    let [enums::Update::NewEncryptedMessage(new)] = &pushed[..] else { panic!("{pushed:?}") };
    let enums::EncryptedMessage::Message(message) = &new.message else { panic!("{new:?}") };
    assert_eq!(message.file, answer.file);
}

#[test]
fn a_big_file_may_be_uploaded_before_its_message() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    talk(&alice, &bob, 5);
    let parts = [vec![1; 512 << 10], vec![2; 1_008]];
    for (file_part, bytes) in (0..).zip(parts.clone()) {
        alice.ok(&functions::upload::SaveBigFilePart { file_id: 3, file_part, file_total_parts: 2, bytes });
    }
    let file = types::InputEncryptedFileBigUploaded { id: 3, parts: 2, key_fingerprint: -1 }.into();
    let call = functions::messages::UploadEncryptedFile { peer: named(&alice, 5), file };
    let enums::EncryptedFile::File(file) = alice.ok(&call) else { panic!() };
    let known = types::InputEncryptedFile { id: file.id, access_hash: file.access_hash };
    alice.ok(&with_file(&alice, 5, 1, known.into()));
    assert_eq!(heard(&bob), ["101: 1 in 5 with a file"]);
    assert_eq!(download(&bob, &location(&file)), parts.concat());
}

#[test]
fn what_is_wrong_with_a_file_is_said() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    talk(&alice, &bob, 5);
    alice.ok(&save_part(1, 0, &[1; 16]));
    let uploaded = |id, parts, md5: &str| types::InputEncryptedFileUploaded {
        id,
        parts,
        md5_checksum: md5.to_owned(),
        key_fingerprint: 9,
    };
    let sent = alice.ok(&with_file(&alice, 5, 1, uploaded(1, 1, "").into()));
    let enums::messages::SentEncryptedMessage::SentEncryptedFile(sent) = sent else { panic!() };
    let enums::EncryptedFile::File(file) = sent.file else { panic!() };
    let wrong = types::InputEncryptedFile { id: file.id, access_hash: file.access_hash ^ 1 };
    let big = types::InputEncryptedFileBigUploaded { id: 1, parts: 1, key_fingerprint: 9 };
    for (input, wanted) in [
        (enums::InputEncryptedFile::Empty, "400 FILE_EMTPY"),
        (wrong.clone().into(), "400 FILE_ID_INVALID"),
        (uploaded(2, 1, "").into(), "400 FILE_PART_0_MISSING"),
        (uploaded(1, 2, "").into(), "400 FILE_PARTS_INVALID"),
        (uploaded(1, 1, "00").into(), "400 MD5_CHECKSUM_INVALID"),
        (big.into(), "400 FILE_PARTS_INVALID"),
    ] {
        assert_eq!(alice.err(&with_file(&alice, 5, 2, input.clone())), wanted, "{input:?}");
    }
    let get = |location| functions::upload::GetFile {
        precise: false,
        cdn_supported: false,
        location,
        offset: 0,
        limit: 4 << 10,
    };
    let wrong = types::InputEncryptedFileLocation { id: file.id, access_hash: wrong.access_hash };
    assert_eq!(bob.err(&get(wrong.into())), "400 LOCATION_INVALID");
    let as_document = types::InputDocumentFileLocation {
        id: file.id,
        access_hash: file.access_hash,
        file_reference: Vec::new(),
        thumb_size: String::new(),
    };
    assert!(bob.call(&get(as_document.into())).is_err(), "it is no document");
}

#[test]
fn a_file_is_kept_while_a_chat_lives_that_has_it() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    talk(&alice, &bob, 5);
    talk(&alice, &bob, 6);
    alice.ok(&save_part(1, 0, &[1; 16]));
    let input = types::InputEncryptedFileUploaded { id: 1, parts: 1, md5_checksum: String::new(), key_fingerprint: 9 };
    let sent = alice.ok(&with_file(&alice, 5, 1, input.into()));
    let enums::messages::SentEncryptedMessage::SentEncryptedFile(sent) = sent else { panic!() };
    let enums::EncryptedFile::File(file) = sent.file else { panic!() };
    let known = types::InputEncryptedFile { id: file.id, access_hash: file.access_hash };
    alice.ok(&with_file(&alice, 6, 2, known.into()));
    let kept_much_later = || {
        world.model.sweep_files(unix_time() + 30 * 24 * 3600).unwrap();
        world.files_on_disk() > 0
    };
    assert!(kept_much_later());
    alice.ok(&discard(5, false));
    assert!(kept_much_later());
    bob.ok(&discard(6, false));
    assert_eq!(download(&bob, &location(&file)), [1; 16], "for a while also after the end");
    assert!(!kept_much_later());
}

fn location(file: &types::EncryptedFile) -> enums::InputFileLocation {
    types::InputEncryptedFileLocation { id: file.id, access_hash: file.access_hash }.into()
}
