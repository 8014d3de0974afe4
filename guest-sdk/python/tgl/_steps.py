"""A thread's function, run in steps: where it waits it is left, and gone on with when what it waits for is there.

Python cannot leave a function in the middle, but a generator it can. So of a function of the script a second version is
compiled, in which every call of something that may wait is a `yield from`; functions of the script that it calls are run in
their second version too. Threads alone are run so, since a callback must have ended when it returns.
Invariant: a second version does what the first does, line by line. Where none can be made the first is called, and waits as
`_turns.wait_until` has it.
"""

from __future__ import annotations

import ast
import builtins
import copy
import functools
import inspect
import linecache
import sys
import threading
import types
from typing import Any, Callable, Optional, Union

from . import _waits
from ._waits import Steps

FUNCTIONS_MAX, FILES_MAX = 1024, 64
"""So many functions' second versions are kept, and the functions of so many files."""

DEPTH_MAX = 50
"""So many functions of a thread may have called each other in steps: those below are called as they are."""

FRAMES_MAX = 4 * DEPTH_MAX
"""How many calls of the interpreter's own there are between these, at most."""

_SECOND = "_tgl_second"
_MAY_WAIT, _CALL, _ENTER = "_tgl_may_wait", "_tgl_call", "_tgl_enter"
"""The names by which a second version finds `may_wait`, `call` and `enter`."""

_PLAIN = frozenset(vars(builtins))
"""What is called by these names waits for nothing (and `super` and `locals` look at who calls them)."""

_NOT_THE_SCRIPTS = frozenset((*sys.stdlib_module_names, "tgl", "_tglhost"))

_Function = Union[ast.FunctionDef, ast.Lambda]


def of_thread(thread: threading.Thread) -> Steps:
    """What a started thread is to do."""
    if type(thread).run is not threading.Thread.run or thread._target is None:
        return call(thread.run)
    return call(thread._target, *thread._args, **thread._kwargs)


def may_wait(function: Any) -> bool:
    """Whether a function is to be called in steps."""
    while isinstance(function, functools.partial):
        function = function.func
    function = function.__func__ if isinstance(function, types.MethodType) else function
    return isinstance(function, types.FunctionType) and (
        function in _waits.OF or _second_code(function.__code__, function.__module__) is not None
    )


def call(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Steps:
    """Calls a function, in steps if it can be."""
    while isinstance(function, functools.partial):
        args, kwargs = (*function.args, *args), {**function.keywords, **kwargs}
        function = function.func
    if isinstance(function, types.MethodType):
        args, function = (function.__self__, *args), function.__func__
    thread = threading.current_thread()
    depth = getattr(thread, "_steps_depth", 0)
    if depth >= DEPTH_MAX or not may_wait(function):
        return function(*args, **kwargs)
    version = _waits.OF.get(function) or _second_version(function)
    thread._steps_depth = depth + 1
    try:
        return (yield from version(*args, **kwargs))
    finally:
        thread._steps_depth = depth


def enter(manager: Any) -> Steps:
    """What stands in a `with`: a lock is waited for before it is taken."""
    yield from _waits.until_free(manager)
    return manager


def _second_version(function: types.FunctionType) -> Callable[..., Steps]:
    """The function as a generator that gives what it waits for."""
    code = _second_code(function.__code__, function.__module__)
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or ()))
    for name, value in ((_MAY_WAIT, may_wait), (_CALL, call), (_ENTER, enter)):
        cells[name] = types.CellType(value)
    closure = tuple(cells[name] for name in code.co_freevars)
    version = types.FunctionType(code, function.__globals__, function.__name__, function.__defaults__, closure)
    version.__kwdefaults__ = function.__kwdefaults__
    return version


@functools.lru_cache(FUNCTIONS_MAX)
def _second_code(code: types.CodeType, module: Optional[str]) -> Optional[types.CodeType]:
    """The code of the second version; None if there is nothing to be made of it."""
    is_other = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
    if str(module).partition(".")[0] in _NOT_THE_SCRIPTS or code.co_flags & is_other:
        return None
    try:
        found = _functions(code.co_filename).get((code.co_name, code.co_firstlineno), [])
        return _compiled(code, *found[0]) if len(found) == 1 else None
    except (SyntaxError, ValueError, RecursionError):
        return None


