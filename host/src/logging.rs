//! The host's own log, for those who look for a fault: `TGLHOST_LOG=debug`.
//!
//! Invariant: it goes the way of all output, so it is whole lines without colours, and holds up nobody.

use std::io::{self, Write};
use std::sync::OnceLock;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::output::Output;

/// The variable that says what is logged.
const VARIABLE: &str = "TGLHOST_LOG";
/// What is logged unless somebody says otherwise.
const DEFAULT_FILTER: &str = "error";
const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];
/// What logs: the crates whose lines there are.
const PARTS: [&str; 17] = [
    "tglhost",
    "broker",
    "supervisor",
    "worker",
    "lockdown",
    "runtime",
    "sandbox",
    "telegram",
    "store",
    "files",
    "datacentre",
    "tgl",
    "wasmtime",
    "grammers_client",
    "grammers_mtproto",
    "grammers_mtsender",
    "grammers_session",
];

/// What is logged, once it is known.
static FILTER: OnceLock<String> = OnceLock::new();

/// What is logged, as `tracing` filters are written.
pub(crate) fn filter() -> &'static str {
    FILTER.get().map_or(DEFAULT_FILTER, String::as_str)
}

/// Starts it: with the variable's filter, else with this one, else errors only. A filter that means nothing is said.
pub(crate) fn start(filter: Option<&str>, output: &Output) {
    let given = std::env::var(VARIABLE).ok().filter(|given| !given.trim().is_empty());
    let default = || EnvFilter::new(filter.unwrap_or(DEFAULT_FILTER));
    let filter = match given.as_deref().map(parse) {
        None => default(),
        Some(Ok(filter)) => filter,
        Some(Err(why)) => {
            output.note(&format!(
                "{VARIABLE} is passed over: {why}; for example, {VARIABLE}=debug or {VARIABLE}=error,telegram=debug"
            ));
            default()
        }
    };
    FILTER.get_or_init(|| filter.to_string());
    let writer = LogWriter { output: output.clone() };
    tracing_subscriber::fmt().with_env_filter(filter).without_time().with_ansi(false).with_writer(writer).init();
    log_panics(output.clone());
}

/// A filter, or what is wrong with it.
fn parse(given: &str) -> Result<EnvFilter, String> {
    let given: Vec<&str> = given.split(',').map(str::trim).collect();
    let filter = EnvFilter::builder().parse(given.join(",")).map_err(|error| format!("it is no filter ({error})"))?;
    // The library takes any word for a part of the program.
    for directive in given {
        let target = directive.split(['=', '[']).next().unwrap_or_default();
        let part = target.split("::").next().unwrap_or_default();
        let is_level = |word: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word));
        let is_alone = target == directive;
        if !(target.is_empty() || PARTS.contains(&part) || (is_alone && is_level(target))) {
            return Err(format!(
                "{target:?} is neither a level ({}) nor a part of tglhost ({})",
                LEVELS.join(", "),
                PARTS.join(", ")
            ));
        }
    }
    Ok(filter)
}

/// A panic is a fault of the host, and the host goes on: it is logged as any other fault.
fn log_panics(output: Output) {
    std::panic::set_hook(Box::new(move |panic| {
        let backtrace = std::backtrace::Backtrace::capture();
        output.host_log(&format!("a fault in the host (a bug in tglhost): {panic}"));
        if backtrace.status() == std::backtrace::BacktraceStatus::Captured {
            backtrace.to_string().lines().for_each(|line| output.host_log(line));
        }
    }));
}

struct LogWriter {
    output: Output,
}

/// Takes one line, which comes whole.
struct LineWriter<'a> {
    output: &'a Output,
}

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = LineWriter<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        LineWriter { output: &self.output }
    }
}

impl Write for LineWriter<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.output.host_log(String::from_utf8_lossy(line).trim_end());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_crate_of_the_host_is_a_part() {
        for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/crates")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let silent =
                ["config", "dh", "workspace-hack", "tl-blank", "raw-query", "secret-chat", "tl-schema", "lockdown"];
            let is_silent = silent.contains(&name.as_str());
            assert!(is_silent || PARTS.contains(&name.as_str()), "{name} is missing");
        }
    }

    #[test]
    fn filters_that_mean_nothing_are_told_from_those_that_do() {
        for good in
            ["debug", "WARN", "off", "error,telegram=debug", "runtime::actor=trace", "tglhost", " info , store=warn"]
        {
            assert_eq!(parse(good).err(), None, "{good}");
        }
        for (wrong, about) in [
            ("debgu", "debgu"),
            ("telegarm=debug", "telegarm"),
            ("telegram=lots", "is no filter"),
            ("warning", "a level"),
        ] {
            let why = parse(wrong).err().unwrap_or_default();
            assert!(why.contains(about), "{wrong}: {why:?}");
        }
    }
}
