"""Runaway answers: the same lines over and over.

Real code repeats lines, too: brackets, decorators, rows of numbers, three equal calls. So only identical runs of lines
count that stand right behind each other, and a short run must come more often.
"""

from __future__ import annotations

import re

from .cut import Cut, Hold

LONGEST_RUN = 8  # lines
N_TIMES = 3  # of a run of several lines
N_TIMES_ONE_LINE = 6
_WORD = re.compile(r"[^\W\d]\w*")
_STRING = re.compile(r"""[rbfuRBFU]{0,2}(?P<quote>["'`]).*?(?P=quote)""")
_LITERALS = frozenset({"True", "False", "None", "true", "false", "null", "nil", "nullptr", "undefined", "else", "end"})


class RepeatedLines:
    """Cuts before a run of lines that would be there once too often."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._one_too_many: list[str] = []  # the lines that would complete the last repetition of a run

    def check(self, line: str, start: int, complete: bool) -> Cut | Hold | None:
        last = line.rstrip()
        if not complete:
            return Hold(start) if line and any(it.startswith(last) for it in self._one_too_many) else None
        if last in self._one_too_many:
            return Cut(start)
        self._lines = [*self._lines, last][-LONGEST_RUN * N_TIMES :]
        self._one_too_many = [line for n in range(1, LONGEST_RUN + 1) if (line := self._repeated(n))]
        return None

    def _repeated(self, n_lines: int) -> str:
        """The last line of a run of so many lines that has come often enough, that line's last time left out; or ""."""
        n_times = N_TIMES if n_lines > 1 else N_TIMES_ONE_LINE
        before = self._lines[1 - n_lines * n_times :]
        run = before[:n_lines]
        is_repeated = len(before) == n_lines * n_times - 1 and before == (run * n_times)[:-1]
        return run[-1] if is_repeated and 2 * sum(map(_says_something, run)) >= n_lines else ""


def _says_something(line: str) -> bool:
    """Whether a line holds more than brackets, literals and a decorator."""
    if line.lstrip().startswith(("@", "#[")):
        return False
    return any(word not in _LITERALS for word in _WORD.findall(_STRING.sub("", line)))
