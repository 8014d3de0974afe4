//! What befalls one account of a host is no matter of another's: two of them go on talking, whatever the rest suffer.

use std::net::SocketAddr;

use datacentre::Faults;
use tests::{HostFolder, Process, wait_until};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::load;

/// What the two say to each other after each thing that befalls another.
const ROUNDS: usize = 20;

const MAY: &str = "calls = [\"read\", \"send\", \"contacts\"]\nchats = [\"users\"]\n";

/// Answers what it is asked.
const ANSWERS: &str = "\
import tgl
def f(m):
    if not m.out: m.src.send_msg('re: ' + m.text)
tgl.set_on_msg_receive(f)
";

/// Asks one thing after the other.
const ASKS: &str = "\
import tgl
asked = 0
def ask(peer):
    global asked
    asked += 1
    peer.send_msg(str(asked))
def f(m):
    if m.out: return
    print(m.text, flush=True)
    ask(m.src)
tgl.set_on_msg_receive(f)
tgl.set_on_get_difference_end(lambda: tgl.add_contact('9996630001', 'House', '', lambda ok, peers: ask(peers[0])))
";

/// Makes a call that nobody else makes, whenever it is told to.
const CALLS: &str = "\
import os, threading, tgl
def look():
    if os.path.exists('/home/go'):
        os.remove('/home/go')
        tgl.get_contact_list(lambda ok, peers: print('contacts', ok, flush=True))
    threading.Timer(.02, look).start()
look()
";

/// What befalls an account, of that name.
struct Row {
    account: &'static str,
    happens: fn(&Faults, &watch::Sender<bool>),
    /// It is seen once its script has called.
    calls: bool,
    /// How `account list` tells of it then.
    stands: &'static str,
}

const ROWS: [Row; 3] = [
    Row { account: "dead", happens: |_, is_cut| _ = is_cut.send_replace(true), calls: false, stands: "waiting" },
    Row {
        account: "flooded",
        happens: |faults, _| faults.fail_next("contacts.getContacts", 420, "FLOOD_WAIT_200"),
        calls: true,
        stands: "online",
    },
    Row {
        account: "revoked",
        happens: |faults, _| faults.fail_next("contacts.getContacts", 401, "SESSION_REVOKED"),
        calls: true,
        stands: "logged-out",
    },
];

/// A way to the data centre that is cut while it is told to be.
fn way(runtime: &Runtime, to: String) -> (SocketAddr, watch::Sender<bool>) {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("it can listen");
    let (is_cut, cut) = watch::channel(false);
    let address = listener.local_addr().expect("it has one");
    runtime.spawn(async move {
        while let Ok((mut here, _)) = listener.accept().await {
            let (mut cut, to) = (cut.clone(), to.clone());
            tokio::spawn(async move {
                let Ok(mut there) = TcpStream::connect(to).await else { return };
                tokio::select! {
                    _ = copy_bidirectional(&mut here, &mut there) => {}
                    _ = cut.wait_for(|is_cut| *is_cut) => {}
                }
            });
        }
    });
    (address, is_cut)
}

/// The next answers of the one to the other, each once and in order. What else is said is kept.
fn talk(host: &mut Process, answers: &mut usize, others: &mut String) {
    let until = *answers + ROUNDS;
    while *answers < until {
        let line = host.line();
        match line.strip_prefix("ann.asks: re: ") {
            Some(number) => {
                *answers += 1;
                assert_eq!(number.trim_end(), answers.to_string());
            }
            None => others.push_str(&line),
        }
    }
}

#[test]
fn what_befalls_one_account_touches_no_other() {
    let runtime = Runtime::new().expect("a runtime");
    let place = load::place(&runtime);
    let (way, is_cut) = way(&runtime, place.address.clone());
    let at = load::account_at(&place, &place.address);
    let at_way = load::account_at(&place, &way.to_string());
    let script = |account: &str, file: &str| load::script(account, file, account);
    let innocent = ["asks", "answers"].map(|name| format!("[accounts.{name}]\n{at}{}", script(name, name)));
    let others = ROWS.map(|row| {
        let at = if row.account == "dead" { &at_way } else { &at };
        format!("[accounts.{}]\n{at}{}", row.account, script(row.account, "calls"))
    });
    let grants = format!("[grants]\n{MAY}");
    let asking = |source: &str| load::asking(MAY, source);
    let folder = HostFolder::new(&[
        ("tglhost.toml", load::UNBRAKED),
        ("tenants/ann/tenant.toml", &format!("{grants}{}", innocent.concat())),
        ("tenants/ann/scripts/asks.py", &asking(ASKS)),
        ("tenants/ann/scripts/answers.py", &asking(ANSWERS)),
        ("tenants/ben/tenant.toml", &format!("{grants}{}", others.concat())),
        ("tenants/ben/scripts/calls.py", &asking(CALLS)),
    ]);
    let mut host = folder.serve();
    load::log_in(&folder, "ann.answers", "9996630001");
    for (number, row) in ROWS.iter().enumerate() {
        load::log_in(&folder, &format!("ben.{}", row.account), &format!("999663000{}", number + 2));
    }
    load::log_in(&folder, "ann.asks", "9996630009");
    let (mut answers, mut said) = (0, String::new());
    talk(&mut host, &mut answers, &mut said);
    let stands = |account: &str| {
        let listed = folder.ask(&["account", "list"]).stdout;
        listed.lines().find(|line| line.starts_with(account)).expect("it is listed").to_owned()
    };
    for Row { account, happens, calls, stands: expected } in ROWS {
        happens(&place.data_centre.faults(), &is_cut);
        if calls {
            folder.write(&format!("data/accounts/ben.{account}/scripts/ben.{account}/go"), "");
            wait_until("it has called", || place.data_centre.faults().failures_pending() == 0);
        }
        wait_until(account, || stands(&format!("ben.{account}")).contains(expected));
        talk(&mut host, &mut answers, &mut said);
        for innocent in ["ann.asks", "ann.answers"] {
            assert!(stands(innocent).contains("online"), "{account}");
            assert_eq!(folder.stands(&innocent.replace('.', "/"))["crashes"], 0, "{account}");
        }
    }
    // The one that was cut off comes back, though others have not.
    is_cut.send_replace(false);
    wait_until("it is back", || stands("ben.dead").contains("online"));
    talk(&mut host, &mut answers, &mut said);
    assert!(said.contains("ben.revoked: contacts False") && !said.contains("ben.flooded: contacts"), "{said}");
    host.terminate();
    assert_eq!(host.finish().code(), Some(0));
}
