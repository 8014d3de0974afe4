//! Why a host does not do what it is asked.
//!
//! Invariant: each says what happened and what to do, and nothing of another tenant's.

/// See the module.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// It is not known who asks.
    #[error("this needs a tenant's token: the host's owner makes one with `tglhost tenant token NAME`")]
    Unknown,
    /// Whoever asks may not.
    #[error("only the host's owner can do this, at its socket")]
    OwnerOnly,
    /// There is no such thing, or it is another tenant's.
    #[error("{0}")]
    NotThere(String),
    /// What is asked means nothing.
    #[error("{0}")]
    Wrong(String),
    /// It cannot be done as things stand.
    #[error("{0}")]
    Conflict(String),
    /// More is asked than may be.
    #[error("{0}")]
    TooMuch(String),
    /// It takes too long to be waited for.
    #[error("this takes the host too long: it may still be done, `tglhost ps` shows how things stand")]
    Busy,
    /// The host ends.
    #[error("the host is about to end")]
    Ending,
    /// What the host needs for it failed.
    #[error("{0}")]
    Failed(String),
}

impl Refusal {
    pub(super) fn no_script(name: impl std::fmt::Display) -> Self {
        Self::NotThere(format!("there is no script {name}: name it as TENANT/SCRIPT; `tglhost ps` lists them"))
    }

    pub(super) fn no_tenant(name: &str) -> Self {
        Self::NotThere(format!("there is no tenant {name:?}: `tglhost ps` names those that have scripts"))
    }

    pub(super) fn no_account(name: &str) -> Self {
        Self::NotThere(format!("there is no account {name:?} of yours: `tglhost account list` names them"))
    }

    /// A script's new version is none.
    pub(super) fn unfit(why: &str) -> Self {
        Self::Conflict(format!("the new version cannot be loaded: {why}"))
    }

    /// Something beneath failed.
    pub(super) fn failed(error: &anyhow::Error) -> Self {
        Self::Failed(crate::output::sentence(error))
    }
}

/// Does what waits for a disk, on a thread for that.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Refusal::failed(&error.into())))
}
