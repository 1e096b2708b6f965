"""The dashboard's numbers, queried from the ledger: sums over time and by kind, latencies, calibration, latest rows.

ledger/ledger.py owns the connection. Nothing here changes the ledger or knows how the page looks; page.html, page.css
and page.js do.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec
from msgspec import Struct

from halfwatt.daemon.ledger import summary as ledger_summary
from halfwatt.daemon.ledger.summary import SPANS, RequestSums
from halfwatt.daemon.wire import Energy, EnergySummary, Saved, TierScore

TimeSpan = Literal["1d", "7d", "30d", "365d", "all"]
SPAN_DAYS: dict[TimeSpan, int] = {"1d": 1, "7d": 7, "30d": 30, "365d": 365}
N_LATEST = 5000  # requests that percentiles and calibration are made from
N_SHOWN = 50
BINS = 5
GROUPED_BY = {"tier": "tier", "language": "language", "editor": "editor"}


class ChartBar(Struct, frozen=True):
    """One step in time. `start` is epoch seconds."""

    start: int
    requests: int
    used_j: float | None
    wasted_j: float | None
    saved_j: float | None


class GroupTotals(Struct, frozen=True):
    """All requests of one tier, language or editor."""

    name: str
    requests: int
    energy: Energy
    saved: Saved
    decided: int
    accepted: int


class LatencyPercentiles(Struct, frozen=True):
    """Latencies of one tier and kind of request, in milliseconds."""

    tier: str
    kind: str
    n: int
    first_token_p50: float | None
    total_p50: float | None
    total_p90: float | None
    total_p99: float | None


class CalibrationBin(Struct, frozen=True):
    """Requests with about the same predicted probability that the chosen tier's answer passes."""

    low: float
    high: float
    n: int
    predicted: float
    observed: float


class RecentRequest(Struct, frozen=True):
    """One line of the list of latest requests."""

    time: float
    kind: str
    language: str
    tier: str
    tier_kind: str
    reason: str
    completion_tokens: int | None
    total_ms: float | None
    total_j: float | None
    low_j: float | None
    high_j: float | None
    method: str | None
    saved_j: float | None
    outcome: str | None


class DashboardData(Struct, frozen=True):
    """Everything on the page for one span of time."""

    span: TimeSpan
    step_s: int
    meter: str
    summary: EnergySummary
    decided: int
    accepted: int
    bars: list[ChartBar]
    groups: dict[str, list[GroupTotals]]
    latencies: list[LatencyPercentiles]
    calibration: list[CalibrationBin]
    recent: list[RecentRequest]


def collect(connection: sqlite3.Connection, span: TimeSpan, now: datetime, meter: str) -> DashboardData:
    """The page's data. `meter` is a sentence about the meter in use."""
    since_s = 0.0 if span == "all" else now.timestamp() - SPAN_DAYS[span] * 86400
    table = _table(span)
    everything = ledger_summary.groups(connection, since_s)
    latest = _latest(connection, since_s)
    return DashboardData(
        span=span,
        step_s=SPANS[table],
        meter=meter,
        summary=ledger_summary.summary(connection, since_s),
        decided=sum(group.count("n_decided") for group in everything),
        accepted=sum(group.count("n_accepted") for group in everything),
        bars=_bars(connection, table, since_s, now),
        groups={title: _groups(everything, key) for title, key in GROUPED_BY.items()},
        latencies=_latencies(latest),
        calibration=_calibration(latest),
        recent=_recent(connection),
    )


def percentile(values: Iterable[float | None], share: float) -> float | None:
    """Nearest-rank percentile of the known values."""
    known = sorted(value for value in values if value is not None)
    return known[min(len(known) - 1, int(share * len(known)))] if known else None


def _table(span: TimeSpan) -> str:
    return {"1d": "energy_hour", "all": "energy_month"}.get(span, "energy_day")


