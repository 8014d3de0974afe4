//! Messages without end to accounts of a data centre that misbehaves, and what is to be seen afterwards: all were handled, in
//! order, and each was answered once.

use std::fs;
use std::path::{Path, PathBuf};

use datacentre::{Config, DataCentre, Faults};
use serde_json::Value;
use tempfile::TempDir;
use tests::{HostFolder, Place, Process, listed, wait_until};
use tokio::runtime::Runtime;

/// Sends numbers to everybody all the time, as long as not too many lack answers, writes each answer down, and prints how many
/// numbers it has sent once it is told that it is over.
const ASKING: &str = "\
import os, threading, tgl
sent, answers, peers, heard = 0, 0, [], open('/home/heard', 'a')
def send():
    global sent
    over = os.path.exists('/told/over')
    if over or SCRIPTS * sent - answers < 600:
        for peer in peers: peer.send_msg(str(sent))
        sent += 1
    if over: print(sent)
    else: threading.Timer(.01, send).start()
def added(ok, found):
    peers.append(found[0])
    if len(peers) == len(PHONES): send()
for phone in PHONES: tgl.add_contact(phone, 'N' + phone, '', added)
def f(m):
    global answers
    if m.out: return
    answers += 1
    print(m.text, file=heard, flush=True)
tgl.set_on_msg_receive(f)
";

/// A host's file that lets scripts talk to each other as fast as they can.
pub(crate) const UNBRAKED: &str = "\
[limits]
chat_sends_per_s = 1_000
sends_per_s = 1_000
loop_rounds_max = 1_000_000
";

/// What a tenant's file says of a script.
pub(crate) fn script(name: &str, file: &str, account: &str) -> String {
    format!("[scripts.{name}]\nfile = \"{file}.py\"\naccount = \"{account}\"\n")
}

/// A script that asks for what it may.
pub(crate) fn asking(may: &str, source: &str) -> String {
    let asks: String = may.lines().map(|line| format!("# {line}\n")).collect();
    format!("# /// tglhost\n{asks}# ///\n{source}")
}

/// A data centre in this process, which misbehaves when told to.
pub(crate) fn place(runtime: &Runtime) -> Place<DataCentre> {
    let data = TempDir::new().expect("a folder");
    let config = Config { listen: ([127, 0, 0, 1], 0).into(), data_dir: data.path().join("dc"), dc_id: 2 };
    let data_centre = runtime.block_on(DataCentre::start(config)).expect("a data centre");
    let (address, public_key) = (data_centre.address.to_string(), data_centre.public_key_path.clone());
    Place { data, address, public_key, data_centre }
}

/// What a host's files say of an account there, reached at this address.
pub(crate) fn account_at(place: &Place<DataCentre>, address: &str) -> String {
    format!(
        "data_centre.at = {{ address = {address:?}, dc_id = 2, key_file = {:?} }}\n",
        place.public_key.display().to_string()
    )
}

/// Signs somebody up with this number, whose account this is from now on.
pub(crate) fn log_in(folder: &HostFolder, account: &str, phone: &str) {
    let code = phone[5..6].repeat(5);
    let verb = ["account", "login", account, "--phone", phone, "--first-name", "Ann", "--code", &code];
    let logged_in = folder.ask(&verb);
    assert_eq!(logged_in.code(), Some(0), "{}", logged_in.stderr);
}

/// What goes wrong in a round. Loss, a hidden answer and a cut cost the scripts moments in which there is little to kill, so
/// they are rarer. An account whose connections are cut within seconds, again and again, keeps away for longer each time.
pub(crate) fn misbehave(faults: &Faults, round: usize) {
    faults.double_next_pushes(100);
    faults.delay_next_pushes(100);
    match round % 20 {
        1 => faults.drop_connections(),
        3 | 8 | 13 | 18 => faults.drop_next_pushes(20),
        5 | 15 => faults.hide_next_answer("messages.sendMessage", 500, "HIDDEN"),
        _ => {}
    }
}

/// From now on all is well, and who has missed something finds out.
pub(crate) fn behave(faults: &Faults) {
    faults.drop_next_pushes(0);
    faults.double_next_pushes(0);
    faults.delay_next_pushes(0);
    faults.drop_connections();
}

/// Somebody who writes to those with these numbers, until told to stop.
pub(crate) struct Load<'a> {
    place: &'a Place<DataCentre>,
    asking: Process,
    told: TempDir,
    scripts: usize,
}

/// What was sent, and what was heard.
pub(crate) struct Heard {
    pub(crate) sent: usize,
    answers: String,
}

impl<'a> Load<'a> {
    /// So many scripts in all answer each number.
    pub(crate) fn start(place: &'a Place<DataCentre>, phones: &[&str], scripts: usize) -> Self {
        place.sign_up("asking", "9996631009", "Bob");
        let source = ASKING.replace("PHONES", &format!("{phones:?}")).replace("SCRIPTS", &scripts.to_string());
        let (script, told) = (place.script("asking.py", &source), TempDir::new().expect("a folder"));
        let given = format!("{}:/told", told.path().display());
        let asking = Process::start(place.command(&["run", "--account", "asking", "--dir", &given]).arg(script));
        Self { place, asking, told, scripts }
    }

    /// Sends one number more, and waits for all the answers.
    pub(crate) fn finish(mut self) -> Heard {
        fs::write(self.told.path().join("over"), "").expect("written");
        let sent: usize = self.asking.line().trim().parse().expect("a number");
        let user = self.place.data.path().join("user");
        let heard = home(&user, "asking.py").join("heard");
        let answers = || fs::read_to_string(&heard).expect("it is there");
        wait_until("every message is answered", || answers().lines().count() >= sent * self.scripts);
        let is_done = |line: &Value| line["waiting_events"] == 0 && line["waiting_calls"] == 0;
        wait_until("nothing is pending", || listed(&user).iter().all(is_done));
        self.asking.terminate();
        assert_eq!(self.asking.finish().code(), Some(0));
        Heard { sent, answers: answers() }
    }
}

impl Heard {
    /// Every number was answered once by this script, in order.
    pub(crate) fn answered_once_by(&self, script: &str) {
        let answers = self.answers.lines().filter_map(|line| line.strip_prefix(script)?.strip_prefix(' '));
        assert_eq!(numbers(answers), (0..self.sent).collect::<Vec<_>>(), "{script}: each answer once, in order");
    }

    /// How many of these numbers were handled again, each right after it was handled first: all were, and in order.
    pub(crate) fn handled_again<'a>(&self, handled: impl Iterator<Item = &'a str>) -> usize {
        let (mut next, mut again) = (0, 0);
        for number in numbers(handled) {
            if number == next {
                next += 1;
            } else {
                assert_eq!(number + 1, next, "out of order");
                again += 1;
            }
        }
        assert_eq!(next, self.sent, "not all were handled");
        again
    }
}

/// The private folder of a script of `run`.
pub(crate) fn home(user: &Path, script: &str) -> PathBuf {
    let of_script = listed(user).into_iter().find(|line| line["name"] == script).expect("it is listed");
    of_script["home"].as_str().expect("a path").into()
}

fn numbers<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<usize> {
    texts.map(|text| text.trim().parse().unwrap_or_else(|_| panic!("{text:?} is no number"))).collect()
}
