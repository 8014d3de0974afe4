//! `tglhost doctor`: what is wrong on this machine, why that matters and what to do.
//!
//! Invariant: nothing that is there is changed: what is tried is tried in a folder of its own, which goes again. The cache of
//! compiled programs alone has more in it afterwards.

mod host;
mod machine;
mod trial;

use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;

use crate::FAILED_CODE;
use crate::data_dir::DataDir;
use crate::output::Output;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Look at this host too: the folder with its tglhost.toml
    #[arg(long = "host", value_name = "DIR")]
    host: Option<PathBuf>,
}

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Right,
    /// It works, and could be better, or need not be so.
    Notice,
    Wrong,
}

/// Something that was looked at.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename = "finding")]
struct Finding {
    about: &'static str,
    state: State,
    /// How it is.
    text: String,
    /// Why that matters, and what to do, where it is not right.
    advice: Option<String>,
}

impl Finding {
    fn right(about: &'static str, text: impl Into<String>) -> Self {
        Self { about, state: State::Right, text: text.into(), advice: None }
    }

    fn notice(about: &'static str, text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { about, state: State::Notice, text: text.into(), advice: Some(advice.into()) }
    }

    fn wrong(about: &'static str, text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { about, state: State::Wrong, text: text.into(), advice: Some(advice.into()) }
    }

    /// As a line of text.
    fn row(&self) -> String {
        let state = match self.state {
            State::Right => "right",
            State::Notice => "notice",
            State::Wrong => "WRONG",
        };
        let advice = self.advice.iter().map(|advice| format!(". {advice}")).collect::<String>();
        format!("{state:<6}  {:<9}  {}{advice}", self.about, self.text)
    }
}

/// Looks at everything, and fails where something is wrong.
pub(crate) fn execute(args: &Args, data: Option<PathBuf>, output: &Output) -> Result<u8> {
    let mut is_all_right = true;
    let mut tell = |finding: Finding| {
        is_all_right &= finding.state != State::Wrong;
        output.result(&finding, &finding.row());
    };
    let data = match &args.host {
        Some(folder) => Some(data.unwrap_or_else(|| folder.join(crate::commands::serve::DATA))),
        None => data,
    };
    let data = match data {
        Some(data) => data,
        None => DataDir::existing(None)?.root().to_owned(),
    };
    machine::look(&data).into_iter().for_each(&mut tell);
    trial::look().into_iter().for_each(&mut tell);
    if let Some(folder) = &args.host {
        host::look(folder, &data).into_iter().for_each(&mut tell);
    }
    Ok(if is_all_right { 0 } else { FAILED_CODE })
}
