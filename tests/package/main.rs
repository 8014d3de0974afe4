//! What tglhost is installed with: its pages and completions, its systemd unit, its Debian package and container. What the
//! machine has no program to check with is said and passed over.

mod deb;
mod docker;
mod manual;
mod unit;

use std::process::{Command, Output};

/// What a program of the machine's says; none, said once, where it is not there.
fn run_if_there(command: &mut Command) -> Option<Output> {
    match command.output() {
        Ok(output) => Some(output),
        Err(error) => {
            println!("passed over, as {:?} is not there: {error}", command.get_program());
            None
        }
    }
}

/// Of a program's output, what is for people.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
