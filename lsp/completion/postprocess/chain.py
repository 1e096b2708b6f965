"""The post-processing chain: the model's text becomes what may be shown, by pure functions in a fixed order.

`before_cache` looks only at the text and its line, so that what is cached stays right while the user types on.
`after_cache` fits the text into the document around it. The chain knows no model, no LSP and no clock.
"""

from __future__ import annotations

from collections.abc import Callable

from .brackets import balanced, opener_for_closers
from .candidate import PostprocessCandidate
from .indent import duplicate_closing_line, indentation, indentation_scope, opener_for_body
from .syntax import parses
from .text import (
    existing_text,
    line_end_repetition,
    minimum,
    model_marks,
    more_than_comment,
    one_line,
    repeated_blocks,
    repeated_lines,
    spaces,
    suffix_lines,
    whole_tokens,
)

Step = Callable[[PostprocessCandidate], PostprocessCandidate]

BEFORE_CACHE: tuple[Step, ...] = (
    model_marks,
    whole_tokens,
    one_line,
    line_end_repetition,
    existing_text,
    spaces,
    minimum,
)
AFTER_CACHE: tuple[Step, ...] = (
    more_than_comment,
    repeated_blocks,
    repeated_lines,
    indentation_scope,
    duplicate_closing_line,
    indentation,
    suffix_lines,
    balanced,
    opener_for_body,
    opener_for_closers,
    parses,
    minimum,
)


def before_cache(candidate: PostprocessCandidate) -> PostprocessCandidate:
    """The model's raw text made worth keeping; empty text where there is nothing to keep."""
    return _run(BEFORE_CACHE, candidate)


def after_cache(candidate: PostprocessCandidate) -> PostprocessCandidate:
    """The kept text made fit for its place; empty text where nothing should be shown."""
    return _run(AFTER_CACHE, candidate)


def clean(candidate: PostprocessCandidate) -> PostprocessCandidate:
    """Both halves of the chain."""
    return after_cache(before_cache(candidate))


def _run(steps: tuple[Step, ...], candidate: PostprocessCandidate) -> PostprocessCandidate:
    for step in steps:
        if not candidate.text.strip():
            return candidate.dropped()
        candidate = step(candidate)
    return candidate
