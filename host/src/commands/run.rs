//! `tglhost run`: runs scripts on one account. Without an account they run on one of the embedded data centre's, and
//! this terminal is the chat with them.
//!
//! Invariant: scripts are read and checked before anything else is started, so a typing error costs nobody anything.

mod brake;
mod embedded;
mod grants;
mod limit;
mod place;
mod project;
mod watch;

use std::collections::HashSet;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use anyhow::{Context, Result, bail};
use broker::SendRates;
use files::{FileSpace, Folders, Mount};
use futures_util::FutureExt;
use futures_util::future::{join_all, pending};
use runtime::{End, Phase, Script, ScriptStatus};
use supervisor::Compiling;
use tgl::Limits;

use crate::commands::login::{Credentials, DcArgs};
use crate::commands::{ACCOUNT_HEADING, FOLDERS_HEADING, SCRIPTS_HEADING};
use crate::data_dir::DataDir;
use crate::isolation::{Where, start_supervisor};
use crate::misuse::OrMisuse;
use crate::output::{self, NOBODY_READS_CODE, Output};
use crate::script_file::{ScriptFile, compile};
use crate::signals::asked_to_end;
use crate::{open_files, readiness};
pub(crate) use brake::Brake;
use grants::GrantArgs;
use limit::GivenLimit;
use place::{Place, Planned};
pub(crate) use project::{ProjectArgs, own_folder_in};
use project::{Projects, ScriptProject};
use watch::{Watch, Watched};

/// Longest name that a script may be given, in bytes.
const SCRIPT_NAME_BYTES_MAX: usize = 64;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Python scripts, or WebAssembly components
    #[arg(required = true, value_name = "SCRIPT")]
    scripts: Vec<PathBuf>,
    /// The account to run them on, as named at login
    #[arg(long, value_name = "NAME", help_heading = ACCOUNT_HEADING)]
    account: Option<String>,
    #[command(flatten)]
    dc: DcArgs,
    #[command(flatten)]
    credentials: Credentials,
    /// What a script is called, instead of going by its file's place; once for each script, in their order
    #[arg(long = "name", value_name = "NAME", value_parser = script_name, help_heading = SCRIPTS_HEADING)]
    names: Vec<String>,
    /// Whether scripts get what they have missed since their last run, or begin now [default: last; in the chat: now]
    #[arg(long, value_name = "WHEN", help_heading = SCRIPTS_HEADING)]
    from: Option<Begin>,
    #[command(flatten)]
    grants: GrantArgs,
    /// How much each script may use, as memory_bytes_max=128MiB; docs/LIMITS.md has all. May be given several times
    #[arg(long = "limit", value_name = "NAME=N", help_heading = SCRIPTS_HEADING)]
    limits: Vec<GivenLimit>,
    #[command(flatten)]
    project: ProjectArgs,
    /// How fast each script may send: on, off, or sends a second in a chat, a minute in a group, a second in all [default: on
    /// at Telegram, which is 1,20,30; off elsewhere]
    #[arg(long, value_name = "RATES", help_heading = SCRIPTS_HEADING)]
    brake: Option<Brake>,
    /// Loads a script anew when its file, or a Python module in its project folder, changes. It goes on where it was; a version
    /// that does not load leaves the one before at work. A script that has ended is started again by a change
    #[arg(long, help_heading = SCRIPTS_HEADING)]
    watch: bool,
    /// Where the scripts run
    #[arg(long, value_name = "WHERE", default_value = "process", help_heading = SCRIPTS_HEADING)]
    isolation: Where,
    /// Gives the scripts one more folder, at GUEST; with `:rw` they may write to it. May be given several times
    #[arg(long = "dir", value_name = "HOST:GUEST[:rw]", help_heading = FOLDERS_HEADING)]
    folders: Vec<Mount>,
    /// Arguments for the scripts
    #[arg(last = true, value_name = "ARGS")]
    args: Vec<String>,
    /// Whether messages that do not say get the preview of a link that Telegram would give them.
    #[arg(skip = true)]
    link_previews: bool,
}

/// Where scripts begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Begin {
    /// With what comes from now on
    Now,
    /// With what has come since the last run; a new script with what its account has missed since it was last connected
    Last,
}

