//! Files in the Python component: what a script of an ordinary machine finds in them, and in the errors they give.

use files::{FileSpace, Mount};
use tgl::Event;

use crate::python::python;
use crate::python_scripts::{start_beside, surprises};
use crate::support::{With, message, start};

#[tokio::test]
async fn errors_have_the_numbers_of_linux() {
    let caught = "def caught(do, *arguments):\n    try: do(*arguments)\n    except OSError as e: return type(e).__name__, e.errno, e.strerror, e.args[0]\nimport errno, os\n";
    let cases = [
        ("print(caught(open, 'none'))", "('FileNotFoundError', 2, 'No such file or directory', 2)"),
        ("print(caught(os.listdir, 'none'))", "('FileNotFoundError', 2, 'No such file or directory', 2)"),
        ("os.mkdir('d')\nprint(caught(os.mkdir, 'd'))", "('FileExistsError', 17, 'File exists', 17)"),
        ("print(caught(open, '/home'))", "('IsADirectoryError', 21, 'Is a directory', 21)"),
        ("open('f', 'w').close()\nprint(caught(os.listdir, 'f'))", "('NotADirectoryError', 20, 'Not a directory', 20)"),
        ("os.makedirs('a/b')\nprint(caught(os.rmdir, 'a'))", "('OSError', 39, 'Directory not empty', 39)"),
        ("print(caught(os.read, 99, 1))", "('OSError', 9, 'Bad file descriptor', 9)"),
        (
            "print(errno.ENOENT, errno.errorcode[13], errno.EAGAIN == errno.EWOULDBLOCK, os.strerror(13))",
            "2 EACCES True Permission denied",
        ),
        (
            "print(type(OSError(2, 'x')).__name__, type(OSError(errno.EEXIST, 'x')).__name__)",
            "FileNotFoundError FileExistsError",
        ),
        ("print(os.strerror(0), os.strerror(999))", "Success Unknown error 999"),
        (
            "print(errno.EPIPE, os.strerror(errno.EPIPE), type(OSError(errno.EPIPE, 'x')).__name__)",
            "32 Broken pipe BrokenPipeError",
        ),
    ];
    let sources: Vec<String> = cases.iter().map(|(source, _)| format!("{caught}{source}")).collect();
    let cases: Vec<(&str, &str)> = sources.iter().map(String::as_str).zip(cases.map(|(_, printed)| printed)).collect();
    let told = surprises(&[], None, &cases).await;
    assert!(told.is_empty(), "{told}");
}

#[tokio::test]
async fn files_are_as_on_an_ordinary_machine() {
    let cases = [
        (
            "import os\nopen('f', 'w').close()\nos.mkdir('d')\nos.symlink('f', 'l')\nprint(*(oct(os.stat(p).st_mode) for p in ('f', '/home')), \
             oct(os.lstat('l').st_mode), sorted(oct(e.stat().st_mode) for e in os.scandir('.')))",
            "0o100644 0o40755 0o120777 ['0o100644', '0o100644', '0o40755']",
        ),
        (
            "import zipfile, tarfile\nopen('f', 'w').close()\nwith zipfile.ZipFile('z', 'w') as z: z.write('f')\n\
             with tarfile.open('t', 'w') as t: t.add('f')\n\
             print(oct(zipfile.ZipFile('z').infolist()[0].external_attr >> 16), oct(tarfile.open('t').getmembers()[0].mode))",
            "0o100644 0o644",
        ),
        (
            "import os, shutil\nos.mkdir('d')\nopen('d/f', 'w').close()\nshutil.copytree('d', 'e')\nshutil.make_archive('a', 'zip', 'd')\n\
             shutil.unpack_archive('a.zip', 'g')\nshutil.rmtree('d')\nprint(os.listdir('e'), os.listdir('g'))",
            "['f'] ['f']",
        ),
        (
            "import os\nos.close(os.open('lock', os.O_CREAT | os.O_EXCL))\ntry: os.open('lock', os.O_CREAT | os.O_EXCL | os.O_WRONLY)\n\
             except FileExistsError as e: print(e)",
            "[Errno 17] File exists: 'lock'",
        ),
        // A file that grows is read on, by both ways of reading.
        (
            "import os\nw = open('f', 'w')\nr, fd = open('f'), os.open('f', os.O_RDONLY)\nprint([r.read(), os.read(fd, 9)])\n\
             w.write('more')\nw.flush()\nprint([r.read(), os.read(fd, 9)])",
            "['', b'']\n['more', b'more']",
        ),
        (
            "import os, sys\nprint(sys.stdout.fileno(), sys.stderr.fileno(), sys.stdin.fileno(), flush=True)\nos.write(1, b'raw')",
            "1 2 0\nraw",
        ),
        ("import faulthandler\nfaulthandler.enable()\nprint('on')", "on"),
        ("import os\nprint(os.umask(0o077), os.getuid() == os.geteuid(), os.path.exists('none'))", "18 True False"),
    ];
    let told = surprises(&[], None, &cases).await;
    assert!(told.is_empty(), "{told}");
}

