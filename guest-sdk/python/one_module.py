"""Makes one module of those that the Python component is made of.

They are libraries, linked anew at every start: each looks up hundreds of functions of the others, puts its own into a table that
all share, and calls another's through two pointers. In one module this is done once, at build time: functions are called by
their number, the table and what a library learns of another's addresses are constants, and what nobody calls is left out.

    python one_module.py COMPONENT

changes the file in place. What stands between the component and what it imports (the linker's shim and fix-up) stays apart,
since it is made before and after the memory. Invariant: only what is known to be the same for ever becomes a constant; where
something is not found as expected the build ends.
"""

import itertools
import pathlib
import re
import sys
from typing import Iterable, Iterator, NamedTuple

from libc import CODE, COMPONENT_MODULE, CUSTOM, EXPORT, FUNCTION, FUNCTION_NAMES, FUNCTION_TYPE, IMPORT, PREAMBLE_BYTES, TYPE
from libc import Reader, constant, joined, sections, sleb, uleb

TABLE, MEMORY, GLOBAL, START, ELEMENTS, DATA = 4, 5, 6, 8, 9, 11
"""More sections of a module."""

NOTHING = b"\0"
"""A section without an entry."""

CORE_INSTANCES, CORE_TYPES, ALIASES, CANONICAL, COMPONENT_START = 2, 3, 6, 8, 9
"""Sections of a component that name parts of its modules."""

FUNC, TABLES, MEMORIES, GLOBALS = range(4)
"""What modules import and export."""

FROM_MODULE, FROM_PARTS = 0, 1
"""What an instance is made of."""

OF_MODULES = 0
OF_INSTANCE, OF_CORE_INSTANCE, OF_OUTER = 0, 1, 2
"""What an alias is for, and of what."""

CORE_INSTANCE = 0x12
LIFT, LOWER, RESOURCE_NEW, RESOURCE_DROP, RESOURCE_REP = range(5)
OPTION_MEMORY, OPTION_REALLOC, OPTION_POST_RETURN = 3, 4, 5
OPTIONS_PLAIN = (0, 1, 2)
"""How strings are encoded."""

I32_CONSTANT, BRANCH_TABLE, CALL, CALL_INDIRECT, GLOBAL_GET, GLOBAL_SET = 0x41, 0x0E, 0x10, 0x11, 0x23, 0x24
BLOCKS = (0x02, 0x03, 0x04)
I32_ADD = 0x6A
I32 = 0x7F
END = b"\x0b"
FUNCTION_REFERENCE = 0x70

MODULE_PREAMBLE = b"\0asm\1\0\0\0"
MEMORY_NAME = "memory"

NUMBER = rb"[\x80-\xff]*[\x00-\x7f]"
VALUE_TYPE = rb"[\x6f\x70\x7c-\x7f]"
SAME = re.compile(
    rb"(?:[\x00\x01\x05\x0b\x0f\x1a\x1b\x45-\xc4]"  # no operands
    rb"|[\x02-\x04](?:\x40|" + VALUE_TYPE + rb")"  # a block
    rb"|[\x0c\x0d\x20-\x22\x41\x42]" + NUMBER  # a branch, a local, a constant
    + rb"|[\x28-\x3e][\x00-\x3f]" + NUMBER  # a load, a store
    + rb"|[\x3f\x40]\x00|\xfc[\x00-\x07]|\xfc\x0a\x00\x00|\xfc\x0b\x00"  # what concerns the one memory
    + rb"|\x43.{4}|\x44.{8})+",
    re.DOTALL,
)  # fmt: skip
"""Instructions that are the same in another module: they name nothing by its number."""

TRAMPOLINE = re.compile(rb"\x00((?:\x20" + NUMBER + rb")*)\x41(" + NUMBER + rb")\x11(" + NUMBER + rb")\x00\x0b", re.DOTALL)
"""The body of a function that calls another by its place in the table: its arguments, the place, and the type."""


class Own(NamedTuple):
    """A part of a module that becomes one with others."""

    instance: int
    kind: int
    number: int


class Outer(NamedTuple):
    """What such a module gets from outside: a function of the component, or of an instance that stays apart."""

    instance: int | None
    """One that stays apart, else the component."""
    kind: int
    name: str


Part = Own | Outer


