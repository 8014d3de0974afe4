"""Makes vectors.json: every derivation of secret chats, by nothing but hashlib, whole numbers and AES of one block.

    pip install cryptography; python3 vectors.py > vectors.json
"""

import hashlib
import json
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

PRIME = int(
    "c71caeb9c6b1c9048e6c522f70f13f73980d40238e3e21c14934d037563d930f48198a0aa7c14058229493d22530f4dbfa336f6e0ac92513"
    "9543aed44cce7c3720fd51f69458705ac68cd4fe6b6b13abdc9746512969328454f18faf8c595f642477fe96bb2a941d5bcd1d4ac8cc4988"
    "0708fa9b378e3c4f3a9060bee67cf9a4a4a695811051907e162753b56b0f6b410dba74d8a84b2a14b3144e0ef1284754fd17ed950d5965b4"
    "b9dd46582db1178d169c6bc465b0d6ff9ca3928fef5b9ae4e418fc15e83ebea0f87fa9ff5eed70050ded2849f47bf959d956850ce929851f"
    "0d8115f635b105ee2e4e15d04b2454bf6f4fadf034b10403119cd8e3b92fcc5b",
    16,
)


def some(name, length):
    """Bytes that look like any others, the same each time."""
    return hashlib.shake_256(name.encode()).digest(length)


def sha1(*parts):
    return hashlib.sha1(b"".join(parts)).digest()


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def ige(key, iv, data, encrypt):
    ecb = Cipher(algorithms.AES(key), modes.ECB())
    block = (ecb.encryptor() if encrypt else ecb.decryptor()).update
    out_before, in_before = (iv[:16], iv[16:]) if encrypt else (iv[16:], iv[:16])
    xor = lambda a, b: bytes(x ^ y for x, y in zip(a, b))
    result = b""
    for at in range(0, len(data), 16):
        now = data[at : at + 16]
        out_before, in_before = xor(block(xor(now, out_before)), in_before), now
        result += out_before
    return result


def seal(key, x, padded):
    message_key = sha256(key[88 + x : 120 + x], padded)[8:24]
    a = sha256(message_key, key[x : x + 36])
    b = sha256(key[40 + x : 76 + x], message_key)
    aes_key, iv = a[:8] + b[8:24] + a[24:], b[:8] + a[8:24] + b[24:]
    return sha1(key)[12:] + message_key + ige(aes_key, iv, padded, True)


def seal_v1(key, message):
    plain = struct.pack("<i", len(message)) + message
    message_key = sha1(plain)[4:20]
    a = sha1(message_key, key[:32])
    b = sha1(key[32:48], message_key, key[48:64])
    c = sha1(key[64:96], message_key)
    d = sha1(message_key, key[96:128])
    aes_key, iv = a[:8] + b[8:20] + c[4:16], a[8:20] + b[:8] + c[16:20] + d[:8]
    plain += some("v1", -len(plain) % 16)
    return sha1(key)[12:] + message_key + ige(aes_key, iv, plain, True)


def exchange(name, generator):
    a, b = (int.from_bytes(some(name + side, 256), "big") for side in "ab")
    g_a, g_b, key = (pow(generator, n, PRIME).to_bytes(256, "big") for n in (a, b, a * b))
    return {"generator": generator, "a": a.to_bytes(256, "big"), "b": b.to_bytes(256, "big"), "g_a": g_a, "g_b": g_b,
            "key": key, "fingerprint": struct.unpack("<q", sha1(key)[12:])[0]}


def short_key():
    """Both sides' numbers of a key that begins with a zero."""
    return next(e for e in (exchange(f"short {n}", 3) for n in range(10_000)) if e["key"][0] == 0)


# TL, written by hand.
def tl(constructor, *fields):
    return struct.pack("<I", constructor) + b"".join(fields)


def i32(n):
    return struct.pack("<i", n)


def i64(n):
    return struct.pack("<q", n)


def double(n):
    return struct.pack("<d", n)


def string(data):
    data = data.encode() if isinstance(data, str) else data
    head = bytes([len(data)]) if len(data) < 254 else b"\xfe" + struct.pack("<I", len(data))[:3]
    return head + data + b"\0" * (-len(head + data) % 4)


def vector(*items):
    return tl(0x1CB5C415, i32(len(items)), *items)


