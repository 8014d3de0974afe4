//! One file per verb.

pub(crate) mod accounts;
pub(crate) mod compile_worker;
pub(crate) mod dc;
pub(crate) mod forget;
pub(crate) mod login;
pub(crate) mod run;
pub(crate) mod scripts;
pub(crate) mod telegram_cli;
