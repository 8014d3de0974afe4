//! Connecting to whichever of several addresses answers first: <https://www.rfc-editor.org/rfc/rfc8305>.
//!
//! Invariant: with a proxy, nothing but the proxy is ever connected to.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::Proxy;

/// How long an address is tried before the next one is tried as well.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// How long all of them together may take.
const DIAL_TIMEOUT: Duration = Duration::from_secs(15);

/// Connects to one of the addresses of one data centre.
pub(crate) async fn dial(addresses: &[SocketAddr], proxy: Option<&Proxy>) -> io::Result<TcpStream> {
    let first = first_of(in_order(addresses), |address| async move {
        match proxy {
            Some(proxy) => proxy.connect(address).await,
            None => TcpStream::connect(address).await,
        }
    });
    let in_time = tokio::time::timeout(DIAL_TIMEOUT, first).await;
    let stream = in_time.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    // Requests are small, and somebody waits for each.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The first attempt to succeed. Each begins when the one before has failed, or has taken long.
pub(super) async fn first_of<T, F: Future<Output = io::Result<T>>>(
    addresses: Vec<SocketAddr>,
    attempt: impl Fn(SocketAddr) -> F,
) -> io::Result<T> {
    let mut left = addresses.into_iter();
    let mut attempts = FuturesUnordered::new();
    let mut error = io::Error::new(io::ErrorKind::AddrNotAvailable, "no address is known");
    let mut next_at = Instant::now();
    loop {
        tokio::select! {
            () = tokio::time::sleep_until(next_at), if left.len() > 0 => {
                attempts.extend(left.next().map(&attempt));
                next_at = Instant::now() + ATTEMPT_DELAY;
            }
            Some(ended) = attempts.next() => match ended {
                Ok(reached) => return Ok(reached),
                Err(failed) => (error, next_at) = (failed, Instant::now()),
            },
            else => return Err(error),
        }
    }
}

/// The two families in turns, IPv6 first.
fn in_order(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let (mut v6, mut v4): (Vec<_>, Vec<_>) = addresses.iter().rev().partition(|address| address.is_ipv6());
    let mut order = Vec::with_capacity(addresses.len());
    while !(v6.is_empty() && v4.is_empty()) {
        order.extend(v6.pop().into_iter().chain(v4.pop()).copied());
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(all: &[&str]) -> Vec<SocketAddr> {
        all.iter().map(|address| address.parse().unwrap()).collect()
    }

    #[test]
    fn families_take_turns() {
        for (given, expected) in [
            (vec![], vec![]),
            (vec!["1.1.1.1:1"], vec!["1.1.1.1:1"]),
            (vec!["[::1]:1"], vec!["[::1]:1"]),
            (vec!["1.1.1.1:1", "[::1]:1"], vec!["[::1]:1", "1.1.1.1:1"]),
            (
                vec!["1.1.1.1:1", "1.1.1.2:1", "[::1]:1", "[::2]:1"],
                vec!["[::1]:1", "1.1.1.1:1", "[::2]:1", "1.1.1.2:1"],
            ),
        ] {
            assert_eq!(in_order(&addresses(&given)), addresses(&expected), "{given:?}");
        }
    }

    #[tokio::test]
    async fn the_faster_one_is_taken_and_a_dead_one_costs_little() {
        let both = addresses(&["[::1]:1", "127.0.0.1:1"]);
        // (what the first and the second do, which is taken): 0 never ends, 1 fails, 2 succeeds.
        for (doings, expected) in
            [([2, 2], Some(0)), ([0, 2], Some(1)), ([1, 2], Some(1)), ([2, 0], Some(0)), ([1, 1], None)]
        {
            let attempt = |address: SocketAddr| {
                let at = both.iter().position(|known| *known == address).unwrap();
                async move {
                    match doings[at] {
                        0 => std::future::pending().await,
                        1 => Err(io::Error::other("refused")),
                        _ => Ok(at),
                    }
                }
            };
            assert_eq!(first_of(both.clone(), attempt).await.ok(), expected, "{doings:?}");
        }
        let none = first_of(Vec::new(), |_| async { Ok(()) }).await;
        assert!(none.is_err());
    }
}
