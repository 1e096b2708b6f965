"""Line ends as the Language Server Protocol counts them: LF, CRLF and CR, and no others.

Python's `splitlines` also cuts at form feeds and Unicode separators, which would shift every later line.
"""

from __future__ import annotations

import re

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r|\Z)")
_LINE_END = re.compile(r"\r\n|\n|\r")


def split_lines(text: str) -> list[str]:
    """Lines with their ends; no empty line at the end."""
    return [line for line in _LINE.findall(text) if line]


def line_starts(text: str) -> list[int]:
    """Where each line starts, the empty one behind a final line end included."""
    return [0, *(match.end() for match in _LINE_END.finditer(text))]


def line_end_of(text: str) -> str:
    """The line end that the text uses most: LF, CRLF or CR."""
    crlf = text.count("\r\n")
    counts = {"\n": text.count("\n") - crlf, "\r\n": crlf, "\r": text.count("\r") - crlf}
    best = max(counts, key=lambda key: counts[key])
    return best if counts[best] else "\n"
