//! Cutting a TCP stream into packets and back: <https://core.telegram.org/mtproto/mtproto-transports>.
//! Abridged, intermediate and padded intermediate, each plain or obfuscated, and full (which has no tag, so the
//! documentation defines no obfuscated form of it).
//!
//! Invariant: no length a peer claims makes us hold more than what it has sent, and never more than one packet of
//! [`PACKET_BYTES_MAX`] and one read.

use aes::cipher::{KeyIvInit, StreamCipher};

use super::crypto::random;

/// The longest packet accepted.
pub(crate) const PACKET_BYTES_MAX: usize = 4 << 20;
/// Room made before each read from the socket.
const READ_BYTES: usize = 16 << 10;
/// A read buffer that has grown beyond this is given back once it is empty.
const IDLE_BUFFER_BYTES_MAX: usize = 64 << 10;
/// The header of an obfuscated connection.
const OBFUSCATED_HEADER_BYTES: usize = 64;
/// Length, sequence number and checksum of the full transport.
const FULL_OVERHEAD_BYTES: usize = 12;
/// Transport errors are told by their length, so they are not padded.
const TRANSPORT_ERROR_BYTES: usize = 4;
/// The bit with which a client asks for a quick acknowledgement.
const QUICK_ACK: u32 = 0x8000_0000;

type Cipher = ctr::Ctr128BE<aes::Aes256>;

/// Why a stream cannot be read on. The connection is closed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TransportError {
    #[error("the first bytes are of no MTProto transport")]
    Unknown,
    #[error("a packet claims {0} bytes")]
    Length(usize),
    #[error("packet {0} came where another was due")]
    Sequence(i32),
    #[error("the checksum of a packet does not fit")]
    Checksum,
}

/// One way of cutting the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Abridged,
    Intermediate,
    Padded,
    Full,
}

/// What a client sent in one piece.
pub(crate) struct Packet {
    pub(crate) payload: Vec<u8>,
    /// The client wants a quick acknowledgement of it.
    pub(crate) quick_ack: bool,
}

/// The reading half: bytes in, packets out.
#[derive(Default)]
pub(crate) struct Inbound {
    framing: Option<Framing>,
    cipher: Option<Cipher>,
    full_sequence: i32,
    buffer: Vec<u8>,
    start: usize,
}

/// The writing half: packets in, bytes out.
pub(crate) struct Outbound {
    framing: Framing,
    cipher: Option<Cipher>,
    full_sequence: i32,
}

