"""Post-processing steps that need no syntax: echoes of existing text, repetition, spaces, minimum length.

Each step takes a candidate and returns one; chain.py has their order. They were chosen from what users of other engines
complain about most: duplicated code, loops and noise.
"""

from __future__ import annotations

import re
from dataclasses import replace
from difflib import SequenceMatcher

from halfwatt.daemon.code.indent import width_of
from halfwatt.daemon.code.languages import for_id

from .brackets import depth_after, is_closing_line, only_closers
from .candidate import PostprocessCandidate
from .indent import opens_block

MIN_CHARS = 4
SIMILAR = 0.9  # at least this alike counts as the same text
_MARKS = re.compile(r"<\|[a-z_]+\|>|<(?:PRE|SUF|MID|EOT)>|\n[ \t]*```")
_RUN = re.compile(r"(.{2,40}?)\1{3,}\S{0,40}$|(\S)\2{7,}\S{0,3}$")
_SHORT_TAIL = re.compile(r"\w+$")


def model_marks(candidate: PostprocessCandidate) -> PostprocessCandidate:
    """Ends the text at a model's special token or at a code fence."""
    mark = _MARKS.search(candidate.text)
    text = candidate.text[: mark.start()] if mark else candidate.text
    return candidate.with_text(text.replace("\r\n", "\n"))


def whole_tokens(candidate: PostprocessCandidate) -> PostprocessCandidate:
    """Takes the unfinished end off a cut answer: its last line, or the last word of a single line."""
    if not candidate.truncated or not candidate.text.strip():
        return candidate
    kept, newline, _last = candidate.text.rstrip("\n").rpartition("\n")
    if newline and kept.strip():
        return candidate.with_text(kept)
    return candidate.with_text(_SHORT_TAIL.sub("", candidate.text))


def one_line(candidate: PostprocessCandidate) -> PostprocessCandidate:
    """Keeps one statement where only one may be offered, and one line where text stands right of the cursor."""
    blocked = not only_closers(candidate.line_after)
    lines = candidate.text.split("\n")
    if blocked or len(lines) == 1:
        return candidate.with_text(lines[0])
    if candidate.multiline:
        return candidate
    if not lines[0].strip() and candidate.line_before.strip():
        return candidate.dropped()  # for the model, this line is complete
    first = next((n for n, line in enumerate(lines) if line.strip()), 0)
    end = _statement_end(lines, first, candidate.language)
    if opens_block(lines[end - 1], candidate.language) and not _body_below(candidate):
        end = _body_end(lines, end, candidate.line_before or lines[first])
    return candidate.with_text("\n".join(lines[:end]).rstrip("\n"))


def line_end_repetition(candidate: PostprocessCandidate) -> PostprocessCandidate:
    """Drops a last line that ends in the same piece over and over."""
    kept, _, last = candidate.text.rstrip().rpartition("\n")
    return candidate.with_text(kept) if _RUN.search(last.strip()) else candidate


def existing_text(candidate: PostprocessCandidate) -> PostprocessCandidate:
    """Takes off an echo of the cursor's line and drops a repetition of the code around the cursor."""
    candidate = _without_echo(candidate)
    given = _code_lines(candidate.text)
    below = _code_lines(candidate.suffix)[: len(given[:3])]
    if not given:
        return candidate.dropped()
    if below and len("".join(given[:3])) >= MIN_CHARS and _alike("\n".join(given[:3]), "\n".join(below)):
        return candidate.dropped()
    above = _code_lines(candidate.prefix[: len(candidate.prefix) - len(candidate.line_before)])[-1:]
    repeats = above and not candidate.line_before.strip() and given[0] == above[0]
    return candidate.dropped() if repeats and not is_closing_line(given[0]) else candidate


def spaces(candidate: PostprocessCandidate) -> PostprocessCandidate:
    """Takes off a second space at the cursor, spaces at line ends, and empty lines around a whole line."""
    text = "\n".join(line.rstrip() for line in candidate.text.split("\n")).rstrip()
    before = candidate.line_before
    if before.strip() and before[-1:].isspace():
        text = text.lstrip(" \t")
    if not before.strip():
        text = re.sub(r"\A(?:[ \t]*\n)+", "", text)
    if candidate.line_after[:1].isspace() or not candidate.line_after:
        return candidate.with_text(text)
    tail = candidate.text[len(candidate.text.rstrip(" ")) :]
    return candidate.with_text(text + tail if text and "\n" not in text else text)


def minimum(candidate: PostprocessCandidate) -> PostprocessCandidate:
    """Drops what has fewer than MIN_CHARS characters, white space around them not counted."""
    return candidate if len(candidate.text.strip()) >= MIN_CHARS else candidate.dropped()


def more_than_comment(candidate: PostprocessCandidate) -> PostprocessCandidate:
    """Drops comments on lines of their own that the user had not begun."""
    language = for_id(candidate.language)
    if language is None or candidate.line_before.strip() or not candidate.text.strip():
        return candidate
    is_code = any(not line.startswith(language.line_comment) for line in _code_lines(candidate.text))
    return candidate if is_code else candidate.dropped()


