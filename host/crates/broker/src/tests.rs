//! A script's side that lies, and an account's side whose disk is full: what the other side makes of it.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tgl::{AccountState, Call, Changes, Event, Grants, Message, MessageId, Peer, PeerDetails, PeerId, Request, User};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::wire::{
    ANSWER_BYTES_MAX, ASK_BYTES_MAX, Ask, CALLS_AT_ONCE_MAX, Frames, Pushed, Question, Said, What, WireError, frame,
};
use crate::{
    Attachment, BoxFuture, BrokerError, Client, Ledger, Load, NewCall, OutboxPlace, Rules, ScriptId, Server,
    SharedEvent, Socket, serve, size,
};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// What one script has done, in memory.
#[derive(Default)]
struct Notes {
    kept: Mutex<Vec<Request>>,
    cursor: AtomicU64,
    is_full: AtomicBool,
    parted: AtomicBool,
    /// Its inbox has been looked into so often.
    looks: AtomicU64,
    unstaged: AtomicU64,
}

const INBOX_SEQ: u64 = 5;

impl Notes {
    fn room(&self) -> Result<(), BrokerError> {
        match self.is_full.load(Ordering::Relaxed) {
            true => Err(BrokerError::NotNow("full".to_owned())),
            false => Ok(()),
        }
    }
}

impl Ledger for Notes {
    fn join(&self, script: &str) -> Result<u64, BrokerError> {
        assert_eq!(script, "bot.py");
        Ok(self.cursor.load(Ordering::Relaxed))
    }
    fn part(&self, _: &str) -> Result<(), BrokerError> {
        self.parted.store(true, Ordering::Relaxed);
        Ok(())
    }
    fn inbox_seq(&self) -> u64 {
        INBOX_SEQ
    }
    fn pruned_seq(&self) -> u64 {
        0
    }
    fn events_after(&self, seq: u64, limit: usize) -> Result<Vec<(u64, Arc<SharedEvent>)>, BrokerError> {
        assert!(limit <= crate::EVENTS_AT_ONCE_MAX);
        self.looks.fetch_add(1, Ordering::Relaxed);
        let peer = Peer { name: String::new(), details: PeerDetails::User(User::default()) };
        let event = Arc::new(Event::UserUpdate { user: peer, what: Changes::default() }.into());
        Ok((seq + 1..=INBOX_SEQ).take(limit).map(|seq| (seq, Arc::clone(&event))).collect())
    }
    fn commit<'a>(
        &'a self,
        script: &'a str,
        seq: u64,
        taken: &'a [Request],
        waiting: &'a [Request],
    ) -> BoxFuture<'a, Result<(), BrokerError>> {
        assert_eq!(script, "bot.py");
        Box::pin(async move {
            self.room()?;
            self.cursor.store(seq, Ordering::Relaxed);
            self.kept.lock().unwrap().extend(taken.iter().chain(waiting).cloned());
            Ok(())
        })
    }
    fn stage(&self, _: &str, calls: &[Request]) -> Result<(), BrokerError> {
        self.room()?;
        self.kept.lock().unwrap().extend(calls.iter().cloned());
        Ok(())
    }
    fn unstage(&self, _: &str) -> Result<(), BrokerError> {
        self.unstaged.fetch_add(1, Ordering::Relaxed);
        self.room()
    }
    fn resume_outbox(&self, _: &str) -> Result<u64, BrokerError> {
        self.room().map(|()| 0)
    }
    fn take_waiting(
        &self,
        _: &str,
        _: OutboxPlace,
        _: usize,
        _: &mut dyn FnMut(OutboxPlace, Option<PeerId>) -> bool,
    ) -> Result<Vec<Request>, BrokerError> {
        self.room().map(|()| Vec::new())
    }
    fn take_waiting_in(
        &self,
        _: &str,
        _: PeerId,
        _: RangeInclusive<OutboxPlace>,
        _: usize,
    ) -> Result<(Vec<Request>, Option<OutboxPlace>), BrokerError> {
        self.room().map(|()| (Vec::new(), None))
    }
    fn outbox_load(&self, _: &str) -> Load {
        let kept = self.kept.lock().unwrap();
        Load { calls: kept.len() as u64, bytes: kept.iter().map(|request| size(&request.call)).sum() }
    }
    fn peer(&self, _: PeerId) -> Result<Option<Peer>, BrokerError> {
        Ok(None)
    }
    fn message(&self, _: MessageId) -> Result<Option<Message>, BrokerError> {
        Ok(None)
    }
    fn topic(&self, _: MessageId) -> Result<Option<MessageId>, BrokerError> {
        Ok(None)
    }
}

