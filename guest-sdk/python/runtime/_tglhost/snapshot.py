"""Makes the snapshot cheap to start from. Used at build time.

Every script shares the snapshot's pages until it writes to one: each first write costs a page fault and 4 KiB of memory of
its own, and that is most of what starting a script costs. Invariant: nothing here changes what a script sees.
"""

import gc
import math
import os
import types as python_types
from typing import Any

from tgl import _advice, _dispatch, _events, _records, _timers
from wit_world.imports import host, types

from . import exports, kept_code, python_2, script, thaw, word_of_objects

WARM_UP_ROUNDS = 20
"""After fewer calls than this the interpreter has settled on its fast instructions."""

SPARE_BYTES = 6 * 1024 * 1024
"""Free memory at the end of the heap, for what scripts allocate: a common one needs a tenth of it."""

FILLED_BYTES_MAX = 64 * 1024 * 1024
"""Filling holes stops here; there are some megabytes of them."""

ADDRESSES_MAX = 64 * 1024 * 1024
"""No object lies beyond this at build time."""

_SAMPLE = '''
import tgl
from functools import partial

count = 0

def on_our_id(our_id):
    global count
    count = our_id

def on_loop():
    pass

def on_msg_receive(msg):
    if msg.out or msg.text is None:
        return
    peer = msg.dest if msg.dest.type == tgl.PEER_CHAT else msg.src
    if msg.text.startswith("!"):
        peer.send_msg("{} {}".format(msg.text, peer.name), reply=msg.id, callback=partial(print, 1))

class Sample:
    def method(self, first, *rest, **named):
        try:
            return [each for each in rest if each] + [{"first": first}]
        except (KeyError, ValueError) as error:
            return f"{first} {error!r}"
'''

_SAMPLE_PATH = "/script/sample.py"

_filling: list[bytes] = []

_objects: tuple[object, ...] = ()
_word = b""
"""The objects that scripts share, and word of them for immortal.py. What it makes immortal must be there for ever, so it is kept."""


def warm_up() -> None:
    """Loads and runs a common script, so that each instance need not make the interpreter's caches anew. It makes no call,
    and the timer that it asks for is nobody's."""
    user = types.PeerId(_records.USER, 1)
    message = types.Message(1, 0, user, user, "text", None, 0, None, None, 0)
    before, told_before = dict(_events.handlers), _events.told
    os.environ["HOME"] = "/home"
    set_timer, host.set_timer = host.set_timer, lambda after_ms: None
    for _ in range(WARM_UP_ROUNDS):
        _load_sample()
        exports.Callbacks.on_our_id(1)
        exports.Callbacks.on_message(message)
        _dispatch._looping = True
        exports.Callbacks.on_timer()
        _dispatch._looping = False
        _timers.armed = math.inf
        _events.handlers.update(before)
    host.set_timer = set_timer
    _events.told = told_before
    del os.environ["HOME"]


def _load_sample() -> None:
    """As `script.run`, but for what cannot be done twice; and nothing of it is left."""
    thaw.thaw()
    module = script.module_of(_SAMPLE_PATH)
    code, _ = kept_code.compiled(_SAMPLE, _SAMPLE_PATH)
    python_2.warn_of_except(_SAMPLE, _SAMPLE_PATH)
    exec(code, module.__dict__)
    _events.adopt(module.__dict__)
    _advice.give(module.__dict__)
    script.forget(module)


def pack() -> None:
    """Fills the holes in the heap, so that what a script allocates lies together; and takes what is there out of the
    garbage collector's sight, which would otherwise write to all of it."""
    global _objects, _word
    gc.collect()
    _objects = tuple(_all_objects())
    _word = word_of_objects.word(_objects)
    spare = bytes(SPARE_BYTES)
    end = id(spare)
    filled_bytes = 0
    for size in [1 << n for n in range(19, 9, -1)] + list(range(1018, 0, -8)):
        while filled_bytes < FILLED_BYTES_MAX:
            filling = bytes(size)
            if id(filling) > end:
                break  # There is no hole of this size left before the spare memory.
            _filling.append(filling)
            filled_bytes += size
    gc.freeze()


def _all_objects() -> list[object]:
    """Every object that there is: those that the collector knows, and what they lead to."""
    found: list[Any] = gc.get_objects()
    known = bytearray(ADDRESSES_MAX // 64)  # One bit for eight bytes, which the smallest object has.
    for each in found:
        known[id(each) >> 6] |= 1 << (id(each) >> 3 & 7)
    for each in found:
        for other in (*gc.get_referents(each), *_parts_of_code(each)):
            place, bit = id(other) >> 6, 1 << (id(other) >> 3 & 7)
            if not known[place] & bit and other is not found and other is not known:
                known[place] |= bit
                found.append(other)
    return found


def _parts_of_code(each: object) -> tuple[object, ...]:
    """What a code object leads to, which the collector is not told."""
    if not isinstance(each, python_types.CodeType):
        return ()
    return (each.co_consts, each.co_names, each.co_linetable, each.co_exceptiontable, each.co_filename, each.co_qualname)
