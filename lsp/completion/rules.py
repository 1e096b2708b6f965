"""The rules that decide first: may ghost text come at this moment at all?

They turn facts into a reason against it, or None. The learned filter (filter.py) decides only where no rule does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from halfwatt.daemon.settings.schema import CompletionConfig, Mode
from halfwatt.lsp.completion.postprocess.brackets import inside, only_closers

from .values import Query

_WHOLE_STATEMENTS = frozenset({"pass", "break", "continue"})
MAX_RIGHT = 8  # characters right of the cursor, brackets that close not counted
_ORDER: tuple[Mode, ...] = get_args(Mode)

MANUAL = "completion is in manual mode"
MANUAL_ON_BATTERY = "completion is manual on battery"
EXCLUDED = "this file is excluded"
LARGE = "this file is larger than completion.max_file_kb"
MID_WORD = "the cursor is in the middle of a word"
TEXT_RIGHT = "text stands right of the cursor"
IN_COMMENT = "completion in comments is off"
IN_STRING = "completion in strings is off"
COMPLETE_LINE = "the line is complete"
EMPTY = "the document is empty"


@dataclass(frozen=True)
class EditorFacts:
    """What the rules need beside the text. `excluded`: why the file is excluded, if it is."""

    on_battery: bool = False
    excluded: str | None = None


def mode_of(config: CompletionConfig, on_battery: bool) -> Mode:
    """The mode now: on battery the quieter of the two settings."""
    if not on_battery:
        return config.mode
    return max(config.mode, config.on_battery, key=_ORDER.index)


def objection(query: Query, config: CompletionConfig, facts: EditorFacts) -> str | None:
    """Why nothing is offered here; None where ghost text may come.

    An explicit request (`invoked`) is refused only where it could do harm or could not work."""
    after = query.line_after
    if facts.excluded:
        return EXCLUDED
    if len(query.prefix) + len(query.suffix) > config.max_file_kb * 1024:
        return LARGE
    if _is_word(query.prefix[-1:]) and _is_word(after[:1]):
        return MID_WORD
    if query.trigger == "invoked":
        return None
    if mode_of(config, facts.on_battery) == "manual":
        return MANUAL if config.mode == "manual" else MANUAL_ON_BATTERY
    if not query.prefix.strip():
        return EMPTY
    if _n_right(after) > MAX_RIGHT:
        return TEXT_RIGHT
    if _is_complete(query):
        return COMPLETE_LINE
    return _place_objection(query, config)


def _place_objection(query: Query, config: CompletionConfig) -> str | None:
    if config.in_comments and config.in_strings:
        return None
    place = inside(query.prefix, query.language)
    if place == "comment" and not config.in_comments:
        return IN_COMMENT
    return IN_STRING if place == "string" and not config.in_strings else None


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


def _n_right(after: str) -> int:
    return 0 if only_closers(after) else len(after.strip())


def _is_complete(query: Query) -> bool:
    """A statement that its own last character ends: only a new line can follow."""
    before = query.line_before.rstrip()
    if not before or query.line_after.strip():
        return False
    return before.endswith(";") or (query.language == "python" and before.split()[-1] in _WHOLE_STATEMENTS)
