"""Which lines of other files bear on the cursor: those windows that share its rare words, as many as a budget holds.

A word counts the more the fewer windows have it, so that `self` and `return` count for little. The result keeps the
order of what was given, so that the prompt stays the same while the choice does. It reads no file.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from .prompt import ContextChunk

WINDOW_LINES = 10
STEP_LINES = 5
NEAR_CHARS = 1200  # of the text before the cursor that say what it is about
_WORD = re.compile(r"[^\W\d]\w{2,}")


@dataclass(frozen=True)
class _Window:
    chunk: int
    first: int
    lines: tuple[str, ...]
    words: frozenset[str]

    @property
    def n_chars(self) -> int:
        return sum(len(line) + 3 for line in self.lines)


def relevant(chunks: Sequence[ContextChunk], near: str, n_chars: int, n_shared: int) -> list[ContextChunk]:
    """The pieces of the chunks that share most with `near`, the text around the cursor, in at most `n_chars`.

    Each shares at least `n_shared` words."""
    windows = [window for index, chunk in enumerate(chunks) for window in _windows(index, chunk)]
    wanted = frozenset(_WORD.findall(near))
    counts = Counter(word for window in windows for word in window.words)
    near_ones = [window for window in windows if len(window.words & wanted) >= n_shared]
    scored = sorted(((_score(window, wanted, counts, len(windows)), window) for window in near_ones), key=_best_first)
    taken: list[_Window] = []
    left = n_chars
    for _, window in scored:
        if window.n_chars <= left and not any(_overlap(window, other) for other in taken):
            taken.append(window)
            left -= window.n_chars
    taken.sort(key=lambda window: (window.chunk, window.first))
    return [replace(chunks[window.chunk], text="\n".join(window.lines)) for window in taken]


def _windows(index: int, chunk: ContextChunk) -> Iterator[_Window]:
    lines = chunk.text.rstrip().split("\n")
    for first in range(0, max(1, len(lines) - WINDOW_LINES + STEP_LINES), STEP_LINES):
        part = tuple(lines[first : first + WINDOW_LINES])
        yield _Window(index, first, part, frozenset(_WORD.findall("\n".join(part))))


def _score(window: _Window, wanted: frozenset[str], counts: Counter[str], n_windows: int) -> float:
    shared = window.words & wanted
    return sum(math.log(1 + n_windows / counts[word]) for word in shared) / math.sqrt(len(window.words) + 5)


def _best_first(scored: tuple[float, _Window]) -> tuple[float, int, int]:
    score, window = scored
    return -score, window.chunk, window.first


def _overlap(one: _Window, other: _Window) -> bool:
    return one.chunk == other.chunk and abs(one.first - other.first) < WINDOW_LINES
