//! The thread that starts worker processes.
//!
//! Invariant: it is there as long as anybody may start one, since a process that is to end with its parent ends with the
//! thread that started it (PR_SET_PDEATHSIG, prctl(2)).

use std::io;

use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

/// Commands that wait for the thread; who has a further one waits.
const COMMANDS_MAX: usize = 16;

/// The way to it. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Spawner {
    commands: mpsc::Sender<(Command, oneshot::Sender<io::Result<Child>>)>,
}

impl Spawner {
    /// Starts it. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub(crate) fn start() -> io::Result<Self> {
        let (commands, mut to_start) = mpsc::channel::<(Command, oneshot::Sender<_>)>(COMMANDS_MAX);
        let runtime = Handle::current();
        std::thread::Builder::new().name("spawner".to_owned()).spawn(move || {
            let _in_runtime = runtime.enter();
            while let Some((mut command, started)) = to_start.blocking_recv() {
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
        self.commands.send((command, started)).await.map_err(|_| gone())?;
        child.await.map_err(|_| gone())?
    }
}
