//! What a message asks of the server: the service messages are served here, method calls are handed on.
//! <https://core.telegram.org/mtproto/service_messages>
//!
//! Invariant: a message that does not parse changes nothing but that the client is told.

use grammers_tl_types::{
    Cursor, Deserializable, Identifiable as _, RawVec, Serializable as _, deserialize, enums, functions, types,
};

use super::{Progress, Relevance, Session, Verdict};
use crate::mtproto::clock::Kind;
use crate::mtproto::message::{self, Budget, MSG_CONTAINER, Message, constructor, unzip};
use crate::mtproto::salts;

/// Identifiers in one service message; the documentation's limit.
const MSG_IDS_MAX: usize = 8_192;

/// What is left to do for a message outside its session.
pub(crate) enum Task {
    /// Execute this method call and give the result to [`Session::answer`].
    Invoke { msg_id: i64, request: Vec<u8> },
    /// Forget another session of this key.
    DestroySession { session_id: i64 },
    /// Forget the key.
    DestroyAuthKey,
    /// Close the connection when this many seconds have passed without another of these.
    DisconnectAfter { seconds: i32 },
}

impl Session {
    /// Takes one message that is no container.
    pub(crate) fn take(&mut self, message: Message, budget: &mut Budget) -> Option<Task> {
        let Message { msg_id, seq_no, body } = message;
        let refused = Message { msg_id, seq_no, body: Vec::new() };
        let Ok(body) = unzip(body, budget) else { return self.refuse(&refused, 64) };
        let id = constructor(&body);
        match self.received.judge(msg_id, seq_no, relevance(id)) {
            Verdict::New => {}
            Verdict::Again(progress) => {
                self.repeat(msg_id, progress);
                return None;
            }
            Verdict::Bad(code) => return self.refuse(&refused, code),
        }
        if id == MSG_CONTAINER {
            return self.refuse(&refused, 64);
        }
        self.announce(msg_id);
        if is_service(id) {
            self.received.insert(msg_id, seq_no, Progress::Done);
            if seq_no & 1 == 1 && !is_never_acknowledged(id) {
                self.to_acknowledge.push(msg_id);
            }
            let parameters = &mut Cursor::from_slice(&body[4..]);
            return self.serve(msg_id, id, parameters).unwrap_or_else(|_| {
                tracing::debug!(constructor = format_args!("{id:08x}"), "a service message does not parse");
                None
            });
        }
        self.received.insert(msg_id, seq_no, Progress::Running);
        Some(Task::Invoke { msg_id, request: body })
    }

    /// A message came again: its answer, if it has one that the client has not acknowledged, goes out again.
    fn repeat(&mut self, msg_id: i64, progress: Progress) {
        match progress {
            Progress::Answered { answer, .. } if self.sent.resend(answer) => {}
            Progress::Answered { .. } | Progress::Done => self.to_acknowledge.push(msg_id),
            Progress::Running | Progress::Dropped => {}
        }
    }

    fn serve(&mut self, msg_id: i64, id: u32, parameters: &mut Cursor<'_>) -> deserialize::Result<Option<Task>> {
        match id {
            types::MsgsAck::CONSTRUCTOR_ID => {
                for acknowledged in msg_ids(parameters)? {
                    self.sent.acknowledge(acknowledged);
                }
            }
            functions::Ping::CONSTRUCTOR_ID => self.pong(msg_id, i64::deserialize(parameters)?),
            functions::PingDelayDisconnect::CONSTRUCTOR_ID => {
                self.pong(msg_id, i64::deserialize(parameters)?);
                return Ok(Some(Task::DisconnectAfter { seconds: i32::deserialize(parameters)? }));
            }
            functions::GetFutureSalts::CONSTRUCTOR_ID => self.future_salts(msg_id, i32::deserialize(parameters)?),
            types::MsgsStateReq::CONSTRUCTOR_ID => {
                let msg_ids = msg_ids(parameters)?;
                self.state_info(msg_id, &msg_ids);
            }
            types::MsgResendReq::CONSTRUCTOR_ID => {
                let msg_ids = msg_ids(parameters)?;
                let unknown = msg_ids.iter().filter(|wanted| !self.sent.resend(**wanted)).count();
                if unknown > 0 {
                    self.state_info(msg_id, &msg_ids);
                }
            }
            types::MsgResendAnsReq::CONSTRUCTOR_ID => {
                for request in msg_ids(parameters)? {
                    if let Some(Progress::Answered { answer, .. }) = self.received.progress(request) {
                        self.sent.resend(answer);
                    }
                }
            }
            functions::RpcDropAnswer::CONSTRUCTOR_ID => self.drop_answer(msg_id, i64::deserialize(parameters)?),
            functions::DestroySession::CONSTRUCTOR_ID => {
                return Ok(Some(Task::DestroySession { session_id: i64::deserialize(parameters)? }));
            }
            functions::DestroyAuthKey::CONSTRUCTOR_ID => return Ok(Some(Task::DestroyAuthKey)),
            // http_wait means nothing over TCP, and what the client tells of its own messages needs no answer.
            _ => {}
        }
        Ok(None)
    }

