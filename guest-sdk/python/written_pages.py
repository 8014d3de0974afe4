"""Has every instance of the Python component write at once, when it is made, to the pages of memory that any script writes to.

All scripts share the pages of the snapshot until they write to them. Most are read first, and then written to: that is two
faults for a page, and at the second every processor that runs scripts has to forget what it knew of it. A page that is written
to first costs one fault, and concerns nobody else. Which pages these are shows when the component runs a script: here, by the
system's account of them, which is Linux's own way. Where it tells of none the component stays as it is.

    python written_pages.py COMPONENT CONTRACT

changes the file in place; CONTRACT is the folder of the WIT files. Invariant: what is written is what is there already.
"""

import pathlib
import re
import struct
import sys
import tempfile
from typing import Any, Iterator

from wasmtime import Config, Engine, Store, WasiConfig
from wasmtime.component import Component, Linker, Record

from immortal import DATA, PAGE_BYTES, Memory
from libc import CODE, COMPONENT_MODULE, FUNCTION, FUNCTION_TYPE, IMPORT, PREAMBLE_BYTES, TYPE, Reader, constant, joined, sections, uleb

START = 8
"""The section of a module that names the function to be run when an instance is made."""

FIRST_BEHIND_START = 9
I32_STORE8 = b"\x3a\0\0"
PAGES_MAX = 1_000
"""A script writes to far fewer; more would be a fault of the account."""

PRESENT, OF_FILE = 1 << 63, 1 << 61
"""Of a page in the system's account: whether it is there, and whether it is still the file's, unwritten."""

ENTRY_BYTES = 8

SCRIPT = """
import tgl

def on_msg_receive(msg):
    if msg.text == "!ping" and not msg.out:
        msg.src.send_msg("pong")

tgl.set_on_msg_receive(on_msg_receive)
tgl.set_on_binlog_replay_end(lambda: print("ready"))
"""
PLACES = {"HOME": "/home", "PWD": "/script", "TMPDIR": "/home/tmp"}


def ignore(*_: object) -> None:
    """What the script asks its host for: to print."""


def functions_of(interface: str, contract: str) -> list[str]:
    """The names of an interface's functions, as the contract has them."""
    found = re.search(rf"^interface {interface} {{(.*?)^}}", contract, re.DOTALL | re.MULTILINE)
    return re.findall(r"^  ([a-z0-9-]+): func", found[1], re.MULTILINE) if found else []


def record(**fields: object) -> Record:
    """A record of the contract."""
    made = Record()
    for name, value in fields.items():
        setattr(made, name.replace("_", "-"), value)
    return made


def run(component: Component, engine: Engine, contract: str) -> Any:
    """Runs a common script: it is loaded, and hears of a message that is not for it. What keeps the instance is given back."""
    linker = Linker(engine)
    linker.add_wasip2()
    with linker.root() as root:
        for name in ("calls", "lookup", "host", "types"):
            with root.add_instance(f"tgl:script/{name}@0.1.0") as instance:
                for function in functions_of(name, contract):
                    instance.add_func(function, ignore)
    store, wasi = Store(engine), WasiConfig()
    wasi.env = PLACES.items()
    store.set_wasi(wasi)
    made = linker.instantiate(store, component)

    def call(interface: str, name: str, *arguments: object) -> None:
        place = component.get_export_index(name, component.get_export_index(f"tgl:script/{interface}@0.1.0"))
        failure = made.get_func(store, place)(store, *arguments)
        if failure is not None:
            raise SystemExit(f"the component cannot {name}: {failure}")

    user = record(kind="user", id=1)
    message = record(
        id=1, flags=set(), source=user, destination=user, text="hi", media=None, date=0, forward=None, reply_to=None,
        action="none",
    )  # fmt: skip
    call("interpreter", "load", SCRIPT, "/script/sample.py")
    call("callbacks", "on-our-id", 1)
    call("callbacks", "on-binlog-replay-end")
    call("callbacks", "on-message", message)
    return store, made


def written_pages(file: str) -> Iterator[int]:
    """The pages of a mapped file that this process has written to, by their place in the file's mapping."""
    for line in pathlib.Path("/proc/self/maps").read_text().splitlines():
        place, mode, _offset, _device, _node, *name = line.split(maxsplit=5)
        if not mode.startswith("rw") or name != [file]:
            continue
        first, last = (int(address, 16) // PAGE_BYTES for address in place.split("-"))
        with open("/proc/self/pagemap", "rb") as account:
            account.seek(first * ENTRY_BYTES)
            entries = struct.unpack(f"<{last - first}Q", account.read((last - first) * ENTRY_BYTES))
        yield from (page for page, entry in enumerate(entries) if entry & PRESENT and not entry & OF_FILE)


def pages_of_run(component: bytes, contract: str) -> list[int]:
    """The pages that are written to while a script runs, counted from the first that the component gives a content."""
    config = Config()
    config.wasm_component_model = True
    engine = Engine(config)
    with tempfile.TemporaryDirectory() as folder:
        # Of a file of its own, so that its memory is told from all else in this process.
        file = pathlib.Path(folder).resolve() / "component"
        file.write_bytes(Component(engine, component).serialize())
        kept = run(Component.deserialize_file(engine, str(file)), engine, contract)
        pages = list(written_pages(str(file)))
        del kept
    if len(pages) > PAGES_MAX:
        raise SystemExit(f"a script writes to {len(pages)} pages of the component's memory: fewer were expected")
    return pages


def writing(module: bytes, pages: list[int]) -> bytes:
    """A module that writes to these pages when an instance of it is made."""
    parts = list(sections(module))
    by_number = dict(parts)
    if START in by_number:
        raise SystemExit("the component's module runs something already when it starts")
    memory = Memory(by_number[DATA])
    addresses = [memory.first_page + page * PAGE_BYTES for page in pages]
    body = b"\0" + b"".join(constant(each) + constant(memory.byte(each)) + I32_STORE8 for each in addresses) + b"\x0b"
    types, functions = Reader(by_number[TYPE]).uleb(), Reader(by_number[FUNCTION]).uleb()
    imported = sum(function_type >= 0 for *_, function_type in Reader(by_number[IMPORT]).imports())
    more = {
        TYPE: bytes([FUNCTION_TYPE, 0, 0]),
        FUNCTION: uleb(types),
        CODE: uleb(len(body)) + body,
    }
    changed = [(number, with_one_more(part, more[number]) if number in more else part) for number, part in parts]
    place = next(place for place, (number, _) in enumerate(changed) if number >= FIRST_BEHIND_START)
    changed.insert(place, (START, uleb(imported + functions)))
    return joined(module[:PREAMBLE_BYTES], changed)


def with_one_more(section: bytes, entry: bytes) -> bytes:
    """A section with another entry at its end."""
    reader = Reader(section)
    count = reader.uleb()
    return uleb(count + 1) + section[reader.at :] + entry


def adapted(component: bytes, contract: str) -> bytes:
    """The component with its memory written to at once."""
    pages = pages_of_run(component, contract)
    parts = list(sections(component))
    for place, (number, part) in enumerate(parts):
        if number == COMPONENT_MODULE and DATA in dict(sections(part)):
            parts[place] = (number, writing(part, pages))
    return joined(component[:PREAMBLE_BYTES], parts)


if __name__ == "__main__":
    path, contract = map(pathlib.Path, sys.argv[1:])
    path.write_bytes(adapted(path.read_bytes(), (contract / "script.wit").read_text()))
