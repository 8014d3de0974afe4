//! The `tglhost` command. Each verb is one file in `commands/`; what they share lies beside this one.
//!
//! Invariant: stdout carries only what was asked for (a script's prints, chat answers, JSON); everything else is stderr.

mod api;
mod commands;
mod data_dir;
mod held;
mod isolation;
mod log_file;
mod logging;
mod misuse;
mod open_files;
mod output;
mod proxy;
mod python_component;
mod readiness;
mod script_file;
mod settings;
mod signals;
mod sources;
mod terminal_chat;
mod time_zone;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

use crate::commands::serve::HostArgs;
use crate::commands::telegram_cli::HandedOver;
use crate::commands::{
    accounts, ask, backup, compile_worker, dc, doctor, forget, login, manual, run, scripts, serve, telegram_cli, worker,
};
use crate::data_dir::DataDir;
use crate::log_file::LogFile;
use crate::misuse::is_misuse;
use crate::output::{Line, Output};

/// The code of a command that failed.
const FAILED_CODE: u8 = 1;
/// The code of a command line that is wrong. It is clap's, too.
const MISUSED_CODE: u8 = 2;

/// What `--help` says at its end, of this command and of those that run scripts.
const ENVIRONMENT_AND_EXIT_CODES: &str = "\
Environment:
  TGLHOST_DATA     As --data
  TGLHOST_API_ID, TGLHOST_API_HASH
                   How Telegram knows the program: https://my.telegram.org/apps
  TGLHOST_CODE, TGLHOST_PASSWORD, TGLHOST_BOT_TOKEN
                   What to log in with, unseen by other users
  TGLHOST_CACHE_MIB_MAX
                   What the cache of compiled programs may have, in MiB
                   [default: 1024]
  ALL_PROXY, NO_PROXY
                   As --proxy, and what is reached without it
  TGLHOST_LOG      The host's own log: error, warn, info, debug or trace, or
                   by part: error,telegram=debug [default: error]
  NOTIFY_SOCKET, WATCHDOG_USEC
                   Where a service manager is told of readiness, and how often
                   that a host is at work (sd_notify)
                   A variable that is empty is as good as none

Signals:
  SIGTERM          Ends in order, with code 0
  SIGINT (Ctrl-C)  Ends in order, with code 130
  SIGHUP, SIGUSR1  Opens the log file (telegram-cli -L) anew; SIGHUP has a host
                   (serve) read its files again

Exit codes:
  0                Done, or ended by SIGTERM
  1                Failed, and said why; or a script could not be loaded, or
                   was given up; or stdout could not be written
  2                The command line is wrong, or names what is not there
  130              Ended by Ctrl-C
  141              Nobody reads stdout any more, as after `| head`
  any other        A script's own, as of sys.exit(5): the first script's that
                   did not end with 0";

/// Runs telegram-cli Python scripts, and new ones in any language, as isolated WebAssembly guests.
#[derive(Parser)]
#[command(name = "tglhost", version, about, propagate_version = true, after_help = ENVIRONMENT_AND_EXIT_CODES)]
#[command(max_term_width = 100, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// Where accounts, sessions and scripts' own files are kept [env: TGLHOST_DATA] [default: the platform's data directory]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Everywhere")]
    data: Option<PathBuf>,

    /// Print one JSON object per line, as docs/json.schema.json describes them
    #[arg(long, global = true, help_heading = "Everywhere")]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Run scripts; without an account, in an embedded data centre with a chat in this terminal
    #[command(after_help = ENVIRONMENT_AND_EXIT_CODES)]
    Run(run::Args),
    /// Run the scripts of many tenants on many accounts, as the files in a folder say
    #[command(after_help = ENVIRONMENT_AND_EXIT_CODES)]
    Serve(serve::Args),
    /// Say what is wrong with the files of a host, without running anything
    Check(HostArgs),
    #[command(flatten)]
    Ask(ask::Verb),
    /// Say what is wrong on this machine, why that matters and what to do
    Doctor(doctor::Args),
    /// Write all that a host is into one file, also while it is at work
    Backup(backup::BackupArgs),
    /// Make a host's folder from a backup
    Restore(backup::RestoreArgs),
    /// Run the embedded data centre alone
    Dc(dc::Args),
    /// Log an account in
    Login(login::Args),
    /// List the accounts that are logged in
    Accounts,
    /// List the scripts that were run, and what waits for each
    Scripts,
    /// Forget what is kept for a script: what waits for it, and its folder /home
    Forget(forget::Args),
    /// Run a script by telegram-cli's own command line
    #[command(name = "telegram-cli", disable_version_flag = true, after_help = ENVIRONMENT_AND_EXIT_CODES)]
    TelegramCli(Box<telegram_cli::Args>),
    /// Print what a shell reads to complete command lines of tglhost
    Completions(manual::CompletionsArgs),
    /// Write the man pages, as packages of tglhost have them
    #[command(hide = true)]
    ManPages(manual::ManPagesArgs),
    /// Print this, or the help of a command
    Help {
        /// Which one
        command: Option<String>,
    },
}

