"""Measures how fast a file goes to one `tglhost dc` and comes from it: by Telethon with its compiled crypto, and by the host's
own account, in turns. Prints seconds per transfer as JSON.

Use, in a network namespace of its own: unshare --net --map-root-user python transfers.py TGLHOST CLIENT DATA
CLIENT is a program that takes ADDRESS PEM DATA FILE, and for each line of its input sends and loads the file and prints the
seconds of both.
"""
import asyncio
import json
import os
import sys
import time

import cryptg  # Without it Telethon would be far slower, silently.
from telethon.tl import types

from round_trip import FEW, Program, loopback_up
from telethon_login import log_in

ROUNDS, WARM_UP_ROUNDS = (min(int(FEW), 5), 0) if FEW else (5, 1)
FILE_BYTES = (1 if FEW else 64) << 20
PHONE = "9996610005"


async def measure(port, pem, path, host):
    client = await log_in(port, pem, PHONE, "Telethon")
    samples = {"telethon_up": [], "telethon_down": [], "tglhost_up": [], "tglhost_down": []}
    copy = path + ".copy"
    for n in range(WARM_UP_ROUNDS + ROUNDS):
        begun = time.perf_counter()
        message = await client.send_file("me", path, force_document=True)
        sent = time.perf_counter()
        await client.download_media(message, copy)
        loaded = time.perf_counter()
        with open(path, "rb") as one, open(copy, "rb") as other:
            assert one.read() == other.read()
        os.remove(copy)
        host.process.stdin.write("go\n")
        host.process.stdin.flush()
        up, down = json.loads(host.wait_for("["))
        if n >= WARM_UP_ROUNDS:
            for name, seconds in zip(samples, (sent - begun, loaded - sent, up, down)):
                samples[name].append(seconds)
    await client.disconnect()
    return samples


def main(tglhost, client, data):
    assert cryptg.encrypt_ige
    loopback_up()
    programs = []
    path = os.path.join(data, "file.bin")
    with open(path, "wb") as file:
        file.write(os.urandom(FILE_BYTES))
    try:
        centre = [tglhost, "dc", "--listen", "127.0.0.1:0", "--data", os.path.join(data, "dc")]
        programs.append(Program(centre))
        ready = json.loads(programs[-1].wait_for("ready"))
        address, pem = ready["address"], ready["rsa_public_key"]
        programs.append(Program([client, address, pem, os.path.join(data, "account"), path]))
        print(json.dumps(asyncio.run(measure(int(address.rsplit(":", 1)[1]), pem, path, programs[-1]))))
    finally:
        for program in reversed(programs):
            program.stop()


main(*sys.argv[1:])
