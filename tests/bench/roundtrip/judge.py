"""Comparing the file after the edits with the original. The product's own checks are not used."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tree_sitter import Node

from halfwatt.daemon.code.edits import Edit
from halfwatt.daemon.code.syntax import Source, walk

from .functions import COMMENTS
from .stubs import Stubbed
from .syntaxes import Syntax, for_id

Verdict = Literal["equal", "different", "extra import", "refused", "damage", "not found", "wrong target", "crash"]
_SPACES = re.compile(r"\s+")
_LOOSE = frozenset({"jsx_text", "preproc_arg", "line_continuation", "preproc_directive"})


@dataclass(frozen=True)
class Judged:
    verdict: Verdict
    reason: str = ""


@dataclass(frozen=True)
class Placed:
    """The text with the stub, the new one, and where the body stands in it. `outside` are edits of all but the stub."""

    before: str
    text: str
    start: int
    end: int
    outside: tuple[Edit, ...]


def place(stub: Stubbed, edits: tuple[Edit, ...]) -> Placed:
    """Apply the edits, and tell those in the stub from all others."""
    small = [it for it in (_without_shared_ends(stub.text, edit) for edit in edits) if it is not None]
    outside = tuple(it for it in small if not (stub.start <= it.start and it.end <= stub.end))
    before = sum(len(it.text) - (it.end - it.start) for it in outside if it.end <= stub.start)
    growth = sum(len(it.text) - (it.end - it.start) for it in small if it not in outside)
    return Placed(stub.text, apply(stub.text, small), stub.start + before, stub.end + before + growth, outside)


def apply(text: str, edits: Sequence[Edit]) -> str:
    """The text after the edits."""
    for edit in sorted(edits, key=lambda it: (it.start, it.end), reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def _without_shared_ends(text: str, edit: Edit) -> Edit | None:
    """The edit without what it leaves as it is; None where that is all."""
    old, new = text[edit.start : edit.end], edit.text
    if old == new:
        return None
    n_front = 0
    while n_front < min(len(old), len(new)) and old[n_front] == new[n_front]:
        n_front += 1
    n_back = 0
    while n_back < min(len(old), len(new)) - n_front and old[-1 - n_back] == new[-1 - n_back]:
        n_back += 1
    return Edit(edit.start + n_front, edit.end - n_back, new[n_front : len(new) - n_back])


def judge(original: Source, body: tuple[int, int], placed: Placed, brings: str = "") -> Judged:
    """`original` has the real body at `body`. Outside nothing may change, but for what the answer `brings`."""
    outside = _of_outside(placed, original, brings)
    if outside is not None:
        return outside
    new = Source(placed.text, original.language)
    wanted, found = Body.of(original, *body), Body.of(new, placed.start, placed.end)
    if wanted.tokens != found.tokens:
        return Judged("different", _first_difference(wanted.tokens, found.tokens))
    if wanted.outline != found.outline:
        return Judged("different", "the same tokens, otherwise nested")
    if _line_ends(placed.text) - _line_ends(original.text):
        return Judged("different", "line ends that the file does not have")
    return Judged("equal")


def _of_outside(placed: Placed, original: Source, brings: str) -> Judged | None:
    """None where what is outside the body is as it should be. Imports that are only added do no harm; all else does."""
    syntax = for_id(original.language.id)
    brought = _imported(Source(brings, original.language), syntax)
    is_helper = bool(brings) and not brought
    others = tuple(it for it in placed.outside if not (is_helper and _adds(it, brings, original)))
    if is_helper and others == placed.outside:
        return Judged("different", "the helper does not come along")
    before = Source(placed.before, original.language)
    after = Source(apply(placed.before, others), original.language)
    if any(not it.text.strip() and not placed.before[it.start : it.end].strip() for it in others):
        return Judged("damage", "white space outside the body is changed")
    if _without_imports(before, syntax) != _without_imports(after, syntax):
        is_added = all(it.start == it.end for it in others)
        return Judged("damage", "code is written outside the body" if is_added else "code outside the body is changed")
    if brought - _imported(after, syntax):
        return Judged("different", "the import does not come along")
    needless = others and (not brought or _imported(after, syntax) - _imported(before, syntax) - brought)
    return Judged("extra import", "an import that nothing uses or that is there already") if needless else None


def _imported(source: Source, syntax: Syntax) -> frozenset[str]:
    """The words of all imports of a file: what is imported, in whatever grouping."""
    imports = [it for it in source.root.named_children if it.type in syntax.imports]
    words = {source.text_of(leaf).strip() for it in imports for leaf in walk(it) if leaf.child_count == 0}
    return frozenset(it for it in words if re.search(r"\w", it))


def _without_imports(source: Source, syntax: Syntax) -> list[str]:
    """The words of a file, those of its imports left out."""
    kept, end = [], 0
    for node in source.root.named_children:
        if node.type in syntax.imports:
            kept.append(source.text[end : source.start(node)])
            end = source.end(node)
    return "".join([*kept, source.text[end:]]).split()


def _adds(edit: Edit, brings: str, original: Source) -> bool:
    """Whether the edit inserts just this piece of code, in whatever layout."""
    ours, wanted = (Source(it, original.language) for it in (edit.text, brings))
    return edit.start == edit.end and Body.of(ours, 0, len(ours.text)).tokens == Body.of(wanted, 0, len(brings)).tokens


@dataclass(frozen=True)
class Body:
    """What two bodies are compared by: their tokens, comments included, and the nesting of their nodes without them."""

    tokens: tuple[str, ...]
    outline: tuple[tuple[int, str], ...]

    @classmethod
    def of(cls, source: Source, start: int, end: int) -> Body:
        first, last = source.byte(start), source.byte(end)
        tokens, outline = [], []
        todo: list[tuple[Node, int]] = [(source.root, 0)]
        while todo:
            node, depth = todo.pop()
            if node.end_byte <= first or node.start_byte >= last:
                continue
            inside = first <= node.start_byte and node.end_byte <= last
            if inside and node.type not in COMMENTS and source.text_of(node).strip():
                outline.append((depth, node.type))
            if node.child_count == 0 or node.type in COMMENTS:
                tokens.append(_normal(source, node))
            else:
                todo.extend((it, depth + inside) for it in reversed(node.children))
        return cls(tuple(it for it in tokens if it), tuple(outline))


def _normal(source: Source, node: Node) -> str:
    """A token's text; layout that is no content is made the same for all."""
    text = source.text_of(node).replace("\r\n", "\n").replace("\r", "\n")
    if node.type in COMMENTS or node.type in _LOOSE:
        return _SPACES.sub(" ", text.replace("\\\n", " ")).strip()
    return text if "string" in node.type or "content" in node.type else text.strip()


def _first_difference(wanted: tuple[str, ...], found: tuple[str, ...]) -> str:
    at = next((at for at, pair in enumerate(zip(wanted, found, strict=False)) if pair[0] != pair[1]), None)
    if at is None:
        longer = wanted if len(wanted) > len(found) else found
        token = longer[min(len(wanted), len(found))]
        return ("missing at the end: " if longer is wanted else "more at the end: ") + _kind(token)
    return f"{_kind(wanted[at])} became {_kind(found[at])}"


def _kind(token: str) -> str:
    if token.startswith(("//", "/*", "#")):
        return "a comment"
    if "\n" in token:
        return "text over several lines"
    return "a word" if token.isidentifier() else f"`{token[:8]}`" if len(token) <= 8 else "a literal"


def _line_ends(text: str) -> set[str]:
    return set(re.findall(r"\r\n|\n|\r", text))


def has_errors(source: Source, start: int, end: int) -> bool:
    """Whether the tree has an error within these characters."""
    first, last = source.byte(start), source.byte(end)
    return any(
        (it.is_error or it.is_missing) and first <= it.start_byte and it.end_byte <= last for it in walk(source.root)
    )
