"""Makes the C library in the Python component answer as an ordinary machine's does, where Python itself could not:

* `fcntl` locks files, as SQLite does: WASI has no locks, so the host is asked for them by advice on the bytes to be locked,
  which it takes for that (host/crates/sandbox/src/quota/locks.rs);
* `stat` and its like tell permissions, which zipfile, tarfile and shutil record, and the owner that `os.getuid` names; where
  they follow a link, what they tell a file by (`st_ino`) is the file's too, and not the link's;
* `write` says why it failed, as there is no space left, where the library makes an input/output error of all reasons;
* `lseek` and `read` forget that a file had ended: what was written to it since is read;
* errors come to Python with Linux's numbers, and `strerror` knows them;
* what the interpreter does within itself, level by level, takes stack that its own guard against too many levels can see.

    python libc.py COMPONENT

changes the file in place. A function that is changed is called by a new one of its type, which stands in its place.
Invariant: what is not named here stays as it was; where something is not found as expected the build ends.
"""

import pathlib
import sys
from typing import Callable, Iterable, Iterator

sys.path.insert(0, str(pathlib.Path(__file__).parent / "runtime"))

from _tglhost.linux_errno import NUMBERS
from _tglhost.posix_files import USER

CUSTOM, TYPE, IMPORT, FUNCTION, EXPORT, CODE = 0, 1, 2, 3, 7, 10
"""Sections of a module. In a component, section 1 holds a module."""

IMPORTED_FUNCTION, IMPORTED_TABLE, IMPORTED_MEMORY, IMPORTED_GLOBAL = range(4)

COMPONENT_MODULE = 1
PREAMBLE_BYTES = 8
FUNCTION_NAMES = 1
"""The part of the custom section "name" that names functions which are not exported, too."""

F_GETLK, F_SETLK = 12, 13
F_RDLCK, F_WRLCK, F_UNLCK = 0, 1, 2
"""As SQLite defines them where the C library does not."""

L_START_OFFSET, L_LEN_OFFSET = 8, 16
ADVICE_NORMAL, ADVICE_WILL_NEED, ADVICE_DONT_NEED, ADVICE_NO_REUSE = 0, 3, 4, 5
"""What stands for: is it free; lock it for reading; unlock it; lock it for writing."""

WHY_OFFSET = 0x4000_0200
"""Advice on the byte there asks the host why the last write failed (host/crates/sandbox/src/quota/stream.rs)."""

AT_SYMLINK_NOFOLLOW = 1

ST_MODE_OFFSET, ST_UID_OFFSET, ST_GID_OFFSET = 24, 28, 32
SEEK_SET, SEEK_CUR = 0, 1
S_IFMT, S_IFDIR, S_IFLNK, S_IFIFO = 0o170000, 0o040000, 0o120000, 0o010000
NO_TYPE = 0
"""The library's type of a pipe."""

BUFFERS_BYTES_MAX = 20
"""What gives the call its last three arguments, which are addresses in the function's frame."""

STACK_BYTES_PER_LEVEL = 256
"""There is 1 MiB of the C library's stack, so this is room for 4,000 levels: they need half of WebAssembly's own."""

FUNCTION_TYPE = 0x60

Body = Callable[["Module", int], bytes]
"""Makes a function's body; it is given the module and the number of the function that it stands in the place of."""


def uleb(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def sleb(value: int) -> bytes:
    out = bytearray()
    while not -0x40 <= value < 0x40:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value & 0x7F])


def padded_uleb(value: int) -> bytes:
    """As a linker writes the number of a function that is called."""
    return bytes(value >> shift & 0x7F | (0x80 if shift < 28 else 0) for shift in range(0, 35, 7))


