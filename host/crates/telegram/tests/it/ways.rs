//! The ways to a data centre: either family of addresses, and proxies.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datacentre::{Config, DataCentre};
use telegram::login::{Login, LoginError};
use telegram::{AccountConfig, Proxy};
use tgl::{Call, Completion, FileKind, Outcome};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::world::{User, World, config, phone, sign_up_by};

#[tokio::test(flavor = "multi_thread")]
async fn a_data_centre_may_have_an_ipv6_address() {
    let dir = tempfile::tempdir().unwrap();
    let listen: SocketAddr = "[::1]:0".parse().unwrap();
    // A machine without the family has nothing to show.
    let Ok(probe) = TcpListener::bind(listen).await else { return };
    drop(probe);
    let dc = DataCentre::start(Config { listen, data_dir: dir.path().join("dc"), dc_id: 2 }).await.unwrap();
    let world = World { dir, dc };
    let mut alice = world.user("Alice", 1).await;
    let us = alice.peer();
    assert_eq!(alice.send(us, "by IPv6").await.text.as_deref(), Some("by IPv6"));
}

/// What a proxy of a test wants to hear.
#[derive(Clone, Copy, Debug)]
enum Speaks {
    Socks5,
    Socks5WithPassword,
    Http,
    HttpWithPassword,
}

/// A proxy on loopback, and how many connections went through it.
struct Relay {
    address: SocketAddr,
    passed: Arc<AtomicUsize>,
}

impl Relay {
    async fn new(speaks: Speaks) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let passed = Arc::new(AtomicUsize::new(0));
        let counter = passed.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let counter = counter.clone();
                tokio::spawn(async move { relay(client, speaks, &counter).await });
            }
        });
        Self { address, passed }
    }

    fn proxy(&self, speaks: Speaks) -> Proxy {
        let scheme = match speaks {
            Speaks::Socks5 | Speaks::Socks5WithPassword => "socks5",
            Speaks::Http | Speaks::HttpWithPassword => "http",
        };
        let login = match speaks {
            Speaks::Socks5WithPassword | Speaks::HttpWithPassword => "user:pass%20word@",
            _ => "",
        };
        Proxy::parse(&format!("{scheme}://{login}{}", self.address)).unwrap()
    }
}

async fn relay(mut client: TcpStream, speaks: Speaks, passed: &AtomicUsize) -> Option<()> {
    let target = match speaks {
        Speaks::Socks5 => socks5(&mut client, false).await?,
        Speaks::Socks5WithPassword => socks5(&mut client, true).await?,
        Speaks::Http => connect(&mut client, false).await?,
        Speaks::HttpWithPassword => connect(&mut client, true).await?,
    };
    let mut server = TcpStream::connect(target).await.ok()?;
    passed.fetch_add(1, Ordering::Relaxed);
    tokio::io::copy_bidirectional(&mut client, &mut server).await.ok().map(|_| ())
}

/// RFC 1928 and RFC 1929: only addresses are taken, no names.
async fn socks5(client: &mut TcpStream, wants_password: bool) -> Option<SocketAddr> {
    let mut head = [0; 2];
    client.read_exact(&mut head).await.ok()?;
    let mut methods = vec![0; usize::from(head[1])];
    client.read_exact(&mut methods).await.ok()?;
    let method = if wants_password { 2 } else { 0 };
    if !methods.contains(&method) {
        client.write_all(&[5, 0xff]).await.ok()?;
        return None;
    }
    client.write_all(&[5, method]).await.ok()?;
    if wants_password {
        let mut login = [0; 3 + 4 + 9];
        client.read_exact(&mut login).await.ok()?;
        let is_right = login == *b"\x01\x04user\x09pass word";
        client.write_all(&[1, u8::from(!is_right)]).await.ok()?;
    }
    let mut request = [0; 10];
    client.read_exact(&mut request).await.ok()?;
    let [5, 1, 0, 1, a, b, c, d, high, low] = request else { return None };
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.ok()?;
    Some(([a, b, c, d], u16::from_be_bytes([high, low])).into())
}

async fn connect(client: &mut TcpStream, wants_password: bool) -> Option<SocketAddr> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(client.read_u8().await.ok()?);
    }
    let request = String::from_utf8(request).ok()?;
    // user:pass word
    if wants_password && !request.contains("Proxy-Authorization: Basic dXNlcjpwYXNzIHdvcmQ=\r\n") {
        client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await.ok()?;
        return None;
    }
    let target = request.strip_prefix("CONNECT ")?.split(' ').next()?.parse().ok()?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n").await.ok()?;
    Some(target)
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_goes_through_the_proxy() {
    let world = World::new().await;
    for (digit, speaks) in
        [(1, Speaks::Socks5), (2, Speaks::Socks5WithPassword), (3, Speaks::Http), (4, Speaks::HttpWithPassword)]
    {
        let relay = Relay::new(speaks).await;
        let store = world.store(&format!("{speaks:?}"));
        let config = AccountConfig { proxy: Some(relay.proxy(speaks)), ..config(store, world.address()) };
        sign_up_by(&config, "Alice", &phone(digit)).await;
        let by_login = relay.passed.load(Ordering::Relaxed);
        assert!(by_login >= 2, "{speaks:?}: the key exchange and the login, {by_login}");
        let mut alice = User::start_by(config).await;
        let us = alice.peer();
        alice.send(us, "by proxy").await;
        let by_account = relay.passed.load(Ordering::Relaxed);
        assert!(by_account > by_login, "{speaks:?}: the account");
        std::fs::write(alice.home.path().join("a.txt"), "by proxy as well").unwrap();
        let call = Call::SendFile { to: us, kind: FileKind::Document, path: "a.txt".to_owned() };
        let id = alice.request(call).await;
        let Completion { id: done, result, .. } = alice.completion().await;
        assert!(done == id && matches!(result, Ok(Outcome::Message(_))), "{speaks:?}: {result:?}");
        assert!(relay.passed.load(Ordering::Relaxed) > by_account, "{speaks:?}: the parts of files");
        alice.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_does_not_serve_is_named() {
    let world = World::new().await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let something_else = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let other = something_else.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = something_else.accept().await {
            let _ = client.write_all(b"220 mail.example ESMTP\r\n\r\n").await;
        }
    });
    let (socks5, http) = (Relay::new(Speaks::Socks5WithPassword).await, Relay::new(Speaks::HttpWithPassword).await);
    for (proxy, why) in [
        (Proxy::parse(&format!("socks5://{closed}")).unwrap(), closed.to_string()),
        (socks5.proxy(Speaks::Socks5), socks5.address.to_string()),
        (http.proxy(Speaks::Http), "407".to_owned()),
        (Proxy::parse(&format!("http://{other}")).unwrap(), "no HTTP proxy".to_owned()),
        (Proxy::parse(&format!("socks5://{other}")).unwrap(), other.to_string()),
    ] {
        let config = AccountConfig { proxy: Some(proxy), ..config(world.store(&why), world.address()) };
        let error = Login::begin(config).await.unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, LoginError::Unreachable(_)) && text.contains("proxy") && text.contains(&why), "{text}");
    }
}
