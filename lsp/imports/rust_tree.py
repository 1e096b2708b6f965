"""Reading `use` trees of Rust: the names that they bind, each by its full path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from halfwatt.daemon.code.syntax import Source


@dataclass(frozen=True)
class Leaf:
    """One name of a `use` tree by its full path. `name` is the alias where there is one, "*" for a glob."""

    path: tuple[str, ...]
    name: str

    @property
    def is_alias(self) -> bool:
        return self.name not in ("*", self.path[-1])

    def text(self, skip: int = 0) -> str:
        return "::".join(self.path[skip:]) + (f" as {self.name}" if self.is_alias else "")


def leaves_of(source: Source) -> list[Leaf]:
    return [leaf for node in source.root.named_children for leaf in leaves(source, node)]


def leaves(source: Source, node: Node) -> Iterator[Leaf]:
    """All names that a `use` or `extern crate` statement binds."""
    if node.type == "extern_crate_declaration":
        name, alias = node.child_by_field_name("name"), node.child_by_field_name("alias")
        if name is not None:
            yield Leaf((source.text_of(name),), source.text_of(alias or name))
    elif node.type == "use_declaration":
        yield from _tree(source, node.child_by_field_name("argument"), ())


def _tree(source: Source, node: Node | None, prefix: tuple[str, ...]) -> Iterator[Leaf]:
    if node is None:
        return
    if node.type == "use_list":
        for child in node.named_children:
            yield from _tree(source, child, prefix)
    elif node.type == "scoped_use_list":
        path = node.child_by_field_name("path")
        yield from _tree(source, node.child_by_field_name("list"), (*prefix, *path_of(source, path)))
    elif node.type == "use_as_clause":
        alias = node.child_by_field_name("alias")
        full = _without_self((*prefix, *path_of(source, node.child_by_field_name("path"))))
        yield Leaf(full, source.text_of(alias) if alias is not None else "")
    elif node.type == "use_wildcard":
        yield Leaf((*prefix, *path_of(source, node)[:-1]), "*")
    elif node.type in ("identifier", "scoped_identifier", "self", "crate", "super", "metavariable"):
        full = _without_self((*prefix, *path_of(source, node)))
        yield Leaf(full, full[-1])


def _without_self(path: tuple[str, ...]) -> tuple[str, ...]:
    """`a::{self}` is `a`."""
    return path[:-1] if path[-1] == "self" and len(path) > 1 else path


def path_of(source: Source, node: Node | None) -> tuple[str, ...]:
    return tuple(re.findall(r"[\w*]+", source.text_of(node))) if node is not None else ()
