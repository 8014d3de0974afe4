"""docs/API.md from guest-sdk/python/tgl/__init__.pyi: prose from here, names, signatures and sentences from the stubs.

`python tests/python/api.py` writes it anew, as `cargo xtask test python` does.

Invariant: every public name of the stubs stands in it once, and nothing else does.
"""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STUBS = ROOT / "guest-sdk/python/tgl/__init__.pyi"
DOCUMENT = ROOT / "docs/API.md"

OPENING = """\
# The tgl API

What `import tgl` gives to a script: telegram-cli's Python API, as tglhost has it. This page is made from the package's
stubs (`guest-sdk/python/tgl/__init__.pyi`), which editors and type checkers read as well;
[COMPATIBILITY.md](COMPATIBILITY.md) says name by name what works and what differs from telegram-cli.

A script says which of its functions are to be called when something happens, and then ends; from there on it lives by
these calls. One runs at a time. No function of this page waits: it hands its call to the host and gives True, and what came
of it is told later to the `callback`, whose first argument says whether it succeeded. A callback is optional unless its
function says otherwise, and may be any callable, `functools.partial` for one. Arguments before a `/` are given by their
place. A call with a wrong argument, or with a callback that cannot be called, is not made: the log has an error that names
its line, and a method gives False.

```python
import tgl

def on_sent(success, msg):
    print("sent as", msg.id if success else "nothing")

def on_msg_receive(msg):
    if not msg.out and msg.text == "!ping":
        msg.src.send_msg("pong", callback=on_sent, reply=msg.id)

tgl.set_on_msg_receive(on_msg_receive)
```
"""

GROUPS = [
    (
        "What happens",
        "Each takes a function of the script's. `tgl.on_msg_receive = f` does the same as `tgl.set_on_msg_receive(f)`. "
        "After a start they are called in this order: `on_our_id`, what was left from last time, `on_binlog_replay_end`, "
        "what was missed while away, `on_get_difference_end`, and then everything as it happens.",
        ["set_on_*", "on_*"],
    ),
    (
        "Sending",
        "To a peer: a user, a group, a channel. The same is there as methods of [`Peer`](#peer). Files are named by paths of "
        "the script's own folders.",
        ["send_*", "fwd_*"],
    ),
    ("Messages", "What was said before, and what to do with it.", ["get_history", "msg_*", "mark_read", "delete_msg", "restore_msg"]),
    ("Files", "What a message carries is saved in the script's own folder.", ["load_*"]),
    (
        "People and conversations",
        "",
        ["get_contact_list", "get_dialog_list", "*_contact", "user_info", "set_profile_*", "status_*"],
    ),
    ("Groups", "", ["create_group_chat", "chat_*", "rename_chat", "import_chat_link"]),
    ("Secret chats", "", ["*_secret_chat"]),
    (
        "Raw queries",
        "Telegram is asked in the words of [its schema](https://core.telegram.org/schema), by methods that are granted by their "
        "names: `tglhost run --allow raw=METHOD`, or `raw` in a tenant's file and in what the script asks for. Methods that decide "
        "who may use the account, and those of secret chats, are granted to no script. The text is as telegram-cli took it, and the answer as it wrote it: a "
        "name and its fields in parentheses, in the schema's order, each with its name and a colon before it or without. A list "
        "says its length: `(vector 2 [ 1 2 ])`. Words of flags are numbers; an optional field stands there only where its bit is "
        "set, as `(true)` where it has no value. Truth is `(boolTrue)` or `(boolFalse)`. A text goes in quotes, with `\\n`, `\\t`, "
        '`\\r`, `\\b`, `\\a`, `\\\\`, `\\"` and `\\x41` in it, or without where it is a word of letters, digits, `.`, `_` and '
        "`-`. An object whose type has one form with one field is that field alone. So "
        "`(messages.getHistory peer:(inputPeerSelf) 0 0 0 limit:10 0 0 0)`, and an answer as "
        '` ( nearestDc country :"DE" this_dc : 2 nearest_dc : 2 )`, of up to 1 MiB. What is wrong in a text is logged with its '
        "column.",
        ["ext_function"],
    ),
    ("The script itself", "", ["set_link_preview", "safe_*"]),
]