impl Args {
    /// One script on one account, which is logged in with these credentials if it is not yet.
    pub(crate) fn on_account(
        script: PathBuf,
        account: String,
        dc: DcArgs,
        credentials: Credentials,
        project: ProjectArgs,
        folders: Vec<Mount>,
        link_previews: bool,
    ) -> Self {
        Self {
            scripts: vec![script],
            account: Some(account),
            names: Vec::new(),
            from: None,
            grants: GrantArgs::default(),
            limits: Vec::new(),
            brake: None,
            watch: false,
            isolation: Where::default(),
            project,
            folders,
            dc,
            credentials,
            args: Vec::new(),
            link_previews,
        }
    }

    /// How much each script may use.
    fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        if let Some(Brake::On(SendRates { chat_per_s, group_per_min, all_per_s, .. })) = self.brake {
            (limits.chat_sends_per_s, limits.group_sends_per_min, limits.sends_per_s) =
                (chat_per_s, group_per_min, all_per_s);
        }
        self.limits.iter().for_each(|given| given.apply(&mut limits));
        limits
    }

    /// The same, with this brake on the scripts' sends.
    pub(crate) fn braked(self, brake: Option<Brake>) -> Self {
        Self { brake, ..self }
    }

    /// The same, with the scripts running there.
    pub(crate) fn isolated(self, isolation: Where) -> Self {
        Self { isolation, ..self }
    }
}

/// A name that a script may be given: it names a folder and stands in lines.
fn script_name(name: &str) -> Result<String, String> {
    let is_good = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | ' ');
    let begins_well = name.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    if name.len() > SCRIPT_NAME_BYTES_MAX || !begins_well || name.ends_with(' ') || !name.chars().all(is_good) {
        return Err(format!(
            "use up to {SCRIPT_NAME_BYTES_MAX} bytes of letters, digits, blanks and ._-, the first one a letter, a digit or _"
        ));
    }
    Ok(name.to_owned())
}

/// Each script has to be one of its own: by the names that were given, else by its file.
fn check_identities(files: &[ScriptFile], names: &[String]) -> Result<()> {
    if names.is_empty() {
        let mut paths = HashSet::new();
        if let Some(twice) = files.iter().find(|file| !paths.insert(&file.path)) {
            bail!("{} is given twice: give each a name of its own with --name", twice.path.display());
        }
        return Ok(());
    }
    if names.len() != files.len() {
        bail!(
            "{} scripts and {} names are given: give --name once for each script, in their order",
            files.len(),
            names.len()
        );
    }
    let mut known = HashSet::new();
    match names.iter().find(|name| !known.insert(name.to_lowercase())) {
        Some(twice) => bail!("two scripts are called {twice}: each needs a name of its own"),
        None => Ok(()),
    }
}

/// Says what is wrong with a script, as far as its file tells.
pub(crate) fn check_script(path: &Path) -> Result<()> {
    ScriptFile::read(path)?.unfit().map_or(Ok(()), Err)
}

/// Runs the scripts until they end, the chat is over, or Ctrl-C.
pub(crate) async fn execute(args: Args, data_dir: &DataDir, output: &Output) -> Result<u8> {
    open_files::allow()?;
    // What takes long goes on at once, on threads of its own: the engine starts while files are read, programs are loaded while
    // accounts connect.
    let (isolation, scripts, says) = (args.isolation, args.scripts.len(), output.clone());
    let supervisor = tokio::task::spawn_blocking(move || start_supervisor(isolation, scripts, &says));
    let files = args.scripts.iter().map(|path| ScriptFile::read(path)).collect::<Result<Vec<_>>>()?;
    check_identities(&files, &args.names).or_misuse()?;
    args.grants.grants().or_misuse()?;
    // One that cannot be run keeps no other from running.
    if let Some(unfit) =
        files.iter().map(ScriptFile::unfit).collect::<Option<Vec<_>>>().and_then(|all| all.into_iter().next())
    {
        return Err(unfit);
    }
    let private = data_dir.own_folders();
    let projects = Projects::new(&args.project, &private).find_all(files.iter().map(|file| &*file.path)).or_misuse()?;
    projects.iter().filter_map(|project| project.note.as_ref()).for_each(|note| output.note(note));
    tell_open_ways(&args, &private, output);
    tell_not_given(&files, &args.folders, output);
    // Folders that clash are said now, not after the login.
    FileSpace::of(Folders { mounts: args.folders.clone(), private, ..Folders::default() }).or_misuse()?;
    let programs = async {
        let supervisor = supervisor.await.context("the supervisor's start was broken off")??;
        let programs = compile(&files, &supervisor, output)?;
        Ok((supervisor, programs))
    };
    let ((supervisor, programs), place) = tokio::try_join!(programs, Place::open(&args, &files, data_dir, output))?;
    // Before the first script runs: from then on there is something to end in order.
    let asked_to_end = asked_to_end(output)?;
    tokio::pin!(asked_to_end);
    let asked_early = tokio::select! {
        ready = place.until_scripts_may_begin(output) => ready.map(|()| None),
        code = &mut asked_to_end => Ok(Some(code)),
    };
    if !matches!(asked_early, Ok(None)) {
        place.close().await;
        return asked_early.map(Option::unwrap_or_default);
    }
    let watch = Watch { place: &place, supervisor: &supervisor, planned: Planned { args: &args, data_dir }, output };
    let outcome = at_work(watch, &files, &projects, programs, asked_to_end.as_mut()).await;
    place.close().await;
    outcome
}

