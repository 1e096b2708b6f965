"""One request as the ledger stores it. Values only; ledger.py owns the file.

No code, prompt, key or path: `reason` is the sentence that the user was shown, `scores` the router's numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from halfwatt.daemon.energy.readings import BookedEnergy, Reading, add
from halfwatt.daemon.wire import Outcome, Result, Saved, TierScore

WASTED_OUTCOMES: frozenset[Outcome] = frozenset({"rejected", "undone", "ignored", "cancelled", "failed"})


class LedgerRow(Struct, frozen=True, kw_only=True):
    """One request. `time` is seconds since 1970 (UTC); unknown numbers are null.

    `device_*` is router + local, which share this machine's meter; `cloud_*` has its own. `draft_wasted_j` is what
    was wasted whatever the outcome; `wasted_j` grows to the total when the answer is not used."""

    request_id: str
    time: float
    editor: str
    language: str | None
    kind: str
    route: str
    tier: str
    tier_kind: str
    model: str
    reason: str
    scores: dict[str, TierScore] = {}
    stop: str = ""
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    completion_tokens: int | None = None
    queue_ms: float | None = None
    first_token_ms: float | None = None
    total_ms: float | None = None
    method: str | None = None
    total_j: float | None = None
    low_j: float | None = None
    high_j: float | None = None
    router_j: float | None = None
    local_j: float | None = None
    cloud_j: float | None = None
    wasted_j: float | None = None
    draft_wasted_j: float | None = None
    gross_j: float | None = None
    device_j: float | None = None
    device_low_j: float | None = None
    device_high_j: float | None = None
    cloud_low_j: float | None = None
    cloud_high_j: float | None = None
    meter: str = ""
    meter_version: str = ""
    cloud_meter: str = ""
    cloud_meter_version: str = ""
    saved_j: float | None = None
    saved_low_j: float | None = None
    saved_high_j: float | None = None
    reference: str = ""
    saved_local_j: float | None = None
    saved_local_low_j: float | None = None
    saved_local_high_j: float | None = None
    cost: float | None = None
    outcome: Outcome | None = None
    accepted_chars: int | None = None


def row_of(
    result: Result,
    booked: BookedEnergy,
    *,
    time_s: float,
    editor: str,
    language: str | None,
    kind: str,
    route: str,
    cached_tokens: int | None = None,
    saved_local: Saved | None = None,
    cost: float | None = None,
    outcome: Outcome | None = None,
) -> LedgerRow:
    """The row of an answered (or cancelled, or failed) request. `result.code` is not stored."""
    device = _sum(booked.router, booked.local)
    cloud = booked.cloud or Reading(0.0, 0.0, 0.0)
    local_saving = saved_local or Saved()
    energy, latency = result.energy, result.latency_ms
    return LedgerRow(
        request_id=result.request_id,
        time=time_s,
        editor=editor,
        language=language,
        kind=kind,
        route=route,
        tier=result.tier,
        tier_kind=result.kind,
        model=result.model,
        reason=result.reason,
        scores=result.scores,
        stop=result.stop,
        prompt_tokens=result.tokens.prompt,
        cached_tokens=cached_tokens,
        completion_tokens=result.tokens.completion,
        queue_ms=latency.queue,
        first_token_ms=latency.first_token,
        total_ms=latency.total,
        method=energy.method,
        total_j=energy.total_j,
        low_j=energy.low_j,
        high_j=energy.high_j,
        router_j=energy.router_j,
        local_j=energy.local_j,
        cloud_j=energy.cloud_j,
        wasted_j=energy.wasted_j,
        draft_wasted_j=energy.wasted_j,
        gross_j=device.gross_j,
        device_j=device.j,
        device_low_j=device.low_j,
        device_high_j=device.high_j,
        cloud_low_j=cloud.low_j,
        cloud_high_j=cloud.high_j,
        meter=device.meter,
        meter_version=device.meter_version,
        cloud_meter=cloud.meter,
        cloud_meter_version=cloud.meter_version,
        saved_j=result.saved.j,
        saved_low_j=result.saved.low_j,
        saved_high_j=result.saved.high_j,
        reference=result.saved.reference,
        saved_local_j=local_saving.j,
        saved_local_low_j=local_saving.low_j,
        saved_local_high_j=local_saving.high_j,
        cost=cost,
        outcome=outcome,
    )


def wasted_after(outcome: Outcome | None, total_j: float | None, draft_wasted_j: float | None) -> float | None:
    """Joules wasted once this is known to have become of the answer."""
    return total_j if outcome in WASTED_OUTCOMES else draft_wasted_j


def _sum(*parts: Reading | None) -> Reading:
    used: Sequence[Reading] = [part for part in parts if part is not None]
    return add(used) or Reading(0.0, 0.0, 0.0)
