//! The seam between `mtproto` (bytes, keys, sessions) and `api` (methods, users, messages): plain types and two traits.
//!
//! Invariant: `mtproto` never looks into an update, nor into a method but the one that binds keys; `api` never sees a
//! socket, a salt or a message id.

use grammers_tl_types as tl;

/// The one range of message ids that messages.getSplitRanges gives and `invokeWithMessagesRange` takes: of a normal account,
/// none of whose messages lie elsewhere, it is all.
pub(crate) const ALL_MESSAGES: tl::types::MessageRange = tl::types::MessageRange { min_id: 1, max_id: i32::MAX };

/// What a client is told that calls a method that is not offered.
pub(crate) const NO_METHOD: &str = "INPUT_METHOD_INVALID";

/// Who asks: one MTProto session of one authorisation key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Low 64 bits of SHA-1 of the key: names it.
    pub(crate) auth_key_id: i64,
    /// The client's random session id.
    pub(crate) session_id: i64,
    /// The API layer the client speaks, from `invokeWithLayer`; remembered per key.
    pub(crate) layer: i32,
    /// The request came inside `invokeWithoutUpdates`: this session wants no updates pushed.
    pub(crate) without_updates: bool,
}

/// Telegram's own error: <https://core.telegram.org/api/errors>.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code} {name}")]
pub(crate) struct RpcError {
    pub(crate) code: i32,
    pub(crate) name: String,
}

/// What `api` offers to `mtproto`. One call is one transaction; it runs on a blocking-friendly thread and may not await.
pub(crate) trait Methods: Send + Sync + 'static {
    /// Executes one method (`request` starts with its constructor id, wrappers already taken off) and gives the
    /// serialised result. Updates it causes for anyone go through [`Pusher`], before it returns.
    fn invoke(&self, caller: Caller, request: &[u8]) -> Result<Vec<u8>, RpcError>;

    /// The last connection of this key has gone: its user may now be offline.
    fn disconnected(&self, auth_key_id: i64);

    /// This key is used from two places at once: nobody is logged in with it any more.
    fn used_twice(&self, auth_key_id: i64);
}

/// What `mtproto` offers to `api`.
pub(crate) trait Pusher: Send + Sync + 'static {
    /// Sends updates to every session of this key that wants updates, except `but_not` (the session that caused them and
    /// gets them in its answer). Without such a session nothing happens: the client gets them by getDifference.
    fn push(&self, auth_key_id: i64, updates: &tl::enums::Updates, but_not: Option<i64>);

    /// Ends every connection of this key: it was logged out or revoked.
    fn disconnect(&self, auth_key_id: i64);
}

/// Authorisation keys, kept by `model`, used by `mtproto`.
pub(crate) trait AuthKeys: Send + Sync + 'static {
    /// The key with this id, if the key exchange made it here.
    fn find(&self, auth_key_id: i64) -> Option<AuthKeyRecord>;
    /// Keeps a new key. An existing key with the same id is left as it is and false is given.
    fn insert(&self, key: &[u8; 256]) -> bool;
    /// Forgets a key altogether (`destroy_auth_key`).
    fn remove(&self, auth_key_id: i64);
    /// Remembers the layer a client announced for this key.
    fn set_layer(&self, auth_key_id: i64, layer: i32);
}

/// A stored authorisation key. `Debug` shows nothing of it.
#[derive(Clone)]
pub(crate) struct AuthKeyRecord {
    pub(crate) key: [u8; 256],
    pub(crate) layer: Option<i32>,
}

impl std::fmt::Debug for AuthKeyRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthKeyRecord").finish_non_exhaustive()
    }
}
