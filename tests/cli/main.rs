//! The command line as its users meet it: the chat in the terminal, exit codes, bad input, JSON.

mod backup;
mod bad_input;
mod bounds;
mod chat;
mod compiling;
mod data_centre;
mod doctor;
mod documents;
mod full_disk;
mod grants;
mod host_api;
mod isolation;
mod json;
mod lagging;
mod output;
mod project;
mod read_only;
mod reload;
mod saved_messages;
mod scripts;
mod serve;
mod service_messages;
mod signals;
mod telegram_cli;
mod told_errors;
mod ways;