class Library:
    """A module, taken apart."""

    def __init__(self, data: bytes) -> None:
        self.source = data
        parts = {number: part for number, part in sections(data) if number != CUSTOM}
        if START in parts:
            raise SystemExit("a module of the component runs something when it starts")

        def read(number: int) -> Reader:
            return Reader(parts.get(number, NOTHING))

        self.types = list(_types(read(TYPE)))
        self.imports: list[list[tuple[str, str]]] = [[], [], [], []]
        self.function_types: list[int] = []
        for of, name, kind, function_type in read(IMPORT).imports():
            self.imports[kind].append((of, name))
            self.function_types.extend([function_type] if kind == FUNC else [])
        functions, code = read(FUNCTION), read(CODE)
        self.function_types.extend(functions.uleb() for _ in range(functions.uleb()))
        self.bodies = [code.bytes() for _ in range(code.uleb())]
        self.globals = list(_globals(read(GLOBAL)))
        self.exports = dict(_exports(read(EXPORT)))
        self.elements = list(_elements(read(ELEMENTS)))
        self.tables, self.memories, self.data = (parts.get(number, NOTHING) for number in (TABLE, MEMORY, DATA))
        self.names = dict(_names(data))

    @property
    def stays_apart(self) -> bool:
        """Whether it has a table, but no memory: the linker's shim, and what fills its table later."""
        has_table, has_memory = self.tables != NOTHING or self.imports[TABLES], self.memories != NOTHING or self.imports[MEMORIES]
        return bool(has_table and not has_memory)


def _types(reader: Reader) -> Iterator[bytes]:
    for _ in range(reader.uleb()):
        begin = reader.at
        if reader.byte() != FUNCTION_TYPE:
            raise SystemExit("a type that is no function's")
        reader.bytes(), reader.bytes()
        yield reader.data[begin : reader.at]


def _expression(reader: Reader) -> bytes:
    """The instructions that give a first value or an address."""
    begin = reader.at
    while (code := reader.byte()) != END[0]:
        if code in (I32_CONSTANT, GLOBAL_GET):
            reader.sleb()
        elif code != I32_ADD:
            raise SystemExit(f"a first value by instruction {code:#x}")
    return reader.data[begin : reader.at - 1]


def _globals(reader: Reader) -> Iterator[tuple[bytes, bytes]]:
    """Their types and first values."""
    for _ in range(reader.uleb()):
        kind = bytes([reader.byte(), reader.byte()])
        if kind[0] != I32:
            raise SystemExit("a global variable that is no i32")
        yield kind, _expression(reader)


def _exports(reader: Reader) -> Iterator[tuple[str, tuple[int, int]]]:
    for _ in range(reader.uleb()):
        yield reader.name(), (reader.byte(), reader.uleb())


def _elements(reader: Reader) -> Iterator[tuple[bytes, list[int]]]:
    """Where functions lie in the table, and which."""
    for _ in range(reader.uleb()):
        kind = reader.uleb()
        if kind not in (0, 2) or (kind == 2 and reader.uleb() != 0):
            raise SystemExit("a table is filled in another way than expected")
        place = _expression(reader)
        if kind == 2 and reader.byte() != 0:
            raise SystemExit("a table is filled with other than functions")
        yield place, [reader.uleb() for _ in range(reader.uleb())]


def _names(data: bytes) -> Iterator[tuple[int, str]]:
    """The names of functions, for whoever looks for what they cost."""
    for number, part in sections(data):
        reader = Reader(part)
        if number != CUSTOM or reader.name() != "name":
            continue
        while reader.at < len(part):
            kind, content = reader.byte(), Reader(reader.bytes())
            for _ in range(content.uleb() if kind == FUNCTION_NAMES else 0):
                yield content.uleb(), content.name()