#[tokio::test]
async fn a_file_is_the_same_by_whatever_name() {
    let files = [("p.txt", "precious"), ("data/q.txt", "")];
    let same = "import os, pathlib, shutil\ndef same(*pairs):\n    for a, b in pairs: print(os.path.samefile(a, b), pathlib.Path(b).samefile(a), \
                end=' ' if (a, b) != pairs[-1] else '')\n";
    let cases = [
        // In the private folder: to a file, to a folder, in a linked folder, one more name, a second path; and two that differ.
        (
            "open('f', 'w').close()\nos.mkdir('d')\nopen('d/g', 'w').close()\nos.symlink('f', 'l')\nos.symlink('d', 'm')\nos.link('f', 'n')\n\
             same(('f', 'l'), ('d', 'm'), ('d/g', 'm/g'), ('f', 'n'), ('f', '/home/f'), ('f', 'd'))",
            "True True True True True True True True True True False False",
        ),
        // In the project.
        (
            "os.symlink('p.txt', 'l')\nos.symlink('data', 'm')\nsame(('p.txt', 'l'), ('data', 'm'), ('data/q.txt', 'm/q.txt'), ('p.txt', 'data/q.txt'))",
            "True True True True True True False False",
        ),
        (
            "os.symlink('p.txt', 'l')\nstat, lstat = os.stat('l'), os.lstat('l')\nwith open('l') as f: fstat = os.fstat(f.fileno())\n\
             print(stat.st_ino == fstat.st_ino == os.stat('p.txt').st_ino, stat.st_dev == fstat.st_dev, stat.st_ino == lstat.st_ino,\n      \
             os.stat('l', follow_symlinks=False).st_ino == lstat.st_ino, os.path.samestat(stat, fstat))",
            "True True False True True",
        ),
        (
            "os.symlink('p.txt', 'l')\nfor pair in ('p.txt', 'l'), ('l', 'p.txt'):\n    try: shutil.copyfile(*pair)\n    \
             except shutil.SameFileError: print(open('p.txt').read())",
            "precious\nprecious",
        ),
    ];
    let sources: Vec<String> = cases.iter().map(|(source, _)| format!("{same}{source}")).collect();
    let cases: Vec<(&str, &str)> = sources.iter().map(String::as_str).zip(cases.map(|(_, printed)| printed)).collect();
    let told = surprises(&files, None, &cases).await;
    assert!(told.is_empty(), "{told}");
}

#[tokio::test]
async fn a_file_in_a_given_folder_is_not_copied_onto_itself() {
    let (home, given) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mount = Mount { host: given.path().to_owned(), guest: "/data".to_owned(), writable: true };
    let space = FileSpace::open(None, Some(home.path()), 16 << 20, &[mount]).unwrap();
    let mut guest = start(&python().await, With { files: Some(space), ..With::default() }).await.unwrap();
    let source = "import os, shutil\nos.chdir('/data')\nopen('x.txt', 'w').write('precious')\nos.symlink('x.txt', 'l.txt')\n\
                  try: shutil.copyfile('x.txt', 'l.txt')\nexcept shutil.SameFileError: print(os.path.samefile('l.txt', '/data/x.txt'))";
    guest.load(source).await;
    assert_eq!(guest.notes.take_stdout(), "True", "{}", guest.notes.stderr());
    assert_eq!(std::fs::read(given.path().join("x.txt")).unwrap(), b"precious");
}

