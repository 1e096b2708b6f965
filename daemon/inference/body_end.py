"""Where a function ends whose beginning the model was given: its matching brace, its dedent, or the closing fence.

The language's parser says what is string, comment or bracket. It is asked only where a `}` or a dedent arrives, so that
a token costs next to nothing. Text whose syntax is broken ends at the fence, or with the model's own end.

BodyEnd      the opening ends where the body begins; the body ends before the closing brace, which is dropped
FunctionEnd  the opening ends in the declaration, or before it; the closing brace is kept
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from tree_sitter import Node

from halfwatt.daemon.code.indent import width_of
from halfwatt.daemon.code.languages import Language
from halfwatt.daemon.code.syntax import Source, ancestors, walk

from .cut import Cut, Hold

_FENCE = re.compile(r" {0,3}(`{3,})")
_BRACES = {"{": 1, "${": 1, "}": -1}
_BRACKETS = {**_BRACES, "(": 1, "[": 1, ")": -1, "]": -1}
_QUOTES = frozenset({"`", '"', '"""', "'", "/*", 'R"'})


class BodyEnd:
    """Ends a body that continues `opening`. Without a known language only the fence ends it."""

    def __init__(self, opening: str, language: Language | None) -> None:
        fence, self._code = split_opening(opening)
        self._fence = fence or "```"
        self._language = language
        self._least = min((width_of(line) for line in self._code.splitlines() if line.strip()), default=0)
        self._before = ""  # the complete lines
        self._n_judged = 0  # characters of the growing line
        self._continuing: bool | None = None  # of the growing line, once that was asked
        self._comments_from: int | None = None

    def check(self, line: str, start: int, complete: bool) -> Cut | Hold | None:
        found = self._closing_fence(line, start, complete)
        if found is None and self._language is not None:
            find = self._brace if self._language.braces else self._dedent
            found = find(self._language, line, start, complete)
        if complete:
            self._before += line + "\n"
            self._n_judged, self._continuing = 0, None
        return found

    def _closing_fence(self, line: str, start: int, complete: bool) -> Cut | Hold | None:
        if not line.strip(" ") or line.strip(" ").strip("`") or len(line) - len(line.lstrip(" ")) > 3:
            return None
        if len(line.strip(" ")) < len(self._fence):
            return None if complete else Hold(start)
        return None if self._language is not None and self._is_in_text(self._language) else Cut(start)

    def _is_in_text(self, language: Language) -> bool:
        return _has_open_text(self._parsed(language, ""))

    def _brace(self, language: Language, line: str, start: int, complete: bool) -> Cut | Hold | None:
        for index in range(self._n_judged, len(line)):
            if line[index] == "}" and self._closes(language, line[: index + 1]):
                return Cut(self._cut_at(start + index))
        self._n_judged = len(line)
        return None

    def _cut_at(self, brace: int) -> int:
        return brace

    def _closes(self, language: Language, line: str) -> bool:
        """Whether the line's last brace closes the body.

        Where the text has errors, only a brace that stands as far left as the declaration is believed."""
        source = self._parsed(language, line)
        framed = (node for node in walk(source.root) if source.start(node) < len(language.body_frame))
        functions = (node for node in framed if node.type in language.functions)
        function = next((node for node in functions if node.child_by_field_name("body") is not None), None)
        if function is not None and not function.has_error and source.end(function) == len(source.text):
            return True
        at_margin = line.strip() == "}" and width_of(line) <= self._least and not _has_open_text(source)
        return at_margin and _depth(source.root, _BRACES) == language.body_frame.count("{") - 1

    def _dedent(self, language: Language, line: str, start: int, complete: bool) -> Cut | Hold | None:
        """The first line of code that is no deeper than the declaration. Comments before it are not the body's."""
        if not line.strip():
            return None if complete else Hold(start if self._comments_from is None else self._comments_from)
        if width_of(line) > self._least or self._continues(language):
            self._comments_from = None
            return None
        if line.lstrip().startswith(language.line_comment):
            self._comments_from = start if self._comments_from is None else self._comments_from
            return Hold(self._comments_from)
        return Cut(start if self._comments_from is None else self._comments_from)

    def _continues(self, language: Language) -> bool:
        """Whether the line now begun is the inside of a string or of brackets, or the line before it goes on."""
        if self._continuing is None:
            source = self._parsed(language, "")
            goes_on = self._before.endswith("\\\n")
            self._continuing = goes_on or _has_open_text(source) or _depth(source.root, _BRACKETS) > 0
        return self._continuing

    def _parsed(self, language: Language, line: str) -> Source:
        return Source(language.body_frame + self._before + line, language)


class FunctionEnd(BodyEnd):
    """Ends a whole function that continues `opening`: the keyword, perhaps with a name, or only a comment."""

    def __init__(self, opening: str, language: Language | None) -> None:
        super().__init__(opening, language)
        self._least = width_of(self._code.rpartition("\n")[2])

    def _cut_at(self, brace: int) -> int:
        return brace + 1

    def _dedent(self, language: Language, line: str, start: int, complete: bool) -> Cut | Hold | None:
        return None if start == 0 else super()._dedent(language, line, start, complete)

    def _closes(self, language: Language, line: str) -> bool:
        """Whether the text so far is complete and its last part a function."""
        code = self._code + self._before + line
        readings = [Source(code, language)]
        if language.scaffold:
            readings.append(Source(language.scaffold.format(code), language))
        return any(source.parses and _ends_with_function(source, code) for source in readings)

    def _parsed(self, language: Language, line: str) -> Source:
        return Source(self._code + self._before + line, language)


def split_opening(opening: str) -> tuple[str, str]:
    """The fence, and the code behind it, of the start of an answer."""
    found = _FENCE.match(opening)
    return (found[1], opening.partition("\n")[2]) if found else ("", opening)


def _ends_with_function(source: Source, code: str) -> bool:
    """Whether a function with a body ends where the code in the source does."""
    at = source.text.rindex(code) + len(code)
    around = ancestors(source.node_at(at - 1))
    functions = (node for node in around if node.type in source.language.functions)
    function = next((node for node in functions if node.child_by_field_name("body") is not None), None)
    return function is not None and source.end(function) == at


def _has_open_text(source: Source) -> bool:
    """Whether a string over many lines has begun and not ended: its opening quote is left among the errors."""
    return any(_opens_text(source, node) for node in walk(source.root))


def _opens_text(source: Source, node: Node) -> bool:
    holder = node.parent
    if holder is None or node.type != "string_start":
        return holder is not None and node.type in _QUOTES and holder.type == "ERROR"
    is_long = len(source.text_of(node).lstrip("rRbBfFuUtT")) == 3
    return is_long and (holder.type != "string" or holder.children[-1].type != "string_end")


def _depth(root: Node, brackets: Mapping[str, int]) -> int:
    """Opened minus closed brackets among the tokens of a tree, whatever its errors."""
    depth = 0
    for node in walk(root):
        if node.child_count == 0 and not node.is_missing:
            depth += brackets.get(node.type, 0)
    return depth
