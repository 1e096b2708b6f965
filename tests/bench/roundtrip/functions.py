"""Real functions in a file: where they stand, where their bodies are, what position they are in.

It has its own reading of syntax trees (syntaxes.py), so that a target which the product does not find is noticed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import tree_sitter
from tree_sitter import Node

from halfwatt.daemon.code import languages
from halfwatt.daemon.code.languages import Language
from halfwatt.daemon.code.syntax import Source, ancestors, grammar

from .positions import positions_of
from .syntaxes import UNFINISHED, Syntax, for_id, kinds

MOST_BODY_LINES = 120
COMMENTS = frozenset({"comment", "line_comment", "block_comment"})
_DECLARED = kinds(
    "identifier field_identifier qualified_identifier destructor_name operator_name operator_cast type_identifier "
    "template_function"
)
_BINDING_FIELDS = ("name", "key", "property", "left", "pattern", "declarator")


@dataclass(frozen=True)
class RealFunction:
    """One function of a package. Offsets count characters of the file's text.

    `start:end` is the function with decorators or `const name =`; `body_start:body_end` what a stub replaces."""

    id: str
    path: Path
    package: str
    language_id: str
    name: str
    name_at: int
    start: int
    end: int
    body_start: int
    body_end: int
    has_docstring: bool
    owner: tuple[int, int] | None  # the class around it
    positions: tuple[str, ...]
    in_broken_file: bool

    @property
    def order(self) -> str:
        """What the selection sorts by: without a pattern, and the same at each run."""
        return hashlib.sha256(self.id.encode()).hexdigest()

    def choice(self, what: str, n: int) -> int:
        """A number below n, always the same for this function and this purpose."""
        return int(hashlib.sha256(f"{what} {self.id}".encode()).hexdigest()[:8], 16) % n


def language_of(syntax: Syntax) -> Language:
    known = languages.for_id(syntax.id)
    assert known is not None
    return known


def read_text(path: Path) -> str | None:
    """The file's text, line ends as they are; None for what no editor would open as code."""
    data = path.read_bytes()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    is_minified = len(text) > 120 * (text.count("\n") + text.count("\r") + 5)
    return None if "\0" in text or text.startswith("\ufeff") or is_minified else text


def functions_of(path: Path, package: str, relative: str, text: str, syntax: Syntax) -> list[RealFunction]:
    """The functions of one file that can be round-tripped."""
    source = Source(text, language_of(syntax))
    return [_named(it, path, package, relative, source) for it in functions_in_text(source, syntax)]


def functions_in_text(source: Source, syntax: Syntax) -> list[RealFunction]:
    """The functions of a text, without ids, in order."""
    found = (_read(source, syntax, node) for node in _function_nodes(source, syntax))
    return [it for it in found if it is not None]


def _function_nodes(source: Source, syntax: Syntax) -> list[Node]:
    query = tree_sitter.Query(
        grammar(*source.language.grammar), "[" + " ".join(f"({kind})" for kind in sorted(syntax.functions)) + "] @f"
    )
    captured = tree_sitter.QueryCursor(query).captures(source.root).get("f", [])
    return sorted(captured, key=lambda it: it.start_byte)


def _named(function: RealFunction, path: Path, package: str, relative: str, source: Source) -> RealFunction:
    line = source.text.count("\n", 0, function.start) + 1
    return replace(function, id=f"{package}/{relative}:{line}#{function.name}", path=path, package=package)


def _read(source: Source, syntax: Syntax, node: Node) -> RealFunction | None:
    body = node.child_by_field_name("body")
    name = name_node(node, syntax)
    if body is None or name is None or source.text_of(name) == "_" or node.has_error or not _has_work(source, body):
        return None
    whole = _whole(node, syntax)
    span = _braced(source, body) if syntax.braces else _indented(source, node, body, whole)
    if span is None or whole.has_error:
        return None
    start, end, has_docstring = span
    owner = next((it for it in ancestors(whole.parent) if it.type in syntax.classes), None)
    return RealFunction(
        id="",
        path=Path(),
        package="",
        language_id=syntax.id,
        name=source.text_of(name).split("::")[-1].strip("'\"").strip(),
        name_at=source.start(name),
        start=source.start(whole),
        end=max(source.end(whole), end),
        body_start=start,
        body_end=end,
        has_docstring=has_docstring,
        owner=(source.start(owner), source.end(owner)) if owner is not None and not owner.has_error else None,
        positions=positions_of(source, node, whole, syntax),
        in_broken_file=source.root.has_error,
    )


