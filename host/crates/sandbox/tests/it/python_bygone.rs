//! Modules and names that Python has removed, and packages that cannot run here: brought back, or named with what does instead.

use sandbox::GuestError;

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
async fn what_python_3_has_instead_is_named_with_why_it_is_not_here() {
    let cases = [
        ("statvfs", "Python 3.0 removed it: the host sets how much a script may write"),
        ("dl", "Python 3 has ctypes instead, but not here: native code does not run"),
        ("Tkinter", "Python 3 has tkinter instead, but not here: nobody types"),
        ("_winreg", "Python 3 has winreg instead, but not here: this is Windows' own"),
        ("gdbm", "Python 3 has dbm instead\n"),
    ];
    let told = reasons(&cases.map(|(name, _)| name)).await;
    for ((name, said), reason) in cases.iter().zip(told) {
        assert!(format!("{reason}\n").contains(said), "{name}: {reason}");
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
             try: distutils.spawn.spawn(['ls'])\nexcept DistutilsExecError as e: print(type(e), str(e)[:57])",
            "None\n<class 'distutils.errors.DistutilsExecError'> command 'ls' failed: a script in the sandbox cannot start",
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
            "import json, io\nprint(json.loads('[1]', encoding='utf-8'), json.dumps([1], encoding='utf-8', indent=None))\n\
             with open('f', 'w', newline='') as f: f.write('a\\r\\nb')\n\
             print([open('f', mode).read() for mode in ('rU', 'U')], io.open('f', 'Urb').read())",
            "[1] [1]\n['a\\nb', 'a\\nb'] b'a\\r\\nb'",
        ),
        (
            "import html.parser, tarfile\nprint(html.parser.HTMLParseError, tarfile.filemode(0o100644))",
            "<class 'html.parser.HTMLParseError'> -rw-r--r--",
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

#[tokio::test]
async fn names_that_are_gone_say_since_when() {
    let cases = [
        ("cgi", "FieldStorage", "Python 3.13 removed it, and no web server"),
        ("pipes", "Template", "Python 3.13 removed it, and a script in the sandbox cannot"),
        ("distutils", "log", "Python 3.12 removed it, and nothing is built"),
        ("inspect", "formatargspec", "Python 3.11 removed it: use inspect.signature"),
        ("locale", "resetlocale", "Python 3.13 removed it"),
        ("re", "template", "Python 3.13 removed it: use re.compile"),
        ("binascii", "b2a_hqx", "Python 3.11 removed it"),
        ("gettext", "lgettext", "Python 3.11 removed it"),
        ("pkgutil", "ImpImporter", "Python 3.12 removed it"),
        ("plistlib", "readPlist", "Python 3.9 removed it: use plistlib.load"),
        ("unittest", "makeSuite", "Python 3.13 removed it"),
    ];
    for (module, name, reason) in cases {
        let mut script = start_beside(&[], None).await;
        let source = format!(
            "import {module}\ntry: {module}.{name}\nexcept AttributeError as e: print(e)\ntry: from {module} import {name}\n\
             except ImportError as e: print(e)\nprint(hasattr({module}, '{name}'))"
        );
        script.guest.load(&source).await;
        let told = script.guest.notes.take_stdout();
        let begins = [
            format!("module '{module}' has no attribute '{name}' here: {reason}"),
            format!("cannot import name '{name}' from '{module}': {reason}"),
            "False".to_owned(),
        ];
        let lines: Vec<&str> = told.lines().collect();
        let as_told =
            lines.len() == 3 && lines.iter().zip(&begins).all(|(line, begin)| line.starts_with(begin.as_str()));
        assert!(as_told, "{module}.{name}: {told}");
    }
}

#[tokio::test]
async fn words_that_have_become_the_languages_own_are_named() {
    let cases = [
        (
            "import asyncio\nasyncio.async(f())",
            "'async' is a word of the language since Python 3.7, and no name any more: call it otherwise; asyncio has ensure_future",
        ),
        ("async = 1", "'async' is a word"),
        ("def f(async=True): pass", "'async' is a word"),
        ("f(1, async)", "'async' is a word"),
        ("from x import async", "'async' is a word"),
        ("x.await", "'await' is a word"),
        ("def async(): pass", "'async' is a word"),
        ("async def f(: pass", ""),
        ("print('async = 1' 2)", ""),
        ("x = (await y", ""),
        ("async for x in y", ""),
    ];
    for (source, said) in cases {
        let mut script = start_beside(&[], None).await;
        let Err(GuestError::Raised(text)) = script.guest.instance.load(source, "/script/bot.py").await else {
            panic!("{source} loads")
        };
        let is_said = if said.is_empty() { !text.contains("is a word") } else { text.contains(said) };
        assert!(is_said && text.contains("SyntaxError"), "{source}: {text}");
    }
}

#[tokio::test]
async fn methods_that_are_gone_are_named_with_what_does_instead() {
    let cases = [
        ("import array\narray.array('b').tostring()", "Python 3.9 removed tostring: use tobytes()."),
        ("import array\narray.array('b').fromstring(b'')", "Python 3.9 removed fromstring: use frombytes()."),
        ("import asyncio\nasyncio.Task.all_tasks()", "Python 3.9 removed all_tasks: use asyncio.all_tasks()."),
        (
            "import xml.etree.ElementTree as t\nt.Element('a').getchildren()",
            "Python 3.9 removed getchildren: use list(element).",
        ),
        (
            "import xml.etree.ElementTree as t\nt.ElementTree().getiterator()",
            "Python 3.9 removed getiterator: use iter().",
        ),
        ("class array: pass\narray().tostring()", ""),
    ];
    for (source, said) in cases {
        let mut script = start_beside(&[], None).await;
        let Err(GuestError::Raised(text)) = script.guest.instance.load(source, "/script/bot.py").await else {
            panic!("{source} loads")
        };
        assert!(text.contains(said) && (text.contains("removed") != said.is_empty()), "{source}: {text}");
    }
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

#[tokio::test]
async fn a_native_extension_says_why_in_each_form_of_import() {
    let attempts = [
        "import importlib.util as u\nu.module_from_spec(u.spec_from_file_location('s', '/script/s.so'))",
        "import importlib.machinery as m\nm.ExtensionFileLoader('s', '/script/s.so').load_module('s')",
        "import imp\nimp.load_dynamic('s', '/script/s.so')",
        "import imp\nimp.load_module('s', *imp.find_module('s'))",
        "import imp\nimp.load_module('s', *imp.find_module('s', ['/script']))",
    ];
    let sources = attempts.map(|source| {
        let source = source.replace('\n', "\n    ");
        format!("try:\n    {source}\nexcept ImportError as e: print(e)")
    });
    let cases: Vec<(&str, &str)> = sources
        .iter()
        .map(|source| {
            let said = "s cannot be imported: /script/s.so is a native extension, and native code does not run in the sandbox: \
                        use a version in pure Python";
            (source.as_str(), said)
        })
        .collect();
    let told = surprises(&[("s.so", "\x7fELF")], None, &cases).await;
    assert!(told.is_empty(), "{told}");
}

#[tokio::test]
async fn a_module_that_nobody_has_is_not_taken_for_a_package_of_its_name() {
    let files = [("plugins_of_mine.py", ""), ("handlers/__init__.py", "")];
    let strange = ["dotenv", "magic", "git", "docx", "yaml"];
    let strange = strange.map(|name| {
        let said = format!(
            "No module named '{name}': neither Python nor the script's project has it. A module of the project's own must lie in \
             the project folder; one of somebody else's package in pure Python gets there by pip install --target . PACKAGE, \
             with the package that provides it, whose name may differ from the module's"
        );
        (name, said)
    });
    let cases: Vec<(String, String)> = strange
        .into_iter()
        .map(|(name, said)| (format!("try: import {name}\nexcept ModuleNotFoundError as e: print(e)"), said))
        .collect();
    let cases: Vec<(&str, &str)> = cases.iter().map(|(source, said)| (source.as_str(), said.as_str())).collect();
    let told = surprises(&files, None, &cases).await;
    assert!(told.is_empty(), "{told}");
    for (name, meant) in [("jsn", "json"), ("plugin_of_mine", "plugins_of_mine"), ("handler", "handlers")] {
        let mut script = start_beside(&files, None).await;
        let loaded = script.guest.instance.load(&format!("import {name}"), "/script/bot.py").await;
        let Err(GuestError::Raised(text)) = loaded else { panic!("{name} is there") };
        assert!(text.ends_with(&format!("Did you mean {meant}?\n")), "{text}");
    }
}
