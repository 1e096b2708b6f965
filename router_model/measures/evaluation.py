"""The measures of the table: the straight line between two models, reduction, hull, APGR, CPT, calibration.

Pure arithmetic. A routing is, per task, the share of repetitions that went to the strong model, so repeated
cross-validation and random routers are the same thing. Formulas: the energy thesis for the reduction, RouteLLM for
APGR and CPT (here on a joule axis), RouterBench for the area under the hull.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
N_FOLDS = 5
N_BOOTSTRAP = 1000


@dataclass(frozen=True)
class PairOutcomes:
    """Outcomes of a weak (column 0) and a strong model (column 1), shapes `(n_tasks, 2)`."""

    passed: Array
    energy_j: Array

    def ends(self, weight: Array | None = None) -> tuple[float, float, float, float]:
        """Accuracy and joules of always-weak, then of always-strong."""
        w = np.ones(len(self.passed)) if weight is None else weight
        accuracy = w @ self.passed / w.sum()
        energy = w @ self.energy_j / w.sum()
        return float(accuracy[0]), float(energy[0]), float(accuracy[1]), float(energy[1])


@dataclass(frozen=True)
class Point:
    """Accuracy 0…1 and mean joules of one routing, and the share kept on the weak model."""

    accuracy: float
    energy_j: float
    weak_share: float


def folds(n_tasks: int, seed: int, n_folds: int = N_FOLDS) -> Iterator[tuple[Rows, Rows]]:
    """(training rows, test rows) of each fold; every task is tested once."""
    order = np.random.default_rng(seed).permutation(n_tasks)
    for fold in range(n_folds):
        test = np.sort(order[fold::n_folds])
        yield np.setdiff1d(np.arange(n_tasks), test), test


def point(pair: PairOutcomes, strong: Array, weight: Array | None = None) -> Point:
    """Where a routing lands; `strong` holds shares 0…1 per task."""
    w = np.ones(len(strong)) if weight is None else weight
    w = w / w.sum()
    accuracy = w @ (pair.passed[:, 0] + strong * (pair.passed[:, 1] - pair.passed[:, 0]))
    energy = w @ (pair.energy_j[:, 0] + strong * (pair.energy_j[:, 1] - pair.energy_j[:, 0]))
    return Point(float(accuracy), float(energy), float(1 - w @ strong))


def reduction(pair: PairOutcomes, strong: Array, weight: Array | None = None) -> float:
    """Share of energy saved against the straight line between the two models at the same accuracy."""
    a_weak, e_weak, a_strong, e_strong = pair.ends(weight)
    place = point(pair, strong, weight)
    alpha = (place.accuracy - a_weak) / (a_strong - a_weak)
    line = alpha * e_strong + (1 - alpha) * e_weak
    return (line - place.energy_j) / line


def interval(pair: PairOutcomes, strong: Array, seed: int = 0) -> tuple[float, float]:
    """95 % bootstrap interval of the reduction over tasks; the line's ends move with the sample."""
    return bootstrap(len(strong), lambda weights: reduction(pair, strong, weights), seed)


def bootstrap(n_tasks: int, statistic: Callable[[Array], float], seed: int = 0) -> tuple[float, float]:
    """95 % interval over tasks of what a statistic gives for how often each task was drawn, `(n_tasks,)`."""
    random = np.random.default_rng(seed)
    draws = random.multinomial(n_tasks, np.full(n_tasks, 1 / n_tasks), N_BOOTSTRAP).astype(float)
    low, high = np.percentile([statistic(draw) for draw in draws], (2.5, 97.5))
    return float(low), float(high)


def oracle(pair: PairOutcomes) -> Array:
    """The only correct model; the cheaper one on ties."""
    cheaper_strong = pair.energy_j[:, 1] < pair.energy_j[:, 0]
    only_strong = pair.passed[:, 1] > pair.passed[:, 0]
    tie = pair.passed[:, 1] == pair.passed[:, 0]
    return (only_strong | (tie & cheaper_strong)).astype(float)