def _has_work(source: Source, body: Node) -> bool:
    """Whether the body is more than comments and what only says that nothing is there yet; and not endless."""
    parts = [part for it in body.named_children for part in (it.named_children if _is_group(it) else [it])]
    statements = [it for it in parts if it.type not in COMMENTS]
    if not statements or body.end_point.row - body.start_point.row > MOST_BODY_LINES:
        return False
    texts = [source.text_of(it) for it in statements]
    if all(text.strip() in ("pass", "...", ";") or text[:1] in "'\"" for text in texts):
        return False
    return len(texts) > 2 or not any(UNFINISHED.search(text) or "NotImplemented" in text for text in texts)


def _is_group(node: Node) -> bool:
    return node.type == "statement_list"


def _whole(node: Node, syntax: Syntax) -> Node:
    """The function with what belongs to it alone."""
    whole = node
    for around in ancestors(node.parent):
        alone = [it for it in around.named_children if it.type not in COMMENTS and it.type != "decorator"]
        holds_many = around.type in (
            "lexical_declaration",
            "variable_declaration",
            "expression_list",
            "var_declaration",
        )
        if around.type not in syntax.wrappers or (holds_many and alone != [whole]):
            break
        if around.type == "expression_statement" and whole.type != "assignment_expression":
            break
        if around.type == "declaration" and whole.type != "init_declarator":
            break
        whole = around
    return whole


def name_node(node: Node, syntax: Syntax) -> Node | None:
    """The node of the function's name; None for one that has none."""
    if node.type in syntax.closures:
        return _bound_name(node, syntax)
    named = node.child_by_field_name("name")
    if named is not None:
        return named if named.type != "computed_property_name" else None
    declarator = node.child_by_field_name("declarator")
    while declarator is not None and declarator.type not in _DECLARED:
        inner = declarator.child_by_field_name("declarator")
        declarator = inner or next((it for it in declarator.named_children if "declarator" in it.type), None)
    while declarator is not None and declarator.type == "qualified_identifier":
        inner = declarator.child_by_field_name("name")
        if inner is None:
            break
        declarator = inner
    return declarator


def _bound_name(node: Node, syntax: Syntax) -> Node | None:
    """The name that a closure is bound to by what stands directly around it."""
    for around in ancestors(node.parent):
        if around.type not in syntax.wrappers:
            return None
        for field in _BINDING_FIELDS:
            bound = around.child_by_field_name(field)
            if bound is not None and not _holds(bound, node):
                last = bound.child_by_field_name("property") or bound
                return last if last.named_child_count == 0 else None
    return None


def _holds(around: Node, node: Node) -> bool:
    return around.start_byte <= node.start_byte and node.end_byte <= around.end_byte


def _braced(source: Source, body: Node) -> tuple[int, int, bool] | None:
    children = body.children
    if len(children) < 2 or children[0].type != "{" or children[-1].type != "}" or children[-1].is_missing:
        return None
    return source.end(children[0]), source.start(children[-1]), False


def _indented(source: Source, node: Node, body: Node, whole: Node) -> tuple[int, int, bool] | None:
    """From the colon, the comment on its line, or the docstring, to the last statement or comment of the body."""
    colon = next(it for it in reversed(node.children) if it.type == ":")
    start = source.end(colon)
    for it in node.children:
        if it.type in COMMENTS and it.start_point.row == colon.end_point.row and source.start(it) >= start:
            start = source.end(it)
    first = body.named_children[0]
    has_docstring = first.type == "expression_statement" and first.named_children[0].type == "string"
    if has_docstring:
        start = source.end(first)
        behind = first.next_sibling
        if behind is None or behind.start_point.row == first.end_point.row:
            return None
    end = source.end(body.children[-1])
    for it in _comments_behind(whole, whole.start_point.column):
        end = source.end(it)
    return start, end, has_docstring


def _comments_behind(whole: Node, column: int) -> Iterator[Node]:
    """Comments that end the body by their indentation, wherever the grammar puts them."""
    below = whole.next_sibling
    while below is not None and below.type in COMMENTS and below.start_point.column > column:
        yield below
        below = below.next_sibling


def syntax_of(function: RealFunction) -> Syntax:
    return for_id(function.language_id)
