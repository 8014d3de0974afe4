//! What the user sees: text, or one JSON object per line.
//!
//! Invariant: a script cannot steer the user's terminal: control sequences are taken out of what it prints when the
//! output is a terminal, and JSON strings escape them.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use serde::Serialize;
use serde_json::json;

/// Where results, notes and scripts' prints go. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Output {
    json: bool,
    stdout_is_terminal: bool,
    stderr_is_terminal: bool,
}

impl Output {
    /// Text, or JSON lines.
    pub(crate) fn new(json: bool) -> Self {
        Self {
            json,
            stdout_is_terminal: std::io::stdout().is_terminal(),
            stderr_is_terminal: std::io::stderr().is_terminal(),
        }
    }

    /// Whether JSON lines were asked for.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// A result of the verb: the value as JSON, else the text.
    pub(crate) fn result(&self, value: &impl Serialize, text: &str) {
        if self.json { self.json(value) } else { self.stdout(&format!("{text}\n")) }
    }

    /// A line of JSON, whatever was asked for.
    pub(crate) fn json(&self, value: &impl Serialize) {
        match serde_json::to_string(value) {
            Ok(line) => write_or_leave(std::io::stdout().lock(), &format!("{line}\n")),
            Err(error) => self.note(&format!("cannot write as JSON: {error}")),
        }
    }

    /// A line for the person at the terminal; it is no result.
    pub(crate) fn note(&self, text: &str) {
        let text = if self.stderr_is_terminal { without_control(text) } else { text.to_owned() };
        write_or_leave(std::io::stderr().lock(), &format!("{text}\n"));
    }

    /// The verb's end in an error: what, and why.
    pub(crate) fn failed(&self, error: &anyhow::Error) {
        let text = sentence(error);
        if self.json {
            self.json(&json!({"event": "error", "error": text}));
        }
        self.note(&format!("tglhost: {text}"));
    }

    /// Text as it is, for stdout.
    fn stdout(&self, text: &str) {
        let text = if self.stdout_is_terminal { without_control(text) } else { text.to_owned() };
        write_or_leave(std::io::stdout().lock(), &text);
    }

    /// A message of the chat in this terminal.
    pub(crate) fn chat_message(&self, from: &str, text: &str) {
        if self.json {
            self.json(&json!({"event": "message", "from": from, "text": text}));
        } else {
            self.stdout(&format!("{text}\n"));
        }
    }
}

impl runtime::ScriptOutput for Output {
    fn print(&self, script: &tgl::ScriptName, stream: sandbox::Output, text: &str) {
        if self.json {
            let stream = match stream {
                sandbox::Output::Stdout => "stdout",
                sandbox::Output::Stderr => "stderr",
            };
            return self.json(&json!({"event": "print", "script": script, "stream": stream, "text": text}));
        }
        match stream {
            sandbox::Output::Stdout => self.stdout(text),
            sandbox::Output::Stderr => {
                let text = if self.stderr_is_terminal { without_control(text) } else { text.to_owned() };
                write_or_leave(std::io::stderr().lock(), &text);
            }
        }
    }

    fn log(&self, script: &tgl::ScriptName, level: sandbox::LogLevel, text: &str) {
        if self.json {
            let level = format!("{level:?}").to_lowercase();
            return self.json(&json!({"event": "log", "script": script, "level": level, "text": text}));
        }
        self.note(&format!("{script}: {text}"));
    }
}

/// The host's own log, for those who look for a fault: `TGLHOST_LOG=debug`. By default `filter`, or only errors.
pub(crate) fn start_logging(filter: Option<&str>) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("TGLHOST_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(filter.unwrap_or("error")));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

/// An output for the runtime's scripts.
pub(crate) fn for_scripts(output: &Output) -> Arc<dyn runtime::ScriptOutput> {
    Arc::new(output.clone())
}

/// An error and its causes in one line, each said once.
pub(crate) fn sentence(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&cause);
        }
    }
    text
}

/// Text without the bytes by which a terminal is steered; line ends and tabs stay.
fn without_control(text: &str) -> String {
    text.chars().filter(|&c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

/// Writes all of it. When nobody reads any more there is nothing left to do but go on.
fn write_or_leave(mut to: impl Write, text: &str) {
    if to.write_all(text.as_bytes()).and_then(|()| to.flush()).is_err() {
        tracing::debug!("nobody reads the output");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_cannot_steer_the_terminal() {
        assert_eq!(without_control("\x1b]0;owned\x07a\tb\u{9b}31m\r\n"), "]0;owneda\tb31m\n");
    }

    #[test]
    fn an_error_says_each_cause_once() {
        let error = anyhow::anyhow!("refused").context("cannot connect: refused").context("no chat");
        assert_eq!(sentence(&error), "no chat: cannot connect: refused");
    }
}
