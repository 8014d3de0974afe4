//! What the arguments of a call may be, a function for each bound in the table of calls: Telegram's own limits where it names
//! them, else what nobody needs more of.
//!
//! Invariant: a call that passes takes a few kilobytes at most, so that a number of calls is an amount of memory.

use crate::{CallError, Failure, FileKind, FilePart, MessageId, Page, PeerId, Presence, TypingState};

/// A message's text, in UTF-16 units: <https://core.telegram.org/api/config#message-length-max>.
pub const TEXT_UNITS_MAX: usize = 4_096;
/// A person's name, first or last, in UTF-16 units.
pub const NAME_UNITS_MAX: usize = 255;
/// A group's title, in UTF-16 units.
pub const TITLE_UNITS_MAX: usize = 255;
/// Users that a group begins with: <https://core.telegram.org/api/config#chat-size-max>.
pub const PEERS_MAX: usize = 200;
/// A phone number as people write it.
const PHONE_UNITS_MAX: usize = 64;
/// A path in the script's folders, as the system bounds it.
const PATH_UNITS_MAX: usize = 4_096;
/// An address that invites to a group.
const LINK_UNITS_MAX: usize = 2_048;
/// A query in words of Telegram's own.
const QUERY_UNITS_MAX: usize = 65_536;

pub(crate) fn text(text: &str) -> Result<(), CallError> {
    // The name is Telegram's, for scripts that look for it.
    at_most(TEXT_UNITS_MAX, "MESSAGE_TOO_LONG: the text", text)
}

pub(crate) fn searched(text: &str) -> Result<(), CallError> {
    at_most(TEXT_UNITS_MAX, "what is searched for", text)
}

pub(crate) fn first_name(name: &str) -> Result<(), CallError> {
    at_most(NAME_UNITS_MAX, "the first name", name)
}

pub(crate) fn last_name(name: &str) -> Result<(), CallError> {
    at_most(NAME_UNITS_MAX, "the last name", name)
}

pub(crate) fn phone(number: &str) -> Result<(), CallError> {
    at_most(PHONE_UNITS_MAX, "the phone number", number)
}

pub(crate) fn title(title: &str) -> Result<(), CallError> {
    at_most(TITLE_UNITS_MAX, "the title", title)
}

pub(crate) fn path(path: &str) -> Result<(), CallError> {
    at_most(PATH_UNITS_MAX, "the path", path)
}

pub(crate) fn link(link: &str) -> Result<(), CallError> {
    at_most(LINK_UNITS_MAX, "the link", link)
}

pub(crate) fn query(text: &str) -> Result<(), CallError> {
    at_most(QUERY_UNITS_MAX, "the query", text)
}

pub(crate) fn users(users: &[PeerId]) -> Result<(), CallError> {
    match users.len() {
        count if count > PEERS_MAX => {
            Err(invalid(format!("{count} users are too many: a group begins with {PEERS_MAX}")))
        }
        _ => Ok(()),
    }
}

pub(crate) fn degrees(number: &f64) -> Result<(), CallError> {
    // What is kept as JSON can hold no other.
    if number.is_finite() {
        return Ok(());
    }
    Err(invalid("latitude and longitude must be numbers".to_owned()))
}

/// What every value of its type passes.
pub(crate) fn any<T: Small>(_: &T) {}

/// A type of which no value is large, and each can be meant.
#[diagnostic::on_unimplemented(message = "an argument of type `{Self}` needs a bound in the table of calls")]
pub(crate) trait Small {}

macro_rules! small {
    ($($type:ty),*) => { $(impl Small for $type {})* };
}

small!(PeerId, MessageId, Page, FileKind, FilePart, TypingState, Presence, bool);

impl<T: Small> Small for Option<T> {}

fn at_most(units_max: usize, what: &str, text: &str) -> Result<(), CallError> {
    // No text has more UTF-16 units than bytes.
    if text.len() <= units_max {
        return Ok(());
    }
    match text.encode_utf16().count() {
        units if units > units_max => {
            Err(invalid(format!("{what} is too long: it has {units} characters, and may have {units_max}")))
        }
        _ => Ok(()),
    }
}

fn invalid(detail: String) -> CallError {
    CallError::new(Failure::Invalid, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Call;

    #[test]
    fn what_fits_passes_and_one_more_does_not() {
        let to = PeerId::user(1);
        let page = Page { offset: 0, limit: 1 };
        let text = |length: usize| "x".repeat(length);
        type Make<'a> = &'a dyn Fn(usize) -> Call;
        let cases: [(usize, Make<'_>); 12] = [
            (4_096, &|n| Call::SendMessage { to, text: text(n), reply_to: None, preview: None }),
            (4_096, &|n| Call::SendMessage { to, text: "\u{44f}".repeat(n), reply_to: None, preview: None }),
            (2_048, &|n| Call::SendMessage { to, text: "\u{1f600}".repeat(n), reply_to: None, preview: None }),
            (4_096, &|n| Call::SearchMessages { peer: None, text: text(n), page }),
            (65_536, &|n| Call::RawQuery { text: text(n) }),
            (2_048, &|n| Call::JoinChatByLink { link: text(n) }),
            (4_096, &|n| Call::SendFile { to, kind: FileKind::Photo, path: text(n) }),
            (255, &|n| Call::SetProfileName { first_name: String::new(), last_name: text(n) }),
            (255, &|n| Call::SendContact { to, phone: text(1), first_name: text(n), last_name: text(1) }),
            (64, &|n| Call::AddContact { phone: text(n), first_name: text(1), last_name: text(1) }),
            (200, &|n| Call::CreateChat { users: vec![to; n], title: text(1) }),
            (255, &|n| Call::RenameChat { chat: PeerId::chat(1), title: text(n) }),
        ];
        for (max, make) in cases {
            assert_eq!(make(max).check(), Ok(()), "{:.60?}", make(max));
            let refused = make(max + 1).check();
            assert!(matches!(&refused, Err(error) if error.kind == Failure::Invalid), "{:.60?}", make(max + 1));
        }
        let nowhere = Call::SendLocation { to, latitude: f64::NAN, longitude: 0.0 };
        assert!(nowhere.check().is_err());
    }
}
