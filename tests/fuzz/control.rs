//! The socket at which a host is asked, and the port for tenants: every request is answered or its connection closed, none is
//! answered by a fault of the host's own, and the host and its script go on.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use arbitrary::Unstructured;
use tests::{HostFolder, Process, wait_until};

use crate::damage::bytes_like;
use crate::holds_for_each;

/// How long one request may go unanswered.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// Who has heard nothing for so long is waited for: what came last was no end of a request.
const PAUSE: Duration = Duration::from_millis(20);
/// What is asked last.
const LAST: &[u8] = b"GET /v1/scripts HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/// What is asked rightly. `TOKEN` is a tenant's.
const RIGHT: [&str; 9] = [
    "GET /v1/scripts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer TOKEN\r\n\r\n",
    "GET /v1/scripts/ann/bot HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer TOKEN\r\n\r\n",
    "GET /v1/scripts/ann/bot/log?lines=3&follow=false HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer TOKEN\r\n\r\n",
    "GET /v1/accounts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer TOKEN\r\n\r\n",
    "POST /v1/scripts/ann/bot/start HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer TOKEN\r\nContent-Length: 0\r\n\r\n",
    "PUT /v1/scripts/ann/bot/file HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer TOKEN\r\nContent-Length: 9\r\n\r\nprint(1)\n",
    "POST /v1/accounts/house/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 24\r\n\r\n{\"phone\": \"9996610001\" }",
    "POST /v1/tenants HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"n\r\n0\r\n\r\n",
    "GET /health HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n",
];

/// A way to the host.
trait Way: Read + Write {
    fn wait_for(&self, wait: Duration) -> io::Result<()>;
    fn say_no_more(&self) -> io::Result<()>;
}

impl Way for UnixStream {
    fn wait_for(&self, wait: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(wait))
    }

    fn say_no_more(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

impl Way for TcpStream {
    fn wait_for(&self, wait: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(wait))
    }

    fn say_no_more(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

/// All that is answered until the connection is closed, to this and to what is asked last.
fn answer(mut way: impl Way, request: &[u8]) -> String {
    // It may be closed before all is sent.
    let _ = way.write_all(&[request, LAST].concat());
    way.wait_for(PAUSE).expect("set");
    let mut answer = Vec::new();
    let is_over =
        |read: &io::Result<usize>| read.as_ref().map_or_else(|error| error.kind() != ErrorKind::WouldBlock, |_| true);
    if !is_over(&way.read_to_end(&mut answer)) {
        let _ = way.say_no_more();
        way.wait_for(ANSWER_MAX).expect("set");
        assert!(is_over(&way.read_to_end(&mut answer)), "no answer to {:?}", String::from_utf8_lossy(request));
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn any_request_is_answered_and_the_host_goes_on() {
    let folder = HostFolder::new(&[
        (
            "tglhost.toml",
            "[http]\nlisten = \"127.0.0.1:0\"\n[accounts.house]\ntenants = [\"ann\"]\n\
             data_centre.embedded = { phone = \"9996610001\", first_name = \"House\" }\n",
        ),
        ("tenants/ann/tenant.toml", "[scripts.bot]\nfile = \"bot.py\"\naccount = \"house\"\n"),
        ("tenants/ann/scripts/bot.py", "import tgl\n"),
    ]);
    let mut host = Process::start(&mut folder.command(&["serve"]));
    let line = host.stderr_line_with("Tenants reach the host at");
    let port = line.split_once("http://").expect("an address").1.trim_end().trim_end_matches('.').to_owned();
    host.stderr_line_with("Serves ");
    let token = folder.ask(&["tenant", "token", "ann"]).stdout.trim_end().to_owned();
    let socket = folder.path("data/control.sock");
    let right = RIGHT.map(|request| request.replace("TOKEN", &token).into_bytes());
    let make = |from: &mut Unstructured<'_>| Ok((bytes_like(from, &right)?, from.arbitrary::<bool>()?));
    holds_for_each(make, |(request, is_owner)| {
        let status = match is_owner {
            true => answer(UnixStream::connect(&socket).expect("it listens"), request),
            false => answer(TcpStream::connect(&port).expect("it listens"), request),
        };
        let is_answer = status.is_empty() || status.starts_with("HTTP/1.");
        assert!(is_answer && !status.contains(" 500 ") && !status.contains("panicked"), "{status}");
        // It is read, so that there is room for more.
        assert!(host.news().all(|line| !line.contains("panicked")));
    });
    let healthy = answer(UnixStream::connect(&socket).expect("it listens"), LAST);
    assert!(healthy.starts_with("HTTP/1.1 200"), "{healthy}");
    assert_eq!(folder.ask(&["restart", "ann/bot"]).code(), Some(0));
    wait_until("it runs", || folder.stands("ann/bot")["state"] == "running");
    host.terminate();
    let ended = host.finish();
    assert!(ended.code() == Some(0) && !ended.stderr.contains("panicked"), "{}", ended.stderr);
}
