"""Finding the target again after the user typed: the same function, comment or call in the newer text.

Only a target whose own text is untouched is found again. For others there is a diff to show: what the user typed is
never overwritten.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from tree_sitter import Node

from halfwatt.daemon.code.edits import Edit, apply
from halfwatt.daemon.code.functions import functions_in, name_of
from halfwatt.daemon.code.syntax import Source, walk
from halfwatt.daemon.code.targets import Target, find, stubs


def reanchor(old: Source, target: Target, new: Source) -> Target | None:
    """The same target in the newer text, or None where it changed, vanished or cannot be told apart."""
    if new.text == old.text:
        return target
    if target.kind == "call" and any(name_of(new, it) == target.name for it in functions_in(new, new.root)):
        return None  # the user has written it meanwhile
    wanted = _own_text(old, target)
    same = [it for it in _candidates(new, target) if _is_same(new, it, target, wanted)]
    if len(same) == 1:
        return same[0]
    before = [it for it in _candidates(old, target) if _is_same(old, it, target, wanted)]
    if len(same) == len(before) and target in before:
        return same[before.index(target)]
    return None


def _own_text(source: Source, target: Target) -> str:
    return source.text[target.outer_start : target.outer_end]


def _is_same(source: Source, found: Target, target: Target, wanted: str) -> bool:
    same_place = found.kind == target.kind and found.name == target.name and found.owners == target.owners
    return same_place and found.documentation == target.documentation and _own_text(source, found) == wanted


def _candidates(source: Source, target: Target) -> Iterable[Target]:
    if target.kind == "stub":
        return stubs(source)
    found: list[Target] = []
    kinds = source.language.calls if target.kind == "call" else source.language.comments | {"expression_statement"}
    for node in walk(source.root):
        if node.type not in kinds or not _may_be_part(source, node, target):
            continue
        if not any(it.outer_start <= source.start(node) < it.outer_end for it in found):
            again = find(source, source.start(node), (target.name,))
            if isinstance(again, Target) and again not in found:
                found.append(again)
    return found


def _may_be_part(source: Source, node: Node, target: Target) -> bool:
    """Whether a comment is one of the target's, or a call names it. To look closer at all of them would take long."""
    if target.kind == "call":
        callee = node.child_by_field_name("function") or node.child_by_field_name("name")
        return callee is not None and source.text_of(callee) == target.name
    return source.text_of(node).strip() in target.documentation


def diff(name: str, old_text: str, edits: tuple[Edit, ...]) -> str:
    """A unified diff of the edits against the text that they were made for."""
    new_lines = apply(old_text, edits).splitlines()
    lines = difflib.unified_diff(old_text.splitlines(), new_lines, f"a/{name}", f"b/{name}", lineterm="")
    return "\n".join(lines) + "\n"


def change(old: str, new: str) -> Edit:
    """The one edit that makes `new` of `old`, without what both share at the start and the end."""
    start = _n_shared(old, new)
    if old[start - 1 : start + 1] == "\r\n":
        start -= 1  # never between the two halves of a line end
    end = _n_shared(old[start:][::-1], new[start:][::-1])
    if old[len(old) - end - 1 : len(old) - end + 1] == "\r\n" and end:
        end -= 1
    return Edit(start, len(old) - end, new[start : len(new) - end])


def _n_shared(one: str, other: str) -> int:
    return next(
        (at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), min(len(one), len(other))
    )
