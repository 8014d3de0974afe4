//! A data centre without a network, and clients of it.
//!
//! Invariant: what was pushed to a key is kept until a test takes it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use grammers_tl_types as tl;
use sha1::{Digest, Sha1};
use tl::{Deserializable, RemoteCall, Serializable, enums, functions, types};
use tl_schema::layers;

use crate::api::{Api, DcInfo};
use crate::faults::Faults;
use crate::model::{Limits, Model};
use crate::seam::{AuthKeys, Caller, Methods, Pusher, RpcError};

/// A data centre in a temporary directory.
pub(super) struct World {
    dir: tempfile::TempDir,
    pub(super) api: Arc<Api>,
    pub(super) model: Arc<Model>,
    pub(super) faults: Faults,
    recorder: Arc<Recorder>,
    _pusher: Arc<dyn Pusher>,
    next_key: AtomicI64,
}

/// What was pushed and which keys were disconnected.
#[derive(Default)]
struct Recorder {
    pushed: Mutex<HashMap<i64, Vec<enums::Updates>>>,
    disconnected: Mutex<Vec<i64>>,
    listening: Mutex<Vec<Caller>>,
}

impl Pusher for Recorder {
    fn push(&self, auth_key_id: i64, updates: &enums::Updates, but_not: Option<i64>) {
        let sessions = self.listening.lock().unwrap();
        let listens = |caller: &&Caller| caller.auth_key_id == auth_key_id && Some(caller.session_id) != but_not;
        if sessions.iter().any(|caller| listens(&caller)) {
            assert_said_in_every_layer(None, &updates.to_bytes());
            let copy = enums::Updates::from_bytes(&updates.to_bytes()).unwrap();
            self.pushed.lock().unwrap().entry(auth_key_id).or_default().push(copy);
        }
    }

    fn disconnect(&self, auth_key_id: i64) {
        self.disconnected.lock().unwrap().push(auth_key_id);
    }
}

impl World {
    pub(super) fn new() -> World {
        World::open(tempfile::tempdir().unwrap())
    }

    /// Stops and starts again with the same data.
    pub(super) fn restarted(self) -> World {
        let World { dir, api, model, .. } = self;
        drop((api, model));
        World::open(dir)
    }

    /// Bounds what is kept otherwise. Before there is a client.
    pub(super) fn set_limits(&mut self, change: impl FnOnce(&mut Limits)) {
        let World { dir, api, model, .. } = std::mem::replace(self, World::new());
        drop((api, model));
        let mut limits = Limits::default();
        change(&mut limits);
        *self = World::open_with(dir, limits);
    }

    /// How many files there are whose bytes are kept.
    pub(super) fn files_on_disk(&self) -> usize {
        std::fs::read_dir(self.dir.path().join("files")).unwrap().count()
    }

    /// Puts a file there that nothing knows of.
    pub(super) fn put_stray_file(&self) {
        std::fs::write(self.dir.path().join("files/4711"), b"stray").unwrap();
    }

    fn open(dir: tempfile::TempDir) -> World {
        World::open_with(dir, Limits::default())
    }

    fn open_with(dir: tempfile::TempDir, limits: Limits) -> World {
        let model = Arc::new(Model::open(dir.path(), limits).unwrap());
        let faults = Faults::new();
        let dc = DcInfo { id: 2, address: "127.0.0.1:4430".parse().unwrap() };
        let api = Arc::new(Api::new(Arc::clone(&model), dc, faults.clone()));
        let recorder = Arc::new(Recorder::default());
        let pusher: Arc<dyn Pusher> = recorder.clone();
        api.connect(&pusher);
        World { dir, api, model, faults, recorder, _pusher: pusher, next_key: AtomicI64::new(1) }
    }