FILE_KEY = (some("file key", 32), some("file iv", 32))
KEYS = string(FILE_KEY[0]) + string(FILE_KEY[1])
THUMB = string(b"thumb") + i32(90) + i32(60)
NAME = tl(0x15590068, string("a.bin"))


def message(flags, fields, random_id=7, ttl=0, text="text"):
    return tl(0x91CC4674, i32(flags), i64(random_id), i32(ttl), string(text), *fields)


def media(constructor, *fields):
    return message(1 << 9, [tl(constructor, *fields)], text="caption")


def action(constructor, *fields):
    return tl(0x73164160, i64(7), tl(constructor, *fields))


# What is said, the layers it is said in, and how it is written there. Rust has the same by the same names.
BOLD, STRIKE = tl(0xBD610BC9, i32(0), i32(4)), tl(0xBF0693D4, i32(1), i32(2))
ITALIC, SPOILER = tl(0x826F8B60, i32(2), i32(1)), tl(0x32CA960F, i32(5), i32(3))
EMOJI = tl(0xC8CF05F8, i32(9), i32(2), i64(99))
LAYERS = (73, 100, 101, 142, 143, 144)


def written():
    rows = []

    def row(name, write, layers=LAYERS):
        rows.extend({"name": name, "layer": layer, "bytes": write(layer)} for layer in layers)

    row("text", lambda layer: message(0, []))
    row("silent answer", lambda layer: message(
        1 << 1 | 1 << 5 | 1 << 3 | 1 << 11 | 1 << 17, [string("bot"), i64(-5), i64(11)], ttl=30))
    row("entities", lambda layer: message(1 << 7, [vector(
        *([BOLD] if layer < 101 else [BOLD, STRIKE, ITALIC]), *([SPOILER, EMOJI] if layer >= 144 else []))]))
    row("photo", lambda layer: media(0xF1FA8D78, THUMB, i32(640), i32(480), i32(1000), KEYS, string("")))
    row("video", lambda layer: media(
        0x970C8C0E, THUMB, i32(12), string("video/mp4"), i32(640), i32(480), i32(1000), KEYS, string("")))
    row("audio", lambda layer: media(0x57E0A9CB, i32(12), string("audio/ogg"), i32(1000), KEYS))
    row("document", lambda layer: media(0x6ABD9782, THUMB, string("a/b"), i64(1000), KEYS, vector(NAME), string(""))
        if layer >= 143 else media(0x7AFE8AE2, THUMB, string("a/b"), i32(1000), KEYS, vector(NAME), string("")))
    row("big document", lambda layer: media(
        0x6ABD9782, THUMB, string("a/b"), i64(1 << 32), KEYS, vector(NAME), string("")), (143, 144))
    row("sticker", lambda layer: media(
        0xFA95B0DD, i64(1), i64(2), i32(3), string("image/webp"), i32(4), tl(0xE17E23C, string("")), i32(5),
        vector(tl(0x3A556302, string(":)"), tl(0x861CC8A0, string("set"))), tl(0x6C37C15C, i32(512), i32(512)))))
    row("voice", lambda layer: media(0x6ABD9782 if layer >= 143 else 0x7AFE8AE2, string(""), i32(0), i32(0),
        string("audio/ogg"), i64(1000) if layer >= 143 else i32(1000), KEYS,
        vector(tl(0x9852F9C6, i32(1 << 10 | 1 << 2), i32(3), string(b"wave"))), string("")))
    row("place", lambda layer: media(0x35480A59, double(1.5), double(-2.5)))
    row("venue", lambda layer: media(
        0x8A0DF56F, double(1.5), double(-2.5), string("t"), string("a"), string("p"), string("v")))
    row("contact", lambda layer: media(0x588A0A97, string("123"), string("A"), string("B"), i32(42)))
    row("page", lambda layer: media(0xE50511D8, string("https://example.org")))
    row("ttl", lambda layer: action(0xA1733AEC, i32(5)))
    row("read", lambda layer: action(0xC4F40BE, vector(i64(1), i64(2))))
    row("delete", lambda layer: action(0x65614304, vector(i64(1))))
    row("screenshot", lambda layer: action(0x8AC1F475, vector()))
    row("flush", lambda layer: action(0x6719E45C))
    row("typing", lambda layer: action(0xCCB27641, tl(0x16BF744E)))
    row("not typing", lambda layer: action(0xCCB27641, tl(0xFD5EC8F5)))
    return rows


