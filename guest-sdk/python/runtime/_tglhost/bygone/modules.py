"""Modules that are gone, since when, and what stands in their place.

Invariant: every name here is of the standard library of some Python, and of this one's no more.
"""

from . import imghdr, imp

SHIMS = {"imp": imp, "imghdr": imghdr}
"""Those that are brought back."""

ALIASES = {"xml.etree.cElementTree": "xml.etree.ElementTree"}
"""Those that were another's second name."""

REMOVED = {
    "aifc": ("3.13", "the module wave reads and writes sound"),
    "asynchat": ("3.12", "use asyncio"),
    "asyncore": ("3.12", "use asyncio"),
    "audioop": ("3.13", "use array and struct"),
    "binhex": ("3.11", "use binascii"),
    "cgi": ("3.13", "use urllib.parse.parse_qs for queries, html.escape for texts, email.message for headers"),
    "cgitb": ("3.13", "use traceback"),
    "chunk": ("3.13", "use struct"),
    "crypt": ("3.13", "use hashlib.pbkdf2_hmac"),
    "distutils": ("3.12", "use shutil for files, sysconfig for settings, and the script's own function for strtobool"),
    "dummy_threading": ("3.9", "use threading"),
    "_dummy_thread": ("3.9", "use threading"),
    "_dummy_threading": ("3.9", "use threading"),
    "formatter": ("3.10", "use textwrap"),
    "lib2to3": ("3.13", "use ast"),
    "macpath": ("3.8", "use os.path"),
    "mailcap": ("3.13", "use mimetypes"),
    "msilib": ("3.13", "there is no Windows here"),
    "nis": ("3.13", "there is no network here"),
    "nntplib": ("3.13", "there is no network here"),
    "ossaudiodev": ("3.13", "there is no sound here"),
    "parser": ("3.10", "use ast"),
    "pipes": ("3.13", "use shlex.quote for quoting; other programs cannot be started here"),
    "smtpd": ("3.12", "there is no network here"),
    "sndhdr": ("3.13", "look at a file's first bytes"),
    "spwd": ("3.13", "there are no users here"),
    "sunau": ("3.13", "the module wave reads and writes sound"),
    "symbol": ("3.10", "use ast"),
    "telnetlib": ("3.13", "there is no network here"),
    "uu": ("3.13", "use base64 or binascii"),
    "xdrlib": ("3.13", "use struct"),
}
"""For each the version that no longer had it, and what to do."""

PYTHON_2 = {
    "__builtin__": "builtins", "anydbm": "dbm", "BaseHTTPServer": "http.server", "CGIHTTPServer": "http.server",
    "commands": "subprocess", "compiler": "ast", "ConfigParser": "configparser", "Cookie": "http.cookies",
    "cookielib": "http.cookiejar", "copy_reg": "copyreg", "cPickle": "pickle", "cStringIO": "io", "dbhash": "dbm",
    "DocXMLRPCServer": "xmlrpc.server", "dumbdbm": "dbm.dumb", "dummy_thread": "threading", "exceptions": "builtins",
    "gdbm": "dbm", "htmlentitydefs": "html.entities", "HTMLParser": "html.parser", "httplib": "http.client", "md5": "hashlib",
    "mimetools": "email", "MimeWriter": "email", "mutex": "threading", "new": "types", "popen2": "subprocess", "Queue": "queue",
    "repr": "reprlib", "rfc822": "email", "robotparser": "urllib.robotparser", "sets": "set", "sha": "hashlib",
    "SimpleHTTPServer": "http.server", "SimpleXMLRPCServer": "xmlrpc.server", "SocketServer": "socketserver", "StringIO": "io",
    "thread": "threading", "Tkinter": "tkinter", "tkMessageBox": "tkinter", "urllib2": "urllib.request",
    "urlparse": "urllib.parse", "UserDict": "collections", "UserList": "collections", "UserString": "collections",
    "whichdb": "dbm", "xmlrpclib": "xmlrpc.client", "_winreg": "winreg", "bsddb": "dbm", "dircache": "os.listdir",
    "future_builtins": "builtins", "fpformat": "format", "hotshot": "cProfile", "htmllib": "html.parser",
    "ihooks": "importlib", "imputil": "importlib", "mhlib": "mailbox", "multifile": "email", "posixfile": "os",
    "ScrolledText": "tkinter.scrolledtext", "sgmllib": "html.parser", "statvfs": "os.statvfs", "stringold": "str",
    "strop": "str", "timing": "time", "tkFileDialog": "tkinter.filedialog", "toaiff": "wave", "user": "runpy",
}  # fmt: skip
"""Python 2's names, and what Python 3 has instead."""