class Reader:
    """Reads WebAssembly's binary format."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data, self.at = data, at

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def uleb(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def sleb(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value - (1 << shift) if byte & 0x40 else value

    def bytes(self) -> bytes:
        size = self.uleb()
        self.at += size
        return self.data[self.at - size : self.at]

    def name(self) -> str:
        return self.bytes().decode()

    def limits(self) -> None:
        if self.byte() & 1:
            self.uleb()
        self.uleb()

    def imports(self) -> Iterator[tuple[str, str, int, int]]:
        """A module's imports: of whom, what, and the kind of it; and a function's type."""
        for _ in range(self.uleb()):
            of, name, kind, function_type = self.name(), self.name(), self.byte(), -1
            if kind == IMPORTED_FUNCTION:
                function_type = self.uleb()
            elif kind == IMPORTED_TABLE:
                self.byte()
                self.limits()
            elif kind == IMPORTED_MEMORY:
                self.limits()
            elif kind == IMPORTED_GLOBAL:
                self.at += 2
            else:
                raise ValueError(f"an import of kind {kind}")
            yield of, name, kind, function_type


def sections(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The sections of a module or component."""
    reader = Reader(data, PREAMBLE_BYTES)
    while reader.at < len(data):
        yield reader.byte(), reader.bytes()


def joined(preamble: bytes, parts: list[tuple[int, bytes]]) -> bytes:
    """The opposite of `sections`."""
    return preamble + b"".join(bytes([number]) + uleb(len(part)) + part for number, part in parts)


class Module:
    """A dynamic library of the component."""

    def __init__(self, data: bytes) -> None:
        self._preamble = data[:PREAMBLE_BYTES]
        self._sections = list(sections(data))
        by_number = dict(self._sections)
        self.is_library = any(number == CUSTOM and Reader(part).name() == "dylink.0" for number, part in self._sections)
        self._functions_imported, self._globals = 0, {}
        self._read_imports(Reader(by_number.get(IMPORT, b"\0")))
        types = Reader(by_number.get(FUNCTION, b"\0"))
        self._types = [types.uleb() for _ in range(types.uleb())]
        code = Reader(by_number.get(CODE, b"\0"))
        self._bodies = [code.bytes() for _ in range(code.uleb())]
        exports = Reader(by_number.get(EXPORT, b"\0"))
        self.exports = {}
        for _ in range(exports.uleb()):
            name, kind, number = exports.name(), exports.byte(), exports.uleb()
            if kind == 0:
                self.exports[name] = number
        self._parameters = self._read_types(Reader(by_number.get(TYPE, b"\0")))
        self._names = self._read_names()

    def _read_imports(self, reader: Reader) -> None:
        globals_imported = 0
        for of, name, kind, _ in reader.imports():
            if kind == IMPORTED_FUNCTION:
                self._functions_imported += 1
            elif kind == IMPORTED_GLOBAL:
                self._globals[of, name] = globals_imported
                globals_imported += 1

    @staticmethod
    def _read_types(reader: Reader) -> list[int]:
        """How many parameters each type of function has."""
        parameters = []
        for _ in range(reader.uleb()):
            if reader.byte() != FUNCTION_TYPE:
                raise ValueError("a type that is no function's")
            parameters.append(len(reader.bytes()))
            reader.bytes()
        return parameters

    def _read_names(self) -> dict[str, int]:
        names = {}
        for number, part in self._sections:
            reader = Reader(part)
            if number != CUSTOM or reader.name() != "name":
                continue
            while reader.at < len(part):
                kind, content = reader.byte(), Reader(reader.bytes())
                for _ in range(content.uleb() if kind == FUNCTION_NAMES else 0):
                    function = content.uleb()
                    names[content.name()] = function
        return names

    def has(self, functions: Iterable[str]) -> bool:
        """Whether functions of these names are its own."""
        return all(self._place(name) >= 0 for name in functions)

    def _place(self, name: str) -> int:
        return self.exports.get(name, self._names.get(name, -1)) - self._functions_imported

    def number(self, name: str) -> int:
        """A function's number, also where it is not exported."""
        return self._place(name) + self._functions_imported

    def body(self, function: int) -> bytes:
        """Its own function's instructions."""
        return self._bodies[function - self._functions_imported]

    def parameters(self, function: int) -> int:
        """How many parameters a function has."""
        return self._parameters[self._types[function - self._functions_imported]]

    def address_of(self, variable: str) -> bytes:
        """Instructions that give the address of a C variable of another library."""
        return b"\x23" + uleb(self._globals["GOT.mem", variable])

    def stack_pointer(self) -> bytes:
        """The number of the global that holds it."""
        return uleb(self._globals["env", "__stack_pointer"])

    def replace(self, name: str, body: Body) -> None:
        """Puts a new function in another's place."""
        place = self._place(name)
        original = self._functions_imported + len(self._bodies)
        self._bodies.append(self._bodies[place])
        self._types.append(self._types[place])
        self._bodies[place] = body(self, original)

    def data(self) -> bytes:
        """The module as it is now."""
        changed = {
            FUNCTION: uleb(len(self._types)) + b"".join(map(uleb, self._types)),
            CODE: uleb(len(self._bodies)) + b"".join(uleb(len(body)) + body for body in self._bodies),
        }
        return joined(self._preamble, [(number, changed.get(number, part)) for number, part in self._sections])


