//! Reads the text of a query, as telegram-cli read it: a method and its fields in parentheses, in the schema's order, each with
//! its name and a colon before it or without.
//!
//! ```text
//! (messages.search flags:0 peer:(inputPeerSelf) q:"a word" filter:(inputMessagesFilterEmpty) min_date:0 …)
//! ```
//!
//! Invariant: what is given is the serialised query whole, of the method that is named, or a fault with its column.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use grammers_tl_types::Serializable;
use tgl::PeerId;
use thiserror::Error;

use crate::policy;
use tl_schema::{self as schema, Definition, Field, Kind};

/// Objects and lists within each other.
pub const DEPTH_MAX: usize = 32;

/// What of a wrong word is shown.
const SHOWN_CHARS_MAX: usize = 40;
/// The number of a list, before its length.
pub(crate) const VECTOR_ID: u32 = 0x1cb5_c415;

/// A query, serialised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The method's name.
    pub method: &'static str,
    /// Its number.
    pub id: u32,
    /// The type of its answer.
    pub answer: &'static str,
    /// All of it.
    pub bytes: Vec<u8>,
    /// What messages of Telegram's service account say may come of it without being seen in the answer.
    pub reaches_service: bool,
}

/// Why a text is no query.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("column {column}: {wrong}")]
pub struct QueryFault {
    /// Where, in characters from 1 on.
    pub column: usize,
    /// What.
    pub wrong: Wrong,
}

