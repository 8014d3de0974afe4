"""Says of a syntax error that a word has become one of the language since the script was written.

Invariant: nothing is said where the word stands as the language has it.
"""

import re

from ..python_2 import TEXTS

HINT = "{!r} is a word of the language since Python 3.7, and no name any more: call it otherwise{}.\n"

_NAME = re.compile(r"[.]\s*(async|await)\b|\b(async|await)\s*(?:=[^=]|[,.):])|\b(?:import|as|def|class)\s+(async|await)\b")


def hint(error: BaseException) -> str:
    """A sentence to add to an error's traceback; empty where there is none to add."""
    if not isinstance(error, SyntaxError):
        return ""
    line = TEXTS.sub('""', error.text or "")
    found = _NAME.search(line)
    if found is None:
        return ""
    word = next(filter(None, found.groups()))
    return HINT.format(word, "; asyncio has ensure_future instead" if f"asyncio.{word}" in line else "")
