"""Typing traces made from code: small whole programs (programs.txt), and functions and classes of installed packages.

Seeded and synthetic: log-normal pauses, longer after line ends, 2 % typing errors that are corrected at once. Programs
are typed into an empty document; of the packages' passages a third each into an empty document, at a document's end,
and between existing lines. Nothing of the packages' source is kept.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.completion.holes import parses, source_files
from bench.completion.typing_trace import Edit

PROGRAMS = Path(__file__).with_name("programs.txt")
BETWEEN = "\n\n====\n"
Place = Literal["empty", "end", "middle"]
PLACES: tuple[Place, ...] = ("empty", "end", "middle")
MIN_LINES, MAX_LINES, MAX_CHARS = 4, 20, 500
MAX_IMPORTS = 4
NEAR_CHARS = 2000  # of the existing document around what is typed
ERRORS = 0.02  # of the letters
KEY_MS, SPREAD = 150.0, 0.45  # median pause between keys, and the spread of its logarithm
LINE_END_MS = 500.0  # more after a line end, as a median


@dataclass(frozen=True)
class MadeTrace:
    """`edits` type a passage of a package's file."""

    package: str
    place: Place
    edits: list[Edit]


def made_traces(packages: tuple[str, ...], n: int, seed: int) -> list[MadeTrace]:
    """`n` traces, the packages and the places in turn."""
    chance = random.Random(seed)  # noqa: S311 - a sample, not a secret
    found: list[MadeTrace] = []
    for turn in range(20):
        for package in packages:
            files = source_files(package, seed)
            place = PLACES[len(found) % len(PLACES)]
            trace = _trace(package, files[turn % len(files)], place, chance) if files else None
            found += [trace] if trace is not None else []
            if len(found) == n:
                return found
    return found


def program_traces(n: int, seed: int) -> list[MadeTrace]:
    """The first `n` of the small programs, each typed at its own rhythm."""
    texts = PROGRAMS.read_text().rstrip("\n").split(BETWEEN)[:n]
    chances = [random.Random(seed + each) for each in range(len(texts))]  # noqa: S311 - a sample, not a secret
    return [
        MadeTrace("programs", "empty", typed("", text + "\n", "", chance))
        for text, chance in zip(texts, chances, strict=True)
    ]


def typed(before: str, passage: str, after: str, chance: random.Random) -> list[Edit]:
    """A passage typed between what is there already, which one edit brings."""
    at_s, edits = 0.0, [Edit(0.0, 0, 0, before + after)] if before + after else []
    for n, char in enumerate(passage, start=len(before)):
        if char.isalpha() and chance.random() < ERRORS:
            wrong_s = at_s + _pause_s(char, chance)
            at_s = wrong_s + 2 * _pause_s(char, chance)
            edits += [Edit(wrong_s, n, 0, chance.choice("abcdefghijklmnop")), Edit(at_s, n, 1, "")]
        at_s += _pause_s(passage[n - len(before) - 1 : n - len(before)], chance)
        edits.append(Edit(at_s, n, 0, char))
    return edits


def _pause_s(after: str, chance: random.Random) -> float:
    pause_ms = KEY_MS * chance.lognormvariate(0, SPREAD)
    return (pause_ms + (LINE_END_MS * chance.lognormvariate(0, SPREAD) if after == "\n" else 0.0)) / 1000


def _trace(package: str, path: Path, place: Place, chance: random.Random) -> MadeTrace | None:
    text = path.read_text()
    passages = list(_passages(text)) if parses(text) else []
    if not passages:
        return None
    start, end = chance.choice(passages)
    if place == "empty":
        imports = [line for line in text.split("\n") if line.startswith(("import ", "from ")) and "(" not in line]
        passage = "\n".join(imports[:MAX_IMPORTS]) + "\n\n\n" + text[start:end] + "\n"
        return MadeTrace(package, place, typed("", passage.lstrip("\n"), "", chance))
    before = text[text.rfind("\n", 0, max(1, start - NEAR_CHARS)) + 1 : start]
    after = text[end : text.find("\n", min(len(text) - 1, end + NEAR_CHARS)) + 1] if place == "middle" else ""
    return MadeTrace(package, place, typed(before, text[start:end], after, chance))


def _passages(text: str) -> Iterator[tuple[int, int]]:
    """Character spans of the functions and classes on the outermost level that are neither short nor long."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.end_lineno:
            start, end = starts[node.lineno - 1], starts[node.end_lineno] - 1
            if MIN_LINES <= node.end_lineno - node.lineno < MAX_LINES and end - start <= MAX_CHARS:
                yield start, end
