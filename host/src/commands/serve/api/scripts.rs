//! What is asked of scripts.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Path, Request, State};
use axum::http::request::Parts;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answers::Answer;
use super::asker::Asker;
use crate::api::types::{Problem, ScriptStanding, Scripts};
use crate::commands::serve::deploy;
use crate::commands::serve::handle::Handle;
use crate::commands::serve::refusal::Refusal;
use crate::commands::serve::script::ScriptKey;

/// Files that are received at one time; further ones wait.
const UPLOADS_MAX: usize = 4;
/// How long one may take to come.
const UPLOAD_WAIT_MAX: Duration = Duration::from_secs(30);
/// The longest file, in bytes.
const FILE_BYTES_MAX: usize = sandbox::COMPONENT_BYTES_MAX;

static UPLOADS: Semaphore = Semaphore::const_new(UPLOADS_MAX);

pub(super) fn router() -> OpenApiRouter<Handle> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(one))
        .routes(routes!(start))
        .routes(routes!(stop))
        .routes(routes!(restart))
        .merge(OpenApiRouter::new().routes(routes!(deploy_file)).layer(DefaultBodyLimit::max(FILE_BYTES_MAX)))
}

/// Every script that whoever asks may see.
#[utoipa::path(get, path = "/scripts", tag = "scripts", responses((status = 200, body = Scripts)))]
async fn list(asker: Asker, State(handle): State<Handle>) -> Answer<Scripts> {
    let scripts = handle.board().shown().scripts(|key| asker.may_see(&key.tenant));
    Ok(Json(Scripts { scripts }))
}

/// One script.
#[utoipa::path(
    get, path = "/scripts/{tenant}/{name}", tag = "scripts",
    params(("tenant" = String, Path), ("name" = String, Path)),
    responses((status = 200, body = ScriptStanding), (status = 404, body = Problem)),
)]
async fn one(asker: Asker, State(handle): State<Handle>, key: ScriptKey) -> Answer<ScriptStanding> {
    let key = seen(&asker, &handle, key)?;
    handle.board().script(&key).map(Json).ok_or_else(|| Refusal::no_script(&key))
}

/// Starts a script that does not run.
#[utoipa::path(
    post, path = "/scripts/{tenant}/{name}/start", tag = "scripts",
    params(("tenant" = String, Path), ("name" = String, Path)),
    responses((status = 200), (status = 404, body = Problem), (status = 409, body = Problem)),
)]
async fn start(asker: Asker, State(handle): State<Handle>, key: ScriptKey) -> Answer<()> {
    let key = seen(&asker, &handle, key)?;
    handle.start_script(key).await.map(Json)
}

/// Stops a script until it is started again.
#[utoipa::path(
    post, path = "/scripts/{tenant}/{name}/stop", tag = "scripts",
    params(("tenant" = String, Path), ("name" = String, Path)),
    responses((status = 200), (status = 404, body = Problem)),
)]
async fn stop(asker: Asker, State(handle): State<Handle>, key: ScriptKey) -> Answer<()> {
    let key = seen(&asker, &handle, key)?;
    handle.stop_script(key).await.map(Json)
}

/// Stops and starts a script, from its file as it is now.
#[utoipa::path(
    post, path = "/scripts/{tenant}/{name}/restart", tag = "scripts",
    params(("tenant" = String, Path), ("name" = String, Path)),
    responses((status = 200), (status = 404, body = Problem), (status = 409, body = Problem)),
)]
async fn restart(asker: Asker, State(handle): State<Handle>, key: ScriptKey) -> Answer<()> {
    let key = seen(&asker, &handle, key)?;
    handle.restart_script(key).await.map(Json)
}

/// Puts a new version of a script in the place of the one that runs. One that cannot be run changes nothing.
#[utoipa::path(
    put, path = "/scripts/{tenant}/{name}/file", tag = "scripts",
    params(("tenant" = String, Path), ("name" = String, Path)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The script's file, whole."),
    responses((status = 200), (status = 404, body = Problem), (status = 409, body = Problem)),
)]
async fn deploy_file(asker: Asker, State(handle): State<Handle>, key: ScriptKey, file: Upload) -> Answer<()> {
    let key = seen(&asker, &handle, key)?;
    deploy::put(&handle, key, file.bytes.into()).await.map(Json)
}

/// A file, and its place among those that may be in memory at one time.
struct Upload {
    bytes: Bytes,
    _place: SemaphorePermit<'static>,
}

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let place = UPLOADS.acquire().await.map_err(|_| Refusal::Ending)?;
        let received = timeout(UPLOAD_WAIT_MAX, Bytes::from_request(request, state)).await;
        let bytes = received.map_err(|_| Refusal::Wrong("the file comes too slowly".to_owned()))??;
        Ok(Self { bytes, _place: place })
    }
}

/// This script, if it may be seen: another's is as good as none.
pub(super) fn seen(asker: &Asker, handle: &Handle, key: ScriptKey) -> Result<ScriptKey, Refusal> {
    let is_seen = asker.may_see(&key.tenant) && handle.board().has_script(&key);
    is_seen.then_some(()).ok_or_else(|| Refusal::no_script(&key))?;
    Ok(key)
}

impl<S: Send + Sync> FromRequestParts<S> for ScriptKey {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let Path((tenant, name)) = Path::<(String, String)>::from_request_parts(parts, state).await?;
        Ok(Self { tenant: tenant.into(), name: name.into() })
    }
}
