//! What is asked of accounts.

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answers::Answer;
use super::asker::Asker;
use crate::api::types::Accounts;
use crate::commands::serve::handle::Handle;
use crate::commands::serve::script::own_account_name;

pub(super) fn router() -> OpenApiRouter<Handle> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Every account of whoever asks, and those that its scripts run on.
#[utoipa::path(get, path = "/accounts", tag = "accounts", responses((status = 200, body = Accounts)))]
async fn list(asker: Asker, State(handle): State<Handle>) -> Answer<Accounts> {
    let is_own = |name: &str| match &asker {
        Asker::Owner => true,
        Asker::Tenant(tenant) => name.starts_with(&own_account_name(tenant, "")),
    };
    let accounts = handle.board().shown().accounts(is_own, |key| asker.may_see(&key.tenant));
    Ok(Json(Accounts { accounts }))
}
