//! Where scripts run, as the command line says it.
//!
//! Invariant: without a word of the user's they run in a process of their own.

use std::sync::Arc;

use anyhow::Result;
use supervisor::{HostOutput, Isolation, Supervisor, SupervisorConfig, Waits, WorkerCommand};

use crate::commands::THIS_PROGRAM;
use crate::commands::worker::WORKER;
use crate::logging;
use crate::output::Output;
use crate::script_file::compiler;

/// Where scripts run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Where {
    /// In a process of their own that can reach their folders and nothing else
    #[default]
    Process,
    /// In this process, behind the WebAssembly sandbox alone
    None,
}

impl HostOutput for Output {
    fn note(&self, text: &str) {
        self.note(text);
    }

    fn host_log(&self, line: &str) {
        self.host_log(line);
    }
}

/// Starts what so many scripts need. Blocks for some milliseconds.
pub(crate) fn start_supervisor(place: Where, scripts: usize, output: &Output) -> Result<Supervisor> {
    let isolation = match place {
        Where::Process => Isolation::Worker(WorkerCommand { program: THIS_PROGRAM.into(), args: vec![WORKER.into()] }),
        Where::None => Isolation::None,
    };
    Ok(Supervisor::start(SupervisorConfig {
        isolation,
        compiler: compiler()?,
        // One for each: a script has given up its instance before it starts the next. Room costs time to make.
        scripts_max: u32::try_from(scripts).unwrap_or(u32::MAX),
        log_filter: logging::filter().to_owned(),
        waits: Waits::default(),
        output: Arc::new(output.clone()),
    })?)
}
