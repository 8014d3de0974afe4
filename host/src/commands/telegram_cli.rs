//! `tglhost telegram-cli`: telegram-cli's command line, as it stands in unit files and start scripts.
//!
//! Invariant: a flag is either done or said to have no meaning here; none is passed over in silence.
//!
//! Source: telegram-cli's own `--help`.

mod identity;
mod ignored;

use std::fs::File;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail};
use files::Mount;

use crate::commands::login::{Credentials, DcArgs};
use crate::commands::run;
use crate::commands::{FOLDERS_HEADING, SCRIPTS_HEADING};
use crate::log_file::LogFile;
use crate::misuse::{OrMisuse, misuse};
use crate::output::Output;
use crate::readiness::{self, READY};
use identity::Identity;
use ignored::Ignored;

/// Set for the process that the first one starts in the background or becomes as another user.
const HANDED_OVER: &str = "TGLHOST_HANDED_OVER";

/// The profile that telegram-cli takes when none is named; here it is an account's name.
const DEFAULT_PROFILE: &str = "default";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The Python script to run
    #[arg(short = 'Z', long, value_name = "SCRIPT")]
    python_script: Option<PathBuf>,
    /// The account to run it on, as named at `tglhost login` [default: default]
    #[arg(short, long, value_name = "NAME")]
    profile: Option<String>,
    /// Log in by this phone number, where nobody is logged in yet
    #[arg(short = 'u', long, value_name = "N", conflicts_with = "bot")]
    phone: Option<String>,
    /// Log in by a QR code, where nobody is logged in yet
    #[arg(long, conflicts_with_all = ["phone", "bot"])]
    qr: bool,
    /// Log in as the bot with this token, where nobody is logged in yet
    #[arg(short, long, value_name = "TOKEN", num_args = 0..=1)]
    bot: Option<Option<String>>,
    /// Send no link previews unless the script asks for one
    #[arg(long)]
    disable_link_preview: bool,
    /// Go on in the background
    #[arg(short, long)]
    daemonize: bool,
    /// Write to this file what would go to the terminal
    #[arg(short = 'L', long, value_name = "FILE")]
    logname: Option<PathBuf>,
    /// Run as this user
    #[arg(short = 'U', long, value_name = "USER")]
    username: Option<String>,
    /// Run as this group
    #[arg(short = 'G', long, value_name = "GROUP")]
    groupname: Option<String>,
    /// Say more in the host's own log; twice for all of it
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbosity: u8,
    /// How much the host's own log says, from 0 (errors) to 6 (all of it)
    #[arg(short, long, value_name = "LEVEL")]
    log_level: Option<u8>,
    #[command(flatten)]
    project: run::ProjectArgs,
    /// Gives the script one more folder, at GUEST; with `:rw` it may write to it. May be given several times
    #[arg(long = "dir", value_name = "HOST:GUEST[:rw]", help_heading = FOLDERS_HEADING)]
    folders: Vec<Mount>,
    /// How fast the script may send, as with `tglhost run`
    #[arg(long, value_name = "RATES", help_heading = SCRIPTS_HEADING)]
    brake: Option<run::Brake>,
    /// Where the script runs
    #[arg(long, value_name = "WHERE", default_value = "process", help_heading = SCRIPTS_HEADING)]
    isolation: crate::isolation::Where,
    #[command(flatten)]
    dc: DcArgs,
    #[command(flatten)]
    ignored: Ignored,
}

/// Where the work is done.
pub(crate) enum HandedOver {
    /// In another process, or it is done; with the code to end with.
    Ended(u8),
    /// In this one, which may have a log file.
    Here(Option<LogFile>),
}

