"""Queries over many rows of the ledger: sums, ranges, shares, rates.

They read the sums per hour, day and thirty days, and at the edges the rows themselves, so that a query over ten years
takes milliseconds. ledger.py owns the connection. Nothing here changes a row.

A summed column is in `SUMS` or `COUNTS` and in the three tables of sums, which migrations.py makes.
"""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, get_args

from halfwatt.daemon.energy.readings import WORST_FIRST, Reading
from halfwatt.daemon.errors import UsageError
from halfwatt.daemon.wire import Energy, EnergySummary, Method, Saved

SPANS = {"energy_hour": 3600, "energy_day": 86400, "energy_month": 30 * 86400}
KEYS = ("editor", "language", "kind", "tier", "tier_kind", "method", "meter", "cloud_meter", "reference")
COUNTS = ("n", "n_unknown", "n_decided", "n_accepted", "accepted_chars", "prompt_tokens", "completion_tokens")
SUMS = (
    *("router_j", "local_j", "cloud_j", "wasted_j", "gross_j"),
    *("device_j", "device_low_j", "device_high_j", "cloud_low_j", "cloud_high_j"),
    *("saved_j", "saved_low_j", "saved_high_j"),
    *("saved_local_j", "saved_local_low_j", "saved_local_high_j"),
)
_KEY_SQL = (
    "editor, COALESCE(language, '') AS language, kind, tier, tier_kind, "
    "COALESCE(method, 'unknown') AS method, meter, cloud_meter, reference"
)
_COUNT_SQL = (
    "1 AS n, total_j IS NULL AS n_unknown, "
    "outcome IS NOT NULL AND outcome <> 'offered' AS n_decided, "
    "outcome IS NOT NULL AND outcome IN ('accepted', 'partially_accepted') AS n_accepted, "
    "COALESCE(accepted_chars, 0) AS accepted_chars, COALESCE(prompt_tokens, 0) AS prompt_tokens, "
    "COALESCE(completion_tokens, 0) AS completion_tokens"
)
_COLUMNS = ", ".join((*KEYS, *COUNTS, *SUMS))
ONE_REQUEST = f"SELECT time, {_KEY_SQL}, {_COUNT_SQL}, {', '.join(SUMS)} FROM requests"  # noqa: S608 - own names


def _count_statement(table: str) -> str:
    """Add :sign times the request :id to its bucket. An unknown number leaves the bucket's sum as it is."""
    signed = ", ".join(f":sign * {name}" for name in (*COUNTS, *SUMS))
    updates = [f"{name} = {name} + excluded.{name}" for name in COUNTS]
    updates += [
        f"{name} = CASE WHEN excluded.{name} IS NULL THEN {name} ELSE COALESCE({name}, 0) + excluded.{name} END"
        for name in SUMS
    ]
    return (
        f"INSERT INTO {table} (bucket, {_COLUMNS}) "  # noqa: S608 - own names
        f"SELECT CAST(time / {SPANS[table]} AS INTEGER), {', '.join(KEYS)}, {signed} "
        f"FROM ({ONE_REQUEST} WHERE id = :id) WHERE true "
        f"ON CONFLICT DO UPDATE SET {', '.join(updates)}"
    )


COUNT_STATEMENTS = tuple(_count_statement(table) for table in SPANS)


@dataclass(frozen=True)
class RequestSums:
    """One group of requests: keys, counts and sums by column name. A sum is None where nothing in it is known."""

    values: dict[str, Any]

    def text(self, name: str) -> str:
        return str(self.values[name])

    def count(self, name: str) -> int:
        return int(self.values[name] or 0)

    def joules(self, name: str) -> float | None:
        value = self.values[name]
        return None if value is None else float(value)


def groups(connection: sqlite3.Connection, since_s: float, by: tuple[str, ...] = KEYS) -> list[RequestSums]:
    """Counts and sums since a moment, one group per combination of the keys `by`."""
    totals = ", ".join([f"SUM({name})" for name in (*COUNTS, *SUMS)])
    query, values = _window(since_s)
    chosen = ", ".join(by)
    lines = connection.execute(
        f"SELECT {chosen}, {totals} FROM ({query}) GROUP BY {chosen} HAVING SUM(n) > 0",  # noqa: S608 - own names
        values,
    )
    names = (*by, *COUNTS, *SUMS)
    return [RequestSums(dict(zip(names, line, strict=True))) for line in lines]


