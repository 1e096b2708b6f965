"""The status bar: the daemon's events as `halfwatt/didChangeStatus`, at most five a second.

It runs only for clients that asked for it, never starts the daemon, and does not poll: the daemon's event stream wakes
it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing

import msgspec

from halfwatt.daemon.wire import Status

from .daemon_link import DaemonLink
from .extensions import StatusEnergy, StatusNote

EVERY_S = 0.2


class StatusSubscription:
    """Owns the task that listens. `send` gets the notification's params; `busy`: whether this window generates."""

    def __init__(self, link: DaemonLink, send: Callable[[StatusNote], None], busy: Callable[[], bool]) -> None:
        self.last: Status | None = None
        self._link = link
        self._send = send
        self._busy = busy
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._sent_s = 0.0

    def start(self) -> None:
        """Listen; start again if it listens already, because the daemon has just been found."""
        if self._task is not None:
            self._task.cancel()
        self._task = asyncio.get_running_loop().create_task(self._listen())

    def stop(self) -> None:
        for it in (self._task, self._timer):
            if it is not None:
                it.cancel()

    def refresh(self) -> None:
        """Send the newest state now or when a fifth of a second has passed since the last one."""
        if self.last is None or (self._timer is not None and not self._timer.cancelled()):
            return
        loop = asyncio.get_running_loop()
        self._timer = loop.call_at(max(self._sent_s + EVERY_S, loop.time()), self._send_now)

    def _send_now(self) -> None:
        self._timer = None
        self._sent_s = asyncio.get_running_loop().time()
        if self.last is not None:
            self._send(note_of(self.last, self._busy()))

    async def _listen(self) -> None:
        from halfwatt.daemon.client.client import Client

        client = Client(self._link.paths, self._link.environ, False, None)
        async with client, aclosing(client.events()) as events:
            async for status in events:
                self.last = status
                self.refresh()


def note_of(status: Status, busy: bool) -> StatusNote:
    """The notification's content."""
    today = status.today
    last = msgspec.to_builtins(status.last) if status.last is not None else None
    energy: StatusEnergy = {
        "today_j": today.energy.total_j if today else None,
        "saved_j": today.saved.j if today else None,
        "saved_low_j": today.saved.low_j if today else None,
        "saved_high_j": today.saved.high_j if today else None,
        "method": today.energy.method if today else None,
        "reference": today.saved.reference if today else None,
        "last": last,
    }
    return {
        "busy": busy or status.state == "busy",
        "kind": status.state,
        "message": status.message,
        "energy": energy,
        "paused": status.state == "paused",
        "warnings": list(status.warnings),
        "progress": status.progress,
    }
