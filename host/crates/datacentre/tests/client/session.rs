//! A client's session: numbers its messages, finds the answers among what comes, keeps the updates.

use std::collections::VecDeque;
use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use grammers_tl_types::{
    Cursor, Deserializable, Identifiable, LAYER, RemoteCall, Serializable, enums, functions, types,
};

use super::crypto::{open, padding_for, random, seal};
use super::exchange::{Padding, exchange};
use super::wire::{Framing, Transport, Wire};

pub const MSG_CONTAINER: u32 = 0x73f1_f8dc;
pub const GZIP_PACKED: u32 = 0x3072_cfa1;
pub const RPC_RESULT: u32 = 0xf35c_6d01;

/// One message of the server, containers taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub msg_id: i64,
    pub seq_no: i32,
    pub body: Vec<u8>,
}

impl Message {
    pub fn id(&self) -> u32 {
        u32::from_bytes(&self.body).unwrap()
    }

    /// The body as this boxed type.
    pub fn read<T: Deserializable>(&self) -> T {
        T::from_bytes(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The result for this request, if the message is one; gzip is taken off.
    pub fn result_for(&self, msg_id: i64) -> Option<Vec<u8>> {
        let is_mine = self.id() == RPC_RESULT && self.body[4..12] == msg_id.to_le_bytes();
        is_mine.then(|| gunzip(self.body[12..].to_vec()))
    }
}

/// An error the server answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpcError {
    pub code: i32,
    pub name: String,
}

/// A client with a key and a session.
pub struct Client {
    pub wire: Wire,
    pub key: [u8; 256],
    pub session_id: i64,
    pub salt: i64,
    /// What came and was not what a call waited for: updates, notices.
    pub others: VecDeque<Message>,
    queue: VecDeque<Message>,
    last_msg_id: i64,
    content_messages: i32,
    initialised: bool,
}

impl Client {
    /// Connects by abridged transport and makes a key.
    pub async fn new(address: SocketAddr, pem: &str) -> Self {
        let transport = Transport { framing: Framing::Abridged, obfuscated: false };
        Self::with(address, pem, transport, Padding::Current).await
    }

    pub async fn with(address: SocketAddr, pem: &str, transport: Transport, padding: Padding) -> Self {
        let mut wire = Wire::connect(address, transport).await.unwrap();
        let agreed = exchange(&mut wire, pem, padding).await.unwrap();
        Self::over(wire, agreed.key, agreed.salt)
    }

    /// A new session of a key over a connection.
    pub fn over(wire: Wire, key: [u8; 256], salt: i64) -> Self {
        Self {
            wire,
            key,
            session_id: i64::from_le_bytes(random()),
            salt,
            others: VecDeque::new(),
            queue: VecDeque::new(),
            last_msg_id: 0,
            content_messages: 0,
            initialised: false,
        }
    }

    /// Another connection for the same session.
    pub async fn reconnect(&mut self, address: SocketAddr) {
        let transport = Transport { framing: Framing::Intermediate, obfuscated: false };
        self.wire = Wire::connect(address, transport).await.unwrap();
        self.queue.clear();
    }

    /// A new session of the same key, over another connection.
    pub async fn another(&self, address: SocketAddr) -> Self {
        let transport = Transport { framing: Framing::Full, obfuscated: false };
        Self::over(Wire::connect(address, transport).await.unwrap(), self.key, self.salt)
    }

    /// Calls a method, the first time with `invokeWithLayer` and `initConnection`; takes the salt the server wants, and
    /// acknowledges the answer.
    pub async fn call<R: RemoteCall>(&mut self, request: &R) -> Result<R::Return, RpcError> {
        let bytes = if self.initialised { request.to_bytes() } else { init(LAYER, &request.to_bytes()) };
        self.initialised = true;
        let result = self.call_bytes(&bytes).await?;
        Ok(R::Return::from_bytes(&result).unwrap_or_else(|error| panic!("{error} in {result:02x?}")))
    }

