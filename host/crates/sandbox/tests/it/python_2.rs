//! What is left of Python 2 in a script is called by its name, and nothing else is.

use sandbox::GuestError;

use crate::python_scripts::start_beside;

const SAYS_SO: &str = "This looks like Python 2";

/// Beside each script.
const FILES: [(&str, &str); 4] = [
    ("older.py", "print 'x'\n"),
    ("old.py", "def first(d):\n    return d.keys()[0]\n"),
    ("catches.py", "try:\n    1 / 0\nexcept ZeroDivisionError, e:\n    pass\n"),
    ("text.txt", "a line\n"),
];

/// Statements that the compiler takes.
const RUNS: [&str; 83] = [
    "{1: 2}.keys()[0]",
    "{1: 2}.values()[0]",
    "{1: 2}.items()[0][1]",
    "map(str, [1])[0]",
    "filter(None, [1])[-1]",
    "zip([1], [2])[0]",
    "len(map(str, [1]))",
    "len(filter(None, [1]))",
    "k = {1: 2}.keys()\nk.sort()",
    "{1: 2}.items().sort()",
    "map(str, [1]).append(2)",
    "range(3).remove(1)",
    "range(3)[0] = 1",
    "r = range(3)\ndel r[0]",
    "range(3) + [4]",
    "[4] + map(str, [1])",
    "{}.keys() + {}.keys()",
    "{}.items() + []",
    "sorted([2, 1], cmp=lambda a, b: a - b)",
    "[2, 1].sort(cmp=lambda a, b: a - b)",
    "sorted([2, 1], lambda a, b: a - b)",
    "[2, 1].sort(lambda a, b: a - b)",
    "'x'.encode('hex')",
    "'x'.encode('base64')",
    "b'78'.decode('hex')",
    "'x'.encode('rot13')",
    "'x'.encode('string-escape')",
    "'x'.decode('utf-8')",
    "'abc'.translate(None, 'b')",
    "raise 'foo'",
    "from string import maketrans",
    "from string import join, letters",
    "import string\nstring.letters",
    "import string\nstring.join(['a'], ' ')",
    "from os import getcwdu",
    "import os\nos.getcwdu()",
    "import os\nos.popen3('ls')",
    "import os.path\nos.path.walk('.', print, None)",
    "{}.has_key(1)",
    "file('x')",
    "isinstance('x', (str, file))",
    "raw_input",
    "apply(len, [''])",
    "cmp(1, 2)",
    "reduce(lambda a, b: a + b, [1])",
    "long(1)",
    "isinstance(1, (int, long))",
    "map(long, ['1'])",
    "isinstance('x', basestring)",
    "execfile('x')",
    "import sys\nsys.maxint",
    "import sys\nsys.exc_value",
    "import itertools\nitertools.izip([1])",
    "import operator\noperator.isCallable(1)",
    "from types import StringTypes",
    "from contextlib import nested",
    "open('/script/text.txt').next()",
    "open('/script/text.txt').xreadlines()",
    "try: 1 / 0\nexcept ZeroDivisionError as e: e.message",
    "print('%s') % 1",
    "print -1",
    "try:\n    1 / 0\nexcept ZeroDivisionError, e:\n    pass",
    "import email.MIMEText",
    "import sys\nprint >>sys.stderr, 'x'",
    "unicode('x')",
    "for n in xrange(3): pass",
    "{}.iteritems()",
    "import sys\nreload(sys)",
    "import sys\nsys.setdefaultencoding('utf8')",
    "import urllib\nurllib.urlopen('http://example.org')",
    "from itertools import izip",
    "from urllib import quote",
    "import urllib2",
    "import hotshot",
    "from ConfigParser import ConfigParser",
    "for x in Old(): pass",
    "next(Old())",
    "Old() / 2",
    "2 / Old()",
    "o = Old()\no /= 2",
    "sorted([Old(), Old()])",
    "Old()[1:2]",
    "from email import Encoders",
];

/// Statements that it does not take.
const DOES_NOT_COMPILE: [&str; 14] = [
    "print 'x'",
    "print x, y",
    "if 1: print 'x'",
    "exec 'x = 1'",
    "exec code in {}",
    "raise ValueError, 'x'",
    "raise ValueError('x'), 'y'",
    "x = `1`",
    "if 1 <> 2: pass",
    "x = 0777",
    "x = 0xFFL",
    "x = 10L",
    "x = ur'x'",
    "def f((a, b)): pass",
];

