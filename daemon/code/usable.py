"""Whether a function's body does something: the one question that labels, drafts and answers ask of generated code.

It judges form alone. No missing `return`, endless loop, `yield`, `raise` or star import is a fault, and nothing runs.
"""

from __future__ import annotations

import ast
import warnings
from typing import Literal

from tree_sitter import Node

from .functions import body_of, functions_in, is_stub, name_of
from .languages import Language
from .syntax import Source

Fault = Literal["empty", "stub", "syntax"]


def body_fault(text: str, language: Language) -> Fault | None:
    """What is wrong with the text of a body, without a brace or dedent at its end; None for a usable one.

    `empty`: nothing but comments. `stub`: only a docstring and placeholders, or the function declared once more.
    `syntax`: it does not parse, or goes on behind the body's end.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = [line.strip() for line in text.split("\n")]
    if all(not line or line.startswith(language.line_comment) for line in lines):
        return "empty"
    n_braces = language.body_frame.count("{")
    source = Source(language.body_frame + text + "\n" + "}" * n_braces, language)
    framed = [it for it in functions_in(source, source.root) if source.start(it) < len(language.body_frame)]
    if not framed or not _is_all(source, framed[0], n_braces):
        return "syntax"
    return function_fault(source, framed[0])


def function_fault(source: Source, function: Node) -> Fault | None:
    """The same of a function in its text."""
    body = body_of(source, function)
    if body is None:
        return "empty"
    if not _parses(source, function):
        return "syntax"
    statements = [part for part in body.parts if part.type not in source.language.comments]
    if not statements:
        return "empty"
    return "stub" if is_stub(source, function) or _is_echo(source, function, statements) else None


def _is_all(source: Source, function: Node, n_braces: int) -> bool:
    """Whether nothing follows the framed function. Comments may, and Python's tree leaves them outside."""
    if not source.language.braces:
        return _n_statements(source.text) == 1
    return source.end(function) == len(source.text) - (n_braces - 1)


def _is_echo(source: Source, function: Node, statements: list[Node]) -> bool:
    """Whether all that a function does is to declare itself once more."""
    first, name = statements[0], name_of(source, function)
    return len(statements) == 1 and first.type in source.language.functions and name_of(source, first) == name != ""


def _parses(source: Source, function: Node) -> bool:
    """Python's own parser has the last word on Python."""
    if source.language.id != "python":
        return not function.has_error
    indent = source.indent_at(source.start(function))
    return _n_statements(f"{'if 1:' if indent else ''}\n{indent}{source.text_of(function)}\n") is not None


def _n_statements(text: str) -> int | None:
    """Python's statements at the margin; None where it does not parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return len(ast.parse(text).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
