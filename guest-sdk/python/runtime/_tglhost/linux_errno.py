"""Error numbers as scripts know them: those of Linux, in the place of WASI's.

libc.py has the component's C library give Linux's numbers to Python; this gives Python the names for them. Invariant: a
number means the same in `errno`, in an exception and in `os.strerror`, and chooses the same class of exception.
"""

import errno
import gc
import os

NUMBERS = {
    "E2BIG": (1, 7), "EACCES": (2, 13), "EADDRINUSE": (3, 98), "EADDRNOTAVAIL": (4, 99), "EAFNOSUPPORT": (5, 97),
    "EAGAIN": (6, 11), "EALREADY": (7, 114), "EBADF": (8, 9), "EBADMSG": (9, 74), "EBUSY": (10, 16),
    "ECANCELED": (11, 125), "ECHILD": (12, 10), "ECONNABORTED": (13, 103), "ECONNREFUSED": (14, 111),
    "ECONNRESET": (15, 104), "EDEADLK": (16, 35), "EDESTADDRREQ": (17, 89), "EDOM": (18, 33), "EDQUOT": (19, 122),
    "EEXIST": (20, 17), "EFAULT": (21, 14), "EFBIG": (22, 27), "EHOSTUNREACH": (23, 113), "EIDRM": (24, 43),
    "EILSEQ": (25, 84), "EINPROGRESS": (26, 115), "EINTR": (27, 4), "EINVAL": (28, 22), "EIO": (29, 5),
    "EISCONN": (30, 106), "EISDIR": (31, 21), "ELOOP": (32, 40), "EMFILE": (33, 24), "EMLINK": (34, 31),
    "EMSGSIZE": (35, 90), "EMULTIHOP": (36, 72), "ENAMETOOLONG": (37, 36), "ENETDOWN": (38, 100), "ENETRESET": (39, 102),
    "ENETUNREACH": (40, 101), "ENFILE": (41, 23), "ENOBUFS": (42, 105), "ENODEV": (43, 19), "ENOENT": (44, 2),
    "ENOEXEC": (45, 8), "ENOLCK": (46, 37), "ENOLINK": (47, 67), "ENOMEM": (48, 12), "ENOMSG": (49, 42),
    "ENOPROTOOPT": (50, 92), "ENOSPC": (51, 28), "ENOSYS": (52, 38), "ENOTCONN": (53, 107), "ENOTDIR": (54, 20),
    "ENOTEMPTY": (55, 39), "ENOTRECOVERABLE": (56, 131), "ENOTSOCK": (57, 88), "ENOTSUP": (58, 95), "ENOTTY": (59, 25),
    "ENXIO": (60, 6), "EOVERFLOW": (61, 75), "EOWNERDEAD": (62, 130), "EPERM": (63, 1), "EPIPE": (64, 32),
    "EPROTO": (65, 71), "EPROTONOSUPPORT": (66, 93), "EPROTOTYPE": (67, 91), "ERANGE": (68, 34), "EROFS": (69, 30),
    "ESPIPE": (70, 29), "ESRCH": (71, 3), "ESTALE": (72, 116), "ETIMEDOUT": (73, 110), "ETXTBSY": (74, 26),
    "EXDEV": (75, 18), "ENOTCAPABLE": (76, 1),
}  # fmt: skip
"""For each name the C library's own number and Linux's. Linux has no ENOTCAPABLE: it is a want of permission."""

_LINUX_ONLY = {
    "ENOTBLK": 15, "ECHRNG": 44, "EL2NSYNC": 45, "EL3HLT": 46, "EL3RST": 47, "ELNRNG": 48, "EUNATCH": 49,
    "ENOCSI": 50, "EL2HLT": 51, "EBADE": 52, "EBADR": 53, "EXFULL": 54, "ENOANO": 55, "EBADRQC": 56, "EBADSLT": 57,
    "EBFONT": 59, "ENOSTR": 60, "ENODATA": 61, "ETIME": 62, "ENOSR": 63, "ENONET": 64, "ENOPKG": 65, "EREMOTE": 66,
    "EADV": 68, "ESRMNT": 69, "ECOMM": 70, "EDOTDOT": 73, "ENOTUNIQ": 76, "EBADFD": 77, "EREMCHG": 78,
    "ELIBACC": 79, "ELIBBAD": 80, "ELIBSCN": 81, "ELIBMAX": 82, "ELIBEXEC": 83, "ERESTART": 85, "ESTRPIPE": 86,
    "EUSERS": 87, "ESOCKTNOSUPPORT": 94, "EPFNOSUPPORT": 96, "ETOOMANYREFS": 109, "EHOSTDOWN": 112, "EUCLEAN": 117,
    "ENOTNAM": 118, "ENAVAIL": 119, "EISNAM": 120, "EREMOTEIO": 121, "ENOMEDIUM": 123, "EMEDIUMTYPE": 124,
    "ENOKEY": 126, "EKEYEXPIRED": 127, "EKEYREVOKED": 128, "EKEYREJECTED": 129, "ERFKILL": 132,
}  # fmt: skip
"""What no error here has, but scripts compare with."""

_ALIASES = {"EWOULDBLOCK": "EAGAIN", "EOPNOTSUPP": "ENOTSUP", "EDEADLOCK": "EDEADLK"}


def install() -> None:
    """Changes the numbers. To be done last: while the component is built, the C library still gives its own."""
    classes = _classes_by_number()
    to_linux = dict(NUMBERS.values())
    by_linux = {to_linux[number]: cls for number, cls in classes.items()}
    classes.clear()
    classes.update(by_linux)
    errno.errorcode.clear()
    for name, (_, number) in NUMBERS.items():
        if name == "ENOTCAPABLE":
            continue
        setattr(errno, name, number)
        errno.errorcode[number] = name
    for name, number in _LINUX_ONLY.items():
        setattr(errno, name, number)
    for alias, name in _ALIASES.items():
        setattr(errno, alias, getattr(errno, name))
    os.strerror = _strerror


_c_strerror = os.strerror


def _strerror(code: int, /) -> str:
    """As `os.strerror`."""
    return _c_strerror(code) if code == 0 or code in errno.errorcode else f"Unknown error {code}"


def _classes_by_number() -> dict[int, type[OSError]]:
    """The interpreter's own table of the classes that `OSError` gives for numbers."""
    for referrer in gc.get_referrers(FileNotFoundError):
        if type(referrer) is dict and referrer.get(errno.ENOENT) is FileNotFoundError:
            return referrer
    raise RuntimeError("the interpreter keeps its classes of errors elsewhere")
