"""Imports of Go: what statements bind, which are needed, and where they go.

A name counts as a package where the standard library has one of that name with all that is looked up in it. Where the
rest of the file uses the name without an import, a variable of another file of the package may have it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tree_sitter import Node

from halfwatt.daemon.code.edits import Edit
from halfwatt.daemon.code.indent import indent_of
from halfwatt.daemon.code.lines import line_end_of
from halfwatt.daemon.code.syntax import Source, walk

from .names import NewText
from .place import above, below, is_alone_on_line, is_sorted, on_top
from .standard import standard

_VERSION = re.compile(r"v\d+")


@dataclass(frozen=True)
class Spec:
    """One import: the path without quotes, and the alias ("" for none, "." and "_" as they stand)."""

    path: str
    alias: str

    def text(self) -> str:
        return f'{self.alias} "{self.path}"' if self.alias else f'"{self.path}"'

    def may_bind(self) -> frozenset[str]:
        """The package's name, or what it may be: the package clause is not in sight."""
        if self.alias:
            return frozenset({self.alias})
        parts = self.path.split("/")
        if len(parts) > 1 and _VERSION.fullmatch(parts[-1]):
            parts.pop()
        last = re.sub(r"\.v\d+$", "", parts[-1])
        words = {
            last,
            last.replace("-", "_"),
            last.replace("-", ""),
            last.removesuffix(".go"),
            *re.split(r"[-.]", last),
        }
        return frozenset(words)

    @property
    def is_standard(self) -> bool:
        return "." not in self.path.partition("/")[0]


def edits(text: NewText, offered: tuple[str, ...], folder: Path | None) -> list[Edit]:
    present = list(specs(text.after))
    bound = frozenset().union(*(it.may_bind() for it in present)) if present else frozenset()
    members: dict[str, set[str]] = {}
    for use in text.uses:
        if use.members and use.name not in bound:
            members.setdefault(use.name, set()).add(use.member)
    offers = [it for statement in offered for it in specs(_wrapped(statement, text.after))]
    wanted: list[Spec] = []
    for name, looked_up in members.items():
        if name in text.used_elsewhere:
            continue
        offer = next((it for it in offers if name in it.may_bind()), None)
        found = offer or _known(name, looked_up)
        if found is not None and found not in present:
            wanted.append(found)
    return _placed(text.before, sorted(wanted, key=lambda it: it.path))


def _wrapped(statement: str, like: Source) -> Source:
    return Source(f"package p\n{statement}\n", like.language)


def specs(source: Source) -> Iterator[Spec]:
    """Every import of a file."""
    for node in source.root.named_children:
        if node.type in source.language.imports:
            yield from (_spec(source, it) for it in walk(node) if it.type == "import_spec")


def _spec(source: Source, node: Node) -> Spec:
    path, name = node.child_by_field_name("path"), node.child_by_field_name("name")
    return Spec(
        source.text_of(path).strip('"`') if path is not None else "", source.text_of(name) if name is not None else ""
    )


def _known(name: str, looked_up: set[str]) -> Spec | None:
    modules = standard("go").modules
    paths = [it for it, names in modules.items() if it.rpartition("/")[2] == name and looked_up <= names]
    return Spec(paths[0], "") if len(paths) == 1 else None


def _placed(source: Source, wanted: list[Spec]) -> list[Edit]:
    if not wanted:
        return []
    declarations = [it for it in source.root.named_children if it.type in source.language.imports]
    declarations = [it for it in declarations if not _is_cgo(source, it)]
    group = next((it for it in declarations if _specs_of_group(it)), None)
    if group is not None:
        return _in_group(source, group, wanted)
    if declarations and is_alone_on_line(source, declarations[-1]):
        return [_beside(source, declarations, wanted)]
    if len(wanted) == 1:
        return [_first(source, [f"import {wanted[0].text()}"])]
    return [_first(source, ["import (", *(f"\t{it.text()}" for it in wanted), ")"])]


def _first(source: Source, lines: list[str]) -> Edit:
    """Below `import "C"` or the package line."""
    above_it = [it for it in source.root.named_children if it.type in ("import_declaration", "package_clause")]
    if not above_it:
        return on_top(source, lines)
    edit = below(source, above_it[-1], lines, gap=True)
    rest = source.text[edit.end :]
    touches = bool(rest.strip()) and not re.match(r"(\r\n|\n|\r)[ \t]*(\r\n|\n|\r)", rest)
    return Edit(edit.start, edit.end, edit.text + line_end_of(source.text) * touches)