def document() -> str:
    """The whole page."""
    body = ast.parse(STUBS.read_text("utf-8")).body
    functions = {node.name: node for node in body if isinstance(node, ast.FunctionDef)}
    aliases = _aliases(body)
    handlers = [node.target.id for node in body if isinstance(node, ast.AnnAssign) and node.target.id.startswith("on_")]
    constants = [node.target.id for node in body if isinstance(node, ast.AnnAssign) and node.target.id.isupper()]
    classes = [node for node in body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
    parts, left = [OPENING], set(functions)
    for title, prose, patterns in GROUPS:
        names = [name for name in functions if name in left and any(_matches(name, pattern) for pattern in patterns)]
        left.difference_update(names)
        parts.append(f"## {title}\n" + (f"\n{_wrapped(prose)}\n" if prose else ""))
        parts.append(_table("function", [(name, functions[name], aliases) for name in names]))
        if "on_*" in patterns:
            parts.append(_wrapped("The names to assign to: " + ", ".join(f"`tgl.{name}`" for name in handlers) + ".") + "\n")
    if left:
        raise SystemExit(f"{Path(__file__).name} has no group for {', '.join(sorted(left))}")
    parts += [_class(node) for node in classes if not _is_error(node)]
    errors = [f"* `{node.name}`: {' '.join(ast.get_docstring(node).split())}\n" for node in classes if _is_error(node)]
    parts.append("## Errors\n\n" + "".join(errors))
    listed = ", ".join(f"`{name}`" for name in constants)
    parts.append(f"## Constants\n\n{_wrapped('Types of peers, and what service messages tell: ' + listed + '.')}\n")
    return "\n".join(parts)


def public_names() -> set[str]:
    """What the stubs promise: module names, and attributes as `Peer.name`."""
    names = set()
    for node in ast.parse(STUBS.read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            names.add(node.name)
            members = [member.name for member in node.body if isinstance(member, ast.FunctionDef)] + list(_aliases(node.body))
            names.update(f"{node.name}.{member}" for member in members if not member.startswith("_"))
        elif isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign):
            names.add(node.target.id)
    return names | set(_aliases(ast.parse(STUBS.read_text("utf-8")).body))


def _is_error(node: ast.ClassDef) -> bool:
    return node.name.endswith("Error")


def _class(node: ast.ClassDef) -> str:
    members = [member for member in node.body if isinstance(member, ast.FunctionDef) and not member.name.startswith("_")]
    attributes = [member for member in members if member.decorator_list]
    methods = [member for member in members if not member.decorator_list]
    aliases = _aliases(node.body)
    parts = [f"## {node.name}\n\n{_wrapped(ast.get_docstring(node) or '')}\n"]
    if attributes:
        rows = [f"| `{member.name}` | `{_code(member.returns)}` | {_sentence(member)} |" for member in attributes]
        parts.append("\n".join(["| attribute | type | |", "|---|---|---|", *rows]) + "\n")
    if methods:
        parts.append(_table("method", [(member.name, member, aliases) for member in methods]))
    return "\n".join(parts)


def _table(what: str, rows: list[tuple[str, ast.FunctionDef, dict[str, str]]]) -> str:
    lines = [f"| {what} | |", "|---|---|"]
    for name, function, aliases in rows:
        names = [name, *(alias for alias, stands_for in aliases.items() if stands_for == name)]
        arguments = ", ".join(_arguments(function))
        shown = ", ".join(f"`{each}({arguments})`" for each in names)
        lines.append(f"| {shown} | {_sentence(function)} |")
    return "\n".join(lines) + "\n"


def _arguments(function: ast.FunctionDef) -> list[str]:
    """The arguments' names and defaults, without types and without self."""
    arguments = function.args
    names = [argument.arg for argument in arguments.posonlyargs + arguments.args]
    defaults = [None] * (len(names) - len(arguments.defaults)) + list(arguments.defaults)
    shown = [name if default is None else f"{name}={_code(default)}" for name, default in zip(names, defaults)]
    if arguments.posonlyargs:
        shown.insert(len(arguments.posonlyargs), "/")
    return shown[1:] if names[:1] == ["self"] else shown


def _aliases(body: list[ast.stmt]) -> dict[str, str]:
    """Second names, as in `history = get_history`."""
    found = {}
    for node in body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = node.value.id
    return found


def _sentence(node: ast.FunctionDef) -> str:
    return " ".join((ast.get_docstring(node) or "").split()).replace("|", "\\|")


def _code(node: ast.expr | None) -> str:
    return ast.unparse(node).replace("_UserStatus", "dict").replace("|", "\\|") if node else ""


def _matches(name: str, pattern: str) -> bool:
    start, star, end = pattern.partition("*")
    return name.startswith(start) and name.endswith(end) if star else name == pattern


def _wrapped(text: str) -> str:
    """The text in lines of 120 characters at most, paragraph by paragraph."""
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]
    return "\n\n".join(textwrap.fill(each, 120, break_long_words=False, break_on_hyphens=False) for each in paragraphs)


if __name__ == "__main__":
    DOCUMENT.write_text(document(), "utf-8")
