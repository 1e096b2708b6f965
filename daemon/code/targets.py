"""What can be generated at a position: a stub's body, a function that a comment describes, one that a call misses.

It turns a parsed text and an offset into a `Target`, or into a `TargetRefusal` with its reason. It asks no model and
knows no LSP. Offsets count characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tree_sitter import Node

from .functions import (
    FunctionBody,
    body_of,
    comments_above,
    docstring_of,
    functions_in,
    is_stub,
    name_of,
    outer,
    says_todo,
    why_bodiless,
)
from .languages import Language
from .syntax import Source, ancestors
from .undefined import undefined_calls

MIN_WORDS = 3
NOTHING_HERE = (
    "There is no function stub, no comment that describes a function and no call of an undefined name here. "
    "Choose the line of one of them."
)


@dataclass(frozen=True)
class Target:
    """One thing to generate.

    The edit replaces `start:end`; the two are equal for an insertion. `outer_start:outer_end` is the function, comment
    or statement around it. `owners` are the enclosing classes and functions, outermost first."""

    kind: Literal["stub", "comment", "call"]
    language: Language
    name: str
    start: int
    end: int
    outer_start: int
    outer_end: int
    signature: str
    documentation: str
    indent: str
    owners: tuple[str, ...] = ()

    @property
    def router_text(self) -> str:
        """What the router judges: signature and documentation, nothing else of the file."""
        if self.language.braces or self.kind != "stub":
            return "\n".join(part for part in (self.documentation, self.signature) if part)
        return "\n".join(part for part in (self.signature, self.documentation) if part)

    @property
    def title(self) -> str:
        if self.kind == "comment":
            return "Generate function from this comment"
        return f"Generate function '{self.name}'" if self.name else "Generate function"


@dataclass(frozen=True)
class TargetRefusal:
    """Why what stands at the position is not generated."""

    reason: str


def find(source: Source, offset: int, undefined: Iterable[str] = (), path: str = "") -> Target | TargetRefusal | None:
    """What can be generated at this offset. `undefined` are names that the editor's diagnostics there call undefined.

    None: nothing here looks unfinished."""
    at = _to_code(source, min(max(offset, 0), len(source.text)))
    node = source.node_at(at)
    call = _call_at(source, node, frozenset(undefined))
    if call is not None:
        return _call_target(source, call)
    function = _function_at(source, node)
    if function is not None and is_stub(source, function):
        return _stub_or_refusal(source, function, path) if _is_described(source, function) else None
    declaration = next((it for it in ancestors(node) if it.type in source.language.declarations), None)
    if declaration is not None:
        return TargetRefusal("this is a declaration without a body")
    comment = _comment_block(source, node)
    return _comment_target(source, comment) if comment and function is None else None


def stubs(source: Source) -> list[Target]:
    """Every stub of the text, in reading order."""
    found = []
    for function in functions_in(source, source.root):
        if is_stub(source, function) and why_bodiless(source, function) is None:
            found.append(_stub_target(source, function))
    return found


def function_of(source: Source, target: Target) -> Node | None:
    """The function that a stub target means, in the text that it was found in; None for other targets."""
    if target.kind != "stub":
        return None
    for candidate in ancestors(source.node_at(target.outer_start + max(len(target.signature) - 1, 0))):
        is_function = candidate.type in source.language.functions and candidate.child_by_field_name("body") is not None
        if is_function and source.start(outer(source, candidate)) == target.outer_start:
            return candidate
    return None


def _to_code(source: Source, offset: int) -> int:
    """The offset of the code meant: on the same line, or above an empty line."""
    start, end = source.line_start(offset), source.line_end(offset)
    line = source.text[start:end]
    if not line.strip():
        return max(len(source.text[:start].rstrip()) - 1, 0)
    first = start + len(line) - len(line.lstrip())
    return min(max(offset, first), start + len(line.rstrip()) - 1)


def _function_at(source: Source, node: Node) -> Node | None:
    """The innermost function around the position; a decorator or a comment that touches it belongs to it."""
    for candidate in ancestors(node):
        if candidate.type in source.language.functions and candidate.child_by_field_name("body") is not None:
            return candidate
        if candidate.type in source.language.wrappers or candidate.type in source.language.comments:
            below = _function_of(source, candidate)
            if below is not None:
                return below
    return None


def _function_of(source: Source, node: Node) -> Node | None:
    """The function that a wrapper holds or that a comment belongs to: the one below it, or the one whose body it is."""
    if node.type not in source.language.comments:
        inner = [it for it in functions_in(source, node) if outer(source, it) == node]
        return inner[0] if inner else None
    passed = source.language.comments | source.language.attributes
    below, above = node.next_named_sibling, node.prev_named_sibling
    while below is not None and below.type in passed:
        below = below.next_named_sibling
    while above is not None and above.type in passed:
        above = above.prev_named_sibling
    for function in functions_in(source, below) if below is not None else []:
        if node in comments_above(source, outer(source, function)):
            return function
    for function in functions_in(source, above) if above is not None else []:
        body = body_of(source, function)
        if body is not None and node in body.parts:
            return function
    return None


def _is_described(source: Source, function: Node) -> bool:
    """Whether a name, a comment or a part of the body says what the function should do."""
    body = body_of(source, function)
    return bool(name_of(source, function) or comments_above(source, outer(source, function)) or (body and body.parts))


def _stub_or_refusal(source: Source, function: Node, path: str) -> Target | TargetRefusal:
    if path.lower().endswith((".pyi", ".d.ts", ".d.mts", ".d.cts")):
        return TargetRefusal("a type stub file holds no bodies")
    reason = why_bodiless(source, function)
    return TargetRefusal(reason) if reason else _stub_target(source, function)


def _stub_target(source: Source, function: Node) -> Target:
    body = body_of(source, function) or FunctionBody(source.end(function), source.end(function), ())
    whole = outer(source, function)
    docstring = docstring_of(source, body)
    above = comments_above(source, whole)
    kept = body.opening
    for part in body.parts:
        is_kept_comment = part.type in source.language.comments and not says_todo(source, part)
        if part != docstring and not is_kept_comment:
            break
        kept = source.end(part)
    documented = [source.text_of(it).rstrip() for it in above] + ([source.text_of(docstring)] if docstring else [])
    start = source.start(whole)
    return Target(
        kind="stub",
        language=source.language,
        name=name_of(source, function),
        start=kept,
        end=max(kept, body.end),
        outer_start=start,
        outer_end=max(source.end(whole), body.end),
        signature=source.text[start : body.opening].rstrip("{ \t\r\n"),
        documentation="\n".join(documented),
        indent=source.indent_at(start),
        owners=_owners(source, whole),
    )


def _owners(source: Source, node: Node) -> tuple[str, ...]:
    kinds = source.language.classes | source.language.functions
    names = []
    for owner in ancestors(node.parent):
        if owner.type in kinds:
            names.append(_owner_name(source, owner))
    return tuple(reversed(names))


def _owner_name(source: Source, owner: Node) -> str:
    named = owner.child_by_field_name("name") or owner.child_by_field_name("type")
    return source.text_of(named) if named is not None else name_of(source, owner)


def _call_at(source: Source, node: Node, diagnosed: frozenset[str]) -> Node | None:
    """The call of an undefined plain name at the node, seen from the name or from inside its brackets."""
    for call in ancestors(node):
        if call.type not in source.language.calls:
            continue
        name = _callee_name(source, call)
        if name in diagnosed or (source.language.id == "python" and call in undefined_calls(source)):
            return call
    return None


def _callee_name(source: Source, call: Node) -> str:
    """The plain name that is called; "" for a method or an expression."""
    callee = call.child_by_field_name("function") or call.child_by_field_name("name")
    plain = callee is not None and callee.type == "identifier" and call.child_by_field_name("object") is None
    return source.text_of(callee) if plain and callee is not None else ""


def _call_target(source: Source, call: Node) -> Target:
    home = _statement_at_home(source, call)
    above = comments_above(source, home)
    start = source.start(above[0]) if above else source.start(home)
    start -= len(source.indent_at(start))
    usage = next((it for it in ancestors(call) if it.type.endswith(("statement", "declaration"))), call)
    return Target(
        kind="call",
        language=source.language,
        name=_callee_name(source, call),
        start=start,
        end=start,
        outer_start=source.start(call),
        outer_end=source.end(call),
        signature=source.text_of(call),
        documentation=source.text_of(usage) if usage != call else "",
        indent=source.indent_at(source.start(home)),
        owners=_owners(source, home),
    )


def _statement_at_home(source: Source, node: Node) -> Node:
    """The node's outermost enclosing statement among whose siblings a new function may stand."""
    homes = source.language.homes
    for candidate in ancestors(node):
        parent = candidate.parent
        if parent is None or parent.parent is None or parent.type in homes:
            return candidate
    return node