/// Starts the scripts, waits for what ends the command, and stops them.
async fn at_work(
    watch: Watch<'_>,
    files: &[ScriptFile],
    projects: &[ScriptProject],
    programs: Vec<Compiling>,
    asked_to_end: Pin<&mut impl Future<Output = u8>>,
) -> Result<u8> {
    let Watch { place, supervisor, planned, output } = watch;
    let plans = place.plans(files, projects, programs, planned, output)?;
    // As the files are before they are loaded.
    let watched = planned.args.watch.then(|| Watched::all(&planned.args.scripts, files, projects, output));
    let scripts = place.start_scripts(supervisor, plans);
    let (scripts, watching) = match watched {
        Some(watched) => {
            let (scripts, watching) = watch::keep(watch, scripts, watched);
            (scripts, watching.left_future())
        }
        None => (scripts, pending().right_future()),
    };
    tokio::pin!(watching);
    let outcome = tokio::select! {
        ends = place.until_the_end(&scripts, output) => ends.map(|ends| exit_code(&ends)),
        code = asked_to_end => Ok(code),
        () = output.until_nobody_reads() => Ok(NOBODY_READS_CODE),
        never = tell_when_ready(&scripts, output) => match never {},
        never = &mut watching => match never {},
    };
    // All at once: each may take as long as its callback does.
    tokio::select! {
        _ = join_all(scripts.into_iter().map(Script::stop)) => {}
        never = watching => match never {},
    }
    outcome
}

/// Says what scripts ask for by name, as on a host of many tenants, and are not given here.
fn tell_not_given(files: &[ScriptFile], folders: &[Mount], output: &Output) {
    for ScriptFile { name, path, .. } in files {
        let asked = config::asked_in(path).unwrap_or_default().names;
        let values: Vec<_> = asked.secrets().chain(asked.env()).collect();
        if !values.is_empty() {
            output.note(&format!(
                "{name} asks for {} by name, and has to do without: `tglhost run` gives no environment values and no secrets, \
                 `tglhost serve` does.",
                values.join(", ")
            ));
        }
        let is_given = |name: &str| folders.iter().any(|mount| mount.guest.strip_prefix('/') == Some(name));
        for folder in asked.folders().filter(|folder| !is_given(folder)) {
            output.note(&format!(
                "{name} asks for the folder {folder:?}: give it with --dir HOST:/{folder}, or it has to do without."
            ));
        }
    }
}

/// Says where a folder is given that the scripts' process could see more of than the scripts do.
fn tell_open_ways(args: &Args, private: &[PathBuf], output: &Output) {
    let given = args.folders.iter().filter(|_| args.isolation == Where::Process);
    for (mount, own) in given.filter_map(|mount| Some((mount, own_folder_in(&mount.host, private)?))) {
        output.note(&format!(
            "No script sees tglhost's own folder {} in {}, but one that got out of its sandbox could: give a folder that \
             does not hold it.",
            own.display(),
            mount.host.display()
        ));
    }
}

/// Tells whoever started this process that each script has come through its start, or has ended while another goes on.
async fn tell_when_ready(scripts: &[Script], output: &Output) -> Infallible {
    let mut is_any_running = false;
    for script in scripts {
        let mut status = script.status();
        let is_decided = |status: &ScriptStatus| matches!(status.phase, Phase::Running | Phase::Ended(_));
        is_any_running |= status.wait_for(is_decided).await.is_ok_and(|status| status.phase == Phase::Running);
    }
    if is_any_running {
        readiness::tell(output).await;
    }
    std::future::pending().await
}

/// The code that the process ends with: the first script's that did not end well, else 0.
fn exit_code(ends: &[Option<End>]) -> u8 {
    let codes = ends.iter().flatten().map(output::exit_code);
    codes.into_iter().find(|&code| code != 0).unwrap_or(0)
}
