"""Cases in which the body needs something that the answer brings: a helper function or an import taken out of the file.

What is taken out must come back, and nothing else may come.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from tree_sitter import Node

from halfwatt.daemon.code.syntax import Source, walk

from .answers import Original, fenced
from .cases import Case, plain_case
from .functions import RealFunction, functions_in_text, syntax_of
from .layout import cut, dedented
from .syntaxes import Syntax

HELPER, IMPORT = "with a helper it needs", "with an import it needs"
NO_HELPERS = frozenset({"closure with a name", "function in a function", "#if", "constructor", "accessor"})


def helper_case(original: Original) -> Case | None:
    """The file without a function of the same scope that the body names; the answer holds both."""
    helper = _helper(original)
    if helper is None:
        return None
    source = original.source
    piece = dedented(cut(source, helper.start, helper.end, source.indent_at(helper.start)))
    start, end = source.line_start(helper.start), source.line_end(helper.end) + 1
    case = _without(original, HELPER, start, end)
    answer = fenced(original, f"{original.whole.text}\n\n\n{piece.text}")
    return replace(case, answer=answer, brings=piece.text) if case is not None else None


def _helper(original: Original) -> RealFunction | None:
    """The first function beside this one that its body calls by a name which nothing else there has."""
    source, function = original.source, original.function
    body = source.text[function.body_start : function.body_end]
    others = functions_in_text(source, syntax_of(function))
    for other in others:
        is_apart = other.end <= function.start or other.start >= function.end
        is_beside = other.owner == function.owner and not NO_HELPERS & {*other.positions, *function.positions}
        is_sole = sum(it.name == other.name for it in others) == 1 and other.name != function.name
        in_head = other.name in source.text[function.start : function.body_start]
        if is_apart and is_beside and is_sole and not in_head and _calls(body, other) and _is_alone(source, other):
            return other
    return None


def _calls(body: str, other: RealFunction) -> bool:
    """Whether a body calls the function: by its plain name, or a member through `self` or `this`."""
    name = re.escape(other.name)
    plain = re.search(rf"(?<![\w.>:$])(?<!new ){name}\s*\(", body)
    by_self = re.search(rf"\b(self|cls|this|Self)(\.|->|::){name}\s*\(", body)
    is_declared = re.search(rf"\b(def|function|let|const|var|auto)\s+{name}\b", body)
    is_reached = bool(by_self) if other.owner and other.language_id not in ("java", "cpp") else bool(plain)
    return is_reached and not is_declared


def _is_alone(source: Source, function: RealFunction) -> bool:
    """Whether the function's lines hold nothing else, and no attribute above belongs to it."""
    node = source.node_at(function.start)
    before = source.text[source.line_start(function.start) : function.start].strip()
    behind = source.text[function.end : source.line_end(function.end)].strip()
    while node.parent is not None and source.start(node.parent) == function.start and node.parent.parent is not None:
        node = node.parent
    above = node.prev_named_sibling
    return not before and not behind and (above is None or "attribute" not in above.type)


def import_case(original: Original) -> Case | None:
    """The file without an import of one name that the body uses; the answer has it in front."""
    source, function = original.source, original.function
    named = _names(source, function.body_start, function.body_end)
    for node in _imports(source, syntax_of(function)):
        if node.start_point.row == _last_row(node):
            if _bound(source, node) not in named or source.text.count(source.text_of(node)) > 1:
                continue
            line = ("import " if node.type == "import_spec" else "") + source.text_of(node).strip()
            case = _without(
                original, IMPORT, source.line_start(source.start(node)), source.line_end(source.start(node)) + 1
            )
            if case is not None:
                return replace(case, answer=fenced(original, f"{line}\n\n\n{original.whole.text}"), brings=line)
    return None


def _imports(source: Source, syntax: Syntax) -> Iterator[Node]:
    """The file's imports; of a Go group, which stays, its parts."""
    for node in source.root.named_children:
        group = next((it for it in node.named_children if it.type == "import_spec_list"), None)
        if group is not None:
            yield from (it for it in group.named_children if it.type == "import_spec")
        elif node.type in syntax.imports:
            yield node


def _last_row(node: Node) -> int:
    return node.end_point.row - (1 if node.end_point.column == 0 else 0)


def _bound(source: Source, node: Node) -> str:
    """The name that an import of one thing binds; "" for all others."""
    if node.type == "preproc_include":
        return source.text_of(node).split("<")[-1].split(">")[0] if "<" in source.text_of(node) else ""
    if any(it.type in ("{", "*", "wildcard_import", "asterisk", "use_wildcard") for it in walk(node)):
        return ""
    if len(node.children_by_field_name("name")) > 1:
        return ""
    words = [source.text_of(it) for it in walk(node) if it.type.endswith("identifier")]
    texts = [source.text_of(it) for it in walk(node) if "string_literal" in it.type and it.child_count]
    if texts and not words:  # Go
        return texts[0].strip('"').split("/")[-1]
    is_plain = node.type == "import_statement" and source.language.id == "python"
    return (words[0] if is_plain and "as" not in source.text_of(node).split() else words[-1]) if words else ""


def _names(source: Source, start: int, end: int) -> frozenset[str]:
    """The identifiers between two offsets."""
    first, last = source.byte(start), source.byte(end)
    around = source.root.descendant_for_byte_range(first, last) or source.root
    inside = (it for it in walk(around) if first <= it.start_byte and it.end_byte <= last)
    return frozenset(source.text_of(it) for it in inside if it.type.endswith("identifier"))


def _without(original: Original, shape: str, start: int, end: int) -> Case | None:
    """The plain case in a file without the characters `start:end`; None where the file's syntax would suffer."""
    case, text = plain_case(original, shape), original.source.text
    function = original.function
    if start < function.end and end > function.start:
        return None
    shift = end - start if end <= function.start else 0
    at = start if shift else start - (function.body_end - function.body_start) + (case.stub.end - case.stub.start)
    source = Source(text[:start] + text[end:], original.source.language)
    if source.root.has_error and not original.source.root.has_error:
        return None
    stub = replace(
        case.stub,
        text=case.stub.text[:at] + case.stub.text[at + end - start :],
        start=case.stub.start - shift,
        end=case.stub.end - shift,
        cursor=case.stub.cursor - shift,
    )
    return replace(case, original=source, body=(case.body[0] - shift, case.body[1] - shift), stub=stub)
