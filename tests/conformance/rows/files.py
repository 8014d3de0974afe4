"""Files, places and cards: sending them, loading them, and photos of groups and of oneself."""

from telethon import functions, types

from given import (
    bob_receives,
    bob_receives_action,
    bob_receives_media,
    bobs_group,
    bobs_way,
    check,
    group,
    left_group,
    of_bob,
)
from pattern import test
from table import Failure, Row, both, elsewhere, flood, named, people


NO_FILE = 'there is no file "/script/missing.(jpg|txt)" in the script\'s folders'
OUTSIDE = '"/etc/passwd" leads out of the script\'s folders.*|there is no file "/etc/passwd" in the script\'s folders'

MIME = {
    "send_photo": None,
    "send_video": "video/mp4",
    "send_audio": "audio/mpeg",
    "send_document": "application/octet-stream",
    "send_file": None,
}
FILE_OF = {
    "send_photo": "photo.jpg",
    "send_video": "video.mp4",
    "send_audio": "audio.mp3",
    "send_document": "data.bin",
    "send_file": "photo.jpg",
}
"""What each function is given, by a path that is relative to the folder of the script."""
ATTRIBUTE = {
    "send_video": types.DocumentAttributeVideo,
    "send_audio": types.DocumentAttributeAudio,
    "send_document": types.DocumentAttributeFilename,
}


def own(**parts) -> list:
    return [True, {"is": "Msg", "out": True, "src": {"id": "@sue"}, "dest": {"id": "@chat"}, "text": None, **parts}]


def bob_gets_file(name):
    """Bob has a message with the file, of the right kind, and gets the bytes that lie in the script's folder."""

    async def sees(w, names, called):
        kind = types.MessageMediaPhoto if MIME[name] is None else types.MessageMediaDocument
        received = await bob_receives_media(w, names, kind)
        if MIME[name]:
            document = received.media.document
            check(document.mime_type == MIME[name], f"its type is {document.mime_type}")
            check(
                any(isinstance(one, ATTRIBUTE[name]) for one in document.attributes),
                f"its attributes are {document.attributes}",
            )
        content = await w.bob.telethon.download_media(received, bytes)
        check(content == (w.folder / FILE_OF[name]).read_bytes(), f"he got other bytes, {len(content)} of them")

    return sees


def sends(name):
    """The rows of a function that sends a file."""
    media = {"type": "photo"} if MIME[name] is None else {"type": "document"}
    fails = (
        flood("messages.sendMedia"),
        Failure("no such file", NO_FILE, "chat | 'missing.jpg', done"),
        Failure("a file outside of the script's folders", OUTSIDE, "chat | '/etc/passwd', done"),
        Failure("not a member of the group", "CHAT_WRITE_FORBIDDEN", given=left_group),
        Failure("a path that is none", "TypeError: file must be str", "chat | None, done", refused=True),
    )
    method_differs = "" if name != "send_file" else "The original's documentation does not name it"
    return both(
        name, "chat", f"{FILE_OF[name]!r}, done", signature="msg_cb", given=group, gets=own(media=media),
        sees=bob_gets_file(name), fails=fails,
        method_differs=method_differs,
    )  # fmt: skip


async def bob_gets_text(w, names, called):
    await bob_receives(w, names, message=(w.folder / "note.txt").read_text())


async def from_bob(w, file: str, thumb: bytes | None = None, **options) -> dict:
    """A group with a file of Bob's; the bytes of it are kept on the world, for `loads`."""
    names, since = await bobs_group(w), len(w.run.lines)
    content = w.folder / file
    await w.bob.telethon.send_file(await bobs_way(w, names), content, thumb=thumb, **options)
    (heard,) = await w.run.hears("on_msg_receive", [{"src": {"id": w.ids["bob"]}, "media": {}}], since)
    w.sent_bytes = content.read_bytes() if thumb is None else thumb
    return {**names, "mid": heard["id"]}


async def photo_from_bob(w):
    return await from_bob(w, "photo.jpg")


async def video_from_bob(w):
    return await from_bob(w, "video.mp4")


async def audio_from_bob(w):
    return await from_bob(w, "audio.mp3")


async def document_from_bob(w):
    return await from_bob(w, "data.bin", force_document=True)


async def video_with_thumb(w):
    return await from_bob(w, "video.mp4", (w.folder / "photo.jpg").read_bytes())


