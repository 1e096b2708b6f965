"""git's patterns for paths, matched in a number of steps that grows with pattern times path and never faster.

The rules are those of gitignore(5), and in its corners those of git's own matcher. Three asterisks are two there, and
two that no slash bounds are one. `[[:upper:]]` is about bytes, and a broken bracket matches nothing. A text here has
one character for each byte. Nothing here reads a file.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

_CHARACTERS = frozenset(map(chr, range(1, 256)))
_ASCII = frozenset(map(chr, range(128)))
_PRINTABLE = frozenset(map(chr, range(32, 127)))
CLASSES = {
    "alnum": frozenset(string.ascii_letters + string.digits),
    "alpha": frozenset(string.ascii_letters),
    "blank": frozenset(" \t"),
    "cntrl": _ASCII - _PRINTABLE,
    "digit": frozenset(string.digits),
    "graph": _PRINTABLE - {" "},
    "lower": frozenset(string.ascii_lowercase),
    "print": _PRINTABLE,
    "punct": frozenset(string.punctuation),
    "space": frozenset(string.whitespace),
    "upper": frozenset(string.ascii_uppercase),
    "xdigit": frozenset(string.hexdigits),
}
_SPECIAL = "*?[\\"

# What stands at one place of a pattern: a set of characters, or one of these.
_STAR = "any characters but slashes"
_STARS = "any characters"
_FOLDERS = "nothing, or whole folders with their slash"
Token = frozenset[str] | str


class _BrokenPattern(Exception):
    """It matches nothing."""


@dataclass(frozen=True)
class IgnorePattern:
    """One line of an ignore file."""

    glob: tuple[Token, ...] | None  # None: matches nothing
    ignores: bool  # False: `!`, takes in again
    folders_only: bool
    names_only: bool  # holds for the last part of a path, at any depth


def patterns_of(content: str, fold: bool = False) -> tuple[IgnorePattern, ...]:
    """The patterns of an ignore file. `fold`: upper and lower case are alike."""
    lines = content.removeprefix("\xef\xbb\xbf").split("\n")
    return tuple(_pattern(line, fold) for line in map(_trimmed, lines) if line and not line.startswith("#"))


def n_steps(pattern: IgnorePattern, path: str) -> int:
    """How many steps `names` takes at most."""
    return (len(pattern.glob or ()) + 1) * (len(path) + 1)


def names(pattern: IgnorePattern, path: str, is_folder: bool) -> bool:
    """Whether the pattern names this path itself; the path is relative to the pattern's folder."""
    if pattern.glob is None or (pattern.folders_only and not is_folder):
        return False
    return _matches(pattern.glob, path.rpartition("/")[2] if pattern.names_only else path)


def _trimmed(line: str) -> str:
    """Without the carriage return and the spaces at the end, unless a backslash keeps them."""
    line = line.removesuffix("\r")
    while line.endswith(" ") and (len(line) - 1 - len(line[:-1].rstrip("\\"))) % 2 == 0:
        line = line[:-1]
    return line


@lru_cache(maxsize=4096)
def _pattern(line: str, fold: bool) -> IgnorePattern:
    ignores = not line.startswith("!")
    body = line if ignores else line[1:]
    folders_only = body.endswith("/")
    body = body.removesuffix("/")
    names_only = "/" not in body
    body = body.removeprefix("/") if not names_only else body
    try:
        glob = None if not body else tuple(_tokens(body))
    except _BrokenPattern:
        glob = None
    if fold and glob is not None:
        glob = tuple(_both_cases(token) for token in glob)
    return IgnorePattern(glob, ignores, folders_only, names_only)


def _both_cases(token: Token) -> Token:
    if isinstance(token, str):
        return token
    return token | {each for character in token for each in (character.lower(), character.upper()) if len(each) == 1}


def _tokens(body: str) -> Iterator[Token]:
    literal = next((at for at, character in enumerate(body) if character in _SPECIAL), len(body))
    at = 0
    while at < len(body):
        character = body[at]
        if character == "*":
            end = at + len(body[at:]) - len(body[at:].lstrip("*"))
            # git compares the beginning without wildcards apart, so what follows it counts as bounded
            is_bounded = (at == literal or body[at - 1] == "/") and (end == len(body) or body[end] == "/")
            if end - at == 1 or not is_bounded:
                yield _STAR
            elif end == len(body):
                yield _STARS
            else:
                yield _FOLDERS
                end += 1
            at = end
        elif character == "?":
            yield _CHARACTERS - {"/"}
            at += 1
        elif character == "[":
            found, at = _bracket(body, at + 1)
            yield found - {"/"}
        else:
            at += character == "\\"
            if at == len(body):
                raise _BrokenPattern
            yield frozenset(body[at])
            at += 1


def _bracket(body: str, at: int) -> tuple[frozenset[str], int]:
    """The characters of a bracket whose inside begins at `at`, and where the pattern goes on."""
    negated = body[at : at + 1] in ("!", "^") and at < len(body)
    at += negated
    found: set[str] = set()
    before, first = "", True
    while first or body[at : at + 1] != "]":
        first = False
        character, at = _escaped(body, at)
        rest = body[at:]
        if body[at - 1] == "[" and character == "[" and rest.startswith(":") and _is_class(rest):
            name = rest[1:].partition(":]")[0]
            if name not in CLASSES:
                raise _BrokenPattern
            found |= CLASSES[name]
            at += len(name) + 3
            before = ""
        elif character == "-" and body[at - 1] == "-" and before and rest[:1] not in ("", "]"):
            last, at = _escaped(body, at)
            found |= {each for each in _CHARACTERS if before <= each <= last}
            before = ""
        else:
            found.add(character)
            before = character
    return (_CHARACTERS - found if negated else frozenset(found)), at + 1


def _is_class(rest: str) -> bool:
    """Whether `[:` is followed by `:]`, with no bracket closed before."""
    end = rest.find("]", 1)
    if end < 0:
        raise _BrokenPattern
    return end >= 2 and rest[end - 1] == ":"


def _escaped(body: str, at: int) -> tuple[str, int]:
    """The character at a place, behind a backslash the next one; and the place after it."""
    at += body[at : at + 1] == "\\"
    if at >= len(body):
        raise _BrokenPattern
    return body[at], at + 1


def _matches(glob: tuple[Token, ...], text: str) -> bool:
    """All places in the pattern that the text so far can have led to, moved on by each character."""
    places = _reachable(glob, (0,))
    inside: frozenset[int] = frozenset(place for place in places if _is(glob, place, _FOLDERS))
    for character in text:
        ahead: set[int] = set()
        for place in places:
            token = glob[place] if place < len(glob) else ""
            if isinstance(token, frozenset):
                if character in token:
                    ahead.add(place + 1)
            elif token == _STARS or (token == _STAR and character != "/"):
                ahead.add(place)
        if character == "/":
            ahead |= {place + 1 for place in inside}
        places = _reachable(glob, ahead)
        inside |= {place for place in places if _is(glob, place, _FOLDERS)}
        if not places and not inside:
            return False
    return len(glob) in places


def _is(glob: tuple[Token, ...], place: int, token: str) -> bool:
    return place < len(glob) and glob[place] == token


def _reachable(glob: tuple[Token, ...], places: Iterable[int]) -> frozenset[int]:
    """The places and those behind what may be empty."""
    found: set[int] = set()
    for start in places:
        place = start
        while place not in found:
            found.add(place)
            if place == len(glob) or isinstance(glob[place], frozenset):
                break
            place += 1
    return frozenset(found)
