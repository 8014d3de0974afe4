//! Telegram in its own words: the text of a query is read, and that of an answer written, in telegram-cli's form of TL, by the
//! schema of the layer that this project speaks; and which methods nobody may grant to a script.
//!
//! Invariant: a query is a script's and an answer the data centre's, so neither is believed: what is read has bounds, and what
//! is wrong is a fault with its place.

mod answer;
mod policy;
mod query;

pub use answer::{ANSWER_TEXT_BYTES_MAX, AnswerFault, text};
pub use policy::{NotGrantable, check_grantable};
pub use query::{DEPTH_MAX, Query, QueryFault, Wrong, read};
