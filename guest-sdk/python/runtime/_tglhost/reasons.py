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
NO_LOCKS = (
    "the sandbox has no locks on files: threads of the script lock each other out by threading.Lock, sqlite3 locks its databases, and "
    "against programs outside open(path, 'x') makes a file that only one can make"
)
NO_OPEN_FOLDERS = "the sandbox opens no folder for another call: use os.walk"
NO_PIPES = "the sandbox makes and opens no pipes and devices: exchange files in the script's folder"
NO_MAPPING = "the sandbox cannot map files into memory: read them with open(), a part at a time if they are large"
NO_LIMITS = "the host sets a script's limits, and the script cannot ask for them"
NO_WATCHDOG = "the host itself ends a callback that computes for too long"
NO_LOG = "a script in the sandbox reaches no log of the system: print, or use logging, and the host writes it down"
NO_MACHINE = (
    "a script in the sandbox reaches nothing of the machine but its own folders: let a program outside do it, and exchange files in "
    "the script's folder"
)
NO_TESTS = "Python's own tests are no part of the sandbox's Python"
NO_ATTRIBUTES = "the sandbox's files have a content, a size and times, and no more"
NO_SIGNALS = "no signals reach a script in the sandbox: let a threading.Timer call it"
NO_HANDLED_SIGNALS = (
    "no signals reach a script in the sandbox, so the host never calls this handler, and a script that is stopped from outside "
    "has no last word: keep what must be kept when it changes; atexit functions are called when the script itself ends by sys.exit() "
    "or tgl.safe_exit()"
)
NO_PAUSE = "the host keeps a script running, and no signals reach it: remove this"
NO_CLOCK = "a script in the sandbox has time.time(), time.monotonic() and time.perf_counter()"
NO_OPEN_FILES = "the sandbox's open files are read, written and closed by open() and os.open() alone"
NO_WINDOWS = "this is Windows' own, and the sandbox is none"
NO_INTERPRETERS = "the sandbox's Python has one interpreter: call the function itself"
NO_INSTALLING = "packages are installed from outside: pip install --target FOLDER PACKAGE, with the script's folder"
NOT_THERE = (
    "neither Python nor the script's project has it. A module of the project's own must lie in the project folder; one of "
    "somebody else's package in pure Python gets there by pip install --target . PACKAGE, with the package that provides it, "
    "whose name may differ from the module's"
)

MODULES = {
    **dict.fromkeys(("ssl", "_ssl"), NO_NETWORK),
    **dict.fromkeys(("ctypes", "_ctypes", "cffi", "_cffi_backend"), NO_NATIVE_CODE),
    **dict.fromkeys(("_bz2", "_lzma", "_zstd"), NO_COMPRESSION),
    **dict.fromkeys(("curses", "_curses", "readline", "termios", "tty", "pty", "tkinter", "_tkinter", "turtle"), NO_TERMINAL),
    **dict.fromkeys(("_multiprocessing", "_posixshmem"), NO_PROCESSES),
    "_posixsubprocess": NO_PROGRAMS,
    **dict.fromkeys(("pwd", "grp"), NO_USERS),
    "mmap": NO_MAPPING,
    "resource": NO_LIMITS,
    "syslog": NO_LOG,
    **dict.fromkeys(("_interpreters", "_interpqueues", "_interpchannels"), NO_INTERPRETERS),
    **dict.fromkeys(("msvcrt", "winreg", "winsound", "_winapi", "nt"), NO_WINDOWS),
    **dict.fromkeys(("ensurepip", "pip", "venv"), NO_INSTALLING),
    **dict.fromkeys(("idlelib", "turtledemo"), NO_TERMINAL),
    "test": NO_TESTS,
    **dict.fromkeys(("_gdbm", "_dbm"), "use dbm.sqlite3 or shelve, which the sandbox's Python has"),
}
"""Modules of the standard library (and one beside it) that are not there, and why."""

_NATIVE = {
    "use array, math, statistics and csv": (
        "numpy pandas scipy matplotlib pylab seaborn numba numexpr pyarrow polars shapely gmpy2 sklearn statsmodels netCDF4 h5py"
    ),
    "let a program outside do it, and exchange files in the script's folder": (
        "PIL Image cv2 pyvips wand cairo skimage tensorflow torch keras dlib face_recognition spacy pytesseract tesserocr pydub av "
        "pygame"
    ),
    "use xml.etree.ElementTree and html.parser": "lxml libxml2 libxslt selectolax",
    "use hashlib, hmac and secrets": "Crypto Cryptodome cryptography nacl bcrypt argon2 M2Crypto OpenSSL gnupg xxhash mmh3",
    "use asyncio": "gevent greenlet uvloop eventlet",
    "use json": "orjson ujson cjson rapidjson yajl",
    "use zlib, gzip and zipfile": "snappy lz4 zstandard zstd brotli pylzma",
    "use sqlite3": "apsw pysqlite2 duckdb",
    "use dbm.sqlite3 or shelve": "bsddb3 leveldb plyvel lmdb rocksdb",
    "use re": "regex re2 hyperscan pcre",
    "use difflib": "Levenshtein rapidfuzz jellyfish",
}
"""Packages of native code, by what does instead."""

_NETWORK = """
    requests urllib3 httplib2 httpx aiohttp pycurl curl websocket websockets tornado twisted cherrypy
    telethon pyrogram telegram telebot telepot aiogram discord slackclient slack feedparser tweepy twitter facebook praw
    paramiko fabric pexpect memcache pylibmc ldap zmq pika kombu celery nats kafka boto boto3 selenium scrapy mechanize
    pytube youtube_dl yt_dlp wikipedia googleapiclient gdata scapy netifaces speedtest paho grpc thrift openai
    wolframalpha stripe suds zeep irc sleekxmpp slixmpp xmpp
"""
"""Packages that are of no use without a network."""

_DATABASES = "psycopg2 psycopg pg8000 pgdb MySQLdb _mysql pymysql mysql cx_Oracle oracledb pymssql pyodbc pymongo redis"

_MACHINE = """
    dbus gi gobject glib gtk pygtk Xlib pynput pyautogui keyboard mouse pyperclip usb serial bluetooth smbus smbus2 spidev
    RPi RPIO gpiozero pigpio wiringpi Adafruit_DHT Adafruit_GPIO picamera picamera2 w1thermsensor evdev pyudev alsaaudio
    pyaudio sounddevice psutil pyinotify inotify watchdog systemd sensors pyscreenshot mss vlc mpd
"""
"""Packages for what a machine has beside files: devices, a screen, a sound card, its other programs."""

PACKAGES = {
    **{name: f"it is native code, and {NO_NATIVE_CODE}; {instead}" for instead, names in _NATIVE.items() for name in names.split()},
    **dict.fromkeys(_NETWORK.split(), f"it would be of no use: {NO_NETWORK}"),
    **dict.fromkeys(_DATABASES.split(), f"it would be of no use: {NO_NETWORK}; sqlite3 is there"),
    **dict.fromkeys(_MACHINE.split(), f"it would be of no use: {NO_MACHINE}"),
}
"""Packages that scripts ask for and that would not work here."""
