"""A stock Telethon client, driven as chat.py says.

Of its own are three settings: "transport", one of full, intermediate, abridged, obfuscated; "qr", by which it logs in by QR
codes, each printed as {"event": "qr", "url"}, that the users it names do not accept; and "password", the second factor. Also a
field of each message, "forwarded_from", the user who wrote it first; and these commands:

    {"do": "send_file", PEER, "path", "as_document": bool}      {"event": "done", "id"}
    {"do": "load", PEER, "id", "path"}                          {"event": "done"}: writes the message's file there
    {"do": "mention", PEER, "who": user, "text"}                {"event": "done", "id"}
    {"do": "accept", "url"}                                     {"event": "done", "password_pending"}: another's QR code
    {"do": "set_password", "password"}                          {"event": "done"}
    {"do": "log_others_out"}                                    {"event": "done"}
"""
import asyncio
import base64

from telethon import TelegramClient, events, functions, types
from telethon.crypto import rsa
from telethon.errors import PhoneNumberUnoccupiedError, SessionPasswordNeededError
from telethon.network import connection
from telethon.sessions import MemorySession

import chat

TRANSPORTS = {
    "full": connection.ConnectionTcpFull,
    "intermediate": connection.ConnectionTcpIntermediate,
    "abridged": connection.ConnectionTcpAbridged,
    "obfuscated": connection.ConnectionTcpObfuscated,
}


def peer(user=None, chat=None, channel=None):
    if channel is not None:
        return types.PeerChannel(channel)
    return types.PeerUser(user) if chat is None else types.PeerChat(chat)


def told(message) -> dict:
    where = message.peer_id
    if isinstance(where, types.PeerChannel):
        place = {"channel": where.channel_id}
    elif isinstance(where, types.PeerChat):
        place = {"chat": where.chat_id}
    else:
        place = {"user": where.user_id}
    by = getattr(message.fwd_from, "from_id", None)
    common = chat.message(
        id=message.id,
        peer=place,
        sender=message.sender_id,
        text=message.raw_text,
        reply_to=message.reply_to.reply_to_msg_id if message.reply_to else None,
    )
    return {**common, "forwarded_from": getattr(by, "user_id", None)}


class Client:
    def __init__(self, settings: dict) -> None:
        self.settings = settings
        with open(settings["public_key"]) as pem:
            rsa.add_key(pem.read(), old=False)
        session = MemorySession()
        session.set_dc(settings["dc_id"], settings["host"], settings["port"])
        transport = TRANSPORTS[settings.get("transport", "full")]
        self.telethon = TelegramClient(session, 12345, "hash", connection=transport)
        self.telethon.add_event_handler(self.on_message, events.NewMessage(incoming=True))

    async def log_in(self) -> dict:
        phone, name = self.settings["phone"], self.settings["name"]
        await self.telethon.connect()
        if "qr" in self.settings:
            await self.log_in_by_qr()
            return await self.me()
        sent = await self.telethon.send_code_request(phone)
        try:
            await self.telethon.sign_in(phone, self.settings["code"])
        except PhoneNumberUnoccupiedError:
            # Telethon has no call of its own for this any more.
            sign_up = functions.auth.SignUpRequest(phone, sent.phone_code_hash, name, "")
            await self.telethon._on_login((await self.telethon(sign_up)).user)
        return await self.me()

    async def log_in_by_qr(self) -> None:
        qr = await self.telethon.qr_login(self.settings["qr"])
        while True:
            # It must listen before the code is accepted.
            accepted = asyncio.ensure_future(qr.wait())
            await asyncio.sleep(0)
            chat.tell("qr", url=qr.url)
            try:
                await accepted
            except asyncio.TimeoutError:
                await qr.recreate()
                continue
            except SessionPasswordNeededError:
                await self.telethon.sign_in(password=self.settings["password"])
            return

    async def me(self) -> dict:
        me = await self.telethon.get_me()
        return {"id": me.id, "name": me.first_name, "phone": me.phone}

    async def stop(self) -> None:
        await self.telethon.disconnect()

    async def on_message(self, event) -> None:
        chat.tell("message", **told(event.message))

    async def contact(self, phone: str, name: str) -> dict:
        contact = types.InputPhoneContact(client_id=0, phone=phone, first_name=name, last_name="")
        imported = await self.telethon(functions.contacts.ImportContactsRequest([contact]))
        return {"user": imported.imported[0].user_id}

    async def resolve(self, username: str) -> dict:
        return {"user": (await self.telethon.get_entity(username)).id}

    async def group(self, title: str, members: list) -> dict:
        created = await self.telethon(functions.messages.CreateChatRequest(members, title))
        return {"chat": created.updates.chats[0].id}

    async def supergroup(self, title: str, members: list) -> dict:
        created = await self.telethon(functions.channels.CreateChannelRequest(title, "", megagroup=True))
        channel = created.chats[0]
        await self.telethon(functions.channels.InviteToChannelRequest(channel, members))
        return {"channel": channel.id}

    async def link(self, channel: int) -> dict:
        return {"link": (await self.telethon(functions.messages.ExportChatInviteRequest(peer(channel=channel)))).link}

    async def join(self, link: str) -> dict:
        joined = await self.telethon(functions.messages.ImportChatInviteRequest(link.rsplit("+", 1)[1]))
        # Layers before 227 answer with the updates themselves.
        return {"channel": (joined if isinstance(joined, types.Updates) else joined.updates).chats[0].id}

    async def members(self, channel: int) -> dict:
        return {"members": [user.id for user in await self.telethon.get_participants(peer(channel=channel))]}

    async def promote(self, channel: int, user: int) -> dict:
        await self.telethon.edit_admin(peer(channel=channel), user, delete_messages=True, ban_users=True)
        return {}

    async def delete(self, channel: int, id: int) -> dict:
        await self.telethon.delete_messages(peer(channel=channel), [id])
        return {}

    async def ban(self, channel: int, user: int) -> dict:
        await self.telethon.edit_permissions(peer(channel=channel), user, view_messages=False)
        return {}

    async def send(self, text: str, reply_to=None, **to) -> dict:
        return {"id": (await self.telethon.send_message(peer(**to), text, reply_to=reply_to)).id}

    async def accept(self, url: str) -> dict:
        token = url.removeprefix("tg://login?token=")
        token = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        login = await self.telethon(functions.auth.AcceptLoginTokenRequest(token))
        return {"password_pending": bool(login.password_pending)}

    async def set_password(self, password: str) -> dict:
        await self.telethon.edit_2fa(new_password=password)
        return {}

    async def log_others_out(self) -> dict:
        await self.telethon(functions.auth.ResetAuthorizationsRequest())
        return {}

    async def send_file(self, path: str, as_document: bool, **to) -> dict:
        return {"id": (await self.telethon.send_file(peer(**to), path, force_document=as_document)).id}

    async def load(self, id: int, path: str, **of) -> dict:
        await self.telethon.download_media(await self.telethon.get_messages(peer(**of), ids=id), path)
        return {}

    async def mention(self, who: int, text: str, **to) -> dict:
        user = await self.telethon.get_input_entity(peer(user=who))
        entities = [types.InputMessageEntityMentionName(0, len(text), user)]
        return {"id": (await self.telethon.send_message(peer(**to), text, formatting_entities=entities)).id}

    async def history(self, limit: int, **of) -> dict:
        return {"messages": [told(message) async for message in self.telethon.iter_messages(peer(**of), limit)]}


if __name__ == "__main__":
    chat.run(Client)
