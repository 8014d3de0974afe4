"""Modules that are gone, since when, and what stands in their place.

Invariant: every name here is of the standard library of some Python, and of this one's no more.
"""

from . import cgi, distutils, imghdr, imp, pipes
from .distutils import dir_util, errors, file_util, spawn, util, version

SHIMS = {
    "cgi": cgi, "distutils": distutils, "distutils.dir_util": dir_util, "distutils.errors": errors,
    "distutils.file_util": file_util, "distutils.spawn": spawn, "distutils.util": util, "distutils.version": version,
    "imghdr": imghdr, "imp": imp, "pipes": pipes,
}  # fmt: skip
"""Those that are brought back."""

ALIASES = {"xml.etree.cElementTree": "xml.etree.ElementTree"}
"""Those that were another's second name."""

REMOVED = {
    "aifc": ("3.13", "the module wave reads and writes sound"),
    "asynchat": ("3.12", "use asyncio"),
    "asyncore": ("3.12", "use asyncio"),
    "audioop": ("3.13", "use array and struct"),
    "binhex": ("3.11", "use binascii"),
    "cgitb": ("3.13", "use traceback"),
    "chunk": ("3.13", "use struct"),
    "crypt": ("3.13", "use hashlib.pbkdf2_hmac"),
    "distutils": ("3.12", "use shutil for files and sysconfig for settings; nothing is built or installed here"),
    "dummy_threading": ("3.9", "use threading"),
    "_dummy_thread": ("3.9", "use threading"),
    "_dummy_threading": ("3.9", "use threading"),
    "formatter": ("3.10", "use textwrap"),
    "fpectl": ("3.7", "use decimal where an overflow must raise"),
    "lib2to3": ("3.13", "use ast"),
    "macpath": ("3.8", "use os.path"),
    "macurl2path": ("3.7", "use urllib.request.url2pathname"),
    "mailcap": ("3.13", "use mimetypes"),
    "msilib": ("3.13", "there is no Windows here"),
    "nis": ("3.13", "there is no network here"),
    "nntplib": ("3.13", "there is no network here"),
    "ossaudiodev": ("3.13", "there is no sound here"),
    "parser": ("3.10", "use ast"),
    "smtpd": ("3.12", "there is no network here"),
    "sndhdr": ("3.13", "look at a file's first bytes"),
    "spwd": ("3.13", "there are no users here"),
    "sunau": ("3.13", "the module wave reads and writes sound"),
    "statvfs": ("3.0", "the host sets how much a script may write, and a full folder is an OSError of errno.ENOSPC"),
    "symbol": ("3.10", "use ast"),
    "telnetlib": ("3.13", "there is no network here"),
    "uu": ("3.13", "use base64 or binascii"),
    "xdrlib": ("3.13", "use struct"),
    **dict.fromkeys(
        """AL CDROM Carbon DLFCN EasyDialogs FL FrameWork GL IN MacOS PixMapWrapper SUNAUDIODEV SV TYPES W aepack aetypes al
        applesingle autoGIL buildtools cd cfmfile cl findertools fl flp fm gl ic icopen imgfile jpeg macerrors macostools sgi sv
        videoreader""".split(),
        ("3.0", "it was for one kind of machine"),
    ),
}
"""For each the version that no longer had it, and what to do."""

PYTHON_2 = {
    # what was renamed
    "__builtin__": "builtins", "anydbm": "dbm", "BaseHTTPServer": "http.server", "CGIHTTPServer": "http.server",
    "commands": "subprocess", "compiler": "ast", "ConfigParser": "configparser", "Cookie": "http.cookies",
    "cookielib": "http.cookiejar", "copy_reg": "copyreg", "cPickle": "pickle", "cStringIO": "io", "dbhash": "dbm",
    "DocXMLRPCServer": "xmlrpc.server", "dumbdbm": "dbm.dumb", "dummy_thread": "threading", "exceptions": "builtins",
    "gdbm": "dbm", "htmlentitydefs": "html.entities", "HTMLParser": "html.parser", "httplib": "http.client",
    "markupbase": "html.parser", "Queue": "queue", "repr": "reprlib", "robotparser": "urllib.robotparser",
    "SimpleHTTPServer": "http.server", "SimpleXMLRPCServer": "xmlrpc.server", "SocketServer": "socketserver", "StringIO": "io",
    "thread": "threading", "urllib2": "urllib.request", "urlparse": "urllib.parse", "UserDict": "collections",
    "UserList": "collections", "UserString": "collections", "whichdb": "dbm", "xmlrpclib": "xmlrpc.client", "_winreg": "winreg",
    # what was dropped
    "audiodev": "wave", "Bastion": "", "bsddb": "dbm",
    "bsddb185": "dbm", "dircache": "os.listdir", "dl": "ctypes", "fpformat": "format", "future_builtins": "builtins", "hotshot": "cProfile",
    "htmllib": "html.parser", "ihooks": "importlib", "imageop": "array", "imputil": "importlib", "linuxaudiodev": "wave",
    "md5": "hashlib", "mhlib": "mailbox", "mimetools": "email", "MimeWriter": "email", "mimify": "email", "multifile": "email",
    "mutex": "threading", "new": "types", "os2emxpath": "os.path", "popen2": "subprocess", "posixfile": "os", "pure": "cProfile",
    "rexec": "", "rfc822": "email", "rgbimg": "array", "sets": "set", "sgmllib": "html.parser", "sha": "hashlib", "sre": "re",
    "stringold": "str", "strop": "str", "sunaudio": "wave", "timing": "time", "toaiff": "wave",
    "user": "runpy", "xmllib": "xml.sax",
    # tkinter's
    "Canvas": "tkinter", "Dialog": "tkinter.dialog", "FileDialog": "tkinter.filedialog", "FixTk": "tkinter",
    "ScrolledText": "tkinter.scrolledtext", "SimpleDialog": "tkinter.simpledialog", "Tix": "tkinter",
    "Tkconstants": "tkinter.constants", "Tkdnd": "tkinter.dnd", "Tkinter": "tkinter", "tkColorChooser": "tkinter.colorchooser",
    "tkCommonDialog": "tkinter.commondialog", "tkFileDialog": "tkinter.filedialog", "tkFont": "tkinter.font",
    "tkMessageBox": "tkinter.messagebox", "tkSimpleDialog": "tkinter.simpledialog", "ttk": "tkinter.ttk",
    # email's
    "email.Charset": "email.charset", "email.Encoders": "email.encoders", "email.Errors": "email.errors",
    "email.FeedParser": "email.feedparser", "email.Generator": "email.generator", "email.Header": "email.header",
    "email.Iterators": "email.iterators", "email.Message": "email.message", "email.MIMEAudio": "email.mime.audio",
    "email.MIMEBase": "email.mime.base", "email.MIMEImage": "email.mime.image", "email.MIMEMessage": "email.mime.message",
    "email.MIMEMultipart": "email.mime.multipart", "email.MIMENonMultipart": "email.mime.nonmultipart",
    "email.MIMEText": "email.mime.text", "email.Parser": "email.parser", "email.Utils": "email.utils",
}  # fmt: skip
"""Python 2's names, and what Python 3 has instead, where it has anything."""
