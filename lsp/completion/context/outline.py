"""The declarations of a file without their bodies: what another file needs to know to use them.

It holds top-level functions and classes, and the public functions of those classes. It reads the syntax tree only.
"""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from halfwatt.daemon.code.languages import Language
from halfwatt.daemon.code.syntax import Source

MAX_METHODS = 12
_MAX_TYPE_CHARS = 400


def outline(text: str, language: Language, names: frozenset[str] | None) -> str:
    """One declaration a line, indented where it belongs to a class; only `names` where they are given."""
    source = Source(text, language)
    lines: list[str] = []
    for node in _top_level(source.root, language):
        name = _name(node, source)
        if names is not None and name not in names:
            continue
        lines.extend(_declaration(node, source, language))
    return "\n".join(lines)


def _top_level(root: Node, language: Language) -> Iterator[Node]:
    for child in root.named_children:
        if child.type in language.functions | language.classes | language.types:
            yield child
        elif child.type in language.wrappers | language.containers:
            yield from _top_level(child, language)


def _declaration(node: Node, source: Source, language: Language) -> Iterator[str]:
    body = node.child_by_field_name("body")
    if body is None or (node.type in language.types and node.type not in language.classes):
        text = source.text_of(node)
        if len(text) <= _MAX_TYPE_CHARS:
            yield text
        return
    yield _header(node, body, source)
    if node.type in language.classes:
        members = [each for each in _members(body, language) if not _name(each, source).startswith("_")]
        for member in members[:MAX_METHODS]:
            inner = member.child_by_field_name("body")
            yield language.indent + (_header(member, inner, source) if inner else _one_line(source.text_of(member)))


def _members(body: Node, language: Language) -> Iterator[Node]:
    for child in body.named_children:
        if child.type in language.functions | language.declarations:
            yield child
        elif child.type in language.wrappers | language.containers:
            yield from _members(child, language)


def _header(node: Node, body: Node, source: Source) -> str:
    """A declaration up to its body, on one line."""
    text = source.text[source.start(node) : source.start(body)]
    return _one_line(text).rstrip(" :{")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _name(node: Node, source: Source) -> str:
    found = node.child_by_field_name("name") or node.child_by_field_name("declarator")
    while found is not None and found.type.endswith("declarator"):
        found = found.child_by_field_name("declarator")
    return source.text_of(found) if found is not None else ""
