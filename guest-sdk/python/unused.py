"""Takes out of the modules of the Python component what they export and nobody in it imports.

They are libraries made for whoever links them, with thousands of functions. wasmtime reads the name of each export at every
start, and makes each function callable from outside when it compiles.

    python unused.py COMPONENT

changes the file in place. Invariant: nothing but exports is taken out; where something is not found as expected the build
ends.
"""

import pathlib
import sys

from libc import COMPONENT_MODULE, EXPORT, IMPORT, PREAMBLE_BYTES, Reader, joined, sections, uleb

COMPONENT_INSTANCES, COMPONENT_ALIASES = 2, 6
"""Sections of a component: its instances of modules, and the names that it gives to what these export."""

OF_MODULE, OF_NAMES = 0, 1
"""What an instance is made of."""

CORE = 0
INSTANCE_EXPORT, CORE_INSTANCE_EXPORT = 0, 1
"""What an alias may be of; else it is of something around the component."""


class Exports:
    """What the instances of a component's modules export, and which of it is used."""

    def __init__(self) -> None:
        self.used: list[set[str]] = []
        """For each module."""
        self._imports: list[list[tuple[str, str]]] = []
        self._modules: list[int | None] = []
        """For each instance the number of its module."""

    def add_module(self, module: bytes) -> None:
        """The next module."""
        self.used.append(set())
        reader = Reader(dict(sections(module)).get(IMPORT, b"\0"))
        self._imports.append([(of, name) for of, name, _ in reader.imports()])

    def add_instances(self, reader: Reader) -> None:
        """The next instances, which use what others export."""
        for _ in range(reader.uleb()):
            kind = reader.byte()
            if kind == OF_MODULE:
                self._add_instance(reader)
            elif kind == OF_NAMES:
                for _ in range(reader.uleb()):
                    reader.name(), reader.byte(), reader.uleb()
                self._modules.append(None)
            else:
                raise SystemExit(f"an instance of kind {kind}")

    def _add_instance(self, reader: Reader) -> None:
        module, arguments = reader.uleb(), {}
        for _ in range(reader.uleb()):
            name, _kind, arguments[name] = reader.name(), reader.byte(), reader.uleb()
        for of, name in self._imports[module]:
            self._use(arguments[of], name)
        self._modules.append(module)

    def add_aliases(self, reader: Reader) -> None:
        """What the component itself uses."""
        for _ in range(reader.uleb()):
            if reader.byte() == CORE:
                reader.byte()
            kind, instance = reader.byte(), reader.uleb()
            if kind == CORE_INSTANCE_EXPORT:
                self._use(instance, reader.name())
            elif kind == INSTANCE_EXPORT:
                reader.name()
            else:
                reader.uleb()

    def _use(self, instance: int, name: str) -> None:
        module = self._modules[instance]
        if module is not None:
            self.used[module].add(name)


def without_unused(module: bytes, used: set[str]) -> bytes:
    """A module without the exports that are not used."""
    parts = list(sections(module))
    for place, (number, part) in enumerate(parts):
        if number == EXPORT:
            reader, kept = Reader(part), []
            for _ in range(reader.uleb()):
                begin = reader.at
                name, _kind, _number = reader.name(), reader.byte(), reader.uleb()
                if name in used:
                    kept.append(part[begin : reader.at])
            if len(kept) != len(used):
                raise SystemExit("something is used that no module exports")
            parts[place] = (number, uleb(len(kept)) + b"".join(kept))
    return joined(module[:PREAMBLE_BYTES], parts)


def adapted(component: bytes) -> bytes:
    """The component without unused exports."""
    exports, parts = Exports(), list(sections(component))
    for number, part in parts:
        if number == COMPONENT_MODULE:
            exports.add_module(part)
        elif number == COMPONENT_INSTANCES:
            exports.add_instances(Reader(part))
        elif number == COMPONENT_ALIASES:
            exports.add_aliases(Reader(part))
    modules = iter(exports.used)
    return joined(
        component[:PREAMBLE_BYTES],
        [(number, without_unused(part, next(modules)) if number == COMPONENT_MODULE else part) for number, part in parts],
    )


if __name__ == "__main__":
    path = pathlib.Path(sys.argv[1])
    path.write_bytes(adapted(path.read_bytes()))
