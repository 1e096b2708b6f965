"""What the service needs of an energy meter, and the meter that always works: CPU seconds times watts.

The meters that read hardware are in sampled.py and gpu.py. choose.py decides which meter is in use.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Protocol

import psutil

from halfwatt.daemon.energy.readings import Reading

from . import cpu_model
from .cpu_model import ThreadPower

_numbers = count(1)


@dataclass(frozen=True)
class MeterCandidate:
    """One meter that could be used: whether it is, and why or why not.

    `hardware` is false where the meter has been tested with simulated counters only."""

    name: str
    used: bool
    why: str
    hardware: bool


@dataclass(frozen=True)
class MeterInfo:
    """What `halfwatt doctor` says about the meter in use, and the candidates it was chosen from, the best one first."""

    name: str
    version: str
    method: str
    sentence: str
    candidates: tuple[MeterCandidate, ...]

    @property
    def candidate_lines(self) -> str:
        """One line for each candidate: whether it is in use, and why; with a mark where only simulations ran it."""
        return "\n".join(
            f"{candidate.name}{'' if candidate.hardware else ' (not run on hardware)'}: "
            f"{'in use, ' if candidate.used else ''}{candidate.why}"
            for candidate in self.candidates
        )


@dataclass(frozen=True)
class MeterWindow:
    """One job's time with the local tier: when the job was submitted, in seconds of the meter's own clock."""

    started_s: float
    number: int = 0


class CpuClock(Protocol):
    """The processor times by which a machine's energy is divided among its processes."""

    n_cpus: int

    def busy_s(self) -> float:
        """CPU seconds of all processes since a fixed moment."""

    def process_s(self, pids: Sequence[int]) -> float | None:
        """CPU seconds of these processes so far; None when one of them is gone."""


class SystemCpuClock:
    """The operating system's processor times, through psutil."""

    def __init__(self) -> None:
        self.n_cpus = psutil.cpu_count() or 1

    def busy_s(self) -> float:
        times = psutil.cpu_times()
        return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0))

    def process_s(self, pids: Sequence[int]) -> float | None:
        try:
            found = [psutil.Process(pid).cpu_times() for pid in pids]
        except psutil.Error:
            return None
        return sum(times.user + times.system for times in found) if found else None


class Meter(Protocol):
    """Measures the energy of local jobs. Thread-safe. Calls are short, and missing data never raises an error."""

    def begin(self) -> MeterWindow:
        """A local job is submitted."""

    def end(self, window: MeterWindow, *, cpu_s: float | None, queue_ms: float = 0.0) -> Reading:
        """The job has ended, in whatever way; its joules.

        `cpu_s` is the worker's CPU time for it. `queue_ms` is how long it waited before the worker took it."""

    def cpu_reading(self, cpu_s: float | None) -> Reading:
        """Joules of work too short to measure, such as one router decision, from its CPU seconds."""

    def describe(self) -> MeterInfo: ...

    def close(self) -> None:
        """Stop sampling."""


class CpuTimeMeter:
    """Joules from CPU seconds times watts. It remembers only the worker's CPU time at the start of each job."""

    def __init__(
        self,
        power: ThreadPower,
        cpu_clock: CpuClock,
        worker_pids: Callable[[], Sequence[int]] = tuple,
        clock: Callable[[], float] = time.monotonic,
        candidates: tuple[MeterCandidate, ...] = (),
    ) -> None:
        self._power, self._cpu_clock, self._worker_pids = power, cpu_clock, worker_pids
        self._clock, self._candidates = clock, candidates
        self._active: dict[MeterWindow, float | None] = {}

    def begin(self) -> MeterWindow:
        window = new_window(self._clock())
        self._active[window] = self._cpu_clock.process_s(self._worker_pids())
        return window

    def end(self, window: MeterWindow, *, cpu_s: float | None, queue_ms: float = 0.0) -> Reading:
        n_sharing = len(self._active)
        before_s = self._active.pop(window, None)
        if cpu_s is not None:
            return self.cpu_reading(cpu_s)
        now_s = self._cpu_clock.process_s(self._worker_pids())
        return equal_share(self.cpu_reading(cpu_since(before_s, now_s)), n_sharing)

    def cpu_reading(self, cpu_s: float | None) -> Reading:
        return cpu_model.reading(self._power, cpu_s)

    def describe(self) -> MeterInfo:
        power = self._power
        sentence = (
            f"CPU seconds × {power.watts:.1f} W per busy thread ({power.low_w:.1f} to {power.high_w:.1f} W), "
            f"from {power.source}"
        )
        return MeterInfo(cpu_model.NAME, cpu_model.VERSION, "modelled", sentence, self._candidates)

    def close(self) -> None:
        """Nothing to stop."""


def new_window(started_s: float) -> MeterWindow:
    """A window with a number of its own, so that two windows of one moment differ."""
    return MeterWindow(started_s, next(_numbers))


def cpu_since(before_s: float | None, now_s: float | None) -> float | None:
    """CPU seconds since a job began; None where the worker has ended or was replaced."""
    return None if before_s is None or now_s is None or now_s < before_s else now_s - before_s


def equal_share(whole: Reading, n_sharing: int) -> Reading:
    """One job's part of what several jobs used together, where nothing tells them apart.

    It is an equal share; its range goes from nothing to everything."""
    if whole.j is None or n_sharing <= 1:
        return whole
    return Reading(
        j=whole.j / n_sharing,
        low_j=0.0,
        high_j=whole.high_j,
        method=whole.method,
        meter=whole.meter,
        meter_version=whole.meter_version,
        gross_j=None if whole.gross_j is None else whole.gross_j / n_sharing,
    )
