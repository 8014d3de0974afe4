//! Scripts of two tenants on two accounts of `tglhost serve` handle every message in order and answer each once, however often
//! host and workers are killed, also while versions are replaced: then the old one runs or the new one, and its file is whole.

use std::fs;
use std::time::Duration;

use datacentre::DataCentre;
use tests::{HostFolder, Place, Process, wait_until};
use tokio::runtime::Runtime;

use crate::Moments;
use crate::load::{self, Load, UNBRAKED};

/// Tenant, script, account. On the first account are scripts of both, two of them of one name.
const SCRIPTS: [(&str, &str, &str); 4] =
    [("ann", "one", "house"), ("ann", "two", "house"), ("ben", "one", "house"), ("ben", "three", "own")];
/// The numbers of the accounts.
const PHONES: [(&str, &str); 2] = [("house", "9996631001"), ("ben.own", "9996631002")];
/// The latest moments of kills: after the one before, and after a replacement was asked for.
const KILL_MS_MAX: u64 = 1_000;
const REPLACED_KILL_MS_MAX: u64 = 400;

const MAY: &str = "calls = [\"read\", \"send\"]\nchats = [\"users\"]\n";

/// Writes each message down, with the version that handles it, then answers it.
const ANSWERING: &str = "\
import tgl
handled = open('/home/handled', 'a')
def f(m):
    if m.out: return
    print(VERSION, m.text, file=handled, flush=True)
    m.src.send_msg('NAME ' + m.text)
tgl.set_on_msg_receive(f)
";

/// A host at work, which may be killed.
struct Served {
    folder: HostFolder,
    process: Process,
    /// It was heard to serve.
    is_up: bool,
    /// The version that each script's file is.
    versions: [usize; SCRIPTS.len()],
    /// The newest version of any, and of which script it is.
    newest: (usize, usize),
}

impl Served {
    /// A host on whose accounts somebody is logged in.
    fn start(place: &Place<DataCentre>) -> Self {
        let at = load::account_at(place, &place.address);
        let folder = HostFolder::new(&[
            ("tglhost.toml", &format!("{UNBRAKED}[accounts.house]\ntenants = [\"ann\", \"ben\"]\n{at}")),
            ("tenants/ann/tenant.toml", &tenant("ann", "")),
            ("tenants/ben/tenant.toml", &tenant("ben", &format!("[accounts.own]\n{at}"))),
        ]);
        for script in 0..SCRIPTS.len() {
            folder.write(&file(script), &source(script, 0));
        }
        let process = folder.serve();
        for (account, phone) in PHONES {
            load::log_in(&folder, account, phone);
        }
        for (tenant, script, _) in SCRIPTS {
            wait_until("it runs", || folder.stands(&format!("{tenant}/{script}"))["state"] == "running");
        }
        Self { folder, process, is_up: true, versions: [0; SCRIPTS.len()], newest: (0, 0) }
    }

    fn kill_workers(&self) {
        self.process.children().into_iter().for_each(|worker| {
            // It may have ended by itself, as one does whose scripts were replaced.
            let _ = std::process::Command::new("kill").args(["-KILL", &worker.to_string()]).output();
        });
    }

    /// Kills it, and starts it anew, which takes a while.
    fn kill(self) -> Self {
        self.process.kill();
        let process = Process::start(&mut self.folder.command(&["serve"]));
        Self { process, is_up: false, ..self }
    }

    fn wait_until_up(&mut self) {
        if !self.is_up {
            self.process.stderr_line_with("Serves ");
            self.is_up = true;
        }
    }

    /// Asks for a new version of a script, and waits for no answer.
    fn replace(&mut self, script: usize, by_deploy: bool) -> Process {
        self.newest = (self.newest.0 + 1, script);
        let new = source(script, self.newest.0);
        if by_deploy {
            self.folder.write("new.py", &new);
            let (tenant, name, _) = SCRIPTS[script];
            let new = self.folder.path("new.py").display().to_string();
            return Process::start(&mut self.folder.command(&["deploy", &format!("{tenant}/{name}"), &new]));
        }
        self.folder.write(&file(script), &new);
        Process::start(&mut self.folder.command(&["reload"]))
    }

