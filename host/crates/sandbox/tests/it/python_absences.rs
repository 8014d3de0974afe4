//! What the Python component lacks says why, wherever it is asked for, or is made up for.

use crate::python_scripts::{start_beside, surprises};

/// For each module the names that it has on Linux, in Python 3.13, and that are none of Python's own making.
const LINUX: &str = include_str!("linux_names.txt");

#[tokio::test]
async fn every_name_of_linux_is_there_or_says_why_it_is_not() {
    let source = format!(
        "import importlib\nfor line in '''{LINUX}'''.split('\\n'):\n    module, _, names = line.partition(': ')\n    \
         if not names: continue\n    module = importlib.import_module(module)\n    for name in names.split():\n        \
         try: getattr(module, name)\n        except AttributeError as e:\n            \
         if ' here: ' not in str(e): print('bare', e)\n        \
         try: exec(f'from {{module.__name__}} import {{name}}', {{}})\n        except ImportError as e:\n            \
         if \"': \" not in str(e) or e.name_from != name: print('bare', e)\n            assert not hasattr(module, name)\n\
         print('looked through')"
    );
    let mut script = start_beside(&[], None).await;
    script.guest.load(&source).await;
    assert_eq!(script.guest.notes.take_stdout(), "looked through");
}

#[tokio::test]
async fn what_needs_nothing_from_outside_works() {
    let cases = [
        ("import os\nprint(len(os.getrandom(5)), os.getgroups() == [os.getgid()], len(os.getresuid()))", "5 True 3"),
        (
            "import os, signal\ns = 127 << 8\nprint(os.WIFEXITED(s), os.WEXITSTATUS(s), os.WIFSIGNALED(9), os.WTERMSIG(9), \
             os.waitstatus_to_exitcode(s), os.waitstatus_to_exitcode(15), signal.SIGCLD == signal.SIGCHLD)",
            "True 127 True 9 127 -15 True",
        ),
        (
            "import os\nd = os.makedev(8, 300)\nprint(d, os.major(d), os.minor(d), os.minor(os.makedev(1 << 13, 5)))",
            "1050668 8 300 5",
        ),
        ("import os\ntry: os.get_terminal_size()\nexcept OSError as e: print(e.errno)", "25"),
        ("import shutil\nprint(shutil.get_terminal_size().columns)", "80"),
        ("import time, errno\nprint(time.thread_time() >= 0, errno.ENODATA, errno.EUSERS)", "True 61 87"),
        (
            "import os\ntry: os.spawnlp(os.P_WAIT, 'ls', 'ls')\nexcept OSError as e: print('cannot start other programs' in str(e))",
            "True",
        ),
        (
            "import locale\nfor name in 'C', 'POSIX', 'C.UTF-8', '', None: locale.setlocale(locale.LC_ALL, name)\n\
             for name in 'en_US', 'en_US.UTF-8', ('en_US', 'UTF-8'), 'de_DE', 'English', 'C.x':\n    \
             try: print(locale.setlocale(locale.LC_ALL, name))\n    except locale.Error as e: print(str(e)[:26], end=';')",
            "unsupported locale setting;unsupported locale setting;unsupported locale setting;unsupported locale setting;\
             unsupported locale setting;unsupported locale setting;",
        ),
    ];
    let told = surprises(&[], None, &cases).await;
    assert!(told.is_empty(), "{told}");
}

#[tokio::test]
async fn a_process_has_a_number_of_its_own_and_knows_no_other() {
    let mut seen = std::collections::HashSet::new();
    for _ in 0..4 {
        let mut script = start_beside(&[], None).await;
        let source = "import os\nown = os.getpid()\nos.kill(own, 0)\nknown = []\nfor pid in [1, 2, 42, 32767]:\n    \
                      try: os.kill(pid, 0)\n    except ProcessLookupError as e: assert e.errno == 3\n    else: known.append(pid)\n\
                      assert known in ([], [own]), known\nassert 2 <= own <= 32767\nprint(own)";
        script.guest.load(source).await;
        seen.insert(script.guest.notes.take_stdout());
    }
    assert!(seen.len() > 1, "{seen:?}");
}

