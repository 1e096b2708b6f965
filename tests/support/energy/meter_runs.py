"""One job under a meter on a simulated machine, and how close the reading came. For tests and the benchmark."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from energy_simulation import SimulatedDevice, Trace

from halfwatt.daemon.energy.readings import Reading, add
from halfwatt.daemon.meters.sampled import SampledMeter

IDLE_LOOK_S = 20.0


@dataclass(frozen=True)
class Verdict:
    """`gross_error`: of the energy of the window, relative. `covered`: the job's own joules lie in the range."""

    gross_error: float
    covered: bool
    net_error: float


def run_job(
    meter: SampledMeter,
    device: SimulatedDevice,
    trace: Trace,
    *,
    learn: bool = True,
    queued_s: float = 0.0,
    pieces: int = 1,
    reports: bool = True,
) -> Reading:
    """Quiet time, then the trace's job. `pieces`: as so many jobs one after the other; `reports`: CPU time is told."""
    machine = device.machine
    if learn:
        _look_until(meter, device, 0.0, trace.start_s - queued_s, IDLE_LOOK_S)
    edges = [trace.start_s + (trace.end_s - trace.start_s) * i / pieces for i in range(pieces + 1)]
    readings = []
    for start_s, end_s in pairwise(edges):
        machine.now_s = start_s - queued_s
        window = meter.begin()
        _look_until(meter, device, start_s - queued_s, end_s, device.look_s * 1.03)
        machine.now_s = end_s
        cpu_s = trace.between(trace.own_cpu_s, start_s, end_s)
        readings.append(meter.end(window, cpu_s=cpu_s if reports else None, queue_ms=queued_s * 1000))
    return add(readings) or readings[0]


def judge(reading: Reading, trace: Trace) -> Verdict:
    """Against the truth of the trace."""
    own_j = trace.between(trace.own_joules, trace.start_s, trace.end_s)
    cpu_s = trace.between(trace.own_cpu_s, trace.start_s, trace.end_s)
    share = cpu_s / max(cpu_s, trace.between(trace.busy_s, trace.start_s, trace.end_s))
    gross_j = trace.between(trace.joules, trace.start_s, trace.end_s) * share
    low, high = reading.low_j or 0.0, reading.high_j or 0.0
    return Verdict(
        gross_error=abs((reading.gross_j or 0.0) / gross_j - 1),
        covered=low <= own_j <= high,
        net_error=(reading.j or 0.0) / own_j - 1,
    )


def _look_until(meter: SampledMeter, device: SimulatedDevice, start_s: float, end_s: float, step_s: float) -> None:
    n_looks = int((end_s - start_s) / step_s)
    for i in range(1, n_looks + 1):
        device.machine.now_s = min(end_s, start_s + i * step_s)
        meter.look()