#[tokio::test]
async fn permissions_are_kept_while_the_script_runs() {
    let begin = "import os, stat, tarfile, zipfile, shutil, pathlib\ndef mode(p): return oct(os.stat(p).st_mode)\nopen('f', 'w').close()\n";
    let cases = [
        (
            "os.chmod('f', 0o755)\nprint(mode('f'), oct(os.lstat('f').st_mode), os.path.isfile('f'), os.stat('f').st_size)",
            "0o100755 0o100755 True 0",
        ),
        (
            "pathlib.Path('f').chmod(0o600)\nprint(oct(pathlib.Path('f').stat().st_mode), stat.filemode(os.stat('f').st_mode))",
            "0o100600 -rw-------",
        ),
        (
            "os.chmod('f', 0o755)\nos.rename('f', 'g')\nprint(mode('g'))\nopen('f', 'w').close()\nprint(mode('f'))",
            "0o100755\n0o100644",
        ),
        // The place of a file that has gone may be a new one's.
        ("os.chmod('f', 0o755)\nos.remove('f')\nopen('f', 'w').close()\nprint(mode('f'))", "0o100644"),
        (
            "os.chmod('f', 0o755)\nopen('g', 'w').close()\nos.replace('g', 'f')\nopen('h', 'w').close()\nprint(mode('f'), mode('h'))",
            "0o100644 0o100644",
        ),
        (
            "os.mkdir('d')\nos.chmod('d', 0o700)\nprint(mode('d'), os.path.isdir('d'))\nshutil.rmtree('d')",
            "0o40700 True",
        ),
        ("os.chmod('f', 0o755)\nos.chmod('f', 0o644)\nprint(mode('f'))", "0o100644"),
        (
            "fd = os.open('f', os.O_RDONLY)\nos.fchmod(fd, 0o444)\nprint(oct(os.fstat(fd).st_mode), mode('f'))",
            "0o100444 0o100444",
        ),
        (
            "try: os.chmod('none', 0o755)\nexcept FileNotFoundError as e: print(e)",
            "[Errno 2] No such file or directory: 'none'",
        ),
        (
            "os.chmod('f', 0o755)\nshutil.copy('f', 'g')\nshutil.copyfile('f', 'h')\nprint(mode('g'), mode('h'))",
            "0o100755 0o100644",
        ),
        (
            "os.chmod('f', 0o755)\nwith zipfile.ZipFile('z', 'w') as z: z.write('f')\n\
             with tarfile.open('t', 'w') as t: t.add('f')\nos.mkdir('out')\n\
             with tarfile.open('t') as t: t.extractall('out', filter='tar')\n\
             print(oct(zipfile.ZipFile('z').infolist()[0].external_attr >> 16), oct(tarfile.open('t').getmembers()[0].mode), mode('out/f'))",
            "0o100755 0o755 0o100755",
        ),
    ];
    let sources: Vec<String> = cases.iter().map(|(source, _)| format!("{begin}{source}")).collect();
    let cases: Vec<(&str, &str)> = sources.iter().map(String::as_str).zip(cases.map(|(_, printed)| printed)).collect();
    let told = surprises(&[], None, &cases).await;
    assert!(told.is_empty(), "{told}");
}

#[tokio::test]
async fn keys_and_digests_are_as_elsewhere_or_say_why_not() {
    let cases = [
        (
            "import hashlib\nprint(hashlib.pbkdf2_hmac('sha256', b'password', b'salt', 2).hex()[:16], \
             hashlib.pbkdf2_hmac('sha1', b'passwordPASSWORDpassword', b'saltSALTsaltSALTsaltSALTsaltSALTsalt', 4096, 25).hex()[:16], \
             len(hashlib.pbkdf2_hmac('md5', b'p' * 200, bytearray(b's'), 1, 40)))",
            "ae4d0c95af6b46d3 3d2eec4fe41c849b 40",
        ),
        (
            "import hashlib\ntry: hashlib.scrypt(b'p', salt=b's', n=2, r=1, p=1)\nexcept NotImplementedError as e: print(str(e)[:33])",
            "hashlib.scrypt is part of OpenSSL",
        ),
        (
            "import hashlib\nprint(hashlib.new('sha256', b'').hexdigest()[:4])\nfor name in 'ripemd160', 'MD4', 'whirlpool', 'nothing':\n    \
             try: hashlib.new(name, b'')\n    except ValueError as e: print(str(e)[:55])",
            "e3b0\nunsupported hash type ripemd160: it is part of OpenSSL,\nunsupported hash type MD4: it is part of OpenSSL, which\n\
             unsupported hash type whirlpool: it is part of OpenSSL,\nunsupported hash type nothing",
        ),
    ];
    let told = surprises(&[], None, &cases).await;
    assert!(told.is_empty(), "{told}");
}

