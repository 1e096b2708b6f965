"""Reading one function in a syntax tree: its name, its extent, the parts of its body, and whether it is a stub.

It works for every language of the table. It does not decide what to do with a stub: targets.py and generate/fit.py do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tree_sitter import Node

from .languages import kinds
from .syntax import Source, ancestors, walk

_TODO = re.compile(r"\b(todo|fixme|xxx|implement|unimplemented)\b|your code here", re.IGNORECASE)
_TRIVIAL_RETURN = re.compile(
    r"return\b\s*\(?\s*(None|null|nullptr|undefined|nil|0(\.0*)?|-1|false|False|''|\"\"|\[\]|\{\}|default)?\s*\)?\s*;?"
)
_TYPING_PROTOCOL = re.compile(r"(?<![\w.])((typing|typing_extensions|t|te)\.)?Protocol\b")  # not asyncio.Protocol
_NAMES = kinds(
    "identifier property_identifier private_property_identifier field_identifier type_identifier "
    "qualified_identifier destructor_name operator_name operator_cast string"
)


@dataclass(frozen=True)
class FunctionBody:
    """The body of a function; offsets count characters.

    `opening` is right after the colon or brace, `end` before the closing brace. `parts` are statements and comments."""

    opening: int
    end: int
    parts: tuple[Node, ...]
    is_expression: bool = False  # an arrow function without braces


def outer(source: Source, function: Node) -> Node:
    """The function with its decorators, `export`, `const name =` or template line."""
    found = function
    for node in ancestors(function.parent):
        if node.type not in source.language.wrappers or not _belongs_to(source, node, found):
            break
        found = node
    return found


def _belongs_to(source: Source, wrapper: Node, held: Node) -> bool:
    """False for `foo(() => {…})` or `const a = 1, b = () => {…}`, where the function is one part among others."""
    if wrapper.type in source.language.sole_wrappers:
        return wrapper.named_child_count == 1
    return held.type == source.language.wrapped_only.get(wrapper.type, held.type)


def name_of(source: Source, function: Node) -> str:
    """The function's name, without a qualifier; "" for an anonymous one."""
    node = function.child_by_field_name("name") or _declared(function) or _bound_name(function)
    if node is None:
        return ""
    while (unqualified := node.child_by_field_name("name")) is not None:  # C++: `A::B::f`
        node = unqualified
    if node.type == "operator_cast":  # C++: `operator bool() const`
        converted = node.child_by_field_name("type")
        return f"operator {source.text_of(converted) if converted is not None else ''}"
    return source.text_of(node).strip("'\" ")


def declarator_with(function: Node, field: str) -> Node | None:
    """The declarator that has this field. C and C++ nest them."""
    node = function.child_by_field_name("declarator")
    while node is not None and node.child_by_field_name(field) is None:
        node = node.child_by_field_name("declarator") or next(
            (child for child in node.named_children if child.type.endswith("declarator")), None
        )
    return node


def _declared(function: Node) -> Node | None:
    """C and C++ nest the name in declarators."""
    node = function.child_by_field_name("declarator")
    while node is not None and node.type not in _NAMES:
        node = node.child_by_field_name("declarator") or next(
            (child for child in node.named_children if child.type in _NAMES or child.type.endswith("declarator")), None
        )
    return node


def _bound_name(function: Node) -> Node | None:
    """`const name = () => …`, `name: function () …`, `object.name = …`, `let name = |a| …`, a class field."""
    holder = function.parent
    if holder is not None and holder.type == "expression_list":  # Go
        holder = holder.parent
    if holder is None:
        return None
    for field in ("name", "key", "property", "left", "pattern", "declarator"):
        node = holder.child_by_field_name(field)
        if node is not None and node != function:
            return node.child_by_field_name("property") or node
    return None


def body_of(source: Source, function: Node) -> FunctionBody | None:
    """None where the function has no body at all (a declaration)."""
    block = function.child_by_field_name("body")
    if block is None:
        return None
    if not source.language.braces:
        return _indented_body(source, function, block)
    if not block.children or block.children[0].type != "{":
        return FunctionBody(source.start(block), source.end(block), (block,), is_expression=True)
    closing = block.children[-1]
    end = source.start(closing) if closing.type == "}" else source.end(block)
    return FunctionBody(source.end(block.children[0]), end, _statements(source, block))


def _statements(source: Source, block: Node) -> tuple[Node, ...]:
    parts: list[Node] = []
    for child in block.named_children:
        parts.extend(child.named_children if child.type in source.language.statement_groups else [child])
    return tuple(parts)


