//! SQLite in the Python component: it locks, keeps and tells the time as it does for a script of an ordinary machine.

use std::fs;
use std::path::Path;

use files::{FileSpace, Folders, Mount, Project};

use crate::python::python;
use crate::python_scripts::surprises;
use crate::support::{Running, With, start};

const HOME_BYTES_MAX: u64 = 16 << 20;

async fn start_in(home: &Path, more: &[Mount]) -> Running {
    let space = FileSpace::open(None, Some(home), HOME_BYTES_MAX, more).unwrap();
    start(&python().await, With { files: Some(space), ..With::default() }).await.unwrap()
}

/// Runs each source in an instance of its own, which is ended as it is; gives what the last printed.
async fn one_after_the_other(home: &Path, more: &[Mount], sources: &[&str]) -> String {
    let mut told = String::new();
    for source in sources {
        let mut guest = start_in(home, more).await;
        guest.load(source).await;
        told = guest.notes.take_stdout();
        assert_eq!(guest.notes.stderr(), "", "{source}");
    }
    told
}

/// Two connections, `a` and `b`, to a database with one row; `refused` gives what an error is called.
const TWO: &str = "\
import sqlite3
def connect(path='two.db', **more): return sqlite3.connect(path, timeout=0, **more)
def refused(do, *arguments):
    try: return do(*arguments)
    except sqlite3.Error as error: return str(error)
def count(of): return of.execute('select count(*) from t').fetchone()[0]
a, b = connect(), connect()
a.execute('create table t (n)')
a.execute('insert into t values (1)')
a.commit()
";

#[tokio::test]
async fn connections_of_one_script_lock_as_they_do_anywhere() {
    let cases = [
        (
            "c, d = (each.execute('select 1 from t union all select 2') for each in (a, b))\nprint(next(c), next(d))",
            "(1,) (1,)",
        ),
        ("a.execute('insert into t values (2)')\nprint(count(b), count(a))\na.commit()\nprint(count(b))", "1 2\n2"),
        (
            "a.execute('insert into t values (2)')\nprint(refused(b.execute, 'insert into t values (3)'))\na.commit()\n\
             b.execute('insert into t values (3)')\nb.commit()\nprint(count(a))",
            "database is locked\n3",
        ),
        (
            "a.execute('begin exclusive')\nprint(refused(count, b))\na.rollback()\nprint(count(b))",
            "database is locked\n1",
        ),
        (
            "c = b.execute('select 1 from t union all select 2')\nnext(c)\na.execute('insert into t values (2)')\n\
             print(refused(a.commit))\nc.close()\na.commit()\nprint(count(b))",
            "database is locked\n2",
        ),
        (
            "a.isolation_level = b.isolation_level = None\na.execute('begin immediate')\n\
             print(refused(b.execute, 'begin immediate'), count(b))",
            "database is locked 1",
        ),
        (
            "a.execute(\"attach 'more.db' as more\")\na.execute('create table more.u (n)')\na.commit()\n\
             b.execute(\"attach 'more.db' as other\")\nprint(b.execute('select * from other.u').fetchall())",
            "[]",
        ),
        (
            "m, n = connect(':memory:'), connect(':memory:')\nm.execute('create table t (n)')\nprint(refused(count, n), count(m))",
            "no such table: t 0",
        ),
        (
            "m, n = (connect('file:name?mode=memory&cache=shared', uri=True) for _ in 'ab')\nm.execute('create table u (n)')\n\
             print(n.execute('select * from u').fetchall())",
            "[]",
        ),
        (
            "m, n = (connect('file::memory:?cache=shared', uri=True) for _ in 'ab')\nm.execute('create table u (n)')\n\
             print(n.execute('select * from u').fetchall(), __import__('os').path.exists(':memory:'))",
            "[] False",
        ),
        (
            "r = connect('file:two.db?mode=ro', uri=True)\nprint(count(r), refused(r.execute, 'insert into t values (2)'))",
            "1 attempt to write a readonly database",
        ),
        ("print(a.execute('pragma journal_mode = wal').fetchone())", "('delete',)"),
        (
            "class C(sqlite3.Connection): pass\nprint(type(connect(factory=C)) is C, isinstance(a, sqlite3.Connection))",
            "True True",
        ),
        ("m = connect(':memory:')\na.backup(m)\nprint(count(m), len(list(a.iterdump())))", "1 4"),
        (
            "print(count(connect(b'two.db')), count(connect('/home/two.db')), refused(connect, '/none/two.db'))",
            "1 1 unable to open database file",
        ),
        (
            "connect('a b?c#d%20&e.db').execute('create table t (n)')\nimport os\nprint('a b?c#d%20&e.db' in os.listdir('.'))",
            "True",
        ),
        ("import shelve\nwith shelve.open('kept') as kept: kept['a'] = [1]\nprint(shelve.open('kept')['a'])", "[1]"),
    ];
    let sources: Vec<String> = cases.iter().map(|(source, _)| format!("{TWO}{source}")).collect();
    let cases: Vec<(&str, &str)> = sources.iter().map(String::as_str).zip(cases.map(|(_, printed)| printed)).collect();
    let told = surprises(&[], None, &cases).await;
    assert!(told.is_empty(), "{told}");
}