async def document_with_thumb(w):
    return await from_bob(w, "data.bin", (w.folder / "photo.jpg").read_bytes(), force_document=True)


async def text_from_bob(w):
    """A message that carries no media."""
    names, since = await bobs_group(w), len(w.run.lines)
    await w.bob.telethon.send_message(await bobs_way(w, names), "no media here")
    (heard,) = await w.run.hears("on_msg_receive", [{"text": "no media here"}], since)
    return {**names, "mid": heard["id"]}


@test("an absolute path, of the guest's")
def guest_path(value):
    return isinstance(value, str) and value.startswith("/") and "/tmp/" not in value


async def file_is_what_bob_sent(w, names, called):
    """The script itself reads it: the path is one of the guest's."""
    answer = await w.snippet("open(path, 'rb').read().hex()", {"path": called[1]}, calls_back=False)
    check(bytes.fromhex(answer.returned) == w.sent_bytes, f"{called[1]} has other bytes")


def loads(name, given):
    """The rows of a function that loads a message's media."""
    fails = (
        flood("upload.getFile"),
        Failure("a message without media", "the message carries no photo and no file", given=text_from_bob),
    )
    wrong = Failure("no message", "TypeError: msg must be tgl.Msg", f"tgl.{name}(None, done)", refused=True)
    row = dict(
        signature="file_cb",
        given=given,
        gets=[True, guest_path],
        sees=file_is_what_bob_sent,
        tags={"callback": "required"},
    )
    return [
        Row(f"tgl.{name}", call=f"tgl.{name}(heard[mid], done)", fails=(*fails, wrong), **row),
        Row(f"msg.{name}", "Msg methods", call=f"heard[mid].{name}(done)", fails=fails, **row),
    ]


def bob_gets_media(kind, **parts):
    async def sees(w, names, called):
        received = await bob_receives_media(w, names, kind)
        for name, value in parts.items():
            check(getattr(received.media, name) == value, f"{name} is {getattr(received.media, name)!r}")

    return sees


async def bob_gets_point(w, names, called):
    received = await bob_receives_media(w, names, types.MessageMediaGeo)
    point = received.media.geo
    check(abs(point.lat - 52.5) < 1e-4 and abs(point.long - 13.25) < 1e-4, f"it is at {point.lat}, {point.long}")


async def bob_gets_media_again(w, names, called):
    received = await bob_receives_media(w, names, types.MessageMediaPhoto)
    check(received.fwd_from is None, "it names its author")
    check(await w.bob.telethon.download_media(received, bytes) == w.sent_bytes, "he got other bytes")


async def bob_sees_chat_photo(w, names, called):
    await bob_receives_action(w, names, types.MessageActionChatEditPhoto)
    chat = await w.bob.telethon.get_entity(of_bob(names))
    check(isinstance(chat.photo, types.ChatPhoto), f"the group's photo is {chat.photo}")


async def sues_photo(w) -> int:
    """Its id, as Bob sees it; 0 if she has none."""
    (sue,) = await w.bob(functions.users.GetUsersRequest([await w.bob.way_to(w.ids["sue"])]))
    return sue.photo.photo_id if isinstance(sue.photo, types.UserProfilePhoto) else 0


async def with_photo_of_before(w):
    return {**await people(w), "before": await sues_photo(w)}


async def bob_sees_profile_photo(w, names, called):
    check(await sues_photo(w) not in (0, names["before"]), "Sue has no new photo")


