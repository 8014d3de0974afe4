//! What an account holds back for want of room, told while scripts run.
//!
//! Invariant: a wait is said once, and its end once.

use telegram::{Account, Held};

use crate::output::Output;

/// Says it for as long as the account is at work.
pub(crate) fn tell(account: &Account, name: &str, output: &Output) {
    let (mut held, output, name) = (account.held(), output.on_account(name), name.to_owned());
    tokio::spawn(async move {
        let mut said = Held::default();
        while held.changed().await.is_ok() {
            let now = held.borrow_and_update().clone();
            for (what, goes_on, before, now) in [
                ("updates wait at the server", "updates are taken", &said.updates, &now.updates),
                ("calls wait", "calls are made", &said.calls, &now.calls),
            ] {
                match (before, now) {
                    (None, Some(why)) => output.note(&format!("{name}: {what}: {why}")),
                    (Some(_), None) => output.note(&format!("{name}: there is room again: {goes_on}")),
                    _ => {}
                }
            }
            said = now;
        }
    });
}
