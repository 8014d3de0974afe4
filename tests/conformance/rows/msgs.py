"""The attributes of tgl.Msg, for each kind of message, most of them written by Bob through Telethon."""

from telethon import functions, types

from attributes import MSG
from given import bobs_group, bobs_way, message, of_bob
from pattern import differs, resolved, test
from table import Row, people
from world import PHONES, Failed

from .changes import cat_leaves, group_gets_photo, group_is_renamed
from .files import from_bob


UNREAD, OUT, MENTION, CREATED, SERVICE = 1, 2, 16, 256, 8192


@test("a naive local datetime")
def is_date(value):
    return value["is"] == "datetime" and "+" not in value["text"]


def peer(name):
    return {"is": "Peer", "id": f"@{name}"}


def message_of(src="bob", dest="chat", flags=UNREAD | CREATED, **parts):
    """What a message is that has only a text, or else these parts."""
    nothing = dict.fromkeys(MSG)
    bits = {
        "mention": bool(flags & MENTION),
        "out": bool(flags & OUT),
        "unread": bool(flags & UNREAD),
        "service": bool(flags & SERVICE),
    }
    return {
        **nothing,
        **bits,
        "id": "@mid",
        "flags": flags,
        "src": peer(src) if src else None,
        "dest": peer(dest),
        "date": is_date,
        "action": 0,
        **parts,
    }


def service(action, src="bob", **parts):
    return message_of(src, flags=UNREAD | CREATED | SERVICE, action=action, **parts)


async def hears(w, names, pattern, since, **more):
    """The names, with the id of the message that the script hears."""
    (heard,) = await w.run.hears("on_msg_receive", [pattern], since)
    return {**names, "mid": heard["id"], **more}


async def private(w):
    since = len(w.run.lines)
    await w.bob.telethon.send_message(w.ids["sue"], "in private")
    return await hears(w, await people(w), {"text": "in private"}, since)


async def own_private(w):
    names, since = await people(w), len(w.run.lines)
    await w.snippet("bob.send_msg('from me', done)", names)
    return await hears(w, names, {"text": "from me"}, since)


async def own_elsewhere(w):
    """Sent by another client of Sue's."""
    names, since = await people(w), len(w.run.lines)
    await w.twin.telethon.send_message(w.ids["bob"], "from my phone")
    return await hears(w, names, {"text": "from my phone"}, since)


async def post_forward(w):
    """A post of a channel of Bob's, which Sue does not know, forwarded into a group."""
    names, since = await bobs_group(w), len(w.run.lines)
    created = await w.bob(functions.channels.CreateChannelRequest("Gazette", "", broadcast=True))
    post = await w.bob.telethon.send_message(created.chats[0], "extra")
    await w.bob.telethon.forward_messages(await bobs_way(w, names), post)
    return await hears(w, names, {"text": "extra"}, since, gazette=created.chats[0].id)


async def in_group(w):
    return await message(w, "to all")


def in_kind(kind):
    async def made(w):
        w.chat = kind
        return await message(w, "to all")

    return made


async def migrated(w):
    """The last message of a basic group that has become a supergroup."""
    names, since = await bobs_group(w), len(w.run.lines)
    await w.bob(functions.messages.MigrateChatRequest(names["chat"]["id"]))
    return await hears(w, names, {"dest": {"id": names["chat"]["id"]}, "service": True}, since)


async def reply(w):
    names = await message(w, "a question")
    question, since = names["mid"], len(w.run.lines)
    (theirs,) = [one async for one in w.bob.telethon.iter_messages(await bobs_way(w, names), limit=1)]
    await w.bob.telethon.send_message(await bobs_way(w, names), "a reply", reply_to=theirs.id)
    return await hears(w, names, {"text": "a reply"}, since, question=question)


async def forward(w):
    names, since = await bobs_group(w), len(w.run.lines)
    await w.cat.telethon.send_message(of_bob(names), "of Cat's")
    (theirs,) = [one async for one in w.bob.telethon.iter_messages(await bobs_way(w, names), limit=1)]
    since = len(w.run.lines)
    await w.run.hears("on_msg_receive", [{"text": "of Cat's"}])
    await w.bob.telethon.forward_messages(await bobs_way(w, names), theirs)
    return await hears(w, names, {"text": "of Cat's", "src": {"id": w.ids["bob"]}}, since)


async def link(w):
    return await message(w, "see https://example.org/pond")


async def mention(w):
    names, since = await bobs_group(w), len(w.run.lines)
    await w.bob.telethon.send_message(await bobs_way(w, names), "hear, @sue_writes")
    return await hears(w, names, {"text": "hear, @sue_writes"}, since)


