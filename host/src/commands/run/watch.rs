//! `tglhost run --watch`: a script whose files change is loaded anew, and goes on where it was.
//!
//! Invariant: whoever looks at a script that is watched sees one that has no end before it is told to end. What runs is what
//! was loaded last: a version that does not load changes nothing.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::FutureExt;
use futures_util::future::join_all;
use runtime::{End, Phase, Script, ScriptStatus, Wish};
use supervisor::{ScriptPlan, Supervisor};
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::place::{Place, Planned};
use super::project::{Projects, ScriptProject};
use crate::output::{Output, sentence};
use crate::script_file::{ScriptFile, compile, real_path};
use crate::sources::{FOLDERS_MAX, Sources};

/// So often files are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What is the same so often, one look after the other, is whole: an editor that writes is not waited for longer.
const SAME_LOOKS: u32 = 4;

/// What scripts are kept with.
#[derive(Clone, Copy)]
pub(super) struct Watch<'a> {
    pub(super) place: &'a Place,
    pub(super) supervisor: &'a Supervisor,
    pub(super) planned: Planned<'a>,
    pub(super) output: &'a Output,
}

/// A script's files, as they were before it was loaded.
pub(super) struct Watched {
    at: Arc<Places>,
    loaded: Sources,
    /// As they were at the last look, where that was not so, and at how many looks.
    changed: Option<(Sources, u32)>,
}

/// Where they lie.
#[derive(Clone)]
struct Places {
    /// As it was named: links in it may lead elsewhere later.
    named: PathBuf,
    /// Where that has led.
    script: PathBuf,
    project: ScriptProject,
    /// The command's other scripts.
    others: BTreeSet<PathBuf>,
}

impl Watched {
    /// Those of these scripts, in their order, by what they were named by.
    pub(super) fn all(
        named: &[PathBuf],
        files: &[ScriptFile],
        projects: &[ScriptProject],
        output: &Output,
    ) -> Vec<Self> {
        let watched = |((named, file), project): ((&PathBuf, &ScriptFile), &ScriptProject)| {
            let others = files.iter().map(|file| file.path.clone()).filter(|path| *path != file.path).collect();
            let at = Places { named: named.clone(), script: file.path.clone(), project: project.clone(), others };
            let loaded = at.look().unwrap_or_default();
            if loaded.are_cut() {
                output.note(&format!(
                    "{} lies in a large folder, of which {FOLDERS_MAX} folders are watched: a change in others is not seen. \
                     Name a smaller one with --project DIR.",
                    file.path.display()
                ));
            }
            // What has changed since it was read is loaded at once.
            let is_read = ScriptFile::read(named).is_ok_and(|now| now == *file);
            let loaded = if is_read { loaded } else { Sources::default() };
            Self { at: Arc::new(at), loaded, changed: None }
        };
        named.iter().zip(files).zip(projects).map(watched).collect()
    }

    /// Whether they have changed since the script was loaded, and do so no more. One that is not there for a moment comes back.
    async fn have_changed(&mut self) -> bool {
        let at = Arc::clone(&self.at);
        // Some disks take their time. What was not looked at has not changed.
        let now = tokio::task::spawn_blocking(move || at.look()).await.unwrap_or_default();
        let Some(now) = now.filter(|now| *now != self.loaded) else {
            self.changed = None;
            return false;
        };
        let looks = self.changed.take().filter(|(before, _)| *before == now).map_or(0, |(_, looks)| looks) + 1;
        if looks < SAME_LOOKS {
            self.changed = Some((now, looks));
            return false;
        }
        (self.loaded, self.changed) = (now, None);
        true
    }
}

impl Places {
    /// As they are now, if the script is there.
    fn look(&self) -> Option<Sources> {
        let script = real_path(&self.named).ok()?;
        Some(Sources::of_script(&script, self.project.modules(), &self.others))
    }
}