def _comment_block(source: Source, node: Node) -> list[Node]:
    """The comment lines (or the lone string) around the node that stand at file or class level."""
    comments = source.language.comments
    start = next((it for it in ancestors(node) if it.type in comments), None) or _lone_string(source, node)
    if start is None or not _is_between_definitions(source, start):
        return []
    block = [start]
    while (above := block[0].prev_sibling) is not None and _touches(above, block[0], comments):
        block.insert(0, above)
    while (below := block[-1].next_sibling) is not None and _touches(block[-1], below, comments):
        block.append(below)
    return block


def _touches(above: Node, below: Node, comments: frozenset[str]) -> bool:
    both = above.type in comments and below.type in comments
    last_row = above.end_point.row - (1 if above.end_point.column == 0 else 0)
    return both and last_row + 1 == below.start_point.row and above.start_point.column == below.start_point.column


def _lone_string(source: Source, node: Node) -> Node | None:
    """A Python string that is a statement of its own and not the docstring of what it stands in."""
    for candidate in ancestors(node):
        if candidate.type == "expression_statement" and not source.language.braces:
            only = candidate.named_children[0].type if candidate.named_child_count == 1 else ""
            return candidate if only == "string" and candidate.prev_named_sibling is not None else None
    return None


def _is_between_definitions(source: Source, node: Node) -> bool:
    inside = [it for it in ancestors(node.parent) if it.type in source.language.functions]
    alone = source.text[source.line_start(source.start(node)) : source.start(node)].strip() == ""
    return not inside and alone


def _comment_target(source: Source, block: list[Node]) -> Target | None:
    start, end = source.start(block[0]), len(source.text[: source.end(block[-1])].rstrip("\r\n"))
    text = source.text[start:end]
    words = re.findall(r"[^\W\d_]{2,}", text)
    if len(words) < MIN_WORDS or re.match(r"#!|.*-\*-|#\s*(type|noqa|pylint|ruff|mypy|region)\b", text):
        return None
    if re.search(r"\b(copyright|licen[cs]e|SPDX)\b", text, re.IGNORECASE):
        return None
    return Target(
        kind="comment",
        language=source.language,
        name="",
        start=end,
        end=end,
        outer_start=start,
        outer_end=end,
        signature="",
        documentation=text,
        indent=source.indent_at(start),
        owners=_owners(source, block[0]),
    )


def imports(source: Source) -> list[Node]:
    """The file's top-level imports, in order."""
    return [node for node in source.root.named_children if node.type in source.language.imports]
