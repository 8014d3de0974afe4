//! A message's text and entities: <https://core.telegram.org/api/entities>.
//!
//! Invariant: what is stored is trimmed, not too long, and every entity lies wholly within it; offsets count UTF-16
//! units.

use std::ops::Range;

use grammers_tl_types as tl;
use linkify::{LinkFinder, LinkKind};
use tl::{Serializable, enums, types};

use super::context::Context;
use super::error::{Answer, bad_request};
use super::limits::TEXT_MAX_UTF16;
use super::named;
use crate::model::users;

/// The longest caption, in UTF-16 units.
const CAPTION_MAX_UTF16: usize = 1024;
/// The most entities a text keeps.
const ENTITIES_MAX: usize = 100;
/// A user mentioned by name in one text counts only this often.
const MENTIONS_MAX: usize = 50;

/// A text ready to be stored.
#[derive(Debug, Default)]
pub(super) struct Text {
    pub(super) text: String,
    /// `Vector<MessageEntity>`, none if there are no entities.
    pub(super) entities: Option<Vec<u8>>,
    /// Users it mentions, by username or by id.
    pub(super) mentioned: Vec<i64>,
}

/// Checks and trims a text, and adds the entities the server finds itself: mentions, commands, hashtags, links.
pub(super) fn prepare(context: &Context<'_>, raw: &str, given: Option<Vec<enums::MessageEntity>>) -> Answer<Text> {
    if utf16_len(raw) > TEXT_MAX_UTF16 {
        return Err(bad_request("MESSAGE_TOO_LONG"));
    }
    let text = raw.trim();
    if text.is_empty() {
        return Err(bad_request("MESSAGE_EMPTY"));
    }
    let cut = utf16_len(&raw[..raw.len() - raw.trim_start().len()]);
    let length = utf16_len(text);
    let mut mentioned = Vec::new();
    let mut entities = Vec::new();
    for entity in given.unwrap_or_default().into_iter().take(ENTITIES_MAX) {
        let entity = by_user_id(context, entity)?;
        let Some(entity) = placed(entity, cut, length, utf16_len(raw))? else { continue };
        if let enums::MessageEntity::MentionName(mention) = &entity {
            mentioned.push(mention.user_id);
        }
        entities.push(entity);
    }
    for entity in found(text) {
        let place = range(&entity);
        let taken = entities.iter().any(|other| is_literal(other) && overlap(&range(other), &place));
        if taken || entities.len() >= ENTITIES_MAX {
            continue;
        }
        if let enums::MessageEntity::Mention(_) = &entity
            && mentioned.len() < MENTIONS_MAX
            && let Some(user) = users::by_username(context.db, &utf16_slice(text, place.start + 1..place.end))?
        {
            mentioned.push(user.id);
        }
        entities.push(entity);
    }
    entities.sort_by_key(|entity| (range(entity).start, std::cmp::Reverse(range(entity).end)));
    let entities = (!entities.is_empty()).then(|| entities.to_bytes());
    Ok(Text { text: text.to_owned(), entities, mentioned })
}

/// The same for what stands below media, where there need not be any text.
pub(super) fn caption(context: &Context<'_>, raw: &str, given: Option<Vec<enums::MessageEntity>>) -> Answer<Text> {
    if utf16_len(raw) > CAPTION_MAX_UTF16 {
        return Err(bad_request("MEDIA_CAPTION_TOO_LONG"));
    }
    if raw.trim().is_empty() { Ok(Text::default()) } else { prepare(context, raw, given) }
}

/// Those entities that every client understands and may send, as they are.
pub(super) fn known(entities: Option<Vec<enums::MessageEntity>>) -> Option<Vec<enums::MessageEntity>> {
    let known = entities?.into_iter().filter_map(|mut entity| place(&mut entity).is_some().then_some(entity));
    Some(known.take(ENTITIES_MAX).collect())
}

