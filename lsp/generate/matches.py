"""Looking in an answer for the declaration that is the target, among others of the same name."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tree_sitter import Node

from halfwatt.daemon.code.functions import functions_in, is_stub, name_of, outer
from halfwatt.daemon.code.languages import SCAFFOLD
from halfwatt.daemon.code.signature import Signature, distance, signature_of
from halfwatt.daemon.code.syntax import Source
from halfwatt.daemon.code.targets import Target, function_of

from .needs import uses
from .refusals import EMPTY, UNPARSABLE
from .units import CodePiece


@dataclass(frozen=True)
class Match:
    """A declaration that may be the target: how far its description is from it, and why it is unusable, or None."""

    source: Source
    function: Node
    distance: int
    fault: str | None


@dataclass(frozen=True)
class SearchedPiece:
    """How a piece of code was read: the parsed texts, and the declarations in them that may be the target."""

    sources: list[Source]
    matches: list[Match]


class Search:
    """What is looked for, and what of the file could be meant instead."""

    def __init__(self, file: Source, target: Target) -> None:
        function = function_of(file, target)
        nodes = functions_in(file, file.root) if function is not None else []
        described = [(it, signature_of(file, it)) for it in nodes]
        self._name = target.name
        self._wanted = signature_of(file, function) if function is not None else None
        self._rivals = [it for _, it in described if it.name == target.name and it != self._wanted]
        self._twins = [it for it, signature in described if signature == self._wanted]
        self._ordinal = self._twins.index(function) if function in self._twins else 0
        self._owners = frozenset(name for _, it in described for name in it.owners if name)

    def in_piece(self, piece: CodePiece) -> SearchedPiece:
        """The target's declarations in the first reading that has any, in reading order."""
        for sources in piece.readings():
            functions = [(it, node) for it in sources for node in functions_in(it, it.root) if name_of(it, node)]
            found = [it for source, node in functions if (it := self._match(source, node)) is not None]
            if found:
                return SearchedPiece(sources, self._meant(found) if self._name else _main(found))
        return SearchedPiece([piece.plain], [])

    def _meant(self, found: list[Match]) -> list[Match]:
        """Where the file has several that are described alike (`#if`, `if`), and the answer as many: the same one."""
        nearest = [it for it in found if it.distance == min(other.distance for other in found)]
        is_repeated = len(self._twins) > 1 and len(nearest) == len(self._twins)
        return [nearest[self._ordinal]] if is_repeated else found

    def is_renamed(self, source: Source) -> bool:
        """Whether a text declares the target under another name, and does no more than to call it."""
        wanted = self._wanted
        does_more = any(
            it.type.endswith("_statement") and it.type not in ("expression_statement", "export_statement")
            for it in source.root.named_children
        )
        if wanted is None or does_more:
            return False
        found = [signature_of(source, it) for it in functions_in(source, source.root)]
        return any(it.name and it.parameters == wanted.parameters and not it.owners for it in found)

    def _match(self, source: Source, function: Node) -> Match | None:
        far = self._distance(source, function)
        if far is None:
            return None
        has_error = outer(source, function).has_error
        fault = UNPARSABLE if has_error else EMPTY if is_stub(source, function) else None
        return Match(source, function, far, fault)

    def _distance(self, source: Source, function: Node) -> int | None:
        """How far a declaration is from the target; None where it is another one, or means another of the file's."""
        found = _bare(signature_of(source, function))
        if self._wanted is None:
            return len(found.owners) if self._name in ("", found.name) else None
        own = distance(self._wanted, found, self._owners)
        others = [distance(it, found, self._owners) for it in self._rivals]
        return None if own is None or any(it is not None and it < own for it in others) else own


def _bare(signature: Signature) -> Signature:
    """The description without the frame that a part of a file was parsed in."""
    return replace(signature, owners=tuple(it for it in signature.owners if it != SCAFFOLD))


def _main(found: list[Match]) -> list[Match]:
    """Of functions whose name is free: the first that none of the others uses."""
    nearest = [it for it in found if it.distance == min(other.distance for other in found) and it.fault is None]
    names = [name_of(it.source, it.function) for it in nearest]
    used = [uses(it.source, [it.function]) for it in nearest]
    for index, match in enumerate(nearest):
        is_used = any(names[index] in it.plain for at, it in enumerate(used) if at != index)
        if not is_used and names[index] != "main" and not names[index].lower().startswith("test"):
            return [match]
    return nearest[:1] or found[:1]
