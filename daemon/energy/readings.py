"""Joule arithmetic: readings with a range and a method, sums and differences of them, integrals of samples.

It has pure functions and values, and reads no counter, clock, file or setting. The formulas and their sources are in
packaging/docs/energy.md.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from msgspec import Struct

from halfwatt.daemon.wire import Energy, Method, Saved

Waste = Literal["none", "draft", "all"]
WORST_FIRST: tuple[Method, ...] = ("estimated", "modelled", "measured")


class Reading(Struct, frozen=True):
    """Joules of one thing, with the range they lie in and how they were found.

    `j` is net of the idle machine, `gross_j` is not. Where `j` is null the other numbers are, too, and `reason` says
    why. `meter` names the instrument or model; readings of one meter err together."""

    j: float | None = None
    low_j: float | None = None
    high_j: float | None = None
    method: Method | None = None
    meter: str = ""
    meter_version: str = ""
    gross_j: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class JouleRange:
    """A number and its range, in joules."""

    j: float
    low_j: float
    high_j: float


@dataclass(frozen=True)
class BookedEnergy:
    """One request's energy: the shape that users see, and the readings it came from. None: that part was not used."""

    energy: Energy
    router: Reading | None = None
    local: Reading | None = None
    cloud: Reading | None = None

    @property
    def parts(self) -> tuple[Reading, ...]:
        return tuple(part for part in (self.router, self.local, self.cloud) if part is not None)


def unknown(reason: str, meter: str = "") -> Reading:
    """A reading without joules, and why."""
    return Reading(reason=reason, meter=meter)


def combine(terms: Iterable[tuple[float, Reading]]) -> JouleRange | None:
    """Weighted sum of readings; None where one of them is unknown.

    Errors of one meter point the same way, so their deviations add. Deviations of different meters are independent and
    add in quadrature (root of the sum of squares), upwards and downwards separately."""
    total = 0.0
    deviations: dict[str, tuple[float, float]] = {}
    for weight, reading in terms:
        if reading.j is None:
            return None
        low = reading.j if reading.low_j is None else reading.low_j
        high = reading.j if reading.high_j is None else reading.high_j
        total += weight * reading.j
        at_low, at_high = deviations.get(reading.meter, (0.0, 0.0))
        deviations[reading.meter] = (
            at_low + weight * (low - reading.j),
            at_high + weight * (high - reading.j),
        )
    down = math.hypot(*(min(pair[0], pair[1], 0.0) for pair in deviations.values()))
    up = math.hypot(*(max(pair[0], pair[1], 0.0) for pair in deviations.values()))
    return JouleRange(total, total - down, total + up)


def worst_method(readings: Iterable[Reading]) -> Method | None:
    """The method of a sum, which is that of its weakest part."""
    found = {reading.method for reading in readings if reading.method is not None}
    return next((method for method in WORST_FIRST if method in found), None)


def add(readings: Sequence[Reading]) -> Reading | None:
    """Sum of several readings of one kind, such as two attempts or several devices; None for no reading."""
    if len(readings) < 2:
        return readings[0] if readings else None
    total = combine((1.0, reading) for reading in readings)
    meters = " + ".join(dict.fromkeys(reading.meter for reading in readings if reading.meter))
    if total is None:
        return unknown(next(reading.reason for reading in readings if reading.j is None), meters)
    gross = [reading.gross_j for reading in readings]
    return Reading(
        j=total.j,
        low_j=max(0.0, total.low_j),
        high_j=total.high_j,
        method=worst_method(readings),
        meter=meters,
        meter_version=" + ".join(dict.fromkeys(reading.meter_version for reading in readings)),
        gross_j=None if None in gross else sum(value for value in gross if value is not None),
    )


def scaled(reading: Reading, factor: float) -> Reading:
    """The same reading for `factor` times as much of the same work."""
    if reading.j is None:
        return reading
    return Reading(
        j=reading.j * factor,
        low_j=None if reading.low_j is None else reading.low_j * factor,
        high_j=None if reading.high_j is None else reading.high_j * factor,
        method=reading.method,
        meter=reading.meter,
        meter_version=reading.meter_version,
        gross_j=None if reading.gross_j is None else reading.gross_j * factor,
    )


