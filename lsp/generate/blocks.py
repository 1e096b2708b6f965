"""The fenced blocks of a model's answer, by CommonMark's rules for fences. What is in them is code for others to read.

One thing differs: a docstring may hold the very fence that the block is made with, which CommonMark takes for its end.
So each block comes with the longer readings of it, and the reader of code picks the first that is whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_FENCE = re.compile(r"(?P<indent>[ \t]*(?:>[ \t]?)*)(?P<marks>`{3,}|~{3,})[ \t]*(?P<info>[^\n]*)")
_MOST_READINGS = 8


def code_blocks(text: str, is_whole: Callable[[str], bool]) -> list[str]:
    """The texts that may be code, in the order of the answer: fenced blocks, or all of it where nothing is fenced."""
    lines = text.split("\n")
    found: list[str] = []
    at = 0
    while at < len(lines):
        opened = _opening(lines[at])
        if opened is None:
            at += 1
            continue
        ends = _ends(lines, at, opened)
        texts = ["\n".join(_without_indent(lines[at + 1 : end], opened["indent"])) for end in ends]
        best = next((index for index, it in enumerate(texts) if len(texts) == 1 or is_whole(it)), 0)
        found.append(texts[best])
        at = ends[best] + 1
    fenced = [it for it in found if it.strip()]
    return fenced or [_before_fence(lines)]


def _before_fence(lines: list[str]) -> str:
    """The text up to a fence that holds nothing: a model that was asked to go on may only close one."""
    end = next((at for at, line in enumerate(lines) if _opening(line)), len(lines))
    return "\n".join(lines[:end])


def _opening(line: str) -> re.Match[str] | None:
    match = _FENCE.fullmatch(line)
    return match if match and not (match["marks"][0] == "`" and "`" in match["info"]) else None


def _ends(lines: list[str], at: int, opened: re.Match[str]) -> list[int]:
    """The lines that may close the block, and the end of the answer where none does."""
    marks = opened["marks"]
    ends = []
    for index in range(at + 1, len(lines)):
        match = _FENCE.fullmatch(lines[index])
        if match and not match["info"].strip() and match["marks"][0] == marks[0] and len(match["marks"]) >= len(marks):
            ends.append(index)
            if len(ends) == _MOST_READINGS:
                break
    return ends or [len(lines)]


def _without_indent(lines: list[str], indent: str) -> list[str]:
    """A fence in a list or a quotation is indented, and its lines with it."""
    if ">" in indent:
        return [re.sub(r"^[ \t]*(?:>[ \t]?)+", "", line) for line in lines]
    return [line[len(indent) :] if not line[: len(indent)].strip() else line.lstrip() for line in lines]
