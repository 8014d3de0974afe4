//! The HTTP API of a host at work: at its owner's socket, and by TCP for tenants with their tokens.
//!
//! Invariant: every question passes who decides who asks, is bounded in size and time, and stands in docs/openapi.json.

mod accounts;
mod answers;
mod asker;
mod listen;
mod logs;
mod scripts;
mod tenants;
mod tokens;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use tokio::time::timeout;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, ResponseBuilder};
use utoipa_axum::router::OpenApiRouter;

pub(super) use self::listen::{Listening, OwnersSocket, at_port as listen_at_port, gave_way, open_socket};
pub(super) use self::tokens::Tokens;

use self::asker::{Doorkeeper, as_owner, by_token};
use super::handle::Handle;
use super::refusal::Refusal;
use crate::api::VERSION;

/// The longest question, in bytes, a script's file aside.
const QUESTION_BYTES_MAX: usize = 64 << 10;
/// A question is answered within this time, a log that is followed aside.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(110);

/// Answers at the owner's socket. Must be called inside a Tokio runtime.
pub(super) fn at_socket(socket: OwnersSocket, handle: Handle) -> Listening {
    let (router, _) = routes();
    socket.serve(router.with_state(handle).layer(from_fn(as_owner)))
}

/// Answers tenants at a port, and gives its address.
///
/// # Errors
/// Where it cannot be listened there.
pub(super) async fn at_port(address: SocketAddr, handle: Handle) -> Result<(Listening, SocketAddr)> {
    let (router, _) = routes();
    let doorkeeper = Doorkeeper::new(handle.tokens().clone());
    let router = router.with_state(handle).layer(from_fn_with_state(doorkeeper, by_token));
    let in_public = Router::new().route("/health", get(async || "ok\n"));
    listen::at_port(address, router.merge(in_public)).await
}

#[derive(OpenApi)]
#[openapi(info(
    title = "tglhost",
    description = "How a host at work is asked: by its owner at the socket `control.sock` in its data, and by a tenant's \
                   token where tglhost.toml says to listen. What is another tenant's is not there for a tenant."
))]
struct Description;

/// Every route, and what describes it.
fn routes() -> (Router<Handle>, utoipa::openapi::OpenApi) {
    let of_version = OpenApiRouter::new()
        .merge(scripts::router())
        .merge(logs::router())
        .merge(accounts::router())
        .merge(tenants::router());
    let (router, mut document) =
        OpenApiRouter::with_openapi(Description::openapi()).nest(&format!("/{VERSION}"), of_version).split_for_parts();
    let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    document.components.get_or_insert_default().add_security_scheme("token", bearer);
    document.security = Some(vec![SecurityRequirement::new::<_, [&str; 0], _>("token", [])]);
    describe_refusals(&mut document);
    let described = document.clone();
    let router = router
        .route(&format!("/{VERSION}/openapi.json"), get(async move || Json(described)))
        .fallback(async || Refusal::NotThere("there is no such path: docs/openapi.json lists them".to_owned()))
        .layer(DefaultBodyLimit::max(QUESTION_BYTES_MAX))
        .layer(from_fn(in_time));
    (router, document)
}

/// Says of every path what any of them may answer.
fn describe_refusals(document: &mut utoipa::openapi::OpenApi) {
    let problem = || {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        ResponseBuilder::new().content("application/json", content).build()
    };
    for path in document.paths.paths.values_mut() {
        let operations = [&mut path.get, &mut path.post, &mut path.put, &mut path.delete];
        for operation in operations.into_iter().flatten() {
            for status in ["400", "401", "429", "503"] {
                operation.responses.responses.entry(status.to_owned()).or_insert_with(|| problem().into());
            }
        }
    }
}

/// Answers that it takes too long where it does.
async fn in_time(request: Request, next: Next) -> Response {
    match timeout(ANSWER_WAIT_MAX, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Refusal::Busy.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `TGLHOST_WRITE_SCHEMAS=1` writes it.
    #[test]
    fn the_document_is_the_one_that_is_kept() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
        let made = routes().1.to_pretty_json().expect("JSON") + "\n";
        if std::env::var_os("TGLHOST_WRITE_SCHEMAS").is_some() {
            std::fs::write(&path, &made).expect("written");
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == made, "docs/openapi.json is another: TGLHOST_WRITE_SCHEMAS=1 writes it");
    }
}