def old():
    """How clients of earlier layers write, and what is to be read of it."""
    photo = tl(0x32798A8C, THUMB, i32(640), i32(480), i32(1000), KEYS)
    video_8 = tl(0x4CEE6EF3, THUMB, i32(12), i32(640), i32(480), i32(1000), KEYS)
    video_17 = tl(0x524A415D, THUMB, i32(12), string("video/mp4"), i32(640), i32(480), i32(1000), KEYS)
    document = tl(0xB095434B, THUMB, string("a.bin"), string("a/b"), i32(1000), KEYS)
    voice = tl(0x7AFE8AE2, string(""), i32(0), i32(0), string("audio/ogg"), i32(1000), KEYS,
               vector(tl(0xDED218E0, i32(3), string("T"), string(""))), string("caption"))
    nothing = tl(0x89F5C4A)
    of_8 = lambda text, media: tl(0x1F814F1F, i64(7), string(some("r", 16)), string(text), media)
    of_17 = lambda text, ttl, media: tl(0x204D3878, i64(7), i32(ttl), string(text), media)
    return {
        "text of 8": of_8("text", nothing),
        "text of 17": of_17("text", 30, nothing),
        "photo of 8": of_8("caption", photo),
        "video of 8": of_8("caption", video_8),
        "video of 17": of_17("caption", 0, video_17),
        "audio of 8": of_8("caption", tl(0x6080758F, i32(12), i32(1000), KEYS)),
        "document of 8": of_8("caption", document),
        "voice of 45": tl(0x36B091DE, i32(1 << 9), i64(7), i32(0), string(""), voice),
        "text of 45": tl(0x36B091DE, i32(1 << 7 | 1 << 3), i64(7), i32(0), string("text"), vector(BOLD), i64(-5)),
        "delete of 8": tl(0xAA48327D, i64(7), string(some("r", 16)), tl(0x65614304, vector(i64(1)))),
        "mention": message(1 << 7, [vector(tl(0x352DCA58, i32(0), i32(4), i32(42)))]),
        "key that is none": media(0x57E0A9CB, i32(12), string("audio/ogg"), i32(1000), string(b"k"), string(b"i")),
        "nobody knows": message(1 << 9, [tl(0x12345678)]),
        "too much": message(0, []) + i32(0),
    }


def picture(key):
    return sha1(key)[:16] + sha256(key)[:20]


def main():
    key = some("chat key", 256)
    layered = tl(0x1BE31789, string(some("random", 31)), i32(144), i32(0), i32(1), message(0, []))
    padded = struct.pack("<i", len(layered)) + layered
    padded += some("padding", 12 + (-len(padded) - 12) % 16)
    bits = "".join(format(byte, "08b")[::-1] for byte in picture(key))
    file = some("file", 16 * 5)
    digest = hashlib.md5(b"".join(FILE_KEY)).digest()
    vectors = {
        "prime": PRIME.to_bytes(256, "big"),
        "exchanges": [exchange("one", 3), exchange("two", 4), short_key()],
        "key": key,
        "fingerprint": struct.unpack("<q", sha1(key)[12:])[0],
        "picture": picture(key)[:32],
        "cells": [int(bits[at : at + 2][::-1], 2) for at in range(0, 288, 2)],
        "layered": {"layer": 144, "in_seq_no": 0, "out_seq_no": 1, "random": some("random", 31), "bytes": layered},
        "padded": padded,
        "by_creator": seal(key, 0, padded),
        "by_acceptor": seal(key, 8, padded),
        "by_version_one": seal_v1(key, layered),
        "file": {"key": FILE_KEY[0], "iv": FILE_KEY[1], "plain": file, "encrypted": ige(*FILE_KEY, file, True),
                 "fingerprint": struct.unpack("<i", bytes(a ^ b for a, b in zip(digest[:4], digest[4:8])))[0]},
        "written": written(),
        "old": old(),
    }
    assert ige(*FILE_KEY, ige(*FILE_KEY, file, True), False) == file
    print(json.dumps(vectors, indent=1, default=bytes.hex))


main()
