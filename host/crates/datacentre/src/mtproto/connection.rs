//! One TCP connection: reads packets, has each dealt with, in order, and keeps time.
//!
//! Invariant: whatever comes in, the worst that happens is the end of this connection; at its end its sessions know.

use std::io;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use grammers_tl_types::{Serializable as _, enums, name_for_id, types};
use tl_schema::layers::{self, LAYERS, Wrong};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::Shared;
use super::binding;
use super::clock::{Kind, MessageIds};
use super::envelope::{self, Opened};
use super::handshake::{Handshake, HandshakeError, Step};
use super::hub::{SharedSession, lock};
use super::keyring::KnownKey;
use super::message::{Budget, Message, constructor};
use super::outlet::Outlet;
use super::salts;
use super::session::Task;
use super::transport::{Inbound, Outbound, Packet, TransportError};
use super::wrappers;
use crate::seam::{Caller, NO_METHOD, Pusher as _, RpcError};

/// Sessions that one connection may carry.
const SESSIONS_MAX: usize = 16;
/// How long the last bytes may take to leave when a connection ends in good order.
const FAREWELL_MAX: Duration = Duration::from_secs(1);
/// What Telegram sends instead of a packet when it does not know the key:
/// <https://core.telegram.org/mtproto/mtproto-transports#transport-errors>.
const UNKNOWN_KEY: i32 = -404;
/// The same, when there are too many sessions.
const TOO_MANY: i32 = -429;

/// Why a connection ends.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Transport(#[from] TransportError),
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    #[error("a packet is too short or its envelope does not open")]
    Envelope,
    #[error("the key is not known")]
    UnknownKey,
    #[error("too many sessions")]
    TooManySessions,
    #[error("it was silent for too long")]
    Silent,
    #[error("the other side closed it")]
    Closed,
    #[error("it was to end, or read too slowly")]
    Asked,
}

/// Serves one connection to its end.
pub(crate) async fn serve(shared: Arc<Shared>, stream: TcpStream, mut stop: watch::Receiver<()>) {
    let mut drops = shared.faults.drops();
    tokio::select! {
        biased;
        _ = stop.changed() => {}
        _ = drops.changed() => {}
        end = run(shared, stream) => {
            if let Err(end) = end {
                tracing::debug!(%end, "a connection ended");
            }
        }
    }
}

async fn run(shared: Arc<Shared>, stream: TcpStream) -> Result<(), End> {
    stream.set_nodelay(true)?;
    let from = stream.peer_addr()?.ip().to_canonical();
    let stream = Arc::new(stream);
    let begun = Instant::now();
    let mut inbound = Inbound::default();
    let detected = timeout(shared.limits.unauthorised_max, detect(&stream, &mut inbound));
    let outbound = detected.await.map_err(|_| End::Silent)??;
    let mut connection = Connection::new(shared, from, Arc::new(Outlet::new(Arc::clone(&stream), outbound)), begun);
    let timer = sleep_until(connection.deadline);
    tokio::pin!(timer);
    loop {
        while !connection.outlet.is_ending()
            && let Some(packet) = inbound.next()?
        {
            if let Err(end) = connection.packet(packet).await {
                connection.farewell(&stream).await;
                return Err(end);
            }
        }
        if connection.deadline < timer.deadline() {
            timer.as_mut().reset(connection.deadline);
        }
        let outlet = &connection.outlet;
        if outlet.is_ending() {
            connection.farewell(&stream).await;
            return Err(End::Asked);
        }
        tokio::select! {
            read = read(&stream, &mut inbound), if !outlet.is_congested() => read?,
            ready = stream.writable(), if outlet.is_pending() => {
                ready?;
                outlet.flush()?;
            }
            () = outlet.woken() => {}
            () = &mut timer => {
                if connection.deadline <= Instant::now() {
                    let end = connection.overdue();
                    connection.farewell(&stream).await;
                    return Err(end);
                }
                timer.as_mut().reset(connection.deadline);
            }
        }
    }
}

