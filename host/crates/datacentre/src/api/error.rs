//! How a method fails: <https://core.telegram.org/api/errors>.
//!
//! Invariant: what is wrong inside the data centre is logged, and the client learns only that something is.

use crate::model::room::{Room, is_no_room};
use crate::seam::RpcError;

/// Why a method failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// With Telegram's own error; nothing happened.
    Rpc(RpcError),
    /// With Telegram's own error; what the method had changed until then is kept.
    RpcKeepingChanges(RpcError),
    /// Because the database did.
    Database(rusqlite::Error),
    /// Because files could not be read or written.
    Disk(std::io::Error),
}

/// What a method gives.
pub(super) type Answer<T> = Result<T, Failure>;

impl Failure {
    /// The same, but what the method had changed until then is kept.
    pub(super) fn keeping_changes(self) -> Failure {
        match self {
            Failure::Rpc(error) => Failure::RpcKeepingChanges(error),
            other => other,
        }
    }

    /// What the client is told.
    pub(super) fn into_rpc_error(self, room: &Room) -> RpcError {
        match self {
            Failure::Rpc(error) | Failure::RpcKeepingChanges(error) => error,
            Failure::Database(error) => {
                room.tell(&error);
                let name = if is_no_room(&error) { "STORAGE_CHECK_FAILED" } else { "INTERNAL" };
                RpcError { code: 500, name: name.to_owned() }
            }
            Failure::Disk(error) => {
                tracing::error!(%error, "the data centre cannot read or write its files");
                RpcError { code: 500, name: "INTERNAL".to_owned() }
            }
        }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Failure::Database(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Failure::Disk(error)
    }
}

/// 400: the request is wrong.
pub(super) fn bad_request(name: &str) -> Failure {
    rpc(400, name)
}

/// 401: the caller is not logged in far enough.
pub(super) fn unauthorized(name: &str) -> Failure {
    rpc(401, name)
}

/// 403: the caller may not do this.
pub(super) fn forbidden(name: &str) -> Failure {
    rpc(403, name)
}

/// Any other code.
pub(super) fn rpc(code: i32, name: &str) -> Failure {
    Failure::Rpc(RpcError { code, name: name.to_owned() })
}
