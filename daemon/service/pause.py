"""Whether ghost text is paused, and until when. Explicit requests are answered all the same."""

from __future__ import annotations

import time
from collections.abc import Callable


class Pause:
    """Off at the start. The clock gives seconds since 1970, because the end is shown to a person."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._until_s = 0.0

    @property
    def active(self) -> bool:
        return self._clock() < self._until_s

    @property
    def left_s(self) -> float | None:
        """Seconds until it ends by itself; None where it is off or has no end."""
        left = self._until_s - self._clock()
        return left if 0 < left < float("inf") else None

    @property
    def reason(self) -> str:
        if self._until_s == float("inf"):
            return "Suggestions are paused until you resume them."
        return f"Suggestions are paused until {time.strftime('%H:%M', time.localtime(self._until_s))}."

    def start(self, minutes: float | None) -> None:
        """Pause for so many minutes, or until `stop` for None."""
        self._until_s = float("inf") if minutes is None else self._clock() + 60 * minutes

    def stop(self) -> None:
        self._until_s = 0.0
