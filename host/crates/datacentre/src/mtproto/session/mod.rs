//! One MTProto session: <https://core.telegram.org/mtproto/description#session>. It outlives its connections, so that a
//! client that comes back finds its answers and updates.
//!
//! Invariant: a method call is executed at most once, whatever the client repeats, and its answer stays the same.

mod received;
mod sent;
mod service;

use std::sync::Arc;
use std::time::Instant;

use grammers_tl_types::{Serializable as _, enums, types};

#[cfg(test)]
pub(crate) use self::received::RECEIVED_MAX;
use self::received::Received;
use self::received::{Progress, Relevance, Verdict};
#[cfg(test)]
pub(crate) use self::sent::UNACKED_MAX;
use self::sent::{Outgoing, Sent};
pub(crate) use self::service::Task;
use super::clock::{self, Kind};
use super::crypto::random;
use super::envelope::{self, AuthKey, Head};
use super::message::{self, Budget, CONTAINED_HEADER_BYTES, Damaged, MSG_CONTAINER, Message, constructor};
use super::outlet::Outlet;
use super::salts;
use crate::faults::Faults;
use crate::seam::RpcError;

/// How old and how new a message may be by its identifier:
/// <https://core.telegram.org/mtproto/description#message-identifier-msg-id>.
const PAST_S_MAX: i64 = 300;
const FUTURE_S_MAX: i64 = 30;
/// Messages and bytes put into one container; a longer message goes alone.
const CONTAINER_MESSAGES_MAX: usize = 100;
const CONTAINER_BYTES_MAX: usize = 512 << 10;
/// With more than this in the outbox the answers to a packet of many requests begin to leave before all are there.
const FLUSH_BYTES: usize = 64 << 10;

/// See the module.
pub(crate) struct Session {
    key: Arc<AuthKey>,
    id: i64,
    /// The layer that the client speaks in it.
    layer: i32,
    faults: Faults,
    received: Received,
    sent: Sent,
    /// Messages to acknowledge that no answer acknowledges.
    to_acknowledge: Vec<i64>,
    outlet: Option<Arc<Outlet>>,
    announced: bool,
    wants_updates: bool,
    /// Updates that are to be sent after those that follow.
    late: Option<Arc<[u8]>>,
    detached: Instant,
}

impl Session {
    pub(crate) fn new(key: Arc<AuthKey>, id: i64, layer: i32, faults: Faults) -> Self {
        let sent = Sent::new(faults.clock());
        Self {
            key,
            id,
            layer,
            faults,
            received: Received::default(),
            sent,
            to_acknowledge: Vec::new(),
            outlet: None,
            announced: false,
            wants_updates: false,
            late: None,
            detached: Instant::now(),
        }
    }

    /// From now on this connection gets what the session sends. A connection `new` to the session gets first whatever
    /// the client has not acknowledged.
    pub(crate) fn attach(&mut self, outlet: &Arc<Outlet>, new: bool) {
        if new {
            self.sent.resend_all();
        }
        self.outlet = Some(Arc::clone(outlet));
    }

    /// This connection has ended.
    pub(crate) fn detach(&mut self, outlet: &Arc<Outlet>) {
        if self.outlet.as_ref().is_some_and(|mine| Arc::ptr_eq(mine, outlet)) {
            self.outlet = None;
            self.detached = Instant::now();
        }
    }

    /// Since when no connection has been there; `None` while there is one.
    pub(crate) fn detached_since(&self) -> Option<Instant> {
        self.outlet.is_none().then_some(self.detached)
    }

    /// Judges the message that a packet consists of, before anything in it is looked at: its time, its salt. False when it
    /// was refused.
    pub(crate) fn admit(&mut self, message: &Message, salt_fits: bool) -> bool {
        let age_s = i64::from(self.faults.clock().unix_s()) - clock::second_of(message.msg_id);
        let code = match () {
            () if message.msg_id & 3 != 0 => 18,
            () if age_s > PAST_S_MAX => 16,
            () if age_s < -FUTURE_S_MAX => 17,
            () if !salt_fits || self.faults.refuses_salts() => {
                self.refuse_salt(message);
                return false;
            }
            () => return true,
        };
        self.refuse(message, code)
    }

