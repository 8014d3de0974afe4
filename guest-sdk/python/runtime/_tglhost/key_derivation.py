"""What of `hashlib` comes from OpenSSL elsewhere: `pbkdf2_hmac`, `scrypt`, and some digests.

Invariant: `pbkdf2_hmac` gives what it gives elsewhere; the others say why they give nothing.
"""

import hashlib
import hmac
from typing import Any, Never

NO_SCRYPT = (
    "hashlib.scrypt is part of OpenSSL, which the sandbox's Python does not have, and would take minutes in Python: "
    "use hashlib.pbkdf2_hmac"
)

NO_OPENSSL = "it is part of OpenSSL, which the sandbox's Python does not have: take one of hashlib.algorithms_available"

_OF_OPENSSL = frozenset("md4 md5-sha1 mdc2 ripemd ripemd160 rmd160 sm3 sha512_224 sha512_256 whirlpool".split())


def install() -> None:
    """Puts these in hashlib."""
    hashlib.pbkdf2_hmac, hashlib.scrypt, hashlib.new = pbkdf2_hmac, scrypt, new


_c_new = hashlib.new


def new(name: str, *args: Any, **kwargs: Any) -> Any:
    """As `hashlib.new`."""
    try:
        return _c_new(name, *args, **kwargs)
    except ValueError as error:
        if name.lower() in _OF_OPENSSL:
            raise ValueError(f"{error}: {NO_OPENSSL}") from None
        raise


def pbkdf2_hmac(hash_name: str, password: Any, salt: Any, iterations: int, dklen: int | None = None) -> bytes:
    """As `hashlib.pbkdf2_hmac`: 100,000 iterations take about half a second."""
    about = hashlib.new(hash_name)
    if dklen is None:
        dklen = about.digest_size
    if dklen < 1:
        raise ValueError("key length must be greater than 0.")
    if iterations < 1:
        raise ValueError("iteration value must be greater than 0.")
    key, salt = bytes(memoryview(password)), bytes(memoryview(salt))
    if len(key) > about.block_size:
        key = hashlib.new(hash_name, key).digest()
    digest = hmac.digest
    derived = b""
    for block in range(1, -(-dklen // about.digest_size) + 1):
        last = digest(key, salt + block.to_bytes(4, "big"), hash_name)
        total = int.from_bytes(last, "big")
        for _ in range(iterations - 1):
            last = digest(key, last, hash_name)
            total ^= int.from_bytes(last, "big")
        derived += total.to_bytes(about.digest_size, "big")
    return derived[:dklen]


def scrypt(*args: Any, **kwargs: Any) -> Never:
    """Not there."""
    raise NotImplementedError(NO_SCRYPT)