@functools.lru_cache(FILES_MAX)
def _functions(file: str) -> dict[tuple[str, int], list[tuple[_Function, str]]]:
    """The functions in a file by their names and first lines, each with the class that it stands in."""
    found: dict[tuple[str, int], list[tuple[_Function, str]]] = {}
    nodes: list[tuple[ast.AST, str]] = [(ast.parse("".join(linecache.getlines(file)), file), "")]
    while nodes:
        node, class_name = nodes.pop()
        if isinstance(node, ast.ClassDef):
            class_name = node.name
        elif isinstance(node, ast.FunctionDef):
            first_line = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            found.setdefault((node.name, first_line), []).append((node, class_name))
        elif isinstance(node, ast.Lambda):
            found.setdefault(("<lambda>", node.lineno), []).append((node, class_name))
        nodes += ((child, class_name) for child in ast.iter_child_nodes(node))
    return found


def _compiled(code: types.CodeType, node: _Function, class_name: str) -> Optional[types.CodeType]:
    """The code of the second version. It is compiled inside of a function that has the variables which it finds around it,
    and inside of a class of the same name, for names that begin with two underscores."""
    around = ", ".join((*code.co_freevars, _MAY_WAIT, _CALL, _ENTER))
    module: Any = ast.parse(f"class {class_name or '_'}:\n def around({around}):\n  def {_SECOND}(): 0")
    second: Any = module.body[0].body[0].body[0]
    second.args = _without_values(copy.deepcopy(node.args))
    body = [ast.Return(node.body)] if isinstance(node, ast.Lambda) else node.body
    makes_a_generator = ast.parse("if 0: yield").body
    yields = _Yields()
    second.body = [yields.visit(copy.deepcopy(statement)) for statement in body] + makes_a_generator
    if not yields.any:
        return None  # It calls nothing that may wait.
    for one in (module.body[0], module.body[0].body[0], second):
        one.lineno = one.end_lineno = node.lineno
    ast.fix_missing_locations(module)
    found = _inner(compile(module, code.co_filename, "exec", dont_inherit=True))
    return None if found is None else found.replace(co_name=code.co_name)


def _without_values(arguments: ast.arguments) -> ast.arguments:
    """The function has its defaults already."""
    for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg):
        if one is not None:
            one.annotation = None
    arguments.defaults, arguments.kw_defaults = [], [None] * len(arguments.kwonlyargs)
    return arguments


class _Yields(ast.NodeTransformer):
    """Makes a `yield from` of each call that may wait. What is a function of its own is left as it is."""

    any = False
    _depth = 0

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """f(x) becomes (f := f, a := (x,), k := {}, (yield from call(f, *a, **k)) if may_wait(f) else f(*a, **k))[-1]: what does
        not wait is called from where it was, which logging and warnings look at."""
        self._depth += 1
        self.generic_visit(node)
        self._depth -= 1
        if isinstance(node.func, ast.Name) and node.func.id in _PLAIN:
            return node
        function, args, kwargs = (f"_tgl_{part}{self._depth}" for part in "fak")
        call = f"(yield from {_CALL}({function}, *{args}, **{kwargs})) if {_MAY_WAIT}({function}) else {function}(*{args}, **{kwargs})"
        made: Any = ast.parse(f"({function} := 0, {args} := (), {kwargs} := {{}}, {call})[-1]", mode="eval").body
        for one in ast.walk(made):
            ast.copy_location(one, node)
        takes_function, takes_args, takes_kwargs, _ = made.value.elts
        takes_function.value, takes_args.value.elts = node.func, node.args
        takes_kwargs.value.keys = [None if one.arg is None else ast.Constant(one.arg) for one in node.keywords]
        takes_kwargs.value.values = [one.value for one in node.keywords]
        self.any = True
        return ast.fix_missing_locations(made)

    def visit_With(self, node: ast.With) -> ast.AST:
        """with x becomes with (yield from enter(x))."""
        self.generic_visit(node)
        for item in node.items:
            entered = ast.YieldFrom(ast.Call(ast.Name(_ENTER, ast.Load()), [item.context_expr], []))
            item.context_expr = ast.fix_missing_locations(ast.copy_location(entered, item.context_expr))
        self.any = True
        return node

    def _leave(self, node: ast.AST) -> ast.AST:
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = visit_Lambda = _leave
    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _leave


def _inner(code: types.CodeType) -> Optional[types.CodeType]:
    """The code of the second version, in that of what it was compiled in."""
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found = constant if constant.co_name == _SECOND else _inner(constant)
            if found is not None:
                return found
    return None
