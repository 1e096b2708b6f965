"""RAPL: the energy counters of Intel and AMD processors, through Linux's powercap files.

It reads packages (sockets) and memory. It does not read `psys`, which contains both, nor a package's own parts. It
changes no permission: `halfwatt setup energy` does that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .timeline import CounterValue

POWERCAP = Path("/sys/class/powercap")
MICRO = 1e-6
USUAL_MAX_W = 1000.0  # of one socket, where the files do not say


@dataclass(frozen=True)
class RaplZone:
    """One counter: its file, and the joules at which it wraps."""

    name: str
    file: Path
    range_j: float | None
    max_watts: float


class RaplDevice:
    """An `EnergyDevice` (watcher.py) over all readable zones."""

    name = "rapl"
    version = "2"
    update_s = 0.001  # Intel SDM volume 3B, "RAPL interfaces": about once a millisecond
    look_s = 0.1
    error = 0.05  # an assumption; AMD's and older Intel's counters are models themselves

    def __init__(self, zones: tuple[RaplZone, ...]) -> None:
        self._zones = zones
        self.max_watts = max(zone.max_watts for zone in zones)
        self.sentence = f"RAPL counters {', '.join(zone.name for zone in zones)}"

    def read(self) -> Mapping[str, CounterValue]:
        try:
            return {
                zone.name: CounterValue(int(zone.file.read_text("ascii")) * MICRO, zone.range_j) for zone in self._zones
            }
        except (OSError, ValueError):
            return {}


def find(powercap: Path = POWERCAP) -> tuple[RaplDevice | None, str]:
    """All packages (sockets) and their memory, or why they cannot be read."""
    folders = sorted(powercap.glob("intel-rapl:*"))
    wanted = [(folder, label) for folder in folders if (label := _wanted(folder))]
    if not wanted:
        return None, "no RAPL counters here (a virtual machine, or another kind of processor)"
    try:
        zones = tuple(_zone(folder, label) for folder, label in wanted)
    except PermissionError:
        return None, "only root may read the RAPL counters; `halfwatt setup energy` lets one group read them"
    except (OSError, ValueError) as error:
        return None, f"the RAPL counters cannot be read ({error})"
    return RaplDevice(zones), f"RAPL counters {', '.join(zone.name for zone in zones)}"


def _wanted(folder: Path) -> str | None:
    """The label of a package or memory zone, with its socket; None for any other zone."""
    try:
        name = (folder / "name").read_text("ascii").strip()
    except (OSError, ValueError):
        return None
    socket = folder.name.split(":")[1]
    if name.startswith("package"):
        return f"package-{socket}"
    return f"dram-{socket}" if name == "dram" else None


def _zone(folder: Path, label: str) -> RaplZone:
    int((folder / "energy_uj").read_text("ascii"))  # readable, and a number
    wraps = _number(folder / "max_energy_range_uj")
    limit = _number(folder / "constraint_0_max_power_uw")
    return RaplZone(
        label,
        folder / "energy_uj",
        None if wraps is None else wraps * MICRO,
        max(USUAL_MAX_W, 4 * limit * MICRO) if limit else USUAL_MAX_W,
    )


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text("ascii"))
    except (OSError, ValueError):
        return None
