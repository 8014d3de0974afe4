//! Scripts in the Python component: what telegram-cli's scripts take for granted works, and what cannot says why.

use std::fs;
use std::path::Path;

use files::FileSpace;
use sandbox::GuestError;
use tempfile::TempDir;

use crate::python::python;
use crate::support::{Running, With, start};

/// What a script may keep in its private folder.
const HOME_BYTES_MAX: u64 = 16 << 20;

/// A script in folders of its own.
pub(crate) struct Script {
    pub(crate) guest: Running,
    folder: TempDir,
    home: TempDir,
}

impl Script {
    /// The script's folder on the host.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What a file in the script's private folder holds, as bytes of Rust's literals.
    pub(crate) fn kept(&self, name: &str) -> String {
        fs::read(self.home.path().join(name))
            .map_or_else(|error| error.to_string(), |kept| kept.escape_ascii().to_string())
    }
}

/// Starts an instance whose script's folder holds these files.
pub(crate) async fn start_beside(files: &[(&str, &str)], zone: Option<&str>) -> Script {
    let (script, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (name, content) in files {
        let path = script.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new(""))).unwrap();
        fs::write(path, content).unwrap();
    }
    let space = FileSpace::open(Some(script.path()), Some(home.path()), HOME_BYTES_MAX, &[]).unwrap();
    let env = zone.map(|zone| ("TZ".to_owned(), zone.to_owned())).into_iter().collect();
    let guest = start(&python().await, With { files: Some(space), env, ..With::default() }).await.unwrap();
    Script { guest, folder: script, home }
}

/// Loads each source and delivers one message to it; gives what differs from what it should print.
pub(crate) async fn surprises(files: &[(&str, &str)], zone: Option<&str>, cases: &[(&str, &str)]) -> String {
    let mut surprises = String::new();
    for (source, printed) in cases {
        let mut script = start_beside(files, zone).await;
        let loaded = script.guest.instance.load(source, "/script/bot.py").await;
        let mut told = script.guest.notes.take_stdout();
        if loaded.is_ok() && source.contains("on_msg_receive") {
            told.push('|');
            told.push_str(&script.guest.tell("hello").await);
        }
        let stderr = script.guest.notes.stderr();
        if loaded != Ok(()) || told != *printed || !stderr.is_empty() {
            surprises.push_str(&format!("{source}\n=> {told:?}, not {printed:?}; {loaded:?}\n{stderr}\n"));
        }
    }
    surprises
}

#[tokio::test]
async fn what_python_has_removed_is_brought_back_where_it_can_be() {
    let files = [("beside.py", "answer = 42\n")];
    let cases = [
        (
            "import imp\nm = imp.load_source('other', '/script/beside.py')\nfound = imp.find_module('beside', ['/script'])\n\
             print(m.answer, imp.load_module('beside', *found).answer, imp.new_module('n').__name__)",
            "42 42 n",
        ),
        (
            "import imghdr\nprint(imghdr.what(None, b'\\xff\\xd8\\xff\\xe0'), imghdr.what(None, b'GIF89a'), imghdr.what(None, b'x'))",
            "jpeg gif None",
        ),
        (
            "import collections, collections.abc, time, threading\nfrom collections import Mapping\n\
             print(collections.Iterable is collections.abc.Iterable, time.clock() >= 0, threading.current_thread().isAlive())",
            "True True True",
        ),
        (
            "import inspect, base64, xml.etree.cElementTree\nprint(inspect.getargspec(lambda a, b=1: 0).args, base64.encodestring(b'a'))",
            "['a', 'b'] b'YQ==\\n'",
        ),
        (
            "import asyncio\n@asyncio.coroutine\ndef main():\n    yield from asyncio.sleep(0)\n    return 3\nprint(asyncio.run(main()))",
            "3",
        ),
    ];
    let surprises = surprises(&files, None, &cases).await;
    assert!(surprises.is_empty(), "{surprises}");
}

#[tokio::test]
async fn programs_that_do_not_run_have_a_status_and_an_empty_pipe() {
    let mut script = start_beside(&[], None).await;
    let source =
        "import os\nprint(os.system('ls'), repr(os.popen('ls').read()), os.popen('ls').close())\ndef on_loop(): pass";
    script.guest.load(source).await;
    assert_eq!(script.guest.notes.take_stdout(), "32512 '' 32512");
    let log = script.guest.notes.log();
    assert_eq!(log.iter().filter(|(_, line)| line.contains("has not run")).count(), 3, "{log:?}");
    assert!(log[0].1.starts_with("os.system('ls') has not run: a script in the sandbox cannot start other programs"));
}

