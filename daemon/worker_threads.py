"""How many threads a job gets: the cores that other programs leave free, looked at again while the job runs.

Spinning threads on busy cores cost most of the speed and many joules, so the worker gives way. Reading the system's
counters is the sampler's part; the choice is plain arithmetic.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

CHECK_EVERY_S = 0.25
STALE_AFTER_S = 2.0
MOST_THREADS = 8  # decoding is bound by memory: more threads add joules, hardly speed


@dataclass(frozen=True)
class CpuSample:
    """Seconds: a clock, the CPU time of the whole machine, and that of this process. `n_running` counts runnable
    threads at that moment, None where the system does not say."""

    at_s: float
    machine_s: float
    own_s: float
    n_running: int | None = None


class ThreadChooser:
    """Decides the number of threads from CPU samples. `fixed` above 0 is the user's choice and always wins."""

    def __init__(self, n_cores: int, fixed: int, limit: int, sample: Callable[[], CpuSample]) -> None:
        self._most = min(n_cores, MOST_THREADS, limit or n_cores)
        self._n_cores = n_cores
        self._fixed = fixed
        self._sample = sample
        self._last = sample()
        self.n_threads = fixed or self._most

    def begin(self) -> int:
        """At the start of a job. An old sample says nothing about now: then the runnable threads are counted."""
        now = self._sample()
        if now.at_s - self._last.at_s > STALE_AFTER_S and now.n_running is not None:
            self._choose(max(0, now.n_running - 1))
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
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    guest = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)  # already part of user and nice
    return CpuSample(time.monotonic(), sum(times) - idle - guest, time.process_time(), _running())


def _running() -> int | None:
    try:
        return int(Path("/proc/loadavg").read_text(encoding="ascii").split()[3].partition("/")[0])
    except (OSError, ValueError, IndexError):
        return None
