"""Files to send: each as small as its kind can be, and none like another.

Invariant: a picture is a valid JPEG of the size that it says; of the others the first bytes are what their kind's are.
"""

import itertools
import struct

numbers = itertools.count(1)


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def jpeg(width: int = 320, height: int = 240) -> bytes:
    """A grey picture. Every block is the code for "no difference" and the one for "nothing more"."""
    blocks = -(-width // 8) * -(-height // 8)
    table = bytes([1] + [0] * 15 + [0])
    return b"".join([
        b"\xff\xd8",
        segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0"),
        segment(0xFE, f"picture {next(numbers)}".encode()),
        segment(0xDB, b"\0" + b"\1" * 64),
        segment(0xC0, struct.pack(">BHHB", 8, height, width, 1) + b"\1\x11\0"),
        segment(0xC4, b"\x00" + table),
        segment(0xC4, b"\x10" + table),
        segment(0xDA, b"\1\1\0\0\x3f\0"),
        b"\0" * (blocks * 2 // 8) + (bytes([0xFF >> blocks * 2 % 8]) if blocks * 2 % 8 else b""),
        b"\xff\xd9",
    ])  # fmt: skip


def mp4() -> bytes:
    mark = f"video {next(numbers)}".encode()
    return struct.pack(">I", 24) + b"ftypisom\0\0\2\0isommp42" + struct.pack(">I", 8 + len(mark)) + b"mdat" + mark


def mp3() -> bytes:
    return b"ID3\3\0\0\0\0\0\0" + b"\xff\xfb\x90\x00" + b"\0" * 413 + f"audio {next(numbers)}".encode()


def binary() -> bytes:
    return bytes(range(256)) * 10 + f"document {next(numbers)}".encode()


def text() -> bytes:
    return f"two lines,\nthe second of which is number {next(numbers)}".encode()


FILES = {"photo.jpg": jpeg, "video.mp4": mp4, "audio.mp3": mp3, "data.bin": binary, "note.txt": text}
"""What lies in the folder of the script."""
