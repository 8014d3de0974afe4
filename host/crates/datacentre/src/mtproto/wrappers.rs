//! Taking off what a method call may be wrapped in: <https://core.telegram.org/api/invoking>.
//!
//! Invariant: taking wrappers off recurses nowhere; each one takes bytes away or counts against the packet's budget.

use grammers_tl_types::{Cursor, Deserializable, Identifiable as _, deserialize, enums, functions};

use super::message::{Budget, constructor, unzip};
use crate::seam::{ALL_MESSAGES, RpcError};

/// Wrappers one in another.
const WRAPPERS_MAX: usize = 16;
/// JSON values one in another, in `initConnection.params`.
const JSON_DEPTH_MAX: usize = 16;

/// A method call and what its wrappers said.
#[derive(Default)]
pub(crate) struct Unwrapped {
    pub(crate) layer: Option<i32>,
    pub(crate) without_updates: bool,
    /// Requests that must have succeeded before.
    pub(crate) after: Vec<i64>,
    /// The method itself, from its constructor on.
    pub(crate) method: Vec<u8>,
}

/// Takes all wrappers off.
pub(crate) fn unwrap(request: Vec<u8>, budget: &mut Budget) -> Result<Unwrapped, RpcError> {
    let mut unwrapped = Unwrapped { method: request, ..Unwrapped::default() };
    for _ in 0..WRAPPERS_MAX {
        unwrapped.method = unzip(unwrapped.method, budget).map_err(|_| bad_request("INPUT_FETCH_ERROR"))?;
        if !take_one_off(&mut unwrapped)? {
            return Ok(unwrapped);
        }
    }
    Err(bad_request("INPUT_REQUEST_TOO_LONG"))
}

/// Takes the outermost wrapper off; false when there is none.
fn take_one_off(unwrapped: &mut Unwrapped) -> Result<bool, RpcError> {
    let cut_short = |_| bad_request("INPUT_FETCH_ERROR");
    let id = constructor(&unwrapped.method);
    let mut cursor = Cursor::from_slice(unwrapped.method.get(4..).unwrap_or_default());
    let cursor = &mut cursor;
    match id {
        functions::InvokeWithLayer::<Rest>::CONSTRUCTOR_ID => {
            unwrapped.layer = Some(i32::deserialize(cursor).map_err(cut_short)?);
        }
        functions::InitConnection::<Rest>::CONSTRUCTOR_ID => skip_init_connection(cursor).map_err(cut_short)?,
        functions::InvokeWithoutUpdates::<Rest>::CONSTRUCTOR_ID => unwrapped.without_updates = true,
        functions::InvokeAfterMsg::<Rest>::CONSTRUCTOR_ID => {
            unwrapped.after.push(i64::deserialize(cursor).map_err(cut_short)?);
        }
        functions::InvokeAfterMsgs::<Rest>::CONSTRUCTOR_ID => {
            unwrapped.after.extend(Vec::<i64>::deserialize(cursor).map_err(cut_short)?);
        }
        functions::InvokeWithMessagesRange::<Rest>::CONSTRUCTOR_ID => {
            let range = enums::MessageRange::deserialize(cursor).map_err(cut_short)?;
            if range != ALL_MESSAGES.into() {
                return Err(bad_request("MESSAGE_RANGE_INVALID"));
            }
        }
        _ => return Ok(false),
    }
    let taken = 4 + cursor.pos();
    unwrapped.method.drain(..taken);
    Ok(true)
}

/// What a generic function's query is deserialised as here, where only its constructor matters.
struct Rest;

impl Deserializable for Rest {
    fn deserialize(_: &mut Cursor<'_>) -> deserialize::Result<Self> {
        Ok(Self)
    }
}

/// `flags api_id device_model system_version app_version system_lang_code lang_pack lang_code proxy? params?`
fn skip_init_connection(cursor: &mut Cursor<'_>) -> deserialize::Result<()> {
    let flags = u32::deserialize(cursor)?;
    i32::deserialize(cursor)?;
    for _ in 0..6 {
        Vec::<u8>::deserialize(cursor)?;
    }
    if flags & 1 != 0 {
        enums::InputClientProxy::deserialize(cursor)?;
    }
    if flags & 2 != 0 {
        skip_json(cursor, JSON_DEPTH_MAX)?;
    }
    Ok(())
}

/// Skips a `JSONValue`. The generated parser would recurse as deep as the client likes.
fn skip_json(cursor: &mut Cursor<'_>, depth_left: usize) -> deserialize::Result<()> {
    use grammers_tl_types::types;
    let too_deep = |id| deserialize::Error::UnexpectedConstructor { id };
    let id = u32::deserialize(cursor)?;
    match id {
        types::JsonNull::CONSTRUCTOR_ID => {}
        types::JsonBool::CONSTRUCTOR_ID => drop(bool::deserialize(cursor)?),
        types::JsonNumber::CONSTRUCTOR_ID => drop(f64::deserialize(cursor)?),
        types::JsonString::CONSTRUCTOR_ID => drop(Vec::<u8>::deserialize(cursor)?),
        types::JsonArray::CONSTRUCTOR_ID | types::JsonObject::CONSTRUCTOR_ID => {
            let inside = depth_left.checked_sub(1).ok_or_else(|| too_deep(id))?;
            u32::deserialize(cursor)?;
            for _ in 0..u32::deserialize(cursor)? {
                if id == types::JsonObject::CONSTRUCTOR_ID {
                    u32::deserialize(cursor)?;
                    Vec::<u8>::deserialize(cursor)?;
                }
                skip_json(cursor, inside)?;
            }
        }
        _ => return Err(too_deep(id)),
    }
    Ok(())
}

fn bad_request(name: &str) -> RpcError {
    RpcError { code: 400, name: name.to_owned() }
}