impl Inbound {
    /// The buffer to append the next read to, with room in it. Call [`Inbound::received`] with the count afterwards.
    pub(crate) fn space(&mut self) -> &mut Vec<u8> {
        if self.start == self.buffer.len() {
            self.start = 0;
            self.buffer.clear();
            if self.buffer.capacity() > IDLE_BUFFER_BYTES_MAX {
                self.buffer = Vec::new();
            }
        } else if self.start >= READ_BYTES {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.reserve(READ_BYTES);
        &mut self.buffer
    }

    /// Takes note that the last `count` bytes of the buffer are new.
    pub(crate) fn received(&mut self, count: usize) {
        if let Some(cipher) = &mut self.cipher {
            let from = self.buffer.len() - count;
            cipher.apply_keystream(&mut self.buffer[from..]);
        }
    }

    /// Finds out the transport from the first bytes and gives the writing half that goes with it, or nothing while too
    /// few bytes have come. To be called until it gives one, before any [`Inbound::next`].
    pub(crate) fn detect(&mut self) -> Result<Option<Outbound>, TransportError> {
        let bytes = &self.buffer[self.start..];
        let Some(&first) = bytes.first() else { return Ok(None) };
        if first == 0xef {
            return Ok(Some(self.settle(Framing::Abridged, 1)));
        }
        let Some(word) = word(bytes, 0) else { return Ok(None) };
        match word {
            0xeeee_eeee => return Ok(Some(self.settle(Framing::Intermediate, 4))),
            0xdddd_dddd => return Ok(Some(self.settle(Framing::Padded, 4))),
            _ if is_another_protocol(&word.to_le_bytes()) => return Err(TransportError::Unknown),
            _ => {}
        }
        let Some(sequence) = self::word(bytes, 4) else { return Ok(None) };
        if sequence == 0 {
            return Ok(Some(self.settle(Framing::Full, 0)));
        }
        self.detect_obfuscated()
    }

    /// The next whole packet, or nothing while it is not all there.
    pub(crate) fn next(&mut self) -> Result<Option<Packet>, TransportError> {
        let Some(framing) = self.framing else { return Ok(None) };
        match framing {
            Framing::Abridged => self.next_abridged(),
            Framing::Intermediate | Framing::Padded => self.next_intermediate(framing),
            Framing::Full => self.next_full(),
        }
    }

    fn settle(&mut self, framing: Framing, tag_bytes: usize) -> Outbound {
        self.framing = Some(framing);
        self.start += tag_bytes;
        Outbound::plain(framing)
    }

    /// <https://core.telegram.org/mtproto/mtproto-transports#transport-obfuscation>: bytes 8..40 of the header are the
    /// client's key, 40..56 its counter, and the same backwards are ours; 56..60, decrypted, is the framing's tag.
    fn detect_obfuscated(&mut self) -> Result<Option<Outbound>, TransportError> {
        let from = self.start + OBFUSCATED_HEADER_BYTES;
        let Some(header) = self.buffer.get(self.start..from) else { return Ok(None) };
        let mut backwards: Vec<u8> = header[8..56].to_vec();
        backwards.reverse();
        let mut inward = cipher(&header[8..40], &header[40..56]);
        let outward = cipher(&backwards[..32], &backwards[32..]);
        let mut clear = header.to_vec();
        inward.apply_keystream(&mut clear);
        let framing = match clear[56..60] {
            [0xef, 0xef, 0xef, 0xef] => Framing::Abridged,
            [0xee, 0xee, 0xee, 0xee] => Framing::Intermediate,
            [0xdd, 0xdd, 0xdd, 0xdd] => Framing::Padded,
            _ => return Err(TransportError::Unknown),
        };
        inward.apply_keystream(&mut self.buffer[from..]);
        self.cipher = Some(inward);
        let mut outbound = self.settle(framing, OBFUSCATED_HEADER_BYTES);
        outbound.cipher = Some(outward);
        Ok(Some(outbound))
    }

    fn next_abridged(&mut self) -> Result<Option<Packet>, TransportError> {
        let bytes = &self.buffer[self.start..];
        let Some(&first) = bytes.first() else { return Ok(None) };
        let (header_bytes, words) = if first & 0x7f < 0x7f {
            (1, usize::from(first & 0x7f))
        } else {
            let Some(&[_, a, b, c]) = bytes.first_chunk::<4>() else { return Ok(None) };
            (4, u32::from_le_bytes([a, b, c, 0]) as usize)
        };
        let length = checked(words * 4)?;
        Ok(self.cut(header_bytes, length, 0, first & 0x80 != 0))
    }

    fn next_intermediate(&mut self, framing: Framing) -> Result<Option<Packet>, TransportError> {
        let Some(word) = word(&self.buffer[self.start..], 0) else { return Ok(None) };
        let length = checked((word & !QUICK_ACK) as usize)?;
        if framing == Framing::Intermediate && !length.is_multiple_of(4) {
            return Err(TransportError::Length(length));
        }
        Ok(self.cut(4, length, 0, word & QUICK_ACK != 0))
    }

    fn next_full(&mut self) -> Result<Option<Packet>, TransportError> {
        let bytes = &self.buffer[self.start..];
        let Some(total) = word(bytes, 0) else { return Ok(None) };
        let total = total as usize;
        let length = checked(total.checked_sub(FULL_OVERHEAD_BYTES).ok_or(TransportError::Length(total))?)?;
        if !length.is_multiple_of(4) {
            return Err(TransportError::Length(total));
        }
        let (Some(bytes), Some(sequence)) = (bytes.get(..total), word(bytes, 4)) else { return Ok(None) };
        if word(bytes, total - 4) != Some(crc32fast::hash(&bytes[..total - 4])) {
            return Err(TransportError::Checksum);
        }
        if sequence != self.full_sequence.cast_unsigned() {
            return Err(TransportError::Sequence(sequence.cast_signed()));
        }
        self.full_sequence = self.full_sequence.wrapping_add(1);
        Ok(self.cut(8, length, 4, false))
    }

    /// Takes a packet out of the buffer, if all of it is there.
    fn cut(&mut self, header_bytes: usize, length: usize, trailer_bytes: usize, quick_ack: bool) -> Option<Packet> {
        let from = self.start + header_bytes;
        let payload = self.buffer.get(from..from + length)?.to_vec();
        self.start = from + length + trailer_bytes;
        Some(Packet { payload, quick_ack })
    }
}

impl Outbound {
    /// One that obfuscates nothing.
    pub(crate) fn plain(framing: Framing) -> Self {
        Self { framing, cipher: None, full_sequence: 0 }
    }

