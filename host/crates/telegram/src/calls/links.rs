//! Joining by a link, an invitation's or a public one: <https://core.telegram.org/api/links>.

use grammers_tl_types as tl;
use tgl::{Failure, Outcome, PeerKind};
use tl::{enums, functions};

use super::Caller;
use crate::fault::Fault;
use crate::intake;

/// What a link leads to.
#[derive(Debug, PartialEq, Eq)]
enum Link<'a> {
    /// The secret part of an invitation.
    Invitation(&'a str),
    /// A public name.
    Name(&'a str),
}

/// messages.importChatInvite or channels.joinChannel: <https://core.telegram.org/method/messages.importChatInvite>,
/// <https://core.telegram.org/method/channels.joinChannel>.
pub(super) async fn join(caller: &Caller, link: &str) -> Result<Outcome, Fault> {
    let joined = match parse(link) {
        Some(Link::Invitation(hash)) => {
            caller.invoke(&functions::messages::ImportChatInvite { hash: hash.to_owned() }).await
        }
        Some(Link::Name(name)) => {
            let channel = resolve(caller, name).await?;
            caller.invoke(&functions::channels::JoinChannel { channel }).await
        }
        None => return Err(Fault::invalid("this is not a link to a group or channel")),
    };
    match joined {
        Ok(enums::messages::ChatInviteJoinResult::Ok(joined)) => {
            caller.context.intake().receive_answer(joined.updates, None);
            Ok(Outcome::Done)
        }
        Ok(enums::messages::ChatInviteJoinResult::WebView(_)) => {
            Err(Fault::new(Failure::Refused, "the group asks for something that only a person can do"))
        }
        Err(error) => {
            if error.is_named("INVITE_REQUEST_SENT") {
                tracing::info!("a request to join was sent; an admin decides");
            }
            Err(error)
        }
    }
}

/// contacts.resolveUsername: <https://core.telegram.org/method/contacts.resolveUsername>.
async fn resolve(caller: &Caller, name: &str) -> Result<enums::InputChannel, Fault> {
    let request = functions::contacts::ResolveUsername { username: name.to_owned(), referer: None };
    let enums::contacts::ResolvedPeer::Peer(found) = caller.invoke(&request).await?;
    caller.context.intake().learn(&found.users, &found.chats, &[])?;
    let peer = intake::peer_id(&found.peer);
    match peer.kind {
        PeerKind::Channel => caller.context.input_channel(peer),
        _ => Err(Fault::invalid("this name is a person's: only groups and channels can be joined")),
    }
}

/// What telegram-cli took for a link, and what clients take for one today. A word alone is an invitation's secret part.
fn parse(link: &str) -> Option<Link<'_>> {
    let link = link.trim();
    let rest = ["https://", "http://"].iter().find_map(|scheme| link.strip_prefix(scheme)).unwrap_or(link);
    let path = ["t.me/", "telegram.me/", "telegram.dog/"].iter().find_map(|host| rest.strip_prefix(host));
    if let Some(path) = path {
        return match path.strip_prefix("joinchat/").or_else(|| path.strip_prefix('+')) {
            Some(hash) => invitation(without_slash(hash)),
            None => public(without_slash(path)),
        };
    }
    let alternatives = [("tg://join?invite=", true), ("tg://resolve?domain=", false), ("@", false)];
    for (prefix, is_invitation) in alternatives {
        if let Some(rest) = link.strip_prefix(prefix) {
            return if is_invitation { invitation(rest) } else { public(rest) };
        }
    }
    invitation(link.strip_prefix('+').unwrap_or(link))
}

fn without_slash(text: &str) -> &str {
    text.strip_suffix('/').unwrap_or(text)
}

fn invitation(hash: &str) -> Option<Link<'_>> {
    let is_hash = !hash.is_empty() && hash.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    is_hash.then_some(Link::Invitation(hash))
}

fn public(name: &str) -> Option<Link<'_>> {
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then_some(Link::Name(name))
}

#[cfg(test)]
mod tests {
    use super::{Link, parse};

    #[test]
    fn links_are_told_apart() {
        let cases = [
            ("https://t.me/joinchat/AbC-_1", Some(Link::Invitation("AbC-_1"))),
            ("http://telegram.me/joinchat/x1/", Some(Link::Invitation("x1"))),
            (" t.me/+x1 ", Some(Link::Invitation("x1"))),
            ("tg://join?invite=x1", Some(Link::Invitation("x1"))),
            ("AbC-_1", Some(Link::Invitation("AbC-_1"))),
            ("+AbC-_1", Some(Link::Invitation("AbC-_1"))),
            ("https://t.me/some_group", Some(Link::Name("some_group"))),
            ("telegram.dog/some_group/", Some(Link::Name("some_group"))),
            ("tg://resolve?domain=some_group", Some(Link::Name("some_group"))),
            ("@some_group", Some(Link::Name("some_group"))),
            ("https://t.me/joinchat/", None),
            ("https://t.me/+a/../b", None),
            ("https://t.me/some_group/17", None),
            ("https://example.org/joinchat/x1", None),
            ("@", None),
            ("", None),
        ];
        for (link, expected) in cases {
            assert_eq!(parse(link), expected, "{link}");
        }
    }
}
