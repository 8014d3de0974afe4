//! The key exchange against somebody in the middle.

use std::net::SocketAddr;

use telegram::DcAddress;
use telegram::login::Login;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::proxy::{Proxy, Weather};
use crate::world::{World, config};

/// Where the data of a plain message begins: after the key's id, the message's id and the length.
const DATA: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_can_be_changed_on_its_way() {
    let world = World::new().await;
    // Answer by answer, bytes of every field; in the second one the last 16 bytes may be padding.
    let first = (0..64).step_by(6).map(|at| (0, DATA + at));
    let second = (0..600).step_by(50).map(|at| (1, DATA + at));
    let third = (0..52).step_by(6).map(|at| (2, DATA + at));
    let tries = first.chain(second).chain(third).map(|(frame, at)| {
        let (world, store) = (&world, world.store(&format!("{frame}-{at}")));
        async move {
            let address = tamper(world.dc.address, frame, at).await;
            let dc = DcAddress::Custom { address, public_key_pem: world.dc.public_key_pem.clone(), dc_id: 2 };
            let ended = Login::begin(config(store.clone(), dc)).await;
            assert!(ended.is_err(), "byte {at} of answer {frame} was changed, and nobody minds");
            assert!(store.dc(2).unwrap().is_none(), "a key was kept");
        }
    });
    futures_util::future::join_all(tries).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_that_is_cut_is_begun_again() {
    let world = World::new().await;
    let proxy = Proxy::new(world.dc.address).await;
    proxy.set(Weather::CutAfter(300));
    let weather = async {
        proxy.cut_short().await;
        proxy.set(Weather::Fine);
    };
    let (login, ()) = tokio::join!(Login::begin(config(world.store("a"), proxy.to(world.address()))), weather);
    login.unwrap().finish().await.unwrap();
}

/// A way to the data centre that changes one byte of one answer, and its checksum with it.
async fn tamper(target: SocketAddr, frame: usize, at: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(target).await.unwrap();
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_server, mut to_server) = server.into_split();
            tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
            tokio::spawn(async move {
                let mut count = 0;
                while let Ok(length) = from_server.read_u32_le().await {
                    let mut rest = vec![0; (length as usize).saturating_sub(4)];
                    if from_server.read_exact(&mut rest).await.is_err() {
                        break;
                    }
                    let mut packet = [&length.to_le_bytes()[..], &rest].concat();
                    // Length and number come before the payload, the checksum after it.
                    if count == frame && 8 + at < packet.len() - 4 {
                        packet[8 + at] ^= 1;
                    }
                    let end = packet.len() - 4;
                    let checksum = crc32(&packet[..end]).to_le_bytes();
                    packet[end..].copy_from_slice(&checksum);
                    count += 1;
                    if to_client.write_all(&packet).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    address
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    };
    !bytes.iter().fold(!0, step)
}
