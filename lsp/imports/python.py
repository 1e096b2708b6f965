"""Imports of Python: what statements bind, which are needed, and where they go.

A star import of an unknown module may bind any name, so nothing is added beside one. A name that only
`if TYPE_CHECKING:` binds is not there at run time. A body that uses it gets an import of its own, as such imports often
go in circles.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable
from pathlib import Path

from tree_sitter import Node

from halfwatt.daemon.code.edits import Edit
from halfwatt.daemon.code.indent import unit_of
from halfwatt.daemon.code.lines import line_end_of
from halfwatt.daemon.code.syntax import Source, ancestors, walk

from .names import NewText, Use
from .python_bindings import PythonBinding, bindings, statement_bindings
from .python_place import placed
from .standard import standard

_BUILTINS = frozenset(dir(builtins)) | {"__file__", "__name__", "__path__", "__spec__", "__builtins__", "__class__"}
_ANYTHING = frozenset({"exec", "globals", "vars", "locals"})


def edits(text: NewText, offered: tuple[str, ...], folder: Path | None) -> list[Edit]:
    found: dict[PythonBinding, bool] = {}  # whether it must stay inside the function
    offers = [it for statement in offered for it in bindings(Source(statement, text.after.language))]
    for use in text.uses:
        if use.name in _BUILTINS:
            continue
        visible = text.imports_in_sight(use.node)
        if any(_binds(text.after, it, use.name) for it in visible if not _is_for_types(text.after, it)):
            continue
        for_types = [b for it in visible if _is_for_types(text.after, it) for b in statement_bindings(text.after, it)]
        typed = next((it for it in for_types if it.name == use.name), None)
        if typed is not None and (_is_annotation(use.node) or _is_for_types(text.after, use.node)):
            continue
        if typed is None and _may_be_bound_unseen(text.after, visible):
            continue
        binding = typed or _offer(offers, use) or _known(use)
        if binding is not None:
            found[binding] = typed is not None and typed.module.partition(".")[0] not in standard("python").modules
    inside = [it for it, is_inside in found.items() if is_inside]
    return [*placed(text.before, [it for it in found if it not in inside]), *_inside(text, inside)]


def _binds(source: Source, node: Node, name: str) -> bool:
    for binding in statement_bindings(source, node):
        if binding.name == name:
            return True
        if binding.member == "*" and name in standard("python").modules.get(binding.module, ()):
            return True
    return False


def _is_for_types(source: Source, node: Node) -> bool:
    """Whether a statement stands under `if TYPE_CHECKING:`."""
    inner = node
    for outer in ancestors(node.parent):
        if outer.type == "if_statement" and outer.child_by_field_name("consequence") == inner:
            condition = outer.child_by_field_name("condition")
            if condition is not None and re.fullmatch(r"(\w+\.)?TYPE_CHECKING|False", source.text_of(condition)):
                return True
        inner = outer
    return False


def _is_annotation(node: Node) -> bool:
    return any(it.type == "type" for it in ancestors(node))


def _may_be_bound_unseen(source: Source, visible: Iterable[Node]) -> bool:
    known = standard("python").modules
    stars = [b for it in visible for b in statement_bindings(source, it) if b.member == "*"]
    if any(it.module not in known for it in stars):
        return True
    root = source.root
    calls = (it.child_by_field_name("function") for it in walk(root) if it.type == "call")
    return any(it is not None and source.text_of(it) in _ANYTHING for it in calls)


def _offer(offers: list[PythonBinding], use: Use) -> PythonBinding | None:
    """The offered import that binds the name. A star counts where its module is known to have the name."""
    for offer in offers:
        if offer.name == use.name and offer.module != "__future__":
            return offer
    known = standard("python")
    for offer in offers:
        if offer.member == "*" and use.name in known.modules.get(offer.module, {use.name}):
            return PythonBinding(offer.module, use.name, use.name) if offer.module in known.modules else offer
    return None


def _known(use: Use) -> PythonBinding | None:
    """A module of the standard library that has what is looked up in it, or one of its common names."""
    modules = standard("python").modules
    path = [use.name, *use.members]
    for size in range(len(path) - 1, 0, -1):
        module = ".".join(path[:size])
        if path[size] in modules.get(module, ()) and module != "os.path":
            return PythonBinding(module, "", use.name)
    common = standard("python").common.get(use.name)
    return PythonBinding(common, use.name, use.name) if common else None


def _inside(text: NewText, needed: list[PythonBinding]) -> list[Edit]:
    if not needed:
        return []
    edit = max(text.edits, key=lambda it: len(it.text))
    line_end = line_end_of(text.before.text)
    first = re.match(r"(?:[ \t]*(?:\r\n|\n|\r))*([ \t]*)", edit.text)
    indent = (first[1] if first else "") or unit_of(text.before.text, text.before.language.indent)
    lines = sorted(it.statement() for it in needed)
    return [Edit(edit.start, edit.start, "".join(line_end + indent + line for line in lines))]