def book(
    *,
    router: Reading | None = None,
    local: Reading | None = None,
    cloud: Reading | None = None,
    wasted: Waste = "none",
) -> BookedEnergy:
    """One request's energy. A part that is None was not used: 0 J. A reading without joules is unknown: null.

    `wasted` says which part of the total came to nothing. "draft": the local part, thrown away for another tier's
    answer. "all": everything, because the request was cancelled or failed."""
    parts = [part for part in (router, local, cloud) if part is not None]
    total = combine((1.0, part) for part in parts)
    total_j = None if total is None else total.j
    energy = Energy(
        total_j=total_j,
        low_j=None if total is None else max(0.0, total.low_j),
        high_j=None if total is None else total.high_j,
        method=None if total is None else worst_method(parts),
        router_j=_joules(router),
        local_j=_joules(local),
        cloud_j=_joules(cloud),
        wasted_j={"none": 0.0, "draft": _joules(local), "all": total_j}[wasted],
    )
    return BookedEnergy(energy, router, local, cloud)


def saved(booked: BookedEnergy, reference: Reading | None, name: str) -> Saved:
    """What `reference` would have used minus what was used; negative where the reference would have used less.

    A part from the reference's own meter errs with it, so that their errors cancel in the difference."""
    if reference is None:
        return Saved(reference=name)
    terms = [(1.0, reference), *((-1.0, part) for part in booked.parts)]
    difference = combine(terms)
    if difference is None:
        return Saved(reference=name)
    return Saved(j=difference.j, low_j=difference.low_j, high_j=difference.high_j, reference=name)


def always_local(booked: BookedEnergy, joules_per_token: Reading | None, completion_tokens: int | None) -> Saved:
    """What the local model alone, without a router, would have used, minus what was used."""
    name = "always local"
    answered_here = booked.local is not None and booked.cloud is None
    if answered_here:
        return saved(booked, booked.local, name)
    if joules_per_token is None or completion_tokens is None:
        return Saved(reference=name)
    return saved(booked, scaled(joules_per_token, completion_tokens), name)


def trapezoid(times_s: Sequence[float], powers_w: Sequence[float], start_s: float, end_s: float) -> float | None:
    """Joules between two moments from power samples in time order, with linearly interpolated edges.

    None where the samples do not span the window. For equal spacing this is Δt·(ΣP − P₀/2 − Pₙ/2)."""
    if len(times_s) < 2 or start_s < times_s[0] or end_s > times_s[-1] or end_s < start_s:
        return None
    first, last = bisect_right(times_s, start_s), bisect_left(times_s, end_s)
    inner = range(first, last)
    moments = [start_s, *(times_s[i] for i in inner), end_s]
    powers = [
        interpolate(times_s, powers_w, start_s),
        *(powers_w[i] for i in inner),
        interpolate(times_s, powers_w, end_s),
    ]
    return sum((moments[i + 1] - moments[i]) * (powers[i] + powers[i + 1]) / 2 for i in range(len(moments) - 1))


def interpolate(times_s: Sequence[float], values: Sequence[float], moment_s: float) -> float:
    """The value at a moment, linear between its neighbours, constant beyond the ends."""
    right = bisect_left(times_s, moment_s)
    if right == 0:
        return values[0]
    if right == len(times_s):
        return values[-1]
    t0, t1 = times_s[right - 1], times_s[right]
    if t1 == t0:
        return values[right]
    return values[right - 1] + (values[right] - values[right - 1]) * (moment_s - t0) / (t1 - t0)


def counter_delta(
    before_j: float, after_j: float, range_j: float | None, seconds: float, max_watts: float
) -> float | None:
    """Joules between two readings of a counter that wraps at `range_j`; None where the counter was reset.

    A fall is a wrap-around only if the joules it implies are possible in that time. Otherwise it is a reset."""
    delta = after_j - before_j
    if delta < 0:
        if range_j is None:
            return None
        delta += range_j
    possible = 0 <= delta <= max_watts * max(seconds, 1e-3)
    return delta if possible else None


def _joules(part: Reading | None) -> float | None:
    return 0.0 if part is None else part.j
