//! The Python component in the sandbox: what a wicked script tries, and that an ordinary one is quick.

use sandbox::{GuestError, Limits, Program, Trap};
use tgl::Event;

use crate::built;
use crate::support::{With, message, sandbox, start, started};

async fn python() -> Program {
    sandbox().compile(sandbox::ComponentSource::user(built::python()), || ()).await.unwrap()
}

/// A script that runs the text of every message.
const RUNS_MESSAGES: &str = "\
import tgl
def receive(msg):
    exec(msg.text, {'tgl': tgl, 'msg': msg})
tgl.set_on_msg_receive(receive)
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attacks_end_as_they_should() {
    let limits = Limits { cpu_ms_max: 400, wall_ms_max: 1_500, ..Limits::default() };
    let (cpu, memory) = (Trap::CpuTime { ms_max: 400 }, "MemoryError");
    // What stops the guest, or what its traceback says.
    let cases: [(&str, Result<&str, Trap>); 24] = [
        ("while True: pass", Err(cpu.clone())),
        ("while True:\n  try:\n    while True: pass\n  except BaseException: pass", Err(cpu.clone())),
        ("import re\nre.match(r'(a+)+$', 'a' * 40 + 'b')", Err(cpu.clone())),
        ("x = 10 ** (10 ** 8)", Err(cpu.clone())),
        ("import time\ntime.sleep(100)", Err(Trap::WallTime { ms_max: 1_500 })),
        ("x = []\nwhile True: x.append(bytearray(1 << 20))", Ok(memory)),
        ("x = bytearray(2 << 30)", Ok("Error")),
        ("x = 'a' * (10 ** 10)", Ok("Error")),
        ("def f(n): return f(n + 1)\nf(0)", Ok("RecursionError")),
        ("compile('(' * 5000 + ')' * 5000, 'x', 'eval')", Ok("")),
        (
            "import sys\nsys.setrecursionlimit(10 ** 9)\nx = []\nfor i in range(10 ** 5): x = [x]\nrepr(x)",
            Err(Trap::StackOverflow),
        ),
        ("import os\nos._exit(3)", Err(Trap::Exited(1))),
        ("import os\nos.abort()", Err(Trap::Other("wasm `unreachable` instruction executed".into()))),
        ("open('/etc/passwd')", Ok("FileNotFoundError")),
        ("open('../../etc/passwd')", Ok("Error")),
        ("import socket\nsocket.create_connection(('127.0.0.1', 22))", Ok("PermissionError")),
        ("import socket\nsocket.getaddrinfo('localhost', 80)", Ok("gaierror")),
        ("import subprocess\nsubprocess.run(['ls'])", Ok("Error")),
        ("import threading\nthreading.Thread(target=print).start()", Ok("Error")),
        ("import ctypes", Ok("ModuleNotFoundError")),
        ("import wit_world", Ok("Error")),
        ("import os\nos.urandom(10 ** 6)", Err(Trap::Other(String::new()))),
        ("msg.src.send_msg('\\ud800')", Ok("")),
        ("for i in range(10 ** 5): print('x' * 1000)", Ok("")),
    ];
    let program = python().await;
    for (attack, expected) in cases {
        let mut guest = start(&program, With { limits, ..With::default() }).await.unwrap();
        guest.load(RUNS_MESSAGES).await;
        let result = guest.instance.on_event(&Event::Message(message(1, attack))).await;
        match expected {
            Ok(text) => {
                assert_eq!(result, Ok(()), "{attack}");
                let told = guest.notes.stderr();
                assert!(told.contains(text), "{attack}: {told}");
                assert_eq!(guest.tell("print('usable')").await.lines().last(), Some("usable"), "{attack}");
            }
            Err(Trap::Other(text)) if text.is_empty() => {
                assert!(matches!(result, Err(GuestError::Trapped(Trap::Other(_)))), "{attack}: {result:?}");
            }
            Err(trap) => assert_eq!(result, Err(GuestError::Trapped(trap)), "{attack}"),
        }
    }
}

#[tokio::test]
async fn a_script_with_an_error_gives_its_traceback() {
    let program = python().await;
    for (source, traceback) in
        [("def f(:\n  pass", "line 1"), ("x = 1\nprint(nothing)", "line 2"), ("print 'x'", "Python 2")]
    {
        let mut guest = started(&program).await;
        let Err(GuestError::Raised(text)) = guest.instance.load(source, "/script/bad.py").await else {
            panic!("{source} loads")
        };
        assert!(text.contains("/script/bad.py") && text.contains(traceback), "{text}");
    }
}
