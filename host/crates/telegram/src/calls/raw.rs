//! Raw queries: what a script asks Telegram in its own words.
//!
//! Invariant: a query is made whose method is granted by its name and may be, and neither it nor its answer tells what
//! messages of Telegram's service account say, unless that is granted too.

use grammers_tl_types as tl;
use raw_query::AnswerFault;
use tgl::{Failure, Grants, Outcome};
use tl::{Deserializable, enums};

use super::Caller;
use super::caller::{Body, Way};
use super::grants::{method_not_granted, service_not_granted};
use crate::fault::Fault;

/// Asks, and gives the answer as text.
pub(super) async fn query(caller: &Caller, grants: &Grants, text: &str) -> Result<Outcome, Fault> {
    let query = raw_query::read(text).map_err(|fault| Fault::invalid(fault.to_string()))?;
    if let Err(why) = raw_query::check_grantable(query.method) {
        return Err(Fault::new(Failure::NotGranted, format!("{}: {why}", query.method)));
    }
    if !grants.raw.contains(query.method) {
        return Err(method_not_granted(grants.giver, query.method, query.method));
    }
    if query.reaches_service && !grants.service_messages {
        return Err(service_not_granted(grants.giver));
    }
    let (_, answer) = caller.exchange(query.id, Way::Calls, &Body::Whole(query.bytes)).await?;
    if query.answer == "Updates"
        && let Ok(updates) = enums::Updates::from_bytes(&answer)
    {
        // The data centre says what a call has changed to who made it, and then not again.
        caller.context.intake().receive_answer(updates, None);
    }
    match raw_query::text(query.answer, &answer, grants.service_messages) {
        Ok(text) => Ok(Outcome::Text(text)),
        Err(AnswerFault::Service) => Err(service_not_granted(grants.giver)),
        Err(fault) => Err(Fault::new(Failure::Unavailable, fault.to_string())),
    }
}
