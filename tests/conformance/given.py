"""What rows have before they are tried, and what they look at afterwards.

Invariant: a chat made here is one row's alone, and the script has heard of it.
"""
from telethon import functions, types

from table import people
from world import Failed, World


async def group(w: World, owner: str = "sue", title: str = "Garden") -> dict:
    """A new basic group of Sue, Bob and Cat, who know each other; `chat` is its name for the snippet."""
    creator, since = w.people()[owner], len(w.run.lines)
    members = [await creator.telethon.get_input_entity(w.ids[name]) for name in ("sue", "bob", "cat") if name != owner]
    created = await creator(functions.messages.CreateChatRequest(members, title))
    id = created.updates.chats[0].id
    await w.run.hears("on_msg_receive", [{"dest": {"id": id}}], since)
    return {**await people(w), "chat": {"type": 2, "id": id}}


async def bobs_group(w: World) -> dict:
    """The same, but Bob's: Sue may do what any member may."""
    return await group(w, "bob")


async def left_group(w: World) -> dict:
    """A group that Sue has left."""
    names = await bobs_group(w)
    since = len(w.run.lines)
    await w.twin(functions.messages.DeleteChatUserRequest(names["chat"]["id"], types.InputUserSelf()))
    await w.run.hears("on_msg_receive", [{"dest": {"id": names["chat"]["id"]}, "service": True}], since)
    return names


async def message(w: World, text: str = "original", names: dict | None = None, **options) -> dict:
    """A group with a message of Bob's, `mid`."""
    names, since = names or await bobs_group(w), len(w.run.lines)
    await w.bob.telethon.send_message(chat_of(names), text, **options)
    (heard,) = await w.run.hears("on_msg_receive", [{"text": text}], since)
    return {**names, "mid": heard["id"]}


def chat_of(names: dict):
    return types.PeerChat(names["chat"]["id"])


def is_in(names: dict):
    """A test of a message: whether it is in the row's chat."""
    return lambda message: getattr(message.peer_id, "chat_id", None) == names["chat"]["id"]


async def bob_receives(w: World, names: dict, **parts):
    """The message in the row's chat that has these attributes, as Bob got it."""
    is_it = lambda message: is_in(names)(message) and all(getattr(message, name, None) == value for name, value in parts.items())  # noqa: E731
    return await w.bob.receives(is_it)


def check(is_right: bool, complaint: str) -> None:
    if not is_right:
        raise Failed(complaint)
