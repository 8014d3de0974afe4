//! Previews of web pages: <https://core.telegram.org/constructor/webPage>.
//!
//! The data centre reaches no network, ever, so it can know only pages that it makes up itself: every `http` or `https`
//! address on `example.org`, `example.com` or `example.net`, the hosts that RFC 2606 reserves so that they mean nobody.
//! Such a page's preview follows from the address alone, the same each time; any other address has none, as on Telegram
//! one that cannot be fetched.
//!
//! Invariant: the same address gives the same preview, byte for byte.

use grammers_tl_types as tl;
use sha2::{Digest as _, Sha256};
use tl::{Deserializable as _, Serializable as _, enums, functions, types};

use super::context::Context;
use super::error::Answer;
use super::text::{self, Text};

const HOSTS: [&str; 3] = ["example.org", "example.com", "example.net"];
/// The longest address that has a preview.
const URL_BYTES_MAX: usize = 1_024;

/// messages.getWebPagePreview: <https://core.telegram.org/method/messages.getWebPagePreview>.
pub(super) fn get_web_page_preview(
    context: &mut Context<'_>,
    call: functions::messages::GetWebPagePreview,
) -> Answer<enums::messages::WebPagePreview> {
    let text = text::prepare(context, &call.message, call.entities)?;
    let media = preview(&text).unwrap_or(enums::MessageMedia::Empty);
    Ok(types::messages::WebPagePreview { media, chats: Vec::new(), users: Vec::new() }.into())
}

/// The preview of the first address in a text that has one.
pub(super) fn preview(text: &Text) -> Option<enums::MessageMedia> {
    let entities = Vec::<enums::MessageEntity>::from_bytes(text.entities.as_deref()?).ok()?;
    entities
        .iter()
        .find_map(|entity| match entity {
            enums::MessageEntity::Url(_) => media(&text::marked(&text.text, entity)),
            enums::MessageEntity::TextUrl(url) => media(&url.url),
            _ => None,
        })
        .map(Into::into)
}

/// The preview as a message keeps it, unless its sender wants none.
pub(super) fn kept(text: &Text, no_webpage: bool) -> Option<Vec<u8>> {
    preview(text).filter(|_| !no_webpage).map(|media| media.to_bytes())
}

/// The preview of this address, if it has one.
pub(super) fn media(url: &str) -> Option<types::MessageMediaWebPage> {
    Some(tl_blank::message_media_web_page(enums::WebPage::from(page(url)?)))
}

fn page(url: &str) -> Option<types::WebPage> {
    if url.len() > URL_BYTES_MAX {
        return None;
    }
    let (scheme, rest) = url.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
        return None;
    }
    let host = rest.split(['/', '?', '#']).next()?.to_ascii_lowercase();
    if !HOSTS.iter().any(|known| host == *known || host.ends_with(&format!(".{known}"))) {
        return None;
    }
    let path = rest[host.len()..].trim_matches('/');
    let digest = Sha256::digest(url.as_bytes());
    let id = i64::from_le_bytes(*digest.first_chunk::<8>()?);
    let hash = i32::from_le_bytes(*digest.last_chunk::<4>()?);
    let display_url = rest.trim_end_matches('/').to_owned();
    let mut page = tl_blank::web_page(id, url.to_owned(), display_url, hash);
    page.r#type = Some("article".to_owned());
    page.title = Some(if path.is_empty() { format!("The page of {host}") } else { format!("{path} at {host}") });
    page.description = Some(format!("What {url} would say, if anyone were there."));
    page.author = Some("The data centre".to_owned());
    page.site_name = Some(host);
    Some(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_mean_nobody_have_pages() {
        for (url, title) in [
            ("https://example.org", Some("The page of example.org")),
            ("http://www.Example.com/a/b?c=1", Some("a/b?c=1 at www.example.com")),
            ("https://example.net/", Some("The page of example.net")),
            ("ftp://example.org/", None),
            ("https://notexample.org/", None),
            ("https://example.org.evil.test/", None),
            ("https://telegram.org/", None),
            ("example.org", None),
        ] {
            assert_eq!(page(url).and_then(|page| page.title).as_deref(), title, "{url}");
        }
        assert_eq!(page("https://example.org/x"), page("https://example.org/x"));
        assert_eq!(page(&format!("https://example.org/{}", "x".repeat(URL_BYTES_MAX))), None);
    }
}