/// The account's side of one script, served over a socket. It is given back when the script's side has gone.
struct Account {
    notes: Arc<Notes>,
    serving: Serving,
    heard: watch::Sender<u64>,
    /// The account's ends of the script's channels.
    _ends: Ends,
}

type Ends = (mpsc::Receiver<Request>, mpsc::Sender<crate::Arrived>, mpsc::Sender<String>, watch::Sender<AccountState>);

const CALLS_MAX: u64 = 10;

fn account() -> (Account, StdUnixStream) {
    let (requests, requests_end) = mpsc::channel(64);
    let (completions_end, completions) = mpsc::channel(64);
    let (notes_end, notes) = mpsc::channel(64);
    let (state_end, state) = watch::channel(AccountState::default());
    let attachment = Attachment { requests, completions, notes, state };
    let rules =
        Rules { load_max: Load { calls: CALLS_MAX, bytes: 100_000 }, grants: Grants::trusted(), ..Rules::default() };
    let ledger = Arc::new(Notes::default());
    let server = Server::new(ScriptId::own("account", "bot.py".into()), rules, ledger.clone(), attachment);
    let (serving, theirs, heard) = begin_serving(server);
    let ends = (requests_end, completions_end, notes_end, state_end);
    (Account { notes: ledger, serving, heard, _ends: ends }, theirs)
}

type Serving = JoinHandle<(Server, Result<(), WireError>)>;

fn begin_serving(mut server: Server) -> (Serving, StdUnixStream, watch::Sender<u64>) {
    let (ours, theirs) = StdUnixStream::pair().unwrap();
    let ours = Socket::new(ours).unwrap();
    let (heard_sender, heard) = watch::channel(0);
    let serving = tokio::spawn(async move {
        let ended = serve(&mut server, ours, heard).await;
        (server, ended)
    });
    (serving, theirs, heard_sender)
}

/// The socket of a script's side of which every byte is the test's.
fn plain(socket: StdUnixStream) -> UnixStream {
    socket.set_nonblocking(true).unwrap();
    UnixStream::from_std(socket).unwrap()
}

impl Account {
    /// How it ends, once the script's side has said all it has to say. The script does not run any more then.
    async fn ends(self) -> (Result<(), WireError>, usize) {
        let serving = tokio::time::timeout(PATIENCE, self.serving).await;
        let (server, ended) = serving.expect("it ends").expect("it does not panic");
        drop(server);
        assert!(self.notes.parted.load(Ordering::Relaxed));
        let kept = self.notes.kept.lock().unwrap().len();
        (ended, kept)
    }
}

fn call(id: u64, text: &str) -> NewCall {
    let call = Call::SendMessage { to: PeerId::user(1), text: text.to_owned(), reply_to: None, preview: None };
    NewCall { id, call }
}

fn asks(asks: Vec<Ask<'static>>) -> Vec<u8> {
    let frames = (1..).zip(asks).map(|(number, ask)| frame(&Question { number, ask }, ASK_BYTES_MAX).unwrap());
    frames.flatten().collect()
}

fn commit(handled_seq: u64, calls: Vec<NewCall>) -> Ask<'static> {
    Ask::Commit { handled_seq, calls: Cow::Owned(calls), said: 0 }
}

/// Sends these bytes in a script's place and reads until the account's side has had enough.
async fn say(bytes: &[u8]) -> (Result<(), WireError>, usize) {
    let (account, socket) = account();
    let (mut read, mut write) = plain(socket).into_split();
    let mut nothing = Vec::new();
    // The account's side may end before all is said.
    let (_, _) = tokio::join!(read.read_to_end(&mut nothing), async {
        let _ = write.write_all(bytes).await;
        let _ = write.shutdown().await;
    });
    account.ends().await
}

