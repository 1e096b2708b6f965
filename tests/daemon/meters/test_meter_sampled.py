"""Measuring one job on simulated counters whose integrals are known."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest
from energy_simulation import SimulatedDevice, SimulatedMachine, SimulatedPower, Trace, random_trace
from meter_runs import judge, run_job

from halfwatt.daemon.energy.readings import Reading
from halfwatt.daemon.meters.cpu_model import VERSION, ThreadPower
from halfwatt.daemon.meters.sampled import SampledMeter
from halfwatt.daemon.meters.timeline import CounterValue

POWER = ThreadPower(5.0, 2.0, 10.0, "a test")


def quiet_trace(seed: int) -> Trace:
    return random_trace(np.random.default_rng(seed), noisy=False)


def meter_on(trace: Trace, **kind: object) -> tuple[SampledMeter, SimulatedDevice]:
    machine = SimulatedMachine(trace)
    device = SimulatedDevice(machine, **kind)  # type: ignore[arg-type]  # tests vary the fields
    return SampledMeter(device, POWER, machine, lambda: [1], machine.clock, background=False), device


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "kind",
    [
        {},
        {"range_j": 300.0, "offset_j": 250.0},  # wraps many times, also within the job
        {"missed": frozenset(range(5, 200, 7))},
        {"update_s": 0.1, "look_s": 0.02},
    ],
    ids=["plain", "wrapping", "missing", "slow"],
)
def test_integral_of_a_job_is_within_two_percent(seed: int, kind: dict[str, object]) -> None:
    trace = quiet_trace(seed)
    meter, device = meter_on(trace, **kind)
    assert judge(run_job(meter, device, trace), trace).gross_error < 0.02


@pytest.mark.parametrize("seed", range(5))
def test_power_samples_integrate_within_two_percent(seed: int) -> None:
    trace = quiet_trace(seed)
    machine = SimulatedMachine(trace)
    device = SimulatedPower(machine, update_s=0.02, look_s=0.02)
    meter = SampledMeter(device, POWER, machine, lambda: [1], machine.clock, background=False)
    assert judge(run_job(meter, device, trace), trace).gross_error < 0.02


@pytest.mark.parametrize("seed", range(12))
def test_range_contains_the_jobs_own_joules_with_other_programs_about(seed: int) -> None:
    trace = random_trace(np.random.default_rng(100 + seed))
    meter, device = meter_on(trace, reset_at_s=trace.start_s + 0.4 if seed % 3 == 0 else None)
    reading = run_job(meter, device, trace)
    assert judge(reading, trace).covered
    assert (reading.method, reading.meter) == ("measured", "rapl")


def test_idle_power_is_learnt_from_quiet_time_and_named() -> None:
    trace = quiet_trace(1)
    meter, device = meter_on(trace)
    assert "not learnt yet" in meter.describe().sentence
    run_job(meter, device, trace)
    assert "learnt from quiet time" in meter.describe().sentence


def test_net_is_gross_without_the_idle_machine() -> None:
    trace = quiet_trace(2)
    meter, device = meter_on(trace)
    reading = run_job(meter, device, trace)
    assert reading.j is not None
    assert reading.gross_j is not None
    own = trace.between(trace.own_joules, trace.start_s, trace.end_s)
    assert reading.j == pytest.approx(own, rel=0.1)
    assert reading.gross_j > reading.j


def test_without_quiet_time_the_range_says_how_little_is_known() -> None:
    trace = quiet_trace(3)
    meter, device = meter_on(trace)
    reading = run_job(meter, device, trace, learn=False)
    assert judge(reading, trace).covered
    assert reading.j is not None
    assert reading.high_j is not None
    assert reading.low_j is not None
    assert reading.high_j > 2.5 * reading.low_j


def test_range_is_as_wide_as_the_instruments_own_error_at_least() -> None:
    trace = quiet_trace(6)
    exact, device = meter_on(trace)
    narrow = run_job(exact, device, trace)
    doubted, device = meter_on(trace, error=0.05)
    wide = run_job(doubted, device, trace)
    assert (wide.j, wide.gross_j) == (narrow.j, narrow.gross_j)
    assert (wide.low_j, wide.high_j) == pytest.approx((0.95 * narrow.low_j, 1.05 * narrow.high_j))  # type: ignore[operator]  # measured


def test_waiting_in_the_queue_is_not_part_of_the_job() -> None:
    trace = quiet_trace(4)
    meter, device = meter_on(trace)
    reading = run_job(meter, device, trace, queued_s=20.0)
    assert judge(reading, trace).gross_error < 0.02


def test_job_too_short_to_measure_is_modelled() -> None:
    meter, device = meter_on(quiet_trace(5))
    window = meter.begin()
    device.machine.now_s += 0.005
    assert meter.end(window, cpu_s=0.004) == Reading(0.02, 0.008, 0.04, "modelled", "cpu-model", VERSION)


def test_counter_that_cannot_be_read_leaves_the_model() -> None:
    trace = quiet_trace(6)
    meter, device = meter_on(trace, missed=frozenset(range(10_000)))
    assert run_job(meter, device, trace).method == "modelled"


def test_job_without_a_report_is_measured_by_the_workers_cpu_time() -> None:
    trace = quiet_trace(7)
    meter, device = meter_on(trace)
    reading = run_job(meter, device, trace, reports=False)
    assert reading.j == pytest.approx(trace.between(trace.own_joules, trace.start_s, trace.end_s), rel=0.1)


def test_jobs_one_after_the_other_add_up_to_the_whole() -> None:
    trace = quiet_trace(8)
    whole_meter, whole_device = meter_on(trace)
    whole = run_job(whole_meter, whole_device, trace)
    meter, device = meter_on(trace)
    parts = run_job(meter, device, trace, pieces=8)
    assert whole.j is not None
    assert parts.j == pytest.approx(whole.j, rel=0.03)


@dataclass
class CountedDevice(SimulatedDevice):
    """Tells when it has been looked at often."""

    looked_often: threading.Event = field(default_factory=threading.Event)

    def read(self) -> Mapping[str, CounterValue]:
        if self.n_reads > 5:
            self.looked_often.set()
        return super().read()


def test_background_thread_looks_while_a_job_runs_and_then_stops() -> None:
    machine = SimulatedMachine(quiet_trace(9))
    device = CountedDevice(machine, look_s=0.001)
    meter = SampledMeter(device, POWER, machine, lambda: [1], machine.clock)
    window = meter.begin()
    assert device.looked_often.wait(timeout=60)
    meter.end(window, cpu_s=0.0)
    meter.close()
    assert "halfwatt-meter" not in {thread.name for thread in threading.enumerate()}
