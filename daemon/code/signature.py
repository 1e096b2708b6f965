"""What tells one declaration from another: owners, name, kind and parameters, read from the tree of any language.

Overloads, accessors and methods of different classes share names. Whoever looks for "the same function" in another
text compares signatures, never names alone. Nothing here decides what to do with a declaration.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from tree_sitter import Node

from .functions import declarator_with, name_of, outer
from .syntax import Source, ancestors

Kind = Literal["function", "getter", "setter", "deleter", "constructor"]
_ACCESSORS: dict[str, Kind] = {"get": "getter", "set": "setter"}  # words before a method's name
_DECORATORS: dict[str, Kind] = {
    "property": "getter",
    "cached_property": "getter",
    "getter": "getter",
    "setter": "setter",
    "deleter": "deleter",
}
_NO_PARAMETERS = ("line_continuation", "attribute_item")
_STATIC = re.compile(r"(?<!\w)(static|@staticmethod|@classmethod)\b")


@dataclass(frozen=True)
class Parameter:
    """`name` and `type` as the text gives them, without white space; "" where it does not."""

    name: str
    type: str


@dataclass(frozen=True)
class Signature:
    """One declaration, described. `owners` are the classes, namespaces and functions around it, outermost first."""

    name: str
    kind: Kind
    owners: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    is_static: bool = False


def signature_of(source: Source, function: Node, owners: tuple[str, ...] | None = None) -> Signature:
    """The description of a function's node. `owners`: what stands around it, where that is known already."""
    whole = outer(source, function)
    head = source.text[source.start(whole) : _head_end(source, function)]
    return Signature(
        name=name_of(source, function),
        kind=_kind(source, function, whole),
        owners=owners_of(source, function) if owners is None else (*owners, *_qualifiers(source, function)),
        parameters=tuple(_parameters(source, function)),
        is_static=bool(_STATIC.search(head)),
    )


def distance(wanted: Signature, found: Signature, known_owners: frozenset[str]) -> int | None:
    """How much two descriptions of a function differ; None where they cannot mean the same one.

    What `found` leaves out (owners, types, decorators) costs little. An owner that it names must be the same one; one
    that is not among `known_owners` only wraps the function, and costs more."""
    if wanted.name and wanted.name != found.name:
        return None
    if len(wanted.parameters) != len(found.parameters):
        return None
    kinds = {wanted.kind, found.kind}
    if len(kinds) > 1 and (found.kind != "function" and wanted.kind != "function"):
        return None
    owners = _owner_distance(wanted.owners, found.owners, known_owners)
    if owners is None:
        return None
    pairs = list(zip(wanted.parameters, found.parameters, strict=True))
    types = sum(bool(one.type and other.type and one.type != other.type) for one, other in pairs)
    names = sum(one.name != other.name for one, other in pairs)
    kind = 4 * (len(kinds) - 1) + 4 * (wanted.is_static != found.is_static)
    return owners + kind + 2 * types + names


def _owner_distance(wanted: tuple[str, ...], found: tuple[str, ...], known: frozenset[str]) -> int | None:
    shared = 0
    while shared < min(len(wanted), len(found)) and wanted[-1 - shared] == found[-1 - shared]:
        shared += 1
    strange = found[: len(found) - shared]
    if any(it in known for it in strange):
        return None
    return (len(wanted) > shared) + 8 * len(strange)


def owners_of(source: Source, node: Node) -> tuple[str, ...]:
    """The names of the classes, namespaces, objects and functions around a declaration, outermost first."""
    whole = outer(source, node)
    names = [name for owner in ancestors(whole.parent) for name in reversed(owner_names(source, owner))]
    return (*reversed(names), *_qualifiers(source, node))


def owner_names(source: Source, node: Node) -> tuple[str, ...]:
    """What a node adds to the owners of the declarations in it; () for a node that owns nothing."""
    language = source.language
    if node.type in language.functions:
        return (*_qualifiers(source, node), name_of(source, node))
    if node.type in language.classes or node.type in language.containers:
        named = node.child_by_field_name("name")
        if named is not None:
            return tuple(_bare(it) for it in source.text_of(named).split("::"))
        implemented = node.child_by_field_name("type")
        if implemented is not None:
            trait = node.child_by_field_name("trait")
            return (_bare(source.text_of(implemented)) + (f" as {_squeezed(source, trait)}" if trait else ""),)
        return (name_of(source, node),) if node.type in language.classes else ()
    if node.type in language.types:
        named = node.child_by_field_name("name") or _inner_name(node)
        return (_bare(source.text_of(named)),) if named is not None else ()
    if node.type in language.objects:
        return (_object_name(source, node),)
    return ()


