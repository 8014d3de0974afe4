"""The rows, by groups that share a world."""

from . import (
    callbacks,
    changes,
    constants,
    contacts,
    ends,
    files,
    groups,
    messages,
    msgs,
    peers,
    reading,
    running,
    signatures,
)

GROUPS = {
    "callbacks": callbacks.ROWS,
    "changes": changes.ROWS,
    "signatures": signatures.ROWS,
    "contacts": contacts.ROWS,
    "groups": groups.ROWS,
    "messages": messages.ROWS,
    "reading": reading.ROWS,
    "files": files.ROWS,
    "ends": ends.ROWS,
    "peers": peers.ROWS,
    "msgs": msgs.ROWS,
    "running": running.ROWS,
    "constants": constants.ROWS,
}