#[tokio::test]
async fn a_native_extension_says_why_in_every_form_of_import() {
    let files = [
        ("package/__init__.py", ""),
        ("package/_ext.cpython-311-x86_64-linux-gnu.so", "ELF"),
        ("package/inner.py", "from . import _ext\n"),
        ("alone.so", "ELF"),
    ];
    for import in [
        "from package import _ext",
        "import package._ext",
        "from package._ext import name",
        "import package.inner",
        "__import__('package._ext')",
        "import importlib; importlib.import_module('package._ext')",
        "import alone",
        "from alone import name",
    ] {
        let mut script = start_beside(&files, None).await;
        let Err(GuestError::Raised(text)) = script.guest.instance.load(import, "/script/bot.py").await else {
            panic!("{import} loads")
        };
        assert!(
            text.contains(".so is a native extension, and native code does not run in the sandbox"),
            "{import}: {text}"
        );
    }
}

#[tokio::test]
async fn what_was_compiled_is_kept_until_it_changes() {
    let (script, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let run = async |source: &str, module: &str| {
        fs::write(script.path().join("beside.py"), module).unwrap();
        let space = FileSpace::open(Some(script.path()), Some(home.path()), HOME_BYTES_MAX, &[]).unwrap();
        let mut guest = start(&python().await, With { files: Some(space), ..With::default() }).await.unwrap();
        guest.instance.load(source, "/script/bot.py").await.unwrap();
        (guest.notes.take_stdout(), guest.notes.stderr().matches("SyntaxWarning").count())
    };
    let kept = || fs::read_dir(home.path().join(".cache/python")).map_or(0, Iterator::count);
    let (source, module) = ("import beside\nprint(beside.x, 1 is 1)", "x = '\\d'\n");
    assert_eq!(run(source, module).await, ("\\d True".to_owned(), 2));
    assert_eq!(kept(), 2);
    assert_eq!(run(source, module).await, ("\\d True".to_owned(), 0));
    assert_eq!(run(source, &module.replace("d'", "w'")).await, ("\\w True".to_owned(), 1));
    // What is damaged is made again.
    for entry in fs::read_dir(home.path().join(".cache/python")).unwrap() {
        fs::write(entry.unwrap().path(), "damaged").unwrap();
    }
    assert_eq!(run(source, module).await, ("\\d True".to_owned(), 2));
    // Small and without a warning it is not kept.
    let before = kept();
    assert_eq!(run("print(1)", "").await, ("1".to_owned(), 0));
    assert_eq!(run(&"print(1)\n".repeat(400), "").await.1, 0);
    assert_eq!(kept(), before + 1);
}

#[tokio::test]
async fn an_error_in_a_thread_is_printed_as_python_prints_it() {
    let mut script = start_beside(&[], None).await;
    script.guest.load("import threading\nthreading.Thread(target=lambda: 1 / 0, name='T').start()").await;
    let stderr = script.guest.notes.stderr();
    assert!(stderr.starts_with("Exception in thread T:\nTraceback (most recent call last):\n"), "{stderr}");
    assert!(stderr.ends_with("ZeroDivisionError: division by zero\n"), "{stderr}");
}

#[tokio::test]
async fn a_traceback_names_no_lines_but_the_scripts_and_pythons() {
    // what is done, and what the host's own code raises there
    let cases = [
        ("import queue; queue.Queue().get()", "RuntimeError: this would wait for ever"),
        ("import requests", "ModuleNotFoundError: No module named 'requests'"),
        ("import ssl", "ModuleNotFoundError: No module named '_ssl'"),
        ("import os; os.fork()", "OSError: "),
        ("import tgl; tgl.Peer(tgl.PEER_USER, 5)", "tgl.PeerError"),
    ];
    for (done, raised) in cases {
        let mut script = start_beside(&[], None).await;
        script.guest.load(&format!("def on_msg_receive(msg):\n    {done}")).await;
        script.guest.tell("hello").await;
        let stderr = script.guest.notes.stderr();
        assert!(stderr.contains("/script/test\", line 2, in on_msg_receive") && stderr.contains(raised), "{stderr}");
        let others = stderr.lines().filter(|line| line.contains("/tgl/") || line.contains("/_tglhost/"));
        assert_eq!(others.count(), 0, "{stderr}");
    }
}

#[tokio::test]
async fn local_time_is_that_of_the_zone() {
    let paris = [
        (
            "import time\nprint(time.tzname, time.timezone, time.altzone, time.daylight)",
            "('CET', 'CEST') -3600 -7200 1",
        ),
        ("from time import tzname, localtime\nprint(tzname[0], localtime(0).tm_hour)", "CET 1"),
        (
            "import time\nt = time.localtime(1720000000)\nprint(t.tm_hour, t.tm_isdst, t.tm_zone, t.tm_gmtoff)",
            "11 1 CEST 7200",
        ),
        (
            "import time\nprint(time.ctime(0), time.mktime(time.localtime(1720000000)))",
            "Thu Jan  1 01:00:00 1970 1720000000.0",
        ),
        ("import time\nprint(time.strftime('%H %Z %z', time.localtime(1720000000)))", "11 CEST +0200"),
        (
            "import time\nprint(time.mktime((2024, 7, 3, 11, 46, 40, 0, 0, -1)), time.mktime((2024, 19, 34, 0, 0, 0, 0, 0, -1)))",
            "1720000000.0 1754172000.0",
        ),
        (
            "import datetime\nd = datetime.datetime.fromtimestamp(1720000000)\nprint(repr(d), d.timestamp(), type(d).__name__)",
            "datetime.datetime(2024, 7, 3, 11, 46, 40) 1720000000.0 datetime",
        ),
        (
            "from datetime import *\nd = datetime.fromtimestamp(1720000000)\nprint(d.astimezone(), d.astimezone().tzname(), d.astimezone(timezone.utc))",
            "2024-07-03 11:46:40+02:00 CEST 2024-07-03 09:46:40+00:00",
        ),
        (
            "from datetime import *\nn, u = datetime.now(), datetime.now(timezone.utc)\nprint(round((n - u.replace(tzinfo=None)).total_seconds() / 900) in (4, 8), abs(datetime.today() - n).seconds < 5, date.today() == n.date())",
            "True True True",
        ),
        (
            "from datetime import *\nprint(repr(date.fromtimestamp(1719957600)), repr(datetime(2024, 1, 1) + timedelta(1)), repr(datetime.strptime('2024', '%Y')))",
            "datetime.date(2024, 7, 3) datetime.datetime(2024, 1, 2, 0, 0) datetime.datetime(2024, 1, 1, 0, 0)",
        ),
        (
            "import datetime, pickle, copy\nd = datetime.datetime(2024, 1, 1)\nfor x in d, d.date():\n    print(pickle.loads(pickle.dumps(x)) == copy.deepcopy(x) == x, type(x) in (datetime.datetime, datetime.date), isinstance(x, datetime.date), isinstance(x, datetime.datetime))",
            "True True True True\nTrue True True False",
        ),
        (
            "import sqlite3, datetime, warnings\nwarnings.simplefilter('ignore')\nc = sqlite3.connect(':memory:')\nprint(c.execute('select ?, ?', (datetime.datetime(2024, 1, 1), datetime.date(2024, 1, 1))).fetchone())",
            "('2024-01-01 00:00:00', '2024-01-01')",
        ),
        (
            "import logging\nprint(logging.Formatter('%(asctime)s').format(logging.makeLogRecord({'created': 1720000000, 'msecs': 5})))",
            "2024-07-03 11:46:40,005",
        ),
        (
            "import email.utils\nprint(email.utils.formatdate(1720000000, localtime=True))",
            "Wed, 03 Jul 2024 11:46:40 +0200",
        ),
        (
            "import tgl\ndef on_msg_receive(msg): print(repr(msg.date), msg.date.timestamp())",
            "|datetime.datetime(2023, 11, 14, 23, 13, 20) 1700000000.0",
        ),
        (
            "import os, time\nos.environ['TZ'] = 'Asia/Tokyo'\ntime.tzset()\nprint(time.localtime(0).tm_hour, time.tzname)",
            "9 ('JST', 'JST')",
        ),
        (
            "import time\ntry: time.no_such\nexcept AttributeError as e: print(e)",
            "module 'time' has no attribute 'no_such'",
        ),
    ]; // fmt: skip
    let mut told = surprises(&[], Some("Europe/Paris"), &paris).await;
    let utc = [(
        "import time, datetime\nprint(time.localtime(0).tm_hour, time.tzname, time.timezone, datetime.datetime.fromtimestamp(0), \
         datetime.datetime(1970, 1, 1).timestamp(), time.strftime('%Z', time.localtime()))",
        "0 ('UTC', 'UTC') 0 1970-01-01 00:00:00 0.0 UTC",
    )];
    for zone in [None, Some(""), Some("Mars/Olympus"), Some("../../etc/passwd"), Some("/etc/localtime"), Some("UTC")] {
        told += &surprises(&[], zone, &utc).await;
    }
    assert!(told.is_empty(), "{told}");
}

#[tokio::test]
async fn a_script_finds_its_modules_and_files() {
    let files = [
        ("helper.py", "answer = 42\n"),
        ("plugins/__init__.py", "names = ['a']\n"),
        ("plugins/a.py", "from . import names\nfrom helper import answer\n"),
        ("fast.cpython-311-x86_64-linux-gnu.so", "ELF"),
        ("config.ini", "[bot]\nname = Ada\n"),
        ("json/__init__.py", "raise SystemExit('the script stands in the place of json')"),
    ];
    let cases = [
        ("import helper, plugins.a\nprint(helper.answer, plugins.a.answer, plugins.names)", "42 42 ['a']"),
        ("import sys, json\nprint(__name__, __file__, sys.path[-1], json.dumps(1))", "bot /script/bot.py /script 1"),
        (
            "import importlib, os\nfor f in sorted(os.listdir(os.path.dirname(__file__) + '/plugins')): print(f)\n\
          print(importlib.import_module('plugins.a').names)",
            "__init__.py\na.py\n['a']",
        ),
        ("import fast", ""),
        (
            "import configparser\nc = configparser.ConfigParser()\nc.read('/script/config.ini')\nprint(c['bot']['name'])",
            "Ada",
        ),
        (
            "import os, pathlib\nprint(os.getcwd(), pathlib.Path.home())\npathlib.Path('a/b').mkdir(parents=True)\n\
          pathlib.Path('a/b/c.txt').write_text('x')\nprint(os.listdir('/home/a/b'))",
            "/script /home\n['c.txt']",
        ),
        (
            "import sqlite3\nwith sqlite3.connect('bot.db') as db:\n    db.execute('create table t (a)')\n    \
          db.execute('insert into t values (1)')\ndb.close()\nprint(sqlite3.connect('bot.db').execute('select * from t').fetchall())",
            "[(1,)]",
        ),
        (
            "import tempfile, shutil, os\nd = tempfile.mkdtemp()\nf = tempfile.NamedTemporaryFile('w', dir=d, delete=False)\nf.write('x')\nf.close()\n\
          shutil.copy(f.name, 'copy')\nshutil.move('copy', 'moved')\nshutil.rmtree(d)\nprint(open('moved').read(), d.startswith('/home/tmp'), os.path.exists(d))",
            "x True False",
        ),
        ("import time, threading\ns = time.monotonic()\ntime.sleep(0.02)\nprint(time.monotonic() - s >= 0.02)", "True"),
    ]; // fmt: skip
    let (failing, working) = cases.iter().copied().partition::<Vec<_>, _>(|(source, _)| *source == "import fast");
    let told = surprises(&files, None, &working).await;
    assert!(told.is_empty(), "{told}");
    let mut script = start_beside(&files, None).await;
    let Err(GuestError::Raised(text)) = script.guest.instance.load(failing[0].0, "/script/bot.py").await else {
        panic!("a native extension loads")
    };
    assert!(text.contains("/script/fast.cpython-311-x86_64-linux-gnu.so is a native extension"), "{text}");
}

#[tokio::test]
async fn a_relative_path_is_one_of_the_current_folder() {
    let mut script = start_beside(&[("cat.jpg", "jpg"), ("dog.jpg", "jpg")], None).await;
    let source = "import tgl\nopen('dog.jpg', 'w').close()\ndef on_msg_receive(msg):\n    for name in msg.text.split():\n        msg.src.send_photo(name)";
    script.guest.load(source).await;
    script.guest.tell("cat.jpg dog.jpg none.jpg /x/../cat.jpg ./sub/../cat.jpg").await;
    let paths: Vec<String> = script.guest.notes.take_calls().iter().map(|call| format!("{call:?}")).collect();
    for (call, path) in
        paths.iter().zip(["/script/cat.jpg", "/script/dog.jpg", "/script/none.jpg", "/cat.jpg", "/script/cat.jpg"])
    {
        assert!(call.contains(&format!("\"{path}\"")), "{call}: {path}");
    }
    assert_eq!(paths.len(), 5);
}

#[tokio::test]
async fn what_a_script_cannot_have_says_why_and_what_to_do() {
    let (network, programs, processes) =
        ("has no network: it reaches Telegram through tgl alone", "cannot start other programs", "is one process");
    let cases = [
        ("import socket\nsocket.socket()", "PermissionError", network),
        ("import socket\nsocket.create_connection(('example.org', 80))", "gaierror", network),
        ("import urllib.request\nurllib.request.urlopen('http://example.org')", "URLError", network),
        ("import urllib.request\nurllib.request.urlopen('https://example.org')", "URLError", network),
        ("import http.client\nhttp.client.HTTPConnection('example.org').request('GET', '/')", "OSError", network),
        ("import http.client\nhttp.client.HTTPSConnection('example.org')", "AttributeError", network),
        ("import smtplib\nsmtplib.SMTP('example.org')", "OSError", network),
        ("import ssl", "ImportError", network),
        ("import subprocess\nsubprocess.check_output(['ls'])", "OSError", programs),
        ("import os\nos.fork()", "OSError", programs),
        ("import os\nos.execv('/bin/ls', ['ls'])", "OSError", programs),
        ("import os\nos.dup(1)", "OSError", "by open() and os.open() alone"),
        ("import os\nos.startfile('x')", "AttributeError", "this is Windows' own"),
        ("import os\nos.waitpid(0, 0)", "AttributeError", programs),
        (
            "import asyncio\nasyncio.run(asyncio.create_subprocess_exec('ls'))",
            "NotImplementedError",
            "cannot start other programs",
        ),
        ("import signal\nsignal.alarm(1)", "AttributeError", "let a threading.Timer call it"),
        ("import signal\nsignal.pause()", "AttributeError", "the host keeps a script running"),
        ("import smtplib\nsmtplib.SMTP_SSL('example.org')", "AttributeError", network),
        ("import getpass\ngetpass.getpass()", "EOFError", "take commands as messages"),
        ("from getpass import getpass\ngetpass('Code: ', stream=None)", "EOFError", "take commands as messages"),
        ("import os\nos.mkfifo('p')", "AttributeError", "makes and opens no pipes"),
        ("from os import mknod", "ImportError", "makes and opens no pipes"),
        ("import os\nos.memfd_create('m')", "AttributeError", "by open() and os.open() alone"),
        ("import pwd", "ImportError", "runs for no user of the machine"),
        ("import mmap", "ImportError", "read them with open()"),
        ("import telnetlib", "ImportError", "Python 3.13 removed it: there is no network here"),
        ("import distutils.core", "ImportError", "Python 3.12 removed it"),
        ("import urllib2", "ImportError", "it is Python 2's; Python 3 has urllib.request instead"),
        ("import numpy", "ImportError", "it is native code, and native code does not run in the sandbox"),
        ("import requests", "ImportError", network),
        ("import unheard_of", "ImportError", "pip install --target . PACKAGE"),
        (
            "import locale\nlocale.setlocale(locale.LC_ALL, 'de_DE.UTF-8')",
            "Exception",
            "has C, POSIX and C.UTF-8 alone",
        ),
        (
            "import sqlite3\nsqlite3.connect(':memory:').enable_load_extension(True)",
            "Exception",
            "native code does not run",
        ),
        ("import multiprocessing\nmultiprocessing.Process(target=print).start()", "OSError", processes),
        ("import multiprocessing\nmultiprocessing.Pool(2)", "OSError", processes),
        ("from multiprocessing import Queue\nQueue()", "OSError", processes),
        ("from multiprocessing.pool import Pool\nPool(2)", "OSError", processes),
        (
            "from concurrent.futures import ProcessPoolExecutor\nProcessPoolExecutor().submit(print)",
            "Exception",
            processes,
        ),
        ("import ctypes", "ImportError", "native code does not run in the sandbox"),
        ("import bz2", "ImportError", "zlib, gzip and zipfile"),
        ("import lzma", "ImportError", "zlib, gzip and zipfile"),
        ("import curses", "ImportError", "take commands as messages"),
        ("input()", "EOFError", "take commands as messages"),
        ("import readline", "ImportError", "take commands as messages"),
    ];
    let mut surprises = String::new();
    for (source, error, reason) in cases {
        let mut script = start_beside(&[], None).await;
        let indented = source.replace('\n', "\n    ");
        let source = format!(
            "import socket, urllib.error\nfrom socket import gaierror\nfrom urllib.error import URLError\ntry:\n    {indented}\n\
             except {error} as e: print(e)"
        );
        let loaded = script.guest.instance.load(&source, "/script/bot.py").await;
        let told = script.guest.notes.take_stdout();
        if !told.contains(reason) || told.lines().count() != 1 || loaded != Ok(()) {
            surprises.push_str(&format!("{source}\n=> {told:?}; {loaded:?}\n"));
        }
    }
    assert!(surprises.is_empty(), "{surprises}");
    let asks = [(
        "import importlib.util\nprint(importlib.util.find_spec('_ssl'), importlib.util.find_spec('nothing'))",
        "None None",
    )];
    assert_eq!(self::surprises(&[], None, &asks).await, "");
}
