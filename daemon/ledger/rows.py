"""One request as the ledger stores it. This module has values only; ledger.py owns the file.

A row holds no code, prompt, key or path. `reason` is the sentence that the user was shown; `scores` are the router's
numbers. A new column needs a step in migrations.py, a field of `LedgerRow`, and its value: in `answer_columns`, or in
service/booking.py where it describes the request. A column that is summed needs a place in summary.py, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from halfwatt.daemon.energy.readings import BookedEnergy, Reading, add
from halfwatt.daemon.wire import Outcome, Result, Saved, TierScore

WASTED_OUTCOMES: frozenset[Outcome] = frozenset({"rejected", "undone", "ignored", "cancelled", "failed"})


class LedgerRow(Struct, frozen=True, kw_only=True):
    """One request. `time` is seconds since 1970 (UTC); unknown numbers are null.

    `device_*` is router + local, which share this machine's meter; `cloud_*` has its own. `draft_wasted_j` is wasted
    whatever the outcome; `wasted_j` grows to the total when the answer is not used."""

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
    outcome: Outcome | None = None
    accepted_chars: int | None = None


def answer_columns(result: Result, booked: BookedEnergy, saved_local: Saved | None = None) -> dict[str, Any]:
    """The columns of a `LedgerRow` that come from an answer, a cancellation or a failure. `result.code` is not stored.

    The other columns say what was asked, when, and what became of the answer."""
    device = _sum(booked.router, booked.local)
    cloud = booked.cloud or Reading(0.0, 0.0, 0.0)
    saved_local = saved_local or Saved()
    return {
        "request_id": result.request_id,
        "tier": result.tier,
        "tier_kind": result.kind,
        "model": result.model,
        "reason": result.reason,
        "scores": result.scores,
        "stop": result.stop,
        "prompt_tokens": result.tokens.prompt,
        "cached_tokens": result.tokens.cached,
        "completion_tokens": result.tokens.completion,
        "queue_ms": result.latency_ms.queue,
        "first_token_ms": result.latency_ms.first_token,
        "total_ms": result.latency_ms.total,
        **msgspec.structs.asdict(result.energy),
        "draft_wasted_j": result.energy.wasted_j,
        "gross_j": device.gross_j,
        "device_j": device.j,
        "device_low_j": device.low_j,
        "device_high_j": device.high_j,
        "cloud_low_j": cloud.low_j,
        "cloud_high_j": cloud.high_j,
        "meter": device.meter,
        "meter_version": device.meter_version,
        "cloud_meter": cloud.meter,
        "cloud_meter_version": cloud.meter_version,
        "saved_j": result.saved.j,
        "saved_low_j": result.saved.low_j,
        "saved_high_j": result.saved.high_j,
        "reference": result.saved.reference,
        "saved_local_j": saved_local.j,
        "saved_local_low_j": saved_local.low_j,
        "saved_local_high_j": saved_local.high_j,
    }


def wasted_after(outcome: Outcome | None, total_j: float | None, draft_wasted_j: float | None) -> float | None:
    """Joules wasted, now that this is known to have become of the answer."""
    return total_j if outcome in WASTED_OUTCOMES else draft_wasted_j


def _sum(*parts: Reading | None) -> Reading:
    used: Sequence[Reading] = [part for part in parts if part is not None]
    return add(used) or Reading(0.0, 0.0, 0.0)
