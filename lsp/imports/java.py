"""Imports of Java: what statements bind, which are needed, and where they go.

A class of the same package needs none and is preferred to one of the standard library. The folder tells which classes
the package has. A name that the rest of the file uses without an import is taken for one of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tree_sitter import Node

from halfwatt.daemon.code.edits import Edit
from halfwatt.daemon.code.syntax import Source, ancestors

from .names import NewText, Use
from .place import above, below, is_alone_on_line, on_top
from .standard import standard, words

# What the classes of the JDK itself often call a class inside them.
_OFTEN_INSIDE = words(
    "Array Attributes Field Filter Handler Key Level Logger Method Modifier Parameter Provider Reference Type"
)


@dataclass(frozen=True)
class Import:
    """`import static a.B.c;` is ("a.B", "c", True). A wildcard has the name "*"."""

    package: str
    name: str
    is_static: bool

    def text(self) -> str:
        return f"import {'static ' * self.is_static}{self.package}.{self.name};"


def edits(text: NewText, offered: tuple[str, ...], folder: Path | None) -> list[Edit]:
    present = imports(text.after)
    offers = [it for statement in offered for it in imports(Source(statement, text.after.language))]
    package = _package(text.after)
    wanted: dict[Import, None] = {}
    for use in text.uses:
        offer = _offer(offers, use)
        if not (_is_type(use) or (offer is not None and offer.is_static)):
            continue
        if use.name in text.used_elsewhere or _is_bound(present, package, use.name, folder):
            continue
        if offer is None and (_is_tested(text.after, use.name) or any(_is_open(it) for it in present)):
            continue
        found = offer or (None if _may_be_inherited(use) else _known(use.name)) or _wildcard(offers)
        if found is not None and found not in present:
            wanted[found] = None
    return [edit for it in sorted(wanted, key=_key) for edit in [_placed(text.before, it)]]


def imports(source: Source) -> list[Import]:
    """Every import of a file, in order."""
    return [_import(source, it) for it in source.root.named_children if it.type in source.language.imports]


def _import(source: Source, node: Node) -> Import:
    words = re.sub(r"/\*.*?\*/|//[^\n]*|\s+(?=[.;*])|(?<=\.)\s+", "", source.text_of(node), flags=re.DOTALL)
    match = re.match(r"import\s+(static\s+)?([\w.]+)\.(\w+|\*)\s*;", words)
    return Import(match[2], match[3], bool(match[1])) if match else Import("", "", False)


def _package(source: Source) -> str:
    node = next((it for it in source.root.named_children if it.type == "package_declaration"), None)
    return re.sub(r"package|[\s;]", "", source.text_of(node)) if node is not None else ""


def _is_type(use: Use) -> bool:
    """Whether a name means a class: in the place of a type, or looked up in like one."""
    if not use.name[:1].isupper():
        return False
    if use.node.type == "type_identifier" or use.members:
        return True
    parent = use.node.parent
    return parent is not None and parent.type in ("method_reference", "marker_annotation", "annotation")


def _is_bound(present: list[Import], package: str, name: str, folder: Path | None) -> bool:
    known = standard("java").modules
    if name in known["java.lang"] or any(it.name == name for it in present):
        return True
    wildcards = {it.package for it in present if it.name == "*"} | {package}
    if any(name in known.get(it, ()) for it in wildcards):
        return True
    return folder is not None and any((it / f"{name}.java").is_file() for it in _package_folders(folder))


def _may_be_inherited(use: Use) -> bool:
    """Whether a class around may have the name from a class or interface that it extends."""
    around = (
        it for it in ancestors(use.node) if it.type in ("class_declaration", "enum_declaration", "record_declaration")
    )
    heirs = any(it.child_by_field_name("superclass") or it.child_by_field_name("interfaces") for it in around)
    return use.name in _OFTEN_INSIDE and heirs


def _package_folders(folder: Path) -> tuple[Path, ...]:
    """The file's folder, and that of the tested classes in the usual layout of Maven and Gradle."""
    tested = folder.as_posix().replace("/src/test/java/", "/src/main/java/")
    return (folder, Path(tested)) if tested != folder.as_posix() else (folder,)


def _is_open(it: Import) -> bool:
    """Whether an import may bind any name: a wildcard of a package that is not known."""
    return it.name == "*" and not it.is_static and it.package not in standard("java").modules


def _is_tested(source: Source, name: str) -> bool:
    """Whether the file tests a class of this name, which then is one of its package in another folder."""
    classes = (it.child_by_field_name("name") for it in source.root.named_children)
    return any(it is not None and re.fullmatch(rf"{name}Tests?", source.text_of(it)) for it in classes)


def _offer(offers: list[Import], use: Use) -> Import | None:
    return next((it for it in offers if it.name == use.name), None)


def _wildcard(offers: list[Import]) -> Import | None:
    """An offered wildcard that may bind a name that nothing else explains."""
    return next((it for it in offers if _is_open(it)), None)


def _known(name: str) -> Import | None:
    packages = [it for it in standard("java").by_name.get(name, ()) if it != "java.lang"]
    return Import(packages[0], name, False) if len(packages) == 1 else None


def _key(it: Import) -> tuple[bool, str]:
    return it.is_static, f"{it.package}.{it.name}"


def _placed(source: Source, wanted: Import) -> Edit:
    """Behind the last smaller one of its nearest neighbours: those that share most of the package's name."""
    nodes = [it for it in source.root.named_children if it.type in source.language.imports]
    nodes = [it for it in nodes if is_alone_on_line(source, it)]
    peers = [it for it in nodes if _import(source, it).is_static == wanted.is_static]
    if not nodes:
        return _first(source, [wanted.text()])
    if not peers:
        return below(source, nodes[-1], [wanted.text()], gap=True)
    shared = {it.id: _n_shared(_import(source, it).package, wanted.package) for it in peers}
    near = [it for it in peers if shared[it.id] == max(shared.values())] if max(shared.values()) else peers
    smaller = [it for it in near if _key(_import(source, it)) < _key(wanted)]
    if smaller:
        return below(source, smaller[-1], [wanted.text()])
    if _has_comment_above(source, near[0]):
        return below(source, near[0], [wanted.text()])
    return above(source, near[0], [wanted.text()])


def _n_shared(one: str, other: str) -> int:
    count = 0
    for left, right in zip(one.split("."), other.split("."), strict=False):
        if left != right:
            break
        count += 1
    return count


def _has_comment_above(source: Source, node: Node) -> bool:
    comment = node.prev_named_sibling
    return (
        comment is not None
        and comment.type in source.language.comments
        and (comment.end_point.row + 1 >= node.start_point.row)
    )


def _first(source: Source, lines: list[str]) -> Edit:
    package = next((it for it in source.root.named_children if it.type == "package_declaration"), None)
    return below(source, package, lines, gap=True) if package is not None else on_top(source, lines)
