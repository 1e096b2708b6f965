"""An answer while it is generated: its chunks, how it ended, and its cancellation. Tiers yield and take these values.

It knows nothing of requests, energy and models.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec import Struct

from halfwatt.router_model.serving.draft_stats import DraftStats


class Chunk(Struct, frozen=True, tag="chunk"):
    """New text of an answer; it may be empty while the stop rules hold text back.

    `n_tokens` tokens were sampled since the last chunk, often several. `logprob` is the sum of their natural
    log-probabilities, None where unknown. `entropy` (nats) belongs to the last token. `margin` is the first token's
    probability lead over the second choice. Both are None where a chunk only finishes the text. `job` is the worker's
    number, 0 elsewhere.
    """

    text: str
    n_tokens: int = 1
    logprob: float | None = None
    entropy: float | None = None
    margin: float | None = None
    job: int = 0


class Ended(Struct, frozen=True):
    """How one tier's answer ended. Times in milliseconds, None where unknown.

    `draft`: statistics of a local answer's tokens; None without tokens, and from other tiers. `continued`: the text is
    what follows the request's opening.
    """

    stop: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int | None = None
    queue_ms: float | None = None
    first_token_ms: float | None = None
    draft: DraftStats | None = None
    continued: bool = False


class Cancellation:
    """A request to stop. `request` may be called often; callbacks run at once, each once."""

    def __init__(self) -> None:
        self._requested = asyncio.Event()
        self._callbacks: list[Callable[[], None]] = []

    @property
    def requested(self) -> bool:
        return self._requested.is_set()

    def request(self) -> None:
        if not self._requested.is_set():
            self._requested.set()
            for callback in self._callbacks:
                callback()

    def on_request(self, callback: Callable[[], None]) -> None:
        """Call this on the first `request`, or now if it has come."""
        if self._requested.is_set():
            callback()
        else:
            self._callbacks.append(callback)

    async def wait(self) -> None:
        await self._requested.wait()