#[tokio::test]
async fn who_waits_for_a_signal_hears_once_that_none_comes() {
    let cases = [
        ("signal.signal(signal.SIGTERM, print)\nsignal.signal(signal.SIGINT, print)", 1),
        ("signal.signal(signal.SIGTERM, signal.SIG_IGN)\nsignal.signal(signal.SIGINT, signal.SIG_DFL)", 0),
        ("signal.signal(signal.SIGINT, signal.default_int_handler)", 0),
        ("import asyncio\nasync def main(): pass\nasyncio.run(main())", 0),
    ];
    for (source, lines) in cases {
        let mut script = start_beside(&[], None).await;
        script.guest.load(&format!("import signal, tgl\ntgl.set_on_loop(print)\n{source}")).await;
        let log = script.guest.notes.log();
        assert_eq!(log.len(), lines, "{source}: {log:?}");
        assert!(
            log.iter().all(|(_, line)| line.contains("no signals reach a script") && line.contains("atexit")),
            "{log:?}"
        );
    }
}

#[tokio::test]
async fn what_is_not_there_says_so_where_it_is_used() {
    let attempts = [
        ("import zipfile\nzipfile.ZipFile('z', 'w', zipfile.ZIP_BZIP2)", "RuntimeError", "use one of these formats"),
        ("import zipfile\nzipfile.ZipFile('z', 'w', zipfile.ZIP_LZMA)", "RuntimeError", "use one of these formats"),
        ("import tarfile\ntarfile.open('t', 'w:bz2')", "CompressionError", "use one of these formats"),
        ("import tarfile\ntarfile.open('t', 'w|xz')", "CompressionError", "use one of these formats"),
        ("import shutil\nshutil.make_archive('a', 'xztar', '.')", "ValueError", "use one of these formats"),
        (
            "import shutil\nopen('a.tar.bz2', 'w').close()\nshutil.unpack_archive('a.tar.bz2')",
            "ReadError",
            "use one of these formats",
        ),
        (
            "import faulthandler\nfaulthandler.dump_traceback_later(1)",
            "RuntimeError",
            "the host itself ends a callback",
        ),
        (
            "from concurrent.futures import InterpreterPoolExecutor\nInterpreterPoolExecutor()",
            "OSError",
            "one interpreter",
        ),
        ("import os\nos.set_blocking(0, False)", "OSError", "the sandbox's open files"),
        ("import os\nos.fwalk('.')", "AttributeError", "use os.walk"),
    ];
    let cases: Vec<(String, &str)> = attempts
        .iter()
        .map(|(source, class, said)| {
            let source = source.replace('\n', "\n    ");
            (format!("try:\n    {source}\nexcept Exception as e: print(type(e).__name__ == '{class}' and {said:?} in str(e) or repr(e))"), "True")
        })
        .collect();
    let cases: Vec<(&str, &str)> = cases.iter().map(|(source, printed)| (source.as_str(), *printed)).collect();
    let told = surprises(&[], None, &cases).await;
    assert!(told.is_empty(), "{told}");
}

#[tokio::test]
async fn a_breakpoint_is_passed_over_with_a_line() {
    let mut script = start_beside(&[], None).await;
    let guest = &mut script.guest;
    guest
        .load(
            "def f():\n    breakpoint()\n    print('goes on')\nf()\ntry: breakpoint(1, a=2)\nfinally: print('and on')",
        )
        .await;
    assert_eq!(guest.notes.take_stdout(), "goes on\nand on", "{}", guest.notes.stderr());
    let log = guest.notes.log();
    let told = log.iter().filter(|(_, line)| line.contains("is passed over: nobody types at a script")).count();
    assert!(told == 2 && log[0].1.starts_with("breakpoint() in \"/script/test\", line 2,"), "{log:?}");
}