impl Args {
    /// What the host's own log says: a level of `tracing`, if the flags name one.
    pub(crate) fn log_filter(&self) -> Option<&'static str> {
        match (self.log_level, self.verbosity) {
            (None, 0) => None,
            (Some(0), 0) => Some("error"),
            (Some(1), 0) => Some("warn"),
            (None | Some(0 | 1), 1) | (Some(2..=5), 0 | 1) => Some("info"),
            _ => Some("debug"),
        }
    }

    /// Goes on in another process where the flags ask for one: in the background, or as another user.
    pub(crate) fn hand_over(&self, output: &Output) -> Result<HandedOver> {
        let identity = Identity::find(self.username.as_deref(), self.groupname.as_deref()).or_misuse()?;
        let is_handed_over = std::env::var_os(HANDED_OVER).is_some();
        if !is_handed_over {
            self.ignored.tell(output);
            run::check_script(self.script()?)?;
        }
        if is_handed_over || (!self.daemonize && identity.is_none()) {
            return self.settle(identity.as_ref(), is_handed_over, output).map(HandedOver::Here);
        }
        let mut command = Command::new(std::env::current_exe().context("cannot find this program's own file")?);
        command.args(std::env::args_os().skip(1)).env(HANDED_OVER, "1");
        if let Some(identity) = &identity {
            identity.assume(&mut command);
        } else if let Some(path) = &self.logname {
            // Said while somebody sees it.
            LogFile::check(path).or_misuse()?;
        }
        if self.daemonize {
            return start_in_background(command, output).map(HandedOver::Ended);
        }
        output.finish();
        Err(command.exec()).context("cannot go on as asked for")
    }

    /// In the process that does the work: out of the terminal, and its output where it belongs. The log file is opened
    /// with the rights of the user that it runs as, so that no more is written to than that user may write to.
    fn settle(&self, identity: Option<&Identity>, is_handed_over: bool, output: &Output) -> Result<Option<LogFile>> {
        if identity.is_some_and(|identity| !identity.is_assumed()) {
            bail!("this process does not run as the user asked for (-U, -G), though {HANDED_OVER} is set: unset it");
        }
        output.finish();
        let log_file = self.logname.as_deref().map(LogFile::redirect).transpose().or_misuse()?;
        if self.daemonize && is_handed_over {
            let nothing = File::options().read(true).write(true).open("/dev/null").context("cannot open /dev/null")?;
            readiness::tell_also(rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?, output);
            rustix::stdio::dup2_stdin(&nothing)?;
            if log_file.is_none() {
                rustix::stdio::dup2_stdout(&nothing).and_then(|()| rustix::stdio::dup2_stderr(&nothing))?;
            }
            rustix::process::setsid().context("cannot leave the terminal")?;
        }
        Ok(log_file)
    }

    /// The arguments of `tglhost run` that mean the same.
    pub(crate) fn into_run(self) -> Result<run::Args> {
        let script = self.script()?.to_owned();
        let Self { profile, phone, qr, bot, disable_link_preview, project, folders, brake, isolation, dc, .. } = self;
        Ok(run::Args::on_account(
            script,
            profile.unwrap_or_else(|| DEFAULT_PROFILE.to_owned()),
            dc,
            Credentials::of(phone, qr, bot.flatten()),
            project,
            folders,
            !disable_link_preview,
        )
        .braked(brake)
        .isolated(isolation))
    }

    fn script(&self) -> Result<&Path> {
        match &self.python_script {
            Some(script) => Ok(script),
            None if self.ignored.names_lua_script() => {
                Err(misuse("Lua scripts do not run here: name a Python script with -Z"))
            }
            None => Err(misuse("there is no script to run: name one with -Z SCRIPT")),
        }
    }
}

/// Starts the process that goes on in the background, and waits until it is ready. What it has to say until then is said
/// here, and why it failed if it did. Gives the code to end with.
fn start_in_background(mut command: Command, output: &Output) -> Result<u8> {
    let (mut notes, its_notes) = std::io::pipe().context("cannot start in the background")?;
    let mut child = command.stdin(its_notes).spawn().context("cannot start in the background")?;
    // Its end of the pipe is the child's alone.
    drop(command);
    let mut chunk = [0; 4096];
    loop {
        let count = notes.read(&mut chunk).context("cannot hear from the process in the background")?;
        let (said, rest) = chunk[..count].split_at(chunk[..count].iter().position(|&b| b == READY).unwrap_or(count));
        output.pass_on(&String::from_utf8_lossy(said));
        if !rest.is_empty() {
            output.note(&format!("goes on in the background as process {}", child.id()));
            return Ok(0);
        }
        if count == 0 {
            break;
        }
    }
    let status = child.wait().context("cannot hear from the process in the background")?;
    match status.code() {
        Some(0) => output.note("the process in the background has ended, and all is done"),
        _ => output.failed(&anyhow!("the process in the background has failed before it was ready ({status})")),
    }
    Ok(status.code().map_or(1, |code| code as u8))
}
