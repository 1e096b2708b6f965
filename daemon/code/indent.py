"""Indentation: measuring lines, finding the step that a text uses, and moving lines from one style to another.

It works on text alone and knows no language.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

TAB_WIDTH = 4  # for a text that mixes tabs and spaces
USUAL_SIZES = (2, 4, 8)


def indent_of(line: str) -> str:
    """The spaces and tabs that a line begins with."""
    return line[: len(line) - len(line.lstrip(" \t"))]


def width_of(line: str) -> int:
    """Columns of the line's indentation, with a tab stop every TAB_WIDTH."""
    return len(indent_of(line).expandtabs(TAB_WIDTH))


def unit_of(text: str, default: str) -> str:
    """One step of indentation as the text writes it: a tab or some spaces; `default` where the text has none.

    Steps of a usual size count twice, because lines that are only aligned look like odd steps."""
    indented = [line for line in text.splitlines() if line[:1] in ("\t", " ") and line.strip()]
    if not indented:
        return default
    if 2 * sum(line.startswith("\t") for line in indented) >= len(indented):
        return "\t"
    steps: Counter[int] = Counter()
    previous = 0
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("*"):
            continue
        width = width_of(line)
        if 2 <= width - previous <= 8:
            steps[width - previous] += 1
        previous = width
    size = max(steps, key=lambda it: (steps[it] * (2 if it in USUAL_SIZES else 1), it == 4), default=0)
    return " " * size if size else default


def reindent(
    lines: list[str], frozen: Collection[int], from_width: int, from_unit: str, to_indent: str, to_unit: str
) -> list[str]:
    """The lines moved from a base of `from_width` columns to `to_indent`, step by step of indentation.

    Lines whose index is in `frozen` (they begin inside a string) stay as they are; blank lines become empty.
    A line that stands left of the base (a label, a directive) stays left of the new one by as much."""
    step = TAB_WIDTH if from_unit == "\t" else len(from_unit)
    moved = []
    for index, line in enumerate(lines):
        if index in frozen:
            moved.append(line)
            continue
        rest = line.lstrip(" \t")
        offset = width_of(line) - from_width
        if offset < 0 and rest:
            moved.append(_cut_to(to_indent, max(width_of(to_indent) + offset, 0) if width_of(line) else 0) + rest)
            continue
        levels, odd = divmod(offset, step)
        moved.append(to_indent + to_unit * levels + " " * odd + rest if rest else "")
    return moved


def _cut_to(indent: str, width: int) -> str:
    """The start of an indentation, `width` columns wide."""
    cut = next((at for at in range(len(indent) + 1) if width_of(indent[:at]) >= width), len(indent))
    return indent[:cut]