#[tokio::test]
async fn the_current_folder_is_told_by_its_own_path() {
    let begin = "import os, pathlib\nos.makedirs('/home/a/b')\nos.symlink('a', 'l')\nos.chdir('/home/a/b')\n";
    let cases = [
        ("os.chdir('..')\nprint(os.getcwd())", "/home/a"),
        ("os.chdir('//home//a/')\nprint(os.getcwd(), os.listdir())", "/home/a ['b']"),
        ("os.chdir(b'./../../a/./b')\nprint(os.getcwdb())", "b'/home/a/b'"),
        ("os.chdir(pathlib.Path('/home/l'))\nprint(os.getcwd())", "/home/a"),
        (
            "for path in 'none', '', '../none/..', 'f/':\n    open('f', 'w').close()\n    try: os.chdir(path)\n    \
             except OSError as e: print(type(e).__name__, repr(e.filename), end=' ')\nprint(os.getcwd())",
            "FileNotFoundError 'none' FileNotFoundError '' FileNotFoundError '../none/..' NotADirectoryError 'f/' /home/a/b",
        ),
    ];
    let sources: Vec<String> = cases.iter().map(|(source, _)| format!("{begin}{source}")).collect();
    let cases: Vec<(&str, &str)> = sources.iter().map(String::as_str).zip(cases.map(|(_, printed)| printed)).collect();
    let told = surprises(&[], None, &cases).await;
    assert!(told.is_empty(), "{told}");
}

#[tokio::test]
async fn a_dot_file_of_the_project_is_said_to_be_hidden() {
    let files = [(".env", "TOKEN=1"), (".git/config", "[core]"), ("data/.hidden", ""), ("plain", "")];
    let caught = "def caught(do, *arguments):\n    try: return do(*arguments)\n    except OSError as e: \
                  return type(e).__name__, e.errno, e.filename, 'copy it to a name without the dot' in str(e)\nimport io, os, pathlib\n";
    let hidden = |path: &str| format!("('FileNotFoundError', 2, '{path}', True)");
    let cases = [
        ("print(caught(open, '.env'))", hidden(".env")),
        ("print(caught(io.open, '/script/.env'))", hidden("/script/.env")),
        ("print(caught(os.listdir, '.git'))", hidden(".git")),
        ("print(caught(pathlib.Path('.git/config').read_text))", hidden(".git/config")),
        ("print(caught(os.open, 'data/.hidden', os.O_RDONLY))", hidden("data/.hidden")),
        ("print(caught(open, './none/../none'))", "('FileNotFoundError', 2, './none/../none', False)".to_owned()),
        // One of its own is like any other.
        (
            "open('.own', 'w').close()\nprint(caught(os.stat, '.own').st_size, os.listdir('.'))",
            "0 ['.own', 'data', 'plain']".to_owned(),
        ),
    ];
    let cases = cases.map(|(source, printed)| (format!("{caught}{source}"), printed));
    let cases: Vec<(&str, &str)> = cases.iter().map(|(source, printed)| (source.as_str(), printed.as_str())).collect();
    let told = surprises(&files, None, &cases).await;
    assert!(told.is_empty(), "{told}");
}

#[tokio::test]
async fn what_is_not_in_the_scripts_folders_is_not_looked_for_in_its_working_one() {
    let caught = "import os, pathlib, sqlite3\ndef caught(do, *arguments, **named):\n    try: return do(*arguments, **named)\n    \
                  except OSError as e: print(e)\n";
    let read_only = |path: &str| {
        format!(
            "[Errno 30] Read-only file system (a script writes to /home and to the folders that --dir HOST:GUEST:rw gives it, on a \
             host of many tenants access = \"write\" in [grants.folders]): '{path}'\n"
        )
    };
    let cases = [
        ("caught(open, '/n.txt', 'w')", read_only("/n.txt")),
        ("caught(os.makedirs, '/out', exist_ok=True)", read_only("/out")),
        ("caught(os.makedirs, '/var/log')", read_only("/var")),
        ("caught(pathlib.Path('/beside.txt').write_text, 'x')", read_only("/beside.txt")),
        (
            "caught(open, '/beside.txt')",
            "[Errno 2] No such file or directory (a script sees /home, /script, /tmp; --dir HOST:GUEST gives it one more \
             folder, on a host of many tenants [grants.folders]): '/beside.txt'\n"
                .to_owned(),
        ),
        ("print(os.path.exists('/beside.txt'), os.path.exists('beside.txt'))", "False True\n".to_owned()),
        ("open('/tmp/t', 'w').close()\nprint(os.listdir('/tmp'), os.listdir('/'))", "['t'] ['home', 'script', 'tmp']\n".to_owned()),
        (
            "os.chdir('/')\ncaught(open, 'n.txt', 'w')\nprint(open('script/beside.txt').read())",
            format!("{}here\n", read_only("n.txt")),
        ),
    ];
    let left = "\nprint(sorted(os.listdir('/script')))";
    let cases = cases.map(|(source, printed)| (format!("{caught}{source}{left}"), format!("{printed}['beside.txt']")));
    let cases: Vec<(&str, &str)> = cases.iter().map(|(source, printed)| (source.as_str(), printed.as_str())).collect();
    let told = surprises(&[("beside.txt", "here")], None, &cases).await;
    assert!(told.is_empty(), "{told}");
}

