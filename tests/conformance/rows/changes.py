"""The words of what_changed, which on_user_update and on_chat_update are called with: Bob changes something."""

from telethon import functions, types

from given import bobs_group, bobs_way
from pattern import test
from table import Row, people
from world import PHONES


def has(word):
    return test(f"a list with {word!r}")(lambda value: isinstance(value, list) and word in value)


async def bob(w):
    return {**await people(w), "changed": w.ids["bob"]}


async def a_group(w):
    names = await bobs_group(w)
    return {**names, "changed": names["chat"]["id"]}


async def nobody(w):
    return {"changed": ...}


async def without_dan(w):
    """Dan, whom Sue knows, is not among her contacts any more."""
    await dan_becomes_contact(w, {})
    since = len(w.run.lines)
    await w.twin(functions.contacts.DeleteByPhonesRequest([PHONES["dan"]]))
    await w.dan.telethon.send_message("sue_writes", "a stranger again")
    await w.run.hears("on_user_update", [{"id": w.ids["dan"]}, has("phone")], since)
    return {"changed": w.ids["dan"]}


async def dan_writes(w, names):
    await w.dan.telethon.send_message("sue_writes", "hello, stranger")


async def dan_becomes_contact(w, names):
    await w.twin(functions.contacts.ImportContactsRequest([types.InputPhoneContact(0, PHONES["dan"], "Dan", "")]))
    await w.dan.telethon.send_message("sue_writes", "hello, friend")


async def bob_renames_himself(w, names):
    """Another's client learns of it with a message of his at the latest."""
    w.commands += 1
    await w.bob(functions.account.UpdateProfileRequest(first_name=f"Bob{w.commands}"))
    await w.bob.telethon.send_message(w.ids["sue"], "it is me")


async def bob_takes_username(w, names):
    w.commands += 1
    await w.bob(functions.account.UpdateUsernameRequest(f"bob_{w.commands}_builds"))
    await w.bob.telethon.send_message(w.ids["sue"], "it is me")


async def bob_shows_himself(w, names):
    photo = await w.bob.telethon.upload_file(w.folder / "photo.jpg")
    await w.bob(functions.photos.UploadProfilePhotoRequest(file=photo))
    await w.bob.telethon.send_message(w.ids["sue"], "it is me")


async def group_is_made(w, names):
    await bobs_group(w)


async def group_is_renamed(w, names):
    chat = await bobs_way(w, names)
    rename = functions.messages.EditChatTitleRequest(names["chat"]["id"], "Yard")
    await w.bob(rename if w.chat == "group" else functions.channels.EditTitleRequest(chat, "Yard"))


async def group_gets_photo(w, names):
    photo = types.InputChatUploadedPhoto(await w.bob.telethon.upload_file(w.folder / "photo.jpg"))
    chat = await bobs_way(w, names)
    edit = functions.messages.EditChatPhotoRequest(names["chat"]["id"], photo)
    await w.bob(edit if w.chat == "group" else functions.channels.EditPhotoRequest(chat, photo))


async def cat_leaves(w, names):
    await w.bob.telethon.kick_participant(await bobs_way(w, names), w.ids["cat"])


async def sue_becomes_admin(w, names):
    sue = await w.bob.way_to(w.ids["sue"])
    chat = await bobs_way(w, names)
    rights = types.ChatAdminRights(change_info=True)
    make = functions.messages.EditChatAdminRequest(names["chat"]["id"], sue, True)
    await w.bob(make if w.chat == "group" else functions.channels.EditAdminRequest(chat, sue, rights, ""))


async def try_change(w, row):
    w.chat = row.chat
    names, since = await row.given(w), len(w.run.lines)
    await row.tags["act"](w, names)
    id = {} if names["changed"] is ... else {"id": names["changed"]}
    await w.run.hears(row.tags["event"], [{"is": "Peer", **id}, has(row.tags["word"])], since)


def change(word, of, event, given, act, chat="group", differs=""):
    tags = {"word": word, "event": event, "act": act}
    name = f"'{word}' of a {of}"
    return Row(name, "What changed", shown=event, given=given, chat=chat, test=try_change, differs=differs, tags=tags)


def user(word, act, given=bob, differs=""):
    return change(word, "user", "on_user_update", given, act, differs=differs)


def groups(word, act, given=a_group):
    """A basic group and a supergroup."""
    return [
        change(word, "group", "on_chat_update", given, act),
        change(
            word,
            "supergroup",
            "on_chat_update",
            given,
            act,
            "supergroup",
            "The original's scripts heard of no channels",
        ),
    ]


ROWS = [
    user("created", dan_writes, nobody),
    user("flags", dan_becomes_contact, nobody),
    user("phone", dan_becomes_contact, without_dan),
    user("real_name", bob_renames_himself),
    user("name", bob_renames_himself),
    user("username", bob_takes_username),
    user("photo", bob_shows_himself),
    *groups("created", group_is_made, nobody),
    *groups("title", group_is_renamed),
    *groups("photo", group_gets_photo),
    *groups("members", cat_leaves),
    *groups("admin", sue_becomes_admin),
]