    /// A client with a new key, not logged in.
    pub(super) fn client(&self) -> Client<'_> {
        let n = self.next_key.fetch_add(1, Ordering::Relaxed);
        let mut key = [0; 256];
        key[..8].copy_from_slice(&n.to_le_bytes());
        key[8..8 + 16].copy_from_slice(&crate::model::random::<16>());
        assert!(self.model.insert(&key));
        let auth_key_id = i64::from_le_bytes(Sha1::digest(key)[12..20].try_into().unwrap());
        self.session(auth_key_id, 1000 + n)
    }

    /// Has the client's key made, or logged in, a minute earlier than it was.
    pub(super) fn age_key(&self, client: &Client<'_>) {
        let sql = "UPDATE auth_keys SET created = created - 60 WHERE id = ?1";
        self.model.lock().execute(sql, [client.caller.auth_key_id]).unwrap();
    }

    /// Has every login token expire as much sooner.
    pub(super) fn age_login_tokens(&self, by_s: i32) {
        self.model.lock().execute("UPDATE login_tokens SET expires = expires - ?1", [by_s]).unwrap();
    }

    /// Another session of this key.
    pub(super) fn session(&self, auth_key_id: i64, session_id: i64) -> Client<'_> {
        let caller = Caller { auth_key_id, session_id, layer: 230, without_updates: false };
        self.recorder.listening.lock().unwrap().push(caller);
        Client { world: self, caller, me: 0 }
    }

    /// A client of a new human, called like the last digits of the phone number.
    pub(super) fn human(&self, n: u16) -> Client<'_> {
        let mut client = self.client();
        client.sign_up(n);
        client
    }

    /// A client of a bot.
    pub(super) fn bot(&self, id: i64) -> Client<'_> {
        let mut client = self.client();
        let call = functions::auth::ImportBotAuthorization {
            flags: 0,
            api_id: 1,
            api_hash: String::new(),
            bot_auth_token: bot_token(id),
        };
        client.me = authorized(client.call(&call).unwrap()).id();
        client
    }

    pub(super) fn disconnected(&self) -> Vec<i64> {
        std::mem::take(&mut self.recorder.disconnected.lock().unwrap())
    }
}

/// Whatever a test has the data centre say, clients of all layers are told and understand it.
#[track_caller]
fn assert_said_in_every_layer(method: Option<u32>, bytes: &[u8]) {
    for layer in layers::LAYERS {
        let said = match method {
            Some(method) => layers::answer(layer, method, bytes),
            None => layers::updates(layer, bytes),
        };
        let said = said.unwrap_or_else(|| panic!("layer {layer} cannot say it"));
        assert!(layers::is_understood(layer, method, &said), "a client of layer {layer} does not understand it");
    }
}

/// One session of one key.
pub(super) struct Client<'w> {
    pub(super) world: &'w World,
    pub(super) caller: Caller,
    /// The user's id, once logged in.
    pub(super) me: i64,
}

