"""How long to wait after a key before asking, learned from the user's own rhythm.

After a character that ends a word, and at the end of a line: clamp(typing interval × 1.6, 100…1000 ms). Elsewhere:
clamp(typing interval × 3 − mean response time), but no shorter than at a word's end. Without that bound, a slow model's
response time would bring the delay below the rhythm: nearly every key would start a request that the next key ends.

1.6 is measured on nine typing traces. After 1.25 intervals, two of three requests had less than 100 ms until the next
key; 1.6 asks a quarter less often. This module reads no clock: the caller gives the time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

MIN_MS, MAX_MS = 100.0, 1000.0
AT_LEAST_INTERVALS = 1.6
MID_WORD_INTERVALS = 3.0
_PAUSE_MS = 2000.0  # longer gaps are thinking, not typing
_WEIGHT = 0.2  # of the newest value in the running means


@dataclass(frozen=True)
class Rhythm:
    """Running means in milliseconds: between keys, and from question to answer."""

    interval_ms: float = 200.0
    response_ms: float = 0.0
    last_key_ms: float | None = None

    def key_pressed(self, now_ms: float) -> Rhythm:
        gap = now_ms - self.last_key_ms if self.last_key_ms is not None else None
        if gap is None or gap > _PAUSE_MS:
            return replace(self, last_key_ms=now_ms)
        return replace(self, interval_ms=_mean(self.interval_ms, gap), last_key_ms=now_ms)

    def answered(self, response_ms: float) -> Rhythm:
        known = self.response_ms or response_ms
        return replace(self, response_ms=_mean(known, response_ms))

    def delay_ms(self, line_before: str, line_after: str) -> float:
        """How long to wait for another key before a request is worth its joules."""
        last = line_before[-1:]
        at_break = not (last.isalnum() or last == "_") or not line_after.strip()
        shortest_ms = max(MIN_MS, self.interval_ms * AT_LEAST_INTERVALS)
        wanted_ms = 0.0 if at_break else self.interval_ms * MID_WORD_INTERVALS - self.response_ms
        return min(MAX_MS, max(shortest_ms, wanted_ms))


def _mean(old: float, new: float) -> float:
    return old + _WEIGHT * (new - old)
