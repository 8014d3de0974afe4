//! One connection to a data centre, under a key: requests out, answers and updates in.
//!
//! Invariant: every request comes to an end, with the connection if not before. What the data centre refuses is sent again
//! [`REFUSALS_MAX`] times at most; a refusal because of the time ends the connection, and the next one has the right time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use grammers_client::sender::RpcError;
use grammers_mtproto::mtp::{self, BadMessage, Deserialization, Mtp};
use grammers_mtproto::{DEFAULT_COMPRESSION_THRESHOLD, MsgId};
use grammers_tl_types as tl;
use tl::{Deserializable, enums, functions};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::dial;
use super::packets::{Fault, Packets};
use crate::config::hello;
use crate::key_exchange;
use crate::random::random;
use crate::rpc_error::InvokeError;
use crate::session::StoreSession;

/// Requests that may wait for the connection to take them, and to be written.
const REQUESTS_MAX: usize = 256;

/// How often one request is sent again because the data centre refuses it, and how often in a row salts are asked for.
const REFUSALS_MAX: u32 = 8;

/// How often the data centre is asked to keep the connection, which also acknowledges what has come, and for how long.
const KEEP_EVERY: Duration = Duration::from_secs(60);
const KEEP_S: i32 = 75;

/// Where a packet says when it was made: <https://core.telegram.org/mtproto/description#encrypted-message>.
const SECOND_AT: std::ops::Range<usize> = 44..48;

/// A connection is for one of two things.
#[derive(Clone, Debug)]
pub(crate) enum Use {
    /// The account's calls, and its updates.
    Calls(mpsc::Sender<Pushed>),
    /// Parts of files. They are packed already, most often: packing them once more would take longer than sending them.
    Files,
}

/// What the data centre sends of its own accord.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "a gap is rare")]
pub(crate) enum Pushed {
    Updates(enums::Updates),
    /// Something was sent that is not understood, or that there was no room for.
    Gap,
}

/// A connection at work. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Connection {
    requests: mpsc::Sender<Asked>,
    /// Why it has ended.
    end: Arc<OnceLock<InvokeError>>,
    task: AbortHandle,
}

type Answer = Result<Vec<u8>, InvokeError>;

/// A request on its way.
#[derive(Debug)]
struct Asked {
    body: Vec<u8>,
    answer: oneshot::Sender<Answer>,
    refusals: u32,
}

impl Connection {
    /// Begins to connect. Requests wait until it has.
    pub(crate) fn start(session: Arc<StoreSession>, dc_id: i32, api_id: i32, purpose: Use) -> Self {
        let (requests, asked) = mpsc::channel(REQUESTS_MAX);
        let end = Arc::default();
        let task = tokio::spawn(run(session, dc_id, api_id, purpose, asked, Arc::clone(&end))).abort_handle();
        Self { requests, end, task }
    }

    /// Asks, and waits for the answer. Its place in the order of requests is taken by the first poll.
    pub(crate) async fn invoke(&self, body: Vec<u8>) -> Answer {
        let (answer, answered) = oneshot::channel();
        self.requests.send(Asked { body, answer, refusals: 0 }).await.map_err(|_| self.end())?;
        answered.await.map_err(|_| self.end())?
    }

    /// Why it has ended.
    pub(crate) fn end(&self) -> InvokeError {
        self.end.get().cloned().unwrap_or_else(|| InvokeError::Lost("the connection has failed inside".to_owned()))
    }

    /// Ends it now: requests under way fail.
    pub(crate) fn close(&self) {
        self.task.abort();
    }

    /// Whether nothing of it is left.
    pub(crate) fn is_closed(&self) -> bool {
        self.task.is_finished()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.close();
    }
}

async fn run(
    session: Arc<StoreSession>,
    dc_id: i32,
    api_id: i32,
    purpose: Use,
    mut requests: mpsc::Receiver<Asked>,
    end: Arc<OnceLock<InvokeError>>,
) {
    let mut line = match Line::open(session, dc_id, purpose).await {
        Ok(line) => line,
        Err(error) => {
            let _ = end.set(error);
            return;
        }
    };
    let error = match line.work(api_id, &mut requests).await {
        Ok(()) => InvokeError::Lost("the connection has ended".to_owned()),
        Err(error) => error,
    };
    // Before anybody sees that it has ended: whatever is under way, or still comes, ends by this.
    let _ = end.set(error);
}

