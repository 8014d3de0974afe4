"""How the snapshot leaves word of its objects for immortal.py, which changes it in the built component.

Invariant: the mark is in one place of the snapshot, so everything else here has it backwards.
"""

MARK_BACKWARDS = b"tglhost: objects of the snapshot"
"""Two numbers of 32 bits follow the mark: where the pointers to the objects begin, and how many there are."""

WORDS = 2


def word(objects: tuple[object, ...]) -> bytes:
    """What is to lie in memory for as long as these objects do."""
    first = id(objects) + tuple.__basicsize__
    return (len(objects).to_bytes(4, "big") + first.to_bytes(4, "big") + MARK_BACKWARDS)[::-1]
