"""What the rows are tried in: a data centre, the script's account, and other accounts through stock Telethon.

`sue` is the account the script runs on; `w.twin` is a second session of hers. `bob` and `cat` are others whom she has in
her contacts, `dan` is a stranger to her, and the director gives the script its snippets (driver.py).
Invariant: what is waited for is bounded by WAIT_S, and each process ends with its world.
"""

import asyncio
import contextlib
import json
import os
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "interop"))

import media
import telethon_chat
from telethon import events, functions, types

from pattern import differs, short

WAIT_S = 40
START_S = 120
"""The first start on a machine compiles the Python runtime."""
LINE_BYTES_MAX = 1 << 24
PHONES = {
    "sue": "9996640001", "bob": "9996640002", "cat": "9996640003", "dan": "9996640004", "director": "9996640005",
    "lone": "9996640006",
}  # fmt: skip
NAMES = {"sue": "Sue", "bob": "Bob", "cat": "Cat", "dan": "Dan", "director": "Director", "lone": "Lone"}
USERNAMES = {"sue": "sue_writes", "bob": "bob_builds"}
CODE = "44444"


class Failed(Exception):
    """A row is not what it should be."""


class Person(telethon_chat.Client):
    """Somebody with a stock Telethon client. `updates` is everything that it was told."""

    def __init__(self, settings: dict) -> None:
        super().__init__(settings)
        self.updates, self.told = [], asyncio.Event()
        self.telethon.add_event_handler(self.on_update, events.Raw())

    async def on_message(self, event) -> None:
        pass

    async def on_update(self, update) -> None:
        self.updates.append(update)
        self.told.set()

    async def __call__(self, request):
        return await self.telethon(request)

    async def way_to(self, peer):
        """A peer as this client names it. Asked for at the server where no update has told of it yet."""
        try:
            return await self.telethon.get_input_entity(peer)
        except ValueError:
            await self.telethon.get_dialogs()
            return await self.telethon.get_input_entity(peer)

    async def sees(self, kind, test=lambda update: True, since=0):
        """The first update of a kind that passes the test, now or within WAIT_S."""
        return await first(
            self,
            "updates",
            lambda update: isinstance(update, kind) and test(update),
            since,
            f"{self.settings['name']} saw no {kind}",
        )

    async def receives(self, test, since=0):
        """The first message that passes the test."""
        kinds = (types.UpdateNewMessage, types.UpdateNewChannelMessage)
        found = await first(
            self,
            "updates",
            lambda update: isinstance(update, kinds) and test(update.message),
            since,
            f"{self.settings['name']} received no such message",
        )
        return found.message


async def first(source, field, test, since, complaint, wait_s=WAIT_S):
    """The first of a growing list that passes the test."""
    deadline = asyncio.get_running_loop().time() + wait_s
    while True:
        source.told.clear()
        list_ = getattr(source, field)
        for one in list_[since:]:
            if test(one):
                return one
        try:
            await asyncio.wait_for(source.told.wait(), deadline - asyncio.get_running_loop().time())
        except TimeoutError:
            raise Failed(f"{complaint}, only: {short([str(one) for one in list_[since:]][-12:], 4000)}") from None


class Run:
    """One `tglhost run` at work. `lines` is all that it said, in its order."""

    def __init__(self, process) -> None:
        self.process, self.lines, self.told = process, [], asyncio.Event()
        self.reading = asyncio.create_task(self.read(process.stdout))
        self.reading_notes = asyncio.create_task(self.read_notes(process.stderr))
        self.notes = []

    async def read(self, stream) -> None:
        while line := await stream.readline():
            said = json.loads(line)
            if said["kind"] == "print" and said["stream"] == "stdout":
                said = json.loads(said["text"]) if said["text"].startswith("{") else said
            self.lines.append(said)
            self.told.set()

    async def read_notes(self, stream) -> None:
        while line := await stream.readline():
            self.notes.append(line.decode())

    async def says(self, test, since=0, complaint="the script did not say it", wait_s=WAIT_S):
        return await first(self, "lines", test, since, complaint, wait_s)

    async def hears(self, event: str, args=..., since=0):
        """The arguments of the first event of this name that match."""
        is_it = lambda line: line.get("event") == event and (args is ... or not differs(args, line["args"]))
        return (await self.says(is_it, since, f"no {event} matches {short(args)}"))["args"]

    def printed(self, since=0) -> str:
        return "".join(line["text"] for line in self.lines[since:] if line.get("kind") == "print")

    def complaints(self, since: int) -> list:
        """What the script's author is told on stderr and in the log, since that line."""
        lines = self.lines[since:]
        return [
            line["text"]
            for line in lines
            if line.get("kind") in ("log", "load_failed")
            or (line.get("kind"), line.get("stream")) == ("print", "stderr")
        ]

    async def ends(self) -> int:
        code = await asyncio.wait_for(self.process.wait(), WAIT_S)
        await self.reading
        await self.reading_notes
        return code

    async def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()


class Answer:
    """What came of a snippet."""

    def __init__(self, returned, called) -> None:
        self.returned, self.called = returned, called