def _is_cgo(source: Source, declaration: Node) -> bool:
    return any(_spec(source, it).path == "C" for it in walk(declaration) if it.type == "import_spec")


def _specs_of_group(declaration: Node) -> list[Node]:
    held = next((it for it in declaration.named_children if it.type == "import_spec_list"), None)
    return [it for it in held.named_children if it.type == "import_spec"] if held is not None else []


def _beside(source: Source, declarations: list[Node], wanted: list[Spec]) -> Edit:
    lines = [f"import {it.text()}" for it in wanted]
    first = next((it for it in walk(declarations[0]) if it.type == "import_spec"), None)
    is_smaller = first is not None and wanted[-1].path < _spec(source, first).path
    neighbour = declarations[0].prev_named_sibling
    if is_smaller and neighbour is not None and neighbour.type not in source.language.comments:
        return above(source, declarations[0], lines)
    return below(source, declarations[-1], lines)


def _in_group(source: Source, group: Node, wanted: list[Spec]) -> list[Edit]:
    """Each in order in the block of lines where its like is: standard packages, or others."""
    blocks = _blocks(_specs_of_group(group))
    line_end = line_end_of(source.text)
    inserted: dict[int, list[str]] = {}
    for spec in wanted:
        block = next((it for it in blocks if _spec(source, it[0]).is_standard == spec.is_standard), None)
        at, text = _in_block(source, block, spec, line_end) if block else _new_block(source, blocks, spec, line_end)
        inserted.setdefault(at, []).append(text)
    return [Edit(at, at, _run(texts, line_end)) for at, texts in inserted.items()]


def _run(texts: list[str], line_end: str) -> str:
    """New lines at one place; blank lines stand once."""
    first, *rest = texts
    for text in rest:
        if text.startswith(line_end * 2):
            text = text.removeprefix(line_end)
        if first.endswith(line_end * 2):
            first = first.removesuffix(line_end)
        first += text
    return first


def _blocks(nodes: list[Node]) -> list[list[Node]]:
    """Specs whose lines touch each other, or only comments stand between."""
    blocks: list[list[Node]] = []
    row = -1
    for node in nodes:
        first = _first_row(node)
        if blocks and first == row + 1:
            blocks[-1].append(node)
        else:
            blocks.append([node])
        row = node.end_point.row
    return blocks


def _comments_touching(node: Node) -> list[Node]:
    found: list[Node] = []
    row, comment = node.start_point.row, node.prev_sibling
    while comment is not None and comment.type == "comment" and comment.end_point.row == row - 1:
        before = comment.prev_sibling
        if before is not None and before.end_point.row == comment.start_point.row:
            break
        found.insert(0, comment)
        row, comment = comment.start_point.row, comment.prev_sibling
    return found


def _first_row(node: Node) -> int:
    comments = _comments_touching(node)
    return (comments[0] if comments else node).start_point.row


def _in_block(source: Source, block: list[Node], spec: Spec, line_end: str) -> tuple[int, str]:
    paths = [_spec(source, it).path for it in block]
    smaller = [it for it, path in zip(block, paths, strict=True) if path < spec.path]
    after = (smaller[-1] if smaller else None) if is_sorted(paths) else block[-1]
    if after is None:
        comments = _comments_touching(block[0])
        at = source.start(comments[0] if comments else block[0])
        return _above_in_group(source, at, spec, line_end)
    at = source.line_end(source.end(after))
    rest = source.text[source.end(after) : at].strip()
    if rest and not rest.startswith(("//", "/*")):
        return source.end(after), f"; {spec.text()}"
    return at, line_end + source.indent_at(source.start(after)) + spec.text()


def _above_in_group(source: Source, at: int, spec: Spec, line_end: str) -> tuple[int, str]:
    start = source.line_start(at)
    if source.text[start:at].strip():
        return at, f"{spec.text()}; "
    return start, indent_of(source.text[start:at]) + spec.text() + line_end


def _new_block(source: Source, blocks: list[list[Node]], spec: Spec, line_end: str) -> tuple[int, str]:
    """Standard packages on top, others at the bottom, a blank line between."""
    if not spec.is_standard:
        at, text = _in_block(source, [blocks[-1][-1]], Spec("\uffff" + spec.path, spec.alias), line_end)
        return at, line_end + text.replace("\uffff", "") if text.startswith(line_end) else text.replace("\uffff", "")
    comments = _comments_touching(blocks[0][0])
    at, text = _above_in_group(source, source.start(comments[0] if comments else blocks[0][0]), spec, line_end)
    return at, text + line_end if text.endswith(line_end) else text
