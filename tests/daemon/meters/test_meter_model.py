"""The CPU-time model: where its watts come from, and what it says when it knows nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from halfwatt.daemon.meters import cpu_model
from halfwatt.daemon.meters.base import CpuTimeMeter
from halfwatt.daemon.meters.choose import choose_meter
from halfwatt.daemon.meters.cpu_model import Processor, ThreadPower
from halfwatt.daemon.settings.schema import EnergyConfig


class Worker:
    """A machine whose only worker has used this many CPU seconds; None: it is gone."""

    n_cpus = 4

    def __init__(self) -> None:
        self.cpu_s: float | None = 10.0

    def busy_s(self) -> float:
        return 0.0

    def process_s(self, pids: Sequence[int]) -> float | None:
        return self.cpu_s


POWER = ThreadPower(5.0, 2.5, 10.0, "a test")


@pytest.mark.parametrize(
    ("processor", "watts"),
    [
        (Processor("11th Gen Intel(R) Core(TM) i7-1165G7 @ 2.80GHz"), 7.0),
        (Processor("AMD Ryzen 7 PRO 7840U w/ Radeon 780M Graphics"), 3.5),
        (Processor("12th Gen Intel(R) Core(TM) i7-1260P"), 7.0),  # of its twelve cores four are fast
        (Processor("Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz"), 350 / 52),
        (Processor("Intel(R) Xeon(R) Processor", 6, 207), 350 / 64),  # anonymous in a virtual machine
        (Processor("Some Other Chip"), cpu_model.GENERIC_W),
    ],
)
def test_watts_per_thread_come_from_the_table_or_are_generic(processor: Processor, watts: float) -> None:
    power = cpu_model.thread_power(processor, None)
    assert power.watts == pytest.approx(watts)
    assert power.low_w <= 0.5 * power.watts
    assert power.high_w >= 2 * power.watts


def test_every_row_of_the_table_names_its_source_and_a_plausible_wattage() -> None:
    for row in cpu_model.table():
        assert row.power.source
        assert 1.0 < row.power.watts < 16.0


def test_range_spans_all_models_of_a_row_and_turbo_on_the_fast_cores() -> None:
    epyc = cpu_model.thread_power(Processor("AMD EPYC 7643 48-Core Processor"), None)
    assert (epyc.low_w, epyc.high_w) == pytest.approx((0.5 * 225 / 64, 2 * 225 / 48))
    laptop = cpu_model.thread_power(Processor("Intel(R) Core(TM) Ultra 7 155H"), None)
    assert (laptop.low_w, laptop.high_w) == pytest.approx((0.5 * 28 / 16, 115 / 6))


def test_generic_range_reaches_as_far_as_that_of_almost_every_row() -> None:
    powers = [row.power for row in cpu_model.table()]
    assert min(power.low_w for power in powers) >= cpu_model.GENERIC_LOW_W
    assert sum(power.high_w > cpu_model.GENERIC_HIGH_W for power in powers) <= 1
    middle = sorted(power.watts for power in powers)[len(powers) // 2]
    assert middle == pytest.approx(cpu_model.GENERIC_W, rel=0.25)


def test_users_own_figure_goes_first_and_narrows_the_range() -> None:
    power = cpu_model.thread_power(Processor("i7-1165G7"), 3.0)
    assert (power.watts, power.low_w, power.high_w) == pytest.approx((3.0, 2.4, 3.75))


def test_cpu_seconds_times_watts_with_bounds_and_label() -> None:
    reading = cpu_model.reading(POWER, 4.0)
    assert (reading.j, reading.low_j, reading.high_j) == (20.0, 10.0, 40.0)
    assert (reading.method, reading.meter, reading.gross_j) == ("modelled", "cpu-model", None)


def test_unknown_cpu_time_is_null_with_a_reason() -> None:
    reading = cpu_model.reading(POWER, None)
    assert reading.j is None
    assert reading.reason


def test_job_without_a_report_is_booked_from_the_workers_own_cpu_time() -> None:
    worker = Worker()
    meter = CpuTimeMeter(POWER, worker, lambda: [1])
    window = meter.begin()
    worker.cpu_s = 12.0
    assert meter.end(window, cpu_s=None).j == 10.0


def test_jobs_without_a_report_share_what_was_used_and_say_how_little_is_known() -> None:
    worker = Worker()
    meter = CpuTimeMeter(POWER, worker, lambda: [1])
    first, _second = meter.begin(), meter.begin()
    worker.cpu_s = 12.0
    reading = meter.end(first, cpu_s=None)
    assert (reading.j, reading.low_j, reading.high_j) == (5.0, 0.0, 20.0)


@pytest.mark.parametrize("now_s", [None, 0.5])
def test_worker_that_is_gone_or_new_leaves_the_joules_unknown(now_s: float | None) -> None:
    worker = Worker()
    meter = CpuTimeMeter(POWER, worker, lambda: [1])
    window = meter.begin()
    worker.cpu_s = now_s
    assert meter.end(window, cpu_s=None).j is None


def test_cpuinfo_names_the_processor(tmp_path: Path) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text(
        "processor\t: 0\ncpu family\t: 6\nmodel\t\t: 207\nmodel name\t: Intel(R) Xeon(R)\n\nprocessor\t: 1\n"
    )
    assert cpu_model.this_processor(file) == Processor("Intel(R) Xeon(R)", 6, 207)
    assert cpu_model.this_processor(tmp_path / "none", lambda: "arm") == Processor("arm")


def test_setting_can_demand_the_model_and_every_candidate_says_why() -> None:
    info = choose_meter(EnergyConfig(meter="model", watts_per_thread=4.0)).describe()
    assert (info.name, info.method) == ("cpu-model", "modelled")
    assert "your setting" in info.sentence
    assert [candidate.name for candidate in info.candidates if candidate.used] == ["CPU-time model"]
    assert all(candidate.why for candidate in info.candidates)
    assert "RAPL (not run on hardware): the setting energy.meter names another one" in info.candidate_lines
    assert "CPU-time model: in use" in info.candidate_lines


def test_real_process_time_of_this_machine_is_read() -> None:
    meter = choose_meter(EnergyConfig(meter="model", watts_per_thread=4.0), lambda: [os.getpid()])
    window = meter.begin()
    before_s = time.process_time()
    while time.process_time() - before_s < 0.1:
        sum(range(10_000))
    reading = meter.end(window, cpu_s=None)
    assert reading.j is not None
    assert reading.j == pytest.approx(4.0 * 0.1, rel=0.5)
