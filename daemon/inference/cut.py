"""What a stop rule answers about one line of an answer: where to end it, or what to hold back until that is clear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Cut:
    """The answer ends before offset `at`; `closing` is added there."""

    at: int
    closing: str = ""


@dataclass(frozen=True)
class Hold:
    """Nothing from offset `start` on may be emitted yet."""

    start: int


class Rule(Protocol):
    """Judges one line at a time: again and again while it grows, and once when it is complete.

    `line` has no newline; `start` is its offset in the answer."""

    def check(self, line: str, start: int, complete: bool) -> Cut | Hold | None: ...
