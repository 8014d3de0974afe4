//! The ways to a data centre that a user can name: an IPv6 address, and a proxy by option or by the environment.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tests::{Place, finish, tglhost};

/// A SOCKS5 proxy on loopback that counts what went through it.
fn socks5() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    let passed = Arc::new(AtomicUsize::new(0));
    let counter = passed.clone();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let counter = counter.clone();
            std::thread::spawn(move || relay(client, &counter));
        }
    });
    (address, passed)
}

/// No method but "no login", no kind of address but IPv4: <https://www.rfc-editor.org/rfc/rfc1928>.
fn relay(mut client: TcpStream, passed: &AtomicUsize) -> Option<()> {
    let mut hello = [0; 3];
    client.read_exact(&mut hello).ok()?;
    client.write_all(&[5, 0]).ok()?;
    let mut request = [0; 10];
    client.read_exact(&mut request).ok()?;
    let [5, 1, 0, 1, a, b, c, d, high, low] = request else { return None };
    let target = SocketAddr::from(([a, b, c, d], u16::from_be_bytes([high, low])));
    let server = TcpStream::connect(target).ok()?;
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).ok()?;
    passed.fetch_add(1, Ordering::Relaxed);
    let (mut from_client, mut to_server) = (client.try_clone().ok()?, server.try_clone().ok()?);
    std::thread::spawn(move || std::io::copy(&mut from_client, &mut to_server));
    let (mut from_server, mut to_client) = (server, client);
    std::io::copy(&mut from_server, &mut to_client).ok().map(|_| ())
}

#[test]
fn a_proxy_is_named_by_option_or_by_the_environment() {
    let place = Place::new();
    let (address, passed) = socks5();
    let url = format!("socks5://{address}");
    /// What is set in the environment, more arguments, whether it goes through the proxy.
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str], bool);
    let cases: &[Case<'_>] = &[
        (&[], &["--proxy", &url], true),
        (&[("ALL_PROXY", &url)], &[], true),
        (&[("all_proxy", &url)], &[], true),
        (&[("ALL_PROXY", "")], &[], false),
        (&[("ALL_PROXY", &url), ("NO_PROXY", "example.org,127.0.0.1")], &[], false),
        (&[("ALL_PROXY", &url), ("NO_PROXY", "10.0.0.0/8,127.0.0.0/8")], &[], false),
        (&[("ALL_PROXY", &url), ("NO_PROXY", ""), ("no_proxy", "127.0.0.1/32")], &[], false),
        (&[("ALL_PROXY", &url), ("NO_PROXY", "*")], &["--proxy", &url], true),
    ];
    for (environment, more, is_through) in cases {
        let before = passed.load(Ordering::Relaxed);
        let mut command = login(&place, &place.address);
        command.args(*more).envs(environment.iter().copied());
        let run = finish(&mut command, "");
        assert_eq!(run.code(), Some(0), "{environment:?} {more:?}: {}", run.stderr);
        assert_eq!(passed.load(Ordering::Relaxed) > before, *is_through, "{environment:?} {more:?}");
    }
    let script = place.script("s.py", "import tgl\ntgl.set_on_get_difference_end(lambda: tgl.safe_exit(0))\n");
    let before = passed.load(Ordering::Relaxed);
    let run = finish(place.command(&["run", "--account", "x", "--proxy", &url]).arg(script), "");
    assert_eq!(run.code(), Some(0), "{}", run.stderr);
    assert!(passed.load(Ordering::Relaxed) > before, "the account goes through it as well");
}

#[test]
fn a_wrong_proxy_is_named_without_its_password() {
    let place = Place::new();
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
    for (proxy, part) in [
        (format!("socks5://user:hunter2@{closed}"), closed.to_string()),
        (format!("http://user:hunter2@{closed}"), closed.to_string()),
        ("ftp://user:hunter2@127.0.0.1".to_owned(), "socks5://".to_owned()),
        ("socks5://user:hunter2@".to_owned(), "socks5://HOST:PORT".to_owned()),
    ] {
        for (code, command) in [
            (if part.contains("://") { 2 } else { 1 }, login(&place, &place.address).args(["--proxy", &proxy])),
            (1, login(&place, &place.address).env("ALL_PROXY", &proxy)),
        ] {
            let run = finish(command, "");
            let said = format!("{}{}", run.stdout, run.stderr);
            assert_eq!(run.code(), Some(code), "{proxy}: {said}");
            assert!(said.contains(&part) && said.contains("proxy") && !said.contains("hunter2"), "{proxy}: {said}");
        }
    }
}

#[test]
fn a_data_centre_at_an_ipv6_address_is_reached() {
    if TcpListener::bind("[::1]:0").is_err() {
        eprintln!("this machine has no IPv6: nothing to see");
        return;
    }
    let place = Place::at(tempfile::tempdir().expect("a folder"), "[::1]:0");
    let run = finish(&mut login(&place, &place.address), "");
    assert!(place.address.starts_with("[::1]:"), "{}", place.address);
    assert_eq!(run.code(), Some(0), "{}", run.stderr);
}

/// Logs the same account in, the first time by signing up.
fn login(place: &Place, address: &str) -> Command {
    let mut command = tglhost(&place.data.path().join("user"));
    command.args(["login", "x", "--bot-token", "4242:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]);
    command.args(["--dc", address, "--dc-key"]).arg(&place.public_key);
    for name in ["ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"] {
        command.env_remove(name);
    }
    command
}
