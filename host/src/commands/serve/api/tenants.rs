//! What the host's owner asks of tenants and of the host as a whole.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answers::Answer;
use super::asker::Asker;
use crate::api::types::{NewTenant, Problem, Reloaded, Removed, Token};
use crate::commands::serve::handle::Handle;
use crate::commands::serve::refusal::Refusal;
use crate::commands::serve::tenants;

pub(super) fn router() -> OpenApiRouter<Handle> {
    OpenApiRouter::new()
        .routes(routes!(reload))
        .routes(routes!(add))
        .routes(routes!(remove))
        .routes(routes!(make_token))
        .routes(routes!(forget_tokens))
}

/// Reads the host's files again and does what they say now. Where they are wrong nothing changes.
#[utoipa::path(
    post, path = "/reload", tag = "host",
    responses((status = 200, body = Reloaded), (status = 403, body = Problem), (status = 409, body = Problem)),
)]
async fn reload(asker: Asker, State(handle): State<Handle>) -> Answer<Reloaded> {
    asker.owner_only()?;
    handle.reload().await.map(Json)
}

/// Makes a tenant's folder, for its owner to fill.
#[utoipa::path(
    post, path = "/tenants", tag = "tenants", request_body = NewTenant,
    responses((status = 201), (status = 400, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem)),
)]
async fn add(
    asker: Asker,
    State(handle): State<Handle>,
    new: Result<Json<NewTenant>, JsonRejection>,
) -> Result<StatusCode, Refusal> {
    asker.owner_only()?;
    let Json(NewTenant { name }) = new?;
    tenants::add(&handle, name).await?;
    Ok(StatusCode::CREATED)
}

/// Stops what is this tenant's and puts it aside, its tokens too. Nothing is deleted.
#[utoipa::path(
    delete, path = "/tenants/{tenant}", tag = "tenants", params(("tenant" = String, Path)),
    responses((status = 200, body = Removed), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)),
)]
async fn remove(asker: Asker, State(handle): State<Handle>, Path(tenant): Path<String>) -> Answer<Removed> {
    asker.owner_only()?;
    tenants::remove(&handle, tenant).await.map(Json)
}

/// Makes a token that reaches this tenant alone.
#[utoipa::path(
    post, path = "/tenants/{tenant}/tokens", tag = "tenants", params(("tenant" = String, Path)),
    responses((status = 200, body = Token), (status = 403, body = Problem), (status = 404, body = Problem)),
)]
async fn make_token(asker: Asker, State(handle): State<Handle>, Path(tenant): Path<String>) -> Answer<Token> {
    asker.owner_only()?;
    let token = tenants::make_token(&handle, &tenant).await?;
    Ok(Json(Token { tenant, token }))
}

/// Forgets all tokens of this tenant.
#[utoipa::path(
    delete, path = "/tenants/{tenant}/tokens", tag = "tenants", params(("tenant" = String, Path)),
    responses((status = 200), (status = 403, body = Problem), (status = 404, body = Problem)),
)]
async fn forget_tokens(asker: Asker, State(handle): State<Handle>, Path(tenant): Path<String>) -> Answer<()> {
    asker.owner_only()?;
    tenants::forget_tokens(&handle, &tenant).await.map(Json)
}
