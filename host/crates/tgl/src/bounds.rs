//! How large the arguments of a call may be: Telegram's own limits where it names them, else what nobody needs more of.
//!
//! Invariant: a call that passes takes a few kilobytes at most, so that a number of calls is an amount of memory.

use crate::{Call, CallError, Failure};

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

impl Call {
    /// Whether its arguments can be meant.
    ///
    /// # Errors
    /// What is too large in it, or no number, in words for the script's author.
    pub fn check(&self) -> Result<(), CallError> {
        match self {
            Call::SendMessage { text, .. } => message_text(text),
            Call::SearchMessages { text, .. } => at_most(TEXT_UNITS_MAX, "what is searched for", text),
            Call::RawQuery { text } => at_most(QUERY_UNITS_MAX, "the query", text),
            Call::JoinChatByLink { link } => at_most(LINK_UNITS_MAX, "the link", link),
            Call::SendFile { path, .. } | Call::SetProfilePhoto { path } | Call::SetChatPhoto { path, .. } => {
                at_most(PATH_UNITS_MAX, "the path", path)
            }
            Call::AddContact { phone, first_name, last_name }
            | Call::SendContact { phone, first_name, last_name, .. } => {
                at_most(PHONE_UNITS_MAX, "the phone number", phone)?;
                names(first_name, last_name)
            }
            Call::SetProfileName { first_name, last_name } => names(first_name, last_name),
            Call::CreateChat { users, title } => {
                if users.len() > PEERS_MAX {
                    return Err(invalid(format!(
                        "{} users are too many: a group begins with {PEERS_MAX}",
                        users.len()
                    )));
                }
                at_most(TITLE_UNITS_MAX, "the title", title)
            }
            Call::RenameChat { title, .. } => at_most(TITLE_UNITS_MAX, "the title", title),
            // What is kept as JSON can hold no other.
            Call::SendLocation { latitude, longitude, .. } if !(latitude.is_finite() && longitude.is_finite()) => {
                Err(invalid("latitude and longitude must be numbers".to_owned()))
            }
            Call::InTopic { send, .. } => send.check(),
            _ => Ok(()),
        }
    }
}

fn message_text(text: &str) -> Result<(), CallError> {
    // The name is Telegram's, for scripts that look for it.
    at_most(TEXT_UNITS_MAX, "MESSAGE_TOO_LONG: the text", text)
}

fn names(first: &str, last: &str) -> Result<(), CallError> {
    at_most(NAME_UNITS_MAX, "the first name", first)?;
    at_most(NAME_UNITS_MAX, "the last name", last)
}

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
    use crate::{FileKind, Page, PeerId};

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
