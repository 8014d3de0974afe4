"""A stock kurigram client, driven as chat.py says.

Of its own are two settings, "directory", an empty one for its session file, and "token", with which it is a bot instead
of somebody with a phone number; an event, of which only bots hear,

    {"event": "member", "channel", "by": user, "user", "before": status?, "after": status?}

and a command:

    {"do": "count", PEER}                                       {"event": "done", "count"}
"""
import rsa
from pyrogram import Client as Kurigram
from pyrogram import filters, raw, types
from pyrogram.crypto import rsa as known_keys
from pyrogram.handlers import ChatMemberUpdatedHandler, MessageHandler
from pyrogram.session import Auth

import chat


def fingerprint(key: rsa.PublicKey) -> int:
    """Low 64 bits of the SHA-1 of the key in TL: https://core.telegram.org/mtproto/auth_key"""
    from hashlib import sha1

    from pyrogram.raw.core import Bytes

    numbers = (number.to_bytes((number.bit_length() + 7) // 8, "big") for number in (key.n, key.e))
    return int.from_bytes(sha1(b"".join(map(Bytes, numbers))).digest()[-8:], "little", signed=True)


# Channels' ids lie below this, basic groups' above.
CHANNELS = -1_000_000_000_000


def peer(user=None, chat=None, channel=None) -> int:
    if channel is not None:
        return CHANNELS - channel
    return user if chat is None else -chat


def told(message: types.Message) -> dict:
    where = message.chat.id
    if where < CHANNELS:
        place = {"channel": CHANNELS - where}
    else:
        place = {"chat": -where} if where < 0 else {"user": where}
    return chat.message(
        id=message.id,
        peer=place,
        sender=message.from_user and message.from_user.id,
        text=message.text,
        reply_to=message.reply_to_message_id,
    )


class Client:
    def __init__(self, settings: dict) -> None:
        self.settings = settings
        with open(settings["public_key"], "rb") as pem:
            key = rsa.PublicKey.load_pkcs1(pem.read())
        known_keys.server_public_keys[fingerprint(key)] = known_keys.PublicKey(m=key.n, e=key.e)
        self.kurigram = self.new_client()
        self.kurigram.add_handler(MessageHandler(self.on_message, filters.incoming))
        self.kurigram.add_handler(ChatMemberUpdatedHandler(self.on_member))

    def new_client(self) -> Kurigram:
        return Kurigram("session", api_id=12345, api_hash="hash", workdir=self.settings["directory"])

    async def log_in(self) -> dict:
        await self.make_session()
        await self.kurigram.start()
        me = self.kurigram.me
        return {"id": me.id, "name": me.first_name, "phone": me.phone_number}

    async def make_session(self) -> None:
        """Leaves a session file behind whose key was made and logged in at the data centre. kurigram takes another data
        centre's address from such a file only; user 0 says that nobody is logged in yet."""
        settings = self.settings
        client = self.new_client()
        storage = client.storage
        await storage.open()
        where = settings["dc_id"], settings["host"], settings["port"], False
        for field, value in zip((storage.dc_id, storage.server_address, storage.port, storage.test_mode), where):
            await field(value)
        await storage.api_id(12345)
        await storage.date(0)
        await storage.user_id(0)
        await storage.is_bot(False)
        await storage.auth_key(await Auth(client, *where).create())
        await storage.close()

        client = self.new_client()
        await client.connect()
        await self.sign_in(client)
        await client.disconnect()

    async def sign_in(self, client: Kurigram) -> None:
        settings = self.settings
        if "token" in settings:
            await client.sign_in_bot(settings["token"])
            return
        sent = await client.send_phone_number_code(settings["phone"])
        user = await client.sign_in(settings["phone"], sent.phone_code_hash, settings["code"])
        if not isinstance(user, types.User):
            await client.sign_up(settings["phone"], sent.phone_code_hash, settings["name"])

    async def stop(self) -> None:
        await self.kurigram.stop()

    async def on_message(self, _, message: types.Message) -> None:
        chat.tell("message", **told(message))

    async def on_member(self, _, changed: types.ChatMemberUpdated) -> None:
        before, after = changed.old_chat_member, changed.new_chat_member
        chat.tell(
            "member",
            channel=CHANNELS - changed.chat.id,
            by=changed.from_user.id,
            user=(after or before).user.id,
            before=before and before.status.name,
            after=after and after.status.name,
        )

    async def contact(self, phone: str, name: str) -> dict:
        imported = await self.kurigram.import_contacts([types.InputPhoneContact(phone, name)])
        return {"user": imported.users[0].id}

    async def resolve(self, username: str) -> dict:
        return {"user": (await self.kurigram.get_users(username)).id}

    async def group(self, title: str, members: list) -> dict:
        return {"chat": -(await self.kurigram.create_group(title, members)).id}

    async def supergroup(self, title: str, members: list) -> dict:
        made = await self.kurigram.create_supergroup(title)
        await self.kurigram.add_chat_members(made.id, members)
        return {"channel": CHANNELS - made.id}

    async def link(self, channel: int) -> dict:
        return {"link": await self.kurigram.export_chat_invite_link(peer(channel=channel))}

    async def join(self, link: str) -> dict:
        return {"channel": CHANNELS - (await self.kurigram.join_chat(link)).chat.id}

    async def members(self, channel: int) -> dict:
        found = self.kurigram.get_chat_members(peer(channel=channel))
        return {"members": [member.user.id async for member in found]}

    async def promote(self, channel: int, user: int) -> dict:
        rights = types.ChatPrivileges(can_delete_messages=True, can_restrict_members=True)
        await self.kurigram.promote_chat_member(peer(channel=channel), user, rights)
        return {}

    async def delete(self, channel: int, id: int) -> dict:
        await self.kurigram.delete_messages(peer(channel=channel), id)
        return {}

    async def ban(self, channel: int, user: int) -> dict:
        await self.kurigram.ban_chat_member(peer(channel=channel), user)
        return {}

    async def send(self, text: str, reply_to=None, **to) -> dict:
        reply = {} if reply_to is None else {"reply_parameters": types.ReplyParameters(message_id=reply_to)}
        return {"id": (await self.kurigram.send_message(peer(**to), text, **reply)).id}

    async def history(self, limit: int, **of) -> dict:
        return {"messages": [told(message) async for message in self.kurigram.get_chat_history(peer(**of), limit)]}

    async def count(self, **of) -> dict:
        return {"count": await self.kurigram.get_chat_history_count(peer(**of))}


if __name__ == "__main__":
    chat.run(Client)
