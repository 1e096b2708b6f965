"""Secrets in what would be sent: the kinds found and where they are, never the secret itself.

There are four ways to find one. The forms that providers give their keys are in token_shapes.py. Names that stand
before a secret are in named_values.py, and places where programs log in are in logins.py. What looks drawn at random is
found by random_runs.py. All take time that grows with the text's length and no faster. Nothing here uses the network or
a file.

This module does not judge whether a password is a real one: `password = "hunter2"` in a test counts as one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise

from .logins import logins
from .named_values import named_values
from .random_runs import random_runs
from .token_shapes import tokens

LIMIT_CHARS = 2_000_000
UNCHECKED = "text too long to check"
SEAM_CHARS = 1_024  # to either side of a seam; what a secret needs of its surroundings to be known is shorter


@dataclass(frozen=True, order=True)
class Secret:
    """One find: where it begins in the text, and its kind."""

    start: int
    kind: str


def find(texts: Iterable[str]) -> tuple[str, ...]:
    """The kinds of secrets in the texts, each once, sorted; empty where there are none.

    `texts` are exactly the strings that would be sent, in order. A secret split over several of them is found, too, as
    if they stood next to each other. Text that is too long counts as a find. No text raises an error."""
    texts = tuple(texts)
    if sum(map(len, texts)) > LIMIT_CHARS:
        return (UNCHECKED,)
    found = {kind for text in ("\n".join(texts), *_seams(texts)) for kind, _ in _finds(text)}
    return tuple(sorted(found))


def places(text: str) -> tuple[Secret, ...]:
    """Every secret in one text, in order; those that begin at the same place are one."""
    if len(text) > LIMIT_CHARS:
        return (Secret(0, UNCHECKED),)
    first: dict[int, str] = {}
    for kind, start in _finds(text):
        first.setdefault(start, kind)
    return tuple(Secret(start, kind) for start, kind in sorted(first.items()))


def _finds(text: str) -> Iterator[tuple[str, int]]:
    yield from tokens(text)
    yield from named_values(text)
    yield from logins(text)
    yield from random_runs(text)


def _seams(texts: tuple[str, ...]) -> set[str]:
    """What stands around each place where texts meet, without anything between them: of each two, and of all."""
    pairs = {one[-SEAM_CHARS:] + other[:SEAM_CHARS] for one, other in pairwise(texts)}
    return pairs if len(texts) < 3 else pairs | set(_chains(texts))


def _chains(texts: tuple[str, ...]) -> Iterator[str]:
    whole = "".join(texts)
    begin = end = 0
    for at in [*accumulate(map(len, texts))][:-1]:
        if at - SEAM_CHARS > end:
            yield whole[begin:end]
            begin = at - SEAM_CHARS
        end = at + SEAM_CHARS
    yield whole[max(begin, 0) : end]
