//! Why a call has failed, as long as the host can still do something about it.
//!
//! Invariant: what the host does about a failure goes by its type and by Telegram's own name for it. Words are for the script,
//! which is told once, at the call's end.

use grammers_client::sender::RpcError;
use store::StoreError;
use tgl::{CallError, Failure};

use crate::one_line::one_line;
use crate::rpc_error;

/// See the module.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The data centre says no.
    Rpc(RpcError),
    /// The account's file fails.
    Store(StoreError),
    /// The host has nothing more to do with it than to tell the script.
    Script(CallError),
}

impl Fault {
    /// A failure of this kind, in words for the script.
    pub(crate) fn new(kind: Failure, detail: impl Into<String>) -> Self {
        Self::Script(CallError::new(kind, detail))
    }

    /// What was asked makes no sense.
    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(Failure::Invalid, detail)
    }

    /// The answer of the data centre, if it is that.
    pub(crate) fn rpc(&self) -> Option<&RpcError> {
        match self {
            Self::Rpc(error) => Some(error),
            Self::Store(_) | Self::Script(_) => None,
        }
    }

    /// Whether the data centre says no by this name, in which numbers are left out.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.rpc().is_some_and(|error| error.name == name)
    }

    /// What the script is told: nothing of the host's inside.
    pub(crate) fn told(self) -> CallError {
        let CallError { kind, detail } = match self {
            Self::Rpc(error) => CallError::new(Failure::Refused, rpc_error::name(&error)),
            Self::Store(error) => {
                tracing::error!(%error, "the account's file fails");
                CallError::new(Failure::Unavailable, "the host cannot read or write the account's file")
            }
            Self::Script(error) => error,
        };
        // It goes into the script's log.
        CallError { kind, detail: one_line(&detail) }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use grammers_tl_types as tl;

    use super::*;

    fn rpc(said: &str) -> Fault {
        Fault::Rpc(tl::types::RpcError { error_code: 400, error_message: said.to_owned() }.into())
    }

    #[test]
    fn a_script_is_told_telegrams_name_and_nothing_of_the_hosts_inside() {
        let path = PathBuf::from("/home/ann/accounts/ann/account.sqlite");
        let cases = [
            (rpc("CHANNEL_PRIVATE"), Failure::Refused, "CHANNEL_PRIVATE"),
            (rpc("FLOOD_WAIT_7"), Failure::Refused, "FLOOD_WAIT_7"),
            (rpc("FILE_MIGRATE_2"), Failure::Refused, "FILE_MIGRATE_2"),
            (rpc("FILE_PART_3_MISSING"), Failure::Refused, "FILE_PART_3_MISSING"),
            (
                Fault::Store(StoreError::InUse { path }),
                Failure::Unavailable,
                "the host cannot read or write the account's file",
            ),
            (Fault::invalid("no\nfile"), Failure::Invalid, "no\\nfile"),
        ];
        for (fault, kind, detail) in cases {
            assert_eq!(fault.told(), CallError::new(kind, detail));
        }
    }

    #[test]
    fn only_the_data_centre_gives_names() {
        assert!(rpc("CHANNEL_PRIVATE").is_named("CHANNEL_PRIVATE") && rpc("FILE_MIGRATE_2").is_named("FILE_MIGRATE"));
        assert!(!Fault::new(Failure::Refused, "CHANNEL_PRIVATE").is_named("CHANNEL_PRIVATE"));
    }
}