/// What is wrong in a text.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the words say it")]
pub enum Wrong {
    #[error("{expected} is to come here, and not {found}")]
    Unexpected { expected: String, found: String },
    #[error("`{name}` is no method of layer {}", grammers_tl_types::LAYER)]
    UnknownMethod { name: String },
    #[error("`{name}` is no {wanted}")]
    WrongConstructor { name: String, wanted: &'static str },
    #[error("`{field}` is not in its place: fields go in the schema's order")]
    Misplaced { field: String },
    #[error("`{field}` is there only where bit {bit} of `{flags}` is set")]
    FlagNotSet { field: String, flags: &'static str, bit: u32 },
    #[error("{field} cannot be {found}: it is {wanted}")]
    NoNumber { field: String, found: String, wanted: &'static str },
    #[error("the list has not the {said} elements that it says")]
    Count { said: u32 },
    #[error("the text in quotes does not end")]
    Unclosed,
    #[error("what follows the backslash is none of n, r, t, b, a, \\, \" and x with two hexadecimal digits")]
    Escape,
    #[error("`{field}` cannot be written in a query")]
    Unwritable { field: String },
    #[error("more than {DEPTH_MAX} objects within each other")]
    TooDeep,
}

/// Reads a query.
///
/// # Errors
/// What is wrong in the text, and where.
pub fn read(text: &str) -> Result<Query, QueryFault> {
    let mut reader =
        Reader { tokens: Tokens::new(text)?, bytes: Vec::new(), depth: 0, mentions: policy::Mentions::default() };
    reader.sign('(')?;
    let column = reader.tokens.column();
    let name = reader.word("the name of a method")?;
    let unknown = || QueryFault { column, wrong: Wrong::UnknownMethod { name: shown(name) } };
    let method = schema::method(name).ok_or_else(unknown)?;
    method.id.serialize(&mut reader.bytes);
    reader.fields(method)?;
    reader.close(method)?;
    match reader.tokens.current {
        Token::End => Ok(Query {
            method: method.name,
            id: method.id,
            answer: method.result,
            bytes: reader.bytes,
            reaches_service: policy::reaches_service(method.name, reader.mentions),
        }),
        _ => Err(reader.unexpected("the end")),
    }
}

struct Reader<'a> {
    tokens: Tokens<'a>,
    bytes: Vec<u8>,
    depth: usize,
    mentions: policy::Mentions,
}

impl<'a> Reader<'a> {
    fn fields(&mut self, of: Definition) -> Result<(), QueryFault> {
        let mut flags: Vec<(&str, u32)> = Vec::new();
        for field in of.fields() {
            if !field.is_there(&flags) {
                continue;
            }
            self.label(field)?;
            if field.kind == Kind::Flags {
                let Flags(value) = self.number(of, field)?;
                flags.push((field.name, value));
                value.serialize(&mut self.bytes);
            } else {
                self.value(of, field)?;
            }
        }
        Ok(())
    }

    /// The field's name and a colon, which may be left out.
    fn label(&mut self, field: Field) -> Result<(), QueryFault> {
        if self.tokens.current == Token::Word(field.name) {
            self.tokens.next()?;
            self.sign(':')?;
        }
        Ok(())
    }

    fn value(&mut self, of: Definition, field: Field) -> Result<(), QueryFault> {
        match field.kind {
            Kind::Int => self.number::<i32>(of, field)?.serialize(&mut self.bytes),
            Kind::Long => {
                let value: i64 = self.number(of, field)?;
                self.mentions.service |= PeerId::user(value).is_service();
                value.serialize(&mut self.bytes);
            }
            Kind::Double => self.number::<f64>(of, field)?.serialize(&mut self.bytes),
            Kind::Text => {
                match &self.tokens.current {
                    Token::Word(word) if !self.tokens.is_label() => word.as_bytes().serialize(&mut self.bytes),
                    Token::Quoted(text) => text.as_slice().serialize(&mut self.bytes),
                    _ => return Err(self.wrong(of, "text, in quotes where it is more than a word,")),
                }
                self.tokens.next()?;
            }
            Kind::True => self.object(of, "True", |_, _| Ok(()))?,
            Kind::Vector(element) => self.vector(of, field, element)?,
            Kind::Object(wanted) => match schema::bare(wanted) {
                Some(bare) => {
                    self.deeper()?;
                    bare.id.serialize(&mut self.bytes);
                    for field in bare.fields() {
                        self.value(bare, field)?;
                    }
                    self.depth -= 1;
                }
                None => self.object(of, wanted, |reader, constructor| {
                    reader.mentions.empty_peer |= constructor.name == "inputPeerEmpty";
                    constructor.id.serialize(&mut reader.bytes);
                    reader.fields(constructor)
                })?,
            },
            Kind::Flags | Kind::Other => {
                return Err(self.fault(Wrong::Unwritable { field: field.name.to_owned() }));
            }
        }
        Ok(())
    }

    /// A constructor of this type in parentheses, with what it holds.
    fn object(
        &mut self,
        of: Definition,
        wanted: &'static str,
        contents: impl FnOnce(&mut Self, Definition) -> Result<(), QueryFault>,
    ) -> Result<(), QueryFault> {
        self.deeper()?;
        if self.tokens.current != Token::Sign('(') {
            return Err(self.wrong(of, "`(`"));
        }
        self.tokens.next()?;
        let column = self.tokens.column();
        let name = self.word(wanted)?;
        let Some(constructor) = schema::constructor(name).filter(|one| one.result == wanted) else {
            return Err(QueryFault { column, wrong: Wrong::WrongConstructor { name: shown(name), wanted } });
        };
        contents(self, constructor)?;
        self.close(constructor)?;
        self.depth -= 1;
        Ok(())
    }

    /// `(vector 2 [ … … ])`.
    fn vector(&mut self, of: Definition, field: Field, element: &'static str) -> Result<(), QueryFault> {
        self.deeper()?;
        if self.tokens.current != Token::Sign('(') {
            return Err(self.wrong(of, "`(`"));
        }
        self.tokens.next()?;
        if self.tokens.current != Token::Word("vector") {
            return Err(self.unexpected("`vector`"));
        }
        self.tokens.next()?;
        let wrong_at = self.tokens.column();
        let said: u32 = self.number(of, field)?;
        self.sign('[')?;
        VECTOR_ID.serialize(&mut self.bytes);
        said.serialize(&mut self.bytes);
        let wrong_count = QueryFault { column: wrong_at, wrong: Wrong::Count { said } };
        for _ in 0..said {
            if self.tokens.current == Token::Sign(']') {
                return Err(wrong_count);
            }
            self.value(of, Field { condition: None, kind: Kind::of(element), ..field })?;
        }
        if self.tokens.current != Token::Sign(']') {
            return Err(wrong_count);
        }
        self.tokens.next()?;
        self.sign(')')?;
        self.depth -= 1;
        Ok(())
    }

    fn deeper(&mut self) -> Result<(), QueryFault> {
        self.depth += 1;
        if self.depth > DEPTH_MAX { Err(self.fault(Wrong::TooDeep)) } else { Ok(()) }
    }

    fn number<T: FromStr + Wanted>(&mut self, of: Definition, field: Field) -> Result<T, QueryFault> {
        match self.tokens.current {
            Token::Word(word) if !self.tokens.is_label() => {
                let number = word.parse().map_err(|_| {
                    let (field, found) = (field.name.to_owned(), shown(word));
                    self.fault(Wrong::NoNumber { field, found, wanted: T::WANTED })
                })?;
                self.tokens.next()?;
                Ok(number)
            }
            _ => Err(self.wrong(of, T::WANTED)),
        }
    }

    fn word(&mut self, expected: &str) -> Result<&'a str, QueryFault> {
        match self.tokens.current {
            Token::Word(word) => {
                self.tokens.next()?;
                Ok(word)
            }
            _ => Err(self.unexpected(expected)),
        }
    }

    fn sign(&mut self, sign: char) -> Result<(), QueryFault> {
        if self.tokens.current == Token::Sign(sign) {
            return self.tokens.next();
        }
        Err(self.unexpected(&format!("`{sign}`")))
    }

    /// The end of an object or of the query.
    fn close(&mut self, of: Definition) -> Result<(), QueryFault> {
        if self.tokens.current == Token::Sign(')') {
            return self.tokens.next();
        }
        Err(self.wrong(of, &format!("`)` after {}", of.name)))
    }

    /// What is wrong where something of this object is to come and does not.
    fn wrong(&self, of: Definition, expected: &str) -> QueryFault {
        let Token::Word(word) = self.tokens.current else { return self.unexpected(expected) };
        if !self.tokens.is_label() {
            return self.unexpected(expected);
        }
        let field = shown(word);
        let conditional = of.fields().find(|field| field.name == word).and_then(|field| field.condition);
        self.fault(match conditional {
            Some((flags, bit)) => Wrong::FlagNotSet { field, flags, bit },
            None => Wrong::Misplaced { field },
        })
    }

    fn unexpected(&self, expected: &str) -> QueryFault {
        self.fault(Wrong::Unexpected { expected: expected.to_owned(), found: self.tokens.current.to_string() })
    }

    fn fault(&self, wrong: Wrong) -> QueryFault {
        QueryFault { column: self.tokens.column(), wrong }
    }
}

/// A word of flags. In answers stands a negative number where its highest bit is set.
struct Flags(u32);

impl FromStr for Flags {
    type Err = ParseIntError;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        word.parse().or_else(|_| word.parse().map(i32::cast_unsigned)).map(Self)
    }
}

