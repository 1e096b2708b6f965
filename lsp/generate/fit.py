"""Making a model's answer fit the file: the edits that put a body, or a new function, where the target is.

What stands in the file is kept byte for byte: signature, decorators, docstring, comments that are not a TODO. The new
text follows the file's indentation and line ends. Imports that the answer uses and the file lacks go below the file's
imports; helper functions go above the statement that needs them. Where the result would not parse, there are no edits,
and AnswerError says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tree_sitter import Node

from halfwatt.daemon.code.edits import Edit
from halfwatt.daemon.code.functions import body_of, comments_above, docstring_of, outer, says_todo
from halfwatt.daemon.code.indent import reindent, unit_of, width_of
from halfwatt.daemon.code.lines import line_end_of
from halfwatt.daemon.code.syntax import Source, ancestors, walk
from halfwatt.daemon.code.targets import Target, imports
from halfwatt.daemon.errors import AnswerError

from .answer import Answer, changed_parameters, names_defined, read, used_names
from .verify import verify


@dataclass(frozen=True)
class Fitted:
    """The edits in file order, none overlapping.

    `code` is the whole new function as it will stand in the file, `replaced` the text before ("" for an insertion)."""

    edits: tuple[Edit, ...]
    code: str
    replaced: str


def fit(source: Source, target: Target, answer_text: str) -> Fitted:
    """The edits for this answer; raises AnswerError where it cannot be used."""
    signature = _dedented_signature(target) if target.kind == "stub" else ""
    answer = read(answer_text, source.language, target.name, signature)
    style = _Style(unit_of(source.text, source.language.indent), line_end_of(source.text))
    if target.kind == "stub":
        changed = changed_parameters(answer, target.signature)
        if changed:
            raise AnswerError(
                f"The model renamed parameters ({', '.join(changed)}); nothing was changed. Try again, or ask "
                "another model."
            )
        main = Edit(target.start, target.end, _body_text(source, target, answer, style))
    else:
        main = Edit(target.start, target.end, _new_function(source, target, answer, style))
    helpers = _helper_edits(source, target, answer, style, beside=False)
    methods = _helper_edits(source, target, answer, style, beside=True)
    edits = _merged([*_import_edits(source, answer, style), *helpers, *methods, main])
    main = next(it for it in edits if it.start <= main.start and it.text.endswith(main.text))
    new_text = verify(source, target, edits, main).text
    replaced = target.indent + source.text[target.outer_start : target.outer_end] if target.kind == "stub" else ""
    return Fitted(edits, _code_of(new_text, edits, main, target), replaced)


@dataclass(frozen=True)
class _Style:
    unit: str
    line_end: str


def _dedented_signature(target: Target) -> str:
    lines = target.signature.replace("\r\n", "\n").split("\n")
    return "\n".join([lines[0], *(line.removeprefix(target.indent) for line in lines[1:])])


def _body_text(source: Source, target: Target, answer: Answer, style: _Style) -> str:
    """The answer's statements at the depth of the target's body."""
    parts = _wanted_parts(source, target, answer)
    lines = _moved(answer, parts[0], parts[-1], target.indent + style.unit, style)
    if len(parts) == 1 and _is_expression(answer):
        lead = lines[0][: len(lines[0]) - len(lines[0].lstrip())]
        lines = (lead + source.language.expression_return.format("\n".join(lines).strip())).split("\n")
    text = style.line_end + style.line_end.join(lines)
    return text + style.line_end + target.indent if source.language.braces else text


def _is_expression(answer: Answer) -> bool:
    body = body_of(answer.source, answer.function)
    return body is not None and body.is_expression


def _wanted_parts(source: Source, target: Target, answer: Answer) -> list[Node]:
    """The body without its docstring and without comments that the file already has or that say TODO."""
    body = body_of(answer.source, answer.function)
    docstring = docstring_of(answer.source, body) if body else None
    parts = [part for part in (body.parts if body else ()) if part != docstring]
    kept = source.text[target.outer_start : target.start]
    while parts and parts[0].type in source.language.comments:
        comment = answer.source.text_of(parts[0]).strip()
        if comment not in kept and not says_todo(answer.source, parts[0]):
            break
        parts.pop(0)
    if not parts:
        raise AnswerError("The model left the body empty; nothing was changed. Try again, or ask another model.")
    return parts


def _moved(answer: Answer, first: Node, last: Node, to_indent: str, style: _Style) -> list[str]:
    """The answer's lines from one node to another in the file's indentation."""
    source = answer.source
    start, end = source.start(first), max(source.end(last), source.end(first))
    line_start = source.line_start(start)
    alone = source.text[line_start:start].strip() == ""
    lines = source.text[line_start if alone else start : end].rstrip().split("\n")
    row = first.start_point.row
    frozen = {it - row for it in _rows_in_strings(source)}
    later = [width_of(line) for index, line in enumerate(lines) if index and line.strip() and index not in frozen]
    from_width = width_of(lines[0]) if alone else min(later, default=0)
    if not alone:
        lines[0] = " " * from_width + lines[0]
    return reindent(lines, frozen, from_width, unit_of(source.text, style.unit), to_indent, style.unit)


def _rows_in_strings(source: Source) -> set[int]:
    """Rows that begin inside a string: their white space is content."""
    rows: set[int] = set()
    for node in walk(source.root):
        if node.type in source.language.strings:
            rows.update(range(node.start_point.row + 1, node.end_point.row + 1))
    return rows


def _new_function(source: Source, target: Target, answer: Answer, style: _Style) -> str:
    whole = outer(answer.source, answer.function)
    first = whole if target.kind == "comment" else (*comments_above(answer.source, whole), whole)[0]
    text = style.line_end.join(_moved(answer, first, whole, target.indent, style))
    gap = style.line_end * (3 if not source.language.braces and not target.indent else 2)
    if target.kind == "call":
        return text + gap
    below = source.text[target.end :].lstrip(" \t")
    follows = below.strip() and not below.startswith(style.line_end * 2)
    return style.line_end + text + (gap.removesuffix(style.line_end) if follows else "")


def _helper_edits(source: Source, target: Target, answer: Answer, style: _Style, beside: bool) -> list[Edit]:
    """What the answer needs and the file lacks: helper methods beside the target, helpers above all around it."""
    at, indent = _home(source, target, beside)
    siblings = source.node_at(at).parent or source.root
    taken = {name for it in (*source.root.named_children, *siblings.named_children) for name in _defined(source, it)}
    gap = style.line_end * (3 if not source.language.braces and not indent else 2)
    edits = []
    for helper in answer.methods if beside else answer.helpers:
        if not names_defined(answer.source, helper) & taken:
            first = (*comments_above(answer.source, helper), helper)[0]
            lines = _moved(answer, first, helper, indent, style)
            edits.append(Edit(at, at, style.line_end.join(lines) + gap))
    return edits


def _defined(source: Source, node: Node) -> frozenset[str]:
    return used_names(source, node) if node.type in source.language.imports else names_defined(source, node)


def _home(source: Source, target: Target, beside: bool) -> tuple[int, str]:
    """Where a helper goes (the start of a line) and its indentation."""
    node = source.node_at(min(target.outer_start, max(len(source.text) - 1, 0)))
    statement = node
    for candidate in ancestors(node):
        parent = candidate.parent
        if parent is None:
            break
        statement = candidate
        is_whole = source.start(candidate) == target.outer_start and source.end(candidate) >= target.outer_end
        if parent.type in source.language.homes or (beside and is_whole):
            break
    above = comments_above(source, statement)
    start = source.start(above[0] if above else statement)
    return source.line_start(start), source.indent_at(start)


def _import_edits(source: Source, answer: Answer, style: _Style) -> list[Edit]:
    present = imports(source)
    texts = {source.text_of(it).strip() for it in present}
    bound = {name for it in present for name in used_names(source, it)}
    fresh = []
    for node in answer.imports:
        text = answer.source.text_of(node).strip().replace("\n", style.line_end)
        if text not in texts and not (used_names(answer.source, node) and used_names(answer.source, node) <= bound):
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


def _merged(edits: list[Edit]) -> tuple[Edit, ...]:
    """In file order. Insertions at the same place become one edit."""
    merged: list[Edit] = []
    for edit in sorted(edits, key=lambda it: (it.start, it.end)):
        if merged and merged[-1].start == merged[-1].end == edit.start:
            merged[-1] = replace(edit, text=merged[-1].text + edit.text)
        else:
            merged.append(edit)
    return tuple(merged)


def _code_of(new_text: str, edits: tuple[Edit, ...], main: Edit, target: Target) -> str:
    """The new function as it stands in the new text."""
    shift = sum(len(it.text) - (it.end - it.start) for it in edits if it.start < target.outer_start)
    if target.kind != "stub":
        return main.text.strip("\r\n").rstrip()
    start = target.outer_start + shift
    end = target.outer_end + shift + len(main.text) - (main.end - main.start)
    return target.indent + new_text[start:end]