class Graph:
    """The component's modules, and who gets what from whom."""

    def __init__(self) -> None:
        self.libraries: list[Library] = []
        self.instances: list[tuple[Library, dict[str, int]] | dict[str, tuple[int, int]]] = []
        """A module with the instances that it imports from, or parts by their names."""
        self._parts: list[list[tuple[int, str] | Outer]] = [[], [], [], []]
        """What the component numbers, by kind."""

    def add_instances(self, reader: Reader) -> None:
        """The next instances."""
        for _ in range(reader.uleb()):
            if reader.byte() == FROM_MODULE:
                library, arguments = self.libraries[reader.uleb()], {}
                for _ in range(reader.uleb()):
                    name, _kind, arguments[name] = reader.name(), reader.byte(), reader.uleb()
                self.instances.append((library, arguments))
            else:
                named = {}
                for _ in range(reader.uleb()):
                    name = reader.name()
                    named[name] = (reader.byte(), reader.uleb())
                self.instances.append(named)

    def add_alias(self, kind: int, instance: int, name: str) -> None:
        """The next part of this kind is what an instance exports."""
        self._parts[kind].append((instance, name))

    def add_function(self) -> Outer:
        """The next function is the component's."""
        function = Outer(None, FUNC, str(len(self._parts[FUNC])))
        self._parts[FUNC].append(function)
        return function

    def part(self, kind: int, number: int) -> Part:
        """What the component has given this number."""
        found = self._parts[kind][number]
        return found if isinstance(found, Outer) else self._export(*found)

    def _export(self, instance: int, name: str) -> Part:
        exporter = self.instances[instance]
        if isinstance(exporter, dict):
            return self.part(*exporter[name])
        if exporter[0].stays_apart:
            return Outer(instance, exporter[0].exports[name][0], name)
        return self.inside(instance, *exporter[0].exports[name])

    def inside(self, instance: int, kind: int, number: int) -> Part:
        """What a module has given this number."""
        library, arguments = self.instances[instance]
        if number < len(library.imports[kind]):
            of, name = library.imports[kind][number]
            return self._export(arguments[of], name)
        return Own(instance, kind, number - len(library.imports[kind]))

    @property
    def merged(self) -> Iterator[tuple[int, Library]]:
        """The instances that become one."""
        for number, each in enumerate(self.instances):
            if not isinstance(each, dict) and not each[0].stays_apart:
                yield number, each[0]


