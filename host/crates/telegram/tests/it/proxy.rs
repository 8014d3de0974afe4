//! A way to the data centre that can be cut and filled with rubbish.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use telegram::DcAddress;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

use crate::world::PATIENCE;

/// What happens to what passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weather {
    Fine,
    /// After this many bytes from the data centre the connection is cut, in the middle of whatever it is.
    CutAfter(usize),
    /// What comes from the data centre is made unreadable.
    Garbage,
    /// Everything is swallowed, in both directions; nobody is told.
    Silence,
}

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    weather: watch::Sender<Weather>,
    cut: watch::Sender<u64>,
    refuses: Arc<AtomicBool>,
    passed: Passed,
}

/// What has come this way so far.
#[derive(Clone, Debug, Default)]
struct Passed {
    bytes_up: watch::Sender<usize>,
    /// Connections that [`Weather::CutAfter`] has cut.
    cut_short: watch::Sender<usize>,
}

impl Proxy {
    pub(crate) async fn new(target: SocketAddr) -> Self {
        Self::from(Ipv4Addr::LOCALHOST, target).await
    }

    /// One that comes to the data centre from this address.
    pub(crate) async fn from(from: Ipv4Addr, target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (weather, cut) = (watch::Sender::new(Weather::Fine), watch::Sender::new(0));
        let refuses = Arc::new(AtomicBool::new(false));
        let passed = Passed::default();
        let (weather_of, cut_of, refuses_of, passed_of) =
            (weather.clone(), cut.clone(), refuses.clone(), passed.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if !refuses_of.load(Ordering::Relaxed) {
                    let server = connect(from, target);
                    tokio::spawn(pass(client, server, weather_of.subscribe(), cut_of.subscribe(), passed_of.clone()));
                }
            }
        });
        Self { address, weather, cut, refuses, passed }
    }

    pub(crate) fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// Cuts every connection there is.
    pub(crate) fn cut(&self) {
        self.cut.send_modify(|cuts| *cuts += 1);
    }

    /// Waits until this many bytes more have come from this side.
    pub(crate) async fn bytes_up(&self, count: usize) {
        let mut bytes_up = self.passed.bytes_up.subscribe();
        let wanted = *bytes_up.borrow() + count;
        wait(&mut bytes_up, wanted).await;
    }

    /// Waits until a connection has been cut by [`Weather::CutAfter`].
    pub(crate) async fn cut_short(&self) {
        wait(&mut self.passed.cut_short.subscribe(), 1).await;
    }

    pub(crate) fn refuse(&self, refuse: bool) {
        self.refuses.store(refuse, Ordering::Relaxed);
    }

    pub(crate) fn to(&self, dc: DcAddress) -> DcAddress {
        match dc {
            DcAddress::Custom { public_key_pem, dc_id, .. } => {
                DcAddress::Custom { address: self.address, public_key_pem, dc_id }
            }
            DcAddress::Telegram => DcAddress::Telegram,
        }
    }
}

async fn wait(passed: &mut watch::Receiver<usize>, wanted: usize) {
    let waited = tokio::time::timeout(PATIENCE, passed.wait_for(|count| *count >= wanted)).await;
    waited.expect("it comes in time").expect("the proxy is there");
}

async fn connect(from: Ipv4Addr, target: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    socket.connect(target).await
}

async fn pass(
    client: TcpStream,
    server: impl Future<Output = std::io::Result<TcpStream>>,
    weather: watch::Receiver<Weather>,
    mut cut: watch::Receiver<u64>,
    passed_by: Passed,
) {
    let Ok(server) = server.await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let weather_up = weather.clone();
    let up = async move {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = from_client.read(&mut buffer).await {
            passed_by.bytes_up.send_modify(|bytes| *bytes += count);
            if *weather_up.borrow() != Weather::Silence && to_server.write_all(&buffer[..count]).await.is_err() {
                break;
            }
        }
    };
    let down = async move {
        let (mut buffer, mut passed) = ([0; 4096], 0);
        while let Ok(count @ 1..) = from_server.read(&mut buffer).await {
            let now = *weather.borrow();
            let given = match now {
                Weather::Fine => &buffer[..count],
                Weather::Silence => continue,
                Weather::Garbage => {
                    buffer[..count].iter_mut().for_each(|byte| *byte ^= 0xa5);
                    &buffer[..count]
                }
                Weather::CutAfter(limit) => &buffer[..count.min(limit.saturating_sub(passed))],
            };
            passed += count;
            let is_cut = matches!(now, Weather::CutAfter(limit) if passed >= limit);
            if is_cut {
                passed_by.cut_short.send_modify(|connections| *connections += 1);
            }
            if to_client.write_all(given).await.is_err() || is_cut {
                break;
            }
        }
    };
    tokio::select! {
        () = up => {}
        () = down => {}
        _ = cut.changed() => {}
    }
}
