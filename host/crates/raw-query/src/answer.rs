//! Writes an answer as telegram-cli wrote it: ` ( user flags : 2 first_name :"Bob" )`, and a line for each element of a list.
//!
//! Invariant: no text is longer than [`ANSWER_TEXT_BYTES_MAX`], and none says what a message of Telegram's service account
//! does, unless it may.

use std::fmt::{self, Write};

use grammers_tl_types::{Cursor, Deserializable, deserialize};
use tgl::PeerId;
use thiserror::Error;

use tl_schema::{self as schema, Definition, Field, Kind};

/// The longest text that is given.
pub const ANSWER_TEXT_BYTES_MAX: usize = 1 << 20;

/// Objects and lists within each other.
const DEPTH_MAX: usize = 100;
/// Spaces before an element, for each list that it is in.
const INDENT: usize = 2;

/// Objects that have what somebody has written.
const MESSAGES: [&str; 8] = [
    "ephemeralMessage",
    "groupCallMessage",
    "message",
    "messageService",
    "storyItem",
    "updateServiceNotification",
    "updateShortChatMessage",
    "updateShortMessage",
];
/// The one of them that is always Telegram's own.
const SERVICE_NOTIFICATION: &str = "updateServiceNotification";

/// Why an answer has no text.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the words say it")]
pub enum AnswerFault {
    #[error("the answer is longer than {} KiB as text: ask for less", ANSWER_TEXT_BYTES_MAX >> 10)]
    TooLong,
    #[error("the answer is not understood")]
    Unreadable,
    #[error("the answer has what Telegram's service account says, which is not shown to scripts")]
    Service,
}

/// The text of an answer of this type. A message of Telegram's service account, or of the conversation with it, is written as
/// `messageEmpty` unless it is to be shown.
///
/// # Errors
/// Where the answer is too long, is none of this type, or has something of the service account that is no message.
pub fn text(answer_type: &'static str, bytes: &[u8], shows_service: bool) -> Result<String, AnswerFault> {
    let mut writer = Writer {
        bytes: Cursor::from_slice(bytes),
        text: String::new(),
        depth: 0,
        indent: 0,
        shows_service,
        mentions_service: false,
    };
    writer.value(Kind::of(answer_type))?;
    Ok(writer.text)
}

struct Writer<'a> {
    bytes: Cursor<'a>,
    text: String,
    depth: usize,
    indent: usize,
    shows_service: bool,
    /// A number of the message that is being written is the service account's.
    mentions_service: bool,
}

