"""Makes the objects in the Python component's snapshot immortal, so that no script writes to them by using them.

CPython counts the references to an object within it. Every script shares the snapshot's pages until it writes to one, and
each function that it calls, each name that it looks up would be such a write. An object whose count is high enough is
immortal: nobody counts any more, and nobody frees it (PEP 683). Python cannot set the count; snapshot.py leaves word of where
the objects are, and here it is set in the component's bytes.

    python immortal.py COMPONENT

changes the file in place. Invariant: nothing but counts is changed; where something is not found as expected the build ends.
"""

import bisect
import pathlib
import sys
from typing import Iterator

from libc import COMPONENT_MODULE, PREAMBLE_BYTES, Reader, constant, joined, sections, uleb

sys.path.insert(0, str(pathlib.Path(__file__).parent / "runtime"))

from _tglhost.word_of_objects import MARK_BACKWARDS, WORDS

DATA = 11
"""The section of a module that holds the initial memory."""

MARK = MARK_BACKWARDS[::-1]
WORD_BYTES = 4
PAGE_BYTES = 4096
IMMORTAL_MIN = 1 << 30
"""A 32-bit CPython takes an object with so many references for immortal."""

IMMORTAL = 5 << 28
"""What it gives one itself: some more, since what was compiled for an older one still counts."""


class Memory:
    """The initial memory of a module: pieces at their addresses, in order, and nothing but zeros between them."""

    def __init__(self, section: bytes) -> None:
        reader = Reader(section)
        self._addresses: list[int] = []
        self._pieces: list[bytearray] = []
        for _ in range(reader.uleb()):
            if reader.byte() != 0 or reader.byte() != constant(0)[0]:
                raise SystemExit("a piece of the component's memory has no fixed address")
            self._addresses.append(reader.sleb())
            if reader.byte() != 0x0B:
                raise SystemExit("the address of a piece of the component's memory is computed")
            self._pieces.append(bytearray(reader.bytes()))
        if self._addresses != sorted(self._addresses):
            raise SystemExit("the pieces of the component's memory are in no order")

    def section(self) -> bytes:
        """The section as it is now."""
        pieces = zip(self._addresses, self._pieces)
        return uleb(len(self._pieces)) + b"".join(
            b"\0" + constant(address) + b"\x0b" + uleb(len(piece)) + piece for address, piece in pieces
        )

    def find(self, content: bytes) -> list[int]:
        """Where this is in it."""
        found = ((address, piece.find(content)) for address, piece in zip(self._addresses, self._pieces))
        return [address + place for address, place in found if place >= 0]

    def words(self, address: int, count: int) -> Iterator[int]:
        """The numbers that lie one after the other from an address."""
        for place in range(address, address + count * WORD_BYTES, WORD_BYTES):
            yield int.from_bytes(bytes(self.byte(place + n) for n in range(WORD_BYTES)), "little")

    def set_word(self, address: int, value: int) -> None:
        """Changes a number; where it lies there must not be zeros only."""
        piece, place = self._piece(address)
        if not 0 <= place <= len(piece) - WORD_BYTES:
            raise SystemExit(f"the count at {address:#x} lies between the pieces of the component's memory")
        piece[place : place + WORD_BYTES] = value.to_bytes(WORD_BYTES, "little")

    @property
    def first_page(self) -> int:
        """The address of the first page that has a content."""
        return self._addresses[0] // PAGE_BYTES * PAGE_BYTES

    def byte(self, address: int) -> int:
        """What is there."""
        piece, place = self._piece(address)
        return piece[place] if 0 <= place < len(piece) else 0

    def _piece(self, address: int) -> tuple[bytearray, int]:
        number = max(bisect.bisect_right(self._addresses, address) - 1, 0)
        return self._pieces[number], address - self._addresses[number]


def make_immortal(memory: Memory) -> int:
    """Sets the count of every object that snapshot.py left word of, and tells how many there are."""
    marks = memory.find(MARK)
    if len(marks) != 1:
        raise SystemExit(f"the snapshot leaves word of its objects in {len(marks)} places: one was expected")
    pointers, objects = memory.words(marks[0] + len(MARK), WORDS)
    mortal = [
        (address, count)
        for address in memory.words(pointers, objects)
        for count in memory.words(address, 1)
        if count < IMMORTAL_MIN
    ]
    if any(count == 0 for _, count in mortal):
        raise SystemExit("an object of the snapshot has no references")
    for address, _ in mortal:
        memory.set_word(address, IMMORTAL)
    return len(mortal)


def adapted(component: bytes) -> bytes:
    """The component with its objects immortal."""
    parts = list(sections(component))
    done = 0
    for place, (number, part) in enumerate(parts):
        if number != COMPONENT_MODULE:
            continue
        module = list(sections(part))
        for at, (kind, content) in enumerate(module):
            if kind == DATA:
                memory = Memory(content)
                done += make_immortal(memory)
                module[at] = (kind, memory.section())
                parts[place] = (number, joined(part[:PREAMBLE_BYTES], module))
    if not done:
        raise SystemExit("no object of the snapshot became immortal")
    return joined(component[:PREAMBLE_BYTES], parts)


if __name__ == "__main__":
    path = pathlib.Path(sys.argv[1])
    path.write_bytes(adapted(path.read_bytes()))