# Instructions, as far as they are needed.
END, I32_EQZ, I32_EQ, I32_AND, I32_OR, SELECT, DROP = b"\x0b", b"\x45", b"\x46", b"\x71", b"\x72", b"\x1b", b"\x1a"
I64_LOAD, I32_LOAD16, I32_STORE16 = b"\x29\x03", b"\x2e\x01", b"\x3b\x01"
I32_ADD, I32_SUB = b"\x6a", b"\x6b"
I64_ADD, I64_ZERO, I64_ONE, I64_GE = b"\x7c", b"\x42\x00", b"\x42\x01", b"\x59"
IF, IF_I32, ELSE = b"\x04\x40", b"\x04\x7f", b"\x05"
NO_LOCALS, ONE_I32_LOCAL, TWO_I32_LOCALS = b"\x00", b"\x01\x01\x7f", b"\x01\x02\x7f"
AN_I32_AND_AN_I64_LOCAL = b"\x02\x01\x7f\x01\x7e"


def local(number: int) -> bytes:
    return b"\x20" + uleb(number)


def set_local(number: int) -> bytes:
    return b"\x21" + uleb(number)


def constant(value: int) -> bytes:
    return b"\x41" + sleb(value)


def constant_i64(value: int) -> bytes:
    return b"\x42" + sleb(value)


def load(offset: int = 0) -> bytes:
    return b"\x28\x02" + uleb(offset)


def store(offset: int = 0) -> bytes:
    return b"\x36\x02" + uleb(offset)


def call(function: int, arguments: int) -> bytes:
    return b"".join(map(local, range(arguments))) + b"\x10" + uleb(function)


def mapped(value: bytes, numbers: dict[int, int], otherwise: bytes) -> bytes:
    """Another number for each of these."""
    instructions = otherwise
    for number, other in numbers.items():
        instructions = constant(other) + instructions + value + constant(number) + I32_EQ + SELECT
    return instructions


