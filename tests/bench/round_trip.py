"""Measures echo round trips: this Telethon client sends, a bot answers, all at one `tglhost dc`. Four bots take turns, message by
message, so that a busy moment of the machine meets each of them: a Python script and a Rust guest under `tglhost run`, the
script without a worker, and a Telethon program. Prints seconds per echo as JSON.

Use, in a network namespace of its own: unshare --net --map-root-user python round_trip.py TGLHOST DATA
"""
import asyncio
import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time

from telethon import events
from telethon.tl import functions, types

from telethon_login import log_in

HERE = os.path.dirname(os.path.abspath(__file__))
RUST_GUEST = os.path.join(HERE, "../../target/wasm32-wasip2/guest/echo_rust.wasm")
FEW = os.environ.get("TGLHOST_BENCH_SAMPLES")
ROUNDS, WARM_UP_ROUNDS = (int(FEW), 0) if FEW else (500, 50)
WAIT_S = 60
PYTHON_PHONE, RUST_PHONE, TELETHON_PHONE, OWN_PHONE = "9996610001", "9996610002", "9996610003", "9996610004"
ALONE_PHONE = "9996610005"


def loopback_up():
    """Brings the loopback interface of this namespace up."""
    flags_up_and_running, set_flags = 0x1 | 0x40, 0x8914
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sh", b"lo", flags_up_and_running))


class Program:
    """A process at work. What it writes to stderr is shown only if it ends before it should."""

    def __init__(self, arguments, given=""):
        self.stderr = tempfile.TemporaryFile("w+")
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(arguments, stdin=pipe, stdout=pipe, stderr=self.stderr, text=True)
        self.process.stdin.write(given)
        self.process.stdin.flush()

    def wait_for(self, word):
        """The first line of its output that contains a word."""
        for line in self.process.stdout:
            if word in line:
                return line
        self.stderr.seek(0)
        raise SystemExit(f"{self.process.args} ended before it said {word!r}:\n{self.stderr.read()}")

    def stop(self):
        self.process.terminate()
        self.process.wait()


async def measure(port, pem):
    client = await log_in(port, pem, OWN_PHONE, "Measurer")
    phones = {
        "tglhost_python": PYTHON_PHONE,
        "tglhost_rust": RUST_PHONE,
        "tglhost_alone": ALONE_PHONE,
        "telethon": TELETHON_PHONE,
    }
    cards = [types.InputPhoneContact(n, phone, name, "") for n, (name, phone) in enumerate(phones.items())]
    imported = await client(functions.contacts.ImportContactsRequest(cards))
    by_phone = {user.phone: user for user in imported.users}
    bots = {name: await client.get_input_entity(by_phone[phone]) for name, phone in phones.items()}
    awaited = {}

    @client.on(events.NewMessage(incoming=True))
    async def heard(event):
        if event.raw_text in awaited:
            awaited.pop(event.raw_text).set_result(time.perf_counter())

    samples = {name: [] for name in bots}
    names = list(bots)
    for n in range(WARM_UP_ROUNDS + ROUNDS):
        first = n % len(names)
        for name in names[first:] + names[:first]:
            text = f"echo {n} {name}"
            awaited[text] = answer = asyncio.get_running_loop().create_future()
            begun = time.perf_counter()
            await client.send_message(bots[name], text)
            ended = await asyncio.wait_for(answer, WAIT_S)
            if n >= WARM_UP_ROUNDS:
                samples[name].append(ended - begun)
    await client.disconnect()
    return samples


def main(tglhost, data):
    loopback_up()
    programs = []

    def start(arguments, word, given=""):
        programs.append(Program(arguments, given))
        return programs[-1].wait_for(word)

    try:
        centre = [tglhost, "dc", "--listen", "127.0.0.1:0", "--data", os.path.join(data, "dc")]
        ready = json.loads(start(centre, "ready"))
        address, pem = ready["address"], ready["rsa_public_key"]
        port = address.rsplit(":", 1)[1]
        python = os.path.join(HERE, "echo.py")
        scripts = {PYTHON_PHONE: (python, "process"), RUST_PHONE: (RUST_GUEST, "process"), ALONE_PHONE: (python, "none")}
        for phone, (script, isolation) in scripts.items():
            place = ["--json", "--data", os.path.join(data, phone), "--dc", address, "--dc-key", pem]
            place += ["--isolation", isolation]
            login = ["--phone", phone, "--code", phone[5] * 5]
            start([tglhost, "run", script, *place, *login], "connected", given="Echo\n")
        start([sys.executable, os.path.join(HERE, "telethon_echo.py"), port, pem, TELETHON_PHONE], "ready")
        print(json.dumps(asyncio.run(measure(int(port), pem))))
    finally:
        for program in reversed(programs):
            program.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
