//! A stream, cut into packets: <https://core.telegram.org/mtproto/mtproto-transports#full>.
//!
//! Invariant: no more of one packet is held than [`PACKET_BYTES_MAX`], and what is written goes out in its order.

use std::io;

use grammers_crypto::DequeBuffer;
use grammers_mtproto::mtp;
use grammers_mtproto::transport::{self, Full, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The largest packet that is taken: Telegram's own are about a mebibyte.
const PACKET_BYTES_MAX: usize = (1 << 20) + (8 << 10);

/// How much is read at a time at least.
const READ_BYTES: usize = 64 << 10;

/// Room before a packet for what stands before it.
const LEADING_BYTES: usize = mtp::MAX_TRANSPORT_HEADER_LEN
    + mtp::ENCRYPTED_PACKET_HEADER_LEN
    + mtp::PLAIN_PACKET_HEADER_LEN
    + mtp::MESSAGE_CONTAINER_HEADER_LEN;

/// Why no more packets come.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A transport error, by its number: <https://core.telegram.org/mtproto/mtproto-transports#transport-errors>.
    #[error("transport error {0}")]
    Refused(u32),
    #[error("it does not speak MTProto")]
    Garbage,
}

/// See the module.
pub(crate) struct Packets {
    stream: TcpStream,
    transport: Full,
    received: Vec<u8>,
    /// How much of that has been given.
    taken: usize,
    outgoing: DequeBuffer<u8>,
    written: usize,
}

impl Packets {
    pub(crate) fn new(stream: TcpStream) -> Self {
        let outgoing = DequeBuffer::with_capacity(0, LEADING_BYTES);
        Self { stream, transport: Full::new(), received: Vec::new(), taken: 0, outgoing, written: 0 }
    }

    /// How many bytes are held for what comes.
    pub(crate) fn held_bytes(&self) -> usize {
        self.received.capacity()
    }

    /// Where the next packet is written, once the one before has gone.
    pub(crate) fn free(&mut self) -> Option<&mut DequeBuffer<u8>> {
        self.outgoing.is_empty().then_some(&mut self.outgoing)
    }

    /// What was written is a packet.
    pub(crate) fn seal(&mut self) {
        self.transport.pack(&mut self.outgoing);
    }

    /// Waits until something has come or gone. Nothing is lost where it is not waited for to the end.
    pub(crate) async fn step(&mut self) -> Result<(), Fault> {
        self.received.reserve(READ_BYTES);
        let (mut reader, mut writer) = self.stream.split();
        let left = &self.outgoing.as_ref()[self.written..];
        tokio::select! {
            read = reader.read_buf(&mut self.received) => match read? {
                0 => Err(io::Error::new(io::ErrorKind::ConnectionReset, "the other side closed it").into()),
                _ => Ok(()),
            },
            wrote = writer.write(left), if !left.is_empty() => {
                self.written += wrote?;
                if self.written == self.outgoing.len() {
                    self.outgoing.clear();
                    self.written = 0;
                }
                Ok(())
            }
        }
    }

    /// The next packet that has come whole.
    pub(crate) fn next(&mut self) -> Result<Option<&mut [u8]>, Fault> {
        let start = self.taken;
        match self.transport.unpack(&mut self.received[start..]) {
            Ok(found) => {
                self.taken += found.next_offset;
                let packet = &mut self.received[start + found.data_range.start..start + found.data_range.end];
                // So short a one is a transport error as well.
                match <[u8; 4]>::try_from(&*packet) {
                    Ok(code) => Err(Fault::Refused(i32::from_le_bytes(code).unsigned_abs())),
                    Err(_) => Ok(Some(packet)),
                }
            }
            Err(transport::Error::MissingBytes) => {
                self.received.drain(..start);
                self.taken = 0;
                let length = self.received.first_chunk().map_or(0, |length| u32::from_le_bytes(*length));
                if length as usize > PACKET_BYTES_MAX { Err(Fault::Garbage) } else { Ok(None) }
            }
            Err(transport::Error::BadStatus { status }) => Err(Fault::Refused(status)),
            Err(_) => Err(Fault::Garbage),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    async fn pair() -> (Packets, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (Packets::new(ours), listener.accept().await.unwrap().0)
    }

    async fn fault(bytes: &[u8]) -> Fault {
        let (mut packets, mut other) = pair().await;
        other.write_all(bytes).await.unwrap();
        loop {
            packets.step().await.unwrap();
            match packets.next() {
                Ok(Some(_)) => panic!("that is no packet"),
                Ok(None) => {}
                Err(fault) => return fault,
            }
        }
    }

    #[tokio::test]
    async fn what_is_no_packet_ends_the_connection() {
        let too_long = (PACKET_BYTES_MAX as u32 + 1).to_le_bytes();
        assert!(matches!(fault(&too_long).await, Fault::Garbage), "so large a packet is not waited for");
        assert!(matches!(fault(&[3, 0, 0, 0]).await, Fault::Garbage));
        assert!(matches!(fault(&(-404i32).to_le_bytes()).await, Fault::Refused(404)));
        let mut wrong_checksum = [0; 16];
        wrong_checksum[0] = 16;
        assert!(matches!(fault(&wrong_checksum).await, Fault::Garbage));
    }

    #[tokio::test]
    async fn packets_come_one_by_one_however_they_are_cut() {
        let (mut ours, theirs) = pair().await;
        let mut theirs = Packets::new(theirs);
        let sent = async {
            for number in 0..20u8 {
                while theirs.free().is_none() {
                    theirs.step().await.unwrap();
                }
                theirs.free().unwrap().extend(vec![number; 8 + usize::from(number) * 4096]);
                theirs.seal();
            }
            while theirs.free().is_none() {
                theirs.step().await.unwrap();
            }
        };
        let got = async {
            let mut expected = 0..20u8;
            while !expected.is_empty() {
                ours.step().await.unwrap();
                while let Some(packet) = ours.next().unwrap() {
                    let number = expected.next().unwrap();
                    assert_eq!(packet, vec![number; 8 + usize::from(number) * 4096]);
                }
            }
        };
        tokio::join!(sent, got);
    }
}
