"""The table's rows: what every router does on the same folds, in the measures of `measures/evaluation.py`.

It trains nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from halfwatt.router_model.measures.evaluation import (
    N_FOLDS,
    Array,
    PairOutcomes,
    Point,
    Rows,
    apgr,
    brier,
    calibration_error,
    cpt,
    hull_area,
    interval,
    oracle,
    point,
    reduction,
    upper_hull,
)
from halfwatt.router_model.measures.family import PairData, RouterFamily, RoutingShares

from .runs import Repetition

OWN = ("control", "this project")
CPU_WATTS_PER_CORE = 8.0  # modelled: a laptop or server core at full load


@dataclass(frozen=True)
class AveragedRouting:
    """A family's routings averaged over the repetitions, by operating point; held-out P(pass) where given."""

    family: RouterFamily
    strong: dict[str, Array]
    p_pass: Array | None
    fold_cpu_ms: float


def average(family: RouterFamily, repetitions: Sequence[Repetition]) -> AveragedRouting:
    """Means over the repetitions of one family."""
    names = repetitions[0].strong
    strong = {name: np.mean([each.strong[name] for each in repetitions], axis=0) for name in names}
    given = [each.p_pass for each in repetitions if each.p_pass is not None]
    cpu_ms = 1000 * sum(each.cpu_s for each in repetitions) / (N_FOLDS * len(repetitions))
    return AveragedRouting(family, strong, np.mean(given, axis=0) if given else None, cpu_ms)


def hull_of(measured: Sequence[AveragedRouting], pair: PairOutcomes, accuracies: Sequence[float]) -> AveragedRouting:
    """Mixtures along the convex hull of all routers of other people, at given accuracies.

    A request goes by chance to one of two neighbouring points of the hull. The hull is read off the measured points
    themselves, so this row is optimistic: it bounds what a combination of published routers could do.
    """
    weak = np.zeros(len(pair.passed))
    known = [strong for each in measured if each.family.source not in OWN for strong in each.strong.values()]
    vertices = upper_hull(pair, [weak, *known, weak + 1])
    accuracy = [point(pair, strong).accuracy for strong in vertices]
    strong = {}
    for goal in accuracies:
        right = min(int(np.searchsorted(accuracy, goal)), len(accuracy) - 1)
        left = max(right - 1, 0)
        share = (goal - accuracy[left]) / max(1e-9, accuracy[right] - accuracy[left])
        strong[f"{100 * goal:g} %"] = (1 - share) * vertices[left] + share * vertices[right]
    return AveragedRouting(
        RouterFamily("convex hull of the published", _no_route, "published, mixed"), strong, None, 0.0
    )


def rows_of(measured: AveragedRouting, pair: PairOutcomes, seconds: Array) -> list[dict[str, Any]]:
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


def point_columns(pair: PairOutcomes, strong: Array, best: float) -> dict[str, Any]:
    """Accuracy, joules and reduction with its interval; the reduction's share of the oracle's, and the gap to it."""
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
        "gap_to_oracle": round(100 * (best - saved), 2),
    }


def _curve_columns(pair: PairOutcomes, points: list[Point]) -> dict[str, float | None]:
    values = {
        "hull_area": hull_area(pair, points),
        "apgr": apgr(pair, points),
        "cpt_50": cpt(pair, points, 0.5),
        "cpt_80": cpt(pair, points, 0.8),
    }
    return {name: None if value is None else round(value, 4) for name, value in values.items()}


def _quality_columns(measured: AveragedRouting, pair: PairOutcomes) -> dict[str, float | None]:
    if measured.p_pass is None:
        return {"brier": None, "calibration_error": None}
    return {
        "brier": round(brier(measured.p_pass, pair.passed), 4),
        "calibration_error": round(calibration_error(measured.p_pass, pair.passed), 4),
    }


def _per_second(pair: PairOutcomes, strong: Array, seconds: Array) -> float:
    """J of the edge-cloud study: accuracy over runtime."""
    runtime = seconds[:, 0] + strong * (seconds[:, 1] - seconds[:, 0])
    return point(pair, strong).accuracy / float(runtime.mean())


def _no_route(data: PairData, train: Rows, test: Rows, seed: int) -> RoutingShares:
    raise ValueError("The hull is made of measured routers; it routes nothing itself.")