class World:
    def __init__(self, settings: dict) -> None:
        self.settings = settings
        self.directory = Path(settings["directory"])
        self.folder = self.directory / "script"
        self.commands = 0
        self.known = []
        self.made = {}
        self.chat = "group"
        self.runs = []

    async def gather(self) -> None:
        """Everybody logs in, and gets to know the others."""
        self.bob, self.cat, self.dan = [await self.person(name) for name in ("bob", "cat", "dan")]
        self.director = await self.person("director")
        await self.log_in("sue")
        self.twin = await self.person("sue")
        for name, username in USERNAMES.items():
            await (self.twin if name == "sue" else self.bob)(functions.account.UpdateUsernameRequest(username))
        self.ids = {name: person.id for name, person in self.people().items()}
        everyone = [self.twin, self.bob, self.cat, self.director]
        for owner in everyone:
            for other in everyone:
                if other is not owner:
                    await self.acquaint(owner, other)

    async def start(self) -> None:
        """Starts the script, which hears of Bob and Cat first."""
        self.folder.mkdir()
        for name in ("driver.py", "showing.py", "attributes.py"):
            shutil.copy(HERE / name, self.folder)
        for name, make in media.FILES.items():
            (self.folder / name).write_bytes(make())
        self.run = await self.start_run([self.folder / "driver.py"], "sue", [str(self.director.id)])
        is_up = lambda line: line.get("event") == "on_get_difference_end"
        await self.run.says(is_up, complaint="the script does not start", wait_s=START_S)
        for person in (self.bob, self.cat):
            await person.telethon.send_message(self.twin.id, "good morning")
            await self.run.hears("on_msg_receive", [{"src": {"id": person.id}}])
        self.sue_of_director = await self.director.way_to(self.twin.id)

    def people(self) -> dict:
        return {"sue": self.twin, "bob": self.bob, "cat": self.cat, "dan": self.dan, "director": self.director}

    async def stop(self) -> None:
        for run in self.runs:
            await run.stop()
        for person in self.known:
            await person.stop()

    async def person(self, name: str) -> Person:
        s = self.settings
        person = Person({**s, "phone": PHONES[name], "code": CODE, "name": NAMES[name]})
        self.known.append(person)
        person.id = (await person.log_in())["id"]
        return person

    async def lone(self, person: Person):
        """The user of the account `lone`, for somebody who writes to it."""
        if "lone" not in self.ids:
            contact = types.InputPhoneContact(client_id=0, phone=PHONES["lone"], first_name="Lone", last_name="")
            found = await self.bob(functions.contacts.ImportContactsRequest([contact]))
            self.ids["lone"] = found.users[0].id
        return await person.way_to(self.ids["lone"])

    async def acquaint(self, owner: Person, other: Person) -> None:
        phone, name = other.settings["phone"], other.settings["name"]
        contact = types.InputPhoneContact(client_id=0, phone=phone, first_name=name, last_name="")
        await owner(functions.contacts.ImportContactsRequest([contact]))
        owner.telethon.session.process_entities(await owner(functions.contacts.GetContactsRequest(0)))

    def command(self, *arguments: str) -> list:
        s = self.settings
        return [
            s["tglhost"],
            "--data",
            str(self.directory / "user"),
            *arguments,
            "--dc",
            f"{s['host']}:{s['port']}",
            "--dc-key",
            s["public_key"],
        ]

    async def log_in(self, name: str) -> None:
        """As an account of tglhost's."""
        command = self.command("login", name, "--phone", PHONES[name], "--code", CODE)
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe)
        _, errors = await asyncio.wait_for(process.communicate(f"{NAMES[name]}\n".encode()), WAIT_S)
        if process.returncode != 0:
            raise Failed(f"login {name}: {errors.decode()}")

    async def start_run(self, scripts: list, account: str, arguments=(), **environment: str) -> Run:
        command = self.command("run", "--allow", "raw=help.getNearestDc", *map(str, scripts), "--account", account, "--json")
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *command,
            "--",
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
            limit=LINE_BYTES_MAX,
            env={**os.environ, **environment},
        )
        self.runs.append(Run(process))
        return self.runs[-1]

    @contextlib.asynccontextmanager
    async def running(
        self, source: str, name: str = "alone.py", files: dict | None = None, also: tuple = (), **environment: str
    ):
        """A run of its own, on the account `lone`: of this source, beside these files, and also of some of them."""
        for path, content in {name: source, **(files or {})}.items():
            (self.folder / path).parent.mkdir(exist_ok=True)
            (self.folder / path).write_text(content)
        if not (self.directory / "user/accounts/lone").exists():
            await self.log_in("lone")
        run = await self.start_run([self.folder / one for one in (name, *also)], "lone", **environment)
        try:
            yield run
        finally:
            await run.stop()

    def fault(self, method: str, code: int, name: str) -> None:
        """The next call of the method fails with this error."""
        print(json.dumps({"fault": [method, code, name]}), flush=True)
        if json.loads(sys.stdin.readline()) != "done":
            raise Failed("the data centre takes no faults")

    async def direct(self, command: str, fault: tuple | None) -> None:
        """Sends the script a command, so that a fault does not meet the director's own call."""
        telethon = self.director.telethon
        if not fault:
            return await telethon.send_message(self.sue_of_director, command, parse_mode=None)
        if fault[0] == "messages.sendMessage":
            written = await telethon.send_message("me", command, parse_mode=None)
            self.fault(*fault)
            return await telethon.forward_messages(self.sue_of_director, written)
        self.fault(*fault)
        await telethon.send_message(self.sue_of_director, command, parse_mode=None)

    async def snippet(self, run: str, names: dict, calls_back: bool = True, fault: tuple | None = None) -> Answer:
        """Has the script run a snippet, and waits until its `done` is called if it will be. A fault is in place then."""
        self.commands += 1
        n, since = self.commands, len(self.run.lines)
        command = json.dumps({"n": n, "names": names, "run": run})
        await self.direct(command, fault)
        ours = lambda key: lambda line: line.get("n") == n and (key in line or "raised" in line)
        returned = await self.run.says(ours("returned"), since, f"{run}: it did not return")
        if "raised" in returned:
            raise Failed(f"{run}: raised {returned['raised']}: {returned['text']}")
        called = await self.run.says(ours("called"), since, f"{run}: its callback was not called") if calls_back else {}
        return Answer(returned["returned"], called.get("called"))
