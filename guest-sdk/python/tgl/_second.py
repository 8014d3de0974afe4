"""The second version of a function: one that can be left in the middle, and gone on with later.

Python cannot leave a function where it stands, but a generator it can. So the function's source is compiled again with a
`yield from` wherever something may wait: at calls, at the begin and the end of a `with`, at each turn of a `for` or of a
comprehension. A generator's second version gives what it waits for among its values: a `Wait` is never a value of a script's.
What it calls stands in one object of `_steps`, which it knows by the name TOOLS.
Invariant: a second version does what the first does, line by line.
"""

from __future__ import annotations

import ast
import builtins
import copy
import functools
import inspect
import linecache
import types
from typing import Any, Iterator, Optional, Union

FILES_MAX = 64
"""The functions of so many files are kept."""

TOOLS = "_tgl"
_SECOND = "_tgl_second"

TAKES_ANY = frozenset("iter next map filter zip enumerate list tuple set frozenset dict sum any all sorted min max".split())
"""Builtins that wait for what they are given."""

_PLAIN = frozenset(vars(builtins)) - TAKES_ANY
"""What is called by these names waits for nothing (and `super` and `locals` look at who calls them), unless the script has a
function of that name."""

_MAKES_A_GENERATOR = ast.parse("if 0: yield").body

_Function = Union[ast.FunctionDef, ast.Lambda]
_Functions = dict[tuple[str, int], list[tuple[_Function, str]]]
_Comprehension = Union[ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp]


def compiled(code: types.CodeType) -> Optional[types.CodeType]:
    """The code of the second version, with TOOLS among its free variables; None if there is nothing to be made of it."""
    try:
        return _chosen(code, _functions(code.co_filename))
    except (SyntaxError, ValueError, RecursionError):
        return None


def compiled_all(function: types.FunctionType) -> Iterator[tuple[types.CodeType, Optional[types.CodeType]]]:
    """The codes of a function and of those in it, each with its second version's. Of its file no more is parsed: while the
    component is built, what memory is used once is never given back."""
    lines, first_line = inspect.getsourcelines(function)
    *_, class_name, _ = ("", *function.__qualname__.split("."))
    head = f"class {class_name if class_name.isidentifier() else '_'}:\n" if lines[0][0].isspace() else "\n"
    found = _found(ast.increment_lineno(ast.parse(head + "".join(lines)), first_line - 2), "")
    todo = [function.__code__]
    while todo:
        code = todo.pop()
        yield code, _chosen(code, found)
        todo += (one for one in code.co_consts if isinstance(one, types.CodeType))


@functools.lru_cache(FILES_MAX)
def _functions(file: str) -> _Functions:
    return _found(ast.parse("".join(linecache.getlines(file)), file), "")


def _found(tree: ast.AST, class_name: str) -> _Functions:
    """The functions in a file by their names and first lines, each with the class that it stands in."""
    found: _Functions = {}
    nodes = [(tree, class_name)]
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


def _chosen(code: types.CodeType, functions: _Functions) -> Optional[types.CodeType]:
    if code.co_flags & (inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
        return None
    found = functions.get((code.co_name, code.co_firstlineno), [])
    if len(found) > 1:
        found = _innermost_around(code, found)
    own = frozenset(name for name, _ in functions)
    return _compiled(code, *found[0], _PLAIN - own) if found else None


def _innermost_around(code: types.CodeType, found: list[tuple[_Function, str]]) -> list[tuple[_Function, str]]:
    """Of several functions on one line the one that this code was compiled from."""
    places = [(line, column, end_line, end) for line, end_line, column, end in code.co_positions() if end]
    first, last = min(place[:2] for place in places), max(place[2:] for place in places)
    around = [
        (node, class_name)
        for node, class_name in found
        if (node.lineno, node.col_offset) <= first and last <= (node.end_lineno, node.end_col_offset)
    ]
    return sorted(around, key=lambda one: -one[0].col_offset)[:1]


def _compiled(code: types.CodeType, node: _Function, class_name: str, plain: frozenset[str]) -> Optional[types.CodeType]:
    """It is compiled inside of a function that has the variables which it finds around it, and inside of a class of the same
    name, for names that begin with two underscores."""
    around = ", ".join((*code.co_freevars, TOOLS))
    module: Any = ast.parse(f"class {class_name or '_'}:\n def around({around}):\n  def {_SECOND}(): {TOOLS}")
    second: Any = module.body[0].body[0].body[0]
    second.args = _without_values(copy.deepcopy(node.args))
    body = [ast.Return(node.body)] if isinstance(node, ast.Lambda) else node.body
    yields = _Yields(plain)
    second.body = yields.of(copy.deepcopy(body)) + second.body + _MAKES_A_GENERATOR
    if not yields.any:
        return None  # It calls nothing that may wait.
    for one in (module.body[0], module.body[0].body[0], second):
        one.lineno = one.end_lineno = node.lineno
    ast.fix_missing_locations(module)
    whole = compile(module, code.co_filename, "exec", dont_inherit=True)
    found = next(_named(whole, _SECOND))
    return _renamed(found, found.co_qualname, code)


def _without_values(arguments: ast.arguments) -> ast.arguments:
    """The function has its defaults already."""
    for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg):
        if one is not None:
            one.annotation = None
    arguments.defaults, arguments.kw_defaults = [], [None] * len(arguments.kwonlyargs)
    return arguments


