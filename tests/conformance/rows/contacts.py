"""The contact list, oneself, and what is known of users."""

import dataclasses

from telethon import functions, types

from given import check
from pattern import has
from table import Failure, Row, flood, people
from world import PHONES

DAN = {"is": "Peer", "type": 1, "phone": PHONES["dan"]}


async def contacts_of_sue(w) -> dict:
    users = (await w.twin(functions.contacts.GetContactsRequest(0))).users
    return {user.phone: f"{user.first_name} {user.last_name or ''}".strip() for user in users}


def server_has_dan_as(name):
    async def sees(w, names, called):
        known = (await contacts_of_sue(w)).get(PHONES["dan"])
        check(known == name, f"at the server Dan is {known!r}")

    return sees


async def with_dan(w):
    """Dan is among the contacts."""
    await w.snippet(f"tgl.add_contact('{PHONES['dan']}', 'Dan', 'Dune', done)", {})
    return {**await people(w), "dan": {"type": 1, "id": w.ids["dan"]}}


async def without_dan(w):
    await w.twin(functions.contacts.DeleteByPhonesRequest([PHONES["dan"]]))
    return await people(w)


NO_NAME = Failure("an empty name", "CONTACT_NAME_EMPTY", "tgl.NAME('9996640004', '', '', done)")
NO_TEXT = Failure(
    "a phone that is no text", "TypeError: phone must be str", "tgl.NAME(5, 'Dan', '', done)", refused=True
)


def named(name, *failures):
    """Failures of a function that has this name."""
    return [dataclasses.replace(failure, call=failure.call.replace("NAME", name)) for failure in failures]


async def sue_is_renamed(w, names, called):
    me = await w.twin.telethon.get_me()
    check((me.first_name, me.last_name) == ("Susan", "Stone"), f"the server has {me.first_name} {me.last_name}")
    await w.twin(functions.account.UpdateProfileRequest(first_name="Sue", last_name=""))


def who_is(offline):
    """Bob has seen Sue so."""

    async def made(w):
        since = len(w.bob.updates)
        await w.twin(functions.account.UpdateStatusRequest(offline=not offline))
        await w.twin(functions.account.UpdateStatusRequest(offline=offline))
        names = {**await people(w), "since": since}
        await bob_sees_sue(types.UserStatusOffline if offline else types.UserStatusOnline)(w, names, [])
        return {**names, "since": len(w.bob.updates)}

    return made


def bob_sees_sue(kind):
    async def sees(w, names, called):
        is_it = lambda update: update.user_id == w.ids["sue"] and isinstance(update.status, kind)
        await w.bob.sees(types.UpdateUserStatus, is_it, names["since"])

    return sees


ROWS = [
    Row(
        "tgl.get_contact_list",
        signature="contact_list_cb",
        call="tgl.get_contact_list(done)",
        gets=[True, has(first_name="Bob", phone=PHONES["bob"], type=1)],
        fails=(flood("contacts.getContacts"),),
    ),
    Row(
        "tgl.add_contact",
        signature="contact_list_cb",
        given=without_dan,
        call="tgl.add_contact('9996640004', 'Dan', 'Dune', done)",
        gets=[True, [{**DAN, "first_name": "Dan", "last_name": "Dune"}]],
        sees=server_has_dan_as("Dan Dune"),
        fails=(
            flood("contacts.importContacts"),
            *named("add_contact", NO_NAME, NO_TEXT),
        ),
        differs="The last name is optional, as documented: the original's code wanted it",
    ),
    Row(
        "tgl.add_contact (no last name)",
        signature="contact_list_cb",
        given=without_dan,
        call="tgl.add_contact('9996640004', 'Dan', done)",
        gets=[True, [{**DAN, "first_name": "Dan", "last_name": None}]],
        sees=server_has_dan_as("Dan"),
        differs="As documented: the original's code wanted a last name",
    ),
    Row(
        "tgl.add_contact (of a number that nobody has)",
        signature="contact_list_cb",
        call="tgl.add_contact('9996640099', 'No', 'One', done)",
        gets=[True, []],
    ),
    Row(
        "tgl.rename_contact",
        signature="contact_list_cb",
        given=with_dan,
        call="tgl.rename_contact('9996640004', 'Daniel', 'Dale', done)",
        gets=[True, [{**DAN, "first_name": "Daniel", "last_name": "Dale"}]],
        sees=server_has_dan_as("Daniel Dale"),
        fails=(flood("contacts.importContacts"), *named("rename_contact", NO_NAME, NO_TEXT)),
        differs="The last name is optional, as documented: the original's code wanted it",
    ),
    Row(
        "tgl.del_contact",
        signature="empty_cb",
        given=with_dan,
        call="tgl.del_contact(dan, done)",
        gets=[True],
        sees=server_has_dan_as(None),
        fails=(
            flood("contacts.deleteContacts"),
            Failure(
                "a peer that is none", "TypeError: peer must be tgl.Peer", "tgl.del_contact(5, done)", refused=True
            ),
        ),
    ),
    Row(
        "tgl.set_profile_name",
        signature="peer_cb",
        call="tgl.set_profile_name('Susan', 'Stone', done)",
        gets=[True, {"is": "Peer", "id": "@sue", "first_name": "Susan", "last_name": "Stone"}],
        sees=sue_is_renamed,
        fails=(
            flood("account.updateProfile"),
            Failure("an empty name", "FIRSTNAME_INVALID", "tgl.set_profile_name('', '', done)"),
            Failure(
                "a name that is none",
                "TypeError: first_name must be str",
                "tgl.set_profile_name(None, '', done)",
                refused=True,
            ),
        ),
    ),
    Row(
        "tgl.status_online",
        signature="empty_cb",
        given=who_is(offline=True),
        call="tgl.status_online(done)",
        gets=[True],
        sees=bob_sees_sue(types.UserStatusOnline),
        fails=(flood("account.updateStatus"),),
    ),
    Row(
        "tgl.status_offline",
        signature="empty_cb",
        given=who_is(offline=False),
        call="tgl.status_offline(done)",
        gets=[True],
        sees=bob_sees_sue(types.UserStatusOffline),
        fails=(flood("account.updateStatus"),),
    ),
]
