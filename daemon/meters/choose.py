"""Which meter is in use: the first candidate that works on this machine.

The processor's meter is Apple's counters, RAPL or, always possible, the CPU-time model. NVIDIA's GPU counters are used
beside it. Choosing starts no thread.

A new meter of the processor is an `EnergyDevice` (watcher.py) in a file of its own, a line in `_processor_device`, and
a value of the setting `energy.meter` (settings/schema.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from halfwatt.daemon.settings.schema import EnergyConfig

from . import apple, cpu_model, nvidia, rapl
from .base import CpuClock, CpuTimeMeter, Meter, MeterCandidate, SystemCpuClock
from .cpu_model import ThreadPower
from .gpu import GpuMeter
from .sampled import SampledMeter
from .watcher import EnergyDevice

NOT_ASKED = "the setting energy.meter names another one"
WINDOWS = "Windows' energy meter interface (EMI) is not read yet"


def choose_meter(
    config: EnergyConfig,
    worker_pids: Callable[[], Sequence[int]] = tuple,
    clock: Callable[[], float] = time.monotonic,
) -> Meter:
    """The best meter that this machine and the setting `energy.meter` allow."""
    gpu, gpu_why = nvidia.find() if config.meter in ("auto", "nvidia") else (None, NOT_ASKED)
    device, processor_candidates = _processor_device(config)
    power = cpu_model.thread_power(cpu_model.this_processor(), config.watts_per_thread)
    candidates = (MeterCandidate("NVIDIA NVML", gpu is not None, gpu_why, hardware=False), *processor_candidates)
    processor = _processor_meter(device, power, SystemCpuClock(), worker_pids, clock, candidates)
    return processor if gpu is None else GpuMeter(gpu, processor, worker_pids, clock, candidates)


def _processor_device(config: EnergyConfig) -> tuple[EnergyDevice | None, tuple[MeterCandidate, ...]]:
    """The processor's energy counters, or None where only the model is left; and what was found out about each.

    `hardware=False`: no release of halfwatt has been run on it yet; its tests use simulated counters."""
    apple_device, apple_why = apple.find() if config.meter in ("auto", "apple") else (None, NOT_ASKED)
    rapl_device, rapl_why = _rapl(config) if apple_device is None else (None, "Apple's counters are in use")
    device: EnergyDevice | None = apple_device or rapl_device
    return device, (
        MeterCandidate("Apple Silicon", apple_device is not None, apple_why, hardware=False),
        MeterCandidate("Windows EMI", False, WINDOWS, hardware=False),
        MeterCandidate("RAPL", rapl_device is not None, rapl_why, hardware=False),
        MeterCandidate("CPU-time model", device is None, "always possible", hardware=True),
    )


def _rapl(config: EnergyConfig) -> tuple[rapl.RaplDevice | None, str]:
    # Beside an NVIDIA GPU the processor still needs a meter.
    return rapl.find() if config.meter in ("auto", "rapl", "nvidia") else (None, NOT_ASKED)


def _processor_meter(
    device: EnergyDevice | None,
    power: ThreadPower,
    cpu_clock: CpuClock,
    worker_pids: Callable[[], Sequence[int]],
    clock: Callable[[], float],
    candidates: tuple[MeterCandidate, ...],
) -> Meter:
    if device is None:
        return CpuTimeMeter(power, cpu_clock, worker_pids, clock, candidates)
    return SampledMeter(device, power, cpu_clock, worker_pids, clock, candidates)