def _inner_name(node: Node) -> Node | None:
    """Go: `type A struct` holds the name one level below."""
    return next((it.child_by_field_name("name") for it in node.named_children), None)


def _object_name(source: Source, node: Node) -> str:
    """What an object's members belong to: the name that it is bound to, or the class that it extends."""
    named = node.child_by_field_name("name") or node.child_by_field_name("type")
    return _bare(source.text_of(named)) if named is not None else name_of(source, node)


def _qualifiers(source: Source, function: Node) -> tuple[str, ...]:
    """The owners that a function names itself: `A::f` (C++), a receiver (Go), `A.prototype.f` (JavaScript)."""
    receiver = function.child_by_field_name("receiver")
    if receiver is not None and receiver.named_child_count:
        given = receiver.named_children[0].child_by_field_name("type")
        return (_bare(source.text_of(given)),) if given is not None else ()
    declarator = function.child_by_field_name("declarator")
    while declarator is not None and declarator.type != "qualified_identifier":
        declarator = _inner_declarator(declarator)
    found = []
    while declarator is not None and declarator.type == "qualified_identifier":
        scope = declarator.child_by_field_name("scope")
        found.extend([_bare(source.text_of(scope))] if scope is not None else [])
        declarator = declarator.child_by_field_name("name")
    left = function.parent.child_by_field_name("left") if function.parent is not None else None
    if left is not None and left != function and (held := left.child_by_field_name("object")) is not None:
        found.extend(part for part in source.text_of(held).split(".") if part != "prototype")
    return tuple(found)


def _inner_declarator(node: Node) -> Node | None:
    inner = node.child_by_field_name("declarator")
    return inner or next((it for it in node.named_children if it.type.endswith(("declarator", "identifier"))), None)


def _bare(name: str) -> str:
    """A type's name without pointers, references and arguments."""
    return re.sub(r"[<\[].*", "", name, flags=re.DOTALL).strip(" \t\r\n*&'")


def _squeezed(source: Source, node: Node | None) -> str:
    return re.sub(r"\s+", "", source.text_of(node)) if node is not None else ""


def _head_end(source: Source, function: Node) -> int:
    parameters = parameter_list(function)
    return source.start(parameters) if parameters is not None else source.start(function)


def _kind(source: Source, function: Node, whole: Node) -> Kind:
    if function.type in source.language.constructor_nodes or name_of(source, function) in source.language.constructors:
        return "constructor"
    for child in function.children:
        if not child.is_named and child.type in _ACCESSORS:
            return _ACCESSORS[child.type]
    for child in whole.children:
        if child.type == "decorator":
            word = re.split(r"[.(]", source.text_of(child).strip("@ \t"))
            return next((_DECORATORS[it] for it in reversed(word) if it in _DECORATORS), "function")
    return "function"


def parameter_list(function: Node) -> Node | None:
    """The node that holds a function's parameters."""
    found = function.child_by_field_name("parameters")
    if found is not None:
        return found
    declarator = declarator_with(function, "parameters")
    if declarator is not None:
        return declarator.child_by_field_name("parameters")
    return function.child_by_field_name("parameter")


def _parameters(source: Source, function: Node) -> Iterator[Parameter]:
    found = parameter_list(function)
    if found is None:
        return
    if found.type == "identifier":  # `x => …`
        yield Parameter(source.text_of(found), "")
        return
    for node in found.children:
        if node.type == "...":
            yield Parameter("...", "")
        is_parameter = node.is_named and not node.is_error and node.type not in _NO_PARAMETERS
        if is_parameter and node.type not in source.language.comments and source.text_of(node) != "void":
            yield from _parameter(source, node)


def _parameter(source: Source, node: Node) -> Iterable[Parameter]:
    names = node.children_by_field_name("name")
    kind = _squeezed(source, node.child_by_field_name("type")).removeprefix(":")
    if len(names) > 1:  # Go: `a, b int`
        return [Parameter(source.text_of(it), kind) for it in names]
    declarator = node.child_by_field_name("declarator")
    if declarator is not None:  # C: the type goes on around the name
        name = _declared_name(source, declarator)
        return [Parameter(name, kind + re.sub(r"\s+", "", source.text_of(declarator)).replace(name, "", 1))]
    named = names[0] if names else node.child_by_field_name("pattern") or node.child_by_field_name("left")
    if named is None and node.named_child_count and kind:
        named = next((it for it in node.named_children if it != node.child_by_field_name("type")), None)
    return [Parameter(_squeezed(source, named or node), kind)]


def _declared_name(source: Source, declarator: Node) -> str:
    node: Node | None = declarator
    while node is not None and not node.type.endswith("identifier"):
        node = _inner_declarator(node)
    return source.text_of(node) if node is not None else ""
