//! The Python component in the sandbox: what a wicked script tries, and that an ordinary one is quick.

use sandbox::{GuestError, Limits, Program, Trap};
use tgl::{Event, Outcome};

use crate::built;
use crate::support::{With, message, program, start, started};

pub(crate) async fn python() -> Program {
    program(built::python()).await
}

/// A script that runs the text of every message.
const RUNS_MESSAGES: &str = "\
import tgl
def receive(msg):
    exec(msg.text, {'tgl': tgl, 'msg': msg})
tgl.set_on_msg_receive(receive)
";

/// What comes of an attack.
#[derive(Clone, Debug, PartialEq)]
enum Verdict {
    /// The guest is stopped.
    Stopped(Trap),
    /// Python raises this, and the guest lives on.
    Raises(&'static str),
    /// It is no attack at all.
    Harmless,
}
use Verdict::{Harmless, Raises, Stopped};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attacks_end_as_they_should() {
    let limits = Limits { cpu_ms_max: 300, wall_ms_max: 10_000, ..Limits::default() };
    let cpu_time = || Stopped(Trap::CpuTime { ms_max: 300 });
    let cases = [
        ("while True: pass", cpu_time()),
        ("while True:\n  try:\n    while True: pass\n  except BaseException: pass", cpu_time()),
        ("import re\nre.match(r'(a+)+$', 'a' * 40 + 'b')", cpu_time()),
        ("x = 10 ** (10 ** 8)", cpu_time()),
        ("x = []\nwhile True: x.append(bytearray(1 << 20))", Raises("MemoryError")),
        ("x = bytearray(1 << 30)", Raises("MemoryError")),
        ("x = 'a' * (10 ** 10)", Raises("OverflowError")),
        ("def f(n): return f(n + 1)\nf(0)", Raises("RecursionError")),
        ("compile('(' * 5000 + ')' * 5000, 'x', 'eval')", Raises("MemoryError")),
        (
            "import sys\nsys.setrecursionlimit(10 ** 9)\nx = []\nfor i in range(10 ** 5): x = [x]\nrepr(x)",
            Raises("RecursionError"),
        ),
        // Where Python itself does not count levels, it crashes elsewhere.
        ("x = ()\nfor i in range(10 ** 5): x = (x,)\nhash(x)", Stopped(Trap::StackOverflow)),
        ("A = type('A', (), {})\nA.__call__ = A()\nA()()", Stopped(Trap::StackOverflow)),
        ("x = iter([1])\nfor i in range(10 ** 5): x = filter(None, x)\nnext(x)", Stopped(Trap::StackOverflow)),
        ("import os\nos._exit(3)", Stopped(Trap::Exited(1))),
        ("import os\nos.abort()", Stopped(Trap::Exited(1))),
        ("import os\nos.urandom(10 ** 6)", Harmless),
        ("open('/etc/passwd')", Raises("FileNotFoundError")),
        ("open('../../etc/passwd')", Raises("Error")),
        ("import socket\nsocket.socket().connect(('127.0.0.1', 22))", Raises("PermissionError")),
        ("import socket\nsocket.getaddrinfo('localhost', 80)", Raises("gaierror")),
        ("import subprocess\nsubprocess.run(['ls'])", Raises("OSError")),
        ("import threading\ndef f(): threading.Thread(target=f).start()\nf()", cpu_time()),
        ("import ctypes", Raises("ModuleNotFoundError")),
        ("import wit_world", Raises("ModuleNotFoundError")),
        ("msg.src.send_msg('\\ud800')", Raises("Unicode")),
        ("for i in range(3000): print('x' * 1000)", Harmless),
    ];
    let program = python().await;
    let mut surprises = Vec::new();
    for (attack, verdict) in cases {
        let mut guest = start(&program, With { limits, ..With::default() }).await.unwrap();
        guest.load(RUNS_MESSAGES).await;
        let result = guest.instance.on_event(&Event::Message(message(1, attack))).await;
        let told = guest.notes.stderr();
        let is_expected = match &verdict {
            Stopped(trap) => result == Err(GuestError::Trapped(trap.clone())),
            Raises(name) => result == Ok(()) && told.trim_end().lines().last().is_some_and(|line| line.contains(name)),
            Harmless => result == Ok(()) && told.is_empty(),
        };
        if !is_expected {
            surprises.push(format!("{attack}: not {verdict:?} but {result:?}, {told}"));
        }
        if result.is_ok() {
            assert_eq!(guest.tell("print('usable')").await.lines().last(), Some("usable"), "{attack}");
        }
    }
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
}

#[tokio::test]
async fn a_script_that_sleeps_too_long_is_stopped() {
    let limits = Limits { wall_ms_max: 300, ..Limits::default() };
    let mut guest = start(&python().await, With { limits, ..With::default() }).await.unwrap();
    guest.load(RUNS_MESSAGES).await;
    guest.tell("import time\ntime.sleep(0.05)").await;
    let result = guest.instance.on_event(&Event::Message(message(1, "import time\ntime.sleep(100)"))).await;
    assert_eq!(result, Err(GuestError::Trapped(Trap::WallTime { ms_max: 300 })));
    let told = result.unwrap_err().to_string();
    assert!(told.contains("300 ms, as it must to be told of events"), "{told}");
}

#[tokio::test]
async fn an_endless_recursion_is_told_however_deep_python_lets_it_go() {
    let cases = [
        ("f()\nprint('goes on')", ""),
        ("try: f()\nexcept RecursionError: traceback.print_exc()\nprint('goes on')", "goes on"),
        ("try: f()\nexcept RecursionError: f()", ""),
    ];
    for (source, printed) in cases {
        let mut guest = started(&python().await).await;
        guest.load(RUNS_MESSAGES).await;
        let source = format!("import sys, traceback\nsys.setrecursionlimit(100_000)\ndef f(): f()\n{source}");
        assert_eq!(guest.tell(&source).await, printed, "{source}");
        let stderr = guest.notes.stderr();
        assert!(stderr.contains("line 3, in f\n  [Previous line repeated "), "{source}: {stderr}");
        assert!(stderr.trim_end().ends_with("RecursionError: maximum recursion depth exceeded"), "{source}: {stderr}");
    }
}

#[tokio::test]
async fn python_2_that_this_python_takes_is_warned_of() {
    let mut guest = started(&python().await).await;
    guest.load("try:\n    pass\nexcept Exception, e:\n    pass").await;
    assert!(guest.notes.stderr().starts_with("/script/test, line 3: `except X, e:` is Python 2"));
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

#[tokio::test]
async fn structures_are_freed_and_described_however_deep() {
    let cases = [
        "x = []\nfor i in range(3 * 10 ** 5): x = [x]\ndel x",
        "x = ()\nfor i in range(3 * 10 ** 5): x = (x,)\ndel x",
        "x = {}\nfor i in range(3 * 10 ** 5): x = {1: x}\ndel x",
        "class N:\n    def __init__(self, n): self.n = n\nx = None\nfor i in range(3 * 10 ** 5): x = N(x)\ndel x",
        "class N:\n    __slots__ = 'n',\n    def __init__(self, n): self.n = n\nx = None\nfor i in range(3 * 10 ** 5): x = N(x)\ndel x",
        "x = iter([])\nfor i in range(10 ** 5): x = map(abs, x)\ndel x",
        "x = None\nfor i in range(10 ** 5): x = (lambda y: lambda: y)(x)\ndel x",
        "def g(p):\n    yield\nx = None\nfor i in range(10 ** 5): x = g(x); next(x)\ndel x",
        "x = None\nfor i in range(10 ** 5):\n    y = ValueError()\n    y.__context__, x = x, y\ndel x, y",
        "import sys\nsys.setrecursionlimit(10 ** 9)\nx = []\nfor i in range(10 ** 5): x = [x]\ntry: repr(x)\nexcept RecursionError: pass",
        "import sys\nsys.setrecursionlimit(10 ** 9)\nx, y = [], []\nfor i in range(10 ** 5): x, y = [x], [y]\ntry: x == y\nexcept RecursionError: pass",
        "import json\ntry: json.loads('[' * 10 ** 5)\nexcept RecursionError: pass",
        "import json\ntry: json.loads('{\"a\":' * 10 ** 5)\nexcept RecursionError: pass",
        "import json\ntry: json.loads('[{\"a\":' * 10 ** 5)\nexcept RecursionError: pass",
        "import json\ndef f(n): return json.loads('[' * 10 ** 5) if n == 0 else list(map(f, [n - 1]))\ntry: f(100)\nexcept RecursionError: pass",
        "import json\nx = []\nfor i in range(10 ** 5): x = [x]\ntry: json.dumps(x)\nexcept RecursionError: pass",
        "import pickle\nx = []\nfor i in range(10 ** 5): x = [x]\ntry: pickle.dumps(x)\nexcept RecursionError: pass",
        "import marshal\nx = []\nfor i in range(10 ** 5): x = [x]\ntry: marshal.dumps(x)\nexcept ValueError: pass",
        "try: eval('+'.join(['1'] * 10 ** 5))\nexcept (RecursionError, MemoryError): pass",
        "try: eval('x' + '.y' * 10 ** 5)\nexcept (RecursionError, MemoryError): pass",
        "try: eval('-' * 10 ** 5 + '1')\nexcept (RecursionError, MemoryError): pass",
        "import ast\ntry: ast.literal_eval('[' * 10 ** 5)\nexcept (RecursionError, MemoryError, SyntaxError): pass",
        "x = ()\nfor i in range(10 ** 5): x = (x,)\ntry: isinstance(1, x)\nexcept RecursionError: pass",
        "from xml.etree import ElementTree as E\nE.fromstring('<a>' * 10 ** 5 + '</a>' * 10 ** 5)",
    ];
    // It is the depth that is tried here.
    let limits = Limits { cpu_ms_max: 60_000, memory_bytes_max: 96 << 20, ..Limits::default() };
    let program = python().await;
    let mut surprises = String::new();
    for source in cases {
        let mut guest = start(&program, With { limits, ..With::default() }).await.unwrap();
        guest.load(RUNS_MESSAGES).await;
        let result = guest.instance.on_event(&Event::Message(message(1, source))).await;
        if result != Ok(()) || !guest.notes.stderr().is_empty() {
            surprises.push_str(&format!("{source}\n=> {result:?}, {}\n", guest.notes.stderr()));
        }
    }
    assert!(surprises.is_empty(), "{surprises}");
}

#[tokio::test]
async fn an_end_that_goes_wrong_is_told_in_pythons_words() {
    let cases = [
        (
            "class C:\n    def __str__(self): raise ValueError\nraise SystemExit(C())",
            1,
            "(its __str__ raises ValueError)",
        ),
        (
            "class C:\n    def __str__(self): raise SystemExit\nraise SystemExit(C())",
            1,
            "(its __str__ raises SystemExit)",
        ),
        ("import atexit\natexit.register(lambda: 1 / 0)\nraise SystemExit(4)", 4, "ZeroDivisionError"),
        ("raise SystemExit('over')", 1, "over"),
        // As Python 2 had it.
        ("import sys\ndef f(): sys.stderr.write('bye')\nsys.exitfunc = f\nraise SystemExit(3)", 3, "bye"),
        ("raise SystemExit(258)", 2, ""),
        ("raise SystemExit(2**70)", 255, ""),
    ];
    for (source, code, told) in cases {
        let mut guest = started(&python().await).await;
        let ended = guest.instance.load(source, "/script/bot.py").await;
        assert_eq!(ended, Ok(()), "{source}");
        assert_eq!(guest.notes.exit().map(|(code, _)| code), Some(code), "{source}");
        assert!(guest.notes.stderr().contains(told), "{source}: {}", guest.notes.stderr());
    }
    for (source, code) in
        [("import os\nos._exit(5)", 5), ("import os\nos.abort()", 134), ("import os\nos.kill(os.getpid(), 15)", 143)]
    {
        let mut guest = started(&python().await).await;
        let ended = guest.instance.load(source, "/script/bot.py").await;
        assert_eq!(ended, Err(GuestError::Trapped(Trap::Exited(1))), "{source}");
        assert_eq!(guest.notes.exit().map(|(code, _)| code), Some(code), "{source}");
    }
    let source = "class E(Exception):\n    def __str__(self): raise SystemExit\nraise E";
    let mut guest = started(&python().await).await;
    let Err(GuestError::Raised(_)) = guest.instance.load(source, "/script/bot.py").await else { panic!("it loads") };
}

#[tokio::test]
async fn a_safe_exit_calls_what_is_to_be_called_at_the_end_after_the_last_call() {
    for exit in ["safe_exit", "safe_quit"] {
        let begin = "import atexit, tgl\natexit.register(print, 'bye')\n";
        let mut guest = started(&python().await).await;
        guest.load(&format!("{begin}tgl.{exit}(3)\nprint('leaving')")).await;
        assert_eq!(guest.notes.take_stdout(), "leaving\nbye", "{exit}");

        let calls = "for name in 'a', 'b': tgl.mark_read(msg.src, lambda ok: print('completed'))";
        let handler = format!("def on_msg_receive(msg):\n    {calls}\n    tgl.{exit}(3)");
        let mut guest = started(&python().await).await;
        guest.load(&format!("{begin}{handler}")).await;
        let mut told = vec![guest.tell("hello").await];
        for request in 1..=2 {
            guest.instance.on_completion(request, &Ok(Outcome::Done)).await.unwrap();
            told.push(guest.notes.take_stdout());
        }
        assert_eq!(told, ["", "completed", "completed\nbye"], "{exit}");
    }
}

#[tokio::test]
async fn a_panic_of_the_native_part_is_not_for_the_author() {
    let told = [
        // A raw import that is handed something else than its type ends the instance.
        ("from tgl import _host\n_host.host.print(1, 2)", Err(GuestError::Trapped(Trap::InterpreterCrashed)), "said\n"),
        ("os.write(2, b'\\nmore')", Ok(()), "said\n\nmore"),
        ("os.write(2, b'\\nthread \\'a\\' panicked at b:\\nc\\n')", Ok(()), "said\n\nthread 'a' panicked at b:\nc\n"),
    ];
    for (source, ended, stderr) in told {
        let mut guest = started(&python().await).await;
        let source = format!("import os\nos.write(2, b'said\\n')\n{source}");
        assert_eq!(guest.instance.load(&source, "/script/bot.py").await, ended, "{source}");
        assert_eq!(guest.notes.stderr(), stderr, "{source}");
    }
}