async def group_made(w):
    since = len(w.run.lines)
    names = await bobs_group(w)
    return await hears(w, names, {"dest": {"id": names["chat"]["id"]}}, since)


def acts(act):
    """A kind of service message: what Bob does in a group of his."""

    async def made(w):
        names, since = await bobs_group(w), len(w.run.lines)
        await act(w, names)
        return await hears(w, names, {"dest": {"id": names["chat"]["id"]}, "service": True}, since)

    return made


renamed, member_removed, photo_set = acts(group_is_renamed), acts(cat_leaves), acts(group_gets_photo)


@acts
async def member_added(w, names):
    await w.bob(functions.contacts.ImportContactsRequest([types.InputPhoneContact(0, PHONES["dan"], "Dan", "")]))
    dan, chat = await w.bob.way_to(f"+{PHONES['dan']}"), await bobs_way(w, names)
    add = functions.messages.AddChatUserRequest(names["chat"]["id"], dan, 0)
    await w.bob(add if w.chat == "group" else functions.channels.InviteToChannelRequest(chat, [dan]))


@acts
async def joined_by_link(w, names):
    invite = await w.bob(functions.messages.ExportChatInviteRequest(await bobs_way(w, names)))
    await w.dan(functions.messages.ImportChatInviteRequest(invite.link.rpartition("/")[2].lstrip("+")))


def in_supergroup(made):
    """The same in a supergroup."""

    async def there(w):
        w.chat = "supergroup"
        return await made(w)

    return there


async def photo_deleted(w):
    names = await photo_set(w)
    since = len(w.run.lines)
    await w.bob(functions.messages.EditChatPhotoRequest(names["chat"]["id"], types.InputChatPhotoEmpty()))
    return await hears(w, names, {"dest": {"id": names["chat"]["id"]}, "service": True}, since)


def with_media(media, text=""):
    """A kind of message: Bob sends this media."""

    async def made(w):
        names, since = await bobs_group(w), len(w.run.lines)
        await w.bob.telethon.send_file(await bobs_way(w, names), media() if callable(media) else media, caption=text)
        return await hears(w, names, {"dest": {"id": names["chat"]["id"]}}, since)

    return made


def file(name, **options):
    async def made(w):
        return await from_bob(w, name, **options)

    return made


def near(wanted):
    return test(f"about {wanted}, a float")(lambda value: type(value) is float and abs(value - wanted) < 1e-4)


POINT = types.InputGeoPoint(52.5, 13.25)
GEO = {"type": "geo", "latitude": near(52.5), "longitude": near(13.25)}
VENUE = types.InputMediaVenue(POINT, "Tower", "Alexanderplatz 1", "foursquare", "4b05", "")
CARD = types.InputMediaContact(PHONES["bob"], "Bob", "Builder", "")
CARD_MEDIA = {
    "type": "contact",
    "phone": PHONES["bob"],
    "first_name": "Bob",
    "last_name": "Builder",
    "user_id": test("Bob's id")(lambda value: type(value) is int and value > 0),
}
VENUE_MEDIA = {
    **GEO,
    "type": "venue",
    "title": "Tower",
    "address": "Alexanderplatz 1",
    "provider": "foursquare",
    "venue_id": "4b05",
}
PAGE_MEDIA = {
    "type": "webpage", "url": "https://example.org/pond", "title": "pond at example.org",
    "description": "What https://example.org/pond would say, if anyone were there.", "author": "The data centre",
}  # fmt: skip
DICE = types.InputMediaDice("🎲")


