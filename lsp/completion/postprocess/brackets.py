"""Brackets: which are open at a point, and making a suggestion leave none open that was closed before.

A regular expression steps over strings and comments. There is no grammar here, so it also works in half-written code,
where a parser gives up. syntax.py checks with a parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal

from halfwatt.daemon.code.indent import indent_of
from halfwatt.daemon.code.languages import for_id

from .candidate import PostprocessCandidate

PAIRS = {")": "(", "]": "[", "}": "{"}
CLOSERS = {opener: closer for closer, opener in PAIRS.items()}
MISSING_CHARS = 1_500  # a closer farther below belongs to another part of the document
NEAR_CHARS = 12_000  # brackets farther away than this are not looked at

_CLOSING_LINE = re.compile(r"[\s)\]}>;,]*[)\]}>][\s)\]}>;,]*|\s*end[\s;]*")
_ONLY_CLOSERS = re.compile(r"[\s)\]}>\"'`;,:]*")
_DEFINES = re.compile(r"^(?:async def|def|class) \w+ *[(:]", re.MULTILINE)
_DEFINES_DEEPER = re.compile(r"^[ \t]+(?:async def|def|class) \w+ *[(:]", re.MULTILINE)


def is_closing_line(line: str) -> bool:
    """Whether a line only closes what lines above it opened."""
    return bool(_CLOSING_LINE.fullmatch(line))


def only_closers(text: str) -> bool:
    """Whether text is nothing but what an editor closes by itself."""
    return bool(_ONLY_CLOSERS.fullmatch(text))


def depth_after(text: str, language: str) -> int:
    """Openers minus closers outside strings and comments."""
    return sum(1 if bracket in CLOSERS else -1 for _, bracket in brackets(text, language))


def brackets(text: str, language: str) -> Iterator[tuple[int, str]]:
    """Offset and character of every bracket outside strings and comments."""
    for match in _tokens(language).finditer(text):
        if match.lastgroup == "bracket":
            yield match.start(), match.group()


def near_before(prefix: str, language: str) -> str:
    """The end of a text, from a point where no string or comment is open.

    Triple quotes look alike at both ends. In languages that have them, the point is the first line that defines
    something."""
    near = prefix[-NEAR_CHARS:]
    known = for_id(language)
    if len(prefix) <= NEAR_CHARS or known is None or not known.triple_quotes:
        return near
    start = _DEFINES.search(near) or _DEFINES_DEEPER.search(near)
    return near[start.start() :] if start else near


def inside(prefix: str, language: str) -> Literal["code", "comment", "string"]:
    """What the end of the text stands in; a Python docstring counts as a comment."""
    near = near_before(prefix, language) + "\0"  # an unfinished token reaches over this mark, a finished one does not
    last = max(_tokens(language).finditer(near), key=re.Match[str].start, default=None)
    if last is None or last.end() < len(near) or last.lastgroup == "bracket":
        return "code"
    return "comment" if last.lastgroup == "comment" else "string"


def balanced(candidate: PostprocessCandidate) -> PostprocessCandidate:
    """The text without closers that close nothing, and with the closers that its own openers need.

    Brackets that were open or missing before the suggestion are left as they were."""
    if not candidate.text:
        return candidate
    stack = open_before(near_before(candidate.prefix, candidate.language), candidate.language)
    needed = _needed_after(candidate.suffix[candidate.n_replaced :][:NEAR_CHARS], candidate.language)
    matched = _n_matched(stack, needed)
    text = _without_stray_closers(candidate, stack, matched)
    return candidate.with_text(text + _missing_closers(text, candidate, stack, needed))


def opener_for_closers(candidate: PostprocessCandidate) -> PostprocessCandidate:
    """Drops a text over lines that a bracket closes, where neither the text nor what stands above opens it."""
    below = candidate.suffix[candidate.n_replaced :][:MISSING_CHARS]
    needed = _needed_after(below, candidate.language)
    stack = open_before(near_before(candidate.prefix, candidate.language), candidate.language)
    if not candidate.text or len(needed) <= len(stack):
        return candidate
    opened = open_before(candidate.text, candidate.language)
    return candidate if len(needed) <= len(stack) + len(opened) else candidate.dropped()


def open_before(prefix: str, language: str) -> list[str]:
    """The openers without a closer, outermost first."""
    stack: list[str] = []
    for _, bracket in brackets(prefix, language):
        if bracket in CLOSERS:
            stack.append(bracket)
        elif stack and stack[-1] == PAIRS[bracket]:
            stack.pop()
    return stack


def _needed_after(suffix: str, language: str) -> list[str]:
    """The closers without an opener, nearest first."""
    needed: list[str] = []
    stack: list[str] = []
    for _, bracket in brackets(suffix, language):
        if bracket in CLOSERS:
            stack.append(bracket)
        elif stack and stack[-1] == PAIRS[bracket]:
            stack.pop()
        else:
            needed.append(bracket)
    return needed


def _n_matched(stack: list[str], needed: list[str]) -> int:
    """How many of the open brackets, innermost first, are closed below the cursor."""
    count = 0
    for opener, closer in zip(reversed(stack), needed, strict=False):
        if PAIRS[closer] != opener:
            break
        count += 1
    return count


def _without_stray_closers(candidate: PostprocessCandidate, stack: list[str], matched: int) -> str:
    """Cut before the first closer that has no opener, or whose opener is already closed below the cursor."""
    own: list[str] = []
    outer = list(stack)
    spare = len(stack) - matched  # openers that nothing below the cursor closes
    for at, bracket in brackets(candidate.text, candidate.language):
        if bracket in CLOSERS:
            own.append(bracket)
        elif own:
            if own[-1] != PAIRS[bracket]:
                return candidate.text[:at].rstrip()
            own.pop()
        elif outer and outer[-1] == PAIRS[bracket] and spare > 0:
            outer.pop()
            spare -= 1
        else:
            return candidate.text[:at].rstrip()
    return candidate.text


def _missing_closers(text: str, candidate: PostprocessCandidate, stack: list[str], needed: list[str]) -> str:
    """The closers that the text's own openers still need, laid out as an editor would."""
    own: list[tuple[int, str]] = []
    for at, bracket in brackets(text, candidate.language):
        if bracket in CLOSERS:
            own.append((at, bracket))
        elif own:
            own.pop()
    own = own[max(0, len(needed) - len(stack)) :]  # the outermost are closed below the cursor
    closers = ""
    for at, bracket in reversed(own):
        start = text.rfind("\n", 0, at) + 1
        line = text[start:at] if start else candidate.line_before + text[:at]
        own_line = not text[at + 1 :].partition("\n")[0].strip()
        closers += ("\n" + indent_of(line) if own_line else "") + CLOSERS[bracket]
    return closers


@lru_cache(maxsize=32)
def _tokens(language: str) -> re.Pattern[str]:
    """A pattern for comments, strings and brackets of a language.

    An unknown language is read like JavaScript without backticks."""
    known = for_id(language)
    comments, strings = [r"//[^\n]*", r"/\*[\s\S]*?(?:\*/|\Z)"], [r'"(?:\\.|[^"\\\n])*"?']
    if known is not None and known.line_comment == "#":
        comments = [r"#[^\n]*"]
    if known is not None and known.triple_quotes:
        comments += [r'"""[\s\S]*?(?:"""|\Z)', r"'''[\s\S]*?(?:'''|\Z)"]
    if known is not None and known.single_quotes == "character":
        strings.append(r"'(?:\\[^\n']{1,8}|[^\\'\n])'")  # 'a alone is a lifetime
    else:
        strings.append(r"'(?:\\.|[^'\\\n])*'?")
    if known is not None and known.backticks:
        strings.append(r"`(?:\\[\s\S]|[^`\\])*(?:`|\Z)")
    parts = {"comment": "|".join(comments), "string": "|".join(strings), "bracket": r"[()\[\]{}]"}
    return re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in parts.items()))
