"""What of a file a model is shown beside the target: its imports, and the class around the target.

The stable parts come first, so that a model's cache of a prompt's beginning is reused.
"""

from __future__ import annotations

from tree_sitter import Node

from halfwatt.daemon.code.functions import body_of, functions_in, name_of, outer
from halfwatt.daemon.code.syntax import Source, ancestors
from halfwatt.daemon.code.targets import Target, imports

MAX_IMPORTS_CHARS = 1500
MAX_OWNER_CHARS = 2000


def file_context(source: Source, target: Target) -> tuple[str, ...]:
    """The parts that are there, the most stable one first."""
    return tuple(part for part in (_imports(source), _owner(source, target)) if part)


def _imports(source: Source) -> str:
    text = "\n".join(source.text_of(node).strip() for node in imports(source))
    return text if len(text) <= MAX_IMPORTS_CHARS else text[:MAX_IMPORTS_CHARS].rsplit("\n", 1)[0]


def _owner(source: Source, target: Target) -> str:
    """The enclosing class: its head, its fields, its constructor, the other methods' signatures."""
    node = source.node_at(min(target.outer_start, max(len(source.text) - 1, 0)))
    owner = next((it for it in ancestors(node) if it.type in source.language.classes), None)
    body = owner.child_by_field_name("body") if owner is not None else None
    if target.kind != "stub" or owner is None or body is None:
        return ""
    indent = source.indent_at(source.start(owner))
    head = source.text[source.start(owner) : source.start(body)].rstrip()
    lines = [indent + head + (" {" if source.language.braces else "")]
    lines.extend(_member(source, child, target) for child in body.named_children)
    return "\n".join(_until(lines, MAX_OWNER_CHARS))


def _member(source: Source, child: Node, target: Target) -> str:
    start = source.start(child)
    functions = [it for it in functions_in(source, child) if outer(source, it) == child or it == child]
    if start == target.outer_start or child.type in source.language.comments:
        return ""
    if not functions or name_of(source, functions[0]) in source.language.constructors:
        return source.indent_at(start) + source.text_of(child)
    found = body_of(source, functions[0])
    opening = found.opening if found else source.end(child)
    signature = source.text[start:opening].rstrip("{ \t\r\n")
    return source.indent_at(start) + signature + (" ..." if not source.language.braces else " { … }")


def _until(lines: list[str], n_chars: int) -> list[str]:
    kept: list[str] = []
    for line in filter(None, lines):
        n_chars -= len(line) + 1
        if n_chars < 0:
            break
        kept.append(line)
    return kept