#[tokio::test]
async fn what_may_be_said_is_done_and_what_may_not_ends_the_connection() {
    let many = |count| (1..=count).map(|id| call(id, "text")).collect::<Vec<_>>();
    let too_long = || "x".repeat(5_000);
    type Expected = fn(&Result<(), WireError>) -> bool;
    let ends_well: Expected = |ended| ended.is_ok();
    let is_refused: Expected = |ended| matches!(ended, Err(WireError::Refused(_)));
    let is_no_message: Expected = |ended| matches!(ended, Err(WireError::NoMessage(_)));
    let cases: Vec<(&str, Vec<Ask<'static>>, Expected, usize)> = vec![
        ("nothing", vec![], ends_well, 0),
        ("calls", vec![Ask::Join, commit(5, many(2)), commit(5, vec![call(3, "text")])], ends_well, 3),
        ("calls after it has left", vec![Ask::Join, Ask::Leave, commit(5, many(2))], ends_well, 0),
        ("joins again", vec![Ask::Join, Ask::Join], is_refused, 0),
        ("more calls than it may have", vec![commit(0, many(CALLS_MAX + 1))], is_refused, 0),
        ("a list longer than any", vec![commit(0, many(CALLS_AT_ONCE_MAX as u64 + 1))], is_no_message, 0),
        ("more staged than it may have", vec![Ask::Stage { calls: Cow::Owned(many(CALLS_MAX + 1)) }], is_refused, 0),
        ("more, bit by bit", vec![commit(0, many(CALLS_MAX)), commit(0, vec![call(99, "text")])], is_refused, 10),
        ("a call that is too large", vec![commit(0, vec![call(1, &too_long())])], is_refused, 0),
        ("the same id again", vec![commit(0, many(2)), commit(0, vec![call(2, "text")])], is_refused, 2),
        ("the id of nobody", vec![commit(0, vec![call(0, "text")])], is_refused, 0),
        ("events that have not come", vec![commit(INBOX_SEQ + 1, vec![])], is_refused, 0),
        ("events without an end", vec![Ask::Events { after: 0, limit: usize::MAX }], ends_well, 0),
        ("a flood", (0..20_000).map(|_| Ask::Peer(PeerId::user(1))).collect(), ends_well, 0),
    ];
    for (what, asked, expected, kept_expected) in cases {
        let (ended, kept) = say(&asks(asked)).await;
        assert!(expected(&ended), "{what}: {ended:?}");
        assert_eq!(kept, kept_expected, "{what}");
    }
}

#[tokio::test]
async fn bytes_that_are_no_messages_end_the_connection() {
    let whole = asks(vec![Ask::Join, commit(5, vec![call(1, "text")])]);
    let cases: [(&str, Vec<u8>); 5] = [
        ("half a frame", whole[..whole.len() - 3].to_vec()),
        ("a frame without an end", u32::MAX.to_le_bytes().to_vec()),
        ("an empty frame", vec![0; 4]),
        ("no message", [&8_u32.to_le_bytes()[..], &[0xff; 8]].concat()),
        ("text", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec()),
    ];
    for (what, bytes) in cases {
        let (ended, _) = say(&bytes).await;
        assert_eq!(ended.is_ok(), what == "half a frame", "{what}: {ended:?}");
    }
}

/// Frames with bytes turned, taken out and put in, by a series of numbers that is the same each time.
#[tokio::test]
async fn whatever_bytes_come_the_account_goes_on() {
    let whole = asks(vec![
        Ask::Join,
        Ask::Events { after: 0, limit: 10 },
        commit(3, vec![call(1, "one"), call(2, "two")]),
        Ask::NextCompletion { handled_seq: 3 },
        Ask::Message(7),
        Ask::Leave,
    ]);
    let mut seed = 1_u64;
    let mut random = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    for _ in 0..3_000 {
        let mut bytes = whole.clone();
        for _ in 0..=random(4) {
            let at = random(bytes.len());
            match random(3) {
                0 => bytes[at] ^= 1 << random(8),
                1 => _ = bytes.remove(at),
                _ => bytes.insert(at, random(256) as u8),
            }
        }
        let (_, kept) = say(&bytes).await;
        assert!(kept <= CALLS_MAX as usize);
    }
}

