"""Whether this machine runs on its battery. The answer is kept for FRESH_S, because asking costs a system call."""

from __future__ import annotations

import time
from collections.abc import Callable

FRESH_S = 20.0


class PowerSource:
    """The power source, remembered for FRESH_S. A machine without a sensor counts as one on mains power."""

    def __init__(self, sensor: Callable[[], bool] | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._sensor = sensor or _on_battery
        self._clock = clock
        self._known: tuple[float, bool] | None = None

    def on_battery(self) -> bool:
        now = self._clock()
        if self._known is None or now - self._known[0] > FRESH_S:
            self._known = (now, self._sensor())
        return self._known[1]


def _on_battery() -> bool:
    import psutil

    read = getattr(psutil, "sensors_battery", None)
    battery = read() if read is not None else None
    return battery is not None and battery.power_plugged is False
