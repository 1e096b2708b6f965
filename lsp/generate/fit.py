"""Making a model's answer fit the file: the edits that put a body, or a new function, where the target is.

What stands in the file is kept byte for byte: signature, decorators, docstring, comments that are not a TODO. The new
text follows the file's indentation and line ends. Imports that the new text needs are added by lsp/imports. Helper
functions go above the statement that needs them. verify.py has the last word on every edit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tree_sitter import Node

from halfwatt.daemon.code.edits import Edit, apply
from halfwatt.daemon.code.functions import body_of, comments_above, outer
from halfwatt.daemon.code.syntax import Source, ancestors
from halfwatt.daemon.code.targets import Target
from halfwatt.daemon.errors import AnswerError
from halfwatt.lsp.imports.needed import import_edits

from .answer import Answer, read
from .layout import Style, body_indent, moved, opening, style_of
from .needs import in_class
from .refusals import UNPARSABLE
from .verify import span_after, verify


@dataclass(frozen=True)
class Fitted:
    """The edits in file order, none overlapping.

    `code` is the whole new function as it will stand in the file, `replaced` the text before ("" for an insertion).
    `others` are the edits beside the main one, for imports and helpers; `added` is each of these as it will stand."""

    edits: tuple[Edit, ...]
    code: str
    replaced: str
    others: tuple[Edit, ...] = ()
    added: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """All that is new, for a preview and for the command line."""
        return "\n\n".join([*self.added, self.code])


def fit(
    source: Source, target: Target, answer_text: str, continued: bool = False, folder: Path | None = None
) -> Fitted:
    """The edits for this answer; raises AnswerError where it cannot be used.

    `continued`: the text goes on behind the target's own opening, and is no free answer. `folder`: the file's."""
    answer = read(source, target, answer_text, continued)
    style = style_of(source, target)
    fitted = _fitted(source, target, answer, style, folder, exact=False)
    fitted = fitted or _fitted(source, target, answer, style, folder, exact=True)
    if fitted is None:
        raise AnswerError(UNPARSABLE)
    return fitted


def _fitted(
    source: Source, target: Target, answer: Answer, style: Style, folder: Path | None, exact: bool
) -> Fitted | None:
    """The edits; None where moving the lines changed what they say, as odd indentation can."""
    if target.kind == "stub":
        main = _body_edit(source, target, answer, style, exact)
    else:
        main = Edit(target.start, target.end, _new_function(source, target, answer, style))
    wanted = _merged([*_declaration_edits(source, target, answer, style), main])
    filled = Source(apply(source.text, wanted), source.language)
    offered = tuple(it.source.text_of(it.node) for it in answer.imports)
    imports = import_edits(source, filled, wanted, offered, folder)
    edits = _merged([*imports, *wanted])
    whole = next(it for it in edits if it.start <= main.start and it.end == main.end and it.text.endswith(main.text))
    new = verify(source, target, edits, whole, None if imports else filled)
    if target.kind == "stub" and not _says_the_same(answer, new, span_after(edits, whole)):
        return None
    others = tuple(it for it in edits if it != whole)
    added = tuple(dict.fromkeys(_standing(new, span_after(edits, it)) for it in others))
    if target.kind != "stub":
        return Fitted(edits, whole.text.strip("\r\n").rstrip(), "", others, added)
    start = target.outer_start + span_after(edits, whole)[0] - whole.start
    end = start + (target.outer_end - target.outer_start) + len(whole.text) - (whole.end - whole.start)
    replaced = target.indent + source.text[target.outer_start : target.outer_end]
    return Fitted(edits, target.indent + new.text[start:end], replaced, others, added)


def _body_edit(source: Source, target: Target, answer: Answer, style: Style, exact: bool) -> Edit:
    """The answer's statements at the depth of the target's body."""
    indent = body_indent(source, target, style)
    lines = moved(answer.source, answer.parts[0], answer.parts[-1], indent, style, exact)
    if _is_expression(answer):
        lines = (indent + source.language.expression_return.format("\n".join(lines).strip())).split("\n")
    text = style.line_end + style.line_end.join(lines)
    if source.language.braces:
        return Edit(target.start, target.end, text + style.line_end + target.indent)
    head, own = opening(source, target), source.text[target.outer_start : target.start]
    if head == own:
        return Edit(target.start, target.end, text)
    n_shared = next(at for at, (one, other) in enumerate(zip(head, own, strict=False)) if one != other)
    return Edit(target.outer_start + n_shared, target.end, head[n_shared:] + text)


def _is_expression(answer: Answer) -> bool:
    body = body_of(answer.source, answer.function)
    return body is not None and body.is_expression


def _says_the_same(answer: Answer, new: Source, span: tuple[int, int]) -> bool:
    """Whether the body in the file is the answer's token for token, and nested in the same way."""
    if _is_expression(answer):
        return True
    start, end = new.byte(span[0]), new.byte(span[1])
    function = next(it for it in ancestors(new.node_at(max(span[0] - 1, 0))) if it.type in new.language.functions)
    body = body_of(new, function)
    parts = [it for it in (body.parts if body else ()) if start <= it.start_byte < end]
    extra = len(parts) - len(answer.parts)  # imports that only the body has, or a docstring that was moved
    return extra >= 0 and _tokens(new, parts[extra:]) == _tokens(answer.source, answer.parts)


