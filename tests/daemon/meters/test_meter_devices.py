"""Readers of hardware that is not at hand, on trees of files and counters that look like it."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from halfwatt.daemon.errors import HalfwattError, UsageError
from halfwatt.daemon.meters import apple, nvidia, rapl, rapl_access
from halfwatt.daemon.meters.timeline import CounterValue


def zone(root: Path, folder: str, name: str, energy_uj: int | None, range_uj: int = 262_143_328_850) -> Path:
    """One powercap zone as Linux shows it."""
    path = root / folder
    path.mkdir(parents=True)
    (path / "name").write_text(f"{name}\n")
    (path / "max_energy_range_uj").write_text(f"{range_uj}\n")
    (path / "constraint_0_max_power_uw").write_text("95000000\n")
    if energy_uj is not None:
        (path / "energy_uj").write_text(f"{energy_uj}\n")
    return path


@pytest.fixture
def two_sockets(tmp_path: Path) -> Path:
    """Two sockets with memory, core parts, a platform zone and the memory-mapped twin of the first package."""
    for socket in (0, 1):
        zone(tmp_path, f"intel-rapl:{socket}", f"package-{socket}", 5_000_000 * (socket + 1))
        zone(tmp_path, f"intel-rapl:{socket}:0", "core", 1_000_000)
        zone(tmp_path, f"intel-rapl:{socket}:1", "dram", 700_000)
    zone(tmp_path, "intel-rapl:2", "psys", 99_000_000)
    zone(tmp_path, "intel-rapl-mmio:0", "package-0", 5_000_000)
    return tmp_path


def test_rapl_reads_packages_and_memory_of_every_socket_and_nothing_twice(two_sockets: Path) -> None:
    device, _ = rapl.find(two_sockets)
    assert device is not None
    assert {name: counter.j for name, counter in device.read().items()} == {
        "package-0": 5.0,
        "package-1": 10.0,
        "dram-0": 0.7,
        "dram-1": 0.7,
    }
    assert device.read()["package-0"].range_j == pytest.approx(262_143.32885)


def test_rapl_counter_that_vanishes_is_a_missed_look(two_sockets: Path) -> None:
    device = rapl.find(two_sockets)[0]
    assert device is not None
    (two_sockets / "intel-rapl:1" / "energy_uj").unlink()
    assert device.read() == {}
    (two_sockets / "intel-rapl:1" / "energy_uj").write_text("not a number")
    assert device.read() == {}


def test_machine_without_counters_says_so(tmp_path: Path) -> None:
    assert rapl.find(tmp_path / "none")[0] is None
    assert "no RAPL counters" in rapl.find(tmp_path)[1]


def test_unreadable_counters_name_the_command_that_helps(two_sockets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counter = two_sockets / "intel-rapl:0" / "energy_uj"
    counter.chmod(0)
    if os.geteuid() == 0:  # root reads everything: refuse as the kernel would
        real = Path.read_text

        def refuse(path: Path, *args: str, **kwargs: str) -> str:
            if path == counter:
                raise PermissionError(13, "Permission denied", str(path))
            return real(path, *args, **kwargs)

        monkeypatch.setattr(Path, "read_text", refuse)
    device, why = rapl.find(two_sockets)
    assert device is None
    assert "halfwatt setup energy" in why


def test_setup_gives_one_group_read_access_and_nobody_else(two_sockets: Path, tmp_path: Path) -> None:
    plan = rapl_access.plan("energy", "ada", two_sockets, tmp_path / "rule")
    text = rapl_access.explain(plan)
    assert "groupadd --system --force energy" in text
    assert "usermod --append --groups energy ada" in text
    assert "CVE-2020-8694" in text
    assert "0440" in plan.rule
    assert "chgrp energy" in plan.rule
    assert not (tmp_path / "rule").exists()
    counter = two_sockets / "intel-rapl:0" / "energy_uj"
    group = counter.group()
    rapl_access.open_to_group(counter, group)
    assert counter.stat().st_mode & 0o777 == 0o440


def test_setup_writes_the_rule_and_opens_the_counters(two_sockets: Path, tmp_path: Path) -> None:
    group = (two_sockets / "intel-rapl:0").group()
    made = rapl_access.plan(group, "", two_sockets, tmp_path / "rules.d" / "70-halfwatt.rules")
    steps = rapl_access.AccessPlan(made.group, made.rule_file, made.rule, (("true",),), made.counters)
    rapl_access.apply(steps)
    assert made.rule_file.read_text() == made.rule
    assert all(counter.stat().st_mode & 0o777 == 0o440 for counter in made.counters)


def test_setup_step_that_fails_is_named(two_sockets: Path, tmp_path: Path) -> None:
    made = rapl_access.plan("energy", "", two_sockets, tmp_path / "rule")
    steps = rapl_access.AccessPlan(made.group, made.rule_file, made.rule, (("false",),), made.counters)
    with pytest.raises(HalfwattError, match="`false` failed"):
        rapl_access.apply(steps)
    assert not made.rule_file.exists()


@pytest.mark.parametrize("name", ["Energy", "a b", "x;rm", "$(id)", ""])
def test_setup_refuses_names_that_are_no_names(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="plain user or group name"):
        rapl_access.plan(name, "ada", tmp_path)


def test_setup_on_a_machine_without_counters_explains_and_changes_nothing(tmp_path: Path) -> None:
    plan = rapl_access.plan("energy", "ada", tmp_path, tmp_path / "rule")
    assert "nothing to set up" in rapl_access.explain(plan)
    with pytest.raises(HalfwattError, match="Nothing was changed"):
        rapl_access.apply(plan)
    assert not (tmp_path / "rule").exists()


class Nvml:
    """The calls of NVML that are used, with two GPUs' counters that the test sets."""

    class NVMLError(Exception):
        """What every call raises."""

    def __init__(self, has_counter: bool = True) -> None:
        self.has_counter = has_counter
        self.energy_mj = [1_000, 2_000]
        self.power_mw = [50_000, 60_000]
        self.pids: list[int] = []
        self.broken = False

    def nvmlInit(self) -> None:
        if self.broken:
            raise self.NVMLError

    def nvmlSystemGetDriverVersion(self) -> bytes:
        return b"570.1"

    def nvmlDeviceGetCount(self) -> int:
        return len(self.energy_mj)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetPowerManagementLimit(self, handle: int) -> int:
        return 300_000

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: int) -> int:
        if not self.has_counter or self.broken:
            raise self.NVMLError
        return self.energy_mj[handle]

    def nvmlDeviceGetPowerUsage(self, handle: int) -> int:
        if self.broken:
            raise self.NVMLError
        return self.power_mw[handle]

    def nvmlDeviceGetComputeRunningProcesses(self, handle: int) -> list[SimpleNamespace]:
        return [SimpleNamespace(pid=pid) for pid in self.pids] if handle == 0 else []


