"""What a device reported over time, and the joules of a time window. Pure: the caller brings times and values.

There are two kinds: counters that add up joules, and power samples that have to be integrated. Times are seconds of
one monotonic clock; after a jump backwards the history starts anew. A hole is filled with the power around it, and
these joules count as doubtful.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice, pairwise

from halfwatt.daemon.energy.readings import counter_delta, interpolate, trapezoid

MAX_READINGS = 20_000  # readings; at ten a second half an hour of uninterrupted work
HOLE_INTERVALS = 3  # usual intervals; a longer time without a sample is a hole


@dataclass(frozen=True)
class CounterValue:
    """One reading of a counter: joules since a fixed moment, and the value at which it wraps (None: it does not)."""

    j: float
    range_j: float | None = None


@dataclass(frozen=True)
class EnergySpan:
    """Joules of a time window; `doubtful_j` of them were filled in, not read. `busy_s` is the machine's CPU time."""

    seconds: float
    j: float
    doubtful_j: float
    busy_s: float


@dataclass(frozen=True)
class TimeSlice:
    """The time between two readings. `j` is None where the counter was reset or could not be read."""

    start_s: float
    end_s: float
    j: float | None
    busy_s: float

    @property
    def seconds(self) -> float:
        return self.end_s - self.start_s

    @property
    def watts(self) -> float | None:
        return None if self.j is None else self.j / self.seconds


class BusyHistory:
    """The machine's CPU seconds at every reading, those that missed the device included."""

    def __init__(self) -> None:
        self._times_s: deque[float] = deque(maxlen=MAX_READINGS)
        self._busy_s: deque[float] = deque(maxlen=MAX_READINGS)

    def look(self, moment_s: float, busy_s: float) -> None:
        """Add one reading; after a jump of the clock backwards the history starts anew."""
        if self._times_s and moment_s < self._times_s[-1]:
            self._times_s.clear()
            self._busy_s.clear()
        self._times_s.append(moment_s)
        self._busy_s.append(busy_s)

    def between(self, start_s: float, end_s: float) -> float:
        """CPU seconds between two moments, interpolated between readings."""
        if not self._times_s:
            return 0.0
        times, busy = list(self._times_s), list(self._busy_s)
        return max(0.0, interpolate(times, busy, end_s) - interpolate(times, busy, start_s))


class CounterTimeline:
    """History of counters that add up joules, one or several (sockets, memory), read together.

    `update_s` is how often the device renews them. A reading without a change within that time did not see fresh
    values. It is merged with the next reading, so that the edges of slices fall on real updates."""

    def __init__(self, max_watts: float, update_s: float = 0.0) -> None:
        self._max_watts = max_watts
        self._update_s = update_s
        self._slices: deque[TimeSlice] = deque(maxlen=MAX_READINGS)
        self._last: tuple[float, Mapping[str, CounterValue], float] | None = None
        self._busy = BusyHistory()
        self._missed = False

    def look(self, moment_s: float, counters: Mapping[str, CounterValue], busy_s: float) -> TimeSlice | None:
        """Add one reading; the slice that it closes, if it closes one. `busy_s` is the machine's CPU time so far.

        Empty `counters` mean a missed reading: the next good one bridges it."""
        self._busy.look(moment_s, busy_s)
        missed, self._missed = self._missed, not counters
        if not counters:
            return None
        if self._last is None or moment_s < self._last[0]:
            self._slices.clear()
            self._last = (moment_s, counters, busy_s)
            return None
        before_s, before, busy_before_s = self._last
        seconds = moment_s - before_s
        if seconds <= 0 or (seconds < 2 * self._update_s and _same(before, counters)):
            return None
        joules = self._delta(before, counters, seconds)
        if missed and self._update_s < seconds < 2 * self._update_s:
            moment_s = before_s + self._update_s  # the missed reading would have seen the renewal that was due
        closed = TimeSlice(self._renewed_s(before_s, moment_s), moment_s, joules, max(0.0, busy_s - busy_before_s))
        self._slices.append(closed)
        self._last = (moment_s, counters, busy_s)
        return closed

    def span(self, start_s: float, end_s: float) -> EnergySpan | None:
        """The joules between two moments; None without a slice near them.

        Whole slices are summed. A slice that an edge cuts is split by the power on both sides of the edge. So a job
        that starts in the middle of an update interval gets its own power, not the mean."""
        slices = self._cut(start_s, end_s)
        if not slices or end_s <= start_s:
            return None
        typical_w = _mean_watts(slices)
        if typical_w is None:
            return None
        j = doubtful = 0.0
        for index, (item, inside_s) in enumerate(slices):
            inner, outer = self._sides(slices, index, inside_s, start_s)
            known_j = _watts_around(slices, index, typical_w) * item.seconds if item.j is None else item.j
            part_j = _part(known_j, item.seconds, inside_s, inner.watts, outer.watts)
            j += part_j
            doubtful += part_j if item.j is None else 0.0
        tail_s = end_s - max(start_s, slices[-1][0].end_s)
        if tail_s > 0:  # the device has not renewed its counter since: go on with the last power
            last_w = slices[-1][0].watts or typical_w
            j += last_w * tail_s
            doubtful += last_w * tail_s if tail_s > self._update_s else 0.0
        head_s = slices[0][0].start_s - start_s
        if head_s > 0:
            j += typical_w * head_s
            doubtful += typical_w * head_s
        return EnergySpan(end_s - start_s, j, doubtful, self._busy.between(start_s, end_s))

    def _renewed_s(self, before_s: float, moment_s: float) -> float:
        """When the values of the reading before were fresh.

        A change within one update interval shows that they were up to an interval old. The edge between the two
        slices then moves back to that renewal."""
        renewed_s = moment_s - self._update_s
        if renewed_s >= before_s or not self._slices or self._slices[-1].start_s >= renewed_s:
            return before_s
        self._slices[-1] = replace(self._slices[-1], end_s=renewed_s)
        return renewed_s

    def _delta(
        self, before: Mapping[str, CounterValue], after: Mapping[str, CounterValue], seconds: float
    ) -> float | None:
        if before.keys() != after.keys():
            return None
        deltas = [
            counter_delta(before[name].j, after[name].j, after[name].range_j, seconds, self._max_watts)
            for name in after
        ]
        return None if None in deltas else sum(delta for delta in deltas if delta is not None)

    def _cut(self, start_s: float, end_s: float) -> list[tuple[TimeSlice, float]]:
        """The slices that touch the window, and for how many seconds."""
        first = bisect_right(self._slices, start_s, key=lambda item: item.end_s)
        found = []
        for item in islice(self._slices, first, None):
            if item.start_s >= end_s:
                break
            found.append((item, min(end_s, item.end_s) - max(start_s, item.start_s)))
        if not found and self._slices and self._slices[-1].end_s <= start_s:
            found.append((self._slices[-1], 0.0))  # the window lies after the last update
        return found

    def _sides(
        self, cut: list[tuple[TimeSlice, float]], index: int, inside_s: float, start_s: float
    ) -> tuple[TimeSlice, TimeSlice]:
        """The slices next to a cut one that show the power within the window and outside it."""
        item = cut[index][0]
        if inside_s >= item.seconds - 1e-9:
            return item, item
        starts_before = item.start_s < start_s
        inner = cut[index + 1][0] if starts_before and index + 1 < len(cut) else cut[index - 1][0] if index else item
        return inner, item if inner is item else self._neighbour(item, -1 if starts_before else +1)

    def _neighbour(self, item: TimeSlice, step: int) -> TimeSlice:
        index = bisect_right(self._slices, item.start_s, key=lambda other: other.start_s) - 1 + step
        return self._slices[index] if 0 <= index < len(self._slices) else item


