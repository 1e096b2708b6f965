"""When an answer is complete, judged on the text as it streams: the published early stops, and those of ghost text.

Text that may belong to a stop is held back until that is clear, so that what was emitted is never taken back. It knows
nothing of tokens and models. The rules:

body            the end of the function body that the answer begins with; its closing brace is dropped
function        the end of the function that the answer begins in; its closing brace is kept
code_block      the closing fence of the answer's first code block; the fence is kept
trailing        tests, test prints or explanations after the code; an open code block is closed in their place
repeated_lines  a run of lines that is there several times on end; its last time is dropped
line            the end of the first line that is not blank
statement       the end of the statement at the cursor: its line, its open brackets, the block that it opens; nothing
                where the line is complete already
block           the end of the unit at the cursor: a dedent, or a blank line and no deeper text after it
stop_text       one of the request's own stop texts; it is dropped
"""

from __future__ import annotations

import copy
from collections.abc import Iterable

from halfwatt.daemon.code import languages
from halfwatt.daemon.wire import StopRule

from .body_end import BodyEnd, FunctionEnd
from .cut import Cut, Hold, Rule
from .repeats import RepeatedLines

FENCE = "```"
TAB_COLUMNS = 4
OF_CONTINUATIONS: frozenset[StopRule] = frozenset({"body", "function"})
OF_BLOCKS: frozenset[StopRule] = frozenset({"code_block", "trailing"})
TRAILING_STARTS = (
    "assert ",
    "assert(",
    "print(",
    "console.log(",
    "console.assert(",
    "if __name__",
    "# Test",
    "# test",
    "# Example",
    "# Usage",
    "# Explanation",
    "// Test",
    "// test",
    "// Example",
    "// Usage",
    "// Explanation",
    "Explanation:",
    "Example:",
    "Example usage",
    "Note:",
    "Note that",
    "This function ",
    "This code ",
    "This implementation ",
    "This solution ",
    "The function ",
    "The code ",
    "The above ",
    "In this ",
    "Here is ",
    "Here's ",
    "You can ",
    "### ",
    "**",
)


class Stopper:
    """Feeds an answer through its stop rules.

    `before` is the line left of the cursor, for ghost text. `opening` is what an answer continues, and `language` the
    id of its language."""

    def __init__(
        self,
        rules: Iterable[StopRule] = (),
        stop_texts: Iterable[str] = (),
        before: str = "",
        opening: str = "",
        language: str | None = None,
    ) -> None:
        foreign = OF_BLOCKS if opening else OF_CONTINUATIONS
        self._rules: list[tuple[str, Rule]] = [
            (name, _rule(name, before, opening, language)) for name in dict.fromkeys(rules) if name not in foreign
        ]
        self._stop_texts = tuple(text for text in stop_texts if text)
        self._text = ""
        self._line_start = 0
        self._n_emitted = 0
        self.reason: str | None = None

    @property
    def is_blank(self) -> bool:
        """Whether nothing but white space has come."""
        return not self._text or self._text.isspace()  # asked at each token

    def would_end_blank(self, text: str) -> bool:
        """Whether this text would end an answer that is blank then."""
        trial = copy.deepcopy(self)
        trial.feed(text)
        return trial.reason is not None and trial.is_blank

    def feed(self, text: str) -> str:
        """Take new text; return what may be shown now. After a stop (`reason` is set) there is nothing more."""
        if self.reason is not None:
            return ""
        n_before = len(self._text)
        self._text += text
        stop_at = self._find_stop_text(n_before)
        if stop_at is not None:
            self._text = self._text[:stop_at]
        held = self._judge_lines(is_end=stop_at is not None)
        if stop_at is not None and self.reason is None:
            self._cut("stop_text", Cut(stop_at))
        return self._emit(held)

    def finish(self) -> str:
        """The model has ended: the last line is complete. Return what was held back and is clear now."""
        if self.reason is not None:
            return ""
        self._judge_lines(is_end=True)
        return self._emit(len(self._text))

    def _judge_lines(self, is_end: bool) -> int:
        """Judge the new complete lines and the one that still grows; return the offset that text is held from."""
        while self.reason is None and (end := self._text.find("\n", self._line_start)) >= 0:
            line, start = self._text[self._line_start : end], self._line_start
            self._line_start = end + 1
            self._judge(line, start, complete=True)
        if self.reason is not None:
            return len(self._text)
        held = self._judge(self._text[self._line_start :], self._line_start, complete=is_end)
        overlap = max((_overlap(self._text, text) for text in self._stop_texts), default=0)
        return min(held, len(self._text) - overlap)

    def _judge(self, line: str, start: int, complete: bool) -> int:
        held, first = len(self._text), None
        for name, rule in self._rules:
            found = rule.check(line, start, complete)
            if isinstance(found, Hold):
                held = min(held, found.start)
            elif found is not None and (first is None or found.at < first[1].at):
                first = (name, found)
        if first is not None:
            self._cut(*first)
        return held

    def _cut(self, reason: str, cut: Cut) -> None:
        self.reason = reason
        self._text = self._text[: cut.at] + cut.closing

    def _find_stop_text(self, n_before: int) -> int | None:
        begin = max(0, n_before - max((len(text) for text in self._stop_texts), default=0))
        places = [self._text.find(text, begin) for text in self._stop_texts]
        return min((place for place in places if place >= 0), default=None)

    def _emit(self, held: int) -> str:
        end = len(self._text) if self.reason is not None else held
        out = self._text[self._n_emitted : end]
        self._n_emitted = max(self._n_emitted, end)
        return out


