//! Accounts and scripts of one host: started, stopped, replaced, watched. Scripts run in worker processes, or in this one.
//!
//! Invariant: whatever becomes of a worker, its scripts' accounts and the other workers go on; its scripts go on from what
//! they have committed, in another worker, or come to an end that is told.

mod account;
mod compiling;
mod counter;
mod life;
mod log;
mod replace;
mod script;
mod secrets;
mod spawner;
mod supervisor;
mod worker;

pub use account::Account;
pub use compiling::Compiling;
pub use life::Waits;
pub use replace::New;
pub use runtime::Script;
pub use script::ScriptPlan;
pub use secrets::Secrets;
pub use supervisor::{HostOutput, Isolation, Supervisor, SupervisorConfig, SupervisorError, WorkerCommand};
