"""How much to ask for: the rest of a statement, or a block.

A block is asked for only where one begins: at the end of a line that opens it, or on the empty line below. Everywhere
else it is a statement, because short offers are read, taken and cheap.
"""

from __future__ import annotations

from halfwatt.daemon.code.indent import width_of
from halfwatt.daemon.wire import StopRule
from halfwatt.lsp.completion.postprocess.indent import opens_block

from .values import Query

UNFINISHED_STOPS = frozenset({"length", "time_box"})  # stop reasons of an answer that was not finished


def stop_rules(multiline: bool) -> tuple[StopRule, ...]:
    """What ends the model's answer: the unit that is asked for."""
    return ("block",) if multiline else ("statement",)


def is_block(query: Query) -> bool:
    """Whether the cursor stands where a block's first line begins."""
    if query.line_after.strip(" \t)]};"):
        return False
    before = query.line_before
    if before.strip():
        return opens_block(before, query.language)
    above = query.prefix[: len(query.prefix) - len(before)].rstrip()
    line = above[above.rfind("\n") + 1 :]
    if not opens_block(line, query.language):
        return False
    return not _has_body(query, width_of(line))


def _has_body(query: Query, opener: int) -> bool:
    below = next((line for line in query.suffix.partition("\n")[2].split("\n") if line.strip()), "")
    return bool(below) and width_of(below) > opener
