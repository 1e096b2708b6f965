"""How many threads a job gets: as many as other programs leave cores free, checked again while the job runs.

Threads that spin on busy cores cost most of the speed and many joules, so the worker yields to other programs. The
choice is plain arithmetic over samples of the system's counters; it starts and stops no thread.
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
N_COUNTS = 3  # of the runnable threads, at the start of a job
COUNT_EVERY_S = 0.0015
_NOT_BUSY = {"idle", "iowait", "guest", "guest_nice"}  # guests' seconds are already part of user and nice
MOST_THREADS = 8  # decoding is bound by memory: more threads add joules, hardly speed


@dataclass(frozen=True)
class CpuSample:
    """One sample: the clock, the CPU time of the whole machine, and that of this process. All in seconds."""

    at_s: float
    machine_s: float
    own_s: float


class ThreadChooser:
    """Decides the number of threads. A `fixed` number above 0 is the user's choice and always wins.

    `sample` reads the CPU's counters. `count_runnable` counts the runnable threads; None where the system does not
    tell."""

    def __init__(
        self,
        n_cores: int,
        fixed: int,
        limit: int,
        sample: Callable[[], CpuSample],
        count_runnable: Callable[[], int | None],
    ) -> None:
        self._most = min(n_cores, MOST_THREADS, limit or n_cores)
        self._n_cores = n_cores
        self._fixed = fixed
        self._sample = sample
        self._count_runnable = count_runnable
        self._last = sample()
        self.n_threads = fixed or self._most

    def begin(self) -> int:
        """Choose at the start of a job.

        What was busy until now may have been editor, language server and daemon handling this very request. So the
        threads that are runnable at this moment decide, where the system tells their number."""
        now, n_running = self._sample(), self._count_runnable()
        if n_running is not None:
            self._choose(max(0, n_running - 1))
        elif now.at_s > self._last.at_s:
            self._choose(busy_cores(self._last, now))
        self._last = now
        return self.n_threads

    def update(self, at_s: float) -> int:
        """Choose again during a job, at most every `CHECK_EVERY_S`; `at_s` is on the samples' clock."""
        if not self._fixed and at_s - self._last.at_s >= CHECK_EVERY_S:
            now = self._sample()
            self._choose(busy_cores(self._last, now))
            self._last = now
        return self.n_threads

    def _choose(self, others: float) -> None:
        self.n_threads = self._fixed or threads_for(self._n_cores, others, self._most)


def threads_for(n_cores: int, busy_by_others: float, most: int) -> int:
    """As many threads as cores are free, at least one. A core counts as taken if it is busy half of the time."""
    return max(1, min(most, n_cores - int(busy_by_others + 0.5)))


def busy_cores(before: CpuSample, after: CpuSample) -> float:
    """Cores that other processes used on average between two samples."""
    elapsed_s = after.at_s - before.at_s
    others_s = (after.machine_s - before.machine_s) - (after.own_s - before.own_s)
    return max(0.0, others_s / elapsed_s) if elapsed_s > 0 else 0.0


def available_cores() -> int:
    """Physical cores that this process may use."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(allowed, psutil.cpu_count(logical=False) or allowed))


def system_sample() -> CpuSample:
    """A sample of the operating system's counters."""
    times = psutil.cpu_times()._asdict()
    busy_s = math.fsum(seconds for kind, seconds in times.items() if kind not in _NOT_BUSY)  # rounded once: never falls
    return CpuSample(time.monotonic(), busy_s, time.process_time())


def runnable_threads() -> int | None:
    """Threads that want a processor, this one included.

    It is the least of a few counts, because the process that has just handed over this job is about to wait."""
    least: int | None = None
    for index in range(N_COUNTS):
        if index:
            time.sleep(COUNT_EVERY_S)
        now = _count_runnable_now()
        if now is None or now <= 1:
            return now
        least = now if least is None else min(least, now)
    return least


def _count_runnable_now() -> int | None:
    try:
        return int(Path("/proc/loadavg").read_text(encoding="ascii").split()[3].partition("/")[0])
    except (OSError, ValueError, IndexError):
        return None
