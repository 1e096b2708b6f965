"""Measures of routings that may pay for more than one answer: what a policy that drafts spends and gets.

A draft that is thrown away, samples, self-written tests and their runs all count in `energy_j`. The straight line and
the reduction are those of `evaluation.py`. Pure arithmetic; it routes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .evaluation import Array, Mask, PairOutcomes, Rows

_N_BOOTSTRAP = 1000


@dataclass(frozen=True)
class Spending:
    """Per task: share of runs whose final answer passed, joules of everything, share answered by the weak model.

    `known` is False for tasks that the router cannot be measured on, for want of recordings; the others hold 0 there.
    """

    passed: Array
    energy_j: Array
    weak: Array
    known: Mask

    def take(self, rows: Rows) -> "Spending":
        """The same of some tasks."""
        return Spending(self.passed[rows], self.energy_j[rows], self.weak[rows], self.known[rows])


def routed(pair: PairOutcomes, strong: Array) -> Spending:
    """A choice before generation: each task pays for one answer."""
    return Spending(
        pair.passed[:, 0] + strong * (pair.passed[:, 1] - pair.passed[:, 0]),
        pair.energy_j[:, 0] + strong * (pair.energy_j[:, 1] - pair.energy_j[:, 0]),
        1 - strong,
        _everywhere(pair),
    )


def drafted(pair: PairOutcomes, escalated: Array, checks_j: Array | float = 0.0) -> Spending:
    """The weak model always answers; its joules and those of the checks are spent either way."""
    return Spending(
        np.where(escalated > 0, pair.passed[:, 1], pair.passed[:, 0]),
        pair.energy_j[:, 0] + checks_j + escalated * pair.energy_j[:, 1],
        1 - escalated,
        _everywhere(pair),
    )


def reduction(pair: PairOutcomes, spent: Spending, weight: Array | None = None) -> float:
    """Share of energy saved against the straight line at the same accuracy; below the weak model's it extrapolates."""
    w = np.ones(len(spent.passed)) if weight is None else weight
    a_weak, e_weak, a_strong, e_strong = pair.ends(weight)
    accuracy, energy = float(w @ spent.passed / w.sum()), float(w @ spent.energy_j / w.sum())
    alpha = (accuracy - a_weak) / (a_strong - a_weak)
    line = alpha * e_strong + (1 - alpha) * e_weak
    return (line - energy) / line


def interval(pair: PairOutcomes, spent: Spending) -> tuple[float, float]:
    """95 % bootstrap interval of the reduction over tasks; the line's ends move with the sample."""
    weights = _weights(len(spent.passed))
    a_weak, a_strong = weights @ pair.passed[:, 0], weights @ pair.passed[:, 1]
    e_weak, e_strong = weights @ pair.energy_j[:, 0], weights @ pair.energy_j[:, 1]
    line_exists = a_strong != a_weak  # in a small sample of few tasks both models may pass as many
    with np.errstate(divide="ignore", invalid="ignore"):
        alpha = (weights @ spent.passed - a_weak) / (a_strong - a_weak)
        line = alpha * e_strong + (1 - alpha) * e_weak
        gains = (line - weights @ spent.energy_j) / line
    low, high = np.percentile(gains[line_exists], (2.5, 97.5))
    return float(low), float(high)


def against(curve: Mapping[str, Spending], spent: Spending) -> tuple[float, float, float]:
    """Joules that a curve needs at a point's accuracy, as a share more (+) or less (−) than the point's.

    The last two numbers are a paired 95 % interval. At each accuracy counts the least joules with which the curve
    reaches it, between its points in a straight line. Beyond the curve its last point counts. Positive: the published
    point is better than the curve.
    """
    weights = np.vstack([np.full(len(spent.passed), 1 / len(spent.passed)), _weights(len(spent.passed))])
    accuracy = weights @ np.column_stack([one.passed for one in curve.values()])
    energy = weights @ np.column_stack([one.energy_j for one in curve.values()])
    own_accuracy, own_energy = weights @ spent.passed, weights @ spent.energy_j
    gaps = [_needed(*row) for row in zip(accuracy, energy, own_accuracy, strict=True)] / own_energy - 1
    low, high = np.percentile(gaps[1:], (2.5, 97.5))
    return float(gaps[0]), float(low), float(high)


def _everywhere(pair: PairOutcomes) -> Mask:
    return np.ones(len(pair.passed), dtype=bool)


def _needed(accuracy: Array, energy: Array, wanted: float) -> float:
    order = np.argsort(accuracy)
    reached, least = accuracy[order], np.minimum.accumulate(energy[order][::-1])[::-1]
    return float(np.interp(wanted, reached, least))


def _weights(n_tasks: int) -> Array:
    random = np.random.default_rng(0)
    return random.multinomial(n_tasks, np.full(n_tasks, 1 / n_tasks), size=_N_BOOTSTRAP) / n_tasks
