//! What reaches the inbox of what the server sends, whatever happens on the way.

use store::ChannelState;
use tempfile::TempDir;
use tgl::Event;

use super::*;

mod channels;
mod messages;
mod peers;

pub(crate) const US: i64 = 1;
pub(crate) const ADA: i64 = 2;
pub(crate) const CHANNEL: i64 = 77;

/// An account without a network.
struct Stage {
    dir: TempDir,
    intake: Intake,
    cursor: u64,
}

impl Stage {
    /// Somebody who is in the channel, of which everything up to `pts` was taken.
    fn at(pts: i32) -> Self {
        let mut stage = Self::open(TempDir::new().unwrap(), 0);
        stage.intake.order.begin_difference();
        stage.intake.begin_at(UpdateState { pts: 1, qts: 1, date: 100, seq: 0 });
        stage.intake.end_difference();
        stage.intake.learn(&[user(ADA, "Ada", |_| {})], &[channel(|_| {})], &[]).unwrap();
        if pts > 0 {
            stage.intake.write(|batch| batch.set_channel_pts(CHANNEL, Some(pts))).unwrap();
        }
        stage.events();
        stage
    }

    fn open(dir: TempDir, cursor: u64) -> Self {
        let store = AccountStore::open(dir.path()).unwrap();
        let owner = Owner { user_id: US, is_bot: false };
        store.set_owner(owner).unwrap();
        let intake = Intake::open(store, owner, watch::Sender::new(AccountState::default())).unwrap();
        Self { dir, intake, cursor }
    }

    /// As after a kill: nothing but what is stored.
    fn restart(self) -> Self {
        let Self { dir, intake, cursor } = self;
        drop(intake);
        Self::open(dir, cursor)
    }

    fn push(&mut self, update: enums::Update) {
        self.push_with(vec![update], vec![]);
    }

    fn push_with(&mut self, updates: Vec<enums::Update>, chats: Vec<enums::Chat>) {
        let updates = types::Updates { updates, users: vec![], chats, date: 0, seq: 0 };
        self.intake.receive_pushed(Pushed::Updates(updates.into()));
    }

    fn events(&mut self) -> Vec<Event> {
        let events = self.intake.store.scripts().inbox_after(self.cursor, 10_000).unwrap();
        self.cursor = self.intake.store.inbox_seq();
        events.into_iter().map(|(_, event)| Event::clone(&event)).collect()
    }

    /// The server's ids of the messages that have come since the last time.
    fn ids(&mut self) -> Vec<i32> {
        let messages = self.events().into_iter().filter_map(|event| match event {
            Event::Message(message) => Some(message.id),
            _ => None,
        });
        messages.map(|id| self.intake.store.server_message(id).unwrap().unwrap().id).collect()
    }

    fn state(&self) -> ChannelState {
        self.intake.store.channel_state(CHANNEL).unwrap()
    }

    /// Lets the half second pass after which a gap is believed.
    fn wait_for_gap(&mut self) {
        self.intake.channels.on_deadline(Instant::now() + Duration::from_secs(1));
    }

    /// Answers as the data centre would, whose channel is at `end` and had one message for each pts.
    fn catch_up(&mut self, end: i32) {
        while let Some(missed) = self.intake.begin_channel_difference() {
            let from = missed.state.pts.unwrap_or(0);
            let messages = (from + 1..=end).map(|id| message(id, ADA)).collect();
            self.intake.take_channel_difference(CHANNEL, end, ChannelPart { messages, ..ChannelPart::default() });
            self.intake.end_channel_difference(CHANNEL);
        }
    }
}

pub(crate) fn channel(change: impl FnOnce(&mut types::Channel)) -> enums::Chat {
    let mut channel = types::Channel {
        access_hash: Some(7),
        megagroup: true,
        ..tl_blank::channel(CHANNEL, "Group".to_owned(), enums::ChatPhoto::Empty, 50)
    };
    change(&mut channel);
    channel.into()
}

pub(crate) fn user(id: i64, first_name: &str, change: impl FnOnce(&mut types::User)) -> enums::User {
    let mut user =
        types::User { access_hash: Some(id * 10), first_name: Some(first_name.to_owned()), ..tl_blank::user(id) };
    change(&mut user);
    user.into()
}

pub(crate) fn message(id: i32, from: i64) -> enums::Message {
    types::Message {
        from_id: Some(types::PeerUser { user_id: from }.into()),
        ..tl_blank::message(id, types::PeerChannel { channel_id: CHANNEL }.into(), 100 + id, id.to_string())
    }
    .into()
}

fn new(id: i32) -> enums::Update {
    types::UpdateNewChannelMessage { message: message(id, ADA), pts: id, pts_count: 1 }.into()
}

fn service(id: i32, action: enums::MessageAction) -> enums::Message {
    types::MessageService {
        from_id: Some(types::PeerUser { user_id: ADA }.into()),
        ..tl_blank::message_service(id, types::PeerChannel { channel_id: CHANNEL }.into(), 100, action)
    }
    .into()
}