/// Errors that Python 3 has as well.
const PYTHON_3: [&str; 32] = [
    "raise None",
    "raise TypeError('exceptions must derive from BaseException')",
    "raise TypeError(\"'map' object is not a mapping\")",
    "None[0]",
    "for x in New(): pass",
    "New() / 2",
    "sorted([New(), New()])",
    "New()[1:2]",
    "print.sort()",
    "{}.foo()",
    "len(iter([]))",
    "[].sort(1, 2, reverse=True, keys=1)",
    "'x'.encode('nothing')",
    "1 % None",
    "None % 1",
    "print(file)",
    "file.write('x')",
    "x = long + 1",
    "def f():\n    file.x\n    file = 1\nf()",
    "class Own(Exception): pass\ntry: raise Own\nexcept Own as e: e.message",
    "import string\nstring.nothing",
    "from os import nothing",
    "from os import getrandom, nothing",
    "import nothing",
    "{}.nothing",
    "from itertools import nothing",
    "1 >> 'x'",
    "try: unicode\nexcept NameError: 1 / 0",
    "x = 5px",
    "print(\"a <> b\" 1)",
    "x = (1 # `1`, 10L",
    "except A, B as e: pass",
];

#[tokio::test]
async fn what_only_python_2_took_is_called_by_its_name() {
    let mut missing = String::new();
    for source in RUNS {
        for text in [raised(source).await, told_in_a_callback(source).await] {
            if !(text.contains(SAYS_SO) && text.contains("`2to3 -w bot.py`")) {
                missing.push_str(&format!("{source}\n=> {text}\n"));
            }
        }
    }
    for source in DOES_NOT_COMPILE {
        let text = raised(source).await;
        if !(text.contains(SAYS_SO) && text.contains("SyntaxError")) {
            missing.push_str(&format!("{source}\n=> {text}\n"));
        }
    }
    let modules =
        [("import old\nold.first({1: 2})", "old.py"), ("import older", "older.py"), ("import catches", "catches.py")];
    for (source, file) in modules {
        let text = raised(source).await;
        if !text.contains(&format!("`2to3 -w {file}`")) {
            missing.push_str(&format!("{source}\n=> {text}\n"));
        }
    }
    assert!(missing.is_empty(), "{missing}");
}

#[tokio::test]
async fn errors_of_python_3_are_not_called_python_2() {
    let mut wrong = String::new();
    for source in PYTHON_3 {
        let text = raised(source).await;
        if text.contains("Python 2") {
            wrong.push_str(&format!("{source}\n=> {text}\n"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[tokio::test]
async fn what_means_something_else_now_is_warned_of_in_modules_too() {
    let mut script = start_beside(&FILES, None).await;
    let loaded = script.guest.instance.load("try: import catches\nexcept NameError: pass", "/script/bot.py").await;
    assert_eq!(loaded, Ok(()));
    let stderr = script.guest.notes.stderr();
    assert!(stderr.contains("/script/catches.py, line 3: `except X, e:` is Python 2"), "{stderr}");
}

/// What stands before the statements that want them: classes as Python 2 and Python 3 have them.
const CLASSES: &str = "\
class Old:
    def __iter__(self): return self
    def next(self): return 1
    def __div__(self, other): return 1
    def __cmp__(self, other): return 0
    def __getslice__(self, begin, end): return 1
class New:
    def __iter__(self): return 1
";

/// The traceback that a source ends in.
async fn raised(source: &str) -> String {
    let mut script = start_beside(&FILES, None).await;
    match script.guest.instance.load(&with_classes(source), "/script/bot.py").await {
        Err(GuestError::Raised(text)) => text,
        other => panic!("{source}: {other:?}"),
    }
}

/// What is printed of a callback that runs a source.
async fn told_in_a_callback(source: &str) -> String {
    let mut script = start_beside(&FILES, None).await;
    let source = format!("def on_msg_receive(msg):\n    {}", source.replace('\n', "\n    "));
    assert_eq!(script.guest.instance.load(&with_classes(&source), "/script/bot.py").await, Ok(()), "{source}");
    script.guest.tell("hello").await;
    script.guest.notes.stderr()
}

/// The source, after the classes that it wants.
fn with_classes(source: &str) -> String {
    let wants_them = source.contains("Old()") || source.contains("New()");
    format!("{}{source}", if wants_them { CLASSES } else { "" })
}
