"""What scripts of these tests print of what they are given: JSON, of peers and messages with all their attributes."""

import json

import tgl
from attributes import MSG, PEER


def shown(value, depth=2):
    """Something that JSON can take. A peer or message inside another has less of itself."""
    if isinstance(value, tgl.Peer):
        brief = {"is": "Peer", "id": value.id, "type": value.type}
        return {**brief, **{name: shown(getattr(value, name), depth - 1) for name in PEER}} if depth > 1 else brief
    if isinstance(value, tgl.Msg):
        brief = {"is": "Msg", "id": value.id}
        return {**brief, **{name: shown(getattr(value, name), depth - 1) for name in MSG}} if depth > 0 else brief
    if isinstance(value, dict):
        return {key: shown(part, depth) for key, part in value.items()}
    if isinstance(value, list):
        return [shown(part, depth) for part in value]
    if isinstance(value, (str, int, float, type(None))):
        return value
    return {"is": type(value).__name__, "text": str(value)}


def tell(**what):
    """Prints it for the test."""
    print(json.dumps(what), flush=True)