/// How long a text is in UTF-16 units.
pub(super) fn utf16_len(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// Whether each word of the query begins some word of the text, in whatever case; a query without words must be in it as
/// it is.
pub(super) fn matches(text: &str, query: &str) -> bool {
    let wanted = words(query);
    if wanted.is_empty() {
        return text.contains(query.trim());
    }
    let words = words(text);
    wanted.iter().all(|wanted| words.iter().any(|word| word.starts_with(wanted.as_str())))
}

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// A mention by user id as it is stored.
fn by_user_id(context: &Context<'_>, entity: enums::MessageEntity) -> Answer<enums::MessageEntity> {
    let enums::MessageEntity::InputMessageEntityMentionName(mention) = entity else { return Ok(entity) };
    let user_id = named::user(context, &mention.user_id)?.id;
    Ok(types::MessageEntityMentionName { offset: mention.offset, length: mention.length, user_id }.into())
}

/// Moves a client's entity from the raw to the trimmed text; none if nothing of it is left.
fn placed(
    mut entity: enums::MessageEntity,
    cut: usize,
    length: usize,
    raw_length: usize,
) -> Answer<Option<enums::MessageEntity>> {
    let Some((offset, len)) = place(&mut entity) else { return Ok(None) };
    let (Ok(start), Ok(size)) = (usize::try_from(*offset), usize::try_from(*len)) else {
        return Err(bad_request("ENTITY_BOUNDS_INVALID"));
    };
    if start + size > raw_length {
        return Err(bad_request("ENTITY_BOUNDS_INVALID"));
    }
    let new_start = start.max(cut) - cut;
    let new_end = (start + size).saturating_sub(cut).min(length);
    if new_start >= new_end {
        return Ok(None);
    }
    let as_i32 = |n: usize| i32::try_from(n).unwrap_or(0);
    (*offset, *len) = (as_i32(new_start), as_i32(new_end - new_start));
    Ok(Some(entity))
}

/// What the server finds in a text.
fn found(text: &str) -> Vec<enums::MessageEntity> {
    let mut finder = LinkFinder::new();
    let (mut entities, mut units, mut before) = (Vec::new(), 0, ' ');
    for span in finder.kinds(&[LinkKind::Url]).spans(text) {
        let is_link = span.kind().is_some() && is_of_the_web(span.as_str());
        let mut rest = span.as_str();
        while let Some(first) = rest.chars().next() {
            let length = match () {
                () if before.is_alphanumeric() || before == '_' => 0,
                () if is_link => rest.len(),
                () => token_length(rest, first, before),
            };
            if length == 0 {
                units += first.len_utf16();
                before = first;
                rest = &rest[first.len_utf8()..];
                continue;
            }
            let token = &rest[..length];
            entities.push(entity(first, units, utf16_len(token)));
            units += utf16_len(token);
            before = token.chars().next_back().unwrap_or(before);
            rest = &rest[length..];
        }
    }
    entities
}

fn is_of_the_web(link: &str) -> bool {
    let is_scheme = |known: &&str| link.split_once("://").is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case(known));
    ["https", "http"].iter().any(is_scheme)
}

/// How many bytes of `rest` are one mention, command or hashtag; 0 if it begins with none.
fn token_length(rest: &str, first: char, before: char) -> usize {
    let name = |after: &str| after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
    match first {
        '@' => Some(name(&rest[1..])).filter(|length| (3..=32).contains(length)).map_or(0, |length| length + 1),
        '/' if before.is_whitespace() => {
            let command = name(&rest[1..]);
            if !(1..=64).contains(&command) {
                return 0;
            }
            let after = &rest[1 + command..];
            let bot = after.strip_prefix('@').map_or(0, name).min(32);
            1 + command + if bot >= 3 { bot + 1 } else { 0 }
        }
        '#' => {
            let tag = rest[1..].find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len() - 1);
            let has_letter = rest[1..=tag].chars().any(char::is_alphabetic);
            if has_letter { tag + 1 } else { 0 }
        }
        _ => 0,
    }
}

fn entity(first: char, offset: usize, length: usize) -> enums::MessageEntity {
    let (offset, length) = (i32::try_from(offset).unwrap_or(0), i32::try_from(length).unwrap_or(0));
    match first {
        '@' => types::MessageEntityMention { offset, length }.into(),
        '/' => types::MessageEntityBotCommand { offset, length }.into(),
        '#' => types::MessageEntityHashtag { offset, length }.into(),
        _ => types::MessageEntityUrl { offset, length }.into(),
    }
}