class _Yields(ast.NodeTransformer):
    """Makes a `yield from` of whatever may wait. What is a function of its own is left as it is."""

    def __init__(self, plain: frozenset[str]) -> None:
        self.any = False
        self._plain = plain
        self._depth = self._made = 0
        self._functions: list[ast.stmt] = []

    def of(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """The statements, and before them the functions that stand for their comprehensions."""
        made: list[ast.stmt] = []
        for statement in body:
            result = self.visit(statement)
            made += result if isinstance(result, list) else [result]
        return self._functions + made

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """What does not wait is called from where it was, which logging and warnings look at."""
        self._depth += 1
        self.generic_visit(node)
        self._depth -= 1
        if self._is_plain(node):
            return node
        f, a, k, s = (f"{TOOLS}_{part}{self._depth}" for part in "faks")
        made: Any = _expression(
            f"({f} := 0, {a} := (), {k} := {{}}, {TOOLS}.given((yield from {s}))"
            f" if ({s} := {TOOLS}.steps({f}, {a}, {k})) is not None else {f}(*{a}, **{k}))[-1]",
            node,
        )
        takes_function, takes_args, takes_kwargs, _ = made.value.elts
        takes_function.value, takes_args.value.elts = node.func, node.args
        takes_kwargs.value.keys = [one.arg and ast.copy_location(ast.Constant(one.arg), one) for one in node.keywords]
        takes_kwargs.value.values = [one.value for one in node.keywords]
        self.any = True
        return made

    def visit_YieldFrom(self, node: ast.YieldFrom) -> ast.AST:
        """Another generator's waits are this one's."""
        self.generic_visit(node)
        made: Any = _expression(f"(yield from {TOOLS}.handed_on(0))", node.value)
        made.value.args = [node.value]
        node.value, self.any = made, True
        return node

    def visit_With(self, node: ast.With) -> Any:
        """As Python's reference spells it out."""
        first, *others = node.items
        if others:
            inner = ast.copy_location(ast.With(others, node.body), others[0].context_expr)
            node.items, node.body = [first], [inner]
        self.generic_visit(node)
        m, x, v, o, e = self._names("mxvoe")
        enter, leave = _statements(
            f"{m} = 0\n{x} = {TOOLS}.exit_of({m})\n{v} = {TOOLS}.given((yield from {TOOLS}.enter({m})))\n{o} = True",
            f"try:\n try: 0\n except BaseException as {e}:\n  {o} = False\n  if not (yield from {TOOLS}.leave({x}, {m}, {e})): raise\n"
            f"finally:\n if {o}: yield from {TOOLS}.leave({x}, {m}, None)",
            place=first.context_expr,
        )
        enter[0].value = first.context_expr
        leave[0].body[0].body = ([] if first.optional_vars is None else [_assignment(first.optional_vars, v)]) + node.body
        self.any = True
        return enter + leave

    def visit_For(self, node: ast.For) -> Any:
        """Each turn may wait for the next value: where it does, each is a loop of its own over one value."""
        is_plain = self._is_plain(node.iter) or isinstance(node.iter, (ast.List, ast.Tuple, ast.Set, ast.Dict, ast.Constant))
        self.generic_visit(node)
        if is_plain:
            return node
        i, g, v, o = self._names("igvo")
        made = _statements(
            f"{o}, ({i}, {g}) = False, (yield from {TOOLS}.iterate(0))",
            f"while True:\n {v} = None if {g} is None else (yield from {g}({i}))\n for _ in {i} if {g} is None else {v}: 0\n"
            f" else:\n  if {v}: continue\n  {o} = True\n break",
            f"{i} = {g} = {v} = None",
            f"if {o}: 0",
            place=node.iter,
        )
        takes, loop, forgets, ends = (one[0] for one in made)
        takes.value.elts[1].value.args = [node.iter]
        turn = loop.body[1]
        turn.target, turn.body, ends.body = node.target, node.body, node.orelse
        self.any = True
        return [takes, loop, forgets, *([ends] if node.orelse else [])]

    def visit_ListComp(self, node: Any) -> ast.AST:
        """A comprehension in which something may wait becomes a function of its own, as it is one."""
        is_left = any(isinstance(one, (ast.NamedExpr, ast.Await)) or getattr(one, "is_async", 0) for one in ast.walk(node))
        if is_left or not any(isinstance(one, ast.Call) and not self._is_plain(one) for one in ast.walk(node)):
            return node
        (name,) = self._names("c")
        first = node.generators[0]
        given, first.iter = self.visit(first.iter), ast.copy_location(ast.Name(f"{TOOLS}_it", ast.Load()), first.iter)
        function: Any = _statements(f"def {name}({TOOLS}_it): 0", place=node)[0][0]
        function.body = _Yields(self._plain).of(_loops(node)) + _MAKES_A_GENERATOR
        self._functions.append(function)
        is_generator = isinstance(node, ast.GeneratorExp)
        made: Any = _expression(f"{TOOLS}.generator({name}(0))" if is_generator else f"(yield from {name}(0))", node)
        call = made.args[0] if is_generator else made.value
        call.args = [given]
        self.any = True
        return made

    visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_ListComp

    def _is_plain(self, node: ast.AST) -> bool:
        """Whether it is a call that waits for nothing."""
        return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in self._plain

    def _leave(self, node: ast.AST) -> ast.AST:
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = visit_Lambda = _leave

    def _names(self, letters: str) -> list[str]:
        self._made += 1
        return [f"{TOOLS}_{letter}_{self._made}" for letter in letters]


def _loops(node: _Comprehension) -> list[ast.stmt]:
    """A comprehension as a function's body."""
    out = f"{TOOLS}_out"
    if isinstance(node, ast.GeneratorExp):
        (inner,) = _statements("yield 0", place=node)
        inner[0].value.value = node.elt
        begin, end = [], []
    else:
        empty = "{}" if isinstance(node, ast.DictComp) else "{*()}" if isinstance(node, ast.SetComp) else "[]"
        adds = {"{}": f"{out} |= {{0: 0}}", "{*()}": f"{out} |= {{0}}", "[]": f"{out} += [0]"}[empty]
        begin, inner, end = _statements(f"{out} = {empty}", adds, f"return {out}", place=node)
        if isinstance(node, ast.DictComp):
            inner[0].value.keys, inner[0].value.values = [node.key], [node.value]
        else:
            inner[0].value.elts = [node.elt]
    for each in reversed(node.generators):
        for condition in reversed(each.ifs):
            inner = [ast.copy_location(ast.If(condition, inner, []), condition)]
        inner = [ast.copy_location(ast.For(each.target, each.iter, inner, []), each.iter)]
    return begin + inner + end


def _assignment(target: ast.expr, name: str) -> ast.stmt:
    return ast.copy_location(ast.Assign([target], ast.copy_location(ast.Name(name, ast.Load()), target)), target)


def _expression(source: str, place: ast.AST) -> Any:
    return _placed(ast.parse(source, mode="eval").body, place)


def _statements(*sources: str, place: ast.AST) -> Any:
    return [[_placed(one, place) for one in ast.parse(source).body] for source in sources]


def _placed(made: ast.AST, place: ast.AST) -> Any:
    for one in ast.walk(made):
        ast.copy_location(one, place)
    return made


def _named(code: types.CodeType, name: str) -> Iterator[types.CodeType]:
    """The code of a function, in that of what it stands in."""
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            if constant.co_name == name:
                yield constant
            else:
                yield from _named(constant, name)


def _renamed(code: types.CodeType, made_name: str, first: types.CodeType) -> types.CodeType:
    """With the names that the first version's functions have, also in those that stand for its comprehensions."""
    constants = (_renamed(one, made_name, first) if isinstance(one, types.CodeType) else one for one in code.co_consts)
    name = first.co_name if code.co_name.startswith(TOOLS) else code.co_name
    qualified_name = code.co_qualname.replace(made_name, first.co_qualname, 1)
    return code.replace(co_name=name, co_qualname=qualified_name, co_consts=tuple(constants))
