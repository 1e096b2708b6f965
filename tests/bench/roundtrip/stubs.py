"""Taking a real function's body away: the file as it would be before the function was written."""

from __future__ import annotations

from dataclasses import dataclass

from halfwatt.daemon.code.indent import indent_of
from halfwatt.daemon.code.lines import line_end_of

from .functions import RealFunction, syntax_of

_COMPLETE_WHEN_EMPTY = frozenset({"constructor", "destructor"})


@dataclass(frozen=True)
class Stubbed:
    """The file with the stub. `start:end` is where the body was; `cursor` is where the user asks."""

    text: str
    start: int
    end: int
    cursor: int
    form: str


def stubbed(text: str, function: RealFunction) -> Stubbed:
    """The file with this function's body replaced by one of its language's stubs."""
    form = _form(text, function)
    syntax = syntax_of(function)
    line_end = line_end_of(text)
    base = indent_of(text[_line_start(text, function.start) :].split("\n", 1)[0])
    lines = [base + body_step(text, function) + line for line in syntax.stubs[form]]
    stub = line_end + line_end.join(lines) if lines else ""
    if syntax.braces:
        stub += line_end + base
    elif form == "same line":
        stub = " " + syntax.stubs[form][0]
    at_stub = function.body_start + len(stub.rstrip())
    cursor = function.name_at if function.choice("cursor", 2) or not lines else at_stub
    new_text = text[: function.body_start] + stub + text[function.body_end :]
    return Stubbed(new_text, function.body_start, function.body_start + len(stub), cursor, form)


def _form(text: str, function: RealFunction) -> str:
    forms = list(syntax_of(function).stubs)
    if not function.has_docstring and "docstring only" in forms:
        forms.remove("docstring only")
    is_colon_last = text[: function.body_start].endswith(":")
    if "same line" in forms and not is_colon_last:
        forms.remove("same line")
    if "empty" in forms and not _COMPLETE_WHEN_EMPTY.isdisjoint(function.positions):
        forms.remove("empty")
    return forms[function.choice("stub", len(forms))]


def body_step(text: str, function: RealFunction) -> str:
    """One step of indentation as the function itself uses it; its language's usual one where that cannot be seen."""
    base = indent_of(text[_line_start(text, function.start) :].split("\n", 1)[0])
    for line in text[function.body_start : function.body_end].split("\n")[1:]:
        indent = indent_of(line)
        if line.strip() and not line.startswith("#") and indent.startswith(base) and len(indent) > len(base):
            return indent[len(base) :]
    return syntax_of(function).unit


def _line_start(text: str, offset: int) -> int:
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1