    /// Unzips the message that a packet consists of, and takes it apart if it is a container. Nothing when it was refused.
    pub(crate) fn unpack(&mut self, mut message: Message, budget: &mut Budget) -> Vec<Message> {
        match message::unzip(std::mem::take(&mut message.body), budget) {
            Ok(body) => message.body = body,
            Err(Damaged) => return self.refuse(&message, 64),
        }
        if constructor(&message.body) == MSG_CONTAINER { self.unpack_container(&message) } else { vec![message] }
    }

    fn unpack_container(&mut self, container: &Message) -> Vec<Message> {
        match self.received.judge(container.msg_id, container.seq_no, Relevance::Bare) {
            Verdict::New => {}
            Verdict::Again(_) => return self.refuse(container, 19),
            Verdict::Bad(code) => return self.refuse(container, code),
        }
        let Ok(messages) = message::contained(&container.body) else { return self.refuse(container, 64) };
        if messages.iter().any(|inner| inner.msg_id >= container.msg_id) {
            return self.refuse(container, 64);
        }
        let first = messages.iter().map(|inner| inner.msg_id).min().unwrap_or(container.msg_id);
        self.announce(first);
        self.received.insert(container.msg_id, container.seq_no, Progress::Done);
        messages
    }

    /// Keeps the answer to a method call and puts it into the outbox.
    pub(crate) fn answer(&mut self, req_msg_id: i64, result: &Result<Vec<u8>, RpcError>) {
        let failed = result.is_err();
        let dropped = self.received.progress(req_msg_id) == Some(Progress::Dropped);
        let body = match result {
            _ if dropped => enums::RpcDropAnswer::RpcAnswerDroppedRunning.to_bytes(),
            Ok(result) => result.clone(),
            Err(RpcError { code, name }) => {
                enums::RpcError::Error(types::RpcError { error_code: *code, error_message: name.clone() }).to_bytes()
            }
        };
        let answer = self.sent.content(Kind::Answer, message::rpc_result(req_msg_id, &body).into());
        self.received.set_progress(req_msg_id, Progress::Answered { answer, failed });
        if self.sent.outbox_bytes() > FLUSH_BYTES {
            self.flush();
        }
    }

    /// Whether all of these method calls have been executed with success.
    pub(crate) fn have_succeeded(&self, msg_ids: &[i64]) -> bool {
        let succeeded =
            |msg_id| matches!(self.received.progress(msg_id), Some(Progress::Answered { failed: false, .. }));
        msg_ids.iter().all(|msg_id| succeeded(*msg_id))
    }

    /// The client speaks this layer from now on.
    pub(crate) fn speak(&mut self, layer: i32) {
        self.layer = layer;
    }

    /// The layer that the client speaks.
    pub(crate) fn layer(&self) -> i32 {
        self.layer
    }

    /// A call without `invokeWithoutUpdates` makes the session one that updates are pushed to.
    pub(crate) fn want_updates(&mut self) {
        self.wants_updates = true;
    }

    /// Whether updates are to be pushed to this session.
    pub(crate) fn wants_updates(&self) -> bool {
        self.wants_updates
    }

    /// Sends updates now, or once the client is back.
    pub(crate) fn push(&mut self, updates: &Arc<[u8]>) {
        let is_connected = self.outlet.is_some();
        if is_connected && self.faults.loses_push() {
            return;
        }
        if is_connected && self.late.is_none() && self.faults.delays_push() {
            self.late = Some(Arc::clone(updates));
            return;
        }
        let again = (is_connected && self.faults.doubles_push()).then(|| Arc::clone(updates));
        for updates in [Some(Arc::clone(updates)), again, self.late.take()].into_iter().flatten() {
            self.sent.content(Kind::Notice, updates);
        }
        self.flush();
    }

    /// Ends the connection there is, once it has sent what it has to.
    pub(crate) fn disconnect(&self) {
        if let Some(outlet) = &self.outlet {
            outlet.end();
        }
    }

