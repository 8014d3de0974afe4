//! What a script starts from was made at build time: nothing of that time may show.

use crate::python_scripts::{start_beside, surprises};

/// Prints each number in a module or in an object there that is a time of some days before this start.
const OLD_TIMES: &str = "\
import sys, time
now = time.time()
def is_old(value):
    if type(value) not in (int, float): return False
    return any(now - 30 * 86400 < value / scale < now - 2 for scale in (1, 10 ** 3, 10 ** 6, 10 ** 9))
for name, module in sorted(sys.modules.items()):
    for key, value in list(vars(module).items()) if module else []:
        inside = getattr(value, '__dict__', None)
        for place, each in [(key, value), *(((key, k), v) for k, v in (inside or {}).items())]:
            if is_old(each): print(name, place, each)
";

#[tokio::test]
async fn no_clock_counts_from_the_build() {
    let cases = [
        (OLD_TIMES, ""),
        ("import logging\nprint(0 <= logging.makeLogRecord({}).relativeCreated < 60_000)", "True"),
        (
            "import time, os\nprint(0 <= time.process_time() < 60, 0 <= os.times().user < 60, 0 <= time.perf_counter() < 600)",
            "True True True",
        ),
        ("import time\na = time.process_time_ns()\nsum(range(100_000))\nprint(time.process_time_ns() > a)", "True"),
    ];
    let told = surprises(&[], None, &cases).await;
    assert!(told.is_empty(), "{told}");
}

#[tokio::test]
async fn no_two_scripts_have_the_same_random_numbers() {
    let source = "\
import multiprocessing, os, random, secrets, string, tempfile, uuid
for value in (random.random(), random.SystemRandom().random(), secrets.token_hex(), uuid.uuid1().node, uuid.uuid4(), tempfile.mktemp(), \
        os.urandom(8).hex(), bytes(multiprocessing.current_process().authkey).hex()):
    print(value)";
    let (mut one, mut other) = (start_beside(&[], None).await, start_beside(&[], None).await);
    one.guest.load(source).await;
    other.guest.load(source).await;
    let (one, other) = (one.guest.notes.take_stdout(), other.guest.notes.take_stdout());
    assert_eq!(one.lines().count(), 8);
    let same: Vec<(&str, &str)> = one.lines().zip(other.lines()).filter(|(one, other)| one == other).collect();
    assert_eq!(same, []);
}

#[tokio::test]
async fn hashes_are_seeded_anew_by_each_build() {
    let cases = [("import sys\nprint(sys.flags.hash_randomization)", "1")];
    assert_eq!(surprises(&[], None, &cases).await, "");
}

/// What a script uses of the snapshot it would otherwise write to, and so have a page of its own for.
#[tokio::test]
async fn what_scripts_share_is_immortal() {
    let source = "\
import sys, types
kinds = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, type, tuple, str)
for name in ('asyncio', 'datetime', 'json', 'os', 'posixpath', 're', 'tgl', 'tgl._dispatch', 'tgl._msg', 'threading'):
    module = sys.modules[name]
    for value in (module, vars(module), *vars(module).values()):
        for each in (value, getattr(value, '__code__', None)):
            if isinstance(each, kinds) and not sys._is_immortal(each): print(name, each)";
    assert_eq!(surprises(&[], None, &[(source, "")]).await, "");
}

#[tokio::test]
async fn the_sample_that_warmed_it_up_has_left_nothing() {
    let cases = [
        ("import sys\nprint(sys.path, 'sample' in sys.modules)", "['/script'] False"),
        ("import linecache\nprint([path for path in linecache.cache if 'sample' in path])", "[]"),
        (
            "import os\nprint(os.environ['HOME'], os.getenv('HOME'), sorted(os.environ))",
            "/home /home ['HOME', 'PWD', 'TMPDIR']",
        ),
    ];
    assert_eq!(surprises(&[], None, &cases).await, "");
}