def repeated_blocks(candidate: PostprocessCandidate) -> PostprocessCandidate:
    """Keeps the first of several paragraphs that are alike."""
    blocks = re.split(r"\n[ \t]*\n", candidate.text)
    for n in range(1, len(blocks)):
        if len(blocks[n].strip()) >= MIN_CHARS and _alike(blocks[n].strip(), blocks[n - 1].strip()):
            kept = candidate.text
            for block in reversed(blocks[n:]):
                kept = kept[: kept.rindex(block)]
            return candidate.with_text(kept.rstrip())
    return candidate


def repeated_lines(candidate: PostprocessCandidate) -> PostprocessCandidate:
    """Keeps the first of lines, or groups of up to four lines, that come again straight after themselves."""
    lines = candidate.text.split("\n")
    for at in range(len(lines)):
        for size in range(1, min(4, (len(lines) - at) // 2) + 1):
            group = [line.strip() for line in lines[at : at + size]]
            again = [line.strip() for line in lines[at + size : at + 2 * size]]
            if group == again and any(line and not is_closing_line(line) for line in group):
                return candidate.with_text("\n".join(lines[: at + size]))
    return candidate


def suffix_lines(candidate: PostprocessCandidate) -> PostprocessCandidate:
    """Ends the text where it starts to say what stands below, and takes off an overlap with the line's rest."""
    candidate = _without_line_rest(candidate)
    lines = candidate.text.split("\n")
    below = candidate.lines_below.split("\n") if not candidate.line_after.strip() else []
    first = next((line for line in below[:8] if line.strip()), "")
    if not first.strip():
        return candidate
    start = 0 if not candidate.line_before.strip() else 1
    for n in range(start, len(lines)):
        same = lines[n].rstrip() == first.rstrip() or (n == 0 and lines[0].strip() == first.strip())
        if same and not is_closing_line(first) and len(first.strip()) >= MIN_CHARS:
            return candidate.with_text("\n".join(lines[:n]).rstrip())
    return candidate


def _statement_end(lines: list[str], first: int, language: str) -> int:
    """The line after the one where the first line's brackets are all closed."""
    depth = 0
    for n, line in enumerate(lines[first:], start=first + 1):
        depth += depth_after(line, language)
        if depth <= 0:
            return n
    return first + 1


def _body_below(candidate: PostprocessCandidate) -> bool:
    """Whether the document already goes on deeper than the cursor's line."""
    below = next((line for line in candidate.lines_below.split("\n") if line.strip()), "")
    return width_of(below) > width_of(candidate.line_before)


def _body_end(lines: list[str], start: int, opener: str) -> int:
    """The line after the last one that is deeper than the opener."""
    end = start
    for n, line in enumerate(lines[start:], start=start):
        if line.strip() and width_of(line) <= width_of(opener):
            break
        end = n + 1 if line.strip() else end
    return end


def _without_echo(candidate: PostprocessCandidate) -> PostprocessCandidate:
    """The text without the cursor's line, which models repeat."""
    echo = candidate.line_before.strip()
    text = candidate.text.lstrip()
    if len(echo) >= MIN_CHARS and text.startswith(echo) and len(text) > len(echo):
        return candidate.with_text(text[len(echo) :])
    return candidate


def _without_line_rest(candidate: PostprocessCandidate) -> PostprocessCandidate:
    """The text without the end that the line has already: `foo(|)` completed by `a, b)` becomes `a, b`.

    Where the text goes on after the rest of the line (`a, b):`), it replaces that rest."""
    rest = candidate.line_after.strip()
    head, newline, tail = candidate.text.partition("\n")
    if not rest:
        return candidate
    if head.rstrip().endswith(rest) and not newline:
        kept = head.rstrip()[: -len(rest)]
        return candidate.with_text(kept.rstrip() if candidate.line_after[:1].isspace() else kept)
    if only_closers(rest) and _closes(head, rest, candidate.language):
        return replace(candidate, n_replaced=len(candidate.line_after.rstrip()))
    if not newline:
        for size in range(min(len(head), len(rest)), 1, -1):
            if head.endswith(rest[:size]):
                return candidate.with_text(head[:-size])
    return candidate.with_text(head + newline + tail)


def _closes(head: str, rest: str, language: str) -> bool:
    """Whether the text itself closes what the closers right of the cursor close."""
    return depth_after(head, language) <= -sum(char in ")]}" for char in rest) < 0


def _code_lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def _alike(one: str, other: str) -> bool:
    if one == other:
        return True
    if abs(len(one) - len(other)) > (1 - SIMILAR) * max(len(one), len(other)) or max(len(one), len(other)) < 20:
        return False
    return SequenceMatcher(None, one, other, autojunk=False).ratio() >= SIMILAR
