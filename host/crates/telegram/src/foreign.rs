//! What reads a data centre's bytes, held out to the targets of tests/fuzz. Nobody else is meant to call it.

use std::io;
use std::ops::Deref;
use std::path::Path;
use std::time::{Duration, Instant};

use grammers_tl_types as tl;
use store::{AccountStore, Owner, StoreError, UpdateState};
use tgl::{AccountState, Event, PeerId};
use tl::{Deserializable, Serializable, enums, types};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::intake::Intake;
use crate::net::{Packets, Pushed};

/// Of the peers in [`updates`].
const US: i64 = 1;
const ADA: i64 = 2;
const GROUP: i64 = 3;
const CHANNEL: i64 = 4;

/// Events that are looked at after each case.
const EVENTS_MAX: usize = 100;

/// The packets in a stream that comes in these pieces, before it ends or is none; and how many bytes were held for the next.
///
/// # Errors
///
/// The two ends of a connection on loopback cannot be had.
pub async fn packets(pieces: &[Vec<u8>]) -> io::Result<(Vec<Vec<u8>>, usize)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let ours = TcpStream::connect(listener.local_addr()?).await?;
    let mut theirs = listener.accept().await?.0;
    let (mut cut, mut packets) = (Packets::new(ours), Vec::new());
    let send = async {
        for piece in pieces {
            // Whoever has read enough of it reads no further.
            if theirs.write_all(piece).await.is_err() {
                break;
            }
        }
        drop(theirs);
    };
    let receive = async {
        while let Ok(next) = cut.next().map(|packet| packet.map(|packet| packet.to_vec())) {
            match next {
                Some(packet) => packets.push(packet),
                None if cut.step().await.is_err() => break,
                None => {}
            }
        }
    };
    tokio::join!(send, receive);
    Ok((packets, cut.held_bytes()))
}

/// An account that takes what a data centre pushes, without a network.
pub struct Pushes {
    intake: Intake,
    store: AccountStore,
}

impl Pushes {
    /// The account that is kept in this folder, up to date at the point where [`updates`] go on.
    ///
    /// # Errors
    ///
    /// The folder cannot be written to.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let store = AccountStore::open(dir)?;
        let owner = Owner { user_id: US, is_bot: false };
        store.set_owner(owner)?;
        store.record(|batch| batch.set_update_state(UpdateState { pts: 10, qts: 1, date: 100, seq: 0 }))?;
        let mut intake = Intake::open(store.clone(), owner, watch::Sender::new(AccountState::default()))?;
        intake.write(|batch| batch.set_channel_pts(CHANNEL, Some(10)))?;
        Ok(Self { intake, store })
    }

    /// Takes these bytes if they are `Updates`, and what falls due in the second after them. Gives how many messages there are in
    /// the inbox, which was read.
    ///
    /// # Errors
    ///
    /// The store does not give what it has taken.
    pub fn take(&mut self, bytes: &[u8]) -> Result<usize, StoreError> {
        if let Ok(updates) = enums::Updates::from_bytes(bytes) {
            self.intake.receive_pushed(Pushed::Updates(updates));
        }
        self.intake.on_deadline(Instant::now() + Duration::from_secs(1));
        let stored = self.store.update_state()?;
        assert_eq!(stored, self.intake.stored_state(), "what is stored is what is taken for it");
        self.store.channel_state(CHANNEL)?;
        self.store.peer_record(PeerId::user(ADA))?;
        let events = self.store.scripts().inbox_after(0, EVENTS_MAX)?;
        Ok(events.iter().filter(|(_, event)| matches!(event.deref().deref(), Event::Message(_))).count())
    }
}

/// `Updates` of several kinds, as a data centre sends them.
pub fn updates() -> Vec<Vec<u8>> {
    let text = |id, peer: enums::Peer| types::Message {
        from_id: Some(types::PeerUser { user_id: ADA }.into()),
        ..tl_blank::message(id, peer, 100 + id, format!("text {id}"))
    };
    let (user, group, channel) = (
        enums::Peer::from(types::PeerUser { user_id: ADA }),
        enums::Peer::from(types::PeerChat { chat_id: GROUP }),
        enums::Peer::from(types::PeerChannel { channel_id: CHANNEL }),
    );
    let action = types::MessageActionChatAddUser { users: vec![ADA, US] };
    let came = tl_blank::message_service(2, group.clone(), 100, action.into());
    let reply = types::MessageReplyHeader { reply_to_msg_id: Some(1), ..tl_blank::message_reply_header() };
    let answer = types::Message { reply_to: Some(reply.into()), ..text(3, user.clone()) };
    let private: [enums::Update; 6] = [
        types::UpdateNewMessage { message: text(1, user.clone()).into(), pts: 11, pts_count: 1 }.into(),
        types::UpdateNewMessage { message: came.into(), pts: 12, pts_count: 1 }.into(),
        types::UpdateNewMessage { message: answer.into(), pts: 13, pts_count: 1 }.into(),
        types::UpdateEditMessage { message: text(1, user.clone()).into(), pts: 14, pts_count: 1 }.into(),
        types::UpdateReadHistoryOutbox { peer: user, max_id: 3, pts: 15, pts_count: 1 }.into(),
        types::UpdateDeleteMessages { messages: vec![1, 2], pts: 17, pts_count: 2 }.into(),
    ];
    let of_channel: [enums::Update; 4] = [
        types::UpdateNewChannelMessage { message: text(1, channel.clone()).into(), pts: 11, pts_count: 1 }.into(),
        types::UpdateEditChannelMessage { message: text(1, channel).into(), pts: 12, pts_count: 1 }.into(),
        types::UpdateDeleteChannelMessages { channel_id: CHANNEL, messages: vec![1], pts: 13, pts_count: 1 }.into(),
        types::UpdateChannelTooLong { channel_id: CHANNEL, pts: Some(20) }.into(),
    ];
    let status = types::UpdateUserStatus { user_id: ADA, status: types::UserStatusOnline { expires: 200 }.into() };
    let typing = types::UpdateChatUserTyping {
        chat_id: GROUP,
        from_id: types::PeerUser { user_id: ADA }.into(),
        action: enums::SendMessageAction::SendMessageTypingAction,
    };
    let people = [US, ADA].map(|id| {
        let named = types::User { first_name: Some("Ada".to_owned()), access_hash: Some(id), ..tl_blank::user(id) };
        enums::User::from(named)
    });
    let group = tl_blank::chat(GROUP, "Group".to_owned(), enums::ChatPhoto::Empty, 2, 100, 1);
    let channel = tl_blank::channel(CHANNEL, "Channel".to_owned(), enums::ChatPhoto::Empty, 100);
    let chats: [enums::Chat; 2] =
        [group.into(), types::Channel { access_hash: Some(7), megagroup: true, ..channel }.into()];
    let all = |updates: Vec<enums::Update>| -> enums::Updates {
        types::Updates { updates, users: people.to_vec(), chats: chats.to_vec(), date: 100, seq: 0 }.into()
    };
    let short = |update| enums::Updates::from(types::UpdateShort { update, date: 100 });
    let given = [
        all(private.to_vec()),
        all(of_channel.to_vec()),
        short(status.into()),
        short(typing.into()),
        tl_blank::short_message(1, ADA, "text".to_owned(), 11, 1, 100).into(),
        enums::Updates::TooLong,
    ];
    given.map(|updates| updates.to_bytes()).into()
}
