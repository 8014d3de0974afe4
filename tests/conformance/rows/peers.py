"""The attributes of tgl.Peer, for each kind of peer that a script meets, as its owner set them through Telethon."""

from telethon import functions

from attributes import PEER
from given import bobs_group, bobs_way
from pattern import differs, resolved, test
from table import Row, people
from world import PHONES, Failed


@test("False, and when last seen as naive local time")
def was_seen(value):
    return (
        value.keys() == {"online", "when"}
        and value["online"] is False
        and value["when"]["is"] == "datetime"
        and "+" not in value["when"]["text"]
    )


@test("True, and until when as naive local time")
def is_online(value):
    return value.keys() == {"online", "when"} and value["online"] is True and value["when"]["is"] == "datetime"


@test("a dict of a bool and a datetime")
def some_status(value):
    return value.keys() == {"online", "when"} and type(value["online"]) is bool and value["when"]["is"] == "datetime"


@test("the ids of Sue, Bob and Cat")
def three_ids(value):
    return isinstance(value, list) and len(value) == 3 and all(type(one) is int for one in value)


garden = test("Garden or Garden#n")(lambda name: name.partition("#")[0] == "Garden")


def user(who, **parts):
    nothing = dict.fromkeys(PEER)
    return {
        **nothing,
        "id": f"@{who}",
        "type": 1,
        "type_name": "user",
        "user_id": f"@{who}",
        "user": {"is": "Peer", "id": f"@{who}"},
        **parts,
    }


def chat(**parts):
    return {**dict.fromkeys(PEER), "id": "@peer", "type": 2, "type_name": "chat", **parts}


async def online_bob(w):
    await w.bob(functions.account.UpdateStatusRequest(offline=False))
    await knows_status(w, "bob", True)
    return {**await people(w), "peer": {"type": 1, "id": w.ids["bob"]}}


async def offline_cat(w):
    await w.cat(functions.account.UpdateStatusRequest(offline=False))
    await w.cat(functions.account.UpdateStatusRequest(offline=True))
    await knows_status(w, "cat", False)
    return {**await people(w), "peer": {"type": 1, "id": w.ids["cat"]}}


async def knows_status(w, name, online):
    """The host learns of it by an update; a script hears nothing."""
    for _ in range(100):
        answer = await w.snippet(f"{name}.user_status['online']", await people(w), calls_back=False)
        if answer.returned is online:
            return
    raise Failed(f"{name}'s status stays {not online}")


async def dan_who_writes(w):
    since = len(w.run.lines)
    await w.dan.telethon.send_message("sue_writes", "hello, stranger")
    await w.run.hears("on_msg_receive", [{"text": "hello, stranger"}], since)
    return {**await people(w), "peer": {"type": 1, "id": w.ids["dan"]}}


async def oneself(w):
    return {**await people(w), "peer": {"type": 1, "id": w.ids["sue"]}}


async def basic_group(w):
    w.chat = "group"
    names = await bobs_group(w)
    await w.snippet("chat.info(done)", names)
    return {**names, "peer": names["chat"]}


def channel_of(kind):
    """A supergroup or channel of Bob's, public by the name that the row expects."""

    async def made(w):
        w.chat = kind
        names = await bobs_group(w)
        chat = await bobs_way(w, names)
        await w.bob(functions.channels.UpdateUsernameRequest(chat, f"a_{kind}"))
        await w.snippet("chat.info(done)", names)
        return {**names, "peer": names["chat"]}

    return made


KINDS = {
    "contact, online": (
        online_bob,
        user("bob", name="Bob", first_name="Bob", username="bob_builds", phone=PHONES["bob"], user_status=is_online),
    ),
    "contact, offline": (
        offline_cat,
        user("cat", name="Cat", first_name="Cat", phone=PHONES["cat"], user_status=was_seen),
    ),
    "stranger": (dan_who_writes, user("dan", name="Dan", first_name="Dan", user_status=some_status)),
    "oneself": (
        oneself,
        user("sue", name="Sue", first_name="Sue", username="sue_writes", phone=PHONES["sue"], user_status=some_status),
    ),
    "group": (basic_group, chat(name=garden, user_list=three_ids)),
    "supergroup": (channel_of("supergroup"), chat(name=garden, username="a_supergroup", user_list=three_ids)),
    "channel": (channel_of("channel"), chat(name=garden, username="a_channel", user_list=[])),
}
"""How a peer of each kind is had, and what its attributes are."""

SHOWN = {
    "id": "int", "type": {"user": "1", "chat": "2"}, "type_name": {"user": "'user'", "chat": "'chat'"}, "user": "itself",
    "user_id": "int", "user_list": "list of int", "user_status": "dict", "phone": "str", "username": "str",
    "first_name": "str", "last_name": "str", "name": "str",
}  # fmt: skip

NONE_DIFFERS = (
    "An attribute that a kind of peer has not is None: in the original that broke the next call of the interpreter"
)
DIFFERS = {
    "type": (
        "Supergroups and channels are `tgl.PEER_CHAT`: most groups are supergroups now, and scripts that ask for PEER_CHAT "
        "mean all of them"
    ),
    "user_status": "'online' is True only of who is online: the original had it True of those last seen long ago too",
    "username": "Public groups have theirs: the original knew none",
}


def attribute_row(kind, attribute):
    expected = KINDS[kind][1]
    wanted = expected[attribute]
    shown = SHOWN[attribute] if wanted is not None else "None"
    shown = shown if isinstance(shown, str) else shown[expected["type_name"]]
    of_chat = expected["type"] == 2
    why = DIFFERS.get(attribute, "") if attribute in ("type", "user_status") or of_chat else ""
    why = why or (
        NONE_DIFFERS
        if wanted is None and attribute not in ("username", "phone", "last_name", "name") or wanted is None and of_chat
        else ""
    )
    return Row(
        f"Peer.{attribute} of a {kind}",
        "Peer attributes",
        test=try_attribute,
        shown=shown,
        differs=why,
        tags={"kind": kind, "attribute": attribute},
    )


async def try_attribute(w, row):
    kind, attribute = row.tags["kind"], row.tags["attribute"]
    made, expected = KINDS[kind]
    if kind not in w.made:
        w.made[kind] = await made(w)
    names = w.made[kind]
    answer = await w.snippet("done(peer)", names)
    wrong = differs(resolved(expected[attribute], {**w.ids, **names}), answer.called[0][attribute], attribute)
    if wrong:
        raise Failed(wrong)


ROWS = [attribute_row(kind, attribute) for attribute in PEER for kind in KINDS]