def _bars(connection: sqlite3.Connection, table: str, since_s: float, now: datetime) -> list[ChartBar]:
    """One bar per step, empty ones included. For all time they begin at the first step with a request."""
    query = (
        "SELECT bucket, SUM(n), SUM(COALESCE(device_j, 0) + COALESCE(cloud_j, 0)), "  # noqa: S608 - own names
        f"SUM(wasted_j), SUM(saved_j) FROM {table} WHERE bucket >= ? GROUP BY bucket HAVING SUM(n) > 0 ORDER BY bucket"
    )
    step_s = SPANS[table]
    found = {line[0]: line for line in connection.execute(query, (int(since_s // step_s),))}
    if not found:
        return []
    first = min(found) if since_s == 0 else int(since_s // step_s)
    last = int(now.timestamp() // step_s)
    nothing = (0, 0, None, None, None)
    return [
        ChartBar(bucket * step_s, *found.get(bucket, nothing)[1:]) for bucket in range(first, max(last, max(found)) + 1)
    ]


def _groups(everything: list[RequestSums], key: str) -> list[GroupTotals]:
    names = sorted({group.text(key) for group in everything})
    parts = {name: [group for group in everything if group.text(key) == name] for name in names}
    made = [
        GroupTotals(
            name=name,
            requests=sum(group.count("n") for group in part),
            energy=ledger_summary.energy_of(part),
            saved=ledger_summary.saved_of(part, "saved", ""),
            decided=sum(group.count("n_decided") for group in part),
            accepted=sum(group.count("n_accepted") for group in part),
        )
        for name, part in parts.items()
    ]
    return sorted(made, key=lambda group: -group.requests)


def _latest(connection: sqlite3.Connection, since_s: float) -> list[tuple[str, str, float, float, str, str | None]]:
    return connection.execute(
        "SELECT tier, kind, first_token_ms, total_ms, scores, outcome FROM requests WHERE time >= ? "
        "ORDER BY time DESC LIMIT ?",
        (since_s, N_LATEST),
    ).fetchall()


def _latencies(latest: list[tuple[str, str, float, float, str, str | None]]) -> list[LatencyPercentiles]:
    keys = sorted({line[:2] for line in latest})
    made = []
    for tier, kind in keys:
        lines = [line for line in latest if line[:2] == (tier, kind)]
        totals = [line[3] for line in lines]
        made.append(
            LatencyPercentiles(
                tier=tier,
                kind=kind,
                n=len(lines),
                first_token_p50=percentile((line[2] for line in lines), 0.5),
                total_p50=percentile(totals, 0.5),
                total_p90=percentile(totals, 0.9),
                total_p99=percentile(totals, 0.99),
            )
        )
    return made


def _calibration(latest: list[tuple[str, str, float, float, str, str | None]]) -> list[CalibrationBin]:
    """The predicted P(pass) of the tier that answered, against the share of its answers that were accepted."""
    pairs: list[tuple[float, bool]] = []
    for tier, _, _, _, scores, outcome in latest:
        if outcome in (None, "offered", "cancelled", "failed"):
            continue
        score = msgspec.json.decode(scores, type=dict[str, TierScore]).get(tier)
        if score is not None and score.p_pass is not None:
            pairs.append((score.p_pass, outcome in ("accepted", "partially_accepted")))
    made = []
    for i in range(BINS):
        inside = [pair for pair in pairs if min(BINS - 1, int(pair[0] * BINS)) == i]
        if inside:
            predicted = sum(pair[0] for pair in inside) / len(inside)
            observed = sum(pair[1] for pair in inside) / len(inside)
            made.append(CalibrationBin(i / BINS, (i + 1) / BINS, len(inside), predicted, observed))
    return made


def _recent(connection: sqlite3.Connection) -> list[RecentRequest]:
    lines = connection.execute(
        "SELECT time, kind, COALESCE(language, ''), tier, tier_kind, reason, completion_tokens, total_ms, total_j, "
        "low_j, high_j, method, saved_j, outcome FROM requests ORDER BY time DESC LIMIT ?",
        (N_SHOWN,),
    )
    return [RecentRequest(*line) for line in lines]
