"""Moving an answer's lines into the file: to the place's indentation, in the file's step, strings untouched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from halfwatt.daemon.code.functions import body_of
from halfwatt.daemon.code.indent import TAB_WIDTH, indent_of, reindent, unit_of, width_of
from halfwatt.daemon.code.lines import line_end_of, split_lines
from halfwatt.daemon.code.syntax import Source, ancestors
from halfwatt.daemon.code.targets import Target, function_of


@dataclass(frozen=True)
class Style:
    """How the file writes lines: one step of indentation, and the line end."""

    unit: str
    line_end: str


def style_of(source: Source, target: Target) -> Style:
    """The file's style. Where it mixes tabs and spaces, the target's own indentation says which."""
    unit = unit_of(source.text, source.language.indent)
    if target.indent and target.indent[0] != unit[0]:
        unit = "\t" if target.indent[0] == "\t" else " " * TAB_WIDTH
    return Style(unit, line_end_of(source.text))


def body_indent(source: Source, target: Target, style: Style) -> str:
    """The indentation of the target's body: that of its first line where it has one, else one step more."""
    function = function_of(source, target)
    body = body_of(source, function) if function is not None else None
    lines = split_lines(source.text[body.opening : target.end])[1:] if body is not None else []
    indent = next((indent_of(line) for line in lines if line.strip()), "")
    is_deeper = indent.startswith(target.indent) and len(indent) > len(target.indent)
    return indent if is_deeper else target.indent + style.unit


def opening(source: Source, target: Target) -> str:
    """The target's own text up to where its new body begins: signature, docstring, comments that stay.

    Python: what stands on the line of the colon is on a line of its own here, or no body could follow it."""
    function = function_of(source, target)
    body = body_of(source, function) if function is not None else None
    if body is None or source.language.braces or source.line_start(target.start) > body.opening:
        return source.text[target.outer_start : target.start]
    kept = source.text[body.opening : target.start].strip()
    if not kept or kept.startswith("#"):
        return source.text[target.outer_start : target.start]
    style = style_of(source, target)
    line_start = style.line_end + body_indent(source, target, style)
    return source.text[target.outer_start : body.opening] + line_start + kept


def moved(source: Source, first: Node, last: Node, to_indent: str, style: Style, exact: bool = False) -> list[str]:
    """The lines from one node to another, moved to an indentation. `exact`: their own steps stay as they are."""
    start, end = source.start(first), max(source.end(last), source.end(first))
    line_start = source.line_start(start)
    alone = source.text[line_start:start].strip() == ""
    lines = source.text[line_start if alone else start : end].rstrip().split("\n")
    row = first.start_point.row
    frozen = {it - row for it in _rows_in_strings(source, first, last)}
    later = [width_of(line) for index, line in enumerate(lines) if index and line.strip() and index not in frozen]
    from_width = width_of(lines[0]) if alone else min(later, default=0)
    if not alone:
        lines[0] = " " * from_width + lines[0]
    unit = " " if exact else _unit(source, first, last, lines, style)
    return reindent(lines, frozen, from_width, unit, to_indent, " " if unit == " " else style.unit)


def shifted(source: Source, to_indent: str) -> str:
    """A whole text moved so that its first line stands at an indentation."""
    nodes = source.root.children
    if not nodes:
        return source.text
    return "\n".join(moved(source, nodes[0], nodes[-1], to_indent, Style(" ", "\n"), exact=True))


def _unit(source: Source, first: Node, last: Node, lines: list[str], style: Style) -> str:
    """The answer's step of indentation; " " where it has no single one and every column is to be kept.

    Where blocks are made by indentation, the tree says how far each one stands in."""
    if source.language.braces:
        return unit_of("\n".join(lines), style.unit)
    indents = {char for line in lines for char in indent_of(line)}
    steps = {
        it.start_point.column - it.parent.start_point.column
        for it in _between(first, last)
        if it.type == "block" and it.parent is not None and it.start_point.row > it.parent.start_point.row
    }
    if "\t" in indents:
        return "\t" if " " not in indents else " "
    if not steps:
        return style.unit
    return " " * steps.pop() if len(steps) == 1 else " "


def _between(first: Node, last: Node) -> Iterator[Node]:
    """All nodes from one to another."""
    around = next((it for it in ancestors(first) if it.end_byte >= last.end_byte), first)
    todo = [around]
    while todo:
        node = todo.pop()
        if node.end_byte > first.start_byte and node.start_byte < last.end_byte:
            yield node
            todo.extend(node.children)


def _rows_in_strings(source: Source, first: Node, last: Node) -> set[int]:
    """Rows that begin inside a string: their white space is content."""
    rows: set[int] = set()
    for node in _between(first, last):
        if node.type in source.language.strings:
            rows.update(range(node.start_point.row + 1, node.end_point.row + 1))
    return rows
