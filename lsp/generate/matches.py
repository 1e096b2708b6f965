"""Looking in an answer for the declaration that is the target, among others of the same name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tree_sitter import Node

from halfwatt.daemon.code.functions import functions_in, is_stub, name_of, outer
from halfwatt.daemon.code.languages import SCAFFOLD
from halfwatt.daemon.code.signature import Signature, distance, signature_of
from halfwatt.daemon.code.syntax import Source
from halfwatt.daemon.code.targets import Target, function_of

from .needs import uses
from .refusals import EMPTY, UNPARSABLE


@dataclass(frozen=True)
class Match:
    """A declaration that may be the target: how far its description is from it, and why it is unusable, or None."""

    source: Source
    function: Node
    distance: int
    fault: str | None


class Search:
    """What is looked for, and what of the file could be meant instead."""

    def __init__(self, file: Source, target: Target) -> None:
        function = function_of(file, target)
        others = [signature_of(file, it) for it in functions_in(file, file.root)] if function is not None else []
        self._name = target.name
        self._wanted = signature_of(file, function) if function is not None else None
        self._rivals = [it for it in others if it.name == target.name and it != self._wanted]
        self._owners = frozenset(name for it in others for name in it.owners)

    def in_readings(self, readings: Iterable[Source]) -> list[Match]:
        """The target's declarations in the first reading that has any, in reading order."""
        for source in readings:
            functions = [it for it in functions_in(source, source.root) if name_of(source, it)]
            found = [it for function in functions if (it := self._match(source, function)) is not None]
            if found:
                return found if self._name else _main(found)
        return []

    def is_renamed(self, source: Source) -> bool:
        """Whether a text declares the target under another name."""
        wanted = self._wanted
        if wanted is None:
            return False
        found = [signature_of(source, it) for it in functions_in(source, source.root)]
        return any(it.parameters == wanted.parameters and not _bare(it).owners and it.parameters for it in found)

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
