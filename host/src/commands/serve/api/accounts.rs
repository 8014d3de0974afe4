//! What is asked of accounts.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answers::Answer;
use super::asker::Asker;
use crate::api::types::{Accounts, LoginNext, LoginStep, Problem};
use crate::commands::serve::handle::Handle;
use crate::commands::serve::logins;
use crate::commands::serve::refusal::Refusal;
use crate::commands::serve::script::own_account_name;

pub(super) fn router() -> OpenApiRouter<Handle> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(log_in))
}

/// Takes a step of a login, by which an account of a tenant's own gets to work. A login that nobody goes on with for ten
/// minutes is forgotten, and so is one in whose place another is begun. One by QR code is to be accepted within five minutes.
#[utoipa::path(
    post, path = "/accounts/{account}/login", tag = "accounts", params(("account" = String, Path)),
    request_body = LoginStep,
    responses(
        (status = 200, body = LoginNext), (status = 400, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem),
    ),
)]
async fn log_in(
    asker: Asker,
    State(handle): State<Handle>,
    Path(account): Path<String>,
    step: Result<Json<LoginStep>, JsonRejection>,
) -> Answer<LoginNext> {
    if !is_own(&asker, &account) || !handle.board().has_account(&account) {
        return Err(Refusal::no_account(&account));
    }
    let Json(step) = step?;
    logins::take(&handle, account, step).await.map(Json)
}

/// Whether the account belongs to whoever asks.
fn is_own(asker: &Asker, account: &str) -> bool {
    match asker {
        Asker::Owner => true,
        Asker::Tenant(tenant) => account.starts_with(&own_account_name(tenant, "")),
    }
}

/// Every account of whoever asks, and those that its scripts run on.
#[utoipa::path(get, path = "/accounts", tag = "accounts", responses((status = 200, body = Accounts)))]
async fn list(asker: Asker, State(handle): State<Handle>) -> Answer<Accounts> {
    let accounts = handle.board().shown().accounts(|name| is_own(&asker, name), |key| asker.may_see(&key.tenant));
    Ok(Json(Accounts { accounts }))
}