class PowerTimeline:
    """History of a device that reports only its present power, integrated by the trapezoidal rule."""

    def __init__(self) -> None:
        self._times_s: deque[float] = deque(maxlen=MAX_READINGS)
        self._powers_w: deque[float] = deque(maxlen=MAX_READINGS)
        self._busy = BusyHistory()
        self._busy_before_s = 0.0

    def look(self, moment_s: float, watts: float | None, busy_s: float) -> TimeSlice | None:
        """Add one power sample (None: it was missed); the slice since the sample before."""
        self._busy.look(moment_s, busy_s)
        if watts is None:
            return None
        if self._times_s and moment_s <= self._times_s[-1]:
            self._times_s.clear()
            self._powers_w.clear()
        self._times_s.append(moment_s)
        self._powers_w.append(watts)
        busy_before_s, self._busy_before_s = self._busy_before_s, busy_s
        if len(self._times_s) < 2:
            return None
        start_s = self._times_s[-2]
        joules = (moment_s - start_s) * (watts + self._powers_w[-2]) / 2
        return TimeSlice(start_s, moment_s, joules, max(0.0, busy_s - busy_before_s))

    def span(self, start_s: float, end_s: float) -> EnergySpan | None:
        """The joules between two moments, by trapezoids with interpolated edges.

        A hole of more than three usual intervals is doubtful. After the last sample its power is assumed for at most
        as long, also as doubtful; later than that the answer is None."""
        times, powers = list(self._times_s), list(self._powers_w)
        seen_s = min(end_s, times[-1]) if times else end_s
        joules = trapezoid(times, powers, start_s, seen_s)
        if joules is None or end_s <= start_s:
            return None
        inside = [start_s, *times[bisect_right(times, start_s) : bisect_right(times, seen_s)], seen_s]
        steps = sorted(b - a for a, b in pairwise(inside))
        usual_s = steps[len(steps) // 2]
        tail_s = end_s - seen_s
        if tail_s > HOLE_INTERVALS * usual_s:
            return None
        hole_s = sum(step for step in steps if step > HOLE_INTERVALS * usual_s)
        tail_j = tail_s * powers[-1]
        doubtful = tail_j + (joules * hole_s / (seen_s - start_s) if hole_s else 0.0)
        return EnergySpan(end_s - start_s, joules + tail_j, doubtful, self._busy.between(start_s, end_s))


def _part(whole: float, seconds: float, inside_s: float, inner_rate: float | None, outer_rate: float | None) -> float:
    """How much of a slice falls into the window. The shorter side follows from its rate; the longer one is the rest."""
    outside_s = seconds - inside_s
    if inner_rate is None or outer_rate is None:
        return whole * inside_s / seconds
    part = inner_rate * inside_s if inside_s <= outside_s else whole - outer_rate * outside_s
    return min(whole, max(0.0, part))


def _same(before: Mapping[str, CounterValue], after: Mapping[str, CounterValue]) -> bool:
    return before.keys() == after.keys() and all(before[name].j == after[name].j for name in after)


def _watts_around(cut: list[tuple[TimeSlice, float]], index: int, typical_w: float) -> float:
    """The power to fill a hole with: the mean of the nearest slices on both sides that lie wholly in the window."""
    known = [
        next((item.watts for item, inside_s in side if item.j is not None and inside_s >= item.seconds - 1e-9), None)
        for side in (reversed(cut[:index]), cut[index + 1 :])
    ]
    found = [watts for watts in known if watts is not None]
    return sum(found) / len(found) if found else typical_w


def _mean_watts(cut: list[tuple[TimeSlice, float]]) -> float | None:
    known = [item for item, _ in cut if item.j is not None]
    seconds = sum(item.seconds for item in known)
    return sum(item.j or 0.0 for item in known) / seconds if seconds else None
