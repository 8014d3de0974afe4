//! Other layers than the one this project speaks: what a client of one sends is made what this layer says, and back. `table.txt`
//! says what differs, [`shapes`] makes it data, [`walk`] goes through bytes by it.
//!
//! What an old layer cannot say is left out, as Telegram does: a field, an element of a list, or the whole of an update. What a
//! request says by an old number is understood whatever the client's layer.
//!
//! Invariant: bytes are walked once, to a depth and a length that have bounds; whatever they are, the worst is an error.

mod plan;
mod shapes;
#[cfg(test)]
mod tests;
mod walk;

use std::ops::RangeInclusive;

use self::plan::Plan;
use self::shapes::{SHAPES, Says};
use self::walk::Walk;

/// The layers that clients may speak.
pub const LAYERS: RangeInclusive<i32> = 198..=232;
/// Those of them that say everything which the data centre says as this one does.
const SAME: RangeInclusive<i32> = 229..=231;
/// Objects and lists within each other.
pub const DEPTH_MAX: usize = 32;
/// The longest request that is translated. What is longer brings a file's bytes, which are the same in all layers.
pub const REQUEST_BYTES_MAX: usize = 1 << 20;

/// Why a request is not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// It is cut short, or has something in a place where nothing of the kind may be.
    #[error("the bytes are none of the schema")]
    Malformed,
    /// See [`DEPTH_MAX`] and [`REQUEST_BYTES_MAX`].
    #[error("the request is longer or deeper than {REQUEST_BYTES_MAX} bytes and {DEPTH_MAX} objects in one another")]
    TooLong,
}

/// Whether the layer says everything as this project's does, so that nothing is to be done for it.
pub fn is_same(layer: i32) -> bool {
    SAME.contains(&layer)
}

/// What a request says in this layer that may say it by numbers of others, or that names a user or channel as the peer that they
/// are: both have the same fields in the same order, and clients rely on it. A method that is not known is left as it is.
///
/// # Errors
/// See [`Wrong`].
pub fn request(bytes: Vec<u8>) -> Result<Vec<u8>, Wrong> {
    let plan = Plan::of_requests();
    let Some(method) = bytes.first_chunk().and_then(|id| SHAPES.method(u32::from_le_bytes(*id))) else {
        return Ok(bytes);
    };
    if !plan.touches(method) {
        return Ok(bytes);
    }
    if bytes.len() > REQUEST_BYTES_MAX {
        return Err(Wrong::TooLong);
    }
    let mut walk = Walk::new(&SHAPES, plan, &bytes);
    if walk.method(method)? { Ok(walk.out) } else { Err(Wrong::Malformed) }
}

/// What this method's answer is in another layer; nothing where that cannot say it.
pub fn answer(layer: i32, method: u32, bytes: &[u8]) -> Option<Vec<u8>> {
    let Some(method) = SHAPES.method(method) else { return Some(bytes.to_vec()) };
    said(layer, &SHAPES[method].of, bytes)
}

/// What these updates are in another layer; nothing where that cannot say them.
pub fn updates(layer: i32, bytes: &[u8]) -> Option<Vec<u8>> {
    said(layer, &SHAPES.updates, bytes)
}

/// Whether this is what a client of that layer takes for this method's answer, or for updates where none is given.
#[doc(hidden)]
pub fn is_understood(layer: i32, method: Option<u32>, bytes: &[u8]) -> bool {
    let kind = match method {
        Some(id) => SHAPES.method(id).map(|method| &SHAPES[method].of),
        None => Some(&SHAPES.updates),
    };
    let (Some(kind), Some(plan)) = (kind, Plan::that_checks(layer)) else { return false };
    let mut in_its_place = SHAPES.rows.iter().filter_map(|row| match row.says {
        Says::Field(field) if row.layers.contains(&layer) && SHAPES[row.of].of == *kind => {
            Some(&SHAPES[row.of].fields[field].kind)
        }
        _ => None,
    });
    let mut walk = Walk::new(&SHAPES, plan, bytes);
    walk.value(in_its_place.next().unwrap_or(kind)) == Ok(true) && walk.out == bytes
}

fn said(layer: i32, kind: &shapes::Kind, bytes: &[u8]) -> Option<Vec<u8>> {
    let plan = Plan::of_layer(layer)?;
    if !plan.touches_kind(kind) {
        return Some(bytes.to_vec());
    }
    let mut walk = Walk::new(&SHAPES, plan, bytes);
    walk.value(kind).unwrap_or(false).then_some(walk.out)
}
