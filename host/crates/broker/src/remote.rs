//! The script's side of a socket.
//!
//! Invariant: a question may be given up at any moment, and what came of it is then nobody's: what goes by the socket is
//! always whole.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tgl::{AccountState, Completion};
use tokio::sync::{Notify, mpsc, oneshot, watch};

use crate::error::BrokerError;
use crate::messages::Events;
use crate::socket::{ReadHalf, Socket, WriteHalf};
use crate::wire::{ANSWER_BYTES_MAX, ASK_BYTES_MAX, Answer, Ask, Frames, Pulse, Pushed, Question, Said, What, frame};

/// Questions on their way: a script's side asks one at a time, and one more while a callback runs.
const QUESTIONS_MAX: usize = 8;

/// Lines for the script's log that wait for it to take them; further ones are dropped.
const NOTES_MAX: usize = 64;

/// A connection to the account's side. Cheap to clone; it ends when the last clone goes.
#[derive(Clone)]
pub(crate) struct Remote {
    questions: mpsc::Sender<Vec<u8>>,
    shared: Arc<Shared>,
    /// What was said by another way.
    said: Arc<AtomicU64>,
}

struct Shared {
    heard: Mutex<Heard>,
    /// Something new was heard.
    news: Notify,
}

/// What the account's side has said.
#[derive(Default)]
struct Heard {
    last_number: u64,
    waiting: HashMap<u64, oneshot::Sender<Result<Answer, BrokerError>>>,
    pulse: Pulse,
    /// Events that came unasked, and that nobody has taken.
    pushed: Option<Pushed>,
    notes: VecDeque<String>,
    trouble: Option<BrokerError>,
    has_moved: bool,
    is_closed: bool,
    /// With so much handled, and so many completions there, none could be delivered.
    no_completion: Option<(u64, u64)>,
}

impl Remote {
    /// Begins to speak by this socket. Must be called inside a Tokio runtime.
    pub(crate) fn new(socket: Socket, said: Arc<AtomicU64>) -> (Self, watch::Receiver<AccountState>) {
        let (read, write) = socket.into_split();
        let (questions, asked) = mpsc::channel(QUESTIONS_MAX);
        let (state, state_receiver) = watch::channel(AccountState::default());
        let shared = Arc::new(Shared { heard: Mutex::default(), news: Notify::new() });
        tokio::spawn(ask_on(asked, write));
        tokio::spawn(listen(read, Arc::clone(&shared), state));
        (Self { questions, shared, said }, state_receiver)
    }

    /// How much was said so far by another way.
    pub(crate) fn said(&self) -> u64 {
        self.said.load(Ordering::Acquire)
    }

    /// Asks, and waits for the answer.
    pub(crate) async fn ask(&self, ask: Ask<'_>) -> Result<Answer, BrokerError> {
        let (told, answer) = oneshot::channel();
        let number = {
            let mut heard = self.shared.heard();
            if heard.is_closed {
                return Err(BrokerError::Closed);
            }
            heard.last_number += 1;
            let number = heard.last_number;
            heard.waiting.insert(number, told);
            number
        };
        let _asked = Asked { shared: &self.shared, number };
        let question = frame(&Question { number, ask }, ASK_BYTES_MAX);
        let question = question.map_err(|error| BrokerError::Failed(error.to_string()))?;
        self.questions.send(question).await.map_err(|_| BrokerError::Closed)?;
        answer.await.unwrap_or(Err(BrokerError::Closed))
    }

    /// What the account's side last said of itself.
    pub(crate) fn pulse(&self) -> Pulse {
        self.shared.heard().pulse
    }

    /// See [`crate::Client::events`]. Asks only where they have not come already.
    pub(crate) async fn events(&self, after: u64, limit: usize) -> Result<Events, BrokerError> {
        // Those that were asked for meanwhile are dropped.
        let pushed = self.shared.heard().pushed.take();
        if let Some(Pushed { events, .. }) = pushed.filter(|pushed| pushed.is_next(after, limit)) {
            return Ok(events);
        }
        match self.ask(Ask::Events { after, limit }).await? {
            Answer::Events(events) => Ok(events),
            _ => Err(unexpected()),
        }
    }