class Merged:
    """The one module."""

    def __init__(self, graph: Graph, needed: set[Own]) -> None:
        self._graph, self._needed = graph, sorted(needed)
        self._types: dict[bytes, int] = {}
        self.outer: dict[Outer, int] = {}
        """The functions that it imports, with their types."""
        self._owner = next(library for _, library in graph.merged if library.memories != NOTHING)
        self._table = self._functions_of_table()
        self._set: set[Own] = set()
        self._bodies: dict[Own, list[bytes | tuple[int, Part]]] = {}
        waiting = [*needed, *(function for function in self._table if isinstance(function, Own))]
        while waiting:
            function = waiting.pop()
            if function not in self._bodies:
                self._bodies[function] = body = list(self._instructions(function))
                uses = [each for each in body if isinstance(each, tuple)]
                self._set.update(part for code, part in uses if code == GLOBAL_SET)
                waiting.extend(part for code, part in uses if code == CALL and isinstance(part, Own))
        called = (*self.outer, *sorted(self._bodies))
        self._functions = {function: number for number, function in enumerate(called)}
        self._globals = {each: number for number, each in enumerate(sorted(self._set))}

    def _functions_of_table(self) -> list[Part | None]:
        reader = Reader(self._owner.tables)
        if (reader.uleb(), reader.byte(), reader.byte()) != (1, FUNCTION_REFERENCE, 0):
            raise SystemExit("the component's table is not as expected")
        table: list[Part | None] = [None] * reader.uleb()
        for instance, library in self._graph.merged:
            for place, functions in library.elements:
                first = self._value(instance, place)
                table[first : first + len(functions)] = [self._function(instance, number) for number in functions]
        return table

    def _value(self, instance: int, expression: bytes) -> int:
        """A first value, which may be made of others'."""
        reader, values = Reader(expression), []
        while reader.at < len(expression):
            code = reader.byte()
            if code == I32_CONSTANT:
                values.append(reader.sleb())
            elif code == GLOBAL_GET:
                values.append(self._first_value(self._graph.inside(instance, GLOBALS, reader.uleb())))
            else:
                values.append(values.pop() + values.pop())
        (value,) = values
        return (value + 2**31) % 2**32 - 2**31

    def _first_value(self, part: Part) -> int:
        library, _ = self._graph.instances[part.instance]
        return self._value(part.instance, library.globals[part.number][1])

    def _function(self, instance: int, number: int) -> Part:
        """What a module calls by this number."""
        part = self._graph.inside(instance, FUNC, number)
        if isinstance(part, Outer) and part not in self.outer:
            library, _ = self._graph.instances[instance]
            self.outer[part] = self._type(library, library.function_types[number])
        return part

    def _called(self, instance: int, number: int) -> Part:
        """The same; a function that only calls another one by its place in the table is passed over."""
        part = self._function(instance, number)
        while isinstance(part, Own) and (target := self._passed_on_to(part)):
            part = target
        return part

    def _passed_on_to(self, function: Own) -> Part | None:
        """The function that this one only hands its arguments to."""
        library, _ = self._graph.instances[function.instance]
        by_place = TRAMPOLINE.fullmatch(library.bodies[function.number])
        if not by_place:
            return None
        kind = library.types[library.function_types[len(library.imports[FUNC]) + function.number]]
        arguments = b"".join(b"\x20" + uleb(number) for number in range(Reader(kind, 1).uleb()))
        if by_place[1] != arguments or library.types[Reader(by_place[3]).uleb()] != kind:
            return None
        return self._table[Reader(by_place[2]).sleb()]

    def _type(self, library: Library, number: int) -> int:
        return self._types.setdefault(library.types[number], len(self._types))

    def _type_of(self, function: Own) -> int:
        library, _ = self._graph.instances[function.instance]
        return self._type(library, library.function_types[len(library.imports[FUNC]) + function.number])

    def _instructions(self, function: Own) -> Iterator[bytes | tuple[int, Part]]:
        """A function's body: what stays as it is, and instructions with what they use."""
        instance = function.instance
        library, _ = self._graph.instances[instance]
        reader = Reader(library.bodies[function.number])
        for _ in range(reader.uleb()):
            reader.uleb(), reader.byte()
        yield reader.data[: reader.at]
        while reader.at < len(reader.data):
            if same := SAME.match(reader.data, reader.at):
                reader.at = same.end()
                yield same[0]
                continue
            begin, code = reader.at, reader.byte()
            if code == CALL:
                yield code, self._called(instance, reader.uleb())
            elif code in (GLOBAL_GET, GLOBAL_SET):
                yield code, self._graph.inside(instance, GLOBALS, reader.uleb())
            elif code in BLOCKS:
                yield bytes([code]) + sleb(self._type(library, reader.uleb()))
            elif code == CALL_INDIRECT:
                yield bytes([code]) + uleb(self._type(library, reader.uleb())) + uleb(reader.uleb())
            elif code == BRANCH_TABLE:
                for _ in range(reader.uleb() + 1):
                    reader.uleb()
                yield reader.data[begin : reader.at]
            else:
                raise SystemExit(f"an instruction {code:#x} that was not expected")

    def _code(self, function: Own) -> bytes:
        out = b"".join(each if isinstance(each, bytes) else self._use(*each) for each in self._bodies[function])
        return uleb(len(out)) + out

    def _use(self, code: int, part: Part) -> bytes:
        if code == CALL:
            return bytes([code]) + uleb(self._functions[part])
        if part not in self._set:
            return constant(self._first_value(part))
        return bytes([code]) + uleb(self._globals[part])

    def data(self) -> bytes:
        """It in WebAssembly's format."""
        types = [self._type_of(function) for function in sorted(self._bodies)]
        imports = [text("") + text(str(n)) + bytes([FUNC]) + uleb(kind) for n, kind in enumerate(self.outer.values())]
        exports = [text(function_name(each)) + bytes([FUNC]) + uleb(self._functions[each]) for each in self._needed]
        exports.append(text(MEMORY_NAME) + bytes([MEMORIES, 0]))
        parts = [
            (TYPE, vector(self._types)),
            (IMPORT, vector(imports)),
            (FUNCTION, vector(map(uleb, types))),
            (TABLE, self._owner.tables),
            (MEMORY, self._owner.memories),
            (GLOBAL, vector(self._first_value_with_type(each) for each in sorted(self._set))),
            (EXPORT, vector(exports)),
            (ELEMENTS, vector(self._elements())),
            (CODE, vector(self._code(function) for function in sorted(self._bodies))),
            (DATA, self._owner.data),
            (CUSTOM, text("name") + bytes([FUNCTION_NAMES]) + sized(vector(self._names()))),
        ]
        return joined(MODULE_PREAMBLE, parts)

    def _first_value_with_type(self, each: Own) -> bytes:
        library, _ = self._graph.instances[each.instance]
        return library.globals[each.number][0] + constant(self._first_value(each)) + END

    def _elements(self) -> Iterator[bytes]:
        """The table's content, by runs without an empty place."""
        for is_empty, run in itertools.groupby(enumerate(self._table), lambda each: each[1] is None):
            if not is_empty:
                places = list(run)
                functions = vector(uleb(self._functions[function]) for _, function in places)
                yield b"\0" + constant(places[0][0]) + END + functions

    def _names(self) -> Iterator[bytes]:
        for function in sorted(self._bodies):
            library, _ = self._graph.instances[function.instance]
            if name := library.names.get(len(library.imports[FUNC]) + function.number):
                yield uleb(self._functions[function]) + text(name)


