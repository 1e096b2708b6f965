"""Reading a text that is a body alone: it is put behind the target's own opening and parsed there.

So the grammar says where the body ends. What a model wrote behind that end is no part of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from halfwatt.daemon.code.functions import body_of
from halfwatt.daemon.code.indent import indent_of
from halfwatt.daemon.code.syntax import Source
from halfwatt.daemon.code.targets import Target

from .layout import body_indent, opening, shifted, style_of


@dataclass(frozen=True)
class Placed:
    """A body in its place: the text around it with the body, the function, its statements, what was left over."""

    source: Source
    function: Node
    parts: tuple[Node, ...]
    behind: str


def placed(file: Source, target: Target, text: str) -> Placed | None:
    """The statements that the text puts into the target's body; None where they do not parse or there are none.

    The text begins at the start of a line. Where it may be read in several ways, all of it is meant to be used."""
    found = list(_all_placed(file, target, [text, *_moved_in(file, target, text)]))
    return next((it for it in found if not it.behind.strip()), found[0] if found else None)


def as_body(file: Source, target: Target, code: str) -> Placed | None:
    """The same for a text that is a body and nothing else, at any indentation."""
    variants = [*reversed(_moved_in(file, target, code)), code]
    return next((it for it in _all_placed(file, target, variants) if not it.behind.strip()), None)


def _all_placed(file: Source, target: Target, variants: list[str]) -> Iterator[Placed]:
    """Each variant in the first surroundings that it parses in."""
    for variant in variants:
        for before, behind in _surroundings(file, target):
            found = _parsed(file, target, before, variant, behind)
            if found is not None:
                yield found
                break


def _moved_in(file: Source, target: Target, text: str) -> list[str]:
    """Where indentation makes the body: the text with its first line, and with all of it, at the target's depth."""
    if file.language.braces:
        return []
    indent = body_indent(file, target, style_of(file, target))
    first = next((line for line in text.split("\n") if line.strip()), "")
    whole = shifted(Source(text, file.language), indent)
    return [whole] if indent_of(first) else [text.replace(first, indent + first, 1), whole]


def _surroundings(file: Source, target: Target) -> Iterator[tuple[str, str]]:
    """What to put the body between: the file, and, in case that is broken, the function alone."""
    head = opening(file, target)
    yield file.text[: target.outer_start] + head, file.text[target.end :]
    if not file.language.braces:
        yield (f"if 1:\n{target.indent}{head}" if target.indent else head), "\n"
        return
    yield head, "}\n"
    for frame in file.language.frames:
        before, _, behind = frame.partition("{}")
        yield before.format() + head, "}\n" + behind.format()


def _parsed(file: Source, target: Target, before: str, text: str, behind: str) -> Placed | None:
    start = len(before)
    end = start + 1 + len(text)
    source = Source(f"{before}\n{text}\n{behind}", file.language)
    function = _function_with(source, start)
    body = body_of(source, function) if function is not None else None
    if function is None or body is None or _has_fault(source, function, start):
        return None
    closes_behind = file.language.braces and body.end == end + 1
    if body.end > end and not closes_behind:
        return None
    parts = tuple(it for it in body.parts if source.start(it) >= start)
    left = "" if closes_behind else source.text[body.end : end].removeprefix("}" if file.language.braces else "")
    if not any(it.type not in file.language.comments for it in parts):
        return None
    return Placed(source, function, parts, left)


def _has_fault(source: Source, function: Node, start: int) -> bool:
    """Whether the parser stumbled in a function's body. A signature may be half typed."""
    todo = [function]
    while todo:
        node = todo.pop()
        if node.is_error or node.is_missing:
            if source.end(node) > start or (node.is_missing and source.start(node) >= start):
                return True
        elif node.has_error:
            todo.extend(node.children)
    return False


def _function_with(source: Source, start: int) -> Node | None:
    """The innermost function whose body is open at this offset."""
    kinds = source.language.functions
    node: Node | None = source.node_at(max(start - 1, 0))
    while node is not None:
        if node.type in kinds and (body := body_of(source, node)) is not None and body.opening <= start:
            return node
        node = node.parent
    return None
