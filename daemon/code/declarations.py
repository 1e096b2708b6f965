"""What a text declares: every function, type, field and constant with its description, and the names of each scope.

A scope's names say what new text must not declare again. Bodies of functions are looked into for functions and types
only: a local variable is nobody else's name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from .functions import name_of
from .signature import Signature, owner_names, signature_of
from .syntax import Source, walk

_BINDING_FIELDS = ("name", "left", "declarator", "pattern")
_PLACES = ("attribute", "subscript", "member_expression", "subscript_expression", "selector_expression")
_FIELDS = ("field_definition", "public_field_definition", "enum_constant", "enumerator", "property_signature")
_FIELD_PARAMETERS = ("required_parameter", "optional_parameter", "formal_parameter")
_OWN_SCOPE_FIELDS = ("body", "value", "right", "arguments", "parameters", "default_value", "superclasses")


@dataclass(frozen=True)
class Declaration:
    """One declaration. `key` describes it fully: what is equal in two texts, or twice in one, is the same thing."""

    node: Node
    key: tuple[object, ...]
    signature: Signature | None  # of a function


def declarations(source: Source) -> list[Declaration]:
    """Every declaration of the text in reading order. Fields and constants count outside functions only."""
    return list(_declared(source))


def _declared(source: Source) -> Iterator[Declaration]:
    language = source.language
    bodiless = language.declarations
    todo: list[tuple[Node, tuple[str, ...], bool]] = [(source.root, (), False)]
    while todo:
        node, owners, is_local = todo.pop()
        inner, inner_local = owners, is_local
        if node.is_named:
            is_function = node.type in language.functions
            if is_function or node.type in bodiless:
                signature = signature_of(source, node, owners)
                has_body = node.child_by_field_name("body") is not None
                yield Declaration(node, ("function", signature, has_body), signature)
            elif node.type in language.classes or node.type in language.types:
                yield Declaration(node, ("type", node.type, owners, owner_names(source, node)), None)
            elif node.type in language.definitions and not is_local and (names := bound_names(source, node)):
                yield Declaration(node, ("value", owners, names), None)
            inner = (*owners, *owner_names(source, node))
            inner_local = is_local or is_function
        todo.extend((child, inner, inner_local) for child in reversed(node.children))


def bound_names(source: Source, node: Node) -> frozenset[str]:
    """The names that a declaration or an assignment binds in the scope that it stands in."""
    language = source.language
    names: set[str] = set()
    todo = [node]
    while todo:
        it = todo.pop()
        if it.type in language.functions:
            names.add(name_of(source, it))
            continue
        if it.type in language.calls or it.type in language.imports:
            continue
        named = [found for field in _BINDING_FIELDS for found in it.children_by_field_name(field)]
        for found in named:
            names.update(_leaves(source, found))
        if not named or it.type in ("declaration", "field_declaration", "type_definition"):
            own = {child for field in _OWN_SCOPE_FIELDS for child in it.children_by_field_name(field)}
            todo.extend(child for child in it.named_children if child not in own and child not in named)
    return frozenset(names - {""})


def _leaves(source: Source, node: Node) -> Iterator[str]:
    todo = [node]
    while todo:
        it = todo.pop()
        if it.type.endswith("identifier") or it.type == "operator_name":
            yield source.text_of(it).rsplit("::", 1)[-1]
        elif it.type not in _PLACES and it.type not in source.language.calls:
            own = {child for field in _OWN_SCOPE_FIELDS for child in it.children_by_field_name(field)}
            todo.extend(child for child in it.named_children if child not in own)


def names_around(source: Source, node: Node) -> frozenset[str]:
    """The names that a new declaration at file level must not take: those of the file, and those that hide it here.

    `node` is where it is used. Names that functions around it bind are among them."""
    names = set(_file_names(source))
    around: Node | None = node
    while around is not None:
        if around.type in source.language.functions:
            names.update(name for it in walk(around) for name in _bound_here(source, it))
        around = around.parent
    return frozenset(names)


def local_names(source: Source, function: Node) -> frozenset[str]:
    """The names that a function binds itself: its parameters and whatever its body declares."""
    return frozenset(name for it in walk(function) for name in _bound_here(source, it) if it != function)


def _bound_here(source: Source, node: Node) -> Iterator[str]:
    if node.type in source.language.calls or node.type.endswith("argument"):
        return
    if node.type.endswith(("parameter", "parameters", "pattern", "splat_pattern")) and node.named_child_count:
        for child in node.named_children:
            if child.type.endswith("identifier"):
                yield source.text_of(child)
    for field in (*_BINDING_FIELDS, "alias", "parameter"):
        for found in node.children_by_field_name(field):
            yield from _leaves(source, found)


def _file_names(source: Source) -> Iterator[str]:
    language = source.language
    todo = [source.root]
    while todo:
        node = todo.pop()
        if node.type in language.imports:
            yield from imported_words(source, node)
        elif node.type in language.functions:
            yield name_of(source, node)
        elif node.type not in language.calls:
            yield from bound_names(source, node) if node.type in language.definitions else ()
            is_type = node.type in language.classes or node.type in language.types
            yield from (_type_name(name) for name in owner_names(source, node)) if is_type else ()
            if not is_type or node.type in language.containers or node.type == "mod_item":
                todo.extend(node.named_children)


def imported_words(source: Source, node: Node) -> Iterator[str]:
    """Every name in an import statement; Go's "encoding/json" is known as json."""
    for it in walk(node):
        if it.type.endswith("identifier"):
            yield source.text_of(it)
        elif it.type in source.language.strings:
            yield source.text_of(it).strip("\"'`").split("/")[-1]


