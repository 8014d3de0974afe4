"""`imghdr`, which Python 3.13 removed: the kind of an image by its first bytes."""

import os
from typing import Any, Optional

_BEGINS = (
    ("png", b"\x89PNG\r\n\x1a\n"), ("gif", b"GIF87a"), ("gif", b"GIF89a"), ("tiff", b"MM"), ("tiff", b"II"), ("rgb", b"\x01\xda"),
    ("rast", b"\x59\xa6\x6a\x95"), ("xbm", b"#define "), ("bmp", b"BM"), ("exr", b"\x76\x2f\x31\x01"), ("jpeg", b"\xff\xd8\xff"),
)  # fmt: skip

_PORTABLE = {"1": "pbm", "4": "pbm", "2": "pgm", "5": "pgm", "3": "ppm", "6": "ppm"}

tests: list[Any] = []
"""Functions of the script's own that know more kinds: `test(first_bytes, file)`."""


def what(file: Any, h: Optional[bytes] = None) -> Optional[str]:
    """The kind of an image, by its path, its file or its first bytes; None for others."""
    if h is None:
        if isinstance(file, (str, os.PathLike)):
            with open(file, "rb") as opened:
                h = opened.read(32)
        else:
            place = file.tell()
            h = file.read(32)
            file.seek(place)
    for test in tests:
        kind = test(h, file)
        if kind:
            return kind
    for kind, begin in _BEGINS:
        if h.startswith(begin):
            return kind
    if h[6:10] in (b"JFIF", b"Exif"):
        return "jpeg"
    if h.startswith(b"RIFF") and h[8:12] == b"WEBP":
        return "webp"
    if len(h) >= 3 and h[:1] == b"P" and h[2:3] in b" \t\n\r":
        return _PORTABLE.get(chr(h[1]))
    return None