/// The inside of a connection.
struct Line {
    session: Arc<StoreSession>,
    dc_id: i32,
    purpose: Use,
    packets: Packets,
    mtp: mtp::Encrypted,
    /// Requests to be written.
    waiting: VecDeque<Asked>,
    /// Requests without an answer, in the order in which they were written.
    sent: BTreeMap<MsgId, Sent>,
    /// Packets in a row that carried none of the requests: grammers asks for salts, and again where that is refused.
    strays: u32,
    /// Something that was pushed is lost, and that is not said yet.
    is_gap: bool,
}

struct Sent {
    asked: Asked,
    /// The message that it went in, which is what is refused.
    container: MsgId,
}

impl Line {
    async fn open(session: Arc<StoreSession>, dc_id: i32, purpose: Use) -> Result<Self, InvokeError> {
        let known = session.key(dc_id);
        let key = match known {
            Some(key) => key,
            // A key of ours is made by the login, which knows the data centre's own.
            None if session.is_custom() => return Err(InvokeError::UnknownKey),
            None => make_key(&session, dc_id).await?,
        };
        let stream = dial(&session.addresses(dc_id), session.proxy()).await;
        let stream = stream.map_err(|error| failure(&session, dc_id, error.into()))?;
        let compression = match purpose {
            Use::Calls(_) => DEFAULT_COMPRESSION_THRESHOLD,
            Use::Files => None,
        };
        let mtp = mtp::Encrypted::build().time_offset(session.clock().ahead_s()).compression_threshold(compression);
        let (packets, mtp) = (Packets::new(stream), mtp.finish(key));
        let (waiting, sent) = (VecDeque::new(), BTreeMap::new());
        Ok(Self { session, dc_id, purpose, packets, mtp, waiting, sent, strays: 0, is_gap: false })
    }

    /// Works until something ends it.
    async fn work(&mut self, api_id: i32, requests: &mut mpsc::Receiver<Asked>) -> Result<(), InvokeError> {
        self.introduce(api_id).await?;
        let mut keep = interval_at(Instant::now() + KEEP_EVERY, KEEP_EVERY);
        keep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut asked = Vec::new();
        loop {
            let room = REQUESTS_MAX.saturating_sub(self.waiting.len());
            tokio::select! {
                count = requests.recv_many(&mut asked, room.max(1)), if room > 0 => match count {
                    0 => return Ok(()),
                    _ => self.waiting.extend(asked.drain(..)),
                },
                stepped = self.step() => stepped?,
                _ = keep.tick() => {
                    let ping_id = i64::from_le_bytes(random());
                    self.ask(&functions::PingDelayDisconnect { ping_id, disconnect_delay: KEEP_S });
                }
            }
        }
    }

    /// Says who we are, and hears where the other data centres are.
    async fn introduce(&mut self, api_id: i32) -> Result<(), InvokeError> {
        let query = functions::help::GetConfig {};
        let mut answer = match self.purpose {
            Use::Calls(_) => self.ask(&hello(api_id, query)),
            Use::Files => self.ask(&hello(api_id, functions::InvokeWithoutUpdates { query })),
        };
        let config = loop {
            self.step().await?;
            match answer.try_recv() {
                Ok(answer) => break answer?,
                Err(oneshot::error::TryRecvError::Empty) => {}
                Err(oneshot::error::TryRecvError::Closed) => return Err(self.failure(Fault::Garbage)),
            }
        };
        let enums::Config::Config(config) =
            enums::Config::from_bytes(&config).map_err(|_| self.failure(Fault::Garbage))?;
        self.session.learn(&config.dc_options).map_err(|error| InvokeError::Lost(error.to_string()))
    }

    /// Asks something on the connection's own behalf.
    fn ask<R: tl::RemoteCall>(&mut self, request: &R) -> oneshot::Receiver<Answer> {
        let (answer, answered) = oneshot::channel();
        self.waiting.push_back(Asked { body: request.to_bytes(), answer, refusals: 0 });
        answered
    }

    /// Writes what waits, and takes what comes. Nothing is lost where it is not waited for to the end.
    async fn step(&mut self) -> Result<(), InvokeError> {
        self.write()?;
        self.packets.step().await.map_err(|fault| self.failure(fault))?;
        loop {
            let Self { packets, mtp, session, dc_id, .. } = self;
            let Some(packet) = packets.next().map_err(|fault| failure(session, *dc_id, fault))? else { return Ok(()) };
            let messages = mtp.deserialize(packet).map_err(|_| failure(session, *dc_id, Fault::Garbage))?;
            // It was decrypted where it lies.
            let second = packet.get(SECOND_AT).and_then(|second| second.try_into().ok()).map_or(0, i32::from_le_bytes);
            for message in messages {
                self.take(message, second)?;
            }
        }
    }