def summary(connection: sqlite3.Connection, since_s: float) -> EnergySummary:
    """`halfwatt energy --json` for all requests since a moment (epoch seconds)."""
    found = groups(connection, since_s)
    n = sum(group.count("n") for group in found)
    chars = sum(group.count("accepted_chars") for group in found)
    energy = energy_of(found)
    tiers = sorted({group.text("tier") for group in found})
    return EnergySummary(
        since=datetime.fromtimestamp(since_s, UTC).isoformat(),
        requests=n,
        energy=energy,
        saved=saved_of(found, "saved", ", ".join(sorted({group.text("reference") for group in found} - {""}))),
        by_tier={tier: energy_of([group for group in found if group.text("tier") == tier]) for tier in tiers},
        method_shares=_shares(found, n),
        saved_vs_local=saved_of(found, "saved_local", "always local"),
        j_per_accepted_char=None if not chars or energy.total_j is None else energy.total_j / chars,
    )


def energy_of(found: Iterable[RequestSums]) -> Energy:
    """Energy of several groups: the sum of everything that is known.

    Within one meter errors point the same way, so its lows and highs add up. Between meters they are independent and
    add in quadrature. This machine's meter and the cloud estimate are two meters."""
    found = list(found)
    device, cloud, router, local, wasted = (
        _total(found, name) for name in ("device_j", "cloud_j", "router_j", "local_j", "wasted_j")
    )
    if device is None and cloud is None:
        return Energy(router_j=router, local_j=local, wasted_j=wasted)
    total = (device or 0.0) + (cloud or 0.0)
    down, up = _deviation(
        found,
        (
            ("meter", "device_j", "device_low_j", "device_high_j"),
            ("cloud_meter", "cloud_j", "cloud_low_j", "cloud_high_j"),
        ),
    )
    return Energy(
        total_j=total,
        low_j=max(0.0, total - down),
        high_j=total + up,
        method=_worst(found),
        router_j=router,
        local_j=local,
        cloud_j=cloud,
        wasted_j=wasted,
    )


def saved_of(found: Iterable[RequestSums], prefix: str, reference: str) -> Saved:
    """Sum of the savings of several groups. Savings of one pair of meters and one reference err together."""
    found = list(found)
    total = _total(found, f"{prefix}_j")
    if total is None:
        return Saved(reference=reference)
    keys = ("meter", "cloud_meter", "reference")
    down, up = _deviation(
        [RequestSums({**group.values, "pair": "|".join(group.text(key) for key in keys)}) for group in found],
        (("pair", f"{prefix}_j", f"{prefix}_low_j", f"{prefix}_high_j"),),
    )
    return Saved(j=total, low_j=total - down, high_j=total + up, reference=reference)


