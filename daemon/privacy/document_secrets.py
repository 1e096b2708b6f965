"""Secrets in a whole document, for requests that carry a piece of it.

A prompt's window may cut a secret so that nobody knows the piece, or cut off the name that tells. So a client that has
the document looks at all of it and says what it found. The daemon searches what it gets all the same (secrets.py).
"""

from __future__ import annotations

from halfwatt.daemon.wire import SecretFound

from . import secrets
from .secrets import Secret

MAX_TOLD = 20
# What a find depends on: a certificate's first line may stand this far before, a token's end this far behind.
BEFORE_CHARS, BEHIND_CHARS = 6_144, 2_048


def secrets_of(text: str) -> tuple[SecretFound, ...]:
    """The first MAX_TOLD finds in a document, with their lines."""
    return _told(text, secrets.places(text))


class DocumentSecrets:
    """The finds of open documents. After a change, only the text around it is searched again."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[str, tuple[Secret, ...]]] = {}

    def of(self, uri: str, text: str) -> tuple[SecretFound, ...]:
        """The same as `secrets_of(text)`."""
        return _told(text, self.places(uri, text))

    def places(self, uri: str, text: str) -> tuple[Secret, ...]:
        """The same as `secrets.places(text)`."""
        before, known = self._last.get(uri, ("", ()))
        if text != before:
            is_long = max(len(before), len(text)) > secrets.LIMIT_CHARS
            known = secrets.places(text) if is_long else _updated(before, known, text)
            self._last[uri] = text, known
        return known

    def forget(self, uri: str) -> None:
        self._last.pop(uri, None)


def _updated(before: str, known: tuple[Secret, ...], text: str) -> tuple[Secret, ...]:
    """The finds in `text`, given those in `before`: new ones where they can depend on the change, the others moved."""
    same_start = _common_start(before, text)
    same_end = _common_end(before, text, min(len(before), len(text)) - same_start)
    moved = len(text) - len(before)
    first, last = same_start - BEHIND_CHARS, len(text) - same_end + BEFORE_CHARS
    begin = max(0, first - BEFORE_CHARS)
    searched = secrets.places(text[begin : last + BEHIND_CHARS])
    return (
        *(each for each in known if each.start < first),
        *(Secret(begin + each.start, each.kind) for each in searched if first <= begin + each.start < last),
        *(
            Secret(each.start + moved, each.kind)
            for each in known
            if each.start + moved >= last and each.start >= first
        ),
    )


def _common_start(one: str, other: str) -> int:
    """How many signs two texts have in common at their beginning, by halving."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _common_end(one: str, other: str, limit: int) -> int:
    """The same at their end, at most `limit`."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        if one[len(one) - middle : len(one) - low] == other[len(other) - middle : len(other) - low]:
            low = middle
        else:
            high = middle - 1
    return low


def _told(text: str, found: tuple[Secret, ...]) -> tuple[SecretFound, ...]:
    told: list[SecretFound] = []
    line, at = 1, 0
    for each in found[:MAX_TOLD]:
        line, at = line + text.count("\n", at, each.start), each.start
        told.append(SecretFound(each.kind, line))
    return tuple(told)