    /// Calls with a request as it is.
    pub async fn call_bytes(&mut self, request: &[u8]) -> Result<Vec<u8>, RpcError> {
        let mut msg_id = self.send(request, true).await.unwrap();
        loop {
            let message = self.receive().await.expect("the connection lasts until the answer");
            if message.id() == types::BadServerSalt::CONSTRUCTOR_ID {
                let enums::BadMsgNotification::BadServerSalt(notice) = message.read() else { unreachable!() };
                if notice.bad_msg_id == msg_id {
                    self.salt = notice.new_server_salt;
                    msg_id = self.send(request, true).await.unwrap();
                    continue;
                }
            }
            if let Some(result) = message.result_for(msg_id) {
                let ack = enums::MsgsAck::Ack(types::MsgsAck { msg_ids: vec![message.msg_id] });
                self.send(&ack.to_bytes(), false).await.unwrap();
                return match enums::RpcError::from_bytes(&result) {
                    Ok(enums::RpcError::Error(error)) => {
                        Err(RpcError { code: error.error_code, name: error.error_message })
                    }
                    Err(_) => Ok(result),
                };
            }
            self.others.push_back(message);
        }
    }

    /// The next updates pushed, waiting for them if need be; other notices before them are forgotten.
    pub async fn updates(&mut self) -> enums::Updates {
        loop {
            let message = match self.others.pop_front() {
                Some(message) => message,
                None => self.receive().await.expect("the connection lasts until the updates"),
            };
            if let Ok(updates) = enums::Updates::from_bytes(&message.body) {
                return updates;
            }
        }
    }

    /// Numbers and sends a message; gives its identifier.
    pub async fn send(&mut self, body: &[u8], content: bool) -> io::Result<i64> {
        let (msg_id, seq_no) = (self.next_msg_id(), self.next_seq_no(content));
        self.send_as(msg_id, seq_no, body).await?;
        Ok(msg_id)
    }

    /// Sends a message with these numbers.
    pub async fn send_as(&mut self, msg_id: i64, seq_no: i32, body: &[u8]) -> io::Result<()> {
        let packet = self.packet(msg_id, seq_no, body);
        self.wire.send(&packet).await
    }

    /// The envelope of a message.
    pub fn packet(&self, msg_id: i64, seq_no: i32, body: &[u8]) -> Vec<u8> {
        let plain = self.plain(msg_id, seq_no, body);
        seal(&self.key, &plain, padding_for(plain.len()))
    }

    /// The inside of the envelope, without padding.
    pub fn plain(&self, msg_id: i64, seq_no: i32, body: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        self.salt.serialize(&mut plain);
        self.session_id.serialize(&mut plain);
        plain.extend(message(msg_id, seq_no, body));
        plain
    }

    /// The next message, or an error when the connection has ended.
    pub async fn receive(&mut self) -> io::Result<Message> {
        while self.queue.is_empty() {
            let packet = self.wire.receive().await?;
            if packet.len() == 4 {
                return Err(io::Error::other(format!("{}", i32::from_le_bytes(packet.try_into().unwrap()))));
            }
            let plain = open(&self.key, &packet);
            assert_eq!(plain[8..16], self.session_id.to_le_bytes(), "a message for another session");
            let length = u32::from_le_bytes(plain[28..32].try_into().unwrap()) as usize;
            let padding = plain.len() - 32 - length;
            assert!((12..=1024).contains(&padding), "padding of {padding} bytes");
            let mut cursor = Cursor::from_slice(&plain[16..32 + length]);
            self.queue.extend(flatten(read_message(&mut cursor)));
        }
        let message = self.queue.pop_front().unwrap();
        if message.id() == types::NewSessionCreated::CONSTRUCTOR_ID {
            let enums::NewSession::Created(created) = message.read();
            self.salt = created.server_salt;
        }
        Ok(message)
    }

    /// The next message with this constructor; what comes before it is kept in `others`.
    pub async fn receive_id(&mut self, id: u32) -> Message {
        loop {
            let message = self.receive().await.expect("the connection lasts until the message");
            if message.id() == id {
                return message;
            }
            self.others.push_back(message);
        }
    }