impl Client<'_> {
    /// Calls a method.
    #[track_caller]
    pub(super) fn call<R: RemoteCall>(&self, request: &R) -> Result<R::Return, RpcError> {
        let request = request.to_bytes();
        let bytes = self.world.api.invoke(self.caller, &request)?;
        assert_said_in_every_layer(request.first_chunk().map(|id| u32::from_le_bytes(*id)), &bytes);
        Ok(R::Return::from_bytes(&bytes).expect("the answer is of the method's type"))
    }

    /// Calls a method that must work.
    #[track_caller]
    pub(super) fn ok<R: RemoteCall>(&self, request: &R) -> R::Return {
        self.call(request).expect("the method works")
    }

    /// Calls a method that must fail: `code NAME`.
    #[track_caller]
    pub(super) fn err<R: RemoteCall>(&self, request: &R) -> String {
        match self.call(request) {
            Ok(_) => panic!("the method should have failed"),
            Err(error) => error.to_string(),
        }
    }

    pub(super) fn sign_up(&mut self, n: u16) {
        let hash = self.send_code(n).unwrap();
        assert!(matches!(self.sign_in(n, &hash, "11111").unwrap(), enums::auth::Authorization::SignUpRequired(_)));
        let call = functions::auth::SignUp {
            no_joined_notifications: false,
            phone_number: phone(n),
            phone_code_hash: hash,
            first_name: format!("User{n}"),
            last_name: String::new(),
        };
        self.me = authorized(self.ok(&call)).id();
    }

    /// Logs in someone who signed up before.
    pub(super) fn log_in(&mut self, n: u16) {
        self.try_log_in(n).unwrap();
    }

    pub(super) fn try_log_in(&mut self, n: u16) -> Result<(), RpcError> {
        let hash = self.send_code(n)?;
        self.me = authorized(self.sign_in(n, &hash, "11111")?).id();
        Ok(())
    }

    pub(super) fn send_code(&self, n: u16) -> Result<String, RpcError> {
        self.send_code_to(&phone(n))
    }

    pub(super) fn send_code_to(&self, phone: &str) -> Result<String, RpcError> {
        let settings = types::CodeSettings::from_bytes(&[0; 4]).unwrap().into();
        let call =
            functions::auth::SendCode { phone_number: phone.to_owned(), api_id: 1, api_hash: String::new(), settings };
        match self.call(&call)? {
            enums::auth::SentCode::Code(code) => Ok(code.phone_code_hash),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn sign_in(&self, n: u16, hash: &str, code: &str) -> Result<enums::auth::Authorization, RpcError> {
        self.call(&functions::auth::SignIn {
            phone_number: phone(n),
            phone_code_hash: hash.to_owned(),
            phone_code: Some(code.to_owned()),
            email_verification: None,
        })
    }

    /// This client's name for another's user.
    pub(super) fn user(&self, other: &Client<'_>) -> types::InputUser {
        types::InputUser { user_id: other.me, access_hash: self.world.model.access_hash(self.me, other.me) }
    }

    /// This client's name for the chat with another's user.
    pub(super) fn peer(&self, other: &Client<'_>) -> enums::InputPeer {
        let user = self.user(other);
        types::InputPeerUser { user_id: user.user_id, access_hash: user.access_hash }.into()
    }

    /// What was pushed to this key since last asked.
    pub(super) fn pushed(&self) -> Vec<enums::Updates> {
        self.world.recorder.pushed.lock().unwrap().remove(&self.caller.auth_key_id).unwrap_or_default()
    }

    /// The updates pushed to this key since last asked, out of their wrapping.
    pub(super) fn pushed_updates(&self) -> Vec<enums::Update> {
        self.pushed().into_iter().flat_map(unwrapped).collect()
    }

    /// A request to send text.
    pub(super) fn message(&self, peer: enums::InputPeer, text: &str) -> functions::messages::SendMessage {
        tl_blank::send_message(peer, text.to_owned(), i64::from_le_bytes(crate::model::random()))
    }

    /// Sends text: the sender's id of it.
    #[track_caller]
    pub(super) fn send(&self, peer: enums::InputPeer, text: &str) -> i32 {
        sent_id(&self.ok(&self.message(peer, text)))
    }

    /// The newest messages of a chat.
    pub(super) fn history(&self, peer: enums::InputPeer) -> Vec<types::Message> {
        let page = self.ok(&history_request(peer, 100));
        texts(messages_of(page))
    }

    /// The dialog with this peer.
    pub(super) fn dialog(&self, peer: enums::InputPeer) -> types::Dialog {
        let peers = vec![types::InputDialogPeer { peer }.into()];
        let enums::messages::PeerDialogs::Dialogs(mut found) = self.ok(&functions::messages::GetPeerDialogs { peers });
        match found.dialogs.remove(0) {
            enums::Dialog::Dialog(dialog) => dialog,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn pts(&self) -> i32 {
        let enums::updates::State::State(state) = self.ok(&functions::updates::GetState {});
        state.pts
    }
}

pub(super) fn phone(n: u16) -> String {
    format!("+999661{n:04}")
}

pub(super) fn bot_token(id: i64) -> String {
    format!("{id}:{}", "a".repeat(35))
}

#[track_caller]
pub(super) fn authorized(answer: enums::auth::Authorization) -> enums::User {
    match answer {
        enums::auth::Authorization::Authorization(authorization) => authorization.user,
        other => panic!("not logged in: {other:?}"),
    }
}

pub(super) fn unwrapped(updates: enums::Updates) -> Vec<enums::Update> {
    match updates {
        enums::Updates::Updates(updates) => updates.updates,
        enums::Updates::UpdateShort(short) => vec![short.update],
        other => panic!("{other:?}"),
    }
}

/// The id of the message an answer says was sent.
#[track_caller]
pub(super) fn sent_id(answer: &enums::Updates) -> i32 {
    match answer {
        enums::Updates::UpdateShortSentMessage(short) => short.id,
        enums::Updates::Updates(full) => full
            .updates
            .iter()
            .find_map(|update| match update {
                enums::Update::NewMessage(new) => Some(new.message.id()),
                enums::Update::NewChannelMessage(new) => Some(new.message.id()),
                _ => None,
            })
            .expect("a new message"),
        other => panic!("{other:?}"),
    }
}

pub(super) fn messages_of(answer: enums::messages::Messages) -> Vec<enums::Message> {
    match answer {
        enums::messages::Messages::Messages(all) => all.messages,
        enums::messages::Messages::Slice(slice) => slice.messages,
        enums::messages::Messages::ChannelMessages(page) => page.messages,
        other => panic!("{other:?}"),
    }
}

/// The ordinary messages among them.
pub(super) fn texts(messages: Vec<enums::Message>) -> Vec<types::Message> {
    let ordinary = |message| match message {
        enums::Message::Message(message) => Some(message),
        _ => None,
    };
    messages.into_iter().filter_map(ordinary).collect()
}

pub(super) fn history_request(peer: enums::InputPeer, limit: i32) -> functions::messages::GetHistory {
    functions::messages::GetHistory {
        peer,
        offset_id: 0,
        offset_date: 0,
        add_offset: 0,
        limit,
        max_id: 0,
        min_id: 0,
        hash: 0,
    }
}

pub(super) fn search_request(peer: enums::InputPeer) -> functions::messages::Search {
    functions::messages::Search {
        peer,
        q: String::new(),
        from_id: None,
        saved_peer_id: None,
        saved_reaction: None,
        top_msg_id: None,
        filter: enums::MessagesFilter::InputMessagesFilterEmpty,
        min_date: 0,
        max_date: 0,
        offset_id: 0,
        add_offset: 0,
        limit: 100,
        max_id: 0,
        min_id: 0,
        hash: 0,
    }
}

pub(super) fn dialogs_request(limit: i32) -> functions::messages::GetDialogs {
    functions::messages::GetDialogs {
        exclude_pinned: false,
        folder_id: None,
        offset_date: 0,
        offset_id: 0,
        offset_peer: enums::InputPeer::Empty,
        limit,
        hash: 0,
    }
}

/// The ids of the peers of a client's dialogs, in order.
pub(super) fn dialog_peers(client: &Client<'_>) -> Vec<i64> {
    match client.ok(&dialogs_request(100)) {
        enums::messages::Dialogs::Dialogs(all) => all.dialogs.into_iter().map(peer_id).collect(),
        other => panic!("{other:?}"),
    }
}

pub(super) fn peer_id(dialog: enums::Dialog) -> i64 {
    let enums::Dialog::Dialog(dialog) = dialog else { panic!("{dialog:?}") };
    match dialog.peer {
        enums::Peer::User(user) => user.user_id,
        enums::Peer::Chat(chat) => chat.chat_id,
        enums::Peer::Channel(channel) => channel.channel_id,
    }
}

/// Makes a group: its peer, the same for all.
#[track_caller]
pub(super) fn group(creator: &Client<'_>, others: &[&Client<'_>], title: &str) -> enums::InputPeer {
    let users = others.iter().map(|other| creator.user(other).into()).collect();
    let call = functions::messages::CreateChat { users, title: title.to_owned(), ttl_period: None };
    let enums::messages::InvitedUsers::Users(invited) = creator.ok(&call);
    let enums::Updates::Updates(updates) = invited.updates else { panic!() };
    let enums::Chat::Chat(chat) = &updates.chats[0] else { panic!() };
    types::InputPeerChat { chat_id: chat.id }.into()
}

pub(super) fn reply_to(id: i32) -> enums::InputReplyTo {
    tl_blank::input_reply_to_message(id).into()
}

pub(super) fn replied_id(message: &types::Message) -> Option<i32> {
    match message.reply_to.as_ref()? {
        enums::MessageReplyHeader::Header(header) => header.reply_to_msg_id,
        other => panic!("{other:?}"),
    }
}

pub(super) fn edit(peer: enums::InputPeer, id: i32, text: &str) -> functions::messages::EditMessage {
    functions::messages::EditMessage { message: Some(text.to_owned()), ..tl_blank::edit_message(peer, id) }
}

pub(super) fn delete(id: Vec<i32>, revoke: bool) -> functions::messages::DeleteMessages {
    functions::messages::DeleteMessages { revoke, id }
}

pub(super) fn forward(
    from: enums::InputPeer,
    to: enums::InputPeer,
    id: Vec<i32>,
) -> functions::messages::ForwardMessages {
    let random_ids = id.iter().map(|_| i64::from_le_bytes(crate::model::random())).collect();
    tl_blank::forward_messages(from, id, random_ids, to)
}

/// The new message an answer brings.
#[track_caller]
pub(super) fn new_message(answer: &enums::Updates) -> enums::Message {
    let enums::Updates::Updates(full) = answer else { panic!("{answer:?}") };
    let found = full.updates.iter().find_map(|update| match update {
        enums::Update::NewMessage(new) => Some(new.message.clone()),
        enums::Update::NewChannelMessage(new) => Some(new.message.clone()),
        _ => None,
    });
    found.expect("a new message")
}
