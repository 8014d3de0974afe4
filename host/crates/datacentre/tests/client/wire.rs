//! The client's side of every transport.

use std::io;
use std::net::SocketAddr;

use aes::cipher::{KeyIvInit, StreamCipher};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::PATIENCE;
use super::crypto::random;

type Cipher = ctr::Ctr128BE<aes::Aes256>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    Abridged,
    Intermediate,
    Padded,
    Full,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transport {
    pub framing: Framing,
    pub obfuscated: bool,
}

const fn transport(framing: Framing, obfuscated: bool) -> Transport {
    Transport { framing, obfuscated }
}

/// Every transport there is.
pub const TRANSPORTS: [Transport; 7] = [
    transport(Framing::Abridged, false),
    transport(Framing::Intermediate, false),
    transport(Framing::Padded, false),
    transport(Framing::Full, false),
    transport(Framing::Abridged, true),
    transport(Framing::Intermediate, true),
    transport(Framing::Padded, true),
];

/// A connection: packets in, packets out.
pub struct Wire {
    stream: TcpStream,
    framing: Framing,
    ciphers: Option<(Cipher, Cipher)>,
    sent: u32,
    received: u32,
}

impl Wire {
    pub async fn connect(address: SocketAddr, transport: Transport) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let tag = match transport.framing {
            Framing::Abridged => 0xef,
            Framing::Intermediate => 0xee,
            Framing::Padded => 0xdd,
            Framing::Full => 0,
        };
        let mut ciphers = None;
        if transport.obfuscated {
            let (header, pair) = obfuscated_header(tag);
            stream.write_all(&header).await?;
            ciphers = Some(pair);
        } else {
            match transport.framing {
                Framing::Abridged => stream.write_all(&[tag]).await?,
                Framing::Intermediate | Framing::Padded => stream.write_all(&[tag; 4]).await?,
                Framing::Full => {}
            }
        }
        Ok(Self { stream, framing: transport.framing, ciphers, sent: 0, received: 0 })
    }

    pub async fn send(&mut self, payload: &[u8]) -> io::Result<()> {
        let bytes = self.frame(payload, false);
        self.send_bytes(bytes).await
    }

    /// Sends a packet asking for a quick acknowledgement.
    pub async fn send_asking(&mut self, payload: &[u8]) -> io::Result<()> {
        let bytes = self.frame(payload, true);
        self.send_bytes(bytes).await
    }

    /// Sends bytes as they are, but for the obfuscation.
    pub async fn send_bytes(&mut self, mut bytes: Vec<u8>) -> io::Result<()> {
        if let Some((outward, _)) = &mut self.ciphers {
            outward.apply_keystream(&mut bytes);
        }
        timeout(PATIENCE, self.stream.write_all(&bytes)).await?
    }

    /// A packet as it goes on the wire.
    pub fn frame(&mut self, payload: &[u8], quick_ack: bool) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap();
        let ask = if quick_ack { 0x8000_0000 } else { 0 };
        match self.framing {
            Framing::Abridged if length / 4 < 0x7f => {
                [&[(length / 4) as u8 | if quick_ack { 0x80 } else { 0 }], payload].concat()
            }
            Framing::Abridged => {
                let [a, b, c, _] = (length / 4).to_le_bytes();
                [&[if quick_ack { 0xff } else { 0x7f }, a, b, c], payload].concat()
            }
            Framing::Intermediate => [&(length | ask).to_le_bytes(), payload].concat(),
            Framing::Padded => {
                let padding = &random::<16>()[..usize::from(random::<1>()[0] % 16)];
                let length = length + u32::try_from(padding.len()).unwrap();
                [&(length | ask).to_le_bytes(), payload, padding].concat()
            }
            Framing::Full => {
                let mut frame = [&(length + 12).to_le_bytes(), &self.sent.to_le_bytes(), payload].concat();
                frame.extend_from_slice(&crc32fast::hash(&frame).to_le_bytes());
                self.sent += 1;
                frame
            }
        }
    }

    /// The next packet; an error when the server has closed the connection. Quick acknowledgements come as packets of
    /// four bytes, and so do transport errors.
    pub async fn receive(&mut self) -> io::Result<Vec<u8>> {
        timeout(PATIENCE, self.receive_patiently()).await.expect("the server answers or closes the connection")
    }

    async fn receive_patiently(&mut self) -> io::Result<Vec<u8>> {
        match self.framing {
            Framing::Abridged => {
                let first = self.take(1).await?[0];
                if first & 0x80 != 0 {
                    let rest = self.take(3).await?;
                    return Ok(vec![rest[2], rest[1], rest[0], first]);
                }
                let words = match first {
                    0x7f => {
                        let long = self.take(3).await?;
                        u32::from_le_bytes([long[0], long[1], long[2], 0])
                    }
                    short => u32::from(short),
                };
                self.take(words as usize * 4).await
            }
            Framing::Intermediate | Framing::Padded => {
                let word = self.take(4).await?;
                let length = u32::from_le_bytes(word[..].try_into().unwrap());
                if length & 0x8000_0000 != 0 {
                    return Ok(word);
                }
                self.take(length as usize).await
            }
            Framing::Full => {
                let head = self.take(8).await?;
                let length = u32::from_le_bytes(head[..4].try_into().unwrap()) as usize;
                assert_eq!(head[4..], self.received.to_le_bytes(), "the server's packets are not in order");
                self.received += 1;
                let rest = self.take(length - 8).await?;
                let (payload, checksum) = rest.split_at(length - 12);
                assert_eq!(checksum, crc32fast::hash(&[&head, payload].concat()).to_le_bytes());
                Ok(payload.to_vec())
            }
        }
    }

    async fn take(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.stream.read_exact(&mut bytes).await?;
        if let Some((_, inward)) = &mut self.ciphers {
            inward.apply_keystream(&mut bytes);
        }
        Ok(bytes)
    }
}

/// <https://core.telegram.org/mtproto/mtproto-transports#transport-obfuscation>
fn obfuscated_header(tag: u8) -> ([u8; 64], (Cipher, Cipher)) {
    let mut header: [u8; 64] = random();
    header[0] = 0x55; // none of the first words that are forbidden
    header[4] = 1;
    header[56..60].fill(tag);
    let mut backwards = header;
    backwards.reverse();
    let mut outward = Cipher::new_from_slices(&header[8..40], &header[40..56]).unwrap();
    let inward = Cipher::new_from_slices(&backwards[8..40], &backwards[40..56]).unwrap();
    let mut encrypted = header;
    outward.apply_keystream(&mut encrypted);
    header[56..].copy_from_slice(&encrypted[56..]);
    (header, (outward, inward))
}