#[tokio::test]
async fn files_are_their_users_and_a_pipe_is_one() {
    let source = "import os, stat\nabout = os.stat('/home')\nprint(about.st_uid == os.getuid(), about.st_gid == os.getgid())\n\
                  for p in os.stat('pipe'), os.lstat('pipe'): print(stat.filemode(p.st_mode), stat.S_ISFIFO(p.st_mode), p.st_uid)\n\
                  print([(e.is_file(), e.is_dir()) for e in os.scandir('.') if e.name == 'pipe'])";
    let mut script = start_beside(&[], None).await;
    rustix::fs::mknodat(
        rustix::fs::CWD,
        script.folder().join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    script.guest.load(source).await;
    let told = "True True\nprw-r--r-- True 1000\nprw-r--r-- True 1000\n[(False, False)]";
    assert_eq!(script.guest.notes.take_stdout(), told, "{}", script.guest.notes.stderr());
}

#[tokio::test]
async fn a_script_that_locks_a_file_so_as_to_run_once_runs() {
    let source = "import errno, fcntl, os\nf = open('lock', 'w')\nfcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)\n\
                  fcntl.lockf(f.fileno(), fcntl.LOCK_SH)\nfcntl.flock(f, fcntl.LOCK_UN)\n\
                  fcntl.fcntl(f, fcntl.F_SETFD, fcntl.fcntl(f, fcntl.F_GETFD) | fcntl.FD_CLOEXEC)\n\
                  for wrong, number in ((lambda: fcntl.flock(99, 2), errno.EBADF), (lambda: fcntl.flock(f, 3), errno.EINVAL),\n        \
                  (lambda: fcntl.ioctl(f, 0x5413), errno.ENOTTY)):\n    \
                  try: wrong()\n    except OSError as e: print(e.errno == number, end=' ')\nprint('runs')";
    let mut script = start_beside(&[], None).await;
    script.guest.load(source).await;
    assert_eq!(script.guest.notes.take_stdout(), "True True True runs", "{}", script.guest.notes.stderr());
    let log = script.guest.notes.log();
    let told = log.iter().filter(|(_, text)| text.starts_with("fcntl locks out nobody")).count();
    assert_eq!(told, 1, "{log:?}");
}

#[tokio::test]
async fn a_full_folder_is_told_by_its_number() {
    let fill = "import errno, os\ndef fill(write):\n    try:\n        while True: write(b'x' * (1 << 20))\n    \
                except OSError as e: print(e.errno == errno.ENOSPC, e)\n";
    let cases = [
        "f = open('f', 'wb', buffering=0)\nfill(f.write)",
        "f = open('f', 'wb')\nfill(f.write)\nf.detach()",
        "f = open('f', 'ab', buffering=0)\nfill(f.write)\nfill(f.write)",
        "fd = os.open('f', os.O_WRONLY | os.O_CREAT)\nfill(lambda data: os.write(fd, data))",
    ];
    for case in cases {
        let mut script = start_beside(&[], None).await;
        // What goes wrong otherwise is what it was.
        let after = "\nos.close(os.open('g', os.O_CREAT))\nr = os.open('g', os.O_RDONLY)\ntry: os.write(r, b'x')\nexcept OSError as e: print(e.errno == errno.EBADF)";
        script.guest.load(&format!("{fill}{case}{after}")).await;
        let (told, full) = (script.guest.notes.take_stdout(), "True [Errno 28] No space left on device");
        let times = case.matches("fill(").count();
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines, [vec![full; times], vec!["True"]].concat(), "{case}: {}", script.guest.notes.stderr());
        let log = script.guest.notes.log();
        assert!(log.iter().any(|(_, text)| text.contains("private folder is full: it may hold 16384 KiB")), "{log:?}");
    }
}

