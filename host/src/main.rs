//! The `tglhost` command. Each verb is one file in `commands/`; what they share lies beside this one.
//!
//! Invariant: stdout carries only what was asked for (a script's prints, chat answers, JSON); everything else is stderr.

mod commands;
mod data_dir;
mod output;
mod proxy;
mod python_component;
mod settings;
mod terminal_chat;
mod time_zone;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::commands::{accounts, compile_worker, dc, forget, login, run, scripts, telegram_cli};

/// Runs telegram-cli Python scripts, and new ones in any language, as isolated WebAssembly guests.
#[derive(Parser)]
#[command(name = "tglhost", version, about, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// Where accounts, sessions and scripts' own files are kept [default: the platform's data directory]
    #[arg(long, global = true, value_name = "DIR", env = "TGLHOST_DATA")]
    data: Option<PathBuf>,

    /// Print one JSON object per line
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Run scripts; without an account, in an embedded data centre with a chat in this terminal
    Run(run::Args),
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
    #[command(name = "telegram-cli", disable_version_flag = true)]
    TelegramCli(Box<telegram_cli::Args>),
    /// Compile one component from stdin to stdout, in a process with its own limits
    #[command(name = compile_worker::COMPILE_WORKER, hide = true)]
    CompileWorker,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Command::CompileWorker = cli.command {
        return compile_worker::execute();
    }
    output::start_logging(match &cli.command {
        Command::TelegramCli(args) => args.log_filter(),
        _ => None,
    });
    let output = output::Output::new(cli.json);
    match begin(cli.command, cli.data, &output) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            output.failed(&error);
            ExitCode::FAILURE
        }
    }
}

/// Does the work here, unless another process is to.
fn begin(command: Command, data: Option<PathBuf>, output: &output::Output) -> anyhow::Result<u8> {
    match command {
        Command::TelegramCli(args) => match args.hand_over(output)? {
            Some(code) => Ok(code),
            None => execute(Command::Run(args.into_run()?), data, output),
        },
        command => execute(command, data, output),
    }
}

/// Runs one verb on a runtime of two workers, as many as the smallest machine has cores. A thread that waits for
/// terminal input cannot be woken, so the runtime is left without waiting for it. The verb is one of the runtime's tasks:
/// on this thread, every event that it looks at would be a change of threads.
fn execute(command: Command, data: Option<PathBuf>, output: &output::Output) -> anyhow::Result<u8> {
    let data_dir = data_dir::DataDir::open(data)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let output = output.clone();
    let work = async move {
        match command {
            Command::Run(args) => run::execute(args, &data_dir, &output).await,
            Command::Dc(args) => dc::execute(args, &data_dir, &output).await,
            Command::Login(args) => login::execute(args, &data_dir, &output).await,
            Command::Accounts => accounts::execute(&data_dir, &output),
            Command::Scripts => scripts::execute(&data_dir, &output),
            Command::Forget(args) => forget::execute(&args, &data_dir, &output),
            Command::TelegramCli(_) | Command::CompileWorker => unreachable!("it was done before"),
        }
    };
    let outcome = runtime.block_on(runtime.spawn(work));
    runtime.shutdown_background();
    outcome?
}
