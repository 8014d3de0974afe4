//! The threads that scripts run on.
//!
//! Invariant: nothing but scripts runs on them, and they come after the host's other threads: whatever guests compute, the
//! network is heeded at once.

use std::io;

use tokio::runtime::{Builder, EnterGuard, Handle, Runtime};

/// How much the system is to prefer the host's other threads: 0 is as much as these, 19 the most.
const NICE: i32 = 5;

/// Threads for scripts. When this is dropped, the scripts on them end where they are.
#[derive(Debug)]
pub struct Threads {
    /// There until it is dropped.
    runtime: Option<Runtime>,
    handle: Handle,
}

impl Threads {
    /// Starts them: as many as guests may compute at one time, and one that is free for who has little to do.
    ///
    /// # Errors
    /// Where the system gives no threads.
    pub fn start() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(sandbox::computing_max() + 1)
            .thread_name("scripts")
            .on_thread_start(give_way)
            .enable_all()
            .build()?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    /// Until this is dropped, what this thread spawns is spawned on them.
    pub fn enter(&self) -> EnterGuard<'_> {
        self.handle.enter()
    }

    /// The way to them.
    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Lets this thread, and those that it starts, come after others. On Linux the priority is a thread's own: see setpriority(2).
pub fn give_way() {
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::debug!(%error, "a thread for scripts keeps the priority it has");
    }
}
