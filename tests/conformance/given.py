"""What rows have before they are tried, and what they look at afterwards.

A row says in which kind of chat it is tried; `chat` is that chat's name for the snippet. Bob writes there, and Bob looks.
Invariant: a group made here is one row's alone, and the script has heard of it.
"""

import asyncio

from telethon import functions, types

from table import people
from world import Failed, World


async def group(w: World, owner: str = "sue", title: str = "Garden") -> dict:
    """A new group of Sue, Bob and Cat, of the row's kind; or the private chat with Bob."""
    if w.chat == "user":
        return {**await people(w), "chat": {"type": 1, "id": w.ids["bob"], "kind": "user"}, "since": len(w.bob.updates)}
    creator, since, since_bob = w.people()[owner], len(w.run.lines), len(w.bob.updates)
    members = [await creator.way_to(w.ids[name]) for name in ("sue", "bob", "cat") if name != owner]
    id = await (basic_group if w.chat == "group" else channel)(creator, members, title, w.chat)
    await w.run.hears("on_msg_receive", [{"dest": {"id": id}}], since)
    return {**await people(w), "chat": {"type": 2, "id": id, "kind": w.chat}, "since": since_bob}


async def basic_group(creator, members, title, kind) -> int:
    created = await creator(functions.messages.CreateChatRequest(members, title))
    return created.updates.chats[0].id


async def channel(creator, members, title, kind) -> int:
    """A supergroup, or a channel."""
    is_group = kind == "supergroup"
    created = await creator(
        functions.channels.CreateChannelRequest(title, "", megagroup=is_group, broadcast=not is_group)
    )
    chat = created.chats[0]
    await creator(functions.channels.InviteToChannelRequest(chat, members))
    if not is_group:
        await creator.telethon.send_message(chat, "the first post")
    return chat.id


async def bobs_group(w: World) -> dict:
    """The same, but Bob's: Sue may do what any member may."""
    return await group(w, "bob")


async def left_group(w: World) -> dict:
    """A group that Sue has left."""
    names = await bobs_group(w)
    since = len(w.run.lines)
    if w.chat == "group":
        await w.twin(functions.messages.DeleteChatUserRequest(names["chat"]["id"], types.InputUserSelf()))
        await w.run.hears("on_msg_receive", [{"dest": {"id": names["chat"]["id"]}, "service": True}], since)
    else:
        await w.twin(functions.channels.LeaveChannelRequest(await w.twin.way_to(of_sue(names))))
        await w.run.hears("on_chat_update", since=since)
    return names


async def message(w: World, text: str = "original", names: dict | None = None, **options) -> dict:
    """A chat with a message of Bob's, `mid`."""
    names, since = names or await bobs_group(w), len(w.run.lines)
    await w.bob.telethon.send_message(await bobs_way(w, names), text, **options)
    (heard,) = await w.run.hears("on_msg_receive", [{"text": text}], since)
    return {**names, "mid": heard["id"]}


def of_bob(names: dict):
    """The row's chat, as Bob names it."""
    kind, id = names["chat"]["kind"], names["chat"]["id"]
    return (
        types.PeerUser(names["sue"]["id"])
        if kind == "user"
        else types.PeerChat(id)
        if kind == "group"
        else types.PeerChannel(id)
    )


def of_sue(names: dict):
    """The row's chat, as Sue names it."""
    return types.PeerUser(names["bob"]["id"]) if names["chat"]["kind"] == "user" else of_bob(names)


async def bobs_way(w: World, names: dict):
    """The row's chat, for Bob's client."""
    return await w.bob.way_to(of_bob(names))


def is_in(names: dict):
    """A test of a message of Bob's: whether it is in the row's chat."""
    return lambda message: getattr(message, "peer_id", None) == of_bob(names)


async def bob_receives(w: World, names: dict, **parts):
    """The message in the row's chat that has these attributes, as Bob got it."""
    is_it = lambda message: (
        is_in(names)(message) and all(getattr(message, name, None) == value for name, value in parts.items())
    )
    return await w.bob.receives(is_it, names["since"])


async def bob_receives_action(w: World, names: dict, kind):
    """The service message of this kind in the row's chat, as Bob got it."""
    return await w.bob.receives(
        lambda message: is_in(names)(message) and isinstance(getattr(message, "action", None), kind), names["since"]
    )


async def bob_receives_media(w: World, names: dict, kind):
    """The message in the row's chat that carries media of this kind and is not Bob's own, as Bob got it."""
    is_it = lambda message: (
        is_in(names)(message) and not message.out and isinstance(getattr(message, "media", None), kind)
    )
    return await w.bob.receives(is_it, names["since"])


def check(is_right: bool, complaint: str) -> None:
    if not is_right:
        raise Failed(complaint)


async def eventually(look, seconds: float = 5) -> None:
    """Looks until what is to be seen is there: where nothing tells when."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            return await look()
        except Failed:
            if asyncio.get_running_loop().time() > deadline:
                raise
        await asyncio.sleep(0.02)
