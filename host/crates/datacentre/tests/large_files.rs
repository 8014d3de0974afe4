//! A large file through a data centre, in a process of its own, so that what it takes of memory can be seen.

#![allow(clippy::unwrap_used, reason = "all of it is test code")]

mod client;

use client::Client;
use datacentre::{Config, DataCentre};
use grammers_tl_types::{enums, functions, types};

const FILE_BYTES: usize = 64 << 20;
const PART_BYTES: usize = 512 << 10;
const CHUNK_BYTES: usize = 1 << 20;
/// How much the whole process, client included, may grow meanwhile: far less than the file.
const GROWTH_BYTES_MAX: usize = 24 << 20;

/// The most memory this process had so far.
fn peak_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}

/// Bytes that no compression makes shorter, the same each time for the same part.
fn part(n: usize) -> Vec<u8> {
    let mut state = (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let words = (0..PART_BYTES / 8).flat_map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.collect()
}

async fn sign_up(client: &mut Client) {
    let phone_number = "+9996610001".to_owned();
    let settings = tl_blank::code_settings();
    let settings = settings.into();
    let call =
        functions::auth::SendCode { phone_number: phone_number.clone(), api_id: 1, api_hash: String::new(), settings };
    let enums::auth::SentCode::Code(sent) = client.call(&call).await.unwrap() else { panic!() };
    let phone_code_hash = sent.phone_code_hash;
    let (phone_code, email_verification) = (Some("11111".to_owned()), None);
    let call = functions::auth::SignIn {
        phone_number: phone_number.clone(),
        phone_code_hash: phone_code_hash.clone(),
        phone_code,
        email_verification,
    };
    client.call(&call).await.unwrap();
    let (first_name, last_name) = ("Alice".to_owned(), String::new());
    let no_joined_notifications = false;
    let call =
        functions::auth::SignUp { no_joined_notifications, phone_number, phone_code_hash, first_name, last_name };
    client.call(&call).await.unwrap();
}

async fn upload(client: &mut Client) -> enums::InputFileLocation {
    let parts = i32::try_from(FILE_BYTES / PART_BYTES).unwrap();
    for n in 0..FILE_BYTES / PART_BYTES {
        let file_part = i32::try_from(n).unwrap();
        let call =
            functions::upload::SaveBigFilePart { file_id: 1, file_part, file_total_parts: parts, bytes: part(n) };
        assert!(client.call(&call).await.unwrap());
    }
    let file = types::InputFileBig { id: 1, parts, name: "large.bin".to_owned() }.into();
    let media = types::InputMediaUploadedDocument {
        force_file: true,
        ..tl_blank::input_media_uploaded_document(file, String::new(), Vec::new())
    };
    let peer = enums::InputPeer::PeerSelf;
    let call = functions::messages::UploadMedia { business_connection_id: None, peer, media: media.into() };
    let enums::MessageMedia::Document(media) = client.call(&call).await.unwrap() else { panic!() };
    let Some(enums::Document::Document(document)) = media.document else { panic!() };
    assert_eq!(usize::try_from(document.size).unwrap(), FILE_BYTES);
    let types::Document { id, access_hash, file_reference, .. } = document;
    types::InputDocumentFileLocation { id, access_hash, file_reference, thumb_size: String::new() }.into()
}

#[tokio::test]
async fn memory_does_not_grow_with_the_size_of_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config { listen: ([127, 0, 0, 1], 0).into(), data_dir: directory.path().to_owned(), dc_id: 2 };
    let data_centre = DataCentre::start(config).await.unwrap();
    let mut client = Client::new(data_centre.address, &data_centre.public_key_pem).await;
    sign_up(&mut client).await;
    let before = peak_bytes();
    let location = upload(&mut client).await;
    for n in 0..FILE_BYTES / CHUNK_BYTES {
        let call = functions::upload::GetFile {
            precise: false,
            cdn_supported: false,
            location: location.clone(),
            offset: i64::try_from(n * CHUNK_BYTES).unwrap(),
            limit: i32::try_from(CHUNK_BYTES).unwrap(),
        };
        let enums::upload::File::File(chunk) = client.call(&call).await.unwrap() else { panic!() };
        assert!(chunk.bytes == [part(2 * n), part(2 * n + 1)].concat(), "chunk {n}");
    }
    let growth = peak_bytes() - before;
    assert!(growth < GROWTH_BYTES_MAX, "grew by {growth} bytes");
    data_centre.stop().await;
}
