"""The table's rows: run every router family over the same folds and measure what it does."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from .evaluation import (
    Array,
    Pair,
    Point,
    apgr,
    brier,
    calibration_error,
    cpt,
    folds,
    hull_area,
    interval,
    oracle,
    point,
    reduction,
)
from .families import Family, PairData
from .progress import tracked

CPU_WATTS_PER_CORE = 8.0  # modelled: a laptop or server core at full load


@dataclass(frozen=True)
class Measured:
    """A family's routings averaged over the repetitions, by operating point; held-out P(pass) where given."""

    family: Family
    strong: dict[str, Array]
    p_pass: Array | None
    fold_cpu_ms: float


def measure(family: Family, data: PairData, seeds: range) -> Measured:
    """Cross-validate one family: five folds by task, once per seed."""
    n_tasks = len(data.pair.passed)
    sums: dict[str, Array] = {}
    p_sum, has_p, spent_s = np.zeros((n_tasks, 2)), False, 0.0
    runs = [(seed, train, test) for seed in seeds for train, test in folds(n_tasks, seed)]
    for seed, train, test in tracked(runs, family.name, len(runs)):
        started = time.process_time()
        routed = family.route(data, train, test, seed)
        spent_s += time.process_time() - started
        for name, strong in routed.strong.items():
            sums.setdefault(name, np.zeros(n_tasks))[test] += strong / len(seeds)
        if routed.p_pass is not None:
            has_p = True
            p_sum[test] += routed.p_pass / len(seeds)
    return Measured(family, sums, p_sum if has_p else None, 1000 * spent_s / len(runs))


def rows_of(measured: Measured, pair: Pair, seconds: Array) -> list[dict[str, Any]]:
    """One row per operating point, in the shape of `halfwatt router bench --json`."""
    points = [point(pair, strong) for strong in measured.strong.values()]
    curve = _curve_columns(pair, points)
    quality = _quality_columns(measured, pair)
    best = reduction(pair, oracle(pair))
    return [
        {
            "router": measured.family.name,
            "setting": name,
            "source": measured.family.source,
            **point_columns(pair, strong, best),
            "accuracy_per_s": round(_per_second(pair, strong, seconds), 4),
            "published_reduction_pct": measured.family.published.get(name),
            **curve,
            **quality,
            "fold_cpu_ms": round(measured.fold_cpu_ms, 1),
        }
        for name, strong in measured.strong.items()
    ]


def point_columns(pair: Pair, strong: Array, best: float) -> dict[str, Any]:
    """Accuracy, joules, reduction with its interval, and the share of the oracle's reduction."""
    place = point(pair, strong)
    saved = reduction(pair, strong)
    low, high = interval(pair, strong)
    return {
        "accuracy_pct": round(100 * place.accuracy, 2),
        "energy_j": round(place.energy_j, 2),
        "weak_share_pct": round(100 * place.weak_share, 1),
        "reduction_pct": round(100 * saved, 2),
        "low": round(100 * low, 2),
        "high": round(100 * high, 2),
        "oracle_share_pct": round(100 * saved / best, 1),
    }


def _curve_columns(pair: Pair, points: list[Point]) -> dict[str, float | None]:
    values = {
        "hull_area": hull_area(pair, points),
        "apgr": apgr(pair, points),
        "cpt_50": cpt(pair, points, 0.5),
        "cpt_80": cpt(pair, points, 0.8),
    }
    return {name: None if np.isnan(value) else round(value, 4) for name, value in values.items()}


def _quality_columns(measured: Measured, pair: Pair) -> dict[str, float | None]:
    if measured.p_pass is None:
        return {"brier": None, "calibration_error": None}
    return {
        "brier": round(brier(measured.p_pass, pair.passed), 4),
        "calibration_error": round(calibration_error(measured.p_pass, pair.passed), 4),
    }


def _per_second(pair: Pair, strong: Array, seconds: Array) -> float:
    """J of the edge-cloud study: accuracy over runtime."""
    runtime = seconds[:, 0] + strong * (seconds[:, 1] - seconds[:, 0])
    return point(pair, strong).accuracy / float(runtime.mean())
