//! A second session of a user, that makes any call of Telegram's: what scripts have no word for.

use std::collections::HashMap;
use std::sync::Arc;

use grammers_client::sender::{ConnectionParams, NoRetries, SenderPool, SenderPoolHandle};
use grammers_session::storages::MemorySession;
use grammers_session::types::DcOption;
use grammers_session::{SessionData, updates::UpdatesLike};
use grammers_tl_types as tl;
use tgl::PeerId;
use tl::{Deserializable, RemoteCall, enums, functions, types};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::world::{World, phone, sign_up};

/// A session at work.
pub(crate) struct Operator {
    handle: SenderPoolHandle,
    dc_id: i32,
    runner: AbortHandle,
    _updates: mpsc::Receiver<UpdatesLike>,
}

/// A channel as its maker knows it.
#[derive(Clone, Copy)]
pub(crate) struct Channel {
    pub(crate) id: i64,
    access_hash: i64,
}

impl Channel {
    pub(crate) fn peer(self) -> PeerId {
        PeerId::channel(self.id)
    }

    pub(crate) fn input(self) -> enums::InputChannel {
        types::InputChannel { channel_id: self.id, access_hash: self.access_hash }.into()
    }

    pub(crate) fn input_peer(self) -> enums::InputPeer {
        types::InputPeerChannel { channel_id: self.id, access_hash: self.access_hash }.into()
    }
}

impl Operator {
    /// Logs the user with this number in once more.
    pub(crate) async fn of(world: &World, name: &str, digit: u8) -> Self {
        let store = world.store(&format!("operator of {name}"));
        sign_up(&store, world.address(), name, &phone(digit)).await;
        let dc = store.dc(world.dc.dc_id).unwrap().unwrap();
        let option = DcOption { id: dc.id, ipv4: dc.ipv4, ipv6: dc.ipv6, auth_key: dc.auth_key };
        let data =
            SessionData { home_dc: dc.id, dc_options: HashMap::from([(dc.id, option)]), ..SessionData::default() };
        let params = ConnectionParams {
            device_model: "operator".to_owned(),
            system_version: "test".to_owned(),
            app_version: "1".to_owned(),
            system_lang_code: "en".to_owned(),
            lang_code: "en".to_owned(),
            use_ipv6: false,
            retry_policy: Box::new(NoRetries),
            updates_channel_capacity: 100.try_into().unwrap(),
            __non_exhaustive: (),
        };
        let pool = SenderPool::with_configuration(Arc::new(MemorySession::from(data)), 1, params);
        let runner = tokio::spawn(pool.runner.run()).abort_handle();
        Self { handle: pool.handle.thin, dc_id: dc.id, runner, _updates: pool.updates }
    }

    pub(crate) async fn call<R: RemoteCall>(&self, request: &R) -> R::Return {
        let answer = self.handle.raw_invoke_in_dc(self.dc_id, request.to_bytes()).await.unwrap();
        R::Return::from_bytes(&answer).unwrap()
    }

    /// The user with this number, by being made a contact.
    pub(crate) async fn user(&self, digit: u8) -> enums::InputUser {
        let contact = types::InputPhoneContact {
            client_id: 0,
            phone: phone(digit),
            first_name: "Contact".to_owned(),
            last_name: String::new(),
            note: None,
        };
        let request = functions::contacts::ImportContacts { contacts: vec![contact.into()] };
        let enums::contacts::ImportedContacts::Contacts(imported) = self.call(&request).await;
        let Some(enums::User::User(user)) = imported.users.into_iter().next() else { panic!("no user {digit}") };
        types::InputUser { user_id: user.id, access_hash: user.access_hash.unwrap() }.into()
    }

    /// The user with this username.
    pub(crate) async fn named(&self, username: &str) -> enums::InputUser {
        let request = functions::contacts::ResolveUsername { username: username.to_owned(), referer: None };
        let enums::contacts::ResolvedPeer::Peer(found) = self.call(&request).await;
        let Some(enums::User::User(user)) = found.users.into_iter().next() else { panic!("no user {username}") };
        types::InputUser { user_id: user.id, access_hash: user.access_hash.unwrap() }.into()
    }

    /// Writes into a channel.
    pub(crate) async fn say(&self, channel: Channel, text: &str) {
        self.answer(channel, text, None).await;
    }

    /// Writes into a channel, to the message with this id of the server's.
    pub(crate) async fn answer(&self, channel: Channel, text: &str, to: Option<i32>) {
        let reply_to = to.map(|reply_to_msg_id| tl_blank::input_reply_to_message(reply_to_msg_id).into());
        let request = functions::messages::SendMessage {
            no_webpage: true,
            reply_to,
            ..tl_blank::send_message(channel.input_peer(), text.to_owned(), getrandom::u64().unwrap().cast_signed())
        };
        self.call(&request).await;
    }

    /// Makes a supergroup, or a channel, and takes these users in.
    pub(crate) async fn channel(&self, title: &str, broadcast: bool, members: &[u8]) -> Channel {
        let request = functions::channels::CreateChannel {
            broadcast,
            megagroup: !broadcast,
            ..tl_blank::create_channel(title.to_owned(), String::new())
        };
        let channel = channel_of(&self.call(&request).await);
        self.invite(channel, members).await;
        channel
    }

    /// Makes a supergroup one with topics.
    pub(crate) async fn make_forum(&self, channel: Channel) {
        let request = functions::channels::ToggleForum { channel: channel.input(), enabled: true, tabs: false };
        self.call(&request).await;
    }

    /// Begins a topic: the server's id of the message that begins it.
    pub(crate) async fn topic(&self, channel: Channel, title: &str) -> i32 {
        let request = tl_blank::create_forum_topic(
            channel.input_peer(),
            title.to_owned(),
            getrandom::u64().unwrap().cast_signed(),
        );
        let enums::Updates::Updates(answer) = self.call(&request).await else { panic!("no updates") };
        let id = answer.updates.iter().find_map(|update| match update {
            enums::Update::MessageId(named) => Some(named.id),
            _ => None,
        });
        id.unwrap()
    }

    pub(crate) async fn invite(&self, channel: Channel, members: &[u8]) {
        let mut users = Vec::new();
        for digit in members {
            users.push(self.user(*digit).await);
        }
        if !users.is_empty() {
            self.call(&functions::channels::InviteToChannel { channel: channel.input(), users }).await;
        }
    }

    /// An invitation to the channel.
    pub(crate) async fn link(&self, channel: Channel, request_needed: bool) -> String {
        let request = functions::messages::ExportChatInvite {
            request_needed,
            ..tl_blank::export_chat_invite(channel.input_peer())
        };
        let enums::ExportedChatInvite::ChatInviteExported(invite) = self.call(&request).await else { panic!() };
        invite.link
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.runner.abort();
    }
}

/// The channel that an answer is about.
pub(crate) fn channel_of(updates: &enums::Updates) -> Channel {
    let enums::Updates::Updates(updates) = updates else { panic!("{updates:?}") };
    let channel = updates.chats.iter().find_map(|chat| match chat {
        enums::Chat::Channel(channel) => Some(Channel { id: channel.id, access_hash: channel.access_hash.unwrap() }),
        _ => None,
    });
    channel.unwrap()
}
