//! A script's log.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::asker::Asker;
use super::scripts::seen;
use super::tokens::Pass;
use crate::api::types::{LogQuery, Problem};
use crate::commands::serve::handle::Handle;
use crate::commands::serve::refusal::Refusal;
use crate::commands::serve::script::ScriptKey;
use crate::output::{LOG_LINES_MAX, LogTail};

/// Logs that are read at one time.
const READERS_MAX: usize = 32;
/// How often a log that is followed is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

static READERS: std::sync::LazyLock<Arc<Semaphore>> =
    std::sync::LazyLock::new(|| Arc::new(Semaphore::new(READERS_MAX)));

pub(super) fn router() -> OpenApiRouter<Handle> {
    OpenApiRouter::new().routes(routes!(log))
}

/// A script's log: lines of JSON, as docs/json.schema.json describes them.
#[utoipa::path(
    get, path = "/scripts/{tenant}/{name}/log", tag = "scripts",
    params(("tenant" = String, Path), ("name" = String, Path), LogQuery),
    responses(
        (status = 200, content_type = "application/x-ndjson", body = String),
        (status = 404, body = Problem), (status = 429, body = Problem),
    ),
)]
async fn log(
    asker: Asker,
    pass: Option<Extension<Pass>>,
    State(handle): State<Handle>,
    key: ScriptKey,
    query: Result<Query<LogQuery>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(LogQuery { lines, follow }) = query?;
    let key = seen(&asker, &handle, key)?;
    let too_many = |_| Refusal::TooMuch(format!("{READERS_MAX} logs are read already: ask again in a while"));
    let place = Arc::clone(&READERS).try_acquire_owned().map_err(too_many)?;
    let log = handle.log_of(&key);
    let lines = lines.unwrap_or(LOG_LINES_MAX).min(LOG_LINES_MAX) as usize;
    let begun = tokio::task::spawn_blocking(move || log.tail(lines)).await;
    let failed = |error: anyhow::Error| Refusal::failed(&error.context(format!("cannot read the log of {key}")));
    let (tail, text) = begun.map_err(|error| failed(error.into()))?.map_err(|error| failed(error.into()))?;
    let pass = pass.map(|Extension(pass)| pass);
    let body = if follow { followed(tail, text, pass, place) } else { Body::from(text) };
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], body).into_response())
}

/// The text, and what comes, until whoever reads it goes or may do so no more.
fn followed(tail: LogTail, text: String, pass: Option<Pass>, place: OwnedSemaphorePermit) -> Body {
    let begin = (Some(text), tail, pass, place);
    Body::from_stream(stream::try_unfold(begin, async |(mut text, mut tail, pass, place)| {
        loop {
            if let Some(text) = text.take().filter(|text| !text.is_empty()) {
                return Ok::<_, std::io::Error>(Some((text, (None, tail, pass, place))));
            }
            tokio::time::sleep(LOOK_EVERY).await;
            if pass.as_ref().is_some_and(|pass| !pass.holds()) {
                return Ok(None);
            }
            let looked = tokio::task::spawn_blocking(move || tail.more().map(|text| (text, tail))).await;
            let (more, same) = looked.map_err(std::io::Error::other)??;
            (text, tail) = (Some(more), same);
        }
    }))
}
