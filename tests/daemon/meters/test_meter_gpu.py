"""A GPU beside the processor: counted when our worker computes on it, and only then."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import pytest

from halfwatt.daemon.meters.base import CpuTimeMeter
from halfwatt.daemon.meters.cpu_model import ThreadPower
from halfwatt.daemon.meters.gpu import GpuMeter
from halfwatt.daemon.meters.nvidia import NvidiaDevice


class Bench:
    """A GPU with 50 W idle and 250 W at work, its clock, and the processes on it: NVML's calls as far as used."""

    NVMLError = RuntimeError
    n_cpus = 4

    def __init__(self) -> None:
        self.now_s = 0.0
        self.joules = 0.0
        self.watts = 50.0
        self.pids: list[int] = []

    def run(self, seconds: float, meter: GpuMeter) -> None:
        for _ in range(round(seconds / 0.1)):
            self.now_s += 0.1
            self.joules += 0.1 * self.watts
            meter.look()

    def clock(self) -> float:
        return self.now_s

    def busy_s(self) -> float:
        return 0.0

    def process_s(self, pids: Sequence[int]) -> float | None:
        return None

    def nvmlSystemGetDriverVersion(self) -> str:
        return "570.1"

    def nvmlDeviceGetPowerManagementLimit(self, handle: int) -> int:
        return 300_000

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: int) -> int:
        return round(self.joules * 1000)

    def nvmlDeviceGetComputeRunningProcesses(self, handle: int) -> list[SimpleNamespace]:
        return [SimpleNamespace(pid=pid) for pid in self.pids]


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def meter(bench: Bench) -> GpuMeter:
    processor = CpuTimeMeter(ThreadPower(5.0, 2.5, 10.0, "a test"), bench, tuple, bench.clock)
    made = GpuMeter(NvidiaDevice(bench, [0]), processor, lambda: [7], bench.clock, background=False)
    for _ in range(30):  # quiet time, seen once a second
        bench.now_s += 1.0
        bench.joules += bench.watts
        made.look()
    return made


def test_worker_on_the_gpu_books_what_it_added_to_the_idle_gpu(bench: Bench, meter: GpuMeter) -> None:
    bench.pids = [7]
    window = meter.begin()
    bench.watts = 250.0
    bench.run(3.0, meter)
    reading = meter.end(window, cpu_s=1.0)
    assert reading.j == pytest.approx(3 * 200 + 5.0, rel=0.02)
    assert (reading.meter, reading.method) == ("cpu-model + nvml", "modelled")
    assert reading.low_j is not None
    assert reading.high_j is not None
    assert reading.low_j < 605 < reading.high_j


def test_worker_on_the_processor_books_no_gpu(bench: Bench, meter: GpuMeter) -> None:
    bench.pids = [99]
    window = meter.begin()
    bench.watts = 250.0  # somebody else's
    bench.run(3.0, meter)
    assert meter.end(window, cpu_s=1.0).j == 5.0


def test_other_programs_on_the_gpu_widen_the_range_downwards(bench: Bench, meter: GpuMeter) -> None:
    bench.pids = [7, 99]
    window = meter.begin()
    bench.watts = 250.0
    bench.run(3.0, meter)
    reading = meter.end(window, cpu_s=0.0)
    assert reading.low_j is not None
    assert reading.low_j < 0.5 * 600


def test_overlapping_windows_never_book_the_same_joules_twice(bench: Bench, meter: GpuMeter) -> None:
    bench.pids = [7]
    windows = [meter.begin() for _ in range(4)]
    bench.watts = 250.0
    readings = []
    for window in windows:
        bench.run(2.0, meter)
        readings.append(meter.end(window, cpu_s=0.0))
    assert sum(reading.j or 0.0 for reading in readings) == pytest.approx(8 * 200, rel=0.03)


def test_description_names_both_meters(meter: GpuMeter) -> None:
    info = meter.describe()
    assert info.name == "nvml + cpu-model"
    assert "idle power 50.0 W" in info.sentence
