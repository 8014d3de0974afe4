//! The thread that starts worker processes.
//!
//! Invariant: it is there as long as anybody may start one, since a process that is to end with its parent ends with the
//! thread that started it (PR_SET_PDEATHSIG, prctl(2)).

use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};

use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Commands that wait for the thread.
const COMMANDS_MAX: usize = 16;

/// The way to it. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Spawner {
    commands: SyncSender<(Command, oneshot::Sender<io::Result<Child>>)>,
}

impl Spawner {
    /// Starts it. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub(crate) fn start() -> io::Result<Self> {
        let (commands, to_start) = sync_channel::<(Command, oneshot::Sender<_>)>(COMMANDS_MAX);
        let runtime = Handle::current();
        std::thread::Builder::new().name("spawner".to_owned()).spawn(move || {
            let _in_runtime = runtime.enter();
            for (mut command, started) in to_start {
                // A process that nobody wants any more is killed as it is dropped.
                let _ = started.send(command.spawn());
            }
        })?;
        Ok(Self { commands })
    }

    /// Starts a process.
    ///
    /// # Errors
    /// As the system says.
    pub(crate) async fn spawn(&self, command: Command) -> io::Result<Child> {
        let (started, child) = oneshot::channel();
        let gone = || io::Error::other("the thread that starts processes has gone");
        self.commands.try_send((command, started)).map_err(|_| gone())?;
        child.await.map_err(|_| gone())?
    }
}