def locks_files(module: Module, original: int) -> bytes:
    """`int fcntl(int fd, int command, ...)`, with a `struct flock *` for what concerns locks."""
    lock, result = local(2) + load(), 3
    bytes_ = lock + I64_LOAD + uleb(L_START_OFFSET) + lock + I64_LOAD + uleb(L_LEN_OFFSET)
    advise = b"\x10" + uleb(module.exports["posix_fadvise"]) + set_local(result)
    kind = lock + I32_LOAD16 + uleb(0)
    wanted = mapped(kind, {F_RDLCK: ADVICE_WILL_NEED, F_WRLCK: ADVICE_NO_REUSE}, constant(ADVICE_DONT_NEED))
    refused = module.address_of("errno") + constant(NUMBERS["EAGAIN"][0]) + store() + constant(-1)
    set_lock = local(0) + bytes_ + wanted + advise + local(result) + IF_I32 + refused + ELSE + constant(0) + END
    say_free = lock + constant(F_UNLCK) + I32_STORE16 + uleb(0)
    get_lock = local(0) + bytes_ + constant(ADVICE_NORMAL) + advise + local(result) + I32_EQZ + IF + say_free + END + constant(0)
    is_set = local(1) + constant(F_SETLK) + I32_EQ
    is_get = local(1) + constant(F_GETLK) + I32_EQ
    others = is_get + IF_I32 + get_lock + ELSE + call(original, 3) + END
    return ONE_I32_LOCAL + is_set + IF_I32 + set_lock + ELSE + others + END + END


def says_why(module: Module, original: int) -> bytes:
    """`ssize_t write(int fd, const void *buffer, size_t bytes)`."""
    result, reason, errno = 3, 4, module.address_of("errno")
    written = call(original, 3) + set_local(result)
    question = local(0) + constant_i64(WHY_OFFSET) + I64_ONE + constant(ADVICE_NORMAL)
    asked = question + b"\x10" + uleb(module.exports["posix_fadvise"]) + set_local(reason)
    has_failed = local(result) + constant(-1) + I32_EQ + errno + load() + constant(NUMBERS["EIO"][0]) + I32_EQ + I32_AND
    tell = local(reason) + IF + errno + local(reason) + store() + END
    return TWO_I32_LOCALS + written + has_failed + IF + asked + tell + END + local(result) + END


def seeks_anew(module: Module, original: int) -> bytes:
    """`off_t lseek(int fd, off_t offset, int whence)`: where the offset is what it was, the library would go on with a stream
    that may have ended, or hold what was there before. So it is moved away first."""
    away = local(0) + local(1) + I64_ONE + I64_ADD + local(2) + b"\x10" + uleb(original) + DROP
    is_set = local(2) + constant(SEEK_SET) + I32_EQ
    return NO_LOCALS + is_set + IF + away + END + call(original, 3) + END


def reads_on(module: Module, original: int) -> bytes:
    """`ssize_t read(int fd, void *buffer, size_t bytes)`: after the end of the file the next read looks again."""
    result, offset, lseek = 3, 4, b"\x10" + uleb(module.exports["lseek"])
    offset_now = local(0) + I64_ZERO + constant(SEEK_CUR) + lseek + set_local(offset)
    anew = local(0) + local(offset) + constant(SEEK_SET) + lseek + DROP
    is_end = call(original, 3) + set_local(result) + local(result) + I32_EQZ
    look_again = is_end + IF + offset_now + local(offset) + I64_ZERO + I64_GE + IF + anew + END + END
    return AN_I32_AND_AN_I64_LOCAL + look_again + local(result) + END


def tells_permissions(arguments: int, stat: int) -> Body:
    """`int stat(…, struct stat *, …)`, with the buffer as its argument `stat`: what a new file or folder has elsewhere."""
    mode = local(stat) + load(ST_MODE_OFFSET)
    kind = mode + constant(S_IFMT) + I32_AND
    permissions = mapped(kind, {S_IFDIR: 0o755, S_IFLNK: 0o777, NO_TYPE: S_IFIFO | 0o644}, constant(0o644))
    with_permissions = local(stat) + mode + permissions + I32_OR + store(ST_MODE_OFFSET)
    owner = b"".join(local(stat) + constant(USER) + store(offset) for offset in (ST_UID_OFFSET, ST_GID_OFFSET))

    def body(module: Module, original: int) -> bytes:
        result = arguments
        called = call(original, arguments) + set_local(result) + local(result) + I32_EQZ
        return ONE_I32_LOCAL + called + IF + with_permissions + owner + END + local(result) + END

    return body


