//! The whole data centre, from outside: what a client made with nothing but the protocol's documentation relies on.

#![allow(clippy::unwrap_used, reason = "all of it is test code")]

mod client;

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use client::{Client, Framing, Transport, Wire};
use datacentre::{Config, DataCentre, StartError};
use grammers_tl_types::{enums, functions};

async fn start(data_dir: &Path) -> DataCentre {
    start_at(data_dir, ([127, 0, 0, 1], 0).into()).await.expect("a data centre")
}

async fn start_at(data_dir: &Path, listen: SocketAddr) -> Result<DataCentre, StartError> {
    DataCentre::start(Config { listen, data_dir: data_dir.to_owned(), dc_id: 2 }).await
}

async fn ask_config(client: &mut Client) -> enums::Config {
    client.call(&functions::help::GetConfig {}).await.unwrap()
}

#[tokio::test]
async fn it_says_where_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let data_centre = start(directory.path()).await;
    let mut client = Client::new(data_centre.address, &data_centre.public_key_pem).await;
    let enums::Config::Config(config) = ask_config(&mut client).await;
    assert_eq!(config.this_dc, 2);
    let here = config.dc_options.iter().any(|option| {
        let enums::DcOption::Option(option) = option;
        let port = i32::from(data_centre.address.port());
        (option.id, option.ip_address.as_str(), option.port) == (2, "127.0.0.1", port)
    });
    assert!(here, "{:?}", config.dc_options);
}

#[tokio::test]
async fn keys_and_layers_outlive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("made on first use");
    let before = start(&data_dir).await;
    let mut client = Client::new(before.address, &before.public_key_pem).await;
    ask_config(&mut client).await;
    let (address, pem) = (before.address, before.public_key_pem.clone());
    before.stop().await;
    assert!(client.is_closed().await);

    let after = start_at(&data_dir, address).await.expect("the address is free again");
    assert_eq!(after.public_key_pem, pem);
    assert_eq!(std::fs::read_to_string(&after.public_key_path).unwrap(), pem);
    client.reconnect(address).await;
    ask_config(&mut client).await;
}

#[tokio::test]
async fn its_files_are_its_owners_alone() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let data_centre = start(&data_dir).await;
    let mut client = Client::new(data_centre.address, &data_centre.public_key_pem).await;
    ask_config(&mut client).await;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data_dir), 0o700);
    for entry in std::fs::read_dir(&data_dir).unwrap() {
        let path = entry.unwrap().path();
        let is_secret = path.ends_with("rsa.pem") || path.to_string_lossy().contains("sqlite");
        assert!(!is_secret || mode(&path) == 0o600, "{}", path.display());
    }
}

#[tokio::test]
async fn dropping_it_stops_it() {
    let directory = tempfile::tempdir().unwrap();
    let data_centre = start(directory.path()).await;
    let mut client = Client::new(data_centre.address, &data_centre.public_key_pem).await;
    drop(data_centre);
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn what_keeps_it_from_starting_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let first = start(&directory.path().join("first")).await;
    let error = start_at(&directory.path().join("second"), first.address).await.unwrap_err();
    assert!(error.to_string().contains("choose another address"), "{error}");
    let file = directory.path().join("a file");
    std::fs::write(&file, "").unwrap();
    let error = start_at(&file, ([127, 0, 0, 1], 0).into()).await.unwrap_err();
    assert!(error.to_string().contains("cannot use the data directory"), "{error}");
}

#[tokio::test]
async fn a_failure_asked_for_comes_once() {
    let directory = tempfile::tempdir().unwrap();
    let data_centre = start(directory.path()).await;
    let mut client = Client::new(data_centre.address, &data_centre.public_key_pem).await;
    data_centre.faults().fail_next("help.getConfig", 420, "FLOOD_WAIT_3");
    let error = client.call(&functions::help::GetConfig {}).await.unwrap_err();
    assert_eq!((error.code, error.name.as_str()), (420, "FLOOD_WAIT_3"));
    ask_config(&mut client).await;
}

/// Two connections at a time for one key, and many for many: nobody waits for another.
#[tokio::test]
async fn many_clients_are_served_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let data_centre = start(directory.path()).await;
    let first = Client::new(data_centre.address, &data_centre.public_key_pem).await;
    let mut clients = tokio::task::JoinSet::new();
    for index in 0..50 {
        let framing = [Framing::Abridged, Framing::Intermediate, Framing::Padded, Framing::Full][index % 4];
        let transport = Transport { framing, obfuscated: index % 2 == 0 && framing != Framing::Full };
        let wire = Wire::connect(data_centre.address, transport).await.unwrap();
        let mut client = Client::over(wire, first.key, 0);
        clients.spawn(async move {
            for _ in 0..20 {
                ask_config(&mut client).await;
            }
        });
    }
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
}
