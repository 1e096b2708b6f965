"""What the filter looks at: cheap numbers about the cursor's surroundings, the same in training and in use.

The numbers are counts, lengths and yes-or-no facts; no code is kept. They take under half a millisecond for any
document.
"""

from __future__ import annotations

import math
import re

from halfwatt.daemon.code.indent import width_of
from halfwatt.lsp.completion.postprocess.brackets import CLOSERS, brackets, inside, open_before
from halfwatt.lsp.completion.postprocess.indent import opens_block

from .values import Query

NEAR_BEFORE = 6000
NEAR_AFTER = 2000
_MOST_SEEN = 40  # characters
_OFTEN = 6
_USUAL_LINES = 40
_WORD = re.compile(r"[^\W\d]\w*")
_PARTIAL = re.compile(r"[^\W\d]\w*\Z")
_FIRST_WORDS = ("return", "if", "for", "def", "class", "import", "from", "with", "raise", "assert", "else")
_LAST_CHARS = (" ", ".", "(", ",", "=", ":", "[", "{", '"', "'", ")")

NAMES: tuple[str, ...] = (
    "line_chars",
    "indent",
    "empty_line",
    "n_words_before",
    "partial_chars",
    "n_known_continuations",
    "partial_is_known",
    "n_partial_seen",
    "after_dot",
    "after_equals",
    "in_comment",
    "in_string",
    "open_brackets",
    "line_right",
    "at_end_of_document",
    "opens_block_above",
    "opens_block_here",
    "empty_lines_above",
    "line_above_chars",
    "same_indent_as_above",
    "line_begins_as_another",
    "n_chars_seen_before",
    "n_times_seen_before",
    "one_known_continuation",
    "share_of_usual_line",
    "open_bracket_kind",
    "is_python",
    "last_is_word",
    *(f"last_is_{ord(char)}" for char in _LAST_CHARS),
    *(f"first_word_{word}" for word in _FIRST_WORDS),
)


def features(query: Query) -> list[float]:
    """The values of NAMES for this query, in that order."""
    before = query.line_before
    stripped = before.strip()
    near = query.prefix[-NEAR_BEFORE:]
    rest = near[: len(near) - len(before)]
    above, n_empty = _above(rest)
    return [
        *_line(before, stripped),
        *_words(before, rest, query.suffix[:NEAR_AFTER]),
        *_place(query, before),
        *_surroundings(query, before, above, n_empty),
        float(bool(len(stripped) > 2 and f"\n{before}" in "\n" + rest)),
        *_seen(before, rest),
        float(_n_continuations(before, rest, query.suffix[:NEAR_AFTER]) == 1),
        *_shape(before, rest, query.language),
        float(query.language == "python"),
        float(_is_word(before[-1:])),
        *(float(before[-1:] == char) for char in _LAST_CHARS),
        *(float(stripped.split(" ")[0] == word) for word in _FIRST_WORDS),
    ]


def _line(before: str, stripped: str) -> list[float]:
    return [
        math.log1p(len(stripped)),
        float(width_of(before)) / 4,
        float(not stripped),
        float(len(_WORD.findall(stripped))),
    ]


def _words(before: str, rest: str, below: str) -> list[float]:
    """How much the document already says about the word being typed."""
    match = _PARTIAL.search(before)
    partial = match.group() if match else ""
    if not partial:
        return [0.0, 0.0, 0.0, 0.0]
    words = _WORD.findall(rest) + _WORD.findall(below)
    longer = {word for word in words if word.startswith(partial) and word != partial}
    seen = words.count(partial)
    return [float(len(partial)), math.log1p(len(longer)), float(seen > 0), math.log1p(seen)]


def _n_continuations(before: str, rest: str, below: str) -> int:
    match = _PARTIAL.search(before)
    if match is None:
        return 0
    words = set(_WORD.findall(rest)) | set(_WORD.findall(below))
    return sum(word.startswith(match.group()) and word != match.group() for word in words)


def _seen(before: str, rest: str) -> list[float]:
    """The longest end of the line that the text above has too, and how often it has the last characters."""
    line = before.lstrip()
    size = next((n for n in range(min(len(line), _MOST_SEEN), 2, -1) if line[-n:] in rest), 0)
    return [float(size), math.log1p(rest.count(line[-_OFTEN:])) if len(line) >= _OFTEN else 0.0]


def _shape(before: str, rest: str, language: str) -> list[float]:
    """How much of a usual line is written, and which bracket is open on it (0: none)."""
    usual = [len(line) for line in rest.split("\n")[-_USUAL_LINES:] if line.strip()]
    share = len(before) / (sum(usual) / len(usual)) if usual else 1.0
    open_ = open_before(before, language)
    return [min(share, 3.0), float("([{".index(open_[-1]) + 1) if open_ else 0.0]


def _place(query: Query, before: str) -> list[float]:
    left = _PARTIAL.sub("", before).rstrip()
    place = inside(query.prefix, query.language)
    depth = sum(1 if char in CLOSERS else -1 for _, char in brackets(before, query.language))
    return [
        float(left.endswith(".")),
        float(left.endswith("=") and not left.endswith("==")),
        float(place == "comment"),
        float(place == "string"),
        float(max(0, depth)),
    ]


def _surroundings(query: Query, before: str, above: str, n_empty: int) -> list[float]:
    return [
        math.log1p(len(query.line_after.strip())),
        float(not query.suffix.strip()),
        float(opens_block(above, query.language)),
        float(opens_block(before, query.language)),
        float(min(n_empty, 3)),
        math.log1p(len(above.strip())),
        float(width_of(before) == width_of(above)),
    ]


def _above(rest: str) -> tuple[str, int]:
    """The nearest line above that is not empty, and the empty lines in between."""
    kept = rest.rstrip()
    n_empty = rest[len(kept) :].count("\n") - 1
    return kept[kept.rfind("\n") + 1 :], max(0, n_empty)


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"