    fn write(&mut self) -> Result<(), InvokeError> {
        let Some(free) = self.packets.free() else { return Ok(()) };
        let mut written = Vec::new();
        while let Some(asked) = self.waiting.front() {
            let Some(id) = self.mtp.push(free, &asked.body) else { break };
            written.extend(self.waiting.pop_front().map(|asked| (id, asked)));
        }
        let Some(container) = self.mtp.finalize(free) else { return Ok(()) };
        self.packets.seal();
        self.strays = if written.is_empty() { self.strays + 1 } else { 0 };
        self.sent.extend(written.into_iter().map(|(id, asked)| (id, Sent { asked, container })));
        check_refusals(self.strays, "incorrect server salt")
    }

    /// `second`: when the data centre has sent it.
    fn take(&mut self, message: Deserialization, second: i32) -> Result<(), InvokeError> {
        match message {
            Deserialization::RpcResult(result) => self.answer(result.msg_id, Ok(result.body)),
            Deserialization::RpcError(refused) => {
                self.answer(refused.msg_id, Err(InvokeError::Rpc(RpcError::from(refused.error))));
            }
            Deserialization::Failure(failed) => {
                let text = format!("the answer is unreadable: {}", failed.error);
                self.answer(failed.msg_id, Err(InvokeError::Unreadable(text)));
            }
            Deserialization::Update(update) => {
                self.push(enums::Updates::from_bytes(&update).map_or(Pushed::Gap, Pushed::Updates));
            }
            // Who asked takes what the answer says.
            Deserialization::OwnUpdate { .. } => {}
            Deserialization::BadMessage(refused) => self.on_refusal(&refused, second)?,
        }
        Ok(())
    }

    fn answer(&mut self, id: MsgId, answer: Answer) {
        if let Some(sent) = self.sent.remove(&id) {
            let _ = sent.asked.answer.send(answer);
        }
    }

    fn push(&mut self, pushed: Pushed) {
        let Use::Calls(updates) = &self.purpose else { return };
        self.is_gap = (self.is_gap && updates.try_send(Pushed::Gap).is_err()) || updates.try_send(pushed).is_err();
    }

    /// <https://core.telegram.org/mtproto/service_messages_about_messages#notice-of-ignored-error-message>.
    fn on_refusal(&mut self, refused: &BadMessage, second: i32) -> Result<(), InvokeError> {
        let why = refused.description();
        match refused.code {
            16 | 17 => {
                self.session.clock().set(second);
                return Err(InvokeError::Lost(format!("this machine's clock is not the data centre's ({why})")));
            }
            // The salt has changed; the new one came with the refusal.
            48 => {}
            _ => return Err(InvokeError::Lost(format!("the data centre refuses a message ({why})"))),
        }
        let is_refused = |id: &MsgId, sent: &mut Sent| *id == refused.msg_id || sent.container == refused.msg_id;
        let again: Vec<Sent> = self.sent.extract_if(.., is_refused).map(|(_, sent)| sent).collect();
        let mut most = 0;
        for Sent { mut asked, .. } in again.into_iter().rev() {
            asked.refusals += 1;
            most = most.max(asked.refusals);
            self.waiting.push_front(asked);
        }
        check_refusals(most, why)
    }

    fn failure(&self, fault: Fault) -> InvokeError {
        failure(&self.session, self.dc_id, fault)
    }
}

fn check_refusals(refusals: u32, why: &str) -> Result<(), InvokeError> {
    match refusals {
        0..=REFUSALS_MAX => Ok(()),
        _ => Err(InvokeError::Lost(format!("the data centre refuses every message ({why})"))),
    }
}

/// Makes a key with one of Telegram's own data centres, and keeps it.
async fn make_key(session: &Arc<StoreSession>, dc_id: i32) -> Result<[u8; 256], InvokeError> {
    let key =
        key_exchange::with_telegram(session, dc_id).await.map_err(|error| InvokeError::Lost(error.to_string()))?;
    session.set_key(dc_id, key).map_err(|error| InvokeError::Lost(error.to_string()))?;
    Ok(key)
}

/// What a fault means for the connection.
fn failure(session: &StoreSession, dc_id: i32, fault: Fault) -> InvokeError {
    let address = session.address_text(dc_id);
    match fault {
        Fault::Io(error) => InvokeError::Lost(format!("no connection to {address}: {error}")),
        Fault::Refused(404) => InvokeError::UnknownKey,
        Fault::Refused(429) => InvokeError::Lost(format!("{address} has too many connections from here")),
        Fault::Refused(_) | Fault::Garbage => InvokeError::Lost(format!("{address} does not speak MTProto")),
    }
}
