"""Why a script cannot have something, and what to do instead: the sentences, and the modules they are said of.

Invariant: a sentence names the reason before the advice.
"""

NO_NETWORK = (
    "a script in the sandbox has no network: it reaches Telegram through tgl alone; fetch with another program, into a file "
    "in the script's folder, and read that"
)
NO_PROGRAMS = (
    "a script in the sandbox cannot start other programs: do it in Python here, or let a program outside do it and exchange "
    "files in the script's folder"
)
NO_PROCESSES = (
    "a script in the sandbox is one process: call the function itself, or use concurrent.futures.ThreadPoolExecutor, which "
    "runs it when the callback has returned"
)
NO_TERMINAL = "nobody types at a script in the sandbox: print what there is to say, and take commands as messages"
NO_NATIVE_CODE = "native code does not run in the sandbox: use a version in pure Python"
NO_COMPRESSION = "the sandbox's Python has zlib, gzip and zipfile: use one of these formats"
NO_USERS = "a script in the sandbox runs for no user of the machine: its folder is os.path.expanduser('~')"
NO_LOCKS = "a script in the sandbox is one process, and nobody else opens its private folder: there is nobody to lock out"
NO_MAPPING = "the sandbox cannot map files into memory: read them with open(), a part at a time if they are large"
NO_LIMITS = "the host sets a script's limits, and the script cannot ask for them"
NO_LOG = "a script in the sandbox reaches no log of the system: print, or use logging, and the host writes it down"
NO_WINDOWS = "this is Windows' own, and the sandbox is none"
NO_INTERPRETERS = "the sandbox's Python has one interpreter: call the function itself"
NO_INSTALLING = "packages are installed from outside: pip install --target FOLDER PACKAGE, with the script's folder"
NOT_INSTALLED = (
    "it does not come with Python; what is in pure Python works from the script's folder: pip install --target FOLDER PACKAGE"
)

MODULES = {
    **dict.fromkeys(("ssl", "_ssl"), NO_NETWORK),
    **dict.fromkeys(("ctypes", "_ctypes", "cffi", "_cffi_backend"), NO_NATIVE_CODE),
    **dict.fromkeys(("_bz2", "_lzma", "_zstd"), NO_COMPRESSION),
    **dict.fromkeys(("curses", "_curses", "readline", "termios", "tty", "pty", "tkinter", "_tkinter", "turtle"), NO_TERMINAL),
    **dict.fromkeys(("_multiprocessing", "_posixshmem"), NO_PROCESSES),
    "_posixsubprocess": NO_PROGRAMS,
    **dict.fromkeys(("pwd", "grp"), NO_USERS),
    "fcntl": NO_LOCKS,
    "mmap": NO_MAPPING,
    "resource": NO_LIMITS,
    "syslog": NO_LOG,
    **dict.fromkeys(("_interpreters", "_interpqueues", "_interpchannels"), NO_INTERPRETERS),
    **dict.fromkeys(("msvcrt", "winreg", "winsound", "_winapi", "nt"), NO_WINDOWS),
    **dict.fromkeys(("ensurepip", "pip", "venv"), NO_INSTALLING),
    **dict.fromkeys(("idlelib", "turtledemo"), NO_TERMINAL),
    **dict.fromkeys(("_gdbm", "_dbm"), "use dbm.sqlite3 or shelve, which the sandbox's Python has"),
}
"""Modules of the standard library (and one beside it) that are not there, and why."""

PACKAGES = {
    **dict.fromkeys(
        ("numpy", "pandas", "scipy", "matplotlib", "sklearn", "tensorflow", "torch", "cv2", "PIL", "Image", "lxml", "Crypto",
         "Cryptodome", "cryptography", "nacl", "psutil", "gevent", "greenlet", "uvloop", "orjson", "ujson", "bcrypt", "pygame"),
        f"it is native code, and {NO_NATIVE_CODE}",
    ),
    **dict.fromkeys(
        ("requests", "urllib3", "httpx", "aiohttp", "websocket", "websockets", "telethon", "pyrogram", "telegram", "telebot",
         "aiogram", "feedparser", "tweepy", "paramiko", "pymongo", "redis", "psycopg2", "MySQLdb", "pymysql", "boto3", "selenium"),
        f"it would be of no use: {NO_NETWORK}",
    ),
}  # fmt: skip
"""Packages that scripts ask for and that would not work here."""
