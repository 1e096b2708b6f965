"""Chunks of the files that were used last, as context for other files in the same workspace (the setting's `ring`).

A chunk enters when a file is opened, saved, or left after an edit. Chunks stay in the order of entering, which keeps
the prompt's beginning stable. The caller (gather.py) decides whether a file may enter.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from .prompt import ContextChunk

SIZE = 16
MAX_LINES = 64
SIMILAR = 0.7  # share of common lines from which a new chunk takes an old one's place


@dataclass(frozen=True)
class PlacedChunk:
    """A chunk with its origin: `workspace` is the folder it may be shown in."""

    workspace: str
    uri: str
    chunk: ContextChunk


class RecentFiles:
    """At most SIZE chunks, oldest first."""

    def __init__(self) -> None:
        self._chunks: deque[PlacedChunk] = deque(maxlen=SIZE)

    def add(self, placed: PlacedChunk) -> None:
        """Put a chunk in; chunks that say nearly the same leave."""
        lines = _lines(placed.chunk.text)
        if len(lines) < 2:
            return
        kept = [old for old in self._chunks if not (old.workspace == placed.workspace and _similar(old, lines))]
        self._chunks = deque([*kept, placed], maxlen=SIZE)

    def chunks(self, workspace: str, without_uri: str) -> list[ContextChunk]:
        """The chunks of a workspace's other files, oldest first."""
        return [each.chunk for each in self._chunks if each.workspace == workspace and each.uri != without_uri]

    def forget(self, uri: str) -> None:
        self._chunks = deque((each for each in self._chunks if each.uri != uri), maxlen=SIZE)


def around(text: str, line: int, n_lines: int = MAX_LINES) -> str:
    """The `n_lines` around a line."""
    lines = text.split("\n")
    first = max(0, min(line - n_lines // 2, len(lines) - n_lines))
    return "\n".join(lines[first : first + n_lines])


def _similar(old: PlacedChunk, lines: frozenset[str]) -> bool:
    theirs = _lines(old.chunk.text)
    return len(lines & theirs) >= SIMILAR * min(len(lines), len(theirs))


def _lines(text: str) -> frozenset[str]:
    return frozenset(line.strip() for line in text.split("\n") if line.strip())
