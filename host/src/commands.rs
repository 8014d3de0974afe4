//! One file per verb.

/// The program that runs here, whatever lies by now where it was started from: an upgrade puts another one there.
pub(crate) const THIS_PROGRAM: &str = "/proc/self/exe";

/// What the help calls options about the account to log in or run on.
const ACCOUNT_HEADING: &str = "Account";
/// The same of what becomes of the scripts.
const SCRIPTS_HEADING: &str = "Scripts";
/// The same of the folders that scripts see.
const FOLDERS_HEADING: &str = "Folders";

pub(crate) mod accounts;
pub(crate) mod ask;
pub(crate) mod backup;
pub(crate) mod compile_worker;
pub(crate) mod dc;
pub(crate) mod doctor;
pub(crate) mod forget;
pub(crate) mod login;
pub(crate) mod manual;
mod room;
pub(crate) mod run;
pub(crate) mod scripts;
pub(crate) mod serve;
pub(crate) mod telegram_cli;
pub(crate) mod worker;
