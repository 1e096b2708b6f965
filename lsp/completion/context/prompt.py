"""The fill-in-the-middle prompt: what the model gets to see of the document and of other files.

The most stable part comes first, so that the model's cached prefix survives the next key. First come declarations
behind the imports, then chunks of other files, then the document up to the cursor. The text below the cursor is the
suffix. The window on the document moves in big steps for the same reason. The model family's own tokens are added by
the worker, not here.

White space before the cursor stays in the prompt. Leaving it for the model to write found fewer exact lines: 8 of 40
against 11.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from halfwatt.daemon.code.languages import for_id

CHARS_PER_TOKEN = 3.2  # of source code with the tokenizers in use; low, so that budgets hold


@dataclass(frozen=True)
class Budget:
    """Characters of each part. The window on the document moves by half of `prefix`."""

    prefix: int
    suffix: int
    context: int

    @classmethod
    def of_tokens(cls, n_tokens: int) -> Budget:
        chars = int(n_tokens * CHARS_PER_TOKEN)
        return cls(prefix=chars * 6 // 10, suffix=min(chars // 10, 640), context=chars * 3 // 10)


@dataclass(frozen=True)
class ContextChunk:
    """Lines of another file. `name` is the file's name for the model, relative to its workspace."""

    name: str
    text: str


@dataclass(frozen=True)
class CompletionPrompt:
    prefix: str
    suffix: str


def prompt(block: str, prefix: str, suffix: str, budget: Budget) -> CompletionPrompt:
    """The prompt for a cursor between `prefix` and `suffix`, after the context `block`."""
    return CompletionPrompt(block + window_before(prefix, budget.prefix), window_after(suffix, budget.suffix))


def window_before(prefix: str, n_chars: int) -> str:
    """The end of `prefix`: at most `n_chars` and at least half of them.

    It begins at the start of a line, which stays where it is while the user types on."""
    if len(prefix) <= n_chars:
        return prefix
    step = max(1, n_chars // 2)
    start = -(-(len(prefix) - n_chars) // step) * step
    line_start = prefix.find("\n", start - 1) + 1
    return prefix[line_start:] if 0 < line_start < len(prefix) - step // 4 else prefix[start:]


def window_after(suffix: str, n_chars: int) -> str:
    """The beginning of `suffix` in whole lines."""
    if len(suffix) <= n_chars:
        return suffix
    end = suffix.rfind("\n", 0, n_chars) + 1
    return suffix[:end] if end > 1 else suffix[:n_chars]


def block(chunks: Iterable[ContextChunk], language: str, n_chars: int) -> str:
    """The chunks as comments in the document's language, in the order given, as many as fit."""
    spoken = for_id(language)
    sign = spoken.line_comment if spoken else "#"
    parts: list[str] = []
    left = n_chars
    for chunk in chunks:
        lines = [f"File: {chunk.name}", *chunk.text.rstrip().split("\n")]
        text = "\n".join(f"{sign} {line}".rstrip() for line in lines) + "\n"
        if len(text) <= left:
            parts.append(text)
            left -= len(text)
    return "".join(parts) + ("\n" if parts else "")