def test_nvidia_reads_the_energy_counters_of_all_gpus() -> None:
    device, why = nvidia.find(Nvml())
    assert device is not None
    assert device.read() == {"gpu-0": CounterValue(1.0), "gpu-1": CounterValue(2.0)}
    assert "energy counter of 2 GPU(s), driver 570.1" in why


def test_nvidia_without_a_counter_samples_power() -> None:
    device, why = nvidia.find(Nvml(has_counter=False))
    assert device is not None
    assert device.read() == pytest.approx(110.0)
    assert "power samples" in why


@pytest.mark.parametrize(("has_counter", "missed"), [(True, {}), (False, None)])
def test_nvidia_that_fails_later_is_a_missed_look(has_counter: bool, missed: object) -> None:
    nvml = Nvml(has_counter)
    device, _ = nvidia.find(nvml)
    assert device is not None
    nvml.broken = True
    assert device.read() == missed


def test_machine_without_an_nvidia_driver_says_so() -> None:
    nvml = Nvml()
    nvml.broken = True
    assert nvidia.find(nvml) == (None, "no NVIDIA driver answers")
    assert nvidia.find()[1]  # this machine, whatever it has


def test_gpu_processes_are_counted_ours_and_all() -> None:
    nvml = Nvml()
    nvml.pids = [10, 20, 30]
    device, _ = nvidia.find(nvml)
    assert device is not None
    assert device.sharers([20, 99]) == (1, 3)


class AppleMonitor:
    """zeus-apple-silicon's monitor with counters that the test sets."""

    def __init__(self, **values: int | None) -> None:
        self.values = values

    def get_cumulative_energy(self) -> SimpleNamespace:
        if not self.values:
            raise RuntimeError("no channel")
        return SimpleNamespace(**self.values)


def test_apple_adds_the_parts_that_the_chip_has() -> None:
    device = apple.AppleDevice(AppleMonitor(cpu_total_mj=1500, gpu_mj=500, gpu_sram_mj=None, dram_mj=250), "1.1")
    assert device.read() == {"cpu_total": CounterValue(1.5), "gpu": CounterValue(0.5), "dram": CounterValue(0.25)}


def test_apple_monitor_that_fails_is_a_missed_look() -> None:
    assert apple.AppleDevice(AppleMonitor(), "1.1").read() == {}