/// Within these the server looks for nothing.
fn is_literal(entity: &enums::MessageEntity) -> bool {
    use enums::MessageEntity as E;
    matches!(
        entity,
        E::Code(_)
            | E::Pre(_)
            | E::TextUrl(_)
            | E::MentionName(_)
            | E::Mention(_)
            | E::BotCommand(_)
            | E::Hashtag(_)
            | E::Url(_)
    )
}

fn range(entity: &enums::MessageEntity) -> Range<usize> {
    let start = usize::try_from(entity.offset()).unwrap_or(0);
    start..start + usize::try_from(entity.length()).unwrap_or(0)
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

/// The part of a text that an entity marks.
pub(super) fn marked(text: &str, entity: &enums::MessageEntity) -> String {
    utf16_slice(text, range(entity))
}

fn utf16_slice(text: &str, range: Range<usize>) -> String {
    let units: Vec<u16> = text.encode_utf16().skip(range.start).take(range.len()).collect();
    String::from_utf16_lossy(&units)
}

/// The entity's offset and length; none for kinds that clients do not send.
fn place(entity: &mut enums::MessageEntity) -> Option<(&mut i32, &mut i32)> {
    use enums::MessageEntity as E;
    macro_rules! either {
        ($($kind:ident),+) => {
            match entity { $(E::$kind(entity) => Some((&mut entity.offset, &mut entity.length)),)+ _ => None }
        };
    }
    either!(
        Mention,
        Hashtag,
        BotCommand,
        Url,
        Email,
        Bold,
        Italic,
        Code,
        Pre,
        TextUrl,
        MentionName,
        Phone,
        Cashtag,
        Underline,
        Strike,
        BankCard,
        Spoiler,
        CustomEmoji,
        Blockquote
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_finds_mentions_commands_hashtags_and_links() {
        type Found = (&'static str, i32, i32);
        let cases: [(&str, &[Found]); 13] = [
            ("no entities here", &[]),
            ("hello @alice_1", &[("mention", 6, 8)]),
            ("mail me@example.org", &[]),
            ("/start now", &[("command", 0, 6)]),
            ("/start@bot7_bot now", &[("command", 0, 15)]),
            ("a/b and 1/2", &[]),
            ("🎉 #größe.", &[("hashtag", 3, 6)]),
            ("#123", &[]),
            ("see https://example.org/x?y=1, then", &[("url", 4, 25)]),
            ("(see HTTP://example.org/a_(b)) and @alice", &[("url", 5, 24), ("mention", 35, 6)]),
            ("https://example.org/@alice", &[("url", 0, 26)]),
            ("ftp://example.org and example.org", &[]),
            ("xhttps://example.org http://", &[]),
        ];
        for (text, wanted) in cases {
            let got: Vec<_> = found(text)
                .iter()
                .map(|entity| {
                    use enums::MessageEntity as E;
                    let kind = match entity {
                        E::Mention(_) => "mention",
                        E::BotCommand(_) => "command",
                        E::Hashtag(_) => "hashtag",
                        E::Url(_) => "url",
                        _ => "other",
                    };
                    (kind, entity.offset(), entity.length())
                })
                .collect();
            assert_eq!(got, wanted, "{text}");
        }
    }

    #[test]
    fn entities_move_with_the_trimmed_text_or_vanish() {
        let bold = |offset, length| enums::MessageEntity::from(types::MessageEntityBold { offset, length });
        // The text "  ab  " is stored as "ab".
        let cases = [((2, 2), Some((0, 2))), ((0, 6), Some((0, 2))), ((0, 2), None), ((3, 3), Some((1, 1)))];
        for ((offset, length), wanted) in cases {
            let got = placed(bold(offset, length), 2, 2, 6).unwrap();
            assert_eq!(got, wanted.map(|(offset, length)| bold(offset, length)));
        }
        for (offset, length) in [(-1, 2), (0, -1), (5, 2), (i32::MAX, i32::MAX)] {
            assert!(placed(bold(offset, length), 2, 2, 6).is_err());
        }
    }

    #[test]
    fn a_search_matches_the_beginnings_of_words() {
        assert!(matches("Die Größe zählt", "GRÖ"));
        assert!(matches("hello big world", "wor HEL"));
        assert!(!matches("hello", "ello"));
        assert!(matches("hello", "") && matches("hello!", "!") && !matches("hello", "!"));
    }
}
