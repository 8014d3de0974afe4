//! The account's side of a socket: it asks the script's server what comes by it, and says by itself what has changed.
//!
//! Invariant: who is at the other end is not asked. What comes is for the script that the server belongs to, or ends the
//! connection.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until, timeout};

use crate::error::BrokerError;
use crate::server::Server;
use crate::socket::Socket;
use crate::wire::{
    ANSWER_BYTES_MAX, ASK_BYTES_MAX, Answer, Ask, Frames, Pulse, Question, Said, What, WireError, frame,
};

/// Events that are given at once, at most.
pub const EVENTS_AT_ONCE_MAX: usize = 256;

/// What each question costs the script's side in the long run: it asks no more often. The work is done by the account's
/// threads, and counts nowhere else as the script's.
const ASK_COST: Duration = Duration::from_micros(50);
/// So much it may ask ahead of that: 20 000 questions.
const ASK_AHEAD_MAX: Duration = Duration::from_secs(1);

/// A call is not held up for longer by what its script has said before.
const HEARD_WAIT: Duration = Duration::from_millis(if cfg!(test) { 20 } else { 1_000 });

/// After what could not be done for now, it is tried again so much later.
const TROUBLE_PAUSE: Duration = Duration::from_secs(1);

/// What happens next.
enum Step {
    Asked(Option<Question<'static>>),
    /// The server has waited, and gives a line for the script's log.
    Waited(Result<Option<String>, BrokerError>),
    State,
    /// What could not be done is tried again.
    Again,
}

/// Serves a script's side over this socket, until it has gone or says that it goes. Then another may come in its place, and
/// goes on where it was. `heard` says how much was heard of what that side says by another way: see [`crate::Client::there`].
///
/// Must not be given up: what the script has done would be written down in part.
///
/// # Errors
/// Where the other side does not keep to what it may say.
pub async fn serve(server: &mut Server, socket: Socket, mut heard: watch::Receiver<u64>) -> Result<(), WireError> {
    server.expect_join();
    let (read, mut write) = socket.into_split();
    let mut asked = Frames::new(read, ASK_BYTES_MAX);
    let mut state = server.state();
    state.mark_changed();
    let mut is_state_there = true;
    let mut again_at: Option<Instant> = None;
    let mut last = Pulse::default();
    let mut paid_until = Instant::now();
    let mut is_leaving = false;
    while !is_leaving {
        let may_ask_at = paid_until.checked_sub(ASK_AHEAD_MAX).filter(|moment| *moment > Instant::now());
        let ask = async {
            if let Some(moment) = may_ask_at {
                sleep_until(moment).await;
            }
            asked.next().await
        };
        let again = async {
            match again_at {
                Some(moment) => sleep_until(moment).await,
                None => std::future::pending().await,
            }
        };
        let step = tokio::select! {
            question = ask => Step::Asked(question?),
            waited = server.wait(), if again_at.is_none() => Step::Waited(waited),
            changed = state.changed(), if is_state_there => {
                is_state_there = changed.is_ok();
                Step::State
            }
            () = again => Step::Again,
        };
        let what = match step {
            Step::Asked(None) => return Ok(()),
            Step::Asked(Some(Question { number, ask })) => {
                paid_until = paid_until.max(Instant::now()) + ASK_COST;
                if let Ask::Commit { said, .. } = ask {
                    // Who says what it never said waits in vain, and harms nobody.
                    let _ = timeout(HEARD_WAIT, heard.wait_for(|heard| *heard >= said)).await;
                }
                is_leaving = matches!(ask, Ask::Leave);
                let is_commit = matches!(ask, Ask::Commit { .. });
                let answer = answer(server, ask).await;
                if is_commit {
                    // Its calls leave first: who reads the answer has nothing to do that is more urgent.
                    yield_now().await;
                }
                if let Err(BrokerError::Refused(why)) = answer {
                    return Err(WireError::Refused(why));
                }
                What::Answer { number, answer }
            }
            Step::Waited(Ok(None)) if pulse(server) == last => continue,
            Step::Waited(Ok(note)) => What::Moved { state: None, note, trouble: None },
            Step::Waited(Err(trouble)) => {
                again_at = Some(Instant::now() + TROUBLE_PAUSE);
                What::Moved { state: None, note: None, trouble: Some(trouble) }
            }
            Step::State => {
                let now = state.borrow_and_update().clone();
                What::Moved { state: Some(now), note: None, trouble: None }
            }
            Step::Again => {
                again_at = None;
                continue;
            }
        };
        // Taken first: no event that is pushed is one that the pulse does not know of.
        let pushed = server.next_events();
        last = pulse(server);
        let said = Said { what, pulse: last, pushed };
        write.write_all(&frame(&said, ANSWER_BYTES_MAX)?).await?;
    }
    Ok(())
}

fn pulse(server: &Server) -> Pulse {
    Pulse { inbox_seq: server.inbox_seq(), backlog: server.backlog() }
}

async fn answer(server: &mut Server, ask: Ask<'_>) -> Result<Answer, BrokerError> {
    Ok(match ask {
        Ask::Join => Answer::Joined(server.join()?),
        Ask::BeginLife { first_id } => {
            server.begin_life(first_id);
            Answer::Done
        }
        Ask::OpenGate => {
            server.open_gate();
            Answer::Done
        }
        Ask::Events { after, limit } => Answer::Events(server.events(after, limit.min(EVENTS_AT_ONCE_MAX))?),
        Ask::Commit { handled_seq, calls, .. } => {
            server.commit(handled_seq, &calls).await?;
            Answer::Done
        }
        Ask::Stage { calls } => {
            server.records().stage(&calls)?;
            Answer::Done
        }
        Ask::Unstage => {
            server.unstage()?;
            Answer::Done
        }
        Ask::NextCompletion { handled_seq } => Answer::Completion(server.next_completion(handled_seq)?),
        Ask::Peer(id) => Answer::Peer(server.records().peer(id)?),
        Ask::Message(id) => Answer::Message(server.records().message(id)?),
        Ask::Leave => {
            server.leave();
            Answer::Done
        }
    })
}
