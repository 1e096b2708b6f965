"""Ledger rows for tests, built the way the daemon builds them: readings → booking → row."""

from __future__ import annotations

from halfwatt.daemon.energy.readings import Reading, Waste, always_local, book, saved
from halfwatt.daemon.ledger.rows import LedgerRow, answer_columns
from halfwatt.daemon.wire import Latency, Method, Outcome, Result, TierKind, TierScore, TokenCounts


def reading(j: float | None, meter: str = "cpu-model", spread: float = 0.5) -> Reading:
    """A reading with a symmetric range; None for an unknown one."""
    if j is None:
        return Reading(meter=meter, reason="not known in this test")
    method: Method = "estimated" if meter == "ecologits" else "modelled"
    return Reading(j, j * (1 - spread), j * (1 + spread), method, meter, "1")


def row(
    request_id: str,
    time_s: float,
    *,
    local_j: float | None = None,
    cloud_j: float | None = None,
    unknown_cloud: bool = False,
    router_j: float = 1.0,
    reference_j: float = 20.0,
    wasted: Waste = "none",
    kind: TierKind = "local",
    editor: str = "vscode",
    language: str | None = "python",
    reason: str = "91 % likely to pass",
    completion_tokens: int = 40,
    total_ms: float = 500.0,
    outcome: Outcome | None = None,
    request_kind: str = "generate",
) -> LedgerRow:
    """One request. `kind`: of the tier that answered; the joules say which tiers took part."""
    cloud = reading(cloud_j, "ecologits") if cloud_j is not None or unknown_cloud else None
    booked = book(
        router=reading(router_j),
        local=reading(local_j) if local_j is not None else None,
        cloud=cloud,
        wasted=wasted,
    )
    result = Result(
        code="def planted_code(): ...",
        tier={"local": "local", "cloud": "big", "edge": "lan", "none": "none"}[kind],
        kind=kind,
        model="qwen" if kind == "local" else "gpt-4o-mini",
        reason=reason,
        scores={"local": TierScore(p_pass=0.91, tokens=40.0, energy_j=20.0)},
        stop="stop",
        tokens=TokenCounts(120, completion_tokens),
        latency_ms=Latency(1.0, 90.0, total_ms),
        energy=booked.energy,
        saved=saved(booked, reading(reference_j, "ecologits"), "gpt-4o-mini"),
        request_id=request_id,
        calibrated=True,
    )
    return LedgerRow(
        time=time_s,
        editor=editor,
        language=language,
        kind=request_kind,
        route="auto",
        outcome=outcome,
        **answer_columns(result, booked, always_local(booked, reading(0.5), completion_tokens)),
    )
