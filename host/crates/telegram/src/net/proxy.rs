//! Connecting through a proxy: SOCKS5 (<https://www.rfc-editor.org/rfc/rfc1928>) or HTTP's CONNECT
//! (<https://www.rfc-editor.org/rfc/rfc9110#CONNECT>).
//!
//! Invariant: no name is looked up but the proxy's own, and its password stands in no text.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use async_socks5::Auth;
use base64ct::{Base64, Encoding};
use percent_encoding::percent_decode_str;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;

use super::dial::first_of;

/// How long an HTTP proxy's answer may be.
const ANSWER_BYTES_MAX: usize = 8 << 10;

/// How long a proxy may take to connect.
const PROXY_TIMEOUT: Duration = Duration::from_secs(10);

/// The port of SOCKS proxies: <https://www.rfc-editor.org/rfc/rfc1928#section-3>.
const SOCKS_PORT: u16 = 1_080;

/// Why a text names no proxy.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the texts say it")]
pub enum ProxyError {
    #[error(
        "a proxy is written as socks5://HOST:PORT or http://HOST:PORT, with USER:PASSWORD@ before HOST where it wants them"
    )]
    NotUnderstood,
    #[error("proxies of the kind {0:?} are not supported: use a socks5:// or an http:// one")]
    Unsupported(String),
}

/// A proxy by which data centres are reached.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    kind: Kind,
    host: String,
    port: u16,
    login: Option<(String, String)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Socks5,
    Http,
}

impl Proxy {
    /// Reads what `ALL_PROXY` holds by convention. A text without a scheme means an HTTP proxy.
    ///
    /// # Errors
    /// [`ProxyError`].
    pub fn parse(text: &str) -> Result<Self, ProxyError> {
        let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let url = Url::parse(&whole).map_err(|_| ProxyError::NotUnderstood)?;
        let (kind, port) = match url.scheme() {
            // Data centres are named by addresses: there is no name that the one would look up here and the other there.
            "socks5" | "socks5h" => (Kind::Socks5, SOCKS_PORT),
            "http" => (Kind::Http, 80),
            other => return Err(ProxyError::Unsupported(other.to_owned())),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(ProxyError::NotUnderstood)?;
        let decoded = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
        let login = (!url.username().is_empty())
            .then(|| (decoded(url.username()), decoded(url.password().unwrap_or_default())));
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self { kind, host, port: url.port().unwrap_or(port), login })
    }

    /// Connects to the address, through the proxy.
    pub(super) async fn connect(&self, target: SocketAddr) -> io::Result<TcpStream> {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("the proxy {self}: {error}"));
        let connected = tokio::time::timeout(PROXY_TIMEOUT, self.try_connect(target)).await;
        connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(named)
    }

    async fn try_connect(&self, target: SocketAddr) -> io::Result<TcpStream> {
        let addresses = tokio::net::lookup_host((self.host.as_str(), self.port)).await?.collect();
        let stream = first_of(addresses, TcpStream::connect).await?;
        match self.kind {
            Kind::Socks5 => self.socks5(stream, target).await,
            Kind::Http => self.http(stream, target).await,
        }
    }

    async fn socks5(&self, mut stream: TcpStream, target: SocketAddr) -> io::Result<TcpStream> {
        let login = self.login.as_ref().map(|(user, password)| Auth::new(user.as_str(), password.as_str()));
        async_socks5::connect(&mut stream, target, login).await.map_err(io::Error::other)?;
        Ok(stream)
    }

    async fn http(&self, mut stream: TcpStream, target: SocketAddr) -> io::Result<TcpStream> {
        let login = self.login.as_ref().map_or_else(String::new, |(user, password)| {
            let login = Base64::encode_string(format!("{user}:{password}").as_bytes());
            format!("Proxy-Authorization: Basic {login}\r\n")
        });
        let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{login}\r\n");
        stream.write_all(request.as_bytes()).await?;
        // Byte by byte: what follows the answer is the data centre's.
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            if answer.len() >= ANSWER_BYTES_MAX {
                return Err(io::Error::other("its answer is too long"));
            }
            answer.push(stream.read_u8().await?);
        }
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1));
        match status.and_then(|status| status.trim().parse().ok()) {
            Some(200..=299) => Ok(stream),
            Some(407) => Err(io::Error::other("it wants another user and password (HTTP 407)")),
            Some(status @ 100..=599) => Err(io::Error::other(format!("it refuses (HTTP {status})"))),
            _ => Err(io::Error::other("it is no HTTP proxy")),
        }
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.kind == Kind::Socks5 { "socks5" } else { "http" };
        match self.host.contains(':') {
            true => write!(f, "{scheme}://[{}]:{}", self.host, self.port),
            false => write!(f, "{scheme}://{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_read_as_they_are_written_everywhere() {
        for (text, expected) in [
            ("socks5://127.0.0.1:9050", Some("socks5://127.0.0.1:9050")),
            ("socks5h://localhost", Some("socks5://localhost:1080")),
            ("SOCKS5://user:secret@proxy.example:1", Some("socks5://proxy.example:1")),
            ("socks5://[::1]:1080", Some("socks5://[::1]:1080")),
            ("http://[::1]:8080/", Some("http://[::1]:8080")),
            ("http://user:secret@127.0.0.1", Some("http://127.0.0.1:80")),
            ("127.0.0.1:3128", Some("http://127.0.0.1:3128")),
            ("https://127.0.0.1:3128", None),
            ("socks4://127.0.0.1", None),
            ("", None),
            ("socks5://", None),
            ("http://127.0.0.1:99999", None),
        ] {
            let proxy = Proxy::parse(text);
            assert_eq!(proxy.as_ref().ok().map(Proxy::to_string).as_deref(), expected, "{text}");
            assert!(!format!("{proxy:?}").contains("secret"), "{text}");
        }
        let proxy = Proxy::parse("http://a%40b:c%3Ad@127.0.0.1").unwrap();
        assert_eq!(proxy.login, Some(("a@b".to_owned(), "c:d".to_owned())));
    }
}
