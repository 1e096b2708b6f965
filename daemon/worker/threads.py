"""How many threads a job gets: the cores that other programs leave free, looked at again while the job runs.

Spinning threads on busy cores cost most of the speed and many joules, so the worker gives way. Reading the system's
counters is the sampler's part; the choice is plain arithmetic.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

CHECK_EVERY_S = 0.25
N_LOOKS = 3  # at the runnable threads, at the start of a job
LOOK_EVERY_S = 0.0015
_NOT_BUSY = {"idle", "iowait", "guest", "guest_nice"}  # guests' seconds are already part of user and nice
MOST_THREADS = 8  # decoding is bound by memory: more threads add joules, hardly speed


@dataclass(frozen=True)
class CpuSample:
    """Seconds: a clock, the CPU time of the whole machine, and that of this process."""

    at_s: float
    machine_s: float
    own_s: float


class ThreadChooser:
    """Decides the number of threads. `sample` reads the CPU's counters, `running` counts the runnable threads, None
    where the system does not say. `fixed` above 0 is the user's choice and always wins."""

    def __init__(
        self, n_cores: int, fixed: int, limit: int, sample: Callable[[], CpuSample], running: Callable[[], int | None]
    ) -> None:
        self._most = min(n_cores, MOST_THREADS, limit or n_cores)
        self._n_cores = n_cores
        self._fixed = fixed
        self._sample = sample
        self._running = running
        self._last = sample()
        self.n_threads = fixed or self._most

    def begin(self) -> int:
        """At the start of a job. What was busy until now may have been the way of this very request (editor, language
        server, daemon), so the threads that run at this moment are counted where the system tells them."""
        now, n_running = self._sample(), self._running()
        if n_running is not None:
            self._choose(max(0, n_running - 1))
        elif now.at_s > self._last.at_s:
            self._choose(busy_cores(self._last, now))
        self._last = now
        return self.n_threads

    def again(self, at_s: float) -> int:
        """During a job; `at_s` on the samples' clock. Looks at most every `CHECK_EVERY_S`."""
        if not self._fixed and at_s - self._last.at_s >= CHECK_EVERY_S:
            now = self._sample()
            self._choose(busy_cores(self._last, now))
            self._last = now
        return self.n_threads

    def _choose(self, others: float) -> None:
        self.n_threads = self._fixed or threads_for(self._n_cores, others, self._most)


def threads_for(n_cores: int, busy_by_others: float, most: int) -> int:
    """The free cores, at least one thread. A core counts as taken from half of its time on."""
    return max(1, min(most, n_cores - int(busy_by_others + 0.5)))


def busy_cores(before: CpuSample, after: CpuSample) -> float:
    """Cores that other processes used on average between two samples."""
    elapsed_s = after.at_s - before.at_s
    others_s = (after.machine_s - before.machine_s) - (after.own_s - before.own_s)
    return max(0.0, others_s / elapsed_s) if elapsed_s > 0 else 0.0


def available_cores() -> int:
    """Physical cores, as far as this process may use them."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(allowed, psutil.cpu_count(logical=False) or allowed))


def system_sample() -> CpuSample:
    """What the operating system says now."""
    times = psutil.cpu_times()._asdict()
    busy_s = math.fsum(seconds for kind, seconds in times.items() if kind not in _NOT_BUSY)  # rounded once: never falls
    return CpuSample(time.monotonic(), busy_s, time.process_time())


def runnable_threads() -> int | None:
    """Threads that want a processor, this one included: the fewest of a few looks, because whoever has just handed
    over this job is about to wait."""
    least: int | None = None
    for look in range(N_LOOKS):
        if look:
            time.sleep(LOOK_EVERY_S)
        now = _running()
        if now is None or now <= 1:
            return now
        least = now if least is None else min(least, now)
    return least


def _running() -> int | None:
    try:
        return int(Path("/proc/loadavg").read_text(encoding="ascii").split()[3].partition("/")[0])
    except (OSError, ValueError, IndexError):
        return None
