//! A guard before deserialising: TL types that contain themselves could otherwise be nested until the stack is full.
//!
//! Invariant: what passes is nested at most [`NESTING_MAX`] deep, because each level takes one of these constructors.

use grammers_tl_types as tl;
use tl::Identifiable;
use tl::functions::upload::{SaveBigFilePart, SaveFilePart};
use tl::types::*;

/// How many constructors of self-containing types a request may have.
const NESTING_MAX: usize = 1_024;

/// Whether the request's objects are nested so little that deserialising it is safe. TL is aligned to four bytes.
pub(crate) fn is_bounded(request: &[u8]) -> bool {
    if request.first_chunk().is_some_and(|id| FLAT.contains(&u32::from_le_bytes(*id))) {
        return true;
    }
    let words = request.chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]));
    words.filter(|word| SELF_CONTAINING.contains(word)).count() <= NESTING_MAX
}

/// Methods that take a file's bytes and no object: whatever words are in those, nothing is nested.
const FLAT: [u32; 2] = [SaveFilePart::CONSTRUCTOR_ID, SaveBigFilePart::CONSTRUCTOR_ID];

/// The constructors through which objects that clients send can contain others of their own type.
const SELF_CONTAINING: [u32; 45] = [
    InputPeerUserFromMessage::CONSTRUCTOR_ID,
    InputPeerChannelFromMessage::CONSTRUCTOR_ID,
    InputMediaInvoice::CONSTRUCTOR_ID,
    InputMediaPaidMedia::CONSTRUCTOR_ID,
    InputMediaPoll::CONSTRUCTOR_ID,
    JsonArray::CONSTRUCTOR_ID,
    JsonObject::CONSTRUCTOR_ID,
    PageBlockBlockquoteBlocks::CONSTRUCTOR_ID,
    PageBlockCollage::CONSTRUCTOR_ID,
    PageBlockCover::CONSTRUCTOR_ID,
    PageBlockDetails::CONSTRUCTOR_ID,
    PageBlockEmbedPost::CONSTRUCTOR_ID,
    PageBlockList::CONSTRUCTOR_ID,
    PageBlockOrderedList::CONSTRUCTOR_ID,
    PageBlockSlideshow::CONSTRUCTOR_ID,
    PageListItemBlocks::CONSTRUCTOR_ID,
    PageListOrderedItemBlocks::CONSTRUCTOR_ID,
    TextAnchor::CONSTRUCTOR_ID,
    TextAutoEmail::CONSTRUCTOR_ID,
    TextAutoPhone::CONSTRUCTOR_ID,
    TextAutoUrl::CONSTRUCTOR_ID,
    TextBankCard::CONSTRUCTOR_ID,
    TextBold::CONSTRUCTOR_ID,
    TextBotCommand::CONSTRUCTOR_ID,
    TextButton::CONSTRUCTOR_ID,
    TextCashtag::CONSTRUCTOR_ID,
    TextConcat::CONSTRUCTOR_ID,
    TextDate::CONSTRUCTOR_ID,
    TextDiff::CONSTRUCTOR_ID,
    TextEmail::CONSTRUCTOR_ID,
    TextFixed::CONSTRUCTOR_ID,
    TextHashtag::CONSTRUCTOR_ID,
    TextItalic::CONSTRUCTOR_ID,
    TextMarked::CONSTRUCTOR_ID,
    TextMention::CONSTRUCTOR_ID,
    TextMentionName::CONSTRUCTOR_ID,
    TextPhone::CONSTRUCTOR_ID,
    TextSpoiler::CONSTRUCTOR_ID,
    TextStrike::CONSTRUCTOR_ID,
    TextSubscript::CONSTRUCTOR_ID,
    TextSuperscript::CONSTRUCTOR_ID,
    TextTonAddress::CONSTRUCTOR_ID,
    TextUnderline::CONSTRUCTOR_ID,
    TextUrl::CONSTRUCTOR_ID,
    SecureRequiredTypeOneOf::CONSTRUCTOR_ID,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_is_counted_and_bounded() {
        let level = InputPeerUserFromMessage::CONSTRUCTOR_ID.to_le_bytes();
        assert!(is_bounded(&level.repeat(NESTING_MAX)));
        assert!(!is_bounded(&level.repeat(NESTING_MAX + 1)));
        assert!(is_bounded(&vec![0; 1 << 20]));
        assert!(is_bounded(
            &[&SaveFilePart::CONSTRUCTOR_ID.to_le_bytes()[..], &level.repeat(NESTING_MAX + 1)].concat()
        ));
    }
}
