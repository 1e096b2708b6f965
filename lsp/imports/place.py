"""Where an import goes in any language: below a statement, above one, into a list of names, or on top of a file.

All offsets count characters of the file before the edits. What a group or a good neighbour is, each language says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from tree_sitter import Node

from halfwatt.daemon.code.edits import Edit
from halfwatt.daemon.code.indent import indent_of
from halfwatt.daemon.code.lines import line_end_of
from halfwatt.daemon.code.syntax import Source

Key = Callable[[str], tuple[bool, str]]
_BLANK = " \t\ufeff"
_FILE_HEADER = re.compile(r"copyright|licen[cs]e|SPDX|@file|@fileoverview|eslint|-\*-|#!|coding[:=]", re.IGNORECASE)


def end_of(source: Source, node: Node) -> int:
    """The end of a statement's text. Some grammars count its line end in."""
    return source.start(node) + len(source.text_of(node).rstrip())


def is_alone_on_line(source: Source, node: Node) -> bool:
    """Whether nothing but a comment shares the lines of a statement."""
    start, end = source.start(node), end_of(source, node)
    rest = source.text[end : source.line_end(end)].strip().lstrip(";").strip()
    before = source.text[source.line_start(start) : start]
    return not before.strip(_BLANK) and (not rest or rest.startswith(("#", "//", "/*")))


def below(source: Source, node: Node, lines: Sequence[str], gap: bool = False) -> Edit:
    """New lines under a statement, indented as it is; with `gap`, a blank line between."""
    line_end = line_end_of(source.text)
    at = source.line_end(end_of(source, node))
    indent = source.indent_at(source.start(node))
    return Edit(at, at, line_end * gap + "".join(line_end + indent + line for line in lines))


def above(source: Source, node: Node, lines: Sequence[str], gap: bool = False) -> Edit:
    """New lines over a statement, indented as it is; with `gap`, a blank line between."""
    line_end = line_end_of(source.text)
    start = source.start(node)
    at = source.line_start(start)
    if at == 0 and source.text.startswith("\ufeff"):
        at = 1
    indent = source.indent_at(start)
    return Edit(at, at, "".join(indent + line + line_end for line in lines) + line_end * gap)


def on_top(source: Source, lines: Sequence[str]) -> Edit:
    """New lines in a file without imports, below all that must stay on top of it."""
    line_end = line_end_of(source.text)
    last = _header_end(source)
    block = line_end.join(lines)
    if not last:
        at = int(source.text.startswith("\ufeff"))
        return Edit(at, at, block + line_end * (2 if source.text[at:].strip() else 1))
    rest = source.text[last:]
    needs_gap = bool(rest.strip()) and not re.match(r"[ \t]*(\r\n|\n|\r)[ \t]*(\r\n|\n|\r)", rest)
    return Edit(last, last, line_end * 2 + block + line_end * needs_gap)


def _header_end(source: Source) -> int:
    """Where the part ends that stays on top: 0, or the end of a line.

    It holds a shebang, comments about the file, a docstring or directive, a package line, inner attributes."""
    end = 0
    nodes = [it for it in source.root.children if it.is_named]
    index = 0
    while index < len(nodes):
        block = _comment_block(source, nodes, index)
        if block:
            kept = _kept_comments(source, block, nodes[index + len(block)] if index + len(block) < len(nodes) else None)
            if kept:
                end = source.line_end(end_of(source, kept[-1]))
            if len(kept) < len(block):
                break
            index += len(block)
        elif _stays_on_top(source, nodes[index]):
            end = source.line_end(end_of(source, nodes[index]))
            index += 1
        else:
            break
    return end


def _comment_block(source: Source, nodes: list[Node], index: int) -> list[Node]:
    """Comments that touch each other, from this index on."""
    block: list[Node] = []
    for node in nodes[index:]:
        is_comment = node.type in source.language.comments or node.type == "hash_bang_line"
        if not is_comment or (block and node.start_point.row > _last_row(block[-1]) + 1):
            break
        block.append(node)
    return block


def _last_row(node: Node) -> int:
    return node.end_point.row - (1 if node.end_point.column == 0 else 0)


def _kept_comments(source: Source, block: list[Node], following: Node | None) -> list[Node]:
    """Those that are about the file and not about the declaration that they touch."""
    touches = following is not None and following.start_point.row <= _last_row(block[-1]) + 1
    text = "\n".join(source.text_of(it) for it in block)
    if not touches or following is None or _stays_on_top(source, following) or _is_inner(text):
        return block
    if re.search(r"copyright|licen[cs]e|SPDX", text, re.IGNORECASE):
        return block
    kept = [it for it in block if _FILE_HEADER.search(source.text_of(it)) or _is_inner(source.text_of(it))]
    return block[: block.index(kept[-1]) + 1] if kept else []


def _is_inner(comment: str) -> bool:
    """Rust's comments about the module around them."""
    return comment.startswith(("//!", "/*!"))


def _stays_on_top(source: Source, node: Node) -> bool:
    if node.type in source.language.preamble:
        return True
    return node.type == "expression_statement" and source.text_of(node)[:1] in ("'", '"') and node.child_count <= 2


def into_list(source: Source, elements: Sequence[Node], text: str, key: Key) -> tuple[Edit, ...]:
    """A new element among the elements of a list with commas, in order where the list is in order.

    Lists over many lines get a new line of their own; a comma behind the last element stays behind the last."""
    keys = [key(source.text_of(it)) for it in elements]
    larger = next((it for it, own in zip(elements, keys, strict=True) if own > key(text)), None)
    if is_sorted(keys) and larger is not None and _has_no_comment_above(source, larger):
        return (_before(source, larger, text),)
    last = elements[-1]
    rest = source.text[source.end(last) : source.line_end(source.end(last))]
    if _begins_line(source, last) and re.match(r"\s*,?\s*(#|//|/\*)", rest) and _has_no_comment_above(source, last):
        return (_before(source, last, text),)
    joint = f",{line_end_of(source.text)}{_indent(source, last)}" if _has_own_line(source, last) else ", "
    at = source.end(last)
    return (Edit(at, at, joint + text),)


def _before(source: Source, element: Node, text: str) -> Edit:
    at = source.start(element)
    joint = f",{line_end_of(source.text)}{_indent(source, element)}" if _has_own_line(source, element) else ", "
    return Edit(at, at, text + joint)


def _has_no_comment_above(source: Source, element: Node) -> bool:
    above_it = element.prev_sibling
    while above_it is not None and not above_it.is_named:
        above_it = above_it.prev_sibling
    return above_it is None or above_it.type not in source.language.comments


def _begins_line(source: Source, node: Node) -> bool:
    start = source.start(node)
    return not source.text[source.line_start(start) : start].strip(_BLANK)


def _has_own_line(source: Source, node: Node) -> bool:
    """Whether an element stands alone on its line, and the line is no part of one with backslashes."""
    start, end = source.start(node), source.end(node)
    is_last = re.fullmatch(r"\s*,?\s*((#|//).*)?", source.text[end : source.line_end(end)])
    goes_on = source.text[: source.line_start(start)].rstrip().endswith("\\")
    return _begins_line(source, node) and bool(is_last) and not goes_on


def _indent(source: Source, node: Node) -> str:
    start = source.start(node)
    return indent_of(source.text[source.line_start(start) : start])


def is_sorted(keys: Sequence[Any]) -> bool:
    """Whether keys, all of one kind, are in order."""
    return all(one <= other for one, other in pairwise(keys))
