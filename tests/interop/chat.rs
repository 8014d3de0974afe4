//! One client process, driven through the JSON lines that chat.py describes.
//!
//! Invariant: no process outlives its test.

use std::collections::VecDeque;
use std::process::Command;

use serde_json::Value;
use tests::{Process, installed, interop_python, root};

/// Which client, and where it is not of the newest layers, of which.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Library {
    Telethon,
    Telethon216,
    Kurigram,
    Mtcute227,
    Gramjs198,
}

/// A client that is logged in.
pub(crate) struct Chat {
    /// Its user's id.
    pub(crate) id: Value,
    /// Its phone number.
    pub(crate) phone: String,
    process: Process,
    messages: VecDeque<Value>,
    members: VecDeque<Value>,
}

impl Chat {
    /// Starts a client and waits until it is logged in.
    pub(crate) fn start(library: Library, settings: &Value) -> Self {
        Self::start_by_qr(library, settings, |url| panic!("{url} was not asked for"))
    }

    /// The same of one that is told to log in by QR codes. `on_code` is called for each that it shows.
    pub(crate) fn start_by_qr(library: Library, settings: &Value, mut on_code: impl FnMut(&str)) -> Self {
        let (program, script) = match library {
            Library::Telethon => (interop_python(), "telethon_chat.py"),
            Library::Telethon216 => (installed("interop-layer-216-venv/bin/python"), "telethon_chat.py"),
            Library::Kurigram => (interop_python(), "kurigram_chat.py"),
            Library::Mtcute227 => (installed("interop-node/bin/node"), "javascript/mtcute_chat.js"),
            Library::Gramjs198 => (installed("interop-node/bin/node"), "javascript/gramjs_chat.js"),
        };
        let mut command = Command::new(program);
        command.arg(root().join("tests/interop").join(script)).arg(settings.to_string());
        let process = Process::start(command.env("NODE_PATH", root().join("target/interop-node/node_modules")));
        let phone = settings["phone"].as_str().expect("a phone number").to_owned();
        let mut chat = Self { id: Value::Null, phone, process, messages: VecDeque::new(), members: VecDeque::new() };
        let ready = loop {
            let event = chat.event();
            match event["event"].as_str() {
                Some("qr") => on_code(event["url"].as_str().expect("a link")),
                _ => break event,
            }
        };
        assert_eq!(ready["event"], "ready", "{ready}");
        assert_eq!(ready["name"], settings["name"]);
        chat.id = ready["id"].clone();
        chat
    }

    /// Has a command carried out; gives what it led to.
    pub(crate) fn ask(&mut self, command: Value) -> Value {
        let answer = self.try_to(command);
        assert_eq!(answer["event"], "done", "{answer}");
        answer
    }

    /// The same of one that may fail.
    pub(crate) fn try_to(&mut self, command: Value) -> Value {
        self.process.write(format!("{command}\n"));
        loop {
            let event = self.event();
            match event["event"].as_str() {
                Some("done" | "failed") => return event,
                _ => self.keep(event),
            }
        }
    }

    /// The next message that was sent to it.
    pub(crate) fn message(&mut self) -> Value {
        loop {
            if let Some(message) = self.messages.pop_front() {
                return message;
            }
            let event = self.event();
            self.keep(event);
        }
    }

    /// The next change of a participant that it was told of.
    pub(crate) fn member(&mut self) -> Value {
        loop {
            if let Some(member) = self.members.pop_front() {
                return member;
            }
            let event = self.event();
            self.keep(event);
        }
    }

    /// The next message with this text; others before it are forgotten.
    pub(crate) fn message_with(&mut self, text: &str) -> Value {
        loop {
            let message = self.message();
            if message["text"] == text {
                return message;
            }
        }
    }

    fn keep(&mut self, event: Value) {
        match event["event"].as_str() {
            Some("message") => self.messages.push_back(event),
            Some("member") => self.members.push_back(event),
            _ => panic!("{event}"),
        }
    }

    fn event(&mut self) -> Value {
        let line = self.process.line();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }
}