#[tokio::test]
async fn what_was_written_is_in_the_files_when_a_callback_has_returned() {
    let begin = "import csv, gzip, io, logging, os, sys, tgl\n";
    let opened = [
        ("h = open('log', 'a')", "h.write('line ')", "line "),
        ("h = io.open('log', 'wb')", "h.write(b'line ')", "line "),
        ("open('log', 'w').close()\nh = open('log', 'r+')", "h.write('line ')", "line "),
        ("h = csv.writer(open('log', 'w'))", "h.writerow([1, 2])", "1,2\\r\\n"),
        ("h = os.fdopen(os.open('log', os.O_CREAT | os.O_WRONLY), 'w')", "h.write('line ')", "line "),
        ("h = logging.FileHandler('log')", "h.stream.write('line ')", "line "),
        ("h = open('log', 'w')\nclosed = open('log', 'w')\nclosed.close()", "h.write('line ')", "line "),
        ("h = open('log', 'w')\nother = open('other', 'w')\nother.detach()", "h.write('line ')", "line "),
    ];
    // The last is a host's that ends the script between two callbacks.
    let ends = ["sys.exit(7)", "raise SystemExit", "tgl.safe_exit(7)", "1 / 0", "pass"];
    for (open, write, kept) in opened {
        for end in ends {
            let mut script = start_beside(&[], None).await;
            let in_handler = format!("{begin}{open}\ndef on_msg_receive(msg):\n    {write}\n    {end}");
            script.guest.load(&in_handler).await;
            script.guest.tell("hello").await;
            assert_eq!(script.kept("log"), kept, "{in_handler}: {}", script.guest.notes.stderr());
            let mut script = start_beside(&[], None).await;
            let at_load = format!("{begin}{open}\n{write}\n{end}");
            let _ = script.guest.instance.load(&at_load, "/script/bot.py").await;
            assert_eq!(script.kept("log"), kept, "{at_load}: {}", script.guest.notes.stderr());
        }
    }
}

#[tokio::test]
async fn files_that_are_made_of_others_are_complete_when_the_script_has_ended_itself() {
    // gzip's ends with a check sum and the length.
    let cases = [
        "h = io.TextIOWrapper(open('log', 'wb'))\nh.write('line ')",
        "h = io.BufferedWriter(io.FileIO('log', 'w'))\nh.write(b'line ')",
        "h = gzip.GzipFile('', 'w', 0, open('log', 'wb'), 0)\nh.write(b'line ')",
    ];
    for case in cases {
        for end in ["sys.exit(7)", "tgl.safe_exit(7)", "1 / 0"] {
            let mut script = start_beside(&[], None).await;
            let source = format!("import gzip, io, sys, tgl\n{case}\n{end}");
            let _ = script.guest.instance.load(&source, "/script/bot.py").await;
            let (kept, stderr) = (script.kept("log"), script.guest.notes.stderr());
            let is_complete = if case.contains("gzip") { kept.ends_with(r"\x05\x00\x00\x00") } else { kept == "line " };
            assert!(is_complete, "{source}: {kept} {stderr}");
        }
    }
}

#[tokio::test]
async fn what_a_full_folder_does_not_take_at_a_callbacks_end_is_told_once() {
    let source = "import os\nh, full = open('log', 'a'), open('full', 'wb', buffering=0)\nfor size in 1 << 20, 1 << 10, 1:\n    try:\n        \
                  while True: full.write(b'x' * size)\n    except OSError: pass\n\
                  def on_msg_receive(msg):\n    if msg.id == 2: full.truncate(0)\n    h.write('line ')\n    print('runs')";
    let mut script = start_beside(&[], None).await;
    script.guest.load(source).await;
    for _ in 0..3 {
        assert_eq!(script.guest.tell("hello").await, "runs");
    }
    let told = "OSError: [Errno 28] No space left on device: 'log'\nWhat the script has written to this file is not all in it.\n";
    assert_eq!(script.guest.notes.stderr(), told);
    let room = Event::Message(message(2, "room"));
    script.guest.instance.on_event(&room).await.unwrap();
    assert_eq!(script.kept("log"), "line ".repeat(4));
    assert_eq!(script.guest.notes.stderr(), told);
}
