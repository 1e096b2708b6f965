"""The fine-tuned router of the edge-cloud study in the table, from its recorded held-out probabilities.

`recording/finetune.py` trained it once, on the folds of seed 0. The class with the larger probability decides, as
published; the other points are percentiles. Every repetition reads the same probabilities, which for each task came
from a model that had not seen it. Thresholds come from the repetition's training rows.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from halfwatt.router_model.labelling.labels import read_rows
from halfwatt.router_model.measures.evaluation import Array, PairOutcomes, Rows, bootstrap, interval, reduction
from halfwatt.router_model.measures.family import PairData, RouterFamily, RoutingShares

TABLE = Path(__file__).parents[1] / "data" / "published_finetuned.csv"
COLUMNS = ["task_id", "pair", "variant", "epochs", "p_weak"]
_SHARES = (0.2, 0.4, 0.6, 0.8)


def probabilities(pair: str, variant: str, n_tasks: int) -> Array:
    """Recorded P(weak passes) in task order."""
    rows = [row for row in read_rows(TABLE) if (row["pair"], row["variant"]) == (pair, variant)]
    if len(rows) != n_tasks:
        raise ValueError(f"the table has {len(rows)} rows for {pair}, {variant}; {n_tasks} are needed")
    return np.array([float(row["p_weak"]) for row in rows])


def variants(pair: str) -> list[str]:
    """What was recorded for a pair: `plain`, `augmented`."""
    if not TABLE.exists():
        return []
    return sorted({row["variant"] for row in read_rows(TABLE) if row["pair"] == pair}, reverse=True)


def routing_rate(p_weak: Array, passed: Array) -> float:
    """Share sent to the right engine: weak where it passes, strong where it does not."""
    return float(np.mean((p_weak > 0.5) == (passed > 0.5)))


def platform_accuracy(p_weak: Array, passed: Array) -> tuple[float | None, float | None, float]:
    """H_edge, H_cloud and H_overall: accuracy of what each model answered, and of all; None where it answered none."""
    weak = p_weak > 0.5
    edge, cloud = passed[weak, 0], passed[~weak, 1]
    return (
        float(edge.mean()) if len(edge) else None,
        float(cloud.mean()) if len(cloud) else None,
        float(np.where(weak, passed[:, 0], passed[:, 1]).mean()),
    )


def study_rows(task_ids: list[str], pair: PairOutcomes, seconds: Array) -> list[dict[str, Any]]:
    """The study's own columns for the measured pair, the reduction, and the gain over the plain variant.

    One row per recorded variant and data set.
    """
    sets = {name: np.array([task_id.startswith(name) for task_id in task_ids]) for name in ("HumanEval", "mbpp")}
    sets["both"] = np.ones(len(task_ids), dtype=bool)
    recorded = {variant: probabilities("energy", variant, len(task_ids)) for variant in variants("energy")}
    rows: list[dict[str, Any]] = []
    for variant, p_weak in recorded.items():
        for name, at in sets.items():
            some = PairOutcomes(pair.passed[at], pair.energy_j[at])
            named = {"variant": variant, "tasks": f"{name}, {int(at.sum())}"}
            plain = recorded["plain"][at] if variant != "plain" and "plain" in recorded else None
            rows.append({**named, **_study_row(p_weak[at], some, seconds[at]), **gained(p_weak[at], plain, some)})
    return rows


def gained(p_weak: Array, plain: Array | None, pair: PairOutcomes) -> dict[str, str | None]:
    """Points of routing rate and of reduction above the plain variant, each with a paired 95 % bootstrap interval."""
    if plain is None:
        return {"routing rate above plain": None, "red. above plain": None}
    right = [((p > 0.5) == (pair.passed[:, 0] > 0.5)).astype(float) for p in (p_weak, plain)]
    strong = [(p <= 0.5).astype(float) for p in (p_weak, plain)]
    return {
        "routing rate above plain": _points(len(plain), lambda w: float(w @ (right[0] - right[1]) / w.sum())),
        "red. above plain": _points(
            len(plain), lambda w: reduction(pair, strong[0], w) - reduction(pair, strong[1], w)
        ),
    }


def _points(n_tasks: int, difference: Callable[[Array], float]) -> str:
    low, high = bootstrap(n_tasks, difference)
    return f"{100 * difference(np.ones(n_tasks)):.1f} ({100 * low:.1f} to {100 * high:.1f})"


def _study_row(p_weak: Array, pair: PairOutcomes, seconds: Array) -> dict[str, Any]:
    weak = p_weak > 0.5
    edge, cloud, overall = platform_accuracy(p_weak, pair.passed)
    saved = reduction(pair, (~weak).astype(float))
    low, high = interval(pair, (~weak).astype(float))
    return {
        "to the weak model %": _percent(float(weak.mean())),
        "routing rate %": _percent(routing_rate(p_weak, pair.passed[:, 0])),
        "H_edge %": _percent(edge),
        "H_cloud %": _percent(cloud),
        "H_overall %": _percent(overall),
        "J": round(overall / float(np.where(weak, seconds[:, 0], seconds[:, 1]).mean()), 3),
        "red. % (95 %)": f"{100 * saved:.1f} ({100 * low:.1f} to {100 * high:.1f})",
    }


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 1)


def by_probability(p_weak: Array, train: Rows, test: Rows) -> dict[str, Array]:
    """The larger class, and percentiles of the training rows for shares on the weak model."""
    strong = {"p > 0.5": (p_weak[test] <= 0.5).astype(float)}
    for share in _SHARES:
        limit = np.quantile(p_weak[train], 1 - share)
        strong[f"{share:.0%} weak"] = (p_weak[test] < limit).astype(float)
    return strong


def _family(pair: str, variant: str, epochs: str) -> RouterFamily:
    def route(data: PairData, train: Rows, test: Rows, seed: int) -> RoutingShares:
        return RoutingShares(by_probability(probabilities(pair, variant, len(data.pair.passed)), train, test))

    return RouterFamily(f"fine-tuned encoder, {variant}, {epochs} epochs", route, "edge-cloud study", quick=False)


def families_of(pair: str) -> list[RouterFamily]:
    """One router per recorded variant. Its name holds its epochs, so that checkpoints of other epochs are not used."""
    rows = read_rows(TABLE) if variants(pair) else ()
    epochs = {row["variant"]: row["epochs"] for row in rows if row["pair"] == pair}
    return [_family(pair, variant, epochs[variant]) for variant in variants(pair)]
