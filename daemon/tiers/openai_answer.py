"""What an OpenAI-compatible server sends in its answer: text, why it ended, and the tokens it counted.

It reads chunks that the openai client has parsed. It asks no server.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

MAX_TOKENS = 10_000_000  # of a prompt or an answer; a server that counts more says nothing that can be used
REASON = re.compile(r"[a-z_]{1,32}")  # of an end: a word, because it goes into the ledger


@dataclass(frozen=True)
class ServerReport:
    """What a server reported at the end of its answer. Unknown values are None.

    The tokens are the server's own counts; after an early stop it gives none. `first_token_ms` is None where no text
    came. `reported_energy_j` is the provider's figure.
    """

    stop: str
    prompt_tokens: int | None
    completion_tokens: int | None
    first_token_ms: float | None
    reported_energy_j: float | None


class AnswerReader:
    """Collects what the chunks of one answer hold. It checks their types, because the client does not."""

    def __init__(self) -> None:
        self.stop: str | None = None
        self.prompt_tokens: int | None = None
        self.completion_tokens: int | None = None
        self.n_chunks = 0
        self.n_without_text = 0
        self.n_chars = 0

    def read(self, chunk: Any) -> str:
        """The chunk's text; also remembers why the answer ended and the token counts."""
        text = self._read(chunk)
        self.n_chars += len(text)
        self.n_without_text += not text
        return text

    def _read(self, chunk: Any) -> str:
        self._read_usage(getattr(chunk, "usage", None))
        choices = getattr(chunk, "choices", None)
        if not isinstance(choices, list):
            return ""
        self.n_chunks += 1
        if not choices:
            return ""
        reason = getattr(choices[0], "finish_reason", None)
        if isinstance(reason, str):
            self.stop = reason if REASON.fullmatch(reason) else "stop"
        delta = getattr(choices[0], "delta", None)
        text = getattr(choices[0], "text", None) if delta is None else getattr(delta, "content", None)
        return text if isinstance(text, str) else ""

    def _read_usage(self, usage: Any) -> None:
        prompt, completion = getattr(usage, "prompt_tokens", None), getattr(usage, "completion_tokens", None)
        if _is_count(prompt) and _is_count(completion):
            self.prompt_tokens, self.completion_tokens = prompt, completion


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_TOKENS
