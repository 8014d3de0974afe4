//! The calls about oneself: one's name, and whether others see one online.

use grammers_tl_types as tl;
use tgl::{Failure, Outcome, Presence};
use tl::functions;
use tokio::time::Instant;

use super::Caller;
use crate::fault::Fault;

/// account.updateProfile: <https://core.telegram.org/method/account.updateProfile>.
pub(super) async fn set_name(caller: &Caller, first_name: &str, last_name: &str) -> Result<Outcome, Fault> {
    let request = functions::account::UpdateProfile {
        first_name: Some(first_name.to_owned()),
        last_name: Some(last_name.to_owned()),
        about: None,
    };
    let user = caller.invoke(&request).await?;
    let peers = caller.context.intake().learn_users(&[user])?;
    let us = peers.into_iter().next().ok_or_else(|| Fault::new(Failure::Unavailable, "the answer names no user"))?;
    Ok(Outcome::Peer(us))
}

/// account.updateStatus; being online is said again by the account's actor until a script ends it: <https://core.telegram.org/method/account.updateStatus>.
pub(super) async fn set_presence(caller: &Caller, presence: Presence) -> Result<Outcome, Fault> {
    caller.invoke(&functions::account::UpdateStatus { offline: presence == Presence::Offline }).await?;
    caller.context.presence().set(presence, Instant::now());
    Ok(Outcome::Done)
}
