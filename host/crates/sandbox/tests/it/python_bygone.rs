//! Modules and names that Python has removed, and packages that cannot run here: brought back, or named with what does instead.

use crate::python_scripts::{start_beside, surprises};

/// Every module of the standard library of Python 2.7 or 3.6 to 3.13 that is not part of 3.14, but for those that work.
const REMOVED: &str = "\
    BaseHTTPServer Bastion CDROM CGIHTTPServer Canvas ConfigParser Cookie DLFCN Dialog DocXMLRPCServer FileDialog FixTk HTMLParser IN \
    MimeWriter Queue ScrolledText SimpleDialog SimpleHTTPServer SimpleXMLRPCServer SocketServer StringIO TYPES Tix Tkconstants Tkdnd Tkinter \
    UserDict UserList UserString __builtin__ aifc anydbm asynchat asyncore audiodev audioop binhex bsddb cPickle cStringIO cgitb chunk \
    commands compiler cookielib copy_reg crypt dbhash dircache distutils.core distutils.command dl dumbdbm dummy_thread dummy_threading \
    exceptions formatter fpectl fpformat future_builtins gdbm hotshot htmlentitydefs htmllib httplib ihooks imageop imputil lib2to3 \
    linuxaudiodev macpath macurl2path mailcap markupbase md5 mhlib mimetools mimify msilib multifile mutex new nis nntplib os2emxpath \
    ossaudiodev parser popen2 posixfile repr rexec rfc822 robotparser sets sgmllib sha smtpd sndhdr spwd sre statvfs stringold strop sunau \
    sunaudio symbol telnetlib test thread timing tkColorChooser tkCommonDialog tkFileDialog tkFont tkMessageBox tkSimpleDialog toaiff ttk \
    urllib2 urlparse user uu whichdb xdrlib xmllib xmlrpclib email.MIMEText email.MIMEMultipart email.Utils email.Header";

/// Packages that scripts ask for, and a part of what is said.
const PACKAGES: [(&str, &str); 29] = [
    ("pycurl", "no network"),
    ("requests", "no network"),
    ("zmq", "no network"),
    ("MySQLdb", "sqlite3 is there"),
    ("_mysql", "sqlite3 is there"),
    ("psycopg2", "sqlite3 is there"),
    ("pymongo", "sqlite3 is there"),
    ("dbus", "nothing of the machine"),
    ("gi.repository", "nothing of the machine"),
    ("smbus", "nothing of the machine"),
    ("RPi.GPIO", "nothing of the machine"),
    ("serial", "nothing of the machine"),
    ("psutil", "nothing of the machine"),
    ("lxml.etree", "use xml.etree.ElementTree"),
    ("PIL", "let a program outside do it"),
    ("cv2", "let a program outside do it"),
    ("numpy", "use array, math, statistics"),
    ("pandas", "use array, math, statistics"),
    ("cryptography.fernet", "use hashlib, hmac and secrets"),
    ("Crypto.Cipher", "use hashlib, hmac and secrets"),
    ("uvloop", "use asyncio"),
    ("gevent", "use asyncio"),
    ("greenlet", "use asyncio"),
    ("ujson", "use json"),
    ("regex", "use re"),
    ("lz4.frame", "use zlib"),
    ("apsw", "use sqlite3"),
    ("leveldb", "use dbm.sqlite3"),
    ("Levenshtein", "use difflib"),
];

#[tokio::test]
async fn a_module_that_is_gone_is_not_to_be_installed() {
    let names: Vec<&str> = REMOVED.split_whitespace().collect();
    let told = reasons(&names).await;
    assert_eq!(told.len(), names.len(), "{told:?}");
    for (name, reason) in names.iter().zip(told) {
        let is_said =
            reason.contains("removed it: ") || reason.contains("Python 2's; Python 3 has ") || *name == "test";
        assert!(is_said && !reason.contains("pip install"), "{name}: {reason}");
    }
}

#[tokio::test]
async fn a_package_that_cannot_run_says_why_and_what_to_do_instead() {
    let told = reasons(&PACKAGES.map(|(name, _)| name)).await;
    for ((name, said), reason) in PACKAGES.iter().zip(told) {
        assert!(reason.contains(said) && !reason.contains("pip install"), "{name}: {reason}");
    }
}