def vector(items: Iterable[bytes]) -> bytes:
    items = list(items)
    return uleb(len(items)) + b"".join(items)


def sized(content: bytes) -> bytes:
    return uleb(len(content)) + content


def text(name: str) -> bytes:
    return sized(name.encode())


def function_name(function: Own) -> str:
    """What it is exported as."""
    return f"{function.instance}.{function.number}"


class Kept(NamedTuple):
    """What stays as it is: a section, or an entry of one."""

    section: int
    content: bytes


class Instance(NamedTuple):
    """An instance of a module, by its number."""

    number: int


class Canon(NamedTuple):
    """What leads a call into the component or out of it."""

    pieces: list[bytes | Part]
    function: Outer | None
    """What the modules know it as, if it leads out."""


Item = Kept | Instance | Canon


class Taken:
    """A component, taken apart."""

    def __init__(self, component: bytes) -> None:
        self.graph = Graph()
        self.items: list[Item] = []
        for number, part in sections(component):
            reader = Reader(part)
            if number == COMPONENT_MODULE:
                self.graph.libraries.append(Library(part))
            elif number == CORE_INSTANCES:
                first = len(self.graph.instances)
                self.graph.add_instances(reader)
                self.items.extend(map(Instance, range(first, len(self.graph.instances))))
            elif number == ALIASES:
                self.items.extend(self._aliases(reader))
            elif number == CANONICAL:
                self.items.extend(self._canon(reader) for _ in range(reader.uleb()))
            elif number in (CORE_TYPES, COMPONENT_START):
                raise SystemExit(f"the component has a section {number}")
            elif number != CUSTOM or reader.name() != "component-name":
                self.items.append(Kept(number, part))

    def _aliases(self, reader: Reader) -> Iterator[Item]:
        for _ in range(reader.uleb()):
            begin, kind = reader.at, reader.byte()
            kind_of_part = reader.byte() if kind == OF_MODULES else None
            source = reader.byte()
            if source == OF_CORE_INSTANCE:
                self.graph.add_alias(kind_of_part, reader.uleb(), reader.name())
                continue
            if kind_of_part is not None:
                raise SystemExit("the component takes a part of a module from elsewhere")
            if source == OF_INSTANCE:
                reader.uleb(), reader.name()
            else:
                reader.uleb(), reader.uleb()
            yield Kept(ALIASES, uleb(1) + reader.data[begin : reader.at])

    def _canon(self, reader: Reader) -> Canon:
        begin, kind = reader.at, reader.byte()
        pieces: list[bytes | Part] = []
        if kind == LIFT:
            pieces += [bytes([kind, reader.byte()]), self.graph.part(FUNC, reader.uleb())]
            pieces += [*self._options(reader), uleb(reader.uleb())]
        elif kind == LOWER:
            pieces += [bytes([kind, reader.byte()]), uleb(reader.uleb()), *self._options(reader)]
        elif kind in (RESOURCE_NEW, RESOURCE_DROP, RESOURCE_REP):
            pieces += [bytes([kind]), uleb(reader.uleb())]
        else:
            raise SystemExit(f"the component has a built-in function {kind:#x}")
        return Canon(pieces, self.graph.add_function() if kind != LIFT else None)

    def _options(self, reader: Reader) -> Iterator[bytes | Part]:
        count = reader.uleb()
        yield uleb(count)
        for _ in range(count):
            option = reader.byte()
            yield bytes([option])
            if option == OPTION_MEMORY:
                yield self.graph.part(MEMORIES, reader.uleb())
            elif option in (OPTION_REALLOC, OPTION_POST_RETURN):
                yield self.graph.part(FUNC, reader.uleb())
            elif option not in OPTIONS_PLAIN:
                raise SystemExit(f"a function of the component has an option {option:#x}")

    def arguments(self, instance: int) -> dict[str, dict[str, Part]]:
        """What an instance is given, by whose it was and its name."""
        _, arguments = self.graph.instances[instance]
        given = {}
        for of, source in arguments.items():
            named = self.graph.instances[source]
            if not isinstance(named, dict):
                raise SystemExit("an instance that stays apart imports a whole module")
            given[of] = {name: self.graph.part(*part) for name, part in named.items()}
        return given

    def stays_apart(self, instance: int) -> bool:
        made_of = self.graph.instances[instance]
        return not isinstance(made_of, dict) and made_of[0].stays_apart

    def needed(self) -> set[Own]:
        """Functions of the modules that become one which are used from outside."""
        used: list[bytes | Part] = []
        for item in self.items:
            if isinstance(item, Canon):
                used += item.pieces
            elif isinstance(item, Instance) and self.stays_apart(item.number):
                used += (part for named in self.arguments(item.number).values() for part in named.values())
        return {part for part in used if isinstance(part, Own) and part.kind == FUNC}


