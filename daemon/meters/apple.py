"""Apple Silicon's energy counters through zeus-apple-silicon: processor, GPU, memory and neural engine.

Reading them needs no administrator. gpu.py is not involved: Apple's GPU is one of these counters.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from .timeline import CounterValue

MILLI = 1e-3
PARTS = ("cpu_total_mj", "gpu_mj", "gpu_sram_mj", "dram_mj", "ane_mj")


class AppleDevice:
    """An `EnergyDevice` (watcher.py). `monitor` is zeus_apple_silicon's AppleEnergyMonitor, or a fake."""

    name = "apple"
    update_s = 0.01
    look_s = 0.1
    max_watts = 500.0
    error = 0.1  # an assumption: Apple publishes no figure

    def __init__(self, monitor: Any, version: str) -> None:
        self._monitor = monitor
        self.version = version
        self.sentence = f"Apple Silicon's counters {', '.join(sorted(self.read())) or '(none)'}, library {version}"

    def read(self) -> Mapping[str, CounterValue]:
        try:
            metrics = self._monitor.get_cumulative_energy()
        except RuntimeError:
            return {}
        values = {part: getattr(metrics, part, None) for part in PARTS}
        return {
            part.removesuffix("_mj"): CounterValue(value * MILLI) for part, value in values.items() if value is not None
        }


def find() -> tuple[AppleDevice | None, str]:
    """This Mac's counters, or why there are none."""
    if sys.platform != "darwin":
        return None, "this is not a Mac"
    try:
        from zeus_apple_silicon import AppleEnergyMonitor

        device = AppleDevice(AppleEnergyMonitor(), metadata.version("zeus-apple-silicon"))
    except (ImportError, RuntimeError) as error:
        return None, f"zeus-apple-silicon does not work here ({error})"
    return (device, device.sentence) if device.read() else (None, "the Mac shows no energy counters")
