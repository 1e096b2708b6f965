"""One hour of the ledger as an OTLP metrics request: counts, joules and histograms, nothing else.

Pure: rows in, bytes out. Tier kind, method, kind and language are words from fixed lists. A row's own words (tier and
model names, reasons, editors, identifiers) are never in it. Times are full hours, and small groups are left out.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import get_args

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from halfwatt.daemon.ledger.rows import LedgerRow
from halfwatt.daemon.wire import Method, RequestKind, TierKind

from .consent import SCHEMA_VERSION

HOUR_S = 3600
SMALLEST_GROUP = 10  # requests; a smaller group is not sent
SMALLEST_BUCKET = 5  # requests; a smaller bucket of a histogram is not counted
LATENCY_BOUNDS_MS = (50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0, 10000.0)
LANGUAGES = frozenset(
    {"python", "javascript", "typescript", "javascriptreact", "typescriptreact", "go", "rust", "java", "c", "cpp"}
)
GroupKey = tuple[str, str, str, str]


@dataclass
class RequestGroup:
    """Requests of one tier kind, method, kind and language within the hour."""

    n: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    buckets: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS_MS) + 1))


def request_bytes(rows: Iterable[LedgerRow], hour: int, install_id: str, version: str) -> bytes | None:
    """The protobuf body for one hour (hours since 1970); None where no group is large enough to be sent."""
    groups = {key: group for key, group in sorted(_grouped(rows).items()) if group.n >= SMALLEST_GROUP}
    if not groups:
        return None
    attributes = {
        "service.name": "halfwatt",
        "service.version": version,
        "service.instance.id": install_id,
        "halfwatt.schema": str(SCHEMA_VERSION),
    }
    scope = ScopeMetrics(scope=InstrumentationScope(name="halfwatt"), metrics=_metrics(groups, hour))
    resource = Resource(attributes=[_pair(name, value) for name, value in attributes.items()])
    request = ExportMetricsServiceRequest(resource_metrics=[ResourceMetrics(resource=resource, scope_metrics=[scope])])
    return bytes(request.SerializeToString(deterministic=True))


def readable(body: bytes) -> str:
    """The same request as JSON, for people."""
    from google.protobuf import json_format  # type: ignore[import-untyped]  # ships without types

    return str(json_format.MessageToJson(ExportMetricsServiceRequest.FromString(body), indent=2))


def _grouped(rows: Iterable[LedgerRow]) -> dict[GroupKey, RequestGroup]:
    groups: dict[GroupKey, RequestGroup] = {}
    for row in rows:
        group = groups.setdefault(_key(row), RequestGroup())
        group.n += 1
        for name, value in _values(row).items():
            if value is not None:
                group.sums[name] = group.sums.get(name, 0.0) + value
        if row.total_ms is not None:
            group.buckets[bisect_left(LATENCY_BOUNDS_MS, row.total_ms)] += 1
    return groups


def _key(row: LedgerRow) -> GroupKey:
    """The row's group, in words from fixed lists only. What is not in them is "other"."""
    tier = row.tier_kind if row.tier_kind in get_args(TierKind) else "other"
    method = (row.method if row.method in get_args(Method) else "other") if row.method else "unknown"
    kind = row.kind if row.kind in get_args(RequestKind) else "other"
    language = (row.language if row.language in LANGUAGES else "other") if row.language else "none"
    return tier, method, kind, language


def _values(row: LedgerRow) -> dict[str, float | None]:
    return {
        "halfwatt.energy.used": row.total_j,
        "halfwatt.energy.wasted": row.wasted_j,
        "halfwatt.energy.saved": row.saved_j,
        "halfwatt.tokens": row.completion_tokens,
    }


def _metrics(groups: dict[GroupKey, RequestGroup], hour: int) -> list[Metric]:
    names = sorted({name for group in groups.values() for name in group.sums})
    counts = [_point(key, hour, float(group.n)) for key, group in groups.items()]
    made = [_sum("halfwatt.requests", "{request}", counts)]
    for name in names:
        unit = "{token}" if name.endswith("tokens") else "J"
        points = [_point(key, hour, group.sums[name]) for key, group in groups.items() if name in group.sums]
        made.append(_sum(name, unit, points))
    histogram = Histogram(
        data_points=[_histogram_point(key, hour, group) for key, group in groups.items()],
        aggregation_temporality=AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA,
    )
    made.append(Metric(name="halfwatt.latency", unit="ms", histogram=histogram))
    return made


def _sum(name: str, unit: str, points: list[NumberDataPoint]) -> Metric:
    delta = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
    return Metric(name=name, unit=unit, sum=Sum(data_points=points, aggregation_temporality=delta))


def _point(key: GroupKey, hour: int, value: float) -> NumberDataPoint:
    return NumberDataPoint(
        attributes=_attributes(key),
        start_time_unix_nano=hour * HOUR_S * 10**9,
        time_unix_nano=(hour + 1) * HOUR_S * 10**9,
        as_double=float(f"{value:.3g}"),
    )


def _histogram_point(key: GroupKey, hour: int, group: RequestGroup) -> HistogramDataPoint:
    counts = [n if n >= SMALLEST_BUCKET else 0 for n in group.buckets]
    return HistogramDataPoint(
        attributes=_attributes(key),
        start_time_unix_nano=hour * HOUR_S * 10**9,
        time_unix_nano=(hour + 1) * HOUR_S * 10**9,
        count=sum(counts),
        bucket_counts=counts,
        explicit_bounds=LATENCY_BOUNDS_MS,
    )


def _attributes(key: GroupKey) -> list[KeyValue]:
    return [_pair(name, word) for name, word in zip(("tier", "method", "kind", "language"), key, strict=True)]


def _pair(name: str, value: str) -> KeyValue:
    return KeyValue(key=name, value=AnyValue(string_value=value))