    /// Each script's file is what it was, or all of the version that it was given last, and nothing lies beside it.
    fn has_whole_files(&mut self) {
        for (script, (tenant, ..)) in SCRIPTS.into_iter().enumerate() {
            let text = fs::read_to_string(self.folder.path(&file(script))).expect("it is there");
            if self.newest.1 == script && text == source(script, self.newest.0) {
                self.versions[script] = self.newest.0;
            }
            assert_eq!(text, source(script, self.versions[script]));
            let files = fs::read_dir(self.folder.path(&format!("tenants/{tenant}/scripts"))).expect("it is there");
            let names: Vec<_> = files.flatten().map(|file| file.file_name()).collect();
            assert_eq!(names.len(), 2, "{names:?}");
        }
    }
}

fn tenant(name: &str, accounts: &str) -> String {
    let own = SCRIPTS.into_iter().filter(|(tenant, ..)| *tenant == name);
    let scripts = own.map(|(_, name, account)| load::script(name, name, account));
    format!("[grants]\n{MAY}{accounts}{}", scripts.collect::<String>())
}

fn file(script: usize) -> String {
    let (tenant, name, _) = SCRIPTS[script];
    format!("tenants/{tenant}/scripts/{name}.py")
}

fn source(script: usize, version: usize) -> String {
    let (tenant, name, _) = SCRIPTS[script];
    let source = ANSWERING.replace("VERSION", &version.to_string()).replace("NAME", &format!("{tenant}.{name}"));
    load::asking(MAY, &source)
}

fn nothing_is_lost_or_doubled_over(kills: usize) {
    let runtime = Runtime::new().expect("a runtime");
    let place = load::place(&runtime);
    let faults = place.data_centre.faults();
    let mut host = Served::start(&place);
    let load = Load::start(&place, &PHONES.map(|(_, phone)| phone), SCRIPTS.len());
    let mut moments = Moments::new();
    for kill in 0..kills {
        load::misbehave(&faults, kill);
        // Of four: a worker, the host; a worker and the host while a version is replaced.
        let (kills_host, replaces) = (kill % 2 == 1, kill % 4 >= 2);
        let mut latest_ms = KILL_MS_MAX;
        let asked = replaces.then(|| {
            host.wait_until_up();
            latest_ms = REPLACED_KILL_MS_MAX;
            host.replace(kill / 2 % SCRIPTS.len(), kill % 8 >= 4)
        });
        std::thread::sleep(Duration::from_millis(moments.below(latest_ms)));
        if kills_host {
            host = host.kill();
        } else {
            wait_until("a worker is there", || !host.process.children().is_empty());
            host.kill_workers();
        }
        if let Some(asked) = asked {
            let asked = asked.finish();
            assert!(matches!(asked.code(), Some(0 | 1)), "{}", asked.stderr);
            host.wait_until_up();
            host.has_whole_files();
        }
    }
    load::behave(&faults);
    host.wait_until_up();
    // What a kill has kept from being loaded is loaded now.
    let reloaded = host.folder.ask(&["reload"]);
    assert_eq!(reloaded.code(), Some(0), "{}", reloaded.stderr);
    let heard = load.finish();
    for (script, (tenant, name, account)) in SCRIPTS.into_iter().enumerate() {
        assert_eq!(host.folder.stands(&format!("{tenant}/{name}"))["state"], "running");
        heard.answered_once_by(&format!("{tenant}.{name}"));
        let account = if account == "own" { "ben.own" } else { account };
        let handled = host.folder.path(&format!("data/accounts/{account}/scripts/{tenant}.{name}/handled"));
        let handled = fs::read_to_string(handled).expect("it is there");
        let parts: Vec<_> = handled.lines().map(|line| line.split_once(' ').expect("version and number")).collect();
        let again = heard.handled_again(parts.iter().map(|(_, number)| *number));
        println!("{tenant}.{name}: {} messages, {again} of them handled again, {kills} kills", heard.sent);
        assert!(again <= kills, "{tenant}.{name}: {again} were handled again");
        let (last, _) = parts.last().expect("one");
        let text = fs::read_to_string(host.folder.path(&file(script))).expect("it is there");
        assert_eq!(text, source(script, last.parse().expect("a number")), "what runs is what its file says");
    }
    host.process.terminate();
    assert_eq!(host.process.finish().code(), Some(0));
}

#[test]
fn kills_of_a_host_of_many_and_of_its_workers_in_turn() {
    nothing_is_lost_or_doubled_over(8);
}

#[test]
#[ignore = "takes minutes; the one above is the same with fewer kills"]
fn many_kills_of_a_host_of_many_and_of_its_workers_in_turn() {
    nothing_is_lost_or_doubled_over(200);
}
