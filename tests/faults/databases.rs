//! A script's SQLite database holds what was committed, and nobody's lock, however often the host is killed while it writes.

use tempfile::TempDir;
use tests::{Process, tglhost};

use crate::Moments;

/// What may be left from before, then numbers, each printed once it is committed.
const WRITING: &str = "\
import sqlite3
db = sqlite3.connect('kept.db', timeout=0)
db.execute('pragma cache_size = 10')
db.execute('create table if not exists kept (n integer primary key, filling blob)')
print(db.execute('pragma integrity_check').fetchone()[0], *db.execute('select count(*), ifnull(max(n), 0) from kept').fetchone(), flush=True)
n = db.execute('select ifnull(max(n), 0) from kept').fetchone()[0]
while True:
    n += 1
    with db:
        db.execute('insert into kept values (?, randomblob(2000))', (n,))
        db.execute('update kept set filling = randomblob(2000) where n % 5 = ?', (n % 5,))
    print(n, flush=True)
";
/// The most numbers that are waited for before a kill.
const NUMBERS_MAX: u64 = 12;

fn nothing_is_lost_over_kills(kills: usize) {
    let place = TempDir::new().expect("a folder");
    let (data, script) = (place.path().join("data"), place.path().join("scripts/writing.py"));
    std::fs::create_dir_all(script.parent().expect("a folder")).expect("made");
    std::fs::write(&script, WRITING).expect("written");
    let (mut committed, mut moments) = (0, Moments::new());
    for kill in 0..kills {
        let mut process = Process::start(tglhost(&data).arg("run").arg(&script));
        let found = process.line();
        let numbers: Vec<u64> = found.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        assert!(found.starts_with("ok ") && numbers.len() == 2, "kill {kill}: {found}");
        assert_eq!(numbers[0], numbers[1], "kill {kill}: {found}");
        assert!(numbers[1] >= committed, "kill {kill}: {committed} was committed, and there is {found}");
        committed = numbers[1];
        for _ in 0..moments.below(NUMBERS_MAX) {
            committed = process.line().trim().parse().expect("a number");
        }
        process.kill();
    }
    assert!(committed > 0);
}

#[test]
fn kills_while_a_database_is_written() {
    nothing_is_lost_over_kills(20);
}

#[test]
#[ignore = "takes minutes; the one above is the same with fewer kills"]
fn many_kills_while_a_database_is_written() {
    nothing_is_lost_over_kills(200);
}
