"""A machine that exists only as numbers: its power, its processor times and its energy counters over time.

The truth is known exactly, so meters can be judged by it. Shared by the meter tests and the energy benchmark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from halfwatt.daemon.meters.timeline import CounterValue

STEP_S = 0.005
Series = NDArray[np.float64]


@dataclass(frozen=True)
class Trace:
    """Power and busy processor time on a grid of STEP_S, as running integrals. `own_*`: of our job alone."""

    joules: Series
    busy_s: Series
    own_joules: Series
    own_cpu_s: Series
    start_s: float
    end_s: float

    def at(self, series: Series, moment_s: float) -> float:
        index, rest = divmod(moment_s / STEP_S, 1.0)
        left = int(index)
        return float(series[left] + rest * (series[left + 1] - series[left]))

    def between(self, series: Series, start_s: float, end_s: float) -> float:
        return self.at(series, end_s) - self.at(series, start_s)


def random_trace(rng: np.random.Generator, n_cpus: int = 8, quiet_s: float = 90.0, noisy: bool = True) -> Trace:
    """Quiet time, then one job of 1 to 15 s, with an idle power that drifts and other programs that come and go."""
    job_s = float(rng.uniform(1.0, 15.0))
    n = int((quiet_s + job_s + 5.0) / STEP_S)
    times = np.arange(n) * STEP_S
    start_s = quiet_s + float(rng.uniform(0.0, 1.0))
    end_s = start_s + job_s
    idle_w = rng.uniform(3.0, 40.0) * (1 + 0.03 * np.sin(2 * np.pi * times / rng.uniform(20, 200) + rng.uniform(0, 6)))
    others = np.full(n, rng.uniform(0.0, 0.02) * n_cpus)
    if noisy and rng.random() < 0.6:
        load = rng.uniform(0.0, 0.4) * n_cpus
        on = (times > start_s - rng.uniform(0, 3)) & (
            np.sin(2 * np.pi * times / rng.uniform(0.5, 8)) > rng.uniform(-1, 1)
        )
        others = others + load * on
    threads = float(rng.integers(1, n_cpus // 2 + 1))
    own = np.where((times >= start_s) & (times < end_s), threads, 0.0)
    watts = rng.uniform(2.0, 9.0)
    wiggle = 1 + 0.1 * np.sin(2 * np.pi * times / rng.uniform(0.05, 1.5))
    own_w = own * watts * wiggle
    other_w = others * watts * rng.uniform(0.8, 1.25)
    return Trace(
        joules=_integral(idle_w + own_w + other_w),
        busy_s=_integral(own + others),
        own_joules=_integral(own_w),
        own_cpu_s=_integral(own),
        start_s=start_s,
        end_s=end_s,
    )


def _integral(values: Series) -> Series:
    return np.concatenate([[0.0], np.cumsum(values) * STEP_S])


@dataclass
class SimulatedMachine:
    """A clock, processor times in 10 ms ticks and a worker process, all from one trace."""

    trace: Trace
    n_cpus: int = 8
    now_s: float = 0.0

    def clock(self) -> float:
        return self.now_s

    def busy_s(self) -> float:
        return round(self.trace.at(self.trace.busy_s, self.now_s), 2)

    def process_s(self, pids: Sequence[int]) -> float | None:
        return round(self.trace.at(self.trace.own_cpu_s, self.now_s), 2)


@dataclass
class SimulatedDevice:
    """An energy counter over the trace: renewed every `update_s`, in steps of `quantum_j`, wrapping, reset, missing."""

    machine: SimulatedMachine
    update_s: float = 0.001
    look_s: float = 0.1
    quantum_j: float = 61e-6
    range_j: float | None = None
    offset_j: float = 0.0
    reset_at_s: float | None = None
    missed: frozenset[int] = frozenset()
    name: str = "rapl"
    version: str = "simulated"
    sentence: str = "a simulated counter"
    max_watts: float = 1000.0
    error: float = 0.0  # it tells the truth, only late and in steps
    n_reads: int = field(default=0)

    def read(self) -> Mapping[str, CounterValue]:
        self.n_reads += 1
        if self.n_reads in self.missed:
            return {}
        seen_s = self.machine.now_s // self.update_s * self.update_s
        since_s = self.reset_at_s if self.reset_at_s is not None and seen_s >= self.reset_at_s else 0.0
        trace = self.machine.trace
        joules = trace.between(trace.joules, since_s, seen_s) + (0.0 if since_s else self.offset_j)
        joules = joules // self.quantum_j * self.quantum_j
        return {"package-0": CounterValue(joules % self.range_j if self.range_j else joules, self.range_j)}


@dataclass
class SimulatedPower(SimulatedDevice):
    """A device that tells only its present power: the mean over the last update interval, as GPUs do."""

    def read(self) -> float | None:  # type: ignore[override]  # a Device gives counters or watts
        self.n_reads += 1
        if self.n_reads in self.missed:
            return None
        now_s = self.machine.now_s
        trace = self.machine.trace
        return trace.between(trace.joules, max(0.0, now_s - self.update_s), now_s) / self.update_s