def hull_area(pair: PairOutcomes, points: list[Point]) -> float:
    """Area under the upper convex hull of quality over energy between the two models, 0…1 accuracy units."""
    a_weak, e_weak, a_strong, e_strong = pair.ends()
    inside = [(p.energy_j, p.accuracy) for p in points] + [(e_weak, a_weak), (e_strong, a_strong)]
    hull = _upper_hull(sorted(inside))
    grid = np.linspace(e_weak, e_strong, 400)
    heights = np.interp(grid, [x for x, _ in hull], [y for _, y in hull])
    return float(np.maximum.accumulate(heights).mean())


def upper_hull(pair: PairOutcomes, routings: list[Array]) -> list[Array]:
    """The routings that no mixture of two others beats, from few joules to many, each more accurate than the last."""
    places = {(place.energy_j, place.accuracy): strong for strong in routings for place in (point(pair, strong),)}
    hull: list[tuple[float, float]] = []
    for place in _upper_hull(sorted(places)):
        if not hull or place[1] > hull[-1][1]:
            hull.append(place)
    return [places[place] for place in hull]


def apgr(pair: PairOutcomes, points: list[Point]) -> float:
    """Average share of the quality gap recovered over the joules between the two models; 0.5 is the line."""
    shares, recovered = _gap_curve(pair, points)
    grid = np.linspace(0, 1, 400)
    return float(np.interp(grid, shares, recovered).mean())


def cpt(pair: PairOutcomes, points: list[Point], recovered_share: float) -> float | None:
    """Share of the joules between the models that recovers a share of the quality gap; None if none does."""
    shares, recovered = _gap_curve(pair, points)
    grid = np.linspace(0, 1, 1001)
    reached = np.flatnonzero(np.interp(grid, shares, recovered) >= recovered_share)
    return float(grid[reached[0]]) if len(reached) else None


def brier(p: Array, passed: Array) -> float:
    """Mean squared error of probabilities."""
    return float(np.mean((p - passed) ** 2))


def calibration_error(p: Array, passed: Array, n_bins: int = 10) -> float:
    """Expected calibration error over bins of equal count."""
    order = np.argsort(p, axis=None)
    flat_p, flat_y = p.ravel()[order], passed.ravel()[order]
    parts = zip(np.array_split(flat_p, n_bins), np.array_split(flat_y, n_bins), strict=True)
    return float(sum(len(a) * abs(a.mean() - b.mean()) for a, b in parts) / len(flat_p))


def auroc(scores: Array, passed: Array) -> float:
    """Probability that a passing task scores above a failing one."""
    order = np.argsort(scores, kind="stable")
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    for value in np.unique(scores[_repeated(scores)]):
        ranks[scores == value] = ranks[scores == value].mean()
    n_passed = int(passed.sum())
    n_failed = len(passed) - n_passed
    return float((ranks[passed > 0].sum() - n_passed * (n_passed + 1) / 2) / (n_passed * n_failed))


def auroc_interval(scores: Array, passed: Array, seed: int = 0) -> tuple[float, float]:
    """95 % bootstrap interval over tasks."""
    random = np.random.default_rng(seed)
    picks = (random.integers(0, len(scores), len(scores)) for _ in range(400))
    values = [auroc(scores[rows], passed[rows]) for rows in picks]
    low, high = np.percentile(values, (2.5, 97.5))
    return float(low), float(high)


def _repeated(scores: Array) -> npt.NDArray[np.bool_]:
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    return np.asarray(counts[inverse] > 1)


def _upper_hull(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    hull: list[tuple[float, float]] = []
    for x, y in points:
        while len(hull) >= 2 and _turns_up(hull[-2], hull[-1], (x, y)):
            hull.pop()
        hull.append((x, y))
    return hull


def _turns_up(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]) >= 0


def _gap_curve(pair: PairOutcomes, points: list[Point]) -> tuple[Array, Array]:
    a_weak, e_weak, a_strong, e_strong = pair.ends()
    places = sorted([(p.energy_j, p.accuracy) for p in points] + [(e_weak, a_weak), (e_strong, a_strong)])
    shares = np.array([(x - e_weak) / (e_strong - e_weak) for x, _ in places])
    recovered = np.array([(y - a_weak) / (a_strong - a_weak) for _, y in places])
    return shares, recovered
