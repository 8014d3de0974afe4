//! What the model keeps as bytes and this module as TL objects.
//!
//! Invariant: bytes that say nothing (any more) are as none.

use grammers_tl_types::Deserializable;

/// What was stored serialised.
pub(super) fn stored<T: Deserializable>(bytes: &Option<Vec<u8>>) -> Option<T> {
    T::from_bytes(bytes.as_deref()?).ok()
}