async fn detect(stream: &TcpStream, inbound: &mut Inbound) -> Result<Outbound, End> {
    loop {
        read(stream, inbound).await?;
        if let Some(outbound) = inbound.detect()? {
            return Ok(outbound);
        }
    }
}

/// Reads what there is. Nothing is lost when this is dropped before it is ready.
async fn read(stream: &TcpStream, inbound: &mut Inbound) -> Result<(), End> {
    loop {
        stream.readable().await?;
        match stream.try_read_buf(inbound.space()) {
            Ok(0) => return Err(End::Closed),
            Ok(count) => {
                inbound.received(count);
                return Ok(());
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// A connection whose transport is known.
struct Connection {
    shared: Arc<Shared>,
    from: IpAddr,
    outlet: Arc<Outlet>,
    handshake: Handshake,
    plain_ids: MessageIds,
    /// The key last agreed upon here and the salt that goes with it for the first messages.
    agreed: Option<(i64, i64)>,
    /// The key of the last message.
    known: Option<KnownKey>,
    attached: Vec<Attached>,
    /// When it is closed, unless something comes.
    deadline: Instant,
    /// What `ping_delay_disconnect` asked for.
    ping_deadline: Option<Instant>,
}

/// A session that this connection carries.
#[derive(Clone)]
struct Attached {
    auth_key_id: i64,
    session_id: i64,
    session: SharedSession,
}

impl Connection {
    fn new(shared: Arc<Shared>, from: IpAddr, outlet: Arc<Outlet>, begun: Instant) -> Self {
        let deadline = begun + shared.limits.unauthorised_max;
        let clock = shared.faults.clock();
        Self {
            shared,
            from,
            outlet,
            handshake: Handshake::new(clock.clone()),
            plain_ids: MessageIds::new(clock),
            agreed: None,
            known: None,
            attached: Vec::new(),
            deadline,
            ping_deadline: None,
        }
    }

    /// Deals with one packet.
    async fn packet(&mut self, Packet { payload, quick_ack }: Packet) -> Result<(), End> {
        let key_id = payload.first_chunk().map(|id| i64::from_le_bytes(*id)).ok_or(End::Envelope)?;
        if key_id == 0 {
            return self.exchange(&payload[8..]).await;
        }
        let Some(known) = self.known_key(key_id) else {
            self.outlet.send(&UNKNOWN_KEY.to_le_bytes());
            return Err(End::UnknownKey);
        };
        let opened = envelope::open(&known.key, payload).ok_or(End::Envelope)?;
        if quick_ack {
            self.outlet.quick_ack(opened.quick_ack_token);
        }
        let attached =
            self.attach(&known, opened.session_id).inspect_err(|_| self.outlet.send(&TOO_MANY.to_le_bytes()))?;
        self.messages(&attached, &known, opened);
        lock(&attached.session).flush();
        self.prolong();
        Ok(())
    }

    /// One step of a key exchange, off the threads that serve others.
    async fn exchange(&mut self, message: &[u8]) -> Result<(), End> {
        let request = envelope::plain_body(message).ok_or(HandshakeError::Malformed)?.to_vec();
        let shared = Arc::clone(&self.shared);
        let permit = shared.exchanges.acquire().await.map_err(|_| End::Asked)?;
        let mut handshake = std::mem::take(&mut self.handshake);
        let step = {
            let shared = Arc::clone(&self.shared);
            tokio::task::spawn_blocking(move || {
                let step = handshake.step(&shared.rsa, &request);
                (handshake, step)
            })
        };
        let (handshake, step) = step.await.map_err(|_| End::Envelope)?;
        drop(permit);
        self.handshake = handshake;
        let reply = match step {
            Ok(Step::Reply(reply)) => reply,
            Ok(Step::Agreed(agreed)) if self.shared.keyring.insert(&agreed.key, agreed.lifetime) => {
                self.handshake.finish();
                self.agreed = Some((agreed.key.id(), agreed.first_salt));
                agreed.kept()
            }
            Ok(Step::Agreed(agreed)) => self.handshake.clashed(&agreed),
            Err(error) => {
                self.outlet.send(&UNKNOWN_KEY.to_le_bytes());
                return Err(error.into());
            }
        };
        self.outlet.send(&envelope::plain_message(self.plain_ids.next(Kind::Answer), &reply));
        Ok(())
    }

    fn known_key(&mut self, id: i64) -> Option<KnownKey> {
        if self.known.as_ref().is_none_or(|known| known.key.id() != id) {
            self.known = self.shared.keyring.find(id);
        }
        self.known.clone().filter(KnownKey::is_valid)
    }

    /// The session of a message, from now on answered on this connection. A key that is used from two places at once is a copy
    /// of somebody's: its login ends.
    fn attach(&mut self, known: &KnownKey, session_id: i64) -> Result<Attached, End> {
        let auth_key_id = known.key.id();
        let here = |attached: &&Attached| (attached.auth_key_id, attached.session_id) == (auth_key_id, session_id);
        if let Some(attached) = self.attached.iter().find(here) {
            lock(&attached.session).attach(&self.outlet, false);
            return Ok(attached.clone());
        }
        if self.attached.len() >= SESSIONS_MAX {
            return Err(End::TooManySessions);
        }
        let session =
            self.shared.hub.connect(known, session_id, self.from, &self.outlet).ok_or(End::TooManySessions)?;
        let attached = Attached { auth_key_id, session_id, session };
        self.attached.push(attached.clone());
        if let Some(used_twice) = self.shared.hub.used_elsewhere(auth_key_id, self.from) {
            self.shared.methods.used_twice(used_twice);
        }
        Ok(attached)
    }

    /// Judges the message of a packet and deals with it, or with those it contains, in their order.
    fn messages(&mut self, attached: &Attached, known: &KnownKey, opened: Opened) {
        let Opened { salt, msg_id, seq_no, body, .. } = opened;
        let salt_fits = salts::accepts(&known.key, salt, self.shared.faults.clock().unix_s())
            || self.agreed == Some((known.key.id(), salt));
        let message = Message { msg_id, seq_no, body };
        let budget = &mut Budget::new();
        let messages = {
            let mut session = lock(&attached.session);
            if session.admit(&message, salt_fits) { session.unpack(message, budget) } else { Vec::new() }
        };
        for message in messages {
            let task = lock(&attached.session).take(message, budget);
            if let Some(task) = task {
                self.task(attached, task, budget);
            }
        }
    }

    fn task(&mut self, attached: &Attached, task: Task, budget: &mut Budget) {
        match task {
            Task::Invoke { msg_id, request } => {
                let result = self.invoke(attached, msg_id, request, budget);
                lock(&attached.session).answer(msg_id, &result);
            }
            Task::DestroySession { session_id } => {
                let known = session_id != attached.session_id
                    && self.shared.hub.destroy_session(attached.auth_key_id, session_id);
                let answer = if known {
                    enums::DestroySessionRes::DestroySessionOk(types::DestroySessionOk { session_id })
                } else {
                    enums::DestroySessionRes::DestroySessionNone(types::DestroySessionNone { session_id })
                };
                lock(&attached.session).say(Kind::Answer, answer.to_bytes());
            }
            Task::DestroyAuthKey => {
                self.shared.keyring.remove(attached.auth_key_id);
                lock(&attached.session).say(Kind::Answer, enums::DestroyAuthKeyRes::DestroyAuthKeyOk.to_bytes());
                self.shared.hub.disconnect(attached.auth_key_id);
            }
            Task::DisconnectAfter { seconds } => {
                let delay = Duration::from_secs(seconds.max(0).unsigned_abs().into());
                self.ping_deadline = Some(Instant::now() + delay.min(self.shared.limits.idle_max));
            }
        }
    }

    /// Executes a method call, its wrappers taken off.
    fn invoke(
        &mut self,
        attached: &Attached,
        msg_id: i64,
        request: Vec<u8>,
        budget: &mut Budget,
    ) -> Result<Vec<u8>, RpcError> {
        let mut call = wrappers::unwrap(request, budget)?;
        let Some(known) = &mut self.known else {
            return Err(RpcError { code: 401, name: "AUTH_KEY_UNREGISTERED".to_owned() });
        };
        if let Some(layer) = call.layer {
            if !LAYERS.contains(&layer) {
                self.shared.refused.layer(layer);
                return Err(RpcError { code: 400, name: "CONNECTION_LAYER_INVALID".to_owned() });
            }
            if known.layer.replace(layer) != Some(layer) {
                self.shared.keyring.set_layer(known, layer);
            }
        }
        let layer = {
            let mut session = lock(&attached.session);
            if let Some(layer) = call.layer {
                session.speak(layer);
            }
            if !session.have_succeeded(&call.after) {
                return Err(RpcError { code: 400, name: "MSG_WAIT_FAILED".to_owned() });
            }
            if !call.without_updates {
                session.want_updates();
            }
            session.layer()
        };
        let is_translated = !layers::is_same(layer);
        if is_translated {
            call.method = layers::request(call.method).map_err(|wrong| {
                let name = if wrong == Wrong::TooLong { "INPUT_REQUEST_TOO_LONG" } else { "INPUT_FETCH_ERROR" };
                RpcError { code: 400, name: name.to_owned() }
            })?;
        }
        if binding::is_asked(&call.method) {
            return binding::bind(&self.shared, known, attached.session_id, msg_id, &call.method);
        }
        let caller = Caller {
            auth_key_id: binding::acts_for(known, &call.method)?,
            session_id: attached.session_id,
            layer,
            without_updates: call.without_updates,
        };
        let invoked = catch_unwind(AssertUnwindSafe(|| self.shared.methods.invoke(caller, &call.method)));
        let invoked = invoked.unwrap_or_else(|_| {
            tracing::error!(constructor = format_args!("{:08x}", constructor(&call.method)), "a method panicked");
            Err(RpcError { code: 500, name: "INTERNAL".to_owned() })
        });
        let method = constructor(&call.method);
        if invoked.as_ref().is_err_and(|error| error.name == NO_METHOD) {
            self.shared.refused.method(method);
        }
        let answer = invoked?;
        if !is_translated {
            return Ok(answer);
        }
        layers::answer(layer, method, &answer).ok_or_else(|| {
            tracing::error!(layer, method = name_for_id(method), "an answer cannot be said in the client's layer");
            RpcError { code: 500, name: "INTERNAL".to_owned() }
        })
    }

    /// Something valid came: the connection may go on.
    fn prolong(&mut self) {
        let idle = Instant::now() + self.shared.limits.idle_max;
        let expires = self.known.as_ref().and_then(KnownKey::expires).map(Instant::from_std);
        self.deadline = self.ping_deadline.into_iter().chain(expires).fold(idle, Instant::min);
    }

    /// Its time is over: why. Who came with a temporary key learns when that one's is.
    fn overdue(&self) -> End {
        if self.known.as_ref().is_none_or(KnownKey::is_valid) {
            return End::Silent;
        }
        self.outlet.send(&UNKNOWN_KEY.to_le_bytes());
        End::UnknownKey
    }

    /// Lets the last bytes leave.
    async fn farewell(&self, stream: &TcpStream) {
        let until = Instant::now() + FAREWELL_MAX;
        while self.outlet.is_pending() {
            let ready = timeout_at(until, stream.writable()).await;
            if !matches!(ready, Ok(Ok(()))) || self.outlet.flush().is_err() {
                break;
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        for Attached { auth_key_id, session, .. } in self.attached.drain(..) {
            lock(&session).detach(&self.outlet);
            if let Some(last_of) = self.shared.hub.disconnected(auth_key_id, self.from)
                && !std::thread::panicking()
            {
                self.shared.methods.disconnected(last_of);
            }
        }
    }
}
