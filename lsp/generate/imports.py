"""The imports that an answer brings and the file lacks, put below the file's own."""

from __future__ import annotations

from tree_sitter import Node

from halfwatt.daemon.code.declarations import imported_words
from halfwatt.daemon.code.edits import Edit
from halfwatt.daemon.code.syntax import Source
from halfwatt.daemon.code.targets import imports

from .answer import Answer
from .layout import Style
from .needs import Piece, uses


def import_edits(source: Source, answer: Answer, style: Style) -> list[Edit]:
    """The edits that add what the answer's body and declarations use of its imports."""
    present = imports(source)
    texts = {source.text_of(it).strip() for it in present}
    bound = {name for it in present for name in imported_words(source, it)}
    pieces = [Piece(answer.source, it) for it in answer.parts]
    used = [uses(it.source, [it.node]) for it in (*pieces, *answer.declarations)]
    names = frozenset[str]().union(*(it.plain for it in used))
    fresh: list[str] = []
    for piece in answer.imports:
        text = piece.source.text_of(piece.node).strip().replace("\n", style.line_end)
        if text not in (*texts, *fresh) and _is_needed(piece, names) and not _is_bound(piece, bound):
            fresh.append(text)
    if not fresh:
        return []
    block = style.line_end.join(fresh) + style.line_end
    anchor = present[-1] if present else _preamble(source)
    if anchor is None:
        return [Edit(0, 0, block + style.line_end)]
    at = source.line_end(source.start(anchor) + len(source.text_of(anchor).rstrip()))
    before = style.line_end if present else style.line_end * 2
    return [Edit(at, at, before + style.line_end.join(fresh))]


def _is_needed(piece: Piece, names: frozenset[str]) -> bool:
    if piece.node.type == "future_import_statement":
        return False
    return piece.node.type == "preproc_include" or bool(frozenset(imported_words(piece.source, piece.node)) & names)


def _is_bound(piece: Piece, bound: set[str]) -> bool:
    words = set(imported_words(piece.source, piece.node))
    return piece.node.type != "preproc_include" and bool(words) and words <= bound


def _preamble(source: Source) -> Node | None:
    """What must stay above the first import: opening comments, a docstring or directive, a package line."""
    last = None
    for node in source.root.named_children:
        is_text = node.type == "expression_statement" and source.text_of(node)[:1] in ("'", '"')
        header = node.type in source.language.comments and (last is not None or node.start_point.row == 0)
        below = node.next_named_sibling
        touches = below is not None and below.start_point.row == node.end_point.row + 1
        if header and touches and below is not None and below.type not in source.language.comments | {node.type}:
            header = source.text_of(node).startswith("#!")
        if not (is_text or header or node.type in source.language.preamble):
            break
        last = node
    return last