def _tokens(source: Source, parts: Sequence[Node]) -> list[tuple[int, str, str]]:
    """Depth, kind and text of every token. White space in comments does not count, and their depth neither."""
    found = []
    todo = [(part, 0) for part in reversed(parts)]
    while todo:
        node, depth = todo.pop()
        text = "" if node.child_count else " ".join(source.text_of(node).split())
        if node.type in source.language.comments or not (text or node.child_count or node.is_missing):
            continue  # white space is a token of its own in JSX
        found.append((depth, node.type, text))
        todo.extend((child, depth + 1) for child in reversed(node.children))
    return found


def _standing(source: Source, span: tuple[int, int]) -> str:
    """What an edit put into the text; an import with the whole statement that it became a part of."""
    for node in ancestors(source.node_at(span[0])):
        if node.type in source.language.imports:
            return source.text_of(node).strip()
    return source.text[slice(*span)].strip("\r\n").rstrip()


def _new_function(source: Source, target: Target, answer: Answer, style: Style) -> str:
    whole = outer(answer.source, answer.function)
    first = whole if target.kind == "comment" else (*comments_above(answer.source, whole), whole)[0]
    text = style.line_end.join(moved(answer.source, first, whole, target.indent, style))
    gap = style.line_end * (3 if not source.language.braces and not target.indent else 2)
    if target.kind == "call":
        return text + gap
    below = source.text[target.end :].lstrip(" \t")
    follows = below.strip() and not below.startswith(style.line_end * 2)
    return style.line_end + text + (gap.removesuffix(style.line_end) if follows else "")


def _declaration_edits(source: Source, target: Target, answer: Answer, style: Style) -> list[Edit]:
    """What the body needs and the file lacks: members beside the target, the rest above all around it."""
    edits = []
    for piece in answer.declarations:
        at, indent = _home(source, target, piece.is_member)
        gap = style.line_end * (3 if not source.language.braces and not indent else 2)
        first = (*comments_above(piece.source, piece.node), piece.node)[0]
        lines = moved(piece.source, first, piece.node, indent, style)
        edits.append(Edit(at, at, style.line_end.join(lines) + gap))
    return edits


def _home(source: Source, target: Target, beside: bool) -> tuple[int, str]:
    """Where a declaration goes (the start of a line) and its indentation."""
    node = source.node_at(min(target.outer_start, max(len(source.text) - 1, 0)))
    above_root = [it for it in ancestors(node) if it.parent is not None]
    fits = _is_member if beside else _is_home
    statement = next((it for it in above_root if fits(source, it)), (above_root or [node])[-1])
    above = comments_above(source, statement)
    start = source.start(above[0] if above else statement)
    return source.line_start(start), source.indent_at(start)


def _is_member(source: Source, node: Node) -> bool:
    """Whether a node is one of the things that a class's body lists."""
    holder = node.parent
    is_listed = holder is not None and holder.parent is not None and holder.parent.type in source.language.classes
    return is_listed and in_class(source, node)


def _is_home(source: Source, node: Node) -> bool:
    """Whether functions stand here for themselves: in a namespace, or between preprocessor lines."""
    holder = node.parent
    owner = holder.parent if holder is not None else None
    is_between = holder is not None and holder.type.startswith("preproc_if")
    return is_between or (owner is not None and owner.type in source.language.namespaces)


def _merged(edits: list[Edit]) -> tuple[Edit, ...]:
    """In file order. Insertions at the same place become one edit."""
    merged: list[Edit] = []
    for edit in sorted(edits, key=lambda it: (it.start, it.end)):
        if merged and merged[-1].start == merged[-1].end == edit.start:
            merged[-1] = replace(edit, text=merged[-1].text + edit.text)
        else:
            merged.append(edit)
    return tuple(merged)
