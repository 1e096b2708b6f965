"""The two-layer head over a frozen encoder with soft labels (the MBPP routing study), standard and brevity-aware.

p(x) ≈ P(q(small) − q(large) ≥ t), small if p ≥ τ. t is the shift that spreads the labels most, τ a percentile for a
target share. Left out: their text augmentation. With one greedy sample per model a "soft" label is 0 or 1.
"""

from dataclasses import dataclass

import numpy as np

from halfwatt.router_model.measures.evaluation import Array, Rows
from halfwatt.router_model.measures.family import PairData, RouterFamily, RoutingShares

SHARES = (0.2, 0.4, 0.6, 0.8)
_WIDTH = 384
_DROPOUT = 0.2
_EPOCHS = 5
_COPIES = 4  # the study trains on four augmented copies; here the same text is seen as often
_BATCH = 32
_RATE = 1e-3
_DECAY = 0.999


@dataclass
class _Head:
    """Weights of input → hidden (ReLU) → logit, with their Adam moments and moving averages."""

    weights: list[Array]
    averages: list[Array]
    first: list[Array]
    second: list[Array]
    step: int = 0


def fit_head(inputs: Array, labels: Array, seed: int) -> _Head:
    """Binary cross-entropy with soft labels, Adam, dropout, exponential moving average of the weights."""
    random = np.random.default_rng(seed)
    width = inputs.shape[1]
    start = [
        random.normal(0, (2 / width) ** 0.5, (width, _WIDTH)),
        np.zeros(_WIDTH),
        random.normal(0, (1 / _WIDTH) ** 0.5, (_WIDTH, 1)),
        np.zeros(1),
    ]
    zeros = [np.zeros_like(part) for part in start]
    head = _Head(start, [part.copy() for part in start], zeros, [part.copy() for part in zeros])
    for _ in range(_EPOCHS * _COPIES):
        order = random.permutation(len(inputs))
        for begin in range(0, len(order), _BATCH):
            rows = order[begin : begin + _BATCH]
            _update(head, inputs[rows], labels[rows], random)
    return head


def head_scores(head: _Head, inputs: Array) -> Array:
    """Logits of the averaged weights."""
    hidden = np.maximum(inputs @ head.averages[0] + head.averages[1], 0)
    return np.asarray((hidden @ head.averages[2] + head.averages[3])[:, 0])


def best_shift(gaps: Array) -> float:
    """t with the largest mean absolute difference between the labels of two tasks: Σ|y_i − y_j| / N²."""
    shifts = np.unique(gaps)
    spread = [2 * share * (1 - share) for share in (np.mean(gaps >= shift) for shift in shifts)]
    return float(shifts[int(np.argmax(spread))])


def quality_gap(data: PairData, brevity: bool) -> Array:
    """q(small) − q(large); ties are broken for fewer tokens when brevity counts."""
    gap = data.pair.passed[:, 0] - data.pair.passed[:, 1]
    if not brevity:
        return np.asarray(gap)
    return np.asarray(gap + 0.5 * np.sign(data.tokens[:, 1] - data.tokens[:, 0]) * (gap == 0))


def _route(data: PairData, train: Rows, test: Rows, seed: int, brevity: bool) -> RoutingShares:
    gaps = quality_gap(data, brevity)
    labels = (gaps[train] >= best_shift(gaps[train])).astype(float)
    centre, scale = data.meaning[train].mean(axis=0), data.meaning[train].std(axis=0) + 1e-6
    order = np.random.default_rng(seed).permutation(len(train))
    fitted, validation = order[len(order) // 5 :], order[: len(order) // 5]
    inputs = (data.meaning - centre) / scale
    head = fit_head(inputs[train][fitted], labels[fitted], seed)
    held_out = head_scores(head, inputs[train][validation])
    on_test = head_scores(head, inputs[test])
    return RoutingShares(
        {f"{share:.0%} weak": (on_test < np.quantile(held_out, 1 - share)).astype(float) for share in SHARES}
    )


def _standard(data: PairData, train: Rows, test: Rows, seed: int) -> RoutingShares:
    return _route(data, train, test, seed, brevity=False)


def _brevity(data: PairData, train: Rows, test: Rows, seed: int) -> RoutingShares:
    return _route(data, train, test, seed, brevity=True)


def _update(head: _Head, inputs: Array, labels: Array, random: np.random.Generator) -> None:
    before = inputs @ head.weights[0] + head.weights[1]
    dropout = (random.random(before.shape) >= _DROPOUT) / (1 - _DROPOUT)
    hidden = np.maximum(before, 0) * dropout
    p = 1 / (1 + np.exp(-(hidden @ head.weights[2] + head.weights[3])[:, 0]))
    error = ((p - labels) / len(labels))[:, None]
    back = (error @ head.weights[2].T) * dropout * (before > 0)
    slopes = [inputs.T @ back, back.sum(axis=0), hidden.T @ error, error.sum(axis=0)]
    head.step += 1
    for index, slope in enumerate(slopes):
        head.first[index] = 0.9 * head.first[index] + 0.1 * slope
        head.second[index] = 0.999 * head.second[index] + 0.001 * slope**2
        mean = head.first[index] / (1 - 0.9**head.step)
        square = head.second[index] / (1 - 0.999**head.step)
        head.weights[index] = head.weights[index] - _RATE * mean / (np.sqrt(square) + 1e-8)
        decay = min(_DECAY, (1 + head.step) / (10 + head.step))  # warmed up, else the start would weigh most
        head.averages[index] = decay * head.averages[index] + (1 - decay) * head.weights[index]


FAMILIES = [
    RouterFamily("soft-label head", _standard, "MBPP study"),
    RouterFamily("soft-label head, brevity", _brevity, "MBPP study", quick=False),
]
