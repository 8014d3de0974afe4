"""Answers every incoming message with its own text, in plain Telethon: what round_trip.py measures tglhost against.

Use: telethon_echo.py PORT PEM PHONE
"""
import asyncio
import sys

from telethon import events

from telethon_login import log_in


async def main(port, pem, phone):
    client = await log_in(port, pem, phone, "Echo")

    @client.on(events.NewMessage(incoming=True))
    async def echo(event):
        await client.send_message(await event.get_input_sender(), event.raw_text)

    print("ready", flush=True)
    await client.run_until_disconnected()


asyncio.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
