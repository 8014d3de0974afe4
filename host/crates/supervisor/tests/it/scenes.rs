//! Starting, stopping and replacing scripts whose workers are in the middle of something.

use std::pin::Pin;
use std::sync::mpsc;

use runtime::{End, News, Phase};
use supervisor::New;

use crate::here::{Actor, Stage, component};
use crate::there::{PLAY_AT_ONCE, PLAY_HONEST, TAKES_NOTHING};

type Outcome<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + 'a>>;

pub(crate) const ROWS: &[(&str, fn(&Stage) -> Outcome<'_>)] = &[
    ("a script that exits ends its worker", |stage| Box::pin(exits(stage))),
    ("a worker that never begins is given up", |stage| Box::pin(never_begins(stage, "exits at once"))),
    ("a worker that ends while it is set up is given up", |stage| Box::pin(never_begins(stage, "exits in the middle"))),
    ("a worker that takes nothing is given up", |stage| Box::pin(takes_nothing(stage))),
    ("stop while a program is compiled", |stage| Box::pin(stopped_while_compiled(stage))),
    ("stop while a lost worker is waited for", |stage| Box::pin(stopped_while_backing_off(stage))),
    ("stop while it is set up", |stage| Box::pin(stopped_while_set_up(stage))),
    ("stop while it hangs", |stage| Box::pin(stopped_while_hung(stage))),
    ("scripts share a worker, and a late one has its own", |stage| Box::pin(shared(stage))),
    ("scripts that wait for one program share a worker", |stage| Box::pin(late_together(stage))),
    ("a script that is lost takes its worker's others along", |stage| Box::pin(lost_together(stage))),
    ("one that is replaced has its place taken", |stage| Box::pin(replaced(stage))),
    ("one that cannot be replaced goes on", |stage| Box::pin(not_replaced(stage))),
    ("whatever bytes a worker sends", |stage| Box::pin(any_bytes(stage))),
];

async fn exits(stage: &Stage) -> Result<(), String> {
    let actor = stage.start("ends well");
    match actor.ends().await? {
        End::Exited(3) => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

/// In a process that plays this.
async fn never_begins(stage: &Stage, play: &str) -> Result<(), String> {
    let supervisor = stage.supervisor(&[PLAY_AT_ONCE, play]);
    let actor = stage.start_in(&supervisor, "never begins", stage.program());
    match actor.ends().await? {
        End::Quarantined(why) if why.contains("its process ended") => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

async fn takes_nothing(stage: &Stage) -> Result<(), String> {
    let supervisor = stage.supervisor(&[PLAY_AT_ONCE, TAKES_NOTHING]);
    let actor = stage.start_in(&supervisor, TAKES_NOTHING, stage.program());
    actor.is_lost(1, "does not take what it is handed").await?;
    actor.stops().await
}

async fn stopped_while_compiled(stage: &Stage) -> Result<(), String> {
    let (go_on, held_up) = mpsc::sync_channel::<()>(0);
    let program = stage.supervisor.compile(component("is compiled"), held_up_by(held_up));
    let actor = stage.start_in(&stage.supervisor, "is compiled", program);
    let stopped = actor.stops().await;
    drop(go_on);
    stopped
}

/// Compiling waits until the other end is dropped.
fn held_up_by(end: mpsc::Receiver<()>) -> impl FnOnce() + Send + 'static {
    move || {
        let _ = tokio::task::block_in_place(|| end.recv());
    }
}

async fn stopped_while_backing_off(stage: &Stage) -> Result<(), String> {
    let actor = stage.start("exits and exits");
    stands(&actor, &Phase::BackingOff).await?;
    actor.stops().await
}

/// Its worker takes nothing.
async fn stopped_while_set_up(stage: &Stage) -> Result<(), String> {
    let supervisor = stage.supervisor(&[PLAY_AT_ONCE, TAKES_NOTHING]);
    let actor = stage.start_in(&supervisor, TAKES_NOTHING, stage.program());
    let heard = actor.heard.clone();
    actor.stops().await?;
    only_stopped(&heard)
}

async fn stopped_while_hung(stage: &Stage) -> Result<(), String> {
    let actor = stage.start("is there and hangs");
    actor.heard.line().await?;
    let heard = actor.heard.clone();
    actor.stops().await?;
    only_stopped(&heard)
}

/// Nobody who has stopped a script is told that it is started again.
fn only_stopped(heard: &crate::here::Heard) -> Result<(), String> {
    let words = heard.words.borrow();
    let is_told = words.news.iter().any(|news| matches!(news, News::Crashed { .. }));
    if is_told { Err(format!("{words:?}")) } else { Ok(()) }
}

/// Three scripts of one program, and one whose program comes later.
async fn start_some(stage: &Stage, names: [&str; 3]) -> Result<(Vec<Actor>, Vec<String>), String> {
    let (go_on, held_up) = mpsc::sync_channel::<()>(0);
    let late = stage.supervisor.compile(component(names[1]), held_up_by(held_up));
    let there = stage.supervisor.compile(component("usual"), || ());
    there.code().await?;
    let (plans, heard): (Vec<_>, Vec<_>) =
        names.into_iter().zip([there.clone(), late, there]).map(|(name, program)| stage.plan(name, program)).unzip();
    let scripts = stage.supervisor.start_scripts(&stage.account, plans);
    let actors: Vec<_> = scripts.into_iter().zip(heard).map(|(script, heard)| Actor { script, heard }).collect();
    let first = actors[0].heard.line().await?;
    let third = actors[2].heard.line().await?;
    drop(go_on);
    let second = actors[1].heard.line().await?;
    Ok((actors, vec![first, second, third]))
}

async fn shared(stage: &Stage) -> Result<(), String> {
    let (mut actors, processes) = start_some(stage, ["one", "two", "three"]).await?;
    if processes[0] != processes[2] || processes[0] == processes[1] {
        return Err(format!("{processes:?}"));
    }
    // The others go on where one is stopped.
    actors.remove(0).stops().await?;
    for actor in actors {
        actor.stops().await?;
    }
    Ok(())
}

async fn late_together(stage: &Stage) -> Result<(), String> {
    let (go_on, held_up) = mpsc::sync_channel::<()>(0);
    let late = stage.supervisor.compile(component("is late"), held_up_by(held_up));
    let plans = ["one", "two", "three"].map(|name| stage.plan(name, late.clone()));
    let (plans, heard): (Vec<_>, Vec<_>) = plans.into_iter().unzip();
    let scripts = stage.supervisor.start_scripts(&stage.account, plans);
    drop(go_on);
    let mut processes = std::collections::BTreeSet::new();
    for (script, heard) in scripts.into_iter().zip(heard) {
        let actor = Actor { script, heard };
        processes.insert(actor.heard.line().await?);
        actor.stops().await?;
    }
    if processes.len() == 1 { Ok(()) } else { Err(format!("{processes:?}")) }
}

async fn lost_together(stage: &Stage) -> Result<(), String> {
    let (actors, processes) = start_some(stage, ["a", "b", "c"]).await?;
    let id = processes[0].parse().ok().and_then(rustix::process::Pid::from_raw).ok_or("no process")?;
    rustix::process::kill_process(id, rustix::process::Signal::KILL).map_err(|error| error.to_string())?;
    actors[0].is_lost(1, "signal: 9").await?;
    actors[2].is_lost(1, "signal: 9").await?;
    for actor in &actors {
        let ready = if std::ptr::eq(actor, &actors[1]) { 1 } else { 2 };
        let is_ready = |news: &&News| **news == News::Ready;
        actor.heard.until("it is back", |words| words.news.iter().filter(is_ready).count() == ready).await?;
    }
    for actor in actors {
        actor.stops().await?;
    }
    Ok(())
}

/// The first one says that it has ended, and goes on: that it has is not told before its place is free.
async fn replaced(stage: &Stage) -> Result<(), String> {
    let name = "ends and goes on";
    let enrolled = stage.account.store().scripts().enrol(&[(std::path::Path::new("/script.py"), Some(name))]);
    enrolled.map_err(|error| error.to_string())?;
    let first = stage.start(name);
    let has_ended = |words: &crate::here::Words| words.news.iter().any(|news| matches!(news, News::Ended(_)));
    first.heard.until("it has ended", has_ended).await?;
    let mut status = first.script.status();
    let (plan, heard) = stage.plan(name, stage.program());
    let honest = stage.supervisor(&[PLAY_HONEST]);
    let (script, is_free) = tokio::join!(honest.replace(&stage.account, first.script, plan, New::Code), async {
        let _ = status.wait_for(|status| matches!(status.phase, Phase::Ended(_))).await;
        stage.scripts().iter().all(|script| script.name != name || !script.is_running)
    });
    let script = script.map_err(|(_, why)| why)?;
    heard.line().await?;
    Actor { script, heard }.stops().await?;
    if is_free { Ok(()) } else { Err("its end was told before its place was free".to_owned()) }
}

async fn not_replaced(stage: &Stage) -> Result<(), String> {
    let Actor { script, heard } = stage.start("stays");
    heard.line().await?;
    let (plan, _) = stage.plan("stays", supervisor::Compiling::failed("no such file".to_owned()));
    match stage.supervisor.replace(&stage.account, script, plan, New::Code).await {
        Err((script, why)) if why == "no such file" => Actor { script, heard }.stops().await,
        other => Err(format!("{other:?}")),
    }
}

/// Each from a worker of its own, by a series that is the same each time. A fuzzer that looks for ways into the code (cargo-fuzz)
/// needs a nightly compiler, which this project does not build with.
async fn any_bytes(stage: &Stage) -> Result<(), String> {
    for fifty in 0..3 {
        let some = (0..50).map(async |one| {
            let actor = stage.start(&format!("bytes {}", fifty * 50 + one));
            actor.heard.until("something came of it", |words| !words.news.is_empty()).await?;
            let stopped = actor.script.stop();
            tokio::time::timeout(std::time::Duration::from_secs(60), stopped).await.map_err(|_| "it does not stop")?;
            Ok::<_, String>(())
        });
        futures_util::future::try_join_all(some).await?;
    }
    Ok(())
}

async fn stands(actor: &Actor, phase: &Phase) -> Result<(), String> {
    let mut status = actor.script.status();
    let stands =
        tokio::time::timeout(std::time::Duration::from_secs(60), status.wait_for(|status| status.phase == *phase));
    stands.await.map(drop).map_err(|_| format!("not {phase:?}"))
}