BASIC = [
    *(row for name in FILE_OF for row in sends(name)),
    *both(
        "send_text",
        "chat",
        "'note.txt', done",
        signature="msg_cb",
        given=group,
        gets=[
            True,
            {
                "is": "Msg",
                "out": True,
                "dest": {"id": "@chat"},
                "text": test("the file's text")(lambda text: text.startswith("two lines,\n")),
            },
        ],
        sees=bob_gets_text,
        fails=(
            flood("messages.sendMessage"),
            Failure("no such file", NO_FILE, "chat | 'missing.txt', done"),
            Failure("a path that is none", "TypeError: file must be str", "chat | None, done", refused=True),
        ),
    ),
    *both(
        "send_location",
        "chat",
        "52.5, 13.25, done",
        signature="msg_cb",
        given=group,
        gets=own(
            media={
                "type": "geo",
                "latitude": test("52.5")(lambda n: abs(n - 52.5) < 1e-4),
                "longitude": test("13.25")(lambda n: abs(n - 13.25) < 1e-4),
            }
        ),
        sees=bob_gets_point,
        fails=(
            flood("messages.sendMedia"),
            Failure("not a member of the group", "CHAT_WRITE_FORBIDDEN", given=left_group),
            Failure(
                "a latitude that is none",
                "TypeError: latitude must be float",
                "chat | '52.5', 13.25, done",
                refused=True,
            ),
        ),
        differs="Takes ints too: the original wanted floats",
    ),
    *both(
        "send_contact",
        "chat",
        "'9996640002', 'Bob', 'Builder', done",
        signature="msg_cb",
        given=group,
        gets=own(
            media={
                "type": "contact",
                "phone": "9996640002",
                "first_name": "Bob",
                "last_name": "Builder",
                "user_id": test("an int")(lambda n: type(n) is int),
            }
        ),
        sees=bob_gets_media(
            types.MessageMediaContact, phone_number="9996640002", first_name="Bob", last_name="Builder"
        ),
        fails=(
            flood("messages.sendMedia"),
            Failure("not a member of the group", "CHAT_WRITE_FORBIDDEN", given=left_group),
            Failure(
                "a phone that is no text", "TypeError: phone must be str", "chat | 5, 'Bob', '', done", refused=True
            ),
        ),
        method_differs="Works with and without a callback: in the original one never sent, the other never called back",
    ),
    *both(
        "fwd_media",
        "chat",
        "mid, done",
        signature="msg_cb",
        given=photo_from_bob,
        gets=own(media={"type": "photo"}, fwd_src=None),
        sees=bob_gets_media_again,
        fails=(
            flood("messages.sendMedia"),
            Failure("no such message", "this account knows no message 2000000000", "chat | 2000000000, done"),
            Failure("a message without media", "the message carries nothing but its text", given=text_from_bob),
            Failure("an id that is none", "TypeError: msg_id must be int", "chat | 'x', done", refused=True),
        ),
        method_differs="The original had it as `tgl.fwd_media` only",
    ),
    *loads("load_photo", photo_from_bob),
    *loads("load_video", video_from_bob),
    *loads("load_audio", audio_from_bob),
    *loads("load_document", document_from_bob),
    *loads("load_video_thumb", video_with_thumb),
    *loads("load_document_thumb", document_with_thumb),
    *both(
        "chat_set_photo",
        "chat",
        "'photo.jpg', done",
        signature="msg_cb",
        given=group,
        gets=[True, {"is": "Msg", "service": True, "action": 5}],
        sees=bob_sees_chat_photo,
        not_for_users="Only a chat peer can have its photo set",
        fails=(
            flood("messages.editChatPhoto"),
            Failure("no such file", NO_FILE, "chat | 'missing.jpg', done"),
            Failure("not a member of the group", "CHAT_WRITE_FORBIDDEN|CHAT_ADMIN_REQUIRED", given=left_group),
            Failure("a path that is none", "TypeError: file must be str", "chat | None, done", refused=True),
        ),
        differs="The callback gets what it takes: (success, msg), as the documentation promised, or (success), as the "
        "original gave. What takes both gets both",
    ),
    Row(
        "tgl.set_profile_photo",
        signature="empty_cb",
        given=with_photo_of_before,
        call="tgl.set_profile_photo('photo.jpg', done)",
        gets=[True],
        sees=bob_sees_profile_photo,
        fails=(
            flood("photos.uploadProfilePhoto"),
            Failure("no such file", NO_FILE, "tgl.set_profile_photo('missing.jpg', done)"),
            Failure(
                "a path that is none",
                "TypeError: file_path must be str",
                "tgl.set_profile_photo(None, done)",
                refused=True,
            ),
        ),
    ),
]

SENT = (
    "peer.send_photo",
    "peer.send_document",
    "peer.send_text",
    "peer.send_location",
    "peer.send_contact",
    "peer.fwd_media",
)

ROWS = [
    *BASIC,
    *(elsewhere(named(BASIC, name), "user") for name in SENT),
    *(elsewhere(named(BASIC, name), "supergroup") for name in SENT),
    *(
        elsewhere(named(BASIC, name), chat)
        for name in ("msg.load_photo", "msg.load_document")
        for chat in ("user", "supergroup")
    ),
    elsewhere(named(BASIC, "peer.chat_set_photo"), "supergroup", flood("channels.editPhoto")),
]
