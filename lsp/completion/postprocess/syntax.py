"""The last check: where the text around the cursor parses, it must parse with the suggestion, too.

Tree-sitter checks every language. Python's own parser, which is stricter, checks Python as well. Half-written
surroundings do not parse; there, the suggestion may not add errors. Python's parser says where an error is, so there it
also may not leave one at the cursor above existing code.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache

from tree_sitter import Node

from halfwatt.daemon.code.languages import Language, for_id
from halfwatt.daemon.code.syntax import Source

from .brackets import balanced
from .candidate import PostprocessCandidate

MAX_CHARS = 300_000  # larger documents are not parsed for a suggestion
MAX_CUTS = 12  # shorter versions of a suggestion that are tried


def parses(candidate: PostprocessCandidate) -> PostprocessCandidate:
    """The suggestion, or the longest beginning of it in whole lines, that adds no syntax error; else nothing."""
    language = for_id(candidate.language)
    size = len(candidate.prefix) + len(candidate.suffix)
    if not candidate.text or language is None or size > MAX_CHARS:
        return candidate
    before = _n_errors_cached(candidate.prefix + candidate.suffix, language.id)
    for text in _shorter(candidate):
        after = candidate.prefix + text + candidate.suffix[candidate.n_replaced :]
        errors = n_errors(after, language)
        if not adds_errors(before, errors) and not (errors[1] and _broken_at(candidate, text, after)):
            return candidate.with_text(text)
    return candidate.dropped()


def look_ahead(prefix: str, suffix: str, language_id: str) -> None:
    """Parse the surroundings while the model still answers, so that `parses` finds the result. For a thread."""
    if len(prefix) + len(suffix) <= MAX_CHARS and for_id(language_id) is not None:
        _n_errors_cached(prefix + suffix, language_id)


def n_errors(text: str, language: Language) -> tuple[int, int]:
    """Syntax errors in a text: those in its tree, and 1 where Python's `ast` refuses it.

    Python that `ast` accepts has none."""
    if language.id == "python" and _python_accepts(text):
        return 0, 0
    root = Source(text, language).root
    found = sum(1 for _ in _errors(root)) if root.has_error else 0
    return found, int(language.id == "python")


def adds_errors(before: tuple[int, int], after: tuple[int, int]) -> bool:
    return after[0] > before[0] or after[1] > before[1]


@lru_cache(maxsize=4)
def _n_errors_cached(text: str, language_id: str) -> tuple[int, int]:
    language = for_id(language_id)
    return n_errors(text, language) if language else (0, 0)


def _broken_at(candidate: PostprocessCandidate, text: str, after: str) -> bool:
    """Whether a Python error begins on the suggestion's lines or right below them, with code below that was there."""
    if not candidate.suffix.strip():
        return False
    first = candidate.prefix.count("\n")
    below = candidate.suffix.partition("\n")[2]
    n_empty = len(below) - len(below.lstrip("\n"))
    last = first + text.count("\n") + n_empty + 1
    with suppress(ValueError, RecursionError, MemoryError):
        return any(first <= row <= last for row in _python_error(after))
    return False


def _errors(root: Node) -> Iterator[Node]:
    todo = [root]
    while todo:
        node = todo.pop()
        if node.is_error or node.is_missing:
            yield node
        todo.extend(child for child in node.children if child.has_error)


def _python_accepts(text: str) -> bool:
    try:
        return not _python_error(text)
    except (ValueError, RecursionError, MemoryError):
        return False


def _python_error(text: str) -> tuple[int, ...]:
    """The row of the first syntax error, from 0; nothing where there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except SyntaxError as error:
        return (max(0, (error.lineno or 1) - 1),)
    return ()


def _shorter(candidate: PostprocessCandidate) -> Iterator[str]:
    """The text, then ever fewer of its lines with their brackets closed."""
    yield candidate.text
    lines = candidate.text.split("\n")
    for n in range(len(lines) - 1, max(0, len(lines) - 1 - MAX_CUTS), -1):
        shorter = balanced(candidate.with_text("\n".join(lines[:n]).rstrip())).text
        if shorter.strip():
            yield shorter