    /// Puts a notice or an answer into the outbox that is not acknowledged.
    pub(crate) fn say(&mut self, kind: Kind, body: Vec<u8>) {
        self.sent.service(kind, body);
    }

    /// Sends what is in the outbox. Without a connection, what is not kept for later is lost.
    pub(crate) fn flush(&mut self) {
        if !self.to_acknowledge.is_empty() {
            let msg_ids = std::mem::take(&mut self.to_acknowledge);
            self.say(Kind::Answer, enums::MsgsAck::Ack(types::MsgsAck { msg_ids }).to_bytes());
        }
        let outbox = self.sent.take_outbox();
        let Some(outlet) = self.outlet.clone() else { return };
        let salt = salts::current(&self.key, self.faults.clock().unix_s());
        let mut left = outbox.as_slice();
        while !left.is_empty() {
            let (now, later) = left.split_at(fits_container(left));
            left = later;
            let packet = match now {
                [message] => self.seal(salt, message.msg_id, message.seq_no, &message.body),
                messages => {
                    let (msg_id, seq_no) = self.sent.bare_head(Kind::Notice);
                    self.seal(salt, msg_id, seq_no, &container(messages))
                }
            };
            outlet.send(&packet);
        }
    }

    fn seal(&self, salt: i64, msg_id: i64, seq_no: i32, body: &[u8]) -> Vec<u8> {
        envelope::seal(&self.key, Head { salt, session_id: self.id, msg_id, seq_no }, body)
    }

    /// Tells the client, once, that the session is new to the server: what came before is not known here.
    fn announce(&mut self, first_msg_id: i64) {
        if std::mem::replace(&mut self.announced, true) {
            return;
        }
        let server_salt = salts::current(&self.key, self.faults.clock().unix_s());
        let unique_id = i64::from_le_bytes(random());
        let created = types::NewSessionCreated { first_msg_id, unique_id, server_salt };
        self.sent.content(Kind::Notice, enums::NewSession::Created(created).to_bytes().into());
    }

    /// Refuses a message: <https://core.telegram.org/mtproto/service_messages_about_messages#notice-of-ignored-error-message>
    fn refuse<T: Default>(&mut self, message: &Message, error_code: i32) -> T {
        self.faults.count_refusal();
        let notice =
            types::BadMsgNotification { bad_msg_id: message.msg_id, bad_msg_seqno: message.seq_no, error_code };
        self.say(Kind::Answer, enums::BadMsgNotification::Notification(notice).to_bytes());
        T::default()
    }

    fn refuse_salt(&mut self, message: &Message) {
        self.faults.count_refusal();
        let notice = types::BadServerSalt {
            bad_msg_id: message.msg_id,
            bad_msg_seqno: message.seq_no,
            error_code: 48,
            new_server_salt: salts::current(&self.key, self.faults.clock().unix_s()),
        };
        self.say(Kind::Answer, enums::BadMsgNotification::BadServerSalt(notice).to_bytes());
    }
}

/// How many of these messages go into the next container; at least one.
fn fits_container(messages: &[Outgoing]) -> usize {
    let mut bytes = 0;
    let fitting = messages.iter().take(CONTAINER_MESSAGES_MAX).take_while(|message| {
        bytes += CONTAINED_HEADER_BYTES + message.body.len();
        bytes <= CONTAINER_BYTES_MAX
    });
    fitting.count().max(1)
}

fn container(messages: &[Outgoing]) -> Vec<u8> {
    let bytes: usize = messages.iter().map(|message| CONTAINED_HEADER_BYTES + message.body.len()).sum();
    let mut body = Vec::with_capacity(8 + bytes);
    MSG_CONTAINER.serialize(&mut body);
    u32::try_from(messages.len()).unwrap_or(u32::MAX).serialize(&mut body);
    for message in messages {
        message.msg_id.serialize(&mut body);
        message.seq_no.serialize(&mut body);
        u32::try_from(message.body.len()).unwrap_or(u32::MAX).serialize(&mut body);
        body.extend_from_slice(&message.body);
    }
    body
}
