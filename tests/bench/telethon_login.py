"""Logs a Telethon client in at `tglhost dc`, signed up first where the number is new."""
from telethon import TelegramClient, errors
from telethon.crypto import rsa
from telethon.network.connection import ConnectionTcpFull
from telethon.sessions import MemorySession
from telethon.tl import functions

DC_ID = 2
API_ID, API_HASH = 12345, "0123456789abcdef0123456789abcdef"


async def log_in(port, pem, phone, first_name):
    """A connected client. Test numbers are 99966XYYYY, and their code is X five times."""
    with open(pem) as file:
        rsa.add_key(file.read(), old=False)
    session = MemorySession()
    session.set_dc(DC_ID, "127.0.0.1", port)
    client = TelegramClient(session, API_ID, API_HASH, connection=ConnectionTcpFull)
    await client.connect()
    sent = await client.send_code_request(phone)
    try:
        await client.sign_in(phone, phone[5] * 5, phone_code_hash=sent.phone_code_hash)
    except errors.PhoneNumberUnoccupiedError:
        # Telethon itself signs nobody up any more.
        authorization = await client(functions.auth.SignUpRequest(phone, sent.phone_code_hash, first_name, ""))
        await client._on_login(authorization.user)
    return client
