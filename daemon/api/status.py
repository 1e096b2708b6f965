"""The daemon's state as one value, and a feed of it for all subscribers, at most a few times a second.

It only reads the daemon's parts; it changes none.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from halfwatt.daemon.energy import remote_estimates
from halfwatt.daemon.errors import LedgerError, NoModelError
from halfwatt.daemon.ledger.ledger import Ledger
from halfwatt.daemon.ledger.summary import today
from halfwatt.daemon.service.pause import Pause
from halfwatt.daemon.settings.live import Settings
from halfwatt.daemon.settings.schema import Config
from halfwatt.daemon.tiers.local import LocalTier
from halfwatt.daemon.wire import EnergySummary, Result, State, Status

SHORTEST_GAP_S = 0.2
HEARTBEAT_S = 15.0


@dataclass
class PullProgress:
    """A model that is being fetched: its id and the share of its bytes that is here."""

    model_id: str
    share: float


@dataclass(frozen=True)
class StatusSources:
    """What a status is made from."""

    settings: Settings
    local: LocalTier
    ledger: Ledger
    pause: Pause
    n_running: Callable[[], int]
    warnings: Callable[[], tuple[str, ...]]


class StatusFeed:
    """`changed` wakes every subscriber; each gets the newest status, never a queue of old ones."""

    def __init__(self, sources: StatusSources, version: str) -> None:
        self._sources = sources
        self._version = version
        self._changes = asyncio.Condition()
        self._n_changes = 0
        self._waking: asyncio.Task[None] | None = None  # kept, because the loop holds tasks weakly
        self._last: Result | None = None
        self._closed = False
        self.pulling: PullProgress | None = None
        self.n_subscribers = 0

    def changed(self) -> None:
        """Something may look different now. Call from the loop's thread."""
        self._n_changes += 1
        self._waking = asyncio.ensure_future(self._wake())

    def finished(self, result: Result) -> None:
        """Remember the newest result, without its code."""
        self._last = msgspec.structs.replace(result, code="")
        self.changed()

    def close(self) -> None:
        """End every subscriber's stream."""
        self._closed = True
        self.changed()

    def status(self) -> Status:
        """One look, now."""
        seen = self._sources
        config = seen.settings.config
        state, message = self._state(config)
        return Status(
            state=state,
            message=message,
            version=self._version,
            model=seen.local.model_id or None,
            route=config.routing.route,
            dial=config.routing.dial,
            escalation=config.routing.escalation,
            queue_length=seen.local.queue_length,
            today=self._today(),
            last=self._last,
            warnings=self._warnings(),
            progress=self.pulling.share if self.pulling else None,
        )

    async def subscribe(self) -> AsyncGenerator[Status | None, None]:
        """The status now and after each change, at most every `SHORTEST_GAP_S`; None is a sign of life."""
        self.n_subscribers += 1
        try:
            seen = -1
            while not self._closed:
                if seen == self._n_changes:
                    yield None
                else:
                    seen = self._n_changes
                    yield self.status()
                    await self._quiet()
                await self._wait_for_change(seen)
        finally:
            self.n_subscribers -= 1

    async def _quiet(self) -> None:
        if not self._closed:
            await asyncio.sleep(SHORTEST_GAP_S)

    async def _wait_for_change(self, seen: int) -> None:
        try:
            async with asyncio.timeout(HEARTBEAT_S), self._changes:
                await self._changes.wait_for(lambda: self._closed or self._n_changes != seen)
        except TimeoutError:
            return

    async def _wake(self) -> None:
        async with self._changes:
            self._changes.notify_all()

    def _state(self, config: Config) -> tuple[State, str]:
        seen = self._sources
        if self.pulling is not None:
            return "loading", f"Fetching {self.pulling.model_id}: {100 * self.pulling.share:.0f} %."
        if seen.pause.active:
            return "paused", seen.pause.reason
        if seen.n_running():
            return "busy", "Generating."
        if seen.local.loading:
            return "loading", f"Loading {seen.local.model_id or 'the local model'}."
        return self._resting(config)

    def _resting(self, config: Config) -> tuple[State, str]:
        local = self._sources.local
        if isinstance(local.problem, NoModelError):
            return "no_model", str(local.problem)
        if local.problem is not None:
            return "error", str(local.problem)
        if config.routing.offline:
            return "offline", f"Offline mode: {local.model_id} answers."
        return "ready", f"Ready: {local.model_id}, savings against {remote_estimates.reference(config)[0]}."

    def _warnings(self) -> tuple[str, ...]:
        own = self._sources.settings.warning
        return ((own,) if own else ()) + self._sources.warnings()

    def _today(self) -> EnergySummary | None:
        try:
            return self._sources.ledger.summary(today(datetime.now().astimezone()))
        except LedgerError:
            return None
