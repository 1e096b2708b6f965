"""Post-processing steps about indentation: where a suggestion leaves its scope, and the document's own style.

They work on lines and columns only, without a parser.
"""

from __future__ import annotations

import re
from functools import lru_cache

from halfwatt.daemon.code.indent import TAB_WIDTH, indent_of, unit_of, width_of
from halfwatt.daemon.code.languages import for_id

from .brackets import depth_after, is_closing_line, near_before, open_before
from .candidate import PostprocessCandidate

_CONTINUES = re.compile(r"\s*(?:[)\]}]|(?:else|elif|except|finally|catch|while)\b)")
_GOES_ON = re.compile(r"\s*(?:\}\s*)?(?:else|elif|except|finally|catch)\b|\s*\}\s*while\b")
_STYLE_CHARS = 32_000  # looked at to find a document's indentation
_BLOCK_OPENER = re.compile(r"(?:\{|=>|:)\s*$")


def opens_block(line: str, language: str) -> bool:
    """Whether a line's end starts something that goes on below it."""
    stripped = line.rstrip()
    if not _BLOCK_OPENER.search(stripped):
        return False
    known = for_id(language)
    return not stripped.endswith(":") or (known is not None and not known.braces)


def indentation_scope(candidate: PostprocessCandidate) -> PostprocessCandidate:
    """Drops the lines that no longer belong to the block or statement at the cursor."""
    lines = candidate.text.split("\n")
    if len(lines) == 1:
        return candidate
    inside = not candidate.line_before.strip()
    scope = width_of(candidate.line_before or lines[0])
    depth = depth_after(candidate.line_before.lstrip() + lines[0], candidate.language)
    for n, line in enumerate(lines[1:], start=1):
        if line.strip() and not _belongs(line, scope, inside, depth):
            return candidate.with_text("\n".join(lines[:n]).rstrip())
        depth += depth_after(line, candidate.language)
        if not inside and _ends_statement(line, lines[n + 1 :], scope, depth):
            return candidate.with_text("\n".join(lines[: n + 1]))
    return candidate


def duplicate_closing_line(candidate: PostprocessCandidate) -> PostprocessCandidate:
    """Drops a last line that closes what the line below already closes."""
    kept, newline, last = candidate.text.rstrip().rpartition("\n")
    below = next((line for line in candidate.lines_below.split("\n") if line.strip()), "")
    if not newline or not is_closing_line(last) or candidate.line_after.strip():
        return candidate
    return candidate.with_text(kept) if last.rstrip() == below.rstrip() else candidate


def indentation(candidate: PostprocessCandidate) -> PostprocessCandidate:
    """Gives the text the document's indentation: no second indent at the cursor, its unit, its tabs or spaces."""
    if not candidate.text:
        return candidate
    lines = candidate.text.split("\n")
    if not candidate.line_before.strip():
        lines = _from_cursor(lines, candidate)
    unit = _unit_of((candidate.prefix + candidate.suffix)[:_STYLE_CHARS])
    lines[1:] = [_restyled(line, unit) for line in lines[1:]]
    return candidate.with_text("\n".join(lines))


def opener_for_body(candidate: PostprocessCandidate) -> PostprocessCandidate:
    """Drops a statement over lines that only a block's opening line can stand over (languages with colon blocks)."""
    language = for_id(candidate.language)
    if language is None or language.braces or candidate.line_after.strip() or "\n" in candidate.text:
        return candidate
    line = candidate.line_before + candidate.text
    below = next((each for each in candidate.lines_below.split("\n") if each.strip()), "")
    if width_of(below) <= width_of(line) or line.rstrip().endswith((":", "\\", ",")):
        return candidate
    is_open = bool(open_before(near_before(candidate.prefix + candidate.text, candidate.language), candidate.language))
    return candidate if is_open or line.lstrip().startswith(language.line_comment) else candidate.dropped()


@lru_cache(maxsize=8)
def _unit_of(document: str) -> str:
    """One step of a document's indentation; "" when it shows none."""
    return unit_of(document, "")


def _from_cursor(lines: list[str], candidate: PostprocessCandidate) -> list[str]:
    """The lines without the indentation that the model repeats: the first one starts at the cursor, or deeper."""
    given, own = candidate.line_before, indent_of(lines[0])
    if not given or not own:
        return lines
    deeper = width_of(given) + width_of(own)
    below = [width_of(line) for line in lines[1:] if line.strip()]
    keep = min(below) >= deeper if below else _opener_at(candidate, width_of(given))
    return lines if keep else [lines[0].lstrip(), *lines[1:]]


def _opener_at(candidate: PostprocessCandidate, width: int) -> bool:
    """Whether the line above opens a block and the cursor is not yet inside it."""
    above = candidate.prefix[: len(candidate.prefix) - len(candidate.line_before)].rstrip()
    line = above[above.rfind("\n") + 1 :]
    return opens_block(line, candidate.language) and width <= width_of(line)


def _belongs(line: str, scope: int, inside: bool, depth: int) -> bool:
    width = width_of(line)
    if inside:
        return width >= scope
    return width > scope or depth > 0 or bool(width == scope and _CONTINUES.match(line))


def _ends_statement(line: str, rest: list[str], scope: int, depth: int) -> bool:
    """Whether a line at the statement's own column closes it and nothing continues it."""
    if width_of(line) != scope or depth > 0 or not is_closing_line(line):
        return False
    return not (rest and _GOES_ON.match(rest[0]))


def _restyled(line: str, unit: str) -> str:
    indent = indent_of(line)
    if unit == "\t" and " " in indent:
        return "\t" * ((width_of(indent) + TAB_WIDTH - 1) // TAB_WIDTH) + line[len(indent) :]
    if unit and unit != "\t" and "\t" in indent:
        return indent.replace("\t", unit) + line[len(indent) :]
    return line
