"""Says of an AttributeError what Python has instead of a method that it removed from a type of its own.

Invariant: nothing is said of a script's own types.
"""

HINT = "Python {} removed {}: use {}.\n"

_REMOVED = {
    ("array.array", "tostring"): ("3.9", "tobytes()"),
    ("array.array", "fromstring"): ("3.9", "frombytes()"),
    ("xml.etree.ElementTree.Element", "getchildren"): ("3.9", "list(element)"),
    ("xml.etree.ElementTree.Element", "getiterator"): ("3.9", "iter()"),
    ("xml.etree.ElementTree.ElementTree", "getiterator"): ("3.9", "iter()"),
    ("_asyncio.Task", "all_tasks"): ("3.9", "asyncio.all_tasks()"),
    ("_asyncio.Task", "current_task"): ("3.9", "asyncio.current_task()"),
}
"""For each type and method the version that removed it, and what does instead."""


def hint(error: BaseException) -> str:
    """A sentence to add to an error's traceback; empty where there is none to add."""
    if not isinstance(error, AttributeError):
        return ""
    owner = error.obj if isinstance(error.obj, type) else type(error.obj)
    removed = _REMOVED.get((f"{owner.__module__}.{owner.__qualname__}", error.name))
    return HINT.format(removed[0], error.name, removed[1]) if removed else ""
