"""A meter that reads a device of the processor again and again: RAPL or Apple's counters.

A job's joules come from the device's history between the job's start and end, by its share of the busy processor.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from halfwatt.daemon.energy.readings import Reading

from . import cpu_model
from .attribution import MeterSpec, attribute
from .base import CpuClock, MeterCandidate, MeterInfo, MeterWindow, cpu_since, equal_share, new_window
from .timeline import EnergySpan
from .watcher import DeviceWatcher, EnergyDevice

SHORTEST_S = 0.02  # a shorter window has too few updates to say more than the CPU-time model


class SampledMeter:
    """A `Meter` that measures. With `background=False` it starts no thread, and the caller calls `look`."""

    def __init__(
        self,
        device: EnergyDevice,
        power: cpu_model.ThreadPower,
        cpu_clock: CpuClock,
        worker_pids: Callable[[], Sequence[int]] = tuple,
        clock: Callable[[], float] = time.monotonic,
        candidates: tuple[MeterCandidate, ...] = (),
        background: bool = True,
    ) -> None:
        self._device, self._cpu_clock, self._power = device, cpu_clock, power
        self._worker_pids, self._clock, self._candidates = worker_pids, clock, candidates
        self._spec = MeterSpec(device.name, device.version, device.update_s, device.error)
        self._watcher = DeviceWatcher(device, cpu_clock, clock, background)
        self._cpu_before: dict[MeterWindow, float | None] = {}

    def begin(self) -> MeterWindow:
        self._watcher.begin()
        window = new_window(self._clock())
        self._cpu_before[window] = self._cpu_clock.process_s(self._worker_pids())
        return window

    def end(self, window: MeterWindow, *, cpu_s: float | None, queue_ms: float = 0.0) -> Reading:
        n_sharing = len(self._cpu_before)
        before_s = self._cpu_before.pop(window, None)
        span = self._span(window, queue_ms)
        self._watcher.end()
        if cpu_s is not None:
            return self._reading(span, cpu_s)
        whole_s = cpu_since(before_s, self._cpu_clock.process_s(self._worker_pids()))
        return self.cpu_reading(None) if whole_s is None else equal_share(self._reading(span, whole_s), n_sharing)

    def cpu_reading(self, cpu_s: float | None) -> Reading:
        return cpu_model.reading(self._power, cpu_s)

    def describe(self) -> MeterInfo:
        sentence = f"{self._device.sentence}; {self._watcher.idle_sentence()}"
        return MeterInfo(self._device.name, self._device.version, "measured", sentence, self._candidates)

    def look(self) -> None:
        """Read the device now."""
        self._watcher.look()

    def close(self) -> None:
        self._watcher.close()

    def _span(self, window: MeterWindow, queue_ms: float) -> EnergySpan | None:
        self._watcher.look()
        ended_s = self._clock()
        started_s = min(ended_s, window.started_s + queue_ms / 1000)
        return self._watcher.span(started_s, ended_s) if ended_s - started_s >= SHORTEST_S else None

    def _reading(self, span: EnergySpan | None, cpu_s: float) -> Reading:
        if span is None:
            return self.cpu_reading(cpu_s)
        return attribute(span, self._watcher.idle, cpu_s, self._spec, self._cpu_clock.n_cpus)
