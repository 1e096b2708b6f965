"""Reading one energy device: often while a job runs, rarely otherwise.

The rare readings teach the idle power and notice each wrap-around of a counter. This module owns the thread that reads
and the device's history. It knows nothing of requests.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Protocol

from .attribution import IdlePower
from .base import CpuClock
from .timeline import CounterTimeline, CounterValue, EnergySpan, PowerTimeline, TimeSlice

IDLE_LOOK_S = 20.0


class EnergyDevice(Protocol):
    """A source of energy readings. `read` gives counters or watts, `{}` or None where it missed; it never raises.

    `update_s` is how often the device renews its values, `look_s` how often to read it during a job. More than
    `max_watts` on one counter is a reset, not energy. `error` is how far its joules may be off, as a share of them."""

    name: str
    version: str
    sentence: str
    update_s: float
    look_s: float
    max_watts: float
    error: float

    def read(self) -> Mapping[str, CounterValue] | float | None: ...


class DeviceWatcher:
    """The history of one device. Thread-safe. With `background=False` no thread reads, and the caller calls `look`."""

    def __init__(
        self, device: EnergyDevice, cpu_clock: CpuClock, clock: Callable[[], float], background: bool = True
    ) -> None:
        self._device, self._cpu_clock, self._clock = device, cpu_clock, clock
        self._counters = CounterTimeline(device.max_watts, device.update_s)
        self._powers = PowerTimeline()
        self._uses_power = False
        self._idle = IdlePower()
        self._n_active = 0
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="halfwatt-meter", daemon=True) if background else None

    @property
    def idle(self) -> IdlePower:
        return self._idle

    def idle_sentence(self) -> str:
        watts = self._idle.watts
        return "idle power is not learnt yet" if watts is None else f"idle power {watts:.1f} W, learnt from quiet time"

    def begin(self) -> None:
        """A job starts. The first one starts the thread."""
        self.look()
        with self._lock:
            self._n_active += 1
            if self._thread is not None and self._thread.ident is None and not self._closing.is_set():
                self._thread.start()
        self._wake.set()

    def end(self) -> None:
        """A job has ended, and its span has been asked for."""
        with self._lock:
            self._n_active -= 1

    def look(self) -> None:
        """Read the device once, and learn from what happened since the last reading."""
        with self._lock:
            value = self._device.read()
            closed = self._take(self._clock(), value, self._cpu_clock.busy_s())
            if closed is not None and self._n_active == 0:
                self._idle = self._idle.learn(closed, self._cpu_clock.n_cpus)

    def span(self, start_s: float, end_s: float) -> EnergySpan | None:
        """The device's joules between two moments; None where it was not read then."""
        with self._lock:
            return (self._powers if self._uses_power else self._counters).span(start_s, end_s)

    def close(self) -> None:
        """Stop reading."""
        self._closing.set()
        self._wake.set()
        if self._thread is not None and self._thread.is_alive():
            self._thread.join(timeout=2)

    def _take(
        self, moment_s: float, value: Mapping[str, CounterValue] | float | None, busy_s: float
    ) -> TimeSlice | None:
        if isinstance(value, Mapping):
            return self._counters.look(moment_s, value, busy_s)
        self._uses_power = self._uses_power or value is not None
        return self._powers.look(moment_s, value, busy_s)

    def _run(self) -> None:
        while not self._closing.is_set():
            if self._n_active:
                self._closing.wait(self._device.look_s)
            else:
                self._wake.wait(IDLE_LOOK_S)
                self._wake.clear()
            self.look()
