"""NVIDIA GPUs through NVML: the energy counter of the whole GPU, or power samples where it has none.

It counts the whole GPU, whoever uses it; gpu.py turns that into a job's joules, and only where the worker runs there.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from .timeline import CounterValue

MILLI = 1e-3
COUNTER_ERROR = 0.05  # NVML's documentation of nvmlDeviceGetPowerUsage, for older GPUs; no figure for the counter
POWER_ERROR = 0.25  # Yang et al., arXiv 2312.02741: on some GPUs the readings cover a quarter of the time


class NvidiaDevice:
    """An `EnergyDevice` (watcher.py) over all NVIDIA GPUs of the machine. `nvml` is the pynvml module, or a fake."""

    name = "nvml"
    update_s = 0.1  # the counter is renewed about every 100 ms
    look_s = 0.02

    def __init__(self, nvml: Any, handles: Sequence[Any]) -> None:
        self._nvml = nvml
        self._handles = tuple(handles)
        self.version = _text(nvml.nvmlSystemGetDriverVersion())
        self._has_counter = self._counters() is not None
        self.error = COUNTER_ERROR if self._has_counter else POWER_ERROR
        self.max_watts = 2 * max(self._limit_w(handle) for handle in self._handles)
        kind = "energy counter" if self._has_counter else "power samples"
        self.sentence = f"NVML {kind} of {len(self._handles)} GPU(s), driver {self.version}"

    def read(self) -> Mapping[str, CounterValue] | float | None:
        if self._has_counter:
            return self._counters() or {}
        try:
            return MILLI * sum(float(self._nvml.nvmlDeviceGetPowerUsage(handle)) for handle in self._handles)
        except self._nvml.NVMLError:
            return None

    def sharers(self, pids: Sequence[int]) -> tuple[int, int]:
        """How many of these processes compute on the GPUs, and how many processes do so in all."""
        running: set[int] = set()
        for handle in self._handles:
            try:
                running |= {process.pid for process in self._nvml.nvmlDeviceGetComputeRunningProcesses(handle)}
            except self._nvml.NVMLError:
                continue
        return len(running & set(pids)), len(running)

    def _counters(self) -> Mapping[str, CounterValue] | None:
        try:
            return {
                f"gpu-{i}": CounterValue(self._nvml.nvmlDeviceGetTotalEnergyConsumption(handle) * MILLI)
                for i, handle in enumerate(self._handles)
            }
        except self._nvml.NVMLError:
            return None

    def _limit_w(self, handle: Any) -> float:
        try:
            return float(self._nvml.nvmlDeviceGetPowerManagementLimit(handle)) * MILLI
        except self._nvml.NVMLError:
            return 1000.0


def find(nvml: Any = None) -> tuple[NvidiaDevice | None, str]:
    """The machine's NVIDIA GPUs, or why there are none to measure."""
    if nvml is None:
        try:
            nvml = importlib.import_module("pynvml")
        except ImportError:
            return None, "nvidia-ml-py is not installed"
    try:
        nvml.nvmlInit()
        handles = [nvml.nvmlDeviceGetHandleByIndex(i) for i in range(nvml.nvmlDeviceGetCount())]
        device = NvidiaDevice(nvml, handles) if handles else None
    except nvml.NVMLError:
        return None, "no NVIDIA driver answers"
    return (device, device.sentence) if device else (None, "the NVIDIA driver shows no GPU")


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