fn main() -> ExitCode {
    // Nobody but the host itself calls these: no help and no advice names them.
    match std::env::args_os().nth(1) {
        Some(verb) if verb == compile_worker::COMPILE_WORKER => return compile_worker::execute(),
        Some(verb) if verb == worker::WORKER => return worker::execute(),
        _ => {}
    }
    let cli = match Cli::try_parse().and_then(help_asked_for) {
        Ok(cli) => cli,
        Err(error) => return not_a_command(&error),
    };
    with_output(cli.json, |output| {
        logging::start(cli.command.log_filter(), output);
        begin(cli.command, cli.data.or_else(data_of_environment), output).unwrap_or_else(|error| {
            output.failed(&error);
            if is_misuse(&error) { MISUSED_CODE } else { FAILED_CODE }
        })
    })
}

/// What TGLHOST_DATA names, if it is not empty.
fn data_of_environment() -> Option<PathBuf> {
    std::env::var_os("TGLHOST_DATA").filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// `help VERB` is `VERB --help`.
fn help_asked_for(cli: Cli) -> Result<Cli, clap::Error> {
    let Command::Help { command } = &cli.command else { return Ok(cli) };
    Cli::try_parse_from(["tglhost"].into_iter().chain(command.as_deref()).chain(["--help"]))
}

/// Does the work, and then has all that was said written.
fn with_output(json: bool, work: impl FnOnce(&Output) -> u8) -> ExitCode {
    let output = match Output::new(json) {
        Ok(output) => output,
        Err(error) => {
            eprintln!("tglhost: cannot start: {error}");
            return ExitCode::from(FAILED_CODE);
        }
    };
    let code = work(&output);
    ExitCode::from(output.end(code))
}

/// A command line that asks for help or for the version, or that is wrong.
fn not_a_command(error: &clap::Error) -> ExitCode {
    let asks_for_json =
        |argument: OsString| argument == "--json" || argument.as_encoded_bytes().starts_with(b"--json=");
    let is_json = std::env::args_os().take_while(|argument| argument != "--").any(asks_for_json);
    if !is_json {
        return ExitCode::from(output::print(error));
    }
    with_output(true, |output| {
        let text = error.render().to_string();
        match error.kind() {
            ErrorKind::DisplayVersion => {
                output.json(&Line::Version { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") });
            }
            ErrorKind::DisplayHelp => output.json(&Line::Help { text: text.trim_end() }),
            _ => output.json(&Line::Error { text: text.trim_end() }),
        }
        error.exit_code() as u8
    })
}

impl Command {
    /// Whether it is about what is kept already, so that nothing is made for it.
    fn only_looks(&self) -> bool {
        matches!(self, Command::Accounts | Command::Scripts | Command::Forget(_))
    }

    /// What the host's own log says, where the command line names it.
    fn log_filter(&self) -> Option<&'static str> {
        match self {
            Command::TelegramCli(args) => args.log_filter(),
            _ => None,
        }
    }
}

/// Does the work here, unless another process is to.
fn begin(command: Command, data: Option<PathBuf>, output: &Output) -> anyhow::Result<u8> {
    match command {
        Command::TelegramCli(args) => match args.hand_over(output)? {
            HandedOver::Ended(code) => Ok(code),
            HandedOver::Here(log_file) => execute(Command::Run(args.into_run()?), data, log_file, output),
        },
        Command::Serve(args) => {
            let data = args.data(data)?;
            execute(Command::Serve(args), Some(data), None, output)
        }
        Command::Completions(args) => Ok(manual::completions(&args, Cli::command(), output)),
        Command::ManPages(args) => manual::man_pages(&args, Cli::command()),
        Command::Doctor(args) => doctor::execute(&args, data, output),
        Command::Backup(args) => backup::backup(&args, data, output),
        Command::Restore(args) => backup::restore(&args, output),
        Command::Check(host) => serve::check(&host, data, output),
        Command::Ask(verb) => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(verb.execute(data, output))
        }
        command => execute(command, data, None, output),
    }
}

/// Threads that the host's own work is done by: network, disk and output. Guests have others.
const HOST_THREADS: usize = 2;

/// Runs one verb. A thread that waits for terminal input cannot be woken, so the runtime is left without waiting for it. The
/// verb is one of the runtime's tasks: on this thread, every event that it looks at would be a change of threads.
fn execute(command: Command, data: Option<PathBuf>, log_file: Option<LogFile>, output: &Output) -> anyhow::Result<u8> {
    let data_dir = if command.only_looks() { DataDir::existing(data) } else { DataDir::open(data) }?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(HOST_THREADS).enable_all().build()?;
    let output = output.clone();
    let work = async move {
        match command {
            Command::Run(args) => {
                signals::heed_others(log_file, &output)?;
                run::execute(args, &data_dir, &output).await
            }
            Command::Dc(args) => {
                signals::heed_others(log_file, &output)?;
                dc::execute(args, &data_dir, &output).await
            }
            Command::Login(args) => login::execute(args, &data_dir, &output).await,
            Command::Accounts => accounts::execute(&data_dir, &output),
            Command::Scripts => scripts::execute(&data_dir, &output),
            Command::Forget(args) => forget::execute(&args, &data_dir, &output),
            Command::Serve(args) => serve::execute(args, &data_dir, &output).await,
            Command::TelegramCli(_)
            | Command::Help { .. }
            | Command::Completions(_)
            | Command::Doctor(_)
            | Command::Backup(_)
            | Command::Restore(_)
            | Command::ManPages(_)
            | Command::Check(_)
            | Command::Ask(_) => unreachable!("it was done before"),
        }
    };
    let outcome = runtime.block_on(runtime.spawn(work));
    runtime.shutdown_background();
    outcome?
}
