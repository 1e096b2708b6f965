"""New text in its file: the names that it uses and that no declaration in sight binds, and the imports in sight.

It reads the tree of the file as it will be, so a parameter, a local or a new helper that takes a name is seen. What an
import binds is for the rules of its language to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from tree_sitter import Node

from halfwatt.daemon.code.edits import Edit
from halfwatt.daemon.code.syntax import Source, ancestors, walk

from .scopes import MEMBERS, WORDS, Scoping


@dataclass(frozen=True)
class Use:
    """A plain name, and what is looked up in it: `os.path.join(…)` is `os` with the members `path` and `join`."""

    name: str
    members: tuple[str, ...]
    node: Node

    @property
    def member(self) -> str:
        return self.members[0] if self.members else ""


class NewText:
    """A file before and after some edits, with what their text uses. Nodes are those of `after`."""

    def __init__(self, before: Source, after: Source, edits: tuple[Edit, ...], scoping: Scoping) -> None:
        self.before = before
        self.after = after
        self.edits = edits
        self._scoping = scoping
        self._bound: dict[int, frozenset[str]] = {}
        self._imports: dict[int, tuple[Node, ...]] = {}

    @cached_property
    def uses(self) -> tuple[Use, ...]:
        """What the new text uses and no declaration binds, in reading order."""
        found = (it for span in self._spans for it in self._leaves(span))
        return tuple(use for it in found if not self.is_declared(use := self._use(it)))

    @cached_property
    def used_elsewhere(self) -> frozenset[str]:
        """Names that the rest of the file uses and no declaration binds: an import does, or something unseen."""
        rest = (use for uses in self._uses_elsewhere.values() for use in uses)
        return frozenset(it.name for it in rest if not self.is_declared(it))

    def members_elsewhere(self, name: str) -> frozenset[str]:
        """What the rest of the file looks up in a name, levels parted by `::`."""
        return frozenset("::".join(it.members) for it in self._uses_elsewhere.get(name, ()))

    @cached_property
    def undeclared_elsewhere(self) -> frozenset[str]:
        """All names that the rest of the file uses and no declaration binds."""
        found = self._leaves((0, self.after.root.end_byte))
        rest = (it for it in found if not any(start <= it.start_byte < end for start, end in self._spans))
        rest = (it for it in rest if it.parent is None or not it.parent.type.startswith("preproc"))
        return frozenset(use.name for it in rest if not self.is_declared(use := self._use(it)))

    def new_nodes(self) -> Iterator[Node]:
        """The nodes that stand wholly in the new text."""
        for start, end in self._spans:
            todo = [self.after.root]
            while todo:
                node = todo.pop()
                if node.end_byte <= start or node.start_byte >= end:
                    continue
                if start <= node.start_byte and node.end_byte <= end:
                    yield node
                todo.extend(reversed(node.children))

    def is_declared(self, use: Use) -> bool:
        return any(use.name in self._names_of(scope) for scope in self._scopes_around(use.node))

    def imports_in_sight(self, node: Node) -> tuple[Node, ...]:
        """The import statements whose names can be used at a node."""
        found: list[Node] = []
        for scope in self._scopes_around(node):
            self._names_of(scope)
            found.extend(self._imports[scope.id])
        return tuple(found)

    def module_of(self, node: Node) -> Node:
        """The innermost module around a node: the file, or a part of it that sees nothing outside."""
        return next(it for it in ancestors(node) if it.type in self._scoping.modules or it.parent is None)

    @cached_property
    def _spans(self) -> tuple[tuple[int, int], ...]:
        """Where the new text is in `after`, in bytes."""
        spans = []
        shift = 0
        for edit in sorted(self.edits, key=lambda it: (it.start, it.end)):
            start = edit.start + shift
            spans.append((self.after.byte(start), self.after.byte(start + len(edit.text))))
            shift += len(edit.text) - (edit.end - edit.start)
        return tuple(spans)

    @cached_property
    def _uses_elsewhere(self) -> dict[str, list[Use]]:
        """Where the rest of the file uses the names of the new text."""
        found: dict[str, list[Use]] = {it.name: [] for it in self.uses}
        for node in self._leaves((0, self.after.root.end_byte)):
            name = self.after.text_of(node)
            if name in found and not any(start <= node.start_byte < end for start, end in self._spans):
                found[name].append(self._use(node))
        return found

    def _leaves(self, span: tuple[int, int]) -> Iterator[Node]:
        """The nodes in a span of bytes that use a name."""
        start, end = span
        todo = [self.after.root]
        while todo:
            node = todo.pop()
            if node.end_byte <= start or node.start_byte >= end or node.type in self.after.language.imports:
                continue
            if node.type in self._scoping.uses and start <= node.start_byte and node.end_byte <= end and _is_head(node):
                yield node
            todo.extend(reversed(node.children))

    def _use(self, node: Node) -> Use:
        return Use(self.after.text_of(node), tuple(self._members(node)), node)

    def _members(self, node: Node) -> Iterator[str]:
        parent = node.parent
        while parent is not None:
            held, name = MEMBERS.get(parent.type, ("", ""))
            member = parent.child_by_field_name(name) if held and _holds(parent, held, node) else None
            if member is None:
                break
            yield from re.findall(r"\w+", re.sub(r"<.*", "", self.after.text_of(member), flags=re.DOTALL))
            node, parent = parent, parent.parent
        if node.parent is not None and node.parent.type == "token_tree":
            yield from self._members_in_tokens(node)

    def _members_in_tokens(self, node: Node) -> Iterator[str]:
        """Rust's macros have tokens instead of a tree."""
        behind = node.next_sibling
        while behind is not None and behind.type == "::" and behind.next_sibling is not None:
            yield self.after.text_of(behind.next_sibling)
            behind = behind.next_sibling.next_sibling

    def _scopes_around(self, node: Node) -> Iterator[Node]:
        inside = False
        for scope in ancestors(node):
            if scope.parent is None or (scope.type in self._scoping.scopes and scope.is_named):
                if not (inside and scope.type in self._scoping.blind):
                    yield scope
                inside = inside or scope.type not in self._scoping.blind
                if scope.type in self._scoping.modules:
                    return

    def _names_of(self, scope: Node) -> frozenset[str]:
        if scope.id not in self._bound:
            names, imports = self._read(scope)
            self._bound[scope.id], self._imports[scope.id] = frozenset(names), tuple(imports)
        return self._bound[scope.id]

    def _read(self, scope: Node) -> tuple[set[str], list[Node]]:
        """The names that a scope binds itself, and the import statements in it."""
        names = set(self._names_bound_by(scope)) if scope.parent is not None else set()
        imports: list[Node] = []
        todo = list(reversed(scope.children))
        while todo:
            node = todo.pop()
            if node.type in self.after.language.imports:
                imports.append(node)
                continue
            if node.type in self._scoping.named_scopes:
                named = node.child_by_field_name(self._scoping.named_scopes[node.type])
                names.update(self._names_in(named) if named is not None else ())
            if node.is_named and node.type in self._scoping.scopes:
                continue
            names.update(self._names_bound_by(node))
            todo.extend(reversed(node.children))
        return names, imports

    def _names_bound_by(self, node: Node) -> Iterator[str]:
        if node.type in self._scoping.with_body and node.child_by_field_name("body") is None:
            return
        for field in self._scoping.binders.get(node.type, ()):
            for named in node.children_by_field_name(field) if field else [node]:
                yield from self._names_in(named)

    def _names_in(self, pattern: Node) -> Iterator[str]:
        todo = [pattern]
        while todo:
            node = todo.pop()
            if node != pattern and node.type in self._scoping.no_names:
                continue
            if not node.children and node.type.endswith(("identifier", "identifier_pattern")):
                yield self.after.text_of(node)
            todo.extend(node.children)


def _is_head(node: Node) -> bool:
    """Whether a name is looked up in scope, not in what stands before it."""
    parent = node.parent
    if parent is None:
        return False
    if parent.type == "token_tree":
        return node.prev_sibling is None or node.prev_sibling.type not in ("::", ".")
    if parent.type == "scoped_type_identifier" and node.prev_named_sibling is not None:
        return False
    held, member = MEMBERS.get(parent.type, ("", ""))
    if held and _holds(parent, member, node):
        return parent.child_by_field_name(held) is None
    return not (parent.type in WORDS and _holds(parent, WORDS[parent.type], node))


def _holds(parent: Node, field: str, node: Node) -> bool:
    return parent.child_by_field_name(field) == node


def leaves(source: Source, node: Node, *types: str) -> list[str]:
    """The texts of all nodes of these kinds, in reading order."""
    return [source.text_of(it) for it in walk(node) if it.type in types]