/// What is said where a number is wanted.
trait Wanted {
    const WANTED: &'static str;
}

impl Wanted for i32 {
    const WANTED: &'static str = "a whole number of 32 bits";
}

impl Wanted for u32 {
    const WANTED: &'static str = "the number of its elements";
}

impl Wanted for Flags {
    const WANTED: &'static str = "a whole number of 32 bits";
}

impl Wanted for i64 {
    const WANTED: &'static str = "a whole number of 64 bits";
}

impl Wanted for f64 {
    const WANTED: &'static str = "a number";
}

/// The text, word by word.
struct Tokens<'a> {
    text: &'a str,
    current: Token<'a>,
    /// Where the current one begins.
    at: usize,
    /// What follows it.
    rest: &'a str,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Quoted(Vec<u8>),
    Sign(char),
    End,
}

impl<'a> Tokens<'a> {
    fn new(text: &'a str) -> Result<Self, QueryFault> {
        let mut tokens = Self { text, current: Token::End, at: 0, rest: text };
        tokens.next()?;
        Ok(tokens)
    }

    fn next(&mut self) -> Result<(), QueryFault> {
        let text = self.rest.trim_start_matches(|sign: char| sign <= ' ');
        self.at = self.text.len() - text.len();
        (self.current, self.rest) = match text.chars().next() {
            None => (Token::End, ""),
            Some('"') => {
                let (quoted, rest) = quoted(&text[1..]).map_err(|wrong| QueryFault { column: self.column(), wrong })?;
                (Token::Quoted(quoted), rest)
            }
            Some(sign) if is_of_word(sign) => {
                let (word, rest) = text.split_at(text.find(|sign| !is_of_word(sign)).unwrap_or(text.len()));
                (Token::Word(word), rest)
            }
            Some(sign) => (Token::Sign(sign), &text[sign.len_utf8()..]),
        };
        Ok(())
    }

    /// Of the current one, in characters from 1 on.
    fn column(&self) -> usize {
        self.text[..self.at].chars().count() + 1
    }

    /// Whether a colon follows, so that the current word is a field's name.
    fn is_label(&self) -> bool {
        self.rest.trim_start().starts_with(':')
    }
}

fn is_of_word(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || ['.', '_', '-'].contains(&sign)
}

/// What stands up to the closing quotes, without its backslashes, and what follows them.
fn quoted(text: &str) -> Result<(Vec<u8>, &str), Wrong> {
    let mut bytes = Vec::new();
    let mut signs = text.bytes().enumerate();
    while let Some((at, sign)) = signs.next() {
        match sign {
            b'"' => return Ok((bytes, &text[at + 1..])),
            b'\\' => {
                let mut next = || signs.next().map(|(_, sign)| sign).ok_or(Wrong::Unclosed);
                bytes.push(match next()? {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 8,
                    b'a' => 7,
                    kept @ (b'\\' | b'"') => kept,
                    b'x' => {
                        let digit = |sign: u8| (sign as char).to_digit(16).ok_or(Wrong::Escape);
                        (digit(next()?)? * 16 + digit(next()?)?) as u8
                    }
                    _ => return Err(Wrong::Escape),
                });
            }
            other => bytes.push(other),
        }
    }
    Err(Wrong::Unclosed)
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => write!(f, "`{}`", shown(word)),
            Self::Quoted(_) => f.write_str("text in quotes"),
            Self::Sign(sign) => write!(f, "`{sign}`"),
            Self::End => f.write_str("the end"),
        }
    }
}

/// As much of a word as is shown.
fn shown(word: &str) -> String {
    word.chars().take(SHOWN_CHARS_MAX).collect()
}
