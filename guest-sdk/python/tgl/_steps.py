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
from typing import Any, Callable, Iterator, Optional, Union

from . import _waits
from ._waits import Steps

FUNCTIONS_MAX, FILES_MAX = 1024, 64
"""So many functions' second versions are kept, and so many files' syntax trees."""

_CALL, _ENTER = "_tgl_call", "_tgl_enter"
"""The names by which a second version finds `call` and `enter`."""

_PLAIN = frozenset(vars(builtins))
"""What is called by these names waits for nothing (and `super` and `locals` look at who calls them)."""

_NOT_THE_SCRIPTS = frozenset((*sys.stdlib_module_names, "tgl", "_tglhost"))

_Function = Union[ast.FunctionDef, ast.Lambda]


def of_thread(thread: threading.Thread) -> Steps:
    """What a started thread is to do."""
    if type(thread).run is not threading.Thread.run:
        return call(thread.run)
    if thread._target is None:
        return call(thread.run)
    return call(thread._target, *thread._args, **thread._kwargs)


def call(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Steps:
    """Calls a function, in steps if it can be."""
    while isinstance(function, functools.partial):
        args, kwargs = (*function.args, *args), {**function.keywords, **kwargs}
        function = function.func
    if isinstance(function, types.MethodType):
        args, function = (function.__self__, *args), function.__func__
    if isinstance(function, types.FunctionType):
        version = _waits.OF.get(function) or _second_version(function)
        if version is not None:
            return (yield from version(*args, **kwargs))
    return function(*args, **kwargs)


def enter(manager: Any) -> Steps:
    """What stands in a `with`: a lock is waited for before it is taken."""
    yield from _waits.until_free(manager)
    return manager


def _second_version(function: types.FunctionType) -> Optional[Callable[..., Steps]]:
    """The function as a generator that gives what it waits for; None if there is nothing to be made of it."""
    code = _second_code(function.__code__, str(function.__globals__.get("__name__", "")))
    if code is None:
        return None
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or ()))
    cells[_CALL], cells[_ENTER] = types.CellType(call), types.CellType(enter)
    closure = tuple(cells[name] for name in code.co_freevars)
    version = types.FunctionType(code, function.__globals__, function.__name__, function.__defaults__, closure)
    version.__kwdefaults__ = function.__kwdefaults__
    return version


@functools.lru_cache(FUNCTIONS_MAX)
def _second_code(code: types.CodeType, module: str) -> Optional[types.CodeType]:
    is_other = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
    if module.partition(".")[0] in _NOT_THE_SCRIPTS or code.co_flags & is_other:
        return None
    try:
        tree = _tree(code.co_filename)
        found = [] if tree is None else list(_find(tree, code, ""))
        return _compiled(code, *found[0]) if len(found) == 1 else None
    except (SyntaxError, ValueError, RecursionError):
        return None


@functools.lru_cache(FILES_MAX)
def _tree(file: str) -> Optional[ast.Module]:
    lines = linecache.getlines(file)
    return ast.parse("".join(lines), file) if lines else None


def _find(node: ast.AST, code: types.CodeType, class_name: str) -> Iterator[tuple[_Function, str]]:
    """Where a function stands below this node, and in which class."""
    if isinstance(node, ast.ClassDef):
        class_name = node.name
    if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
        if min([node.lineno, *(one.lineno for one in node.decorator_list)]) == code.co_firstlineno:
            yield node, class_name
    elif isinstance(node, ast.Lambda) and code.co_name == "<lambda>" and node.lineno == code.co_firstlineno:
        yield node, class_name
    for child in ast.iter_child_nodes(node):
        yield from _find(child, code, class_name)


def _compiled(code: types.CodeType, node: _Function, class_name: str) -> Optional[types.CodeType]:
    """The code of the second version. It is compiled inside of a function that has the variables which it finds around it,
    and inside of a class of the same name, for names that begin with two underscores."""
    name = "lambda_" if isinstance(node, ast.Lambda) else node.name
    module = ast.parse(f"class {class_name or 'C'}:\n def around({', '.join((*code.co_freevars, _CALL, _ENTER))}):\n  def {name}(): 0")
    second: Any = module.body[0].body[0].body[0]
    second.args = _without_values(copy.deepcopy(node.args))
    body = [ast.Return(node.body)] if isinstance(node, ast.Lambda) else node.body
    makes_a_generator = ast.parse("if 0: yield").body
    second.body = [_Yields().visit(copy.deepcopy(statement)) for statement in body] + makes_a_generator
    for around in (module.body[0], module.body[0].body[0], second):
        around.lineno = around.end_lineno = node.lineno
    ast.fix_missing_locations(module)
    return _inner(compile(module, code.co_filename, "exec", dont_inherit=True), name)


def _without_values(arguments: ast.arguments) -> ast.arguments:
    """The function has its defaults already."""
    for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg):
        if one is not None:
            one.annotation = None
    arguments.defaults, arguments.kw_defaults = [], [None] * len(arguments.kwonlyargs)
    return arguments


class _Yields(ast.NodeTransformer):
    """Makes a `yield from` of each call that may wait. What is a function of its own is left as it is."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """f(x) becomes (yield from call(f, x))."""
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id in _PLAIN:
            return node
        called = ast.Call(ast.Name(_CALL, ast.Load()), [node.func, *node.args], node.keywords)
        return _at(node, ast.YieldFrom(called))

    def visit_With(self, node: ast.With) -> ast.AST:
        """with x becomes with (yield from enter(x))."""
        self.generic_visit(node)
        for item in node.items:
            entered = ast.Call(ast.Name(_ENTER, ast.Load()), [item.context_expr], [])
            item.context_expr = _at(item.context_expr, ast.YieldFrom(entered))
        return node

    def _leave(self, node: ast.AST) -> ast.AST:
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = visit_Lambda = _leave
    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _leave


def _at(place: ast.AST, node: ast.AST) -> ast.AST:
    """The node, at the place of another."""
    return ast.fix_missing_locations(ast.copy_location(node, place))


def _inner(code: types.CodeType, name: str) -> Optional[types.CodeType]:
    """The code of the function of this name."""
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found = constant if constant.co_name == name and code.co_name == "around" else _inner(constant, name)
            if found is not None:
                return found
    return None
