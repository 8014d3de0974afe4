//! The side that asks.
//!
//! Invariant: a host that does not answer is not waited for without end, a log that is followed aside; and a token goes nowhere
//! but to the host that was named.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Error, Result, anyhow, bail};
use http_body_util::{BodyExt, Collected, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response, Uri};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use super::VERSION;
use super::types::Problem;

/// An answer is waited for so long: to stop a script takes seconds, to compile one more.
const PATIENCE: Duration = Duration::from_secs(120);
/// The longest answer that is not a log, in bytes.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Where a host is.
#[derive(Clone)]
pub(crate) enum Place {
    /// Its socket on this machine, which is its owner's.
    Socket(PathBuf),
    /// Its address, and the token of a tenant.
    Http { url: Uri, token: String },
}

impl Place {
    /// A host by its URL.
    ///
    /// # Errors
    /// Where that is no `http://HOST:PORT`.
    pub(crate) fn http(url: &str, token: String) -> Result<Self> {
        let parsed: Uri = url.parse().with_context(|| format!("{url:?} is no URL"))?;
        let is_plain = parsed.scheme_str() == Some("http") && parsed.host().is_some() && parsed.path() == "/";
        if !is_plain || parsed.query().is_some() {
            bail!(
                "{url:?} is no host's address: name it as http://HOST:PORT (what goes over other networks goes through a tunnel)"
            );
        }
        Ok(Self::Http { url: parsed, token })
    }
}

/// One who asks.
pub(crate) struct Client {
    place: Place,
}

impl Client {
    /// One that asks there.
    pub(crate) fn new(place: Place) -> Self {
        Self { place }
    }

    /// Asks, and gives the answer.
    ///
    /// # Errors
    /// What the host says, or why it cannot be asked.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, method: Method, path: &str, body: Body) -> Result<T> {
        let answer = timeout(PATIENCE, async {
            let answer = self.send(method, path, body).await?;
            let read = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
            Ok::<_, Error>(read.map_err(|error| anyhow!(error).context("the host says no more"))?.to_bytes())
        });
        let answer = answer.await.context("the host does not answer")??;
        // What has nothing to say is `null`.
        let answer = if answer.is_empty() { &b"null"[..] } else { &answer };
        serde_json::from_slice(answer).context("the host says something that this version does not understand")
    }

    /// Asks for what comes line by line, and calls this for each, without its end.
    ///
    /// # Errors
    /// As [`Self::ask`], and what `on_line` fails with.
    pub(crate) async fn lines(&self, path: &str, mut on_line: impl FnMut(&str) -> Result<()>) -> Result<()> {
        let answer = timeout(PATIENCE, self.send(Method::GET, path, Body::None)).await;
        let mut body = answer.context("the host does not answer")??.into_body();
        let mut waiting = Vec::new();
        while let Some(frame) = body.frame().await {
            let Ok(bytes) = frame.context("the host says no more")?.into_data() else { continue };
            waiting.extend_from_slice(&bytes);
            if waiting.len() > ANSWER_BYTES_MAX {
                bail!("the host sends a line without end");
            }
            while let Some(end) = waiting.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = waiting.drain(..=end).collect();
                on_line(&String::from_utf8_lossy(&line[..end]))?;
            }
        }
        Ok(())
    }

    /// The answer, if it is one that says that all is well.
    async fn send(&self, method: Method, path: &str, body: Body) -> Result<Response<Incoming>> {
        let answer = match &self.place {
            Place::Socket(socket) => {
                let stream = UnixStream::connect(socket).await.map_err(|error| unreachable_at(socket, error))?;
                exchange(stream, request(method, path, body, "localhost", None)?).await?
            }
            Place::Http { url, token } => {
                let authority = url.authority().context("a host has an address")?.as_str();
                let with_port = if url.port().is_some() { authority.to_owned() } else { format!("{authority}:80") };
                let stream = TcpStream::connect(&with_port).await;
                let stream = stream.with_context(|| format!("cannot reach the host at {url}"))?;
                exchange(stream, request(method, path, body, authority, Some(token))?).await?
            }
        };
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body.map(Collected::to_bytes).unwrap_or_default();
        match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) => bail!("{}", problem.detail),
            Err(_) => bail!("the host answers with {status}"),
        }
    }
}

/// What is sent with a question.
pub(crate) enum Body {
    None,
    Json(Vec<u8>),
    Bytes(Vec<u8>),
}

impl Body {
    /// This value.
    pub(crate) fn json(value: &impl serde::Serialize) -> Result<Self> {
        Ok(Self::Json(serde_json::to_vec(value)?))
    }
}

fn request(method: Method, path: &str, body: Body, host: &str, token: Option<&String>) -> Result<Request<Full<Bytes>>> {
    let mut request = Request::builder().method(method).uri(format!("/{VERSION}/{path}")).header(HOST, host);
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    let (kind, bytes) = match body {
        Body::None => (None, Vec::new()),
        Body::Json(bytes) => (Some("application/json"), bytes),
        Body::Bytes(bytes) => (Some("application/octet-stream"), bytes),
    };
    if let Some(kind) = kind {
        request = request.header(CONTENT_TYPE, kind);
    }
    request.body(Full::from(bytes)).context("this cannot be asked")
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: Request<Full<Bytes>>,
) -> Result<Response<Incoming>> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    sender.send_request(request).await.context("the host does not listen")
}

fn unreachable_at(socket: &Path, error: std::io::Error) -> Error {
    let data = socket.parent().unwrap_or(socket).display();
    if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) {
        return anyhow!("no host is at work with the data in {data}: start one with `tglhost serve --host DIR`");
    }
    Error::from(error).context(format!("cannot ask at {}", socket.display()))
}