/// Keeps scripts at the newest version of their files that can be loaded: gives what stands for them, and what has to be
/// waited for beside all else.
pub(super) fn keep<'a>(
    watch: Watch<'a>,
    scripts: Vec<Script>,
    watched: Vec<Watched>,
) -> (Vec<Script>, impl Future<Output = Infallible> + use<'a>) {
    let kept = scripts.into_iter().zip(watched).enumerate().map(|(number, (script, watched))| {
        let (kept, status, wish) = Script::elsewhere(false);
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        (kept, Keeper { watch, number, watched, looks, status, wish }.keep(script))
    });
    let (scripts, keepers): (Vec<_>, Vec<_>) = kept.unzip();
    (scripts, join_all(keepers).then(|_| std::future::pending()))
}

/// Keeps one of them.
struct Keeper<'a> {
    watch: Watch<'a>,
    number: usize,
    watched: Watched,
    looks: Interval,
    status: watch::Sender<ScriptStatus>,
    wish: watch::Receiver<Wish>,
}

impl Keeper<'_> {
    async fn keep(mut self, mut script: Script) {
        let mut status = script.status();
        let mut is_over = false;
        loop {
            let now = status.borrow_and_update().clone();
            let is_over_now = matches!(now.phase, Phase::Ended(_));
            if is_over_now && !is_over {
                let name = self.watch.place.name(self.number);
                self.watch
                    .output
                    .note(&format!("{name} is started again once its files change; Ctrl-C ends the command."));
            }
            is_over = is_over_now;
            self.status.send_replace(shown(now));
            tokio::select! {
                // Nobody is left who could say so: as good as said.
                () = self.wish.wait_for(|wish| *wish == Wish::Stop).map(drop) => {
                    let end = script.stop().await;
                    self.status.send_modify(|status| status.phase = Phase::Ended(end));
                    return;
                }
                Ok(()) = status.changed() => {}
                _ = self.looks.tick() => {
                    if self.watched.have_changed().await {
                        let (mut wish, plan) = (self.wish.clone(), self.plan());
                        script = tokio::select! {
                            renewed = self.renewed(script, plan, is_over) => renewed,
                            // What is being loaded is dropped, and the script with it: it has its place in the inbox.
                            _ = wish.wait_for(|wish| *wish == Wish::Stop) => {
                                self.status.send_modify(|status| status.phase = Phase::Ended(End::Stopped));
                                return;
                            }
                        };
                        status = script.status();
                    }
                }
            }
        }
    }

    /// The script by its files as they are now, or as it was where that cannot be loaded, which is said.
    async fn renewed(&self, script: Script, plan: Result<ScriptPlan>, is_over: bool) -> Script {
        let Watch { place, supervisor, output, .. } = self.watch;
        let name = place.name(self.number);
        let plan = match plan {
            Ok(plan) => plan,
            Err(error) => {
                output.note(&format!("{name} stays as it was, as its new version cannot be run: {}", sentence(&error)));
                return script;
            }
        };
        if is_over {
            let started = place.start_scripts(supervisor, vec![plan]).pop();
            return started.unwrap_or(script);
        }
        match place.replace(supervisor, script, plan).await {
            Ok(successor) => {
                output.note(&format!("{name} was loaded anew."));
                successor
            }
            // Its log has said why.
            Err((script, _)) => script,
        }
    }

    /// What the files are now, and where: a script that has moved has another project.
    fn plan(&mut self) -> Result<ScriptPlan> {
        let Watch { place, supervisor, planned, output } = self.watch;
        let Watched { at, loaded, .. } = &mut self.watched;
        let script = real_path(&at.named)?;
        if script != at.script {
            let private = planned.data_dir.own_folders();
            let project = Projects::new(&planned.args.project, &private).find(&script)?;
            *at = Arc::new(Places { script, project, ..Places::clone(at) });
            *loaded = at.look().unwrap_or_default();
        }
        let file = ScriptFile::read(&at.named)?;
        if let Some(unfit) = file.unfit() {
            return Err(unfit);
        }
        let program =
            compile(std::slice::from_ref(&file), supervisor, output)?.pop().context("one file is one program")?;
        place.plan(self.number, &file, &self.watched.at.project, program, planned, output)
    }
}

/// How a script stands for those who look at it: one that is over waits for its files.
fn shown(status: ScriptStatus) -> ScriptStatus {
    match status.phase {
        Phase::Ended(_) => ScriptStatus { phase: Phase::Sleeping, handled_seq: u64::MAX, ..status },
        _ => status,
    }
}