def _overlap(text: str, stop: str) -> int:
    """Length of the longest proper beginning of `stop` that `text` ends with."""
    return next((n for n in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:n])), 0)


def _rule(name: StopRule, before: str, opening: str, language: str | None) -> Rule:
    match name:
        case "body":
            return BodyEnd(opening, languages.for_id(language or ""))
        case "function":
            return FunctionEnd(opening, languages.for_id(language or ""))
        case "code_block":
            return _CodeBlock()
        case "repeated_lines":
            return RepeatedLines()
        case "trailing":
            return _Trailing()
        case "line":
            return _Line()
        case "statement":
            return _Statement(before)
        case "block":
            return _Block(before)


def _is_fence(line: str) -> bool:
    """Markdown: up to three blanks may stand before a fence."""
    return line.lstrip(" ").startswith(FENCE) and len(line) - len(line.lstrip(" ")) <= 3


class _CodeBlock:
    def __init__(self) -> None:
        self._fence = ""  # of the open block

    def check(self, line: str, start: int, complete: bool) -> Cut | Hold | None:
        if not _is_fence(line):
            return None
        text = line.lstrip(" ")
        if self._fence:
            end = start + len(line) - len(text) + len(self._fence)
            return Cut(end) if text.startswith(self._fence) else None
        self._fence = text[: len(text) - len(text.lstrip("`"))] if complete else ""
        return None


class _Trailing:
    def __init__(self) -> None:
        self._has_code = False
        self._fence = "none"  # none → open → closed

    def check(self, line: str, start: int, complete: bool) -> Cut | Hold | None:
        if self._fence == "closed" and line.strip():
            return Cut(start)
        if self._fence != "closed" and self._has_code:
            if line.startswith(TRAILING_STARTS):
                return Cut(start, FENCE if self._fence == "open" else "")
            if not complete and line and any(text.startswith(line) for text in TRAILING_STARTS):
                return Hold(start)
        if complete:
            self._remember(line)
        return None

    def _remember(self, line: str) -> None:
        if _is_fence(line):
            self._fence = "closed" if self._fence == "open" else "open"
            self._has_code = False
        elif line.strip():
            self._has_code = True


class _Line:
    def check(self, line: str, start: int, complete: bool) -> Cut | Hold | None:
        return Cut(start + len(line)) if complete and line.strip() else None


class _Statement:
    """Goes on over the line's end only while brackets of the answer are open, or into the block that it opens."""

    def __init__(self, before: str) -> None:
        line = before.rpartition("\n")[2]
        self._indent = "" if line.strip() else line
        self._column = _columns(line)
        self._continues_line = bool(line.strip())
        self._begun = False
        self._open_brackets = 0

    def check(self, line: str, start: int, complete: bool) -> Cut | Hold | None:
        if not line.strip():
            if self._continues_line and not self._begun:
                return Cut(start) if complete else Hold(start)
            return None if complete or not self._begun else Hold(start - 1)
        if self._begun and self._open_brackets <= 0 and _columns(line) <= self._column:
            return Cut(start - 1)
        if not complete:
            return None
        return self._end_of(line, start)

    def _end_of(self, line: str, start: int) -> Cut | None:
        """Where the statement ends, if this complete line of it is its last."""
        was_open = self._open_brackets > 0
        if not self._begun and not self._continues_line:
            self._column = _columns(self._indent + line)
        self._open_brackets += _depth(line)
        in_block = self._begun and not was_open
        self._begun = True
        if self._open_brackets > 0 or in_block or line.rstrip().endswith(":"):
            return None
        return Cut(start + len(line))


class _Block:
    """The unit is what is indented as deep as the cursor's blank line, or deeper than its line of text."""

    def __init__(self, before: str) -> None:
        line = before.rpartition("\n")[2]
        self._least = _columns(line) + (1 if line.strip() else 0)
        self._first = True
        self._blank_from: int | None = None
        self._open_brackets = _depth(line) if line.strip() else 0

    def check(self, line: str, start: int, complete: bool) -> Cut | Hold | None:
        if self._first:
            self._first = not complete
            self._open_brackets += _depth(line) if complete else 0
            return None
        if not line.strip():
            if complete and self._blank_from is None:
                self._blank_from = start
            # Blanks may turn out to be a dedent's: what they belong to is open.
            return None if complete else Hold(self._from(start) - 1)
        if self._ends(line):
            return self._check_dedent(line, start, complete)
        if complete:
            self._blank_from = None
            self._open_brackets += _depth(line)
        return None

    def _ends(self, line: str) -> bool:
        return _columns(line) < self._least + (self._blank_from is not None)

    def _check_dedent(self, line: str, start: int, complete: bool) -> Cut | Hold | None:
        """A dedented line that closes the unit's own brackets still belongs to it."""
        closes = self._open_brackets > 0 and line.lstrip()[0] in ")]}"
        if not closes:
            return Cut(self._from(start) - 1)
        if not complete:
            return Hold(start - 1)
        self._open_brackets += _depth(line)
        return Cut(start + len(line)) if self._open_brackets <= 0 else None

    def _from(self, start: int) -> int:
        return start if self._blank_from is None else self._blank_from


def _columns(line: str) -> int:
    expanded = line.expandtabs(TAB_COLUMNS)
    return len(expanded) - len(expanded.lstrip(" "))


def _depth(line: str) -> int:
    """Opened minus closed brackets, those inside of one-line strings left out."""
    depth, quote = 0, ""
    for index, char in enumerate(line):
        if quote:
            quote = "" if char == quote and line[index - 1] != "\\" else quote
        elif char in "\"'`":
            quote = char
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
    return depth