impl Writer<'_> {
    fn value(&mut self, kind: Kind) -> Result<(), AnswerFault> {
        match kind {
            Kind::Flags | Kind::Int => {
                let number: i32 = self.read()?;
                self.put(format_args!(" {number}"))
            }
            Kind::Long => {
                let number: i64 = self.read()?;
                self.mentions_service |= PeerId::user(number).is_service();
                self.put(format_args!(" {number}"))
            }
            Kind::Double => {
                let number: f64 = self.read()?;
                self.put(format_args!(" {number:.6}"))
            }
            Kind::Text => {
                let bytes: Vec<u8> = self.read()?;
                if bytes.len() > ANSWER_TEXT_BYTES_MAX {
                    return Err(AnswerFault::TooLong);
                }
                self.put(Quoted(&bytes))
            }
            Kind::True => self.put(" ( true )"),
            Kind::Vector(element) => self.deeper(|writer| writer.vector(element)),
            Kind::Object(object_type) => self.deeper(|writer| writer.object(object_type)),
            Kind::Other => Err(AnswerFault::Unreadable),
        }
    }

    fn vector(&mut self, element: &'static str) -> Result<(), AnswerFault> {
        let id: u32 = self.read()?;
        let count: u32 = self.read()?;
        if id != crate::query::VECTOR_ID {
            return Err(AnswerFault::Unreadable);
        }
        self.put(format_args!(" ( vector {count} [\n"))?;
        self.indent += INDENT;
        for _ in 0..count {
            self.indented("")?;
            self.value(Kind::of(element))?;
            self.put("\n")?;
        }
        self.indent -= INDENT;
        self.indented(" ] )")
    }

    fn object(&mut self, object_type: &'static str) -> Result<(), AnswerFault> {
        let id: u32 = self.read()?;
        let constructor = schema::constructor_by_id(id).filter(|one| one.result == object_type);
        let constructor = constructor.ok_or(AnswerFault::Unreadable)?;
        if MESSAGES.contains(&constructor.name) {
            return self.message(constructor);
        }
        if schema::bare(object_type).is_some() {
            for field in constructor.fields() {
                self.value(field.kind)?;
            }
            return Ok(());
        }
        self.constructor(constructor).map(drop)
    }

    /// An object that may be of the service account.
    fn message(&mut self, constructor: Definition) -> Result<(), AnswerFault> {
        let outer = std::mem::replace(&mut self.mentions_service, constructor.name == SERVICE_NOTIFICATION);
        let (begin, indent) = (self.text.len(), self.indent);
        let id = self.constructor(constructor)?;
        let is_kept_back = std::mem::replace(&mut self.mentions_service, outer) && !self.shows_service;
        if !is_kept_back {
            return Ok(());
        }
        if constructor.result != "Message" {
            return Err(AnswerFault::Service);
        }
        self.text.truncate(begin);
        self.indent = indent;
        self.put(format_args!(" ( messageEmpty flags : 0 id : {id} )"))
    }

    /// A constructor in parentheses. Gives the number that it has as its `id`, if it has one.
    fn constructor(&mut self, constructor: Definition) -> Result<i32, AnswerFault> {
        self.put(format_args!(" ( {}", constructor.name))?;
        let mut flags: Vec<(&str, u32)> = Vec::new();
        let mut id = 0;
        for field in constructor.fields() {
            if !field.is_there(&flags) {
                continue;
            }
            self.put(format_args!(" {} :", field.name))?;
            match field {
                Field { kind: Kind::Flags, name, .. } => {
                    let value: u32 = self.read()?;
                    flags.push((name, value));
                    self.put(format_args!(" {}", value.cast_signed()))?;
                }
                Field { kind: Kind::Int, name: "id", .. } => {
                    id = self.read()?;
                    self.put(format_args!(" {id}"))?;
                }
                Field { kind, .. } => self.value(kind)?,
            }
        }
        self.put(" )")?;
        Ok(id)
    }

    fn deeper(&mut self, write: impl FnOnce(&mut Self) -> Result<(), AnswerFault>) -> Result<(), AnswerFault> {
        if self.depth == DEPTH_MAX {
            return Err(AnswerFault::Unreadable);
        }
        self.depth += 1;
        write(self)?;
        self.depth -= 1;
        Ok(())
    }

    fn read<T: Deserializable>(&mut self) -> Result<T, AnswerFault> {
        T::deserialize(&mut self.bytes).map_err(|_: deserialize::Error| AnswerFault::Unreadable)
    }

    fn indented(&mut self, what: &str) -> Result<(), AnswerFault> {
        let indent = self.indent;
        self.put(format_args!("{:indent$}{what}", ""))
    }

    fn put(&mut self, what: impl fmt::Display) -> Result<(), AnswerFault> {
        write!(self.text, "{what}").map_err(|_| AnswerFault::Unreadable)?;
        if self.text.len() > ANSWER_TEXT_BYTES_MAX { Err(AnswerFault::TooLong) } else { Ok(()) }
    }
}

/// Text in quotes, as [`crate::read`] takes it.
struct Quoted<'a>(&'a [u8]);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for chunk in self.0.utf8_chunks() {
            for sign in chunk.valid().chars() {
                match sign {
                    '\n' => f.write_str("\\n")?,
                    '\r' => f.write_str("\\r")?,
                    '\t' => f.write_str("\\t")?,
                    '\u{8}' => f.write_str("\\b")?,
                    '\u{7}' => f.write_str("\\a")?,
                    '\\' | '"' => write!(f, "\\{sign}")?,
                    control if control < ' ' => write!(f, "\\x{:02x}", u32::from(control))?,
                    other => f.write_char(other)?,
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        f.write_char('"')
    }
}