#[tokio::test]
async fn what_a_few_lines_bring_back_works() {
    let files = [("plugins/one.py", "name = 'one'\n")];
    let cases = [
        (
            "from distutils.version import LooseVersion, StrictVersion\nprint(LooseVersion('1.10') > LooseVersion('1.9.2'), \
             LooseVersion('1.5.2b2') > '1.5.2', StrictVersion('1.2a1') < '1.2', StrictVersion('1.2') == '1.2.0', StrictVersion('1.2.0'), \
             max('1.2', '1.10', key=LooseVersion))\ntry: StrictVersion('x')\nexcept ValueError as e: print(e)",
            "True True True True 1.2 1.10\ninvalid version number 'x'",
        ),
        (
            "from distutils.util import strtobool\nprint(strtobool('Yes'), strtobool('off'))\ntry: strtobool('maybe')\n\
             except ValueError as e: print(e)",
            "1 0\ninvalid truth value 'maybe'",
        ),
        (
            "import distutils.spawn\nfrom distutils.errors import DistutilsExecError\nprint(distutils.spawn.find_executable('ls'))\n\
             try: distutils.spawn.spawn(['ls'])\nexcept DistutilsExecError as e: print(str(e)[:57])",
            "None\ncommand 'ls' failed: a script in the sandbox cannot start",
        ),
        (
            "import os\nfrom distutils.dir_util import copy_tree, mkpath, remove_tree\nfrom distutils.file_util import copy_file\n\
             print(mkpath('a/b'))\nopen('a/b/f', 'w').close()\nprint(copy_tree('a', 'c'), copy_tree('a', 'c'), copy_file('a/b/f', 'c'))\n\
             remove_tree('c')\nprint(os.path.exists('c'))",
            "['a', 'a/b']\n['c/b/f'] ['c/b/f'] ('c/f', 1)\nFalse",
        ),
        (
            "import cgi\nprint(cgi.escape('<a \"b\">'), cgi.escape('\"', quote=True), cgi.parse_qs('a=1&a=2'), \
             cgi.parse_header('text/html; charset=\"x\"'))\ntry: cgi.FieldStorage()\nexcept AttributeError as e: print(e)",
            "&lt;a \"b\"&gt; &quot; {'a': ['1', '2']} ('text/html', {'charset': 'x'})\n\
             module 'cgi' has no attribute 'FieldStorage' here: Python 3.13 removed it, and no web server runs a script",
        ),
        ("import pipes\nprint(pipes.quote('a b'))", "'a b'"),
        ("import os\nfrom os import errno\nprint(os.errno.ENOENT)", "2"),
        (
            "import unittest\nclass T(unittest.TestCase):\n    def test(self):\n        self.assertEquals(1, 1)\n        \
             self.assertNotEquals(1, 2)\n        self.assertItemsEqual([1, 2], [2, 1])\n        self.assert_(True)\n        \
             self.assertRegexpMatches('ab', 'a')\nT('test').debug()\nprint('fine')",
            "fine",
        ),
        (
            "import pkgutil\nfor finder, name, _ in pkgutil.iter_modules(['/script/plugins']):\n    \
             print(finder.find_module(name).load_module(name).name)\nprint(pkgutil.find_loader('nothing'))",
            "one\nNone",
        ),
        (
            "import sqlite3, platform, sys, shutil\nsys.setcheckinterval(10)\n\
             print(sqlite3.version, platform.linux_distribution(), issubclass(shutil.ExecError, OSError))",
            "2.6.0 ('', '', '') True",
        ),
    ];
    let told = surprises(&files, None, &cases).await;
    assert!(told.is_empty(), "{told}");
}

/// What is said of each module when it is imported, line by line.
async fn reasons(names: &[&str]) -> Vec<String> {
    let mut script = start_beside(&[], None).await;
    let source = format!(
        "for name in '{}'.split():\n    try: exec(f'import {{name}}', {{}})\n    except ImportError as e: print(e)\n    \
         else: print(name, 'is there')",
        names.join(" ")
    );
    script.guest.load(&source).await;
    script.guest.notes.take_stdout().lines().map(str::to_owned).collect()
}