#[tokio::test]
async fn who_does_not_read_its_answers_holds_up_itself_alone() {
    let (account, socket) = account();
    let mut socket = plain(socket);
    let flood = asks((0..100_000).map(|_| Ask::Peer(PeerId::user(1))).collect());
    let sent = tokio::time::timeout(Duration::from_millis(500), socket.write_all(&flood)).await;
    assert!(sent.is_err(), "what is not answered is not taken either");
    drop(socket);
    let (ended, _) = account.ends().await;
    assert!(matches!(ended, Err(WireError::Failed(_))), "{ended:?}");
}

#[tokio::test]
async fn who_asks_without_end_is_answered_at_a_bounded_rate() {
    let (account, socket) = account();
    let mut client = Client::there(Socket::new(socket).unwrap(), Arc::default());
    client.join().await.unwrap();
    let (lookups, begun) = (client.lookups(), std::time::Instant::now());
    for _ in 0..40_000 {
        assert_eq!(lookups.peer(PeerId::user(1)).await, Ok(None));
    }
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(900), "20 000 at once, and as many a second: {took:?}");
    drop((client, lookups));
    assert!(account.ends().await.0.is_ok());
}

#[tokio::test]
async fn what_a_full_disk_puts_off_is_told_and_tried_again() {
    let (account, socket) = account();
    let mut client = Client::there(Socket::new(socket).unwrap(), Arc::default());
    account.notes.is_full.store(true, Ordering::Relaxed);
    let full = Err(BrokerError::NotNow("full".to_owned()));
    assert_eq!(client.join().await.map(drop), full);
    account.notes.is_full.store(false, Ordering::Relaxed);
    client.join().await.unwrap();
    account.notes.is_full.store(true, Ordering::Relaxed);
    let calls = [call(1, "one"), call(2, "two")];
    assert_eq!(client.commit(1, &calls).await, full);
    account.notes.is_full.store(false, Ordering::Relaxed);
    client.commit(1, &calls).await.unwrap();
    let kept: Vec<_> = account.notes.kept.lock().unwrap().iter().map(|request| request.id).collect();
    assert_eq!(kept, [1, 2]);
}

#[tokio::test]
async fn an_account_that_goes_is_noticed_by_who_waits_and_by_who_asks() {
    let (account, socket) = account();
    let mut client = Client::there(Socket::new(socket).unwrap(), Arc::default());
    client.join().await.unwrap();
    let lookups = client.lookups();
    account.serving.abort();
    let waited = async {
        loop {
            if let Err(error) = client.wait().await {
                return error;
            }
        }
    };
    assert_eq!(tokio::time::timeout(PATIENCE, waited).await.unwrap(), BrokerError::Closed);
    assert_eq!(lookups.message(7).await, Err(BrokerError::Closed));
}

#[tokio::test]
async fn a_side_that_comes_after_another_goes_on_where_that_has_committed() {
    let (mut account, socket) = account();
    let mut client = Client::there(Socket::new(socket).unwrap(), Arc::default());
    let joined = client.join().await.unwrap();
    assert_eq!((joined.handled_seq, joined.next_id), (0, 1));
    client.commit(3, &[call(1, "one"), call(2, "two")]).await.unwrap();
    client.lookups().stage(&[call(3, "in a callback that does not return")]).await.unwrap();
    for leaves_in_order in [false, true] {
        if leaves_in_order {
            client.leave().await;
        }
        drop(client);
        let (server, ended) = account.serving.await.unwrap();
        assert!(ended.is_ok(), "{ended:?}");
        let (serving, socket, heard) = begin_serving(server);
        (account.serving, account.heard) = (serving, heard);
        client = Client::there(Socket::new(socket).unwrap(), Arc::default());
        let joined = client.join().await.unwrap();
        assert_eq!((joined.handled_seq, joined.left_to_seq), (3, INBOX_SEQ));
        assert_eq!(joined.next_id, 4, "no id is used again");
        assert_eq!(account.notes.unstaged.load(Ordering::Relaxed), 1, "what was not committed is not made");
    }
}

#[tokio::test]
async fn a_call_waits_until_what_was_said_before_it_is_heard() {
    let (account, socket) = account();
    let said = Arc::new(AtomicU64::new(0));
    let mut client = Client::there(Socket::new(socket).unwrap(), Arc::clone(&said));
    client.join().await.unwrap();
    said.store(2, Ordering::Release);
    let calls = [call(1, "one")];
    let (commit, heard) = (client.commit(1, &calls), async {
        for count in [1, 2] {
            assert_eq!(account.notes.kept.lock().unwrap().len(), 0, "{count}");
            tokio::task::yield_now().await;
            account.heard.send_replace(count);
        }
    });
    tokio::join!(commit, heard).0.unwrap();
    assert_eq!(account.notes.kept.lock().unwrap().len(), 1);
    said.store(u64::MAX, Ordering::Release);
    client.commit(2, &[call(2, "after what was never said")]).await.unwrap();
}

