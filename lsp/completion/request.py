"""One running request for ghost text: it collects the streamed text and lives as long as typing agrees with it.

Stopping it closes the stream, which ends the daemon's request and the worker's job. It decides nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from halfwatt.daemon.wire import AnswerItem, Result

from .cache import Entry, continued
from .filter import AcceptanceEstimate
from .values import Query

_AUTO_CLOSED = ")]}>\"'`"
ORPHAN_S = 0.4  # how long a request that nobody waits for lives on


class CompletionRequest:
    """A request for `query`. `multiline`: a block was asked for. `estimate` is the filter's, None for a warm-up."""

    def __init__(
        self,
        query: Query,
        stream: AsyncGenerator[AnswerItem, None],
        multiline: bool,
        estimate: AcceptanceEstimate | None,
    ) -> None:
        self.query = query
        self.multiline = multiline
        self.estimate = estimate
        self.text = ""
        self.result: Result | None = None
        self.diverged = False
        self._typed = ""
        self._n_followers = 0
        self._stream = stream
        self._orphaned: asyncio.TimerHandle | None = None
        self.task = asyncio.create_task(self._collect())

    def agrees(self, text: str) -> bool:
        """Whether the document is as it was, or has grown by what the model answers."""
        prefix, suffix = self.query.prefix, self.query.suffix
        if len(text) < len(prefix) + len(suffix) or not text.startswith(prefix) or not text.endswith(suffix):
            return False
        typed = text[len(prefix) : len(text) - len(suffix)]
        return self._fits(typed) or self._fits(typed.rstrip(_AUTO_CLOSED))

    def answers(self, query: Query) -> bool:
        """Whether this request's answer can serve `query` too."""
        if continued(Entry("", self.query.prefix, self.query.suffix, self._insertion), query.prefix, query.suffix):
            return True
        typed = query.prefix[len(self.query.prefix) :]
        return query.prefix.startswith(self.query.prefix) and query.suffix == self.query.suffix and self._fits(typed)

    def follow(self, query: Query) -> None:
        """Somebody waits for this answer at `query`: stop as soon as the model says something else."""
        self.settled()
        self._n_followers += 1
        self._typed = query.prefix[len(self.query.prefix) :]

    def leave(self) -> None:
        """Somebody waits no longer: stop unless others do, or another one comes within ORPHAN_S."""
        self._n_followers -= 1
        if self._n_followers == 0 and not self.task.done():
            self.settled()
            self._orphaned = asyncio.get_running_loop().call_later(ORPHAN_S, self.stop)

    def settled(self) -> None:
        """Wait for no other asker: it has one, or has ended."""
        if self._orphaned is not None:
            self._orphaned.cancel()
            self._orphaned = None

    def stop(self) -> None:
        self.settled()
        self.task.cancel()

    def when_done(self, callback: Callable[[], None]) -> None:
        self.task.add_done_callback(lambda _: callback())

    @property
    def whole_result(self) -> Result | None:
        """The result of a request that has ended; None where it failed, was stopped or its text was given up."""
        if self.diverged or self.task.cancelled() or self.task.exception() is not None:
            return None
        return self.result

    @property
    def _insertion(self) -> str:
        """The text so far as it would go in at the cursor."""
        return self.text.lstrip(" \t") if self.query.prefix[-1:].isspace() else self.text

    def _fits(self, typed: str) -> bool:
        return self._insertion.startswith(typed) or typed.startswith(self._insertion)

    async def _collect(self) -> None:
        async with aclosing(self._stream) as items:
            async for item in items:
                if isinstance(item, str):
                    self.text += item
                    if not self._fits(self._typed):
                        self.diverged = True
                        return
                elif isinstance(item, Result):
                    self.result = item