    /// Appends one packet as it goes on the wire.
    pub(crate) fn packet(&mut self, payload: &[u8], out: &mut Vec<u8>) {
        let from = out.len();
        match self.framing {
            Framing::Abridged => {
                let words = u32::try_from(payload.len() / 4).unwrap_or(u32::MAX).to_le_bytes();
                match words {
                    [short @ 0..0x7f, 0, 0, _] => out.push(short),
                    [a, b, c, _] => out.extend_from_slice(&[0x7f, a, b, c]),
                }
                out.extend_from_slice(payload);
            }
            Framing::Intermediate => {
                out.extend_from_slice(&length_word(payload.len()));
                out.extend_from_slice(payload);
            }
            Framing::Padded => {
                let padding: [u8; 16] = random();
                let padding_bytes = if payload.len() == TRANSPORT_ERROR_BYTES { 0 } else { padding[0] % 16 };
                let padding = &padding[1..1 + usize::from(padding_bytes)];
                out.extend_from_slice(&length_word(payload.len() + padding.len()));
                out.extend_from_slice(payload);
                out.extend_from_slice(padding);
            }
            Framing::Full => {
                out.extend_from_slice(&length_word(payload.len() + FULL_OVERHEAD_BYTES));
                out.extend_from_slice(&self.full_sequence.to_le_bytes());
                out.extend_from_slice(payload);
                let checksum = crc32fast::hash(&out[from..]);
                out.extend_from_slice(&checksum.to_le_bytes());
                self.full_sequence = self.full_sequence.wrapping_add(1);
            }
        }
        self.obfuscate(&mut out[from..]);
    }

    /// Appends a quick acknowledgement: the token alone, its highest bit set, the other way round in abridged.
    pub(crate) fn quick_ack(&mut self, token: u32, out: &mut Vec<u8>) {
        let from = out.len();
        match self.framing {
            Framing::Abridged => out.extend_from_slice(&(token | QUICK_ACK).to_be_bytes()),
            Framing::Intermediate | Framing::Padded => out.extend_from_slice(&(token | QUICK_ACK).to_le_bytes()),
            Framing::Full => {}
        }
        self.obfuscate(&mut out[from..]);
    }

    fn obfuscate(&mut self, bytes: &mut [u8]) {
        if let Some(cipher) = &mut self.cipher {
            cipher.apply_keystream(bytes);
        }
    }
}

fn cipher(key: &[u8], counter: &[u8]) -> Cipher {
    Cipher::new_from_slices(key, counter).expect("key of 32 bytes and counter of 16")
}

fn checked(length: usize) -> Result<usize, TransportError> {
    if length == 0 || length > PACKET_BYTES_MAX { Err(TransportError::Length(length)) } else { Ok(length) }
}

fn length_word(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes()
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk::<4>().map(|word| u32::from_le_bytes(*word))
}

/// First words that the documentation keeps obfuscated clients from using, because HTTP and TLS begin with them.
fn is_another_protocol(first: &[u8; 4]) -> bool {
    matches!(first, b"HEAD" | b"POST" | b"GET " | b"OPTI" | [0x16, 0x03, 0x01, 0x02])
}