/// What is pushed by the time that each of these is answered: after which event, and which.
async fn pushed_with_each(asked: Vec<Ask<'static>>) -> Vec<Option<(u64, Vec<u64>)>> {
    let (_account, socket) = account();
    let (read, mut write) = plain(socket).into_split();
    let (mut heard, mut pushed) = (Frames::new(read, ANSWER_BYTES_MAX), Vec::new());
    for (number, ask) in (1..).zip(asked) {
        write.write_all(&frame(&Question { number, ask }, ASK_BYTES_MAX).unwrap()).await.unwrap();
        let mut came = None;
        loop {
            let Said { what, pushed, .. } = heard.next().await.unwrap().expect("an answer");
            came = pushed.or(came);
            if matches!(what, What::Answer { number: of, .. } if of == number) {
                break;
            }
        }
        let seqs = |Pushed { after, events }| (after, events.given.iter().map(|given| given.seq).collect());
        pushed.push(came.map(seqs));
    }
    pushed
}

#[tokio::test]
async fn events_come_unasked_to_who_is_at_work_and_has_handled_those_before() {
    let look = || Ask::Peer(PeerId::user(1));
    let ask = |after| Ask::Events { after, limit: 2 };
    let all = |after| Some((after, (after + 1..=INBOX_SEQ).collect::<Vec<_>>()));
    let cases: Vec<(&str, Vec<(Ask<'static>, Option<(u64, Vec<u64>)>)>)> = vec![
        ("not before its start is over", vec![(Ask::Join, None), (look(), None), (Ask::OpenGate, all(0))]),
        (
            "once those before are handled",
            vec![
                (Ask::Join, None),
                (ask(0), None),
                (Ask::OpenGate, None),
                (commit(1, vec![]), None),
                (commit(2, vec![]), all(2)),
                (look(), None),
                (commit(INBOX_SEQ, vec![]), None),
            ],
        ),
        (
            "not while another guest begins",
            vec![(Ask::Join, None), (Ask::OpenGate, all(0)), (Ask::BeginLife { first_id: 1 }, None), (look(), None)],
        ),
        ("not to who has left", vec![(Ask::Join, None), (ask(4), None), (Ask::Leave, None)]),
    ];
    for (what, steps) in cases {
        let (asked, expected): (Vec<_>, Vec<_>) = steps.into_iter().unzip();
        assert_eq!(pushed_with_each(asked).await, expected, "{what}");
    }
}

#[tokio::test]
async fn who_was_given_events_does_not_ask_for_them() {
    let (account, socket) = account();
    let mut client = Client::there(Socket::new(socket).unwrap(), Arc::default());
    client.join().await.unwrap();
    client.open_gate().await.unwrap();
    for (after, limit, looks) in [(0, 256, 1), (3, 256, 2), (0, 1, 3)] {
        let given = client.events(after, limit).await.unwrap().given;
        assert_eq!(
            given.iter().map(|given| given.seq).collect::<Vec<_>>(),
            (after + 1..=INBOX_SEQ).take(limit).collect::<Vec<_>>()
        );
        assert_eq!(account.notes.looks.load(Ordering::Relaxed), looks, "after {after}");
    }
}

#[tokio::test]
async fn more_than_a_socket_holds_goes_by_it_and_its_end_is_told() {
    let (ours, theirs) = StdUnixStream::pair().unwrap();
    let (_read, mut write) = Socket::new(ours).unwrap().into_split();
    let (mut theirs, bytes) = (plain(theirs), vec![7; 4 << 20]);
    let mut taken = vec![0; bytes.len()];
    // More than fits: the writer waits for room in between.
    let (written, read) = tokio::join!(write.write_all(&bytes), theirs.read_exact(&mut taken));
    written.unwrap();
    read.unwrap();
    assert!(taken == bytes);
    drop(write);
    assert_eq!(theirs.read(&mut taken).await.unwrap(), 0, "the end");
}
