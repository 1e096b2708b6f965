"""Functions with doctests in a module's text: which of them can be tasks, and where the body of each stands.

It reads text by `ast` and by the product's own syntax trees, and runs nothing. `collect_doctests.py` finds out whether
the examples pass, and whether they fail without the body.
"""

import ast
import doctest
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from halfwatt.daemon.code.functions import body_of, docstring_of, functions_in
from halfwatt.daemon.code.languages import for_id
from halfwatt.daemon.code.syntax import Source

MOST_STATEMENTS = 40
_CLOCK = {"now", "today", "utcnow", "time", "localtime", "gmtime", "monotonic", "perf_counter", "sleep"}
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class DoctestFunction:
    """A function with examples. `line` is that of `def`, counted from 1.

    `offset` of `def` and `body_start:body_end` count characters. The latter is what a stub lacks: everything behind the
    docstring. `body_hash` is that of the body's syntax tree, so that copies with other comments have the same one.
    """

    name: str
    line: int
    docstring: str
    n_statements: int
    n_examples: int
    body_hash: str
    offset: int
    body_start: int
    body_end: int
    indent: str


def doctest_functions(text: str) -> list[DoctestFunction]:
    """Functions and methods that have examples and a body of their own, in reading order.

    Left out are delegates, empty bodies, long ones, what reads the clock, and names that stand twice. A text that is no
    Python has none.
    """
    tree = parsed(text)
    if tree is None or ">>>" not in text:
        return []
    spans = _spans(text)
    found = []
    for name, function in _named(tree):
        made = _as_function(name, function, spans)
        if made is not None:
            found.append(made)
    twice = Counter(function.name for function in found)
    return [function for function in found if twice[function.name] == 1]


def parsed(text: str) -> ast.Module | None:
    """The tree; None for what is no Python of this interpreter."""
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def stubbed(text: str, function: DoctestFunction) -> str:
    """The module's text with a placeholder for the function's body."""
    line_end = "\r\n" if "\r\n" in text else "\n"
    placeholder = f"{line_end}{function.indent}raise NotImplementedError"
    return text[: function.body_start] + placeholder + text[function.body_end :]


def _named(node: ast.AST, owners: tuple[str, ...] = ()) -> Iterator[tuple[str, _Function]]:
    """Functions of the module and of its classes by qualified name, also those under `if` and `try`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _Function):
            yield ".".join((*owners, child.name)), child
        elif isinstance(child, ast.ClassDef):
            yield from _named(child, (*owners, child.name))
        elif isinstance(child, ast.stmt | ast.ExceptHandler):
            yield from _named(child, owners)


def _as_function(name: str, function: _Function, spans: dict[int, tuple[int, int, int, str]]) -> DoctestFunction | None:
    docstring = ast.get_docstring(function, clean=False)
    body = _body(function)
    n_statements = sum(isinstance(node, ast.stmt) for statement in body for node in ast.walk(statement))
    if docstring is None or not 1 <= n_statements <= MOST_STATEMENTS or _is_trivial(body):
        return None
    examples = _examples(docstring)
    if not examples or function.lineno not in spans or _reads_clock(body, examples):
        return None
    return DoctestFunction(
        name, function.lineno, docstring, n_statements, len(examples), _body_hash(body), *spans[function.lineno]
    )


def _body(function: _Function) -> list[ast.stmt]:
    return function.body[ast.get_docstring(function, clean=False) is not None :]


def _body_hash(body: list[ast.stmt]) -> str:
    return hashlib.sha256("\n".join(ast.dump(statement) for statement in body).encode(errors="replace")).hexdigest()[
        :16
    ]


def _examples(docstring: str) -> list[doctest.Example]:
    try:
        return doctest.DocTestParser().get_examples(docstring)
    except ValueError:
        return []


def _is_trivial(body: list[ast.stmt]) -> bool:
    """One statement that only passes on, returns a name or raises."""
    if len(body) != 1:
        return False
    statement = body[0]
    if isinstance(statement, ast.Raise | ast.Pass):
        return True
    if not isinstance(statement, ast.Return | ast.Expr):
        return False
    value = statement.value
    if isinstance(value, ast.Await | ast.YieldFrom):
        value = value.value
    if isinstance(value, ast.Call):
        arguments = [*value.args, *(keyword.value for keyword in value.keywords)]
        return _is_plain(value.func) and all(map(_is_plain, arguments))
    return _is_plain(value)


def _is_plain(node: ast.expr | None) -> bool:
    """A name, a constant, an attribute of one, `super()` in front; nothing is computed."""
    if isinstance(node, ast.Attribute | ast.Starred):
        return _is_plain(node.value)
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) == "super"
    return node is None or isinstance(node, ast.Name | ast.Constant)


def _reads_clock(body: list[ast.stmt], examples: list[doctest.Example]) -> bool:
    trees = [*body, *(tree for example in examples if (tree := parsed(example.source)) is not None)]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    named = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    named |= {node.id for node in nodes if isinstance(node, ast.Name)}
    return bool(named & _CLOCK)


def _spans(text: str) -> dict[int, tuple[int, int, int, str]]:
    """Line of `def` → its offset, the docstring's end, the body's end and its indentation.

    A docstring that shares a line with something else is passed over.
    """
    language = for_id("python")
    assert language is not None  # noqa: S101  # the table of languages has Python
    source = Source(text, language)
    spans = {}
    for function in functions_in(source, source.root):
        body = body_of(source, function)
        docstring = docstring_of(source, body) if body is not None else None
        if body is not None and docstring is not None:
            begin, start = source.start(docstring), source.end(docstring)
            before = text[source.line_start(begin) : begin]
            if not before.strip() and not text[start : source.line_end(start)].strip():
                end = start + len(text[start : body.end].rstrip())
                spans[function.start_point.row + 1] = (source.start(function), start, end, before)
    return spans