#[tokio::test]
async fn no_lock_outlives_a_guest() {
    let home = tempfile::tempdir().unwrap();
    // As versions before left it.
    fs::create_dir(home.path().join("kept.db.lock")).unwrap();
    let leave_locked = "\
import sqlite3
db = sqlite3.connect('kept.db', timeout=0)
db.execute('create table if not exists t (n)')
db.commit()
db.execute('insert into t values (1)')
cursor = db.execute('select 1 union all select 2')
next(cursor)";
    let told = one_after_the_other(
        home.path(),
        &[],
        &[
            leave_locked,
            leave_locked,
            "import sqlite3\ndb = sqlite3.connect('kept.db', timeout=0)\nwith db: db.execute('insert into t values (2)')\n\
             print(db.execute('select n from t').fetchall(), db.execute('pragma integrity_check').fetchall())",
        ],
    )
    .await;
    assert_eq!(told, "[(2,)] [('ok',)]");
}

#[tokio::test]
async fn a_transaction_that_was_half_written_is_rolled_back() {
    let half_write = "\
import sqlite3
db = sqlite3.connect('kept.db')
db.execute('pragma cache_size = 5')
db.execute('create table if not exists t (n, text)')
if not db.execute('select count(*) from t').fetchone()[0]:
    db.executemany('insert into t values (?, ?)', [(n, 'x' * 500) for n in range(500)])
db.commit()
db.execute(\"update t set text = 'y' || text\")";
    let look = "\
import sqlite3
db = sqlite3.connect('kept.db', timeout=0)
print(db.execute(\"select count(*) from t where text like 'y%'\").fetchone(), db.execute('pragma integrity_check').fetchone())";
    let home = tempfile::tempdir().unwrap();
    let told = one_after_the_other(home.path(), &[], &[half_write, look]).await;
    assert_eq!(told, "(0,) ('ok',)");
}

#[tokio::test]
async fn a_database_in_wal_mode_is_taken_out_of_it_or_said_to_be_in_it() {
    let (home, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // As SQLite leaves one in WAL mode that was closed: only the header tells.
    let make = "\
import sqlite3
for path in 'kept.db', 'open.db', '/shared/kept.db':
    with sqlite3.connect(path) as db: db.execute('create table t (n)')
    db.close()
    with open(path, 'r+b') as file:
        file.seek(18)
        file.write(b'\\2\\2')
open('open.db-wal', 'w').write('frames')";
    let look = "\
import sqlite3
for path in 'kept.db', 'open.db', '/shared/kept.db':
    try: print(sqlite3.connect(path).execute('insert into t values (1)').rowcount)
    except sqlite3.OperationalError as error: print(str(error)[:30])";
    let told = one_after_the_other(home.path(), &[shared(folder.path())], &[make, look]).await;
    assert_eq!(told, "1\nopen.db is in WAL mode, which \n/shared/kept.db is in WAL mode");
}

#[tokio::test]
async fn what_sqlite_lacks_says_why() {
    let modules = "no such module: fts5; the sandbox's SQLite has no modules";
    let cases = [
        ("c.execute('create virtual table t using fts5(a)')", modules),
        ("c.cursor().execute('create virtual table t using fts5(a)')", modules),
        ("c.executescript('create virtual table t using fts5(a);')", modules),
        ("c.execute('create virtual table t using rtree(a)')", "no such module: rtree; the sandbox's SQLite"),
        ("c.execute('select from')", "near \"from\": syntax error"),
    ];
    let begin = "import sqlite3\nc = sqlite3.connect(':memory:')\n";
    let sources: Vec<String> = cases
        .iter()
        .map(|(done, said)| {
            format!("{begin}try: {done}\nexcept sqlite3.OperationalError as e: print(str(e)[:{}])", said.len())
        })
        .collect();
    let mut cases: Vec<(&str, &str)> = sources.iter().map(String::as_str).zip(cases.map(|(_, said)| said)).collect();
    cases.push((
        "import sqlite3\nc = sqlite3.connect(':memory:')\nk = c.execute('select ?', (1,))\n\
         print(k.fetchall(), isinstance(k, sqlite3.Cursor), k.connection is c, c.cursor().execute('select :a', {'a': 2}).fetchone())\n\
         class Own(sqlite3.Cursor): pass\nprint(type(c.cursor(Own)).__name__)",
        "[(1,)] True True (2,)\nOwn",
    ));
    let told = surprises(&[], None, &cases).await;
    assert!(told.is_empty(), "{told}");
}

#[tokio::test]
async fn wal_that_is_asked_for_in_vain_is_told_of_once() {
    let asks = [
        "c.execute('PRAGMA journal_mode=WAL')",
        "c.cursor().execute('pragma main.journal_mode = \"wal\"')",
        "c.executescript('PRAGMA foreign_keys = on; PRAGMA journal_mode(wal);')",
    ];
    for ask in asks {
        let home = tempfile::tempdir().unwrap();
        let mut guest = start_in(home.path(), &[]).await;
        let source = format!(
            "import sqlite3, tgl\ntgl.set_on_loop(print)\nc = sqlite3.connect('x.db')\n{ask}\n{ask}\nc.execute('PRAGMA journal_mode')"
        );
        guest.load(&source).await;
        let log = guest.notes.log();
        assert!(log.len() == 1 && log[0].1.starts_with("PRAGMA journal_mode = wal changes nothing"), "{ask}: {log:?}");
    }
    // What Python's own modules ask for is no affair of the script's.
    let home = tempfile::tempdir().unwrap();
    let mut guest = start_in(home.path(), &[]).await;
    guest.load("import shelve, tgl\ntgl.set_on_loop(print)\nshelve.open('kept')['a'] = 1").await;
    assert_eq!(guest.notes.log(), []);
}

#[tokio::test]
async fn local_time_is_that_of_the_script() {
    let cases = [
        ("datetime(0, 'unixepoch', 'localtime')", "1970-01-01 01:00:00"),
        ("datetime('2024-07-01 10:00', 'localtime')", "2024-07-01 12:00:00"),
        ("datetime('2024-07-01 12:00', 'utc')", "2024-07-01 10:00:00"),
        ("datetime('2024-07-01 12:00', ' LocalTime ')", "2024-07-01 14:00:00"),
        ("strftime('%H', 0, 'unixepoch', 'localtime')", "01"),
        ("unixepoch('2024-07-01 12:00:00', 'utc')", "1719828000"),
        ("datetime('2024-07-01 23:30', 'localtime', 'start of day')", "2024-07-02 00:00:00"),
        ("datetime('2024-01-01 00:00:00.123', 'subsec', 'localtime')", "2024-01-01 01:00:00.123"),
        ("datetime('2024-07-01 12:00Z', 'utc')", "2024-07-01 12:00:00"),
        ("datetime('2024-07-01 12:00', 'localtime', 'localtime')", "2024-07-01 14:00:00"),
        ("datetime('2024-07-01 12:00', 'localtime', 'utc')", "2024-07-01 12:00:00"),
        ("datetime('now', 'localtime') > datetime('now')", "1"),
        ("date('2024-07-01', '+1 day')", "2024-07-02"),
        ("datetime('nothing', 'localtime')", "None"),
        ("datetime(null, 'localtime')", "None"),
        ("datetime('9999-12-31 23:59', 'localtime')", "None"),
    ];
    let sources: Vec<String> = cases
        .iter()
        .map(|(sql, _)| {
            format!("import sqlite3\nprint(sqlite3.connect(':memory:').execute(\"select {sql}\").fetchone()[0])")
        })
        .collect();
    let cases: Vec<(&str, &str)> = sources.iter().map(String::as_str).zip(cases.map(|(_, printed)| printed)).collect();
    let told = surprises(&[], Some("Europe/Paris"), &cases).await;
    assert!(told.is_empty(), "{told}");
}

/// A folder that guests share, where they see it.
fn shared(folder: &Path) -> Mount {
    Mount { host: folder.to_owned(), guest: "/shared".to_owned(), writable: true }
}

/// Does what each message says.
const OBEYING: &str = "\
import sqlite3
db = sqlite3.connect('/shared/kept.db', timeout=0)
def on_msg_receive(msg):
    try: print(db.execute(msg.text).fetchall(), end=' ')
    except sqlite3.Error as error: print(error, end=' ')
";

#[tokio::test]
async fn scripts_lock_each_other_out_of_a_shared_database_and_no_longer_than_they_live() {
    let (home, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let more = [shared(folder.path())];
    let (mut one, mut other) = (start_in(home.path(), &more).await, start_in(home.path(), &more).await);
    one.load(OBEYING).await;
    other.load(OBEYING).await;
    one.tell("create table t (n)").await;
    // who does what, and what it is told
    let steps = [
        (1, "insert into t values (1)", "[]"),
        (2, "select count(*) from t", "[(0,)]"),
        (2, "insert into t values (2)", "database is locked"),
        (1, "commit", "[]"),
        (2, "select count(*) from t", "[(1,)]"),
        (2, "insert into t values (2)", "[]"),
        (2, "commit", "[]"),
        (1, "begin exclusive", "[]"),
        (2, "select count(*) from t", "database is locked"),
    ];
    for (who, sql, told) in steps {
        let guest = if who == 1 { &mut one } else { &mut other };
        assert_eq!(guest.tell(sql).await, told, "{who}: {sql}");
    }
    drop(one);
    assert_eq!(other.tell("insert into t values (3)").await, "[]");
    assert_eq!(other.tell("select count(*) from t").await, "[(3,)]");
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().contains("lock")), "{names:?}");
}

#[tokio::test]
async fn programs_of_the_host_are_locked_out_and_lock_out() {
    let (home, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut guest = start_in(home.path(), &[shared(folder.path())]).await;
    guest.load(OBEYING).await;
    guest.tell("create table t (n)").await;
    let path = folder.path().join("kept.db");
    let theirs = fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
    // As SQLite does before it writes.
    let set = |kind| lock_by_another(&theirs, 0x4000_0001, 1, kind);
    set(nix::libc::F_WRLCK).unwrap();
    assert_eq!(guest.tell("insert into t values (1)").await, "database is locked");
    set(nix::libc::F_UNLCK).unwrap();
    assert_eq!(guest.tell("insert into t values (1)").await, "[]");
    assert!(set(nix::libc::F_WRLCK).is_err());
    assert_eq!(guest.tell("commit").await, "[]");
    set(nix::libc::F_WRLCK).unwrap();
}

/// As SQLite locks by these bytes, from another program.
fn lock_by_another(theirs: &fs::File, start: i64, len: i64, kind: i32) -> nix::Result<i32> {
    let lock = nix::libc::flock { l_type: kind as i16, l_whence: 0, l_start: start, l_len: len, l_pid: 0 };
    nix::fcntl::fcntl(theirs, nix::fcntl::FcntlArg::F_OFD_SETLK(&lock))
}

#[tokio::test]
async fn a_project_that_is_written_to_is_locked_against_others_and_a_copy_is_not() {
    let source = "\
import sqlite3
from contextlib import closing
def on_msg_receive(msg):
    try:
        with closing(sqlite3.connect('/script/kept.db', timeout=0)) as db: print(db.execute(msg.text).fetchall())
    except sqlite3.Error as error: print(str(error)[:48])";
    let sources = [
        "import sqlite3\nwith sqlite3.connect('kept.db') as db: db.execute('create table t (n)')",
        "with open('kept.db', 'r+b') as file:\n    file.seek(18)\n    file.write(b'\\2\\2')",
    ];
    let (reserved, shared_bytes) = ((0x4000_0001, 1), (0x4000_0002, 510));
    let in_wal_mode = "/script/kept.db is in WAL mode, which the sandbo";
    // whether the project is written to, the bytes another program holds a lock on, its kind, whether in WAL mode; told
    let cases = [
        (true, reserved, nix::libc::F_WRLCK, false, "database is locked"),
        (false, reserved, nix::libc::F_WRLCK, false, "[]"),
        (true, shared_bytes, nix::libc::F_RDLCK, true, in_wal_mode),
        (false, shared_bytes, nix::libc::F_RDLCK, true, "[]"),
    ];
    for case in cases {
        let (writable, (first, len), kind, is_wal, told) = case;
        let (home, folder, made) =
            (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        one_after_the_other(made.path(), &[], &sources[..1 + usize::from(is_wal)]).await;
        let path = folder.path().join("kept.db");
        fs::copy(made.path().join("kept.db"), &path).unwrap();
        let theirs = fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
        let space = FileSpace::of(Folders {
            project: Some(Project { writable, ..Project::new(folder.path()) }),
            home: Some(home.path().to_owned()),
            home_bytes_max: HOME_BYTES_MAX,
            mounts: Vec::new(),
            private: Vec::new(),
        });
        let with = With { files: Some(space.unwrap()), ..With::default() };
        let mut guest = start(&python().await, with).await.unwrap();
        guest.load(source).await;
        lock_by_another(&theirs, first, len, kind).unwrap();
        assert_eq!(guest.tell("insert into t values (1)").await, told, "{case:?}");
        lock_by_another(&theirs, first, len, nix::libc::F_UNLCK).unwrap();
        assert_eq!(guest.tell("insert into t values (2)").await, "[]", "{case:?}, nobody else");
        let free = lock_by_another(&theirs, first, len, nix::libc::F_WRLCK);
        assert!(free.is_ok(), "{case:?}: the guest holds a lock on what it has closed");
    }
}

#[tokio::test]
async fn locks_of_one_guest_are_bounded() {
    let (home, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let source = "\
import sqlite3
held = []
try:
    while len(held) < 40:
        db = sqlite3.connect(f'/shared/{len(held)}.db', timeout=0)
        db.execute('begin immediate')
        held.append(db)
except sqlite3.OperationalError as error: print(len(held), error)
held.pop().close()
db.execute('begin immediate')
print('goes on')";
    let told = one_after_the_other(home.path(), &[shared(folder.path())], &[source]).await;
    assert_eq!(told, "32 database is locked\ngoes on");
}