def identifies_what_it_tells_of(module: Module, original: int) -> bytes:
    """`int __wasilibc_nocwd_fstatat(int fd, const char *path, struct stat *, int flags)`: it asks what to tell a file by without
    following a link, and for all else as its flags say. A link to a file was thus another file than that, and shutil.copyfile
    emptied the one that it was to copy."""
    body = module.body(original)
    before, called, after = body.partition(b"\x10" + padded_uleb(module.number("filesystem_method_descriptor_metadata_hash_at")))
    others, follows_none, buffers = before.rpartition(constant(0))
    if not called or not follows_none or len(buffers) > BUFFERS_BYTES_MAX:
        raise SystemExit("fstatat does not ask what to tell a file by as expected")
    return others + local(3) + constant(AT_SYMLINK_NOFOLLOW) + I32_AND + I32_EQZ + buffers + called + after


def knows_linux_numbers(module: Module, original: int) -> bytes:
    """`char *strerror(int)`."""
    to_own = {linux: own for name, (own, linux) in NUMBERS.items() if name != "ENOTCAPABLE"}
    return NO_LOCALS + mapped(local(0), {0: 0, **to_own}, constant(-1)) + b"\x10" + uleb(original) + END


def raises_linux_numbers(module: Module, original: int) -> bytes:
    """`PyObject *PyErr_SetFromErrnoWithFilenameObjects(PyObject *, PyObject *, PyObject *)`: all that raise call it."""
    errno = module.address_of("errno")
    number = errno + load()
    return NO_LOCALS + errno + mapped(number, dict(NUMBERS.values()), number) + store() + call(original, 3) + END


def uses_stack(module: Module, original: int) -> bytes:
    """Any function that calls itself, if in a roundabout way: the guard measures the C library's stack, of which these need
    little, and WebAssembly's own ends before it."""
    stack = module.stack_pointer()
    down = b"\x23" + stack + constant(STACK_BYTES_PER_LEVEL) + I32_SUB + b"\x24" + stack
    up = b"\x23" + stack + constant(STACK_BYTES_PER_LEVEL) + I32_ADD + b"\x24" + stack
    return NO_LOCALS + down + call(original, module.parameters(original)) + up + END


LIBC: dict[str, Body] = {
    "fcntl": locks_files,
    "lseek": seeks_anew,
    "read": reads_on,
    "write": says_why,
    "stat": tells_permissions(2, 1),
    "lstat": tells_permissions(2, 1),
    "fstat": tells_permissions(2, 1),
    "fstatat": tells_permissions(4, 2),
    "__wasilibc_nocwd_fstatat": identifies_what_it_tells_of,
    "strerror": knows_linux_numbers,
}
LIBPYTHON: dict[str, Body] = {
    "PyErr_SetFromErrnoWithFilenameObjects": raises_linux_numbers,
    **dict.fromkeys(
        (
            "_Py_Dealloc", "PyObject_Repr", "PyObject_RichCompare", "scan_once_unicode", "encoder_listencode_obj", "save",
            "symtable_visit_expr", "codegen_visit_expr", "astfold_expr", "object_recursive_isinstance",
        ),
        uses_stack,
    ),
}  # fmt: skip


def adapted(component: bytes) -> bytes:
    """The component with its libraries changed."""
    parts = list(sections(component))
    for functions in (LIBC, LIBPYTHON):
        found = 0
        for place, (number, part) in enumerate(parts):
            if number != COMPONENT_MODULE:
                continue
            module = Module(part)
            if module.is_library and module.has(functions):
                for name, body in functions.items():
                    module.replace(name, body)
                parts[place] = (number, module.data())
                found += 1
        if found != 1:
            raise SystemExit(f"{found} libraries of the component have {', '.join(functions)}: one was expected")
    return joined(component[:PREAMBLE_BYTES], parts)


if __name__ == "__main__":
    path = pathlib.Path(sys.argv[1])
    path.write_bytes(adapted(path.read_bytes()))
