"""Which meter is in use: a ladder, climbed down at start until something works.

NVIDIA's GPU counters are used beside the processor's meter; that is Apple's counters, RAPL or, always possible, the
CPU-time model. Choosing looks at what is there and starts no thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from halfwatt.daemon.settings.schema import EnergyConfig

from . import apple as meter_apple
from . import cpu_model as meter_model
from . import nvidia as meter_nvidia
from . import rapl as meter_rapl
from .base import Machine, Meter, ModelMeter, Rung, ThisMachine
from .cpu_model import ThreadPower
from .gpu import GpuMeter
from .sampled import SampledMeter
from .watcher import Device

NOT_ASKED = "the setting energy.meter names another one"
WINDOWS = "Windows' energy meter interface (EMI) is not read yet"


def choose(
    config: EnergyConfig,
    worker_pids: Callable[[], Sequence[int]] = tuple,
    clock: Callable[[], float] = time.monotonic,
) -> Meter:
    """The best meter that this machine and the setting `energy.meter` allow."""
    gpu, gpu_why = meter_nvidia.find() if config.meter in ("auto", "nvidia") else (None, NOT_ASKED)
    processor, rungs = _processor(config)
    power = meter_model.thread_power(meter_model.this_processor(), config.watts_per_thread)
    rungs = (Rung("NVIDIA NVML", gpu is not None, gpu_why, hardware=False), *rungs)
    below = _below(processor, power, ThisMachine(), worker_pids, clock, rungs)
    return below if gpu is None else GpuMeter(gpu, below, worker_pids, clock, rungs)


def _processor(config: EnergyConfig) -> tuple[Device | None, tuple[Rung, ...]]:
    """The processor's device, or None for the model, and what was found on each rung. `hardware=False`: no release
    of halfwatt has been run on it yet; its tests use simulated counters."""
    apple, apple_why = meter_apple.find() if config.meter in ("auto", "apple") else (None, NOT_ASKED)
    rapl, rapl_why = _rapl(config) if apple is None else (None, "Apple's counters are in use")
    device: Device | None = apple or rapl
    return device, (
        Rung("Apple Silicon", apple is not None, apple_why, hardware=False),
        Rung("Windows EMI", False, WINDOWS, hardware=False),
        Rung("RAPL", rapl is not None, rapl_why, hardware=False),
        Rung("CPU-time model", device is None, "always possible", hardware=True),
    )


def _rapl(config: EnergyConfig) -> tuple[meter_rapl.Rapl | None, str]:
    if config.meter not in ("auto", "rapl", "nvidia"):
        return None, NOT_ASKED
    found = meter_rapl.find()
    return found.device, found.why


def _below(
    device: Device | None,
    power: ThreadPower,
    machine: Machine,
    worker_pids: Callable[[], Sequence[int]],
    clock: Callable[[], float],
    rungs: tuple[Rung, ...],
) -> Meter:
    if device is None:
        return ModelMeter(power, machine, worker_pids, clock, rungs)
    return SampledMeter(device, power, machine, worker_pids, clock, rungs)
