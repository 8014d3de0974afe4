//! What a worker may try, row by row, and what becomes of its script.

use std::io::Write;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::process::{Command, exit};
use std::sync::atomic::Ordering;
use std::time::Duration;

use broker::NewCall;
use runtime::{End, News, Phase, ScriptStatus};
use sandbox::{LogLevel, Output};
use tgl::{Call, PeerId};
use worker::{Missing, REPORT_BYTES_MAX, Report};

use crate::here::Stage;
use crate::there::{There, on_account, status};

pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) play: fn(There),
    fate: Fate,
}

/// What becomes of its script.
enum Fate {
    /// It goes on in the next worker, which lies as well; this is why.
    Moves(&'static str),
    /// The same, and it is seen in the second worker whether it can.
    MovesTwice(&'static str),
    /// It stays where it is until it is stopped.
    Stays,
    /// It has ended, with this code.
    Exits(u8),
}
use Fate::{Exits, Moves, MovesTwice, Stays};

const NOT_SAID: &str = "says what it may not";
const NOT_HAS: &str = "speaks of a script that it has not";
const NOT_ASKED: &str = "asks its account for what it may not";
const NOT_TOLD: &str = "tells more than can become of a script";
const NOT_ENDED: &str = "did not end in time what was to end";
const HUNG: &str = "hung";
const ENDED: &str = "its process ended";

const fn row(name: &'static str, fate: Fate, play: fn(There)) -> Row {
    Row { name, play, fate }
}

#[rustfmt::skip]
pub(crate) const ROWS: &[Row] = &[
    // Scripts that it has not
    row("prints for another", Moves(NOT_HAS), |there| says(there, &Report::Print { script: 1, to: Output::Stdout, text: "x".into() })),
    row("logs for nobody", Moves(NOT_HAS), |there| says(there, &Report::Log { script: usize::MAX, level: LogLevel::Info, text: "x".into() })),
    row("drops for another", Moves(NOT_HAS), |there| says(there, &Report::Dropped { script: 1, bytes: 1 })),
    row("ends another", Moves(NOT_HAS), |there| says(there, &Report::News { script: 1, news: News::Ended(End::Stopped) })),
    row("says how another stands", Moves(NOT_HAS), |there| says(there, &Report::Statuses(vec![(1, status(Phase::Running))]))),
    row("counts for another", Moves(NOT_HAS), |there| says(there, &Report::Room { script: 1, number: 1, is_taken: true })),
    // Bytes
    row("a frame without an end", Moves(NOT_SAID), |there| bytes(there, &u32::MAX.to_le_bytes())),
    row("a frame a little too long", Moves(NOT_SAID), |there| bytes(there, &(REPORT_BYTES_MAX as u32 + 1).to_le_bytes())),
    row("an empty frame", Moves(NOT_SAID), |there| bytes(there, &[0; 4])),
    row("no report", Moves(NOT_SAID), |there| bytes(there, &[8, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255])),
    row("text", Moves(NOT_SAID), |there| bytes(there, b"GET / HTTP/1.1\r\n\r\n")),
    row("half a frame", Moves(HUNG), |there| { there.say_bytes(&[100, 0, 0, 0, 1]); there.be_silent() }),
    row("a short frame that is a long list", Moves(NOT_SAID), long_list),
    // Silence
    row("answers nothing", Moves(HUNG), |there| there.be_silent()),
    row("hangs up", Moves(HUNG), |there| { there.hang_up(); there.be_silent() }),
    row("leaves its account", Moves(NOT_ENDED), |mut there| { drop(there.account()); there.only_answer() }),
    row("leaves its account in order, and goes on", Moves(NOT_ENDED), |there| asks(there, async |client| client.leave().await)),
    row("does not stop", Stays, |there| { there.tell(0, News::Ready); there.only_answer() }),
    // Ends
    row("exits", Moves(ENDED), |_| exit(1)),
    row("leaves a process that holds its socket", Moves(ENDED), leaves_a_process),
    row("fails with a long word", Moves("cannot go on"), |there| says(there, &Report::Failed("\x1b[2J\n".repeat(1 << 20)))),
    row("ends twice", Exits(3), |there| { ended(&there, 3); ended(&there, 4); there.only_answer() }),
    row("ends by its status alone", Stays, |there| { standing(&there, status(Phase::Ended(End::Exited(3)))); there.obey() }),
    row("ends and goes on", Exits(3), ends_and_goes_on),
    row("ends otherwise than it says", Exits(3), ends_otherwise),
    // Floods
    row("prints without end", Stays, |there| flood(there, 5_000, |there| there.print(0, &"x".repeat(1 << 10)))),
    row("prints long texts", Stays, |there| flood(there, 6, |there| there.print(0, &"x".repeat(7 << 20)))),
    row("says without end how it stands", Stays, |there| flood(there, 300, |there| there.say(&Report::Statuses(vec![(0, status(Phase::Running)); 256])))),
    row("answers what nobody asked", Stays, |there| flood(there, 10_000, |there| there.say(&Report::Room { script: 0, number: 7, is_taken: true }))),
    row("is well without end", Stays, |there| flood(there, 10_000, |there| there.say(&Report::Pong))),
    row("writes a long log", Stays, |there| flood(there, 5_000, |there| there.say(&Report::HostLog("x".repeat(1 << 10).into())))),
    row("lacks the same wall again and again", Stays, |there| flood(there, 5_000, |there| there.say(&Report::MissingWall(Missing::Files)))),
    row("starts again and again", Moves(NOT_TOLD), |there| loop { there.tell(0, News::Ready) }),
    row("crashes with long texts", Moves(NOT_TOLD), |there| loop { crashed(&there, "x".repeat(7 << 20)) }),
    row("counts beyond all numbers", MovesTwice(ENDED), counts_beyond),
    // The account
    row("asks with a frame without an end", Moves(NOT_ASKED), |there| ask_bytes(there, &u32::MAX.to_le_bytes())),
    row("asks no question", Moves(NOT_ASKED), |there| ask_bytes(there, &[4, 0, 0, 0, 255, 255, 255, 255])),
    row("asks half a question", Stays, |there| ask_bytes(there, &[100, 0, 0, 0, 1])),
    row("does not read its answers", Stays, |there| ask_bytes(there, &[3, 0, 0, 0, 1, 6, 0].repeat(1 << 16))),
    row("handles what has not come", Moves(NOT_ASKED), |there| asks(there, async |client| drop(client.commit(u64::MAX, &[]).await))),
    row("makes a call too large", Moves(NOT_ASKED), |there| asks(there, async |client| drop(client.commit(0, &[call(1, 1 << 20)]).await))),
    row("uses up all ids", MovesTwice(NOT_ASKED), uses_up_ids),
    // Calls of none, after more reports than it has made.
    row("waits for what it never said", Moves(ENDED), waits_for_unsaid),
    row("asks for what lies nowhere", Stays, |there| asks(there, async |client| {
        let _ = client.events(u64::MAX, usize::MAX).await;
        let _ = client.next_completion(u64::MAX).await;
        let _ = client.begin_life(u64::MAX).await;
        for id in [i64::MIN, -1, 0, i64::MAX] {
            let _ = client.lookups().message(id).await;
            let _ = client.lookups().peer(PeerId::user(id)).await;
        }
    })),
];

/// A row as the host sees it.
pub(crate) async fn told(stage: &Stage, row: &Row) -> Result<(), String> {
    let (log_before, notes_before) =
        (stage.host.log_bytes.load(Ordering::Relaxed), stage.host.notes.load(Ordering::Relaxed));
    let actor = stage.start(row.name);
    match row.fate {
        Moves(why) => actor.is_lost(1, why).await?,
        MovesTwice(why) => actor.is_lost(2, why).await?,
        Stays => actor.heard.until("it was there", |words| words.news.contains(&News::Ready)).await?,
        Exits(code) => {
            let end = actor.ends().await?;
            let words = actor.heard.words.borrow();
            let told: Vec<_> = words.news.iter().filter(|news| **news != News::Ready).collect();
            if end != End::Exited(code) || told != [&News::Ended(End::Exited(code))] || words.printed_bytes > 0 {
                return Err(format!("{end:?}, {words:?}"));
            }
            return Ok(());
        }
    }
    let log_bytes = stage.host.log_bytes.load(Ordering::Relaxed) - log_before;
    if log_bytes > 4 << 20 {
        return Err(format!("{log_bytes} bytes of log"));
    }
    if stage.host.notes.load(Ordering::Relaxed) > notes_before + 1 {
        return Err("a wall was told to be missing more than once".to_owned());
    }
    let heard = actor.heard.clone();
    actor.stops().await?;
    let words = heard.words.borrow();
    let is_unruly = |news: &News| match news {
        News::Crashed { why, .. } => matches!(row.fate, Stays) || why.len() > 2 << 10 && row.name.starts_with("fails"),
        _ => false,
    };
    if words.news.iter().any(is_unruly) || words.news.last() != Some(&News::Ended(End::Stopped)) {
        return Err(format!("{words:?}"));
    }
    Ok(())
}

fn says(there: There, report: &Report<'_>) {
    there.say(report);
    there.only_answer()
}

fn bytes(there: There, bytes: &[u8]) {
    there.say_bytes(bytes);
    there.only_answer()
}

/// Says so much, and that it is there; then it is as others.
fn flood(there: There, times: usize, say: fn(&There)) {
    (0..times).for_each(|_| say(&there));
    there.tell(0, News::Ready);
    there.obey()
}

fn ended(there: &There, code: u8) {
    there.tell(0, News::Ended(End::Exited(code)));
}

fn standing(there: &There, status: ScriptStatus) {
    there.say(&Report::Statuses(vec![(0, status)]));
    there.tell(0, News::Ready);
}

fn crashed(there: &There, why: String) {
    there.tell(0, News::Crashed { why, restart_in: Duration::MAX });
}

fn ends_and_goes_on(mut there: There) {
    ended(&there, 3);
    standing(&there, status(Phase::Ended(End::Exited(3))));
    let account = there.account();
    there.print(0, "more");
    on_account(account, async |client| while client.wait().await.is_ok() {});
    there.only_answer()
}

fn ends_otherwise(mut there: There) {
    ended(&there, 3);
    drop(there.account());
    standing(&there, status(Phase::Ended(End::Exited(4))));
    there.only_answer()
}

fn counts_beyond(there: There) {
    let usage = runtime::Usage { events: u64::MAX, cpu_us: u64::MAX, ..runtime::Usage::default() };
    standing(&there, ScriptStatus { crashes: u64::MAX, events_lost: u64::MAX, usage, ..status(Phase::Running) });
    exit(1)
}

fn uses_up_ids(mut there: There) {
    let account = there.account();
    on_account(account, async |client| drop(client.commit(0, &[call(u64::MAX, 1)]).await));
    exit(1)
}

fn waits_for_unsaid(mut there: There) {
    write(&there.account(), &[5, 0, 0, 0, 1, 4, 0, 0, 100].repeat(10_000));
    exit(1)
}

fn leaves_a_process(_: There) {
    drop(Command::new("sleep").arg("3").spawn());
    exit(1)
}

/// As many statuses as fit into a frame: in memory they take ten times as much.
fn long_list(there: There) {
    let two = broker::frame(&Report::Statuses(vec![(0, status(Phase::Running)); 2]), REPORT_BYTES_MAX).expect("short");
    let (head, each) = (6, (two.len() - 6) / 2);
    // Four bytes of a number, seven bits each, the lowest first.
    let count = (REPORT_BYTES_MAX - 5) / each;
    let number = [count | 128, count >> 7 | 128, count >> 14 | 128, count >> 21].map(|part| part as u8);
    let mut body = [&two[4..head - 1], &number].concat();
    body.extend(two[head..head + each].repeat(count));
    there.say_bytes(&(body.len() as u32).to_le_bytes());
    there.say_bytes(&body);
    there.only_answer()
}

fn call(id: u64, text_bytes: usize) -> NewCall {
    let text = "x".repeat(text_bytes);
    NewCall { id, call: Call::SendMessage { to: PeerId::user(1), text, reply_to: None, preview: None } }
}

fn ask_bytes(mut there: There, bytes: &[u8]) {
    let account = there.account();
    write(&account, bytes);
    there.tell(0, News::Ready);
    there.obey()
}

/// Its account's side takes no more than it can: the rest is left unsaid.
fn write(mut account: &UnixStream, bytes: &[u8]) {
    account.set_write_timeout(Some(Duration::from_millis(300))).expect("a socket");
    let _ = account.write_all(bytes);
}

fn asks(mut there: There, ask: impl AsyncFnOnce(&mut broker::Client)) {
    let account = there.account();
    let held = account.try_clone().expect("a socket");
    on_account(account, ask);
    there.tell(0, News::Ready);
    let _ = held.shutdown(Shutdown::Read);
    there.obey()
}