    /// See [`crate::Client::next_completion`]. Asks only where there may be one.
    pub(crate) async fn next_completion(&self, handled_seq: u64) -> Result<Option<Completion>, BrokerError> {
        let is_there = {
            let heard = self.shared.heard();
            let waiting = heard.pulse.backlog.completions;
            waiting > 0 && heard.no_completion != Some((handled_seq, waiting))
        };
        if !is_there {
            return Ok(None);
        }
        let completion = match self.ask(Ask::NextCompletion { handled_seq }).await? {
            Answer::Completion(completion) => completion,
            _ => return Err(unexpected()),
        };
        if completion.is_none() {
            let mut heard = self.shared.heard();
            heard.no_completion = Some((handled_seq, heard.pulse.backlog.completions));
        }
        Ok(completion)
    }

    /// See [`crate::Client::wait`].
    pub(crate) async fn wait(&self) -> Result<Option<String>, BrokerError> {
        loop {
            {
                let mut heard = self.shared.heard();
                if let Some(note) = heard.notes.pop_front() {
                    return Ok(Some(note));
                }
                if let Some(trouble) = heard.trouble.take() {
                    return Err(trouble);
                }
                if std::mem::take(&mut heard.has_moved) {
                    return Ok(None);
                }
                if heard.is_closed {
                    return Err(BrokerError::Closed);
                }
            }
            self.shared.news.notified().await;
        }
    }
}

/// A question that waits for its answer. Dropped, it waits no more.
struct Asked<'a> {
    shared: &'a Shared,
    number: u64,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.shared.heard().waiting.remove(&self.number);
    }
}

impl Shared {
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, said: Said, state: &watch::Sender<AccountState>) {
        let Said { what, pulse, pushed } = said;
        let mut heard = self.heard();
        heard.pulse = pulse;
        heard.pushed = pushed.or(heard.pushed.take());
        match what {
            What::Answer { number, answer } => {
                if let Some(told) = heard.waiting.remove(&number) {
                    // Who has given up waiting does not hear of it.
                    let _ = told.send(answer);
                }
                return;
            }
            What::Moved { state: new_state, note, trouble } => {
                heard.has_moved = true;
                heard.trouble = trouble.or(heard.trouble.take());
                if heard.notes.len() < NOTES_MAX {
                    heard.notes.extend(note);
                }
                new_state.into_iter().for_each(|new| _ = state.send_replace(new));
            }
        }
        drop(heard);
        self.news.notify_one();
    }

    /// Nothing more will be heard.
    fn close(&self) {
        let mut heard = self.heard();
        heard.is_closed = true;
        heard.waiting.clear();
        drop(heard);
        self.news.notify_one();
    }
}

/// What is answered was not what was asked.
pub(crate) fn unexpected() -> BrokerError {
    BrokerError::Failed("the account's side answers what was not asked (a bug in tglhost)".to_owned())
}

/// Brings questions to the socket, until nobody asks any more.
async fn ask_on(mut questions: mpsc::Receiver<Vec<u8>>, mut socket: WriteHalf) {
    while let Some(question) = questions.recv().await {
        if let Err(error) = socket.write_all(&question).await {
            tracing::debug!(%error, "the account's side cannot be asked");
            return;
        }
    }
}

/// Hears what the account's side says, until it has gone.
async fn listen(socket: ReadHalf, shared: Arc<Shared>, state: watch::Sender<AccountState>) {
    let mut said = Frames::new(socket, ANSWER_BYTES_MAX);
    loop {
        match said.next().await {
            Ok(Some(said)) => shared.hear(said, &state),
            Ok(None) => break,
            Err(error) => {
                tracing::error!(%error, "the account's side is not understood");
                break;
            }
        }
    }
    shared.close();
}
