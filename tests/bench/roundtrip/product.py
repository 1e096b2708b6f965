"""The seam: all that the round-trip bench takes from the product. Everything else it works out itself."""

from __future__ import annotations

from pathlib import Path

from halfwatt.daemon.code.edits import Edit
from halfwatt.daemon.code.syntax import Source
from halfwatt.daemon.code.targets import Target, TargetRefusal, find
from halfwatt.daemon.errors import AnswerError
from halfwatt.lsp import source_file
from halfwatt.lsp.generate.fit import fit


class Refused(Exception):
    """The product would not do it; the text says why."""


def target_at(source: Source, cursor: int, path: str) -> Target:
    """What the product would generate here."""
    found = find(source, cursor, path=path)
    if isinstance(found, TargetRefusal):
        raise Refused(found.reason)
    if found is None:
        raise Refused("nothing here looks unfinished")
    return found


def edits_for(source: Source, target: Target, answer: str, continued: bool) -> tuple[Edit, ...]:
    """The edits that the product would apply for this answer."""
    try:
        return fit(source, target, answer, continued).edits
    except AnswerError as error:
        raise Refused(str(error)) from None


def saved(path: Path, text: str) -> bytes:
    """The bytes of the file after the command line has read it and written this text."""
    source_file.write(source_file.read(path), text)
    return path.read_bytes()
