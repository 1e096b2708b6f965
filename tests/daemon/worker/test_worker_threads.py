"""Threads by load."""

from __future__ import annotations

import pytest

from halfwatt.daemon.worker.threads import (
    CpuSample,
    ThreadChooser,
    available_cores,
    runnable_threads,
    system_sample,
    threads_for,
)


class Machine:
    """A machine whose clock stands still until it is told how much time passes and who works."""

    def __init__(self, n_running: int | None = 1) -> None:
        self.now = CpuSample(0.0, 0.0, 0.0)
        self.n_running = n_running

    def __call__(self) -> CpuSample:
        return self.now

    def chooser(self, n_cores: int = 2, fixed: int = 0, limit: int = 0) -> ThreadChooser:
        return ThreadChooser(n_cores, fixed, limit, self, lambda: self.n_running)

    def passes(self, seconds: float, others: float, own: float = 0.0) -> None:
        machine_s = self.now.machine_s + seconds * (others + own)
        self.now = CpuSample(self.now.at_s + seconds, machine_s, self.now.own_s + seconds * own)


@pytest.mark.parametrize(
    ("cores", "others", "most", "threads"),
    [(2, 0.0, 2, 2), (2, 0.4, 2, 2), (2, 0.6, 2, 1), (2, 2.0, 2, 1), (2, 5.0, 2, 1), (8, 3.0, 8, 5), (16, 0.0, 8, 8)],
)
def test_busy_cores_are_left_to_others(cores: int, others: float, most: int, threads: int) -> None:
    assert threads_for(cores, others, most) == threads


def test_own_work_does_not_count_as_load() -> None:
    machine = Machine()
    chooser = machine.chooser()
    machine.passes(1.0, others=0.0, own=2.0)
    assert chooser.update(machine.now.at_s) == 2


def test_load_in_the_middle_of_a_job_takes_threads_away_and_gives_them_back() -> None:
    machine = Machine()
    chooser = machine.chooser()
    machine.passes(1.0, others=1.0, own=1.0)
    assert chooser.update(machine.now.at_s) == 1
    machine.passes(1.0, others=0.0, own=1.0)
    assert chooser.update(machine.now.at_s) == 2


def test_counters_are_not_read_at_every_token() -> None:
    machine = Machine()
    chooser = machine.chooser()
    machine.passes(0.1, others=2.0)
    assert chooser.update(machine.now.at_s) == 2


def test_threads_that_run_now_count_at_the_start_and_not_who_was_busy_before() -> None:
    machine = Machine()
    chooser = machine.chooser()
    machine.passes(0.1, others=2.0)
    assert chooser.begin() == 2
    machine.n_running = 3
    assert chooser.begin() == 1


def test_average_counts_at_the_start_where_threads_are_unknown() -> None:
    machine = Machine(None)
    chooser = machine.chooser()
    machine.passes(3600.0, others=1.9)
    assert chooser.begin() == 1


def test_users_own_number_always_wins() -> None:
    machine = Machine()
    chooser = machine.chooser(fixed=3)
    machine.passes(1.0, others=2.0)
    assert (chooser.begin(), chooser.update(99.0)) == (3, 3)


def test_fallback_limits_the_threads() -> None:
    assert Machine().chooser(n_cores=8, limit=1).begin() == 1


def test_system_tells_time_that_passes() -> None:
    before = system_sample()
    sum(range(200_000))
    after = system_sample()
    assert after.at_s > before.at_s
    assert after.own_s > before.own_s
    assert after.machine_s >= before.machine_s
    assert available_cores() >= 1


def test_this_thread_is_among_the_runnable_ones() -> None:
    n_running = runnable_threads()
    assert n_running is None or n_running >= 1
