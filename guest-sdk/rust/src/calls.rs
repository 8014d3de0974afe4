//! Everything that can be asked of Telegram. Each function gives a [`Call`], which says how it leaves and how its answer comes
//! back; the type in it is the answer.
//!
//! Every call can fail with [`Failure::NotGranted`](crate::Failure::NotGranted),
//! [`LimitReached`](crate::Failure::LimitReached), [`Unavailable`](crate::Failure::Unavailable) and
//! [`Refused`](crate::Failure::Refused), whose detail is Telegram's own error name (core.telegram.org/methods lists them per
//! method). Calls that name a peer or message that is not known fail with [`NotFound`](crate::Failure::NotFound); arguments
//! that make no sense with [`Invalid`](crate::Failure::Invalid).

use crate::bindings::tgl::script::calls as raw;
use crate::{Call, Dialog, Message, MessageId, Peer, PeerId, SendMessage};

pub use raw::{FileKind, FilePart, Page, Presence, TypingState};

/// The contacts of this account.
pub fn get_contacts() -> Call<'static, Vec<Peer>> {
    Call::new("get_contacts", raw::get_contacts)
}

/// The conversations of this account, newest first, at most 100.
pub fn get_dialogs() -> Call<'static, Vec<Dialog>> {
    Call::new("get_dialogs", raw::get_dialogs)
}

/// Adds or renames the contact with this phone number. The answer is empty if nobody has the number.
pub fn add_contact<'a>(phone: &'a str, first_name: &'a str, last_name: &'a str) -> Call<'a, Vec<Peer>> {
    Call::new("add_contact", move || raw::add_contact(phone, first_name, last_name))
}

/// Removes a user from the contacts.
pub fn delete_contact(user: impl Into<PeerId>) -> Call<'static, ()> {
    let user = user.into();
    Call::new("delete_contact", move || raw::delete_contact(user))
}

/// Changes this account's own name. The answer is oneself.
pub fn set_profile_name<'a>(first_name: &'a str, last_name: &'a str) -> Call<'a, Peer> {
    Call::new("set_profile_name", move || raw::set_profile_name(first_name, last_name))
}

/// Changes this account's own photo. `path` is in the script's own folders, here and wherever a call takes a file.
pub fn set_profile_photo(path: &str) -> Call<'_, ()> {
    Call::new("set_profile_photo", move || raw::set_profile_photo(path))
}

/// Shows this account as online or offline.
pub fn set_presence(state: Presence) -> Call<'static, ()> {
    Call::new("set_presence", move || raw::set_presence(state))
}

/// Sends a text. The answer is the message as sent; the script's [`on_message`](crate::Script::on_message) sees it first.
pub fn send_message(to: impl Into<PeerId>, text: &str) -> SendMessage<'_> {
    SendMessage::new(to.into(), text)
}

/// Sends a file. The answer is the message as sent.
pub fn send_file(to: impl Into<PeerId>, kind: FileKind, path: &str) -> Call<'_, Message> {
    let to = to.into();
    Call::new("send_file", move || raw::send_file(to, kind, path))
}

/// Sends a point on the map, in degrees. The answer is the message as sent.
pub fn send_location(to: impl Into<PeerId>, latitude: f64, longitude: f64) -> Call<'static, Message> {
    let to = to.into();
    Call::new("send_location", move || raw::send_location(to, latitude, longitude))
}

/// Sends somebody's card. The answer is the message as sent.
pub fn send_contact<'a>(
    to: impl Into<PeerId>,
    phone: &'a str,
    first_name: &'a str,
    last_name: &'a str,
) -> Call<'a, Message> {
    let to = to.into();
    Call::new("send_contact", move || raw::send_contact(to, phone, first_name, last_name))
}

/// Forwards a message, naming its author. The answer is the message as sent.
pub fn forward_message(to: impl Into<PeerId>, id: MessageId) -> Call<'static, Message> {
    let to = to.into();
    Call::new("forward_message", move || raw::forward_message(to, id))
}

/// Sends the media of a message again, without naming its author. The answer is the message as sent.
pub fn forward_media(to: impl Into<PeerId>, id: MessageId) -> Call<'static, Message> {
    let to = to.into();
    Call::new("forward_media", move || raw::forward_media(to, id))
}

/// Deletes a message for this account.
pub fn delete_message(id: MessageId) -> Call<'static, ()> {
    Call::new("delete_message", move || raw::delete_message(id))
}

/// Brings a deleted message back where the host still holds it.
pub fn restore_message(id: MessageId) -> Call<'static, ()> {
    Call::new("restore_message", move || raw::restore_message(id))
}

/// Marks a conversation as read.
pub fn mark_read(peer: impl Into<PeerId>) -> Call<'static, ()> {
    let peer = peer.into();
    Call::new("mark_read", move || raw::mark_read(peer))
}

/// Shows the other side that this account is typing, or has stopped.
pub fn set_typing(peer: impl Into<PeerId>, state: TypingState) -> Call<'static, ()> {
    let peer = peer.into();
    Call::new("set_typing", move || raw::set_typing(peer, state))
}

