"""Code taken out of what a model answers, and the order of a fill-in-the-middle prompt."""

from __future__ import annotations

import re

_BLOCK = re.compile(r"^ {0,3}(`{3,})[^\n`]*\n(.*?)(?:^ {0,3}\1|\Z)", re.DOTALL | re.MULTILINE)


def extract_code(answer: str) -> str:
    """The first code block that is not empty, an unclosed one to its end; without any fence the answer itself.

    Indentation is kept, blank lines around the code are not."""
    blocks = [block for _, block in _BLOCK.findall(answer) if block.strip()]
    code = blocks[0] if blocks else re.sub(r"^ {0,3}```[^\n]*$", "", answer, flags=re.MULTILINE)
    return code.strip("\n").rstrip()


def first_block(answer: str) -> str | None:
    """What the first code block holds so far, in an answer that still grows; None before it has begun."""
    found = _BLOCK.search(answer)
    return found[2] if found else None


def fim_tokens(
    marks: tuple[list[int], list[int], list[int]], prefix_tokens: list[int], suffix_tokens: list[int]
) -> list[int]:
    """A fill-in-the-middle prompt in the order prefix, suffix, middle, which every known family is trained on."""
    prefix_mark, suffix_mark, middle_mark = marks
    return [*prefix_mark, *prefix_tokens, *suffix_mark, *suffix_tokens, *middle_mark]
