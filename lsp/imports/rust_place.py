"""Where imports of Rust go: into a `use` tree that has a list for the path, or as a line of the module's `use` block.

Statements under a condition and those that pass names on (`pub use`) are left alone.
"""

from __future__ import annotations

import re

from tree_sitter import Node

from halfwatt.daemon.code.edits import Edit
from halfwatt.daemon.code.languages import kinds
from halfwatt.daemon.code.lines import line_end_of
from halfwatt.daemon.code.syntax import Source, ancestors, walk

from .names import NewText
from .place import above, below, into_list, is_alone_on_line, on_top
from .rust_tree import Leaf, path_of

_HEAD = kinds(
    "use_declaration extern_crate_declaration attribute_item line_comment block_comment mod_item macro_invocation"
)


def placed(text: NewText, module: Node, wanted: list[Leaf]) -> list[Edit]:
    """Into a tree that has a list for the path, or as new lines of the module's `use` block."""
    source = text.before
    nodes, body = _uses_of(text, module)
    found: list[Edit] = []
    new: list[Leaf] = []
    for leaf in sorted(wanted, key=lambda it: it.path):
        joined = _joined(source, nodes, leaf)
        if joined:
            found.extend(joined)
        else:
            new.append(leaf)
    lines: dict[tuple[int, int], Edit] = {}
    for leaf in new:
        edit = _new_line(source, nodes, body, leaf)
        before = lines.get((edit.start, edit.end))
        text_before = before.text if before is not None else ""
        lines[edit.start, edit.end] = Edit(edit.start, edit.end, text_before + edit.text)
    return [*found, *lines.values()]


def _uses_of(text: NewText, module: Node) -> tuple[list[Node], Node]:
    """The private `use` statements on top of the module, as nodes of the file before, and the node that holds them."""
    source = text.before
    home = source.root
    if module.parent is not None:
        name = text.after.text_of(module.child_by_field_name("name") or module)
        found = [it for it in walk(source.root) if it.type == "mod_item" and _named(source, it) == name]
        body = next((it.child_by_field_name("body") for it in found), None)
        home = body or source.root
    nodes = []
    for node in home.named_children:
        if node.type == "use_declaration" and is_alone_on_line(source, node) and not _has_attribute(node):
            nodes.append(node)
        elif node.type not in _HEAD and node.type not in source.language.preamble:
            break
    return nodes, home


def _named(source: Source, node: Node) -> str:
    name = node.child_by_field_name("name")
    return source.text_of(name) if name is not None else ""


def _has_attribute(node: Node) -> bool:
    return node.prev_named_sibling is not None and node.prev_named_sibling.type == "attribute_item"


def _joined(source: Source, nodes: list[Node], leaf: Leaf) -> list[Edit]:
    """An edit of the list with the longest path that the new one goes on from."""
    best: tuple[int, Node] | None = None
    for statement in nodes:
        if any(it.type == "visibility_modifier" for it in statement.children):
            continue
        for node in walk(statement):
            prefix = _list_prefix(source, node)
            elements = [it for it in node.named_children if it.type not in source.language.comments]
            fits = prefix and len(prefix) < len(leaf.path) and leaf.path[: len(prefix)] == prefix
            if fits and elements and (best is None or len(prefix) > best[0]):
                best = len(prefix), node
    if best is None:
        return []
    elements = [it for it in best[1].named_children if it.type not in source.language.comments]
    return list(into_list(source, elements, leaf.text(best[0]), _element_key))


def _list_prefix(source: Source, node: Node) -> tuple[str, ...]:
    """The path in front of a list: `a::{b::{c}}` has `a`, and `a::b` for the list inside."""
    if node.type != "use_list":
        return ()
    prefix: tuple[str, ...] = ()
    for outer in ancestors(node):
        if outer.type == "scoped_use_list":
            prefix = (*path_of(source, outer.child_by_field_name("path")), *prefix)
    return prefix


def _element_key(element: str) -> tuple[bool, str]:
    return element != "self", element


def _new_line(source: Source, nodes: list[Node], home: Node, leaf: Leaf) -> Edit:
    line = f"use {leaf.text()};"
    plain = [it for it in nodes if not any(child.type == "visibility_modifier" for child in it.children)] or nodes
    if not plain:
        return _first(source, home, line)
    shared = {it.id: _n_shared(_first_path(source, it), leaf.path) for it in plain}
    near = [it for it in plain if shared[it.id] == max(shared.values())]
    smaller = [it for it in near if _first_path(source, it) < leaf.path]
    if smaller:
        return below(source, smaller[-1], [line])
    before = near[0].prev_named_sibling
    if before is not None and before.type in source.language.comments | source.language.attributes:
        return below(source, near[0], [line])
    return above(source, near[0], [line])


def _first_path(source: Source, statement: Node) -> tuple[str, ...]:
    argument = statement.child_by_field_name("argument")
    return tuple(re.findall(r"\w+", source.text_of(argument))) if argument is not None else ()


def _n_shared(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count


def _first(source: Source, home: Node, line: str) -> Edit:
    """In a module without `use`: behind its brace, or on top of the file."""
    if home.parent is None:
        crates = [
            it for it in home.named_children if it.type == "extern_crate_declaration" and is_alone_on_line(source, it)
        ]
        return below(source, crates[-1], [line], gap=True) if crates else on_top(source, [line])
    first = home.named_children[0] if home.named_children else None
    at = source.start(home) + 1
    indent = source.indent_at(source.start(first)) if first is not None else source.language.indent
    return Edit(at, at, line_end_of(source.text) + indent + line + line_end_of(source.text) * (first is not None))