class Written:
    """The component with its one module."""

    def __init__(self, taken: Taken) -> None:
        self._taken = taken
        self._module = Merged(taken.graph, taken.needed())
        self.sections: list[tuple[int, bytes]] = []
        self._modules = self._instances = 0
        self._numbers: dict[Part, int] = {}
        """Of functions, tables and memories, each kind by itself."""
        self._counts = [0, 0, 0, 0]
        self._apart: dict[int, int] = {}
        self._merged: int | None = None
        for item in taken.items:
            if isinstance(item, Kept):
                self.sections.append((item.section, item.content))
            elif isinstance(item, Canon):
                self._write_canon(item)
            elif taken.stays_apart(item.number):
                library, _ = taken.graph.instances[item.number]
                self._apart[item.number] = self._instance(library.source, taken.arguments(item.number))

    def _write_canon(self, item: Canon) -> None:
        content = b"".join(each if isinstance(each, bytes) else uleb(self._number(each)) for each in item.pieces)
        self.sections.append((CANONICAL, vector([content])))
        if item.function is not None:
            self._count(item.function)

    def _number(self, part: Part) -> int:
        """By what number the component knows a part from now on."""
        if part not in self._numbers:
            if isinstance(part, Own):
                instance, name = self._merged_instance(), MEMORY_NAME if part.kind == MEMORIES else function_name(part)
            elif part.instance is not None:
                instance, name = self._apart[part.instance], part.name
            else:
                raise SystemExit("the one module would be made before what it imports")
            self.sections.append((ALIASES, vector([bytes([OF_MODULES, part.kind, OF_CORE_INSTANCE]) + uleb(instance) + text(name)])))
            self._count(part)
        return self._numbers[part]

    def _count(self, part: Part) -> None:
        self._numbers[part] = self._counts[part.kind]
        self._counts[part.kind] += 1

    def _merged_instance(self) -> int:
        if self._merged is None:
            imported = {str(number): part for number, part in enumerate(self._module.outer)}
            self._merged = self._instance(self._module.data(), {"": imported})
        return self._merged

    def _instance(self, module: bytes, given: dict[str, dict[str, Part]]) -> int:
        """A new instance of a module that is used once."""
        arguments = []
        for of, named in given.items():
            parts = [text(name) + bytes([part.kind]) + uleb(self._number(part)) for name, part in named.items()]
            arguments.append(text(of) + bytes([CORE_INSTANCE]) + uleb(self._add_instance(bytes([FROM_PARTS]) + vector(parts))))
        self.sections.append((COMPONENT_MODULE, module))
        self._modules += 1
        return self._add_instance(bytes([FROM_MODULE]) + uleb(self._modules - 1) + vector(arguments))

    def _add_instance(self, content: bytes) -> int:
        self.sections.append((CORE_INSTANCES, vector([content])))
        self._instances += 1
        return self._instances - 1


def adapted(component: bytes) -> bytes:
    """The component with one module in the place of many."""
    return joined(component[:PREAMBLE_BYTES], Written(Taken(component)).sections)


if __name__ == "__main__":
    path = pathlib.Path(sys.argv[1])
    path.write_bytes(adapted(path.read_bytes()))