/// Messages of a conversation, newest first; fewer than `range.limit` only at its beginning. Also marks it as read.
pub fn get_history(peer: impl Into<PeerId>, range: Page) -> Call<'static, Vec<Message>> {
    let peer = peer.into();
    Call::new("get_history", move || raw::get_history(peer, range))
}

/// Messages that contain a text, newest first: those of one conversation, or without a peer those of all.
pub fn search_messages(peer: Option<PeerId>, text: &str, range: Page) -> Call<'_, Vec<Message>> {
    Call::new("search_messages", move || raw::search_messages(peer, text, range))
}

/// What the server knows of a peer, members included.
pub fn get_peer_info(peer: impl Into<PeerId>) -> Call<'static, Peer> {
    let peer = peer.into();
    Call::new("get_peer_info", move || raw::get_peer_info(peer))
}

/// Loads a message's media. The answer is an absolute path in the script's own folders.
pub fn load_file(message: MessageId, part: FilePart) -> Call<'static, String> {
    Call::new("load_file", move || raw::load_file(message, part))
}

/// Makes a basic group of these users and this account.
pub fn create_chat<'a>(users: &'a [PeerId], title: &'a str) -> Call<'a, ()> {
    Call::new("create_chat", move || raw::create_chat(users, title))
}

/// Gives a group another title.
pub fn rename_chat(chat: impl Into<PeerId>, title: &str) -> Call<'_, ()> {
    let chat = chat.into();
    Call::new("rename_chat", move || raw::rename_chat(chat, title))
}

/// Gives a group another photo.
pub fn set_chat_photo(chat: impl Into<PeerId>, path: &str) -> Call<'_, ()> {
    let chat = chat.into();
    Call::new("set_chat_photo", move || raw::set_chat_photo(chat, path))
}

/// Takes a user into a group.
pub fn add_chat_user(chat: impl Into<PeerId>, user: impl Into<PeerId>) -> Call<'static, ()> {
    let (chat, user) = (chat.into(), user.into());
    Call::new("add_chat_user", move || raw::add_chat_user(chat, user))
}

/// Removes a user from a group.
pub fn delete_chat_user(chat: impl Into<PeerId>, user: impl Into<PeerId>) -> Call<'static, ()> {
    let (chat, user) = (chat.into(), user.into());
    Call::new("delete_chat_user", move || raw::delete_chat_user(chat, user))
}

/// Joins the group that an invitation link leads to.
pub fn join_chat_by_link(link: &str) -> Call<'_, ()> {
    Call::new("join_chat_by_link", move || raw::join_chat_by_link(link))
}

/// Asks a user for an end-to-end encrypted chat. The answer is the chat, once the user has agreed.
pub fn create_secret_chat(user: impl Into<PeerId>) -> Call<'static, Peer> {
    let user = user.into();
    Call::new("create_secret_chat", move || raw::create_secret_chat(user))
}

/// Agrees to an end-to-end encrypted chat that another user asked for.
pub fn accept_secret_chat(chat: impl Into<PeerId>) -> Call<'static, Peer> {
    let chat = chat.into();
    Call::new("accept_secret_chat", move || raw::accept_secret_chat(chat))
}

/// A raw query in TL notation; the answer is in the same notation.
pub fn raw_query(text: &str) -> Call<'_, String> {
    Call::new("raw_query", move || raw::raw_query(text))
}

#[cfg(test)]
mod tests {
    const CONTRACT: &str = include_str!("../wit/v0.1/script.wit");
    const HERE: &str = include_str!("calls.rs");

    /// Outcomes in the contract, and what they are here.
    const ANSWERS: [(&str, &str); 8] = [
        ("done", "()"),
        ("message", "Message"),
        ("messages", "Vec<Message>"),
        ("peer", "Peer"),
        ("peers", "Vec<Peer>"),
        ("dialogs", "Vec<Dialog>"),
        ("file", "String"),
        ("text", "String"),
    ];

    /// How a function of this module begins, up to its body.
    fn signature(function: &str) -> Option<&'static str> {
        let begins = [format!("\npub fn {function}("), format!("\npub fn {function}<")];
        let at = begins.iter().find_map(|begin| HERE.find(begin.as_str()))?;
        HERE[at..].split_once(" {\n").map(|(signature, _)| signature)
    }

    #[test]
    fn every_call_of_the_contract_is_here_with_its_answer() {
        let mut outcome = "";
        for line in CONTRACT.lines() {
            if let Some((_, named)) = line.split_once("outcome: ") {
                outcome = named.split(|letter: char| !letter.is_alphabetic()).next().unwrap();
            }
            let Some((function, _)) = line.trim().split_once(": func(").filter(|_| line.ends_with("request-id;"))
            else {
                continue;
            };
            let signature = signature(&function.replace('-', "_")).unwrap_or_else(|| panic!("{function} is not here"));
            let (_, answer) = ANSWERS.iter().find(|(name, _)| *name == outcome).unwrap();
            let gives = |what: &str| signature.ends_with(what);
            assert!(
                gives(&format!(", {answer}>")) || answer == &"Message" && gives("-> SendMessage<'_>"),
                "{function}"
            );
        }
    }
}