def per_day(connection: sqlite3.Connection, n_days: int, now: datetime) -> list[tuple[str, float | None]]:
    """(ISO date, joules) of the last `n_days` UTC days up to now; None for a day without a known joule."""
    last = int(now.timestamp() // SPANS["energy_day"])
    query = (
        "SELECT bucket, SUM(COALESCE(device_j, 0) + COALESCE(cloud_j, 0)) FROM energy_day "
        "WHERE bucket > ? AND NOT (device_j IS NULL AND cloud_j IS NULL) GROUP BY bucket"
    )
    found: dict[int, float] = dict(connection.execute(query, (last - n_days,)))
    return [
        (datetime.fromtimestamp(day * 86400, UTC).date().isoformat(), found.get(day))
        for day in range(last - n_days + 1, last + 1)
    ]


def local_rate(connection: sqlite3.Connection, model: str, n_latest: int = 200) -> Reading | None:
    """Joules per completion token of a local model, over its answers among the latest requests."""
    lines = connection.execute(
        "SELECT SUM(device_j), SUM(device_low_j), SUM(device_high_j), SUM(completion_tokens), MAX(method), MAX(meter), "
        "MAX(meter_version) FROM (SELECT * FROM requests ORDER BY time DESC LIMIT ?) WHERE tier_kind = 'local' "
        "AND model = ? AND device_j IS NOT NULL AND completion_tokens > 0",
        (n_latest, model),
    ).fetchone()
    joules, low, high, n_tokens, method, meter, version = lines
    if not n_tokens:
        return None
    return Reading(joules / n_tokens, low / n_tokens, high / n_tokens, method, meter, version)


def today(now: datetime) -> float:
    """Epoch seconds of the last midnight in the moment's own time zone."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


def parse_since(text: str, now: datetime) -> float:
    """Epoch seconds of "7d", "24h", "today", "all" or an ISO date or time; UsageError for anything else."""
    word = text.strip().lower()
    if word in ("all", "today"):
        return 0.0 if word == "all" else today(now)
    span = re.fullmatch(r"(\d{1,6})([hdw])", word)
    if span:
        return max(0.0, now.timestamp() - int(span[1]) * {"h": 3600, "d": 86400, "w": 604800}[span[2]])
    try:
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)).timestamp()
    except (ValueError, OverflowError):
        raise UsageError(
            f"'{text}' is no time span. Give 24h, 7d, 4w, today, all or a date such as 2026-01-31."
        ) from None


def refill_bucket(connection: sqlite3.Connection, table: str, bucket: int, since_s: float) -> None:
    """Fill one bucket of an emptied table from its rows since a moment."""
    span_s = SPANS[table]
    totals = ", ".join(f"SUM({name})" for name in (*COUNTS, *SUMS))
    connection.execute(
        f"INSERT INTO {table} (bucket, {_COLUMNS}) SELECT ?, {', '.join(KEYS)}, {totals} "  # noqa: S608 - own names
        f"FROM ({ONE_REQUEST} WHERE time >= ? AND time < ?) GROUP BY {', '.join(KEYS)}",
        (bucket, max(since_s, bucket * span_s), (bucket + 1) * span_s),
    )


def _window(since_s: float) -> tuple[str, tuple[float, ...]]:
    """The sub-query for everything since a moment: rows to the next full hour, then sums per hour, day, thirty days."""
    hour, day, month = SPANS.values()
    hours_from = math.ceil(since_s / hour)
    days_from = math.ceil(hours_from * hour / day)
    months_from = math.ceil(days_from * day / month)
    parts = [
        f"SELECT {_COLUMNS} FROM ({ONE_REQUEST} WHERE time >= ? AND time < ?)",  # noqa: S608 - own names
        f"SELECT {_COLUMNS} FROM energy_hour WHERE bucket >= ? AND bucket < ?",  # noqa: S608 - own names
        f"SELECT {_COLUMNS} FROM energy_day WHERE bucket >= ? AND bucket < ?",  # noqa: S608 - own names
        f"SELECT {_COLUMNS} FROM energy_month WHERE bucket >= ?",  # noqa: S608 - own names
    ]
    edges = (since_s, hours_from * hour, hours_from, days_from * 24, days_from, months_from * 30, months_from)
    return " UNION ALL ".join(parts), edges


def _total(found: Iterable[RequestSums], name: str) -> float | None:
    known = [value for group in found if (value := group.joules(name)) is not None]
    return sum(known) if known else None


def _deviation(found: list[RequestSums], sides: tuple[tuple[str, str, str, str], ...]) -> tuple[float, float]:
    """How far below and above a sum the truth may lie: linear within a meter, in quadrature between meters."""
    by_meter: dict[str, tuple[float, float]] = {}
    for meter, middle, low, high in sides:
        for group in found:
            value = group.joules(middle)
            if value is None:
                continue
            below, above = by_meter.get(f"{meter}:{group.text(meter)}", (0.0, 0.0))
            by_meter[f"{meter}:{group.text(meter)}"] = (
                below + value - (group.joules(low) or 0.0),
                above + (group.joules(high) or 0.0) - value,
            )
    return (
        math.hypot(*(max(0.0, below) for below, _ in by_meter.values())),
        math.hypot(*(max(0.0, above) for _, above in by_meter.values())),
    )


def _shares(found: list[RequestSums], n: int) -> dict[str, float]:
    """Share of requests by method; "unknown" where no joule figure exists."""
    shares: dict[str, float] = {}
    for group in found:
        method = group.text("method")
        shares[method] = shares.get(method, 0.0) + group.count("n") / n
    return shares


def _worst(found: list[RequestSums]) -> Method | None:
    present = {group.text("method") for group in found} & set(get_args(Method))
    return next((method for method in WORST_FIRST if method in present), None)