def member_names(source: Source, owner: str) -> frozenset[str]:
    """The names of the members of a class: where it is declared, extended and implemented in this file, and its bases.

    Fields that only a method assigns (`self.x = …`) are among them."""
    by_owner: dict[str, list[Node]] = {}
    members: dict[str, set[str]] = {}
    for it in _declared(source):
        if it.signature is not None and it.signature.owners:
            members.setdefault(_type_name(it.signature.owners[-1]), set()).add(it.signature.name)
        elif it.signature is None and it.key[0] == "type":
            names = owner_names(source, it.node)
            if names:
                by_owner.setdefault(_type_name(names[-1]), []).append(it.node)
    found: set[str] = set()
    todo, done = [owner], set()
    while todo:
        name = _type_name(todo.pop())
        if name in done:
            continue
        done.add(name)
        found |= members.get(name, set())
        for node in by_owner.get(name, []):
            found.update(_fields(source, node))
            todo.extend(_bases(source, node))
    return frozenset(found)


def _type_name(owner: str) -> str:
    return owner.split(" as ")[0]


def _bases(source: Source, node: Node) -> Iterator[str]:
    for child in node.children:
        if child.type in ("argument_list", "class_heritage", "superclass", "super_interfaces", "base_class_clause"):
            yield from (source.text_of(it) for it in walk(child) if it.type.endswith("identifier"))


def _fields(source: Source, node: Node) -> Iterator[str]:
    """Names that a class's own text binds: fields, constants, assigned attributes, parameters that are fields."""
    todo = [(child, False) for child in node.named_children]
    while todo:
        it, is_local = todo.pop()
        is_field = it.type in source.language.definitions or it.type in source.language.types or it.type in _FIELDS
        if is_field and not is_local:
            yield from bound_names(source, it)
        left = it.child_by_field_name("left")
        if left is not None and left.type in _PLACES:
            yield from (source.text_of(leaf) for leaf in left.named_children[-1:] if leaf.type.endswith("identifier"))
        if it.type in _FIELD_PARAMETERS and _is_field_parameter(it):
            yield from bound_names(source, it)
        inner = is_local or it.type in source.language.functions
        todo.extend((child, inner) for child in it.named_children)


def _is_field_parameter(node: Node) -> bool:
    """TypeScript's `constructor(private x: T)` and the components of Java's records."""
    is_marked = any(child.type in ("accessibility_modifier", "readonly") for child in node.children)
    holder = node.parent.parent if node.parent is not None else None
    return is_marked or (holder is not None and holder.type == "record_declaration")
