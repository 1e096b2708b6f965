"""What a function of an answer needs besides itself: helpers, constants and types that the answer brings along.

Only what the function uses, directly or by another helper, and what no scope of the file has a name for. The rest of
the answer (tests, example calls, members repeated from the prompt) is nobody's need.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tree_sitter import Node

from halfwatt.daemon.code.declarations import bound_names, local_names, member_names, names_around
from halfwatt.daemon.code.functions import body_of, is_stub, name_of, outer
from halfwatt.daemon.code.signature import owner_names, owners_of, signature_of
from halfwatt.daemon.code.syntax import Source, ancestors, walk
from halfwatt.daemon.code.targets import Target

_MEMBER_FIELDS = ("attribute", "property", "field")


@dataclass(frozen=True)
class Piece:
    """A node of an answer with the text that it stands in. `is_member`: it belongs into the target's class."""

    source: Source
    node: Node
    is_member: bool = False


@dataclass(frozen=True)
class Uses:
    """Names that a text uses, on their own and behind a dot."""

    plain: frozenset[str]
    behind_dot: frozenset[str]

    def __or__(self, other: Uses) -> Uses:
        return Uses(self.plain | other.plain, self.behind_dot | other.behind_dot)


def uses(source: Source, nodes: Iterable[Node], function: Node | None = None) -> Uses:
    """The names that nodes use. Names that `function` binds itself are its own and do not count."""
    plain: set[str] = set()
    behind_dot: set[str] = set()
    for node in nodes:
        for it in walk(node):
            if it.type.endswith("identifier"):
                (behind_dot if _is_behind_dot(source, it) else plain).add(source.text_of(it))
    own = local_names(source, function) if function is not None else frozenset()
    return Uses(frozenset(plain) - own, frozenset(behind_dot))


def _is_behind_dot(source: Source, node: Node) -> bool:
    holder = node.parent
    if holder is None:
        return False
    if any(holder.child_by_field_name(field) == node for field in _MEMBER_FIELDS):
        return True
    is_call = holder.type in source.language.calls and holder.child_by_field_name("object") is not None
    return is_call and holder.child_by_field_name("name") == node


def needed(
    file: Source, target: Target, function: Piece, body: tuple[Node, ...], others: list[Source], around: bool
) -> list[Piece]:
    """The declarations of the answer that the function's body needs and the file lacks, in the answer's order.

    `others` are the answer's further blocks; `around`: the function's own surroundings are the answer's, too."""
    pool = [Piece(it, node, _is_bare_member(it, node)) for it in others for node in it.root.named_children]
    pool = [*(_around(file, function) if around else []), *pool]
    pool = [it for it in pool if _is_new_declaration(file, it, target)]
    if not pool:
        return []
    taken = names_around(file, file.node_at(min(target.outer_start, max(len(file.text) - 1, 0))))
    owner = class_around(file, target)
    members = member_names(file, owner_names(file, owner)[-1]) if owner is not None else frozenset()
    used = uses(function.source, body, function.node)
    found: list[Piece] = []
    while fresh := [
        it for it in pool if it not in found and _is_wanted(file, it, used, members if it.is_member else taken)
    ]:
        found.extend(fresh)
        for it in fresh:
            used |= uses(it.source, [it.node])
    return [it for it in pool if it in found]


def _around(file: Source, function: Piece) -> Iterator[Piece]:
    """The siblings of the function, and those of everything around it in the answer."""
    source = function.source
    around = outer(source, function.node)
    while around.parent is not None:
        is_member, is_local = in_class(source, around), _in_function(source, around)
        for it in around.parent.named_children:
            if it != around and not is_local:
                yield Piece(source, it, is_member or _is_bare_member(source, it))
        around = around.parent


def _is_bare_member(source: Source, node: Node) -> bool:
    """Whether a node outside a class is meant for one: it takes `self`, or all functions are members (Java)."""
    language = source.language
    if "class_body" in language.homes:
        return node.type not in language.classes | language.types
    function = next((it for it in walk(node) if it.type in language.functions), None)
    if function is None or outer(source, function) != node:
        return False
    first = next(iter(signature_of(source, function).parameters), None)
    return first is not None and first.name.lstrip("&").removeprefix("mut") in ("self", "cls")


def _is_new_declaration(file: Source, piece: Piece, target: Target) -> bool:
    """Whether a node declares something that may be put into a file: no stub, no example, no test of the target."""
    source, node = piece.source, piece.node
    language = source.language
    if node.has_error or not source.parses or node.type in language.imports:
        return False
    if piece.is_member and class_around(file, target) is None:
        return False
    function = next((it for it in walk(node) if it.type in language.functions), None)
    if function is not None and outer(source, function) == node:
        is_elsewhere = bool(owners_of(source, function)) and not piece.is_member and source.language.id in ("cpp", "c")
        is_whole = body_of(source, function) is not None and not is_stub(source, function)
        return bool(name_of(source, function)) and is_whole and not is_elsewhere
    if node.type in language.classes or node.type in language.types or node.type in language.wrappers:
        return bool(_names(piece)) and target.name not in uses(source, [node]).plain
    return node.type in language.definitions and target.name not in uses(source, [node]).plain and bool(_names(piece))


def _names(piece: Piece) -> frozenset[str]:
    source, node = piece.source, piece.node
    if node.type in source.language.classes and node.child_by_field_name("name") is None:
        return frozenset(it.split(" as ")[0] for it in owner_names(source, node))  # an `impl` of a new type
    return bound_names(source, node)


def _is_wanted(file: Source, piece: Piece, used: Uses, taken: frozenset[str]) -> bool:
    names = _names(piece)
    receiver = piece.node.child_by_field_name("receiver")  # Go: a member that stands outside its type
    if receiver is not None:
        owners = owners_of(piece.source, piece.node)
        return bool(names & used.behind_dot) and not names & member_names(file, owners[-1] if owners else "")
    wanted = used.plain | used.behind_dot if piece.is_member else used.plain
    return bool(names & wanted) and not names & taken


def in_class(source: Source, node: Node) -> bool:
    """Whether the nearest owner of a node is a class and no namespace."""
    nearest = _nearest_owner(source, node)
    return nearest is not None and nearest.type in source.language.classes and not _is_namespace(source, nearest)


def _in_function(source: Source, node: Node) -> bool:
    nearest = _nearest_owner(source, node)
    return nearest is not None and nearest.type in source.language.functions


def _nearest_owner(source: Source, node: Node) -> Node | None:
    owners = source.language.classes | source.language.functions
    return next((it for it in ancestors(node.parent) if it.type in owners), None)


def _is_namespace(source: Source, node: Node) -> bool:
    return node.type in source.language.namespaces


def class_around(file: Source, target: Target) -> Node | None:
    """The class that the target is a member of, or that the function around it is one of."""
    node = file.node_at(min(target.outer_start, max(len(file.text) - 1, 0)))
    classes = file.language.classes
    return next((it for it in ancestors(node) if it.type in classes and not _is_namespace(file, it)), None)