    fn pong(&mut self, msg_id: i64, ping_id: i64) {
        self.say(Kind::Answer, enums::Pong::Pong(types::Pong { msg_id, ping_id }).to_bytes());
    }

    fn future_salts(&mut self, req_msg_id: i64, count: i32) {
        let now = self.faults.clock().unix_s();
        let salts = RawVec(salts::future(&self.key, now, count));
        self.say(Kind::Answer, enums::FutureSalts::Salts(types::FutureSalts { req_msg_id, now, salts }).to_bytes());
    }

    fn state_info(&mut self, req_msg_id: i64, msg_ids: &[i64]) {
        let info = msg_ids.iter().map(|msg_id| self.received.status(*msg_id)).collect();
        self.say(Kind::Answer, enums::MsgsStateInfo::Info(types::MsgsStateInfo { req_msg_id, info }).to_bytes());
    }

    /// <https://core.telegram.org/mtproto/service_messages#cancellation-of-an-rpc-query>
    fn drop_answer(&mut self, msg_id: i64, unwanted: i64) {
        let result = match self.received.progress(unwanted) {
            Some(Progress::Running) => {
                self.received.set_progress(unwanted, Progress::Dropped);
                enums::RpcDropAnswer::RpcAnswerDroppedRunning
            }
            Some(Progress::Answered { answer, .. }) => match self.sent.acknowledge(answer) {
                Some(kept) => enums::RpcDropAnswer::RpcAnswerDropped(types::RpcAnswerDropped {
                    msg_id: kept.msg_id,
                    seq_no: kept.seq_no,
                    bytes: i32::try_from(kept.body.len()).unwrap_or(i32::MAX),
                }),
                None => enums::RpcDropAnswer::RpcAnswerUnknown,
            },
            _ => enums::RpcDropAnswer::RpcAnswerUnknown,
        };
        let body = message::rpc_result(msg_id, &result.to_bytes());
        self.sent.content(Kind::Answer, body.into());
    }
}

/// How a message with this constructor must be numbered.
fn relevance(id: u32) -> Relevance {
    match id {
        MSG_CONTAINER => Relevance::Bare,
        _ if is_service(id) => Relevance::Either,
        _ => Relevance::Content,
    }
}

/// Whether a message with this constructor is acknowledged by its answer, or never whatever its number.
fn is_never_acknowledged(id: u32) -> bool {
    matches!(
        id,
        functions::RpcDropAnswer::CONSTRUCTOR_ID | types::MsgsAck::CONSTRUCTOR_ID | types::HttpWait::CONSTRUCTOR_ID
    )
}

fn is_service(id: u32) -> bool {
    matches!(
        id,
        types::MsgsAck::CONSTRUCTOR_ID
            | types::HttpWait::CONSTRUCTOR_ID
            | types::MsgsStateReq::CONSTRUCTOR_ID
            | types::MsgsStateInfo::CONSTRUCTOR_ID
            | types::MsgsAllInfo::CONSTRUCTOR_ID
            | types::MsgDetailedInfo::CONSTRUCTOR_ID
            | types::MsgNewDetailedInfo::CONSTRUCTOR_ID
            | types::MsgResendReq::CONSTRUCTOR_ID
            | types::MsgResendAnsReq::CONSTRUCTOR_ID
            | functions::Ping::CONSTRUCTOR_ID
            | functions::PingDelayDisconnect::CONSTRUCTOR_ID
            | functions::GetFutureSalts::CONSTRUCTOR_ID
            | functions::RpcDropAnswer::CONSTRUCTOR_ID
            | functions::DestroySession::CONSTRUCTOR_ID
            | functions::DestroyAuthKey::CONSTRUCTOR_ID
    )
}

fn msg_ids(parameters: &mut Cursor<'_>) -> deserialize::Result<Vec<i64>> {
    let mut msg_ids = Vec::<i64>::deserialize(parameters)?;
    msg_ids.truncate(MSG_IDS_MAX);
    Ok(msg_ids)
}
