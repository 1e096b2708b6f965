"""From a device's joules to one job's: idle power, share of the busy processor, and the range of both.

Net = (ΔE − idle·Δt) × share, gross = ΔE × share, share = the job's CPU seconds ÷ the machine's. Pure arithmetic.
The sources of the formulas and of the constants are in packaging/docs/energy.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from halfwatt.daemon.energy.readings import Reading

from .timeline import EnergySpan, TimeSlice

QUIET_SHARE = 0.08  # of all processor time; a slice with less, and without a job of ours, shows the idle power
QUIET_SECONDS = 0.5
MEMORY = 0.9  # weight of what was known when a new quiet slice is learnt
IDLE_DRIFT = 0.06  # idle power moves with temperature and clock speed, whatever the quiet slices say
UNEVEN = 1.35  # how much dearer or cheaper one busy CPU second of another process may be than one of ours
TICK_S = 0.01  # resolution of the machine's CPU times


@dataclass(frozen=True)
class IdlePower:
    """What the machine draws when little runs, learnt from quiet slices. `watts` is None until it is learnt.

    `busy` is the mean number of processors that were busy in those slices; `attribute` takes their joules out again."""

    watts: float | None = None
    variance: float = 0.0
    busy: float = 0.0
    n: int = 0

    def learn(self, item: TimeSlice, n_cpus: int) -> IdlePower:
        """Learn from a slice without any job of ours, if it was quiet and long enough."""
        watts = item.watts
        quiet = item.seconds >= QUIET_SECONDS and item.busy_s <= QUIET_SHARE * n_cpus * item.seconds
        if watts is None or not quiet:
            return self
        if self.watts is None:
            return IdlePower(watts, 0.0, item.busy_s / item.seconds, 1)
        weight = max(1 - MEMORY, 1 / (self.n + 1))
        step = watts - self.watts
        return IdlePower(
            watts=self.watts + weight * step,
            variance=(1 - weight) * (self.variance + weight * step**2),
            busy=self.busy + weight * (item.busy_s / item.seconds - self.busy),
            n=self.n + 1,
        )

    @property
    def spread_w(self) -> float:
        """Half the width of the range around `watts`."""
        return max(2 * math.sqrt(self.variance), IDLE_DRIFT * (self.watts or 0.0))


@dataclass(frozen=True)
class MeterSpec:
    """A meter's name and version, how late its counters are (seconds), and the share by which they may be off."""

    name: str
    version: str
    update_s: float
    error: float


def attribute(span: EnergySpan, idle: IdlePower, cpu_s: float, spec: MeterSpec, n_cpus: int) -> Reading:
    """One job's joules in a span. `cpu_s` is its CPU time within the span."""
    share, low_share, high_share = _shares(span, cpu_s, n_cpus)
    mean_w = span.j / span.seconds
    edges_j = spec.update_s * mean_w + 0.5 * span.doubtful_j
    idle_j, idle_low_j, idle_high_j = _idle_joules(span, idle)
    unquiet = _quiet_correction(span, idle, cpu_s)
    net = max(0.0, span.j - idle_j) * unquiet
    low = max(0.0, span.j - edges_j - idle_high_j) * (1 - spec.error)
    high = max(0.0, span.j + edges_j - idle_low_j) * unquiet**UNEVEN * (1 + spec.error)
    return Reading(
        j=net * share,
        low_j=min(low * low_share, net * share),
        high_j=max(high * high_share, net * share),
        method="measured",
        meter=spec.name,
        meter_version=spec.version,
        gross_j=span.j * share,
    )


def _shares(span: EnergySpan, cpu_s: float, n_cpus: int) -> tuple[float, float, float]:
    """The job's share of the busy processor: middle, low, high."""
    if cpu_s <= 0:
        return 0.0, 0.0, 0.0
    tick_s = TICK_S * n_cpus
    busy_s = max(span.busy_s, cpu_s)
    others_s = busy_s - cpu_s
    low = cpu_s / (cpu_s + (others_s + tick_s) * UNEVEN)
    high = cpu_s / (cpu_s + max(0.0, others_s - tick_s) / UNEVEN)
    return cpu_s / busy_s, low, high


def _quiet_correction(span: EnergySpan, idle: IdlePower, cpu_s: float) -> float:
    """The factor that corrects the idle power for what little ran in quiet time.

    k is the joules of a busy CPU second. Then idle = quiet − busy·k, and net = ΔE − idle·Δt = k·(CPU seconds in the
    span). So net = (ΔE − quiet·Δt) ÷ (1 − busy·Δt ÷ CPU seconds)."""
    busy_s = max(span.busy_s, cpu_s)
    share = idle.busy * span.seconds / busy_s if busy_s > 0 else 0.0
    return 1 / (1 - min(0.5, share))


def _idle_joules(span: EnergySpan, idle: IdlePower) -> tuple[float, float, float]:
    """Joules that the idle machine would have drawn: middle, low, high. Before it is learnt: from 0 to nearly all."""
    if idle.watts is None:
        return 0.5 * span.j, 0.0, 0.95 * span.j
    spread_w = idle.spread_w
    return tuple(max(0.0, idle.watts + sign * spread_w) * span.seconds for sign in (0, -1, 1))  # type: ignore[return-value]  # three of them
