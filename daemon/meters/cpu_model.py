"""The meter of last resort: CPU seconds × watts of one busy thread, with wide bounds.

The method is "modelled". The watts come from the user's setting, else from a small table of manufacturers' figures
(cpu_power.toml), else from a generic range. It reads no energy counter and knows nothing of GPUs.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from halfwatt.daemon.energy.readings import Reading, unknown

NAME = "cpu-model"
VERSION = "2"
# One busy thread against sustained power per core. Power limits, and two hardware threads on a core, make it less.
# Turbo with few busy cores makes it more. Both factors are assumptions: no source was found.
TABLE_LOW, TABLE_HIGH = 0.5, 2.0
OWN_LOW, OWN_HIGH = 0.8, 1.25
GENERIC_W, GENERIC_LOW_W, GENERIC_HIGH_W = 6.0, 0.75, 35.0  # the middle of the table's rows, and as far as any range


@dataclass(frozen=True)
class Processor:
    """What the operating system says about the processor. A number is None where it does not say."""

    brand: str
    family: int | None = None
    model: int | None = None


@dataclass(frozen=True)
class ThreadPower:
    """Watts of one busy thread, the range they lie in, and their source."""

    watts: float
    low_w: float
    high_w: float
    source: str


@dataclass(frozen=True)
class CpuPowerRow:
    """One row of cpu_power.toml: the processors it describes, by name or by number, and their power."""

    pattern: re.Pattern[str]
    family: int | None
    model: int | None
    power: ThreadPower


@cache
def table() -> tuple[CpuPowerRow, ...]:
    """The shipped table, in order."""
    text = resources.files(__package__).joinpath("cpu_power.toml").read_text("utf-8")
    return tuple(
        CpuPowerRow(re.compile(row["match"], re.IGNORECASE), row.get("family"), row.get("model"), _power(row))
        for row in tomllib.loads(text)["cpu"]
    )


def thread_power(processor: Processor, own_watts: float | None) -> ThreadPower:
    """Watts of one busy thread: the user's figure, else the table's power per core, else a generic figure."""
    if own_watts is not None:
        return ThreadPower(own_watts, own_watts * OWN_LOW, own_watts * OWN_HIGH, "your setting energy.watts_per_thread")
    row = next((row for row in table() if _matches(row, processor)), None)
    if row is None:
        return ThreadPower(
            GENERIC_W, GENERIC_LOW_W, GENERIC_HIGH_W, "a generic figure, because this processor is not in the table"
        )
    return row.power


def reading(power: ThreadPower, cpu_s: float | None) -> Reading:
    """Joules of that many CPU seconds. The idle machine is not in them, so there is no gross figure."""
    if cpu_s is None:
        return unknown("the worker's CPU time is not known", NAME)
    return Reading(
        j=cpu_s * power.watts,
        low_j=cpu_s * power.low_w,
        high_j=cpu_s * power.high_w,
        method="modelled",
        meter=NAME,
        meter_version=VERSION,
    )


def this_processor(cpuinfo: Path = Path("/proc/cpuinfo"), fallback: Callable[[], str] | None = None) -> Processor:
    """This machine's processor, from Linux's cpuinfo, or else by the platform's name for it."""
    try:
        fields = _first_block(cpuinfo.read_text("utf-8", "replace"))
    except OSError:
        return Processor((fallback or _platform_name)())
    return Processor(fields.get("model name", ""), _number(fields.get("cpu family")), _number(fields.get("model")))


def _power(row: dict[str, Any]) -> ThreadPower:
    """Watts per core of the row's processor. The range covers all processors of the row, and full turbo."""
    watts, cores = row["sustained_w"], row["cores"]
    least_w, least_cores = row.get("least", (watts, row.get("all_cores", cores)))
    most_w, most_cores = row.get("most", (watts, cores))
    return ThreadPower(
        watts / cores,
        TABLE_LOW * least_w / least_cores,
        max(TABLE_HIGH * most_w / most_cores, row.get("turbo_w", 0.0) / cores),
        f"the published design power of {row['source'].partition(':')[0]}",
    )


def _matches(row: CpuPowerRow, processor: Processor) -> bool:
    if row.pattern.search(processor.brand):
        return True
    return row.model is not None and (row.family, row.model) == (processor.family, processor.model)


def _first_block(text: str) -> dict[str, str]:
    lines = text.split("\n\n", 1)[0].splitlines()
    pairs = (line.partition(":") for line in lines)
    return {name.strip(): value.strip() for name, _, value in pairs}


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None


def _platform_name() -> str:
    import platform

    return platform.processor()
