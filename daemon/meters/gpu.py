"""A local job's joules where a GPU may take part: the processor's meter, plus the GPU when the worker computes on it.

The GPU's idle power is what it draws without a job of ours, other programs included. So the net figure is what our job
added. A worker computes one job at a time on the GPU, so a window never begins before the end of the last one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from halfwatt.daemon.energy.readings import Reading, add

from .attribution import MeterSpec, attribute
from .base import Meter, MeterCandidate, MeterInfo, MeterWindow
from .nvidia import NvidiaDevice
from .sampled import SHORTEST_S
from .timeline import EnergySpan
from .watcher import DeviceWatcher


class ZeroCpuClock:
    """A `CpuClock` for the GPU, where no processor time divides the energy: all time without a job counts as idle."""

    n_cpus = 1

    def busy_s(self) -> float:
        return 0.0

    def process_s(self, pids: Sequence[int]) -> float | None:
        return None


class GpuMeter:
    """A `Meter` that adds the GPU's part to another meter's reading of the processor."""

    def __init__(
        self,
        gpu: NvidiaDevice,
        processor: Meter,
        worker_pids: Callable[[], Sequence[int]] = tuple,
        clock: Callable[[], float] = time.monotonic,
        candidates: tuple[MeterCandidate, ...] = (),
        background: bool = True,
    ) -> None:
        self._gpu, self._processor = gpu, processor
        self._worker_pids, self._clock, self._candidates = worker_pids, clock, candidates
        self._spec = MeterSpec(gpu.name, gpu.version, gpu.update_s, gpu.error)
        self._watcher = DeviceWatcher(gpu, ZeroCpuClock(), clock, background)
        self._last_end_s = float("-inf")

    def begin(self) -> MeterWindow:
        self._watcher.begin()
        return self._processor.begin()

    def end(self, window: MeterWindow, *, cpu_s: float | None, queue_ms: float = 0.0) -> Reading:
        self._watcher.look()
        on_gpu = self._on_gpu(window, queue_ms)
        self._watcher.end()
        processor = self._processor.end(window, cpu_s=cpu_s, queue_ms=queue_ms)
        return processor if on_gpu is None else add((processor, on_gpu)) or processor

    def cpu_reading(self, cpu_s: float | None) -> Reading:
        return self._processor.cpu_reading(cpu_s)

    def describe(self) -> MeterInfo:
        below = self._processor.describe()
        sentence = f"{self._gpu.sentence}, {self._watcher.idle_sentence()}; for the processor: {below.sentence}"
        name = f"{self._gpu.name} + {below.name}"
        return MeterInfo(name, f"{self._gpu.version} + {below.version}", below.method, sentence, self._candidates)

    def look(self) -> None:
        """Read the GPU now."""
        self._watcher.look()

    def close(self) -> None:
        self._watcher.close()
        self._processor.close()

    def _on_gpu(self, window: MeterWindow, queue_ms: float) -> Reading | None:
        """The GPU's part of the job; None where the worker does not compute there or the GPU was not read."""
        n_ours, n_all = self._gpu.sharers(self._worker_pids())
        ended_s = self._clock()
        started_s = max(window.started_s + queue_ms / 1000, self._last_end_s)
        if n_ours == 0 or ended_s - started_s < SHORTEST_S:
            return None
        self._last_end_s = ended_s
        span = self._watcher.span(started_s, ended_s)
        return None if span is None else self._reading(span, n_ours / n_all)

    def _reading(self, span: EnergySpan, our_share: float) -> Reading:
        whole = EnergySpan(span.seconds, span.j, span.doubtful_j, span.seconds)
        reading = attribute(whole, self._watcher.idle, span.seconds, self._spec, 1)
        return Reading(
            j=reading.j,
            low_j=None if reading.low_j is None else reading.low_j * our_share,
            high_j=reading.high_j,
            method=reading.method,
            meter=reading.meter,
            meter_version=reading.meter_version,
            gross_j=span.j * our_share,
        )
