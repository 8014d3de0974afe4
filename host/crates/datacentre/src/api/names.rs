//! What people, groups and channels may be called.
//!
//! Invariant: a username is one user's or one channel's, whatever its case.

use super::context::Context;
use super::error::{Answer, bad_request};
use crate::model::{channels, users};

/// The longest first or last name, in characters.
const NAME_MAX_CHARS: usize = 64;
/// How long usernames are.
const USERNAME_MIN_LEN: usize = 5;
const USERNAME_MAX_LEN: usize = 32;
/// The longest title and description, in characters; more is cut off.
const TITLE_MAX_CHARS: usize = 128;
const ABOUT_MAX_CHARS: usize = 255;

/// Whether this can be a username: <https://core.telegram.org/method/account.checkUsername>.
pub(super) fn is_username(name: &str) -> bool {
    (USERNAME_MIN_LEN..=USERNAME_MAX_LEN).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !name.ends_with('_')
        && !name.contains("__")
}

/// Whether a user or a channel has this username, or it is kept for a bot: <https://core.telegram.org/bots/features#username>.
pub(super) fn is_username_taken(context: &Context<'_>, username: &str) -> Answer<bool> {
    if username.to_ascii_lowercase().ends_with("bot") {
        return Ok(true);
    }
    let user = users::by_username(context.db, username)?.is_some();
    Ok(user || channels::by_username(context.db, username)?.is_some())
}

/// A first name that can be stored.
pub(super) fn checked_first_name(name: &str) -> Answer<&str> {
    let name = name.trim();
    let good = (1..=NAME_MAX_CHARS).contains(&name.chars().count());
    if good { Ok(name) } else { Err(bad_request("FIRSTNAME_INVALID")) }
}

/// A last name that can be stored; it may be empty.
pub(super) fn checked_last_name(name: &str) -> Answer<&str> {
    let name = name.trim();
    if name.chars().count() <= NAME_MAX_CHARS { Ok(name) } else { Err(bad_request("LASTNAME_INVALID")) }
}

/// A description that can be stored.
pub(super) fn checked_about(about: &str) -> String {
    about.trim().chars().take(ABOUT_MAX_CHARS).collect()
}

/// A title that can be stored.
pub(super) fn checked_title(title: &str) -> Answer<String> {
    let title: String = title.trim().chars().take(TITLE_MAX_CHARS).collect();
    if title.is_empty() { Err(bad_request("CHAT_TITLE_EMPTY")) } else { Ok(title) }
}
