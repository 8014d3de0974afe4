//! What clients ask for that is not offered here: a line in the log for each layer and method, once.
//!
//! Invariant: whatever clients ask for, there are at most [`TOLD_MAX`] such lines.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use grammers_tl_types::name_for_id;

/// Lines in the life of a data centre.
pub(crate) const TOLD_MAX: usize = 256;

/// See the module.
#[derive(Default)]
pub(crate) struct Refused(Mutex<HashSet<What>>);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum What {
    Layer(i32),
    Method(u32),
}

impl Refused {
    /// A client speaks a layer that is not spoken here.
    pub(crate) fn layer(&self, layer: i32) {
        if self.is_news(What::Layer(layer)) {
            tracing::warn!(layer, "a client speaks a layer that is not spoken here: it is refused");
        }
    }

    /// A client calls a method that is not offered.
    pub(crate) fn method(&self, id: u32) {
        if self.is_news(What::Method(id)) {
            tracing::warn!(
                method = name_for_id(id),
                id = format_args!("{id:08x}"),
                "a client calls a method that is not offered: it is refused"
            );
        }
    }

    fn is_news(&self, what: What) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.len() < TOLD_MAX && told.insert(what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_told_once_and_not_too_many() {
        let refused = Refused::default();
        assert!(refused.is_news(What::Layer(7)));
        assert!(!refused.is_news(What::Layer(7)));
        assert_eq!((0..).take(2 * TOLD_MAX).filter(|id| refused.is_news(What::Method(*id))).count(), TOLD_MAX - 1);
    }
}
