"""The raw bindings of a component, made of wit/v0.1 as componentize-py makes them, with a host behind them that records.

Invariant: a value that componentize-py could not lower raises `Trap` here, as it ends the instance there.
"""

import dataclasses
import enum
import functools
import pathlib
import re
import sys
import types

WIT = pathlib.Path(__file__).parents[2] / "wit" / "v0.1"


class Trap(BaseException):
    """What would have ended the instance."""


@dataclasses.dataclass
class Ok:
    value: object


@dataclasses.dataclass(frozen=True)
class Err(Exception):
    value: object


class Host:
    """What a script did, and what it can look up. `calls` holds (name, arguments) in the order of the request ids."""

    def __init__(self):
        self.calls, self.logs, self.timers, self.exits = [], [], [], []
        self.printed = {"STDOUT": "", "STDERR": ""}
        self.peers, self.messages, self.looked_up = {}, {}, []
        self.types = None

    def import_called(self, interface, name, arguments):
        """Answers one raw import."""
        if interface == "calls":
            self.calls.append((name, arguments))
            return len(self.calls)
        if interface == "lookup":
            self.looked_up.append(arguments[0])
            found, key = (self.peers, (arguments[0].kind.name, arguments[0].id)) if name == "get_peer" else (self.messages, arguments[0])
            return found.get(key)
        if name == "print":
            self.printed[arguments[0].name] += arguments[1]
        elif name == "log":
            self.logs.append((arguments[0].name, arguments[1]))
        elif name == "set_timer":
            self.timers.append(arguments[0])
        elif name == "exit":
            self.exits.append((arguments[0], arguments[1].name))


def install(host):
    """Makes `wit_world` and `componentize_py_types` importable, with this host behind them."""
    global _host
    _host = host
    for module in _modules():
        sys.modules[module.__name__] = module
    host.types = sys.modules["wit_world.imports.types"]


_host = None
"""The host of the test that runs now."""


@functools.cache
def _modules():
    interfaces = {name: types.ModuleType(f"wit_world.imports.{name}") for name in ("types", "calls", "lookup", "host")}
    definitions = {}
    for file in ("types.wit", "script.wit"):
        text = re.sub(r"//.*", "", (WIT / file).read_text())
        for name, body in _interfaces(text):
            if name in interfaces:
                _define_types(interfaces[name], body, definitions)
                _define_functions(interfaces[name], name, body, definitions)
    result = types.ModuleType("componentize_py_types")
    result.Ok, result.Err = Ok, Err
    imports = types.ModuleType("wit_world.imports")
    imports.__dict__.update(interfaces)
    world = types.ModuleType("wit_world")
    world.imports = imports
    return world, imports, result, *interfaces.values()


def _interfaces(text):
    for match in re.finditer(r"\binterface ([\w-]+) \{", text):
        depth, end = 1, match.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        yield match[1], text[match.end() : end - 1]


def _define_types(module, body, definitions):
    for alias, target in re.findall(r"\btype ([\w-]+) = ([\w-]+);", body):
        definitions[alias] = target
    for kind, name, members in re.findall(r"\b(record|enum|flags|variant) ([\w-]+) \{(.*?)\}", body, re.S):
        members = [member.strip().replace("%", "") for member in _split(members)]
        if kind == "record":
            fields = [(_snake(field), wit_type.strip()) for field, _, wit_type in (m.partition(":") for m in members)]
            made = dataclasses.make_dataclass(_camel(name), [field for field, _ in fields])
            definitions[name] = ("record", made, fields)
        elif kind == "enum":
            made = enum.Enum(_camel(name), {_snake(m).upper(): index for index, m in enumerate(members)})
            definitions[name] = ("enum", made)
        elif kind == "flags":
            made = enum.Flag(_camel(name), {_snake(m).upper(): 1 << index for index, m in enumerate(members)})
        else:
            for member in members:
                case, _, payload = member.partition("(")
                case_name = f"{_camel(name)}_{_camel(case)}"
                setattr(module, case_name, dataclasses.make_dataclass(case_name, ["value"] if payload else []))
            continue
        setattr(module, made.__name__, made)


def _define_functions(module, interface, body, definitions):
    for name, parameters in re.findall(r"\b([\w-]+): func\((.*?)\)", body, re.S):
        wit_types = [parameter.partition(":")[2].strip() for parameter in _split(parameters)]

        def function(*arguments, name=_snake(name), wit_types=wit_types):
            if len(arguments) != len(wit_types):
                raise Trap(f"{name} takes {len(wit_types)} arguments, not {arguments}")
            for argument, wit_type in zip(arguments, wit_types):
                _lower(argument, wit_type, definitions)
            return _host.import_called(interface, name, arguments)

        setattr(module, _snake(name), function)


def _lower(value, wit_type, definitions):
    """Raises Trap if componentize-py could not lower the value."""
    option, many = re.fullmatch(r"option<(.*)>", wit_type), re.fullmatch(r"list<(.*)>", wit_type)
    definition = definitions.get(wit_type, wit_type)
    if option:
        fits = value is None or _lower(value, option[1], definitions)
    elif many:
        fits = type(value) is list and all(_lower(element, many[1], definitions) for element in value)
    elif wit_type == "string":
        fits = isinstance(value, str) and not _LONE_SURROGATE.search(value)
    elif wit_type in _INTEGERS:
        fits = isinstance(value, int) and _INTEGERS[wit_type][0] <= value <= _INTEGERS[wit_type][1]
    elif wit_type == "f64":
        fits = isinstance(value, (float, int))
    elif wit_type == "bool":
        fits = isinstance(value, bool)
    elif isinstance(definition, str):
        fits = _lower(value, definition, definitions)
    elif definition[0] == "record":
        fits = type(value) is definition[1] and all(_lower(getattr(value, f), t, definitions) for f, t in definition[2])
    else:
        fits = isinstance(value, definition[1])
    if not fits:
        raise Trap(f"{value!r} is no {wit_type}")
    return True


_LONE_SURROGATE = re.compile("[\ud800-\udfff]")

_INTEGERS = {
    "u8": (0, 2**8 - 1),
    "u32": (0, 2**32 - 1),
    "u64": (0, 2**64 - 1),
    "s64": (-(2**63), 2**63 - 1),
}


def _split(text):
    """At commas outside brackets; empty parts left out."""
    return [part for part in re.split(r",(?![^<(]*[>)])", text) if part.strip()]


def _snake(name):
    return name.strip().lstrip("%").replace("-", "_")


def _camel(name):
    return "".join(part.capitalize() for part in name.strip().split("-"))
