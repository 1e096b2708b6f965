"""Where the user edited lately: small pieces of files, as context for other places.

Edits near each other are one piece. This module keeps texts only; gather.py decides whether a piece may be context.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from pathlib import Path

MAX_PIECES = 8
NEAR_LINES = 6  # an edit no farther than this from the last one belongs to it
AROUND_LINES = 2
MAX_LINES = 40  # a larger change is a paste, a checkout or a formatter, not an edit


@dataclass(frozen=True)
class EditPiece:
    """Edited lines with a few around them, and the file they stand in."""

    workspace: str
    path: Path
    text: str


@dataclass(frozen=True)
class _Region:
    """Edited lines of a document, counted from 0, `last` included."""

    first: int
    last: int


class RecentEdits:
    """The places of the last edits in all open documents of a window."""

    def __init__(self) -> None:
        self._left: deque[EditPiece] = deque(maxlen=MAX_PIECES)
        self._open: dict[Path, tuple[_Region, EditPiece]] = {}

    def noted(self, workspace: str, path: Path, before: str, after: str) -> None:
        """A document changed from one text to another."""
        region, n_more = changed_lines(before, after)
        known = self._open.get(path)
        if region.last - region.first > MAX_LINES:
            self._open.pop(path, None)
            return
        if known is not None and _is_near(known[0], region):
            old = known[0]
            region = _Region(min(old.first, region.first), max(old.last + n_more, region.last))
        elif known is not None:
            self._leave(known[1])
        self._open[path] = (region, EditPiece(workspace, path, _text(after, region)))

    def pieces(self, workspace: str, visible: str) -> list[EditPiece]:
        """The workspace's pieces, oldest first, without what the prompt shows anyway."""
        found = [*self._left, *(piece for _, piece in self._open.values())]
        return [each for each in found if each.workspace == workspace and each.text.strip() not in visible]

    def closed(self, path: Path) -> None:
        if path in self._open:
            self._leave(self._open.pop(path)[1])

    def _leave(self, piece: EditPiece) -> None:
        if len(piece.text.strip()) > 3:
            self._left.append(piece)


def changed_lines(before: str, after: str) -> tuple[_Region, int]:
    """The lines of `after` that differ from `before`, and by how many lines the text grew."""
    start = _n_common(before, after)
    end = _n_common_end(before, after, min(len(before), len(after)) - start)
    first = after.count("\n", 0, start)
    last = first + after.count("\n", start, len(after) - end)
    return _Region(first, last), after.count("\n") - before.count("\n")


def _n_common(one: str, other: str) -> int:
    """How many characters both begin with. It halves the distance, because a document is compared at each key."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[low:middle] == other[low:middle] else (low, middle - 1)
    return low


def _n_common_end(one: str, other: str, most: int) -> int:
    """Characters that both end with, at most `most`."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        same = one[len(one) - middle : len(one) - low] == other[len(other) - middle : len(other) - low]
        low, high = (middle, high) if same else (low, middle - 1)
    return low


def _is_near(old: _Region, new: _Region) -> bool:
    return old.first - NEAR_LINES <= new.first <= old.last + NEAR_LINES


def _text(text: str, region: _Region) -> str:
    lines = text.split("\n")
    first = max(0, region.first - AROUND_LINES, region.last - MAX_LINES)
    return "\n".join(lines[first : region.last + 1 + AROUND_LINES])