def _indented_body(source: Source, function: Node, block: Node) -> FunctionBody:
    colon = next((child for child in reversed(function.children) if child.type == ":"), None)
    opening = source.end(colon) if colon else source.start(block)
    comments = [it for it in function.children if it.type in source.language.comments and source.start(it) >= opening]
    parts = [*comments, *block.named_children]
    if not block.named_children:
        parts.extend(_comments_below(source, function))
    return FunctionBody(opening, max([opening, *(source.end(it) for it in parts)]), tuple(parts))


def _comments_below(source: Source, function: Node) -> list[Node]:
    """The comments of a body that has nothing else. The grammar puts them behind the function."""
    found: list[Node] = []
    node = outer(source, function)
    column = node.start_point.column
    while (below := node.next_sibling) is not None and below.type in source.language.comments:
        if below.start_point.column <= column or below.start_point.row > node.end_point.row + 1:
            break
        found.append(below)
        node = below
    return found


def docstring_of(source: Source, body: FunctionBody) -> Node | None:
    """The string that opens a body, in a language that documents functions this way (Python)."""
    if not source.language.docstrings:
        return None
    first = next((part for part in body.parts if part.type not in source.language.comments), None)
    if first is None or first.type != "expression_statement" or first.named_child_count != 1:
        return None
    return first if first.named_children[0].type in source.language.docstrings else None


def comments_above(source: Source, node: Node) -> list[Node]:
    """The comment lines that touch the node from above, in order. Attributes in between are passed over."""
    passed = source.language.comments | source.language.attributes
    found: list[Node] = []
    row = node.start_point.row
    above = node.prev_sibling
    while above is not None and above.type in passed:
        last_row = above.end_point.row - (1 if above.end_point.column == 0 else 0)
        if last_row != row - 1 or not _alone_on_line(source, above):
            break
        found.insert(0, above)
        row = above.start_point.row
        above = above.prev_sibling
    return found


def _alone_on_line(source: Source, node: Node) -> bool:
    start = source.start(node)
    return source.text[source.line_start(start) : start].strip() == ""


def says_todo(source: Source, comment: Node) -> bool:
    return bool(_TODO.search(source.text_of(comment)))


def is_stub(source: Source, function: Node) -> bool:
    """Whether the body holds only a docstring, comments and placeholder statements.

    A single trivial `return` beside a comment that says TODO makes a stub, too."""
    body = body_of(source, function)
    if body is None or body.is_expression:
        return False
    docstring = docstring_of(source, body)
    comments = [part for part in body.parts if part.type in source.language.comments]
    statements = [part for part in body.parts if part not in comments and part != docstring]
    texts = [source.text_of(part).strip() for part in statements]
    if all(source.language.is_stub(text) or text == ";" for text in texts):
        return True
    todo = any(says_todo(source, comment) for comment in comments)
    return len(texts) == 1 and todo and bool(_TRIVIAL_RETURN.fullmatch(texts[0]))


def why_bodiless(source: Source, function: Node) -> str | None:
    """Why a function that looks like a stub is complete as it stands, or None."""
    whole = outer(source, function)
    decorators = [source.text_of(child) for child in whole.children if child.type == "decorator"]
    if any(re.search(r"\boverload\b", text) for text in decorators):
        return "this is an overload declaration; its implementation stands elsewhere"
    if any("abstract" in text for text in decorators):
        return "this method is abstract on purpose"
    owner = next((node for node in ancestors(whole.parent) if node.type in source.language.classes), None)
    bases = owner.child_by_field_name("superclasses") if owner is not None else None
    if bases is not None and _TYPING_PROTOCOL.search(source.text_of(bases)):
        return "a protocol's methods have no body"
    if _is_complete_when_empty(source, function, owner):
        return "an empty constructor or destructor is complete"
    return None


def _is_complete_when_empty(source: Source, function: Node, owner: Node | None) -> bool:
    """Whether a function without a word in its body only sets up or takes down an object, and no TODO says else."""
    body = body_of(source, function)
    if (
        body is None
        or body.parts
        or any(says_todo(source, it) for it in comments_above(source, outer(source, function)))
    ):
        return False
    name, language = name_of(source, function), source.language
    if name in language.constructors or function.type in language.constructor_nodes or name.startswith("~"):
        return True
    declared = _declared(function)
    if function.child_by_field_name("type") is not None or declared is None:
        return False
    named = owner.child_by_field_name("name") if owner is not None else None  # C++: named as the class
    qualified = source.text_of(declared).split("::")
    holder = qualified[-2] if len(qualified) > 1 else source.text_of(named) if named is not None else ""
    return holder.split("<")[0].strip() == name


def functions_in(source: Source, root: Node) -> list[Node]:
    """Every function below `root`, outer ones first."""
    return [node for node in walk(root) if node.type in source.language.functions and _is_real(node)]


def _is_real(node: Node) -> bool:
    """Whether the node is a function and not its keyword, which can have a kind of the same name."""
    return node.is_named and node.child_by_field_name("body") is not None