    /// True when the server closes the connection without sending anything but transport errors.
    pub async fn is_closed(&mut self) -> bool {
        self.receive().await.is_err()
    }

    pub fn next_msg_id(&mut self) -> i64 {
        self.last_msg_id = (now() & !3).max(self.last_msg_id + 4);
        self.last_msg_id
    }

    pub fn next_seq_no(&mut self, content: bool) -> i32 {
        let seq_no = self.content_messages * 2 + i32::from(content);
        self.content_messages += i32::from(content);
        seq_no
    }
}

/// `invokeWithLayer(initConnection(request))`
pub fn init(layer: i32, request: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    functions::InvokeWithLayer::<i32>::CONSTRUCTOR_ID.serialize(&mut bytes);
    layer.serialize(&mut bytes);
    functions::InitConnection::<i32>::CONSTRUCTOR_ID.serialize(&mut bytes);
    for number in [0, 12_345] {
        i32::serialize(&number, &mut bytes);
    }
    for text in ["test", "1", "0.1", "en", "", "en"] {
        text.to_owned().serialize(&mut bytes);
    }
    bytes.extend_from_slice(request);
    bytes
}

/// A message's head and body, as containers hold them.
pub fn message(msg_id: i64, seq_no: i32, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    msg_id.serialize(&mut bytes);
    seq_no.serialize(&mut bytes);
    u32::try_from(body.len()).unwrap().serialize(&mut bytes);
    bytes.extend_from_slice(body);
    bytes
}

/// A container of these.
pub fn container(messages: &[(i64, i32, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    MSG_CONTAINER.serialize(&mut bytes);
    u32::try_from(messages.len()).unwrap().serialize(&mut bytes);
    bytes.extend(messages.iter().flat_map(|(msg_id, seq_no, body)| message(*msg_id, *seq_no, body)));
    bytes
}

/// `gzip_packed` of this.
pub fn gzip(body: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    flate2::read::GzEncoder::new(body, flate2::Compression::best()).read_to_end(&mut packed).unwrap();
    gzip_packed(packed)
}

/// `gzip_packed` of a zlib stream, as TDLib sends it.
pub fn zlib(body: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    flate2::read::ZlibEncoder::new(body, flate2::Compression::best()).read_to_end(&mut packed).unwrap();
    gzip_packed(packed)
}

pub fn gzip_packed(packed: Vec<u8>) -> Vec<u8> {
    let mut bytes = Vec::new();
    GZIP_PACKED.serialize(&mut bytes);
    packed.serialize(&mut bytes);
    bytes
}

/// The time as a message identifier.
pub fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    ((now.as_secs() << 32) | ((u64::from(now.subsec_nanos()) << 32) / 1_000_000_000)).cast_signed()
}

fn read_message(cursor: &mut Cursor<'_>) -> Message {
    let msg_id = i64::deserialize(cursor).unwrap();
    let seq_no = i32::deserialize(cursor).unwrap();
    let mut body = vec![0; u32::deserialize(cursor).unwrap() as usize];
    cursor.read_exact(&mut body).unwrap();
    assert!(msg_id & 1 == 1, "the server's identifiers are odd");
    Message { msg_id, seq_no, body }
}

fn flatten(message: Message) -> Vec<Message> {
    if message.id() != MSG_CONTAINER {
        return vec![message];
    }
    assert_eq!(message.seq_no & 1, 0, "a container is not acknowledged");
    let cursor = &mut Cursor::from_slice(&message.body[4..]);
    let count = u32::deserialize(cursor).unwrap();
    (0..count).map(|_| read_message(cursor)).collect()
}

fn gunzip(body: Vec<u8>) -> Vec<u8> {
    if u32::from_bytes(&body).ok() != Some(GZIP_PACKED) {
        return body;
    }
    let packed = Vec::<u8>::from_bytes(&body[4..]).unwrap();
    let mut out = Vec::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut out).unwrap();
    out
}