KINDS = {
    "private": (private, message_of(dest="sue", text="in private")),
    "own, private": (own_private, message_of("sue", "bob", UNREAD | OUT | CREATED, text="from me")),
    "own, elsewhere": (own_elsewhere, message_of("sue", "bob", UNREAD | OUT | CREATED, text="from my phone")),
    "in a group": (in_group, message_of(text="to all")),
    "reply": (
        reply,
        message_of(text="a reply", reply_id="@question", reply={"is": "Msg", "id": "@question", "text": "a question"}),
    ),
    "forward": (forward, message_of(text="of Cat's", fwd_src=peer("cat"), fwd_date=is_date)),
    "post forwarded": (post_forward, message_of(text="extra", fwd_src=peer("gazette"), fwd_date=is_date)),
    "mention": (mention, message_of(flags=UNREAD | MENTION | CREATED, text="hear, @sue_writes")),
    "group made": (group_made, service(3)),
    "group renamed": (renamed, service(4)),
    "photo set": (photo_set, service(5)),
    "photo deleted": (photo_deleted, service(6)),
    "member added": (member_added, service(7)),
    "joined by link": (joined_by_link, service(8, "dan")),
    "member removed": (member_removed, service(9)),
    "photo": (file("photo.jpg"), message_of(media={"type": "photo"})),
    "photo, caption": (
        file("photo.jpg", caption="a tree"),
        message_of(text="a tree", media={"type": "photo", "caption": "a tree"}),
    ),
    "video": (file("video.mp4"), message_of(media={"type": "document"})),
    "audio": (file("audio.mp3"), message_of(media={"type": "document"})),
    "voice": (file("audio.mp3", voice_note=True), message_of(media={"type": "document"})),
    "document": (file("data.bin", force_document=True), message_of(media={"type": "document"})),
    "location": (with_media(types.InputMediaGeoPoint(POINT)), message_of(media=GEO)),
    "contact": (with_media(CARD), message_of(media=CARD_MEDIA)),
    "venue": (with_media(VENUE), message_of(media=VENUE_MEDIA)),
    "web page": (link, message_of(text="see https://example.org/pond", media=PAGE_MEDIA)),
    "dice": (with_media(DICE), message_of(media={"type": "unsupported"})),
    "in a supergroup": (in_kind("supergroup"), message_of(text="to all")),
    "reply in a supergroup": (
        in_supergroup(reply),
        message_of(text="a reply", reply_id="@question", reply={"is": "Msg", "id": "@question", "text": "a question"}),
    ),
    "post of a channel": (in_kind("channel"), message_of(None, text="to all")),
    "supergroup renamed": (in_supergroup(renamed), service(4)),
    "photo of a supergroup": (in_supergroup(photo_set), service(5)),
    "added to a supergroup": (in_supergroup(member_added), service(7)),
    "joined a supergroup": (in_supergroup(joined_by_link), service(8, "dan")),
    "removed from a supergroup": (in_supergroup(member_removed), service(9)),
    "made a supergroup": (migrated, service(18)),
}
"""How a message of each kind comes, and what its attributes are."""

DIFFERS = {
    "text": "A caption is the text too, and the media's 'caption'",
    "action": "`tgl.ACTION_NONE` where there is none: the original gave any number then",
    "reply": "A message of the host's, also after a restart: the original had those of this run only",
    "unread": "As it was when the message came: the original's objects changed under the script's hands",
}


def words(value):
    """An expected value for the table."""
    if isinstance(value, dict) and value.get("is") == "Msg":
        return "Msg"
    if isinstance(value, dict) and value.get("is") == "Peer":
        return value["id"][1:].capitalize() if value["id"] != "@chat" else "the group"
    if isinstance(value, dict):
        return (
            f"'{value['type']}': " + ", ".join(f"'{key}'" for key in value if key != "type")
            if len(value) > 1
            else f"'{value['type']}'"
        )
    if value is is_date:
        return "datetime"
    if isinstance(value, str) and value.startswith("@"):
        return "int"
    return "str" if value is ... else repr(value)


def differing(attribute, expected, kind):
    if attribute == "text" and kind.endswith("caption"):
        return DIFFERS["text"]
    if (
        attribute == "action"
        and expected["action"] == 0
        or attribute == "unread"
        and expected["unread"]
        or attribute == "reply"
        and expected["reply"]
    ):
        return DIFFERS[attribute]
    return ""


def attribute_row(kind, attribute):
    expected = KINDS[kind][1]
    return Row(
        f"Msg.{attribute} of a message: {kind}",
        "Msg attributes",
        test=try_attribute,
        shown=words(expected[attribute]),
        differs=differing(attribute, expected, kind),
        tags={"kind": kind, "attribute": attribute},
    )


async def try_attribute(w, row):
    kind, attribute = row.tags["kind"], row.tags["attribute"]
    made, expected = KINDS[kind]
    if kind not in w.made:
        w.chat = "group"
        names = await made(w)
        w.made[kind] = names, (await w.snippet("done(heard[mid])", names)).called[0]
    names, came = w.made[kind]
    wrong = differs(resolved(expected[attribute], {**w.ids, **names}), came[attribute], attribute)
    if isinstance(came[attribute], dict) and attribute == "media":
        wrong = wrong or ("" if came["media"].keys() == expected["media"].keys() else f"media is {came['media']}")
    if wrong:
        raise Failed(wrong)


ROWS = [attribute_row(kind, attribute) for attribute in MSG for kind in KINDS]
