"""The one invariant of generating, checked on the text that an edit would make, before anybody is offered it.

Outside the target's body, the imports and new declarations, the file is what it was. No declaration occurs twice that
did not before, nothing new is a stub, and the file parses as well as it did. A file that was broken elsewhere is held
to the same: its recovered tree is compared. Whoever breaks the invariant gets an AnswerError, and no edit.
"""

from __future__ import annotations

import ast
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tree_sitter import Node

from halfwatt.daemon.code.declarations import bound_names, declarations
from halfwatt.daemon.code.edits import Edit, apply
from halfwatt.daemon.code.functions import body_of, is_stub, outer, why_bodiless
from halfwatt.daemon.code.signature import Signature, signature_of
from halfwatt.daemon.code.syntax import Source, ancestors, faults
from halfwatt.daemon.code.targets import Target, function_of
from halfwatt.daemon.errors import AnswerError

from .refusals import ELSEWHERE, EMPTY, REPEATED, UNPARSABLE


@dataclass(frozen=True)
class _Span:
    """A part of a text, in characters."""

    start: int
    end: int

    def holds(self, source: Source, node: Node) -> bool:
        return self.start <= source.start(node) and source.end(node) <= self.end


def verify(before: Source, target: Target, edits: tuple[Edit, ...], main: Edit, after: Source | None = None) -> Source:
    """The text after the edits, of which `main` fills the target; raises AnswerError where it breaks the invariant.

    `after` is that text where it is parsed already."""
    new_text = after or Source(apply(before.text, edits), before.language)
    function = function_of(before, target)
    added = [_after(edits, edit) for edit in edits if edit != main]
    if function is None:
        if target.kind == "stub" or not target.start == main.start == main.end:
            raise AnswerError(ELSEWHERE)
        old, new = _Span(target.start, target.end), _Span(0, 0)
        added.append(_after(edits, main))
    else:
        old = _body_span(before, function)
        if not old.start <= main.start <= main.end <= max(old.end, target.end):
            raise AnswerError(ELSEWHERE)
        new = _filled(before, new_text, function, old.start + _shift(edits, main), _after(edits, main))
    for edit in edits:
        if edit != main:
            _check_added(before, new_text, edit, _after(edits, edit))
    _check_syntax(before, new_text, old, new)
    _check_declarations(before, new_text, old, new, added)
    return new_text


def _shift(edits: tuple[Edit, ...], edit: Edit) -> int:
    """How far the edits before this one move it."""
    return sum(len(it.text) - (it.end - it.start) for it in edits if (it.start, it.end) < (edit.start, edit.end))


def span_after(edits: tuple[Edit, ...], edit: Edit) -> tuple[int, int]:
    """Where an edit's text stands once all are applied."""
    start = edit.start + _shift(edits, edit)
    return start, start + len(edit.text)


def _after(edits: tuple[Edit, ...], edit: Edit) -> _Span:
    return _Span(*span_after(edits, edit))


def _body_span(source: Source, function: Node) -> _Span:
    body = body_of(source, function)
    return _Span(body.opening, body.end) if body is not None else _Span(source.end(function), source.end(function))


def _filled(before: Source, after: Source, function: Node, opening: int, text: _Span) -> _Span:
    """The target's body in the new text: that of the same function, ending where the new text ends, and no stub."""
    found = next((it for it in _functions_at(after, opening - 1) if _body_span(after, it).start == opening), None)
    if found is None:
        raise AnswerError(UNPARSABLE)
    body = _body_span(after, found)
    if _own_signature(before, function) != _own_signature(after, found) or not _ends_at(after, body.end, text.end):
        raise AnswerError(UNPARSABLE)
    if is_stub(after, found):
        raise AnswerError(EMPTY)
    if after.language.id == "python" and not _compiles(after, found) and _compiles(before, function):
        raise AnswerError(UNPARSABLE)
    return _Span(body.start, max(body.end, text.end))


def _functions_at(source: Source, offset: int) -> Iterator[Node]:
    kinds = source.language.functions
    return (it for it in ancestors(source.node_at(max(offset, 0))) if it.type in kinds)


def _own_signature(source: Source, function: Node) -> Signature:
    """Owners apart: in a file that is broken above, they may be recovered otherwise."""
    return replace(signature_of(source, function), owners=())


