"""Routers that read uncertainty before anything is generated (the idea of the Confidence-Driven LLM Router, 2025).

A two-layer head over the frozen encoder learns whether the weak model passes; the request goes to the strong model
when the heads disagree. Ensemble: heads from five starts. Monte Carlo dropout: one head, thirty passes with its
dropout on. Thresholds are percentiles on training rows that the heads did not see. The mean of the same ensemble is
listed beside its variance, to show what the disagreement adds. Cost: the encoder and a few small products.
"""

from collections.abc import Callable

import numpy as np

from halfwatt.router_model.measures.evaluation import Array, Rows
from halfwatt.router_model.measures.family import PairData, RouterFamily, RoutingShares, by_threshold

from .soft_head import fit_head, head_scores

SHARES = (0.2, 0.4, 0.6, 0.8)
N_MEMBERS = 5
N_PASSES = 30
DROPOUT = 0.2
_HELD_SHARE = 0.2
Signal = Callable[[Array, Array, Array, int], Array]


def ensemble_probabilities(inputs: Array, labels: Array, queries: Array, seed: int) -> Array:
    """P(weak passes) by each member, shape `(N_MEMBERS, n_queries)`."""
    heads = [fit_head(inputs, labels, 1000 * seed + member) for member in range(N_MEMBERS)]
    return np.array([_sigmoid(head_scores(head, queries)) for head in heads])


def dropout_probabilities(inputs: Array, labels: Array, queries: Array, seed: int) -> Array:
    """P(weak passes) by each pass with dropout, shape `(N_PASSES, n_queries)`."""
    into, into_offset, out, out_offset = fit_head(inputs, labels, seed).averages
    hidden, random = np.maximum(queries @ into + into_offset, 0), np.random.default_rng(seed)
    dropout = (random.random((N_PASSES, *hidden.shape)) >= DROPOUT) / (1 - DROPOUT)
    return _sigmoid(((hidden * dropout) @ out + out_offset)[..., 0])


def by_shares(held_out: Array, on_test: Array) -> dict[str, Array]:
    """Strong where the signal exceeds the held rows' percentile, for each target share on the weak model."""
    return {f"{share:.0%} weak": by_threshold(on_test, float(np.quantile(held_out, share))) for share in SHARES}


def _ensemble(data: PairData, train: Rows, test: Rows, seed: int) -> RoutingShares:
    held_out, on_test = _split(ensemble_probabilities, data, train, test, seed)
    variance = by_shares(held_out.var(axis=0), on_test.var(axis=0))
    mean = by_shares(-held_out.mean(axis=0), -on_test.mean(axis=0))
    points = {f"variance, {name}": strong for name, strong in variance.items()}
    return RoutingShares({**points, **{f"mean, {name}": strong for name, strong in mean.items()}})


def _dropout_variance(data: PairData, train: Rows, test: Rows, seed: int) -> RoutingShares:
    held_out, on_test = _split(dropout_probabilities, data, train, test, seed)
    return RoutingShares(by_shares(held_out.var(axis=0), on_test.var(axis=0)))


def _split(signal: Signal, data: PairData, train: Rows, test: Rows, seed: int) -> tuple[Array, Array]:
    """The signal on held training rows and on test rows."""
    order = np.random.default_rng(seed).permutation(train)
    n_held = int(len(order) * _HELD_SHARE)
    held_out, fitted = order[:n_held], order[n_held:]
    centre, scale = data.meaning[fitted].mean(axis=0), data.meaning[fitted].std(axis=0) + 1e-6
    inputs = (data.meaning - centre) / scale
    probabilities = signal(inputs[fitted], data.pair.passed[fitted, 0], inputs[np.concatenate([held_out, test])], seed)
    return probabilities[:, :n_held], probabilities[:, n_held:]


def _sigmoid(scores: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-scores)))


FAMILIES = [
    RouterFamily("ensemble of heads", _ensemble, "confidence-driven router", quick=False),
    RouterFamily("Monte Carlo dropout, variance", _dropout_variance, "confidence-driven router", quick=False),
]