def _ends_at(source: Source, end: int, wanted: int) -> bool:
    """Whether a body ends here; comments below its last statement do not count (Python's grammar puts them outside)."""
    lines = source.text[min(end, wanted) : max(end, wanted)].split("\n")
    mark = source.language.line_comment if not source.language.braces else "\n"
    return all(not line.strip() or line.lstrip().startswith(mark) for line in lines)


def _compiles(source: Source, function: Node) -> bool:
    """Whether Python's own parser reads the function, which tree-sitter reads more leniently."""
    whole = outer(source, function)
    start = source.line_start(source.start(whole))
    text = source.text[start : source.end(whole)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(f"if 1:\n{text}" if text[:1] in (" ", "\t") else text)
    except (SyntaxError, ValueError, RecursionError, MemoryError, SystemError):
        return False
    return True


def _check_added(before: Source, after: Source, edit: Edit, span: _Span) -> None:
    """An edit beside the main one may touch imports and insert whole declarations, neither inside a function."""
    replaced = _leaves(before, _Span(edit.start, edit.end))
    if any(not any(_is_import(before, it) for it in ancestors(leaf)) for leaf in replaced):
        raise AnswerError(ELSEWHERE)
    for leaf in _leaves(after, span):
        if not any(_is_import(after, it) or _is_addition(after, it, span) for it in ancestors(leaf)):
            raise AnswerError(ELSEWHERE)


def _is_import(source: Source, node: Node) -> bool:
    return node.type in source.language.imports and not _is_in_function(source, node)


def _is_addition(source: Source, node: Node, span: _Span) -> bool:
    language = source.language
    if node.type in language.comments | language.attributes or node.type == ";":
        return True
    named = language.functions | language.classes | language.types | language.wrappers
    is_declared = node.type in named or (node.type in language.definitions and bool(bound_names(source, node)))
    return is_declared and span.holds(source, node) and not _is_in_function(source, node)


def _is_in_function(source: Source, node: Node) -> bool:
    """Whether the nearest scope around the node is a function's body."""
    scopes = source.language.functions | source.language.classes
    nearest = next((it for it in ancestors(outer(source, node).parent) if it.type in scopes), None)
    return nearest is not None and nearest.type in source.language.functions


def _leaves(source: Source, span: _Span) -> Iterator[Node]:
    """The tokens that a span touches."""
    start, end = source.byte(span.start), source.byte(span.end)
    todo = [source.root]
    while todo:
        node = todo.pop()
        if node.end_byte <= start or node.start_byte >= end:
            continue
        if node.child_count:
            todo.extend(node.children)
        elif source.text_of(node).strip():
            yield node


def _check_syntax(before: Source, after: Source, old: _Span, new: _Span) -> None:
    """No fault in the new body, and outside it no more faults than before."""
    n_before = sum(not old.holds(before, it) for it in faults(before))
    found = faults(after)
    if any(new.holds(after, it) for it in found) or len(found) > n_before:
        raise AnswerError(UNPARSABLE)


def _check_declarations(before: Source, after: Source, old: _Span, new: _Span, added: list[_Span]) -> None:
    """What was declared outside the target is declared still, and what is new is whole and the only one of its kind."""
    had = Counter(it.key for it in declarations(before) if not old.holds(before, it.node))
    kept: Counter[tuple[object, ...]] = Counter()
    fresh: Counter[tuple[object, ...]] = Counter()
    for it in declarations(after):
        if new.holds(after, it.node) and it.node.start_byte > after.byte(new.start):
            continue
        is_new = any(span.holds(after, it.node) for span in added)
        (fresh if is_new else kept)[it.key] += 1
        if is_new and it.signature is not None and is_stub(after, it.node) and not why_bodiless(after, it.node):
            raise AnswerError(EMPTY)
    if any(key in had or n > 1 for key, n in fresh.items() if key[0] != "value") or _rebound(had, fresh):
        raise AnswerError(REPEATED)
    if had != kept:
        raise AnswerError(ELSEWHERE)


def _rebound(had: Counter[tuple[object, ...]], fresh: Counter[tuple[object, ...]]) -> bool:
    """Whether a new constant or field has a name that its scope has."""
    values = {(key[1], name) for key in had if key[0] == "value" for name in _names(key)}
    return any((key[1], name) in values for key in fresh if key[0] == "value" for name in _names(key))


def _names(key: tuple[object, ...]) -> frozenset[str]:
    return key[2] if isinstance(key[2], frozenset) else frozenset()
