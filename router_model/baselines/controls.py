"""The rows that need no learning, and the one that knows only the prompt's length."""

import numpy as np

from halfwatt.router_model.measures.evaluation import PairOutcomes, Rows, oracle
from halfwatt.router_model.measures.family import PairData, RouterFamily, RoutingShares

_SHARES = (0.2, 0.4, 0.6, 0.8)
_LENGTH_LAMBDAS = (0.0, *np.geomspace(2e-4, 2e-2, 12).tolist())


def _always(share: float, data: PairData, train: Rows, test: Rows, seed: int) -> RoutingShares:
    return RoutingShares({"": np.full(len(test), share)})


def _weak(data: PairData, train: Rows, test: Rows, seed: int) -> RoutingShares:
    return _always(0.0, data, train, test, seed)


def _strong(data: PairData, train: Rows, test: Rows, seed: int) -> RoutingShares:
    return _always(1.0, data, train, test, seed)


def _random(data: PairData, train: Rows, test: Rows, seed: int) -> RoutingShares:
    return RoutingShares({f"{share:.0%} strong": np.full(len(test), share) for share in _SHARES})


def _oracle(data: PairData, train: Rows, test: Rows, seed: int) -> RoutingShares:
    return RoutingShares({"": oracle(PairOutcomes(data.pair.passed[test], data.pair.energy_j[test]))})


def _perfect(data: PairData, train: Rows, test: Rows, seed: int) -> RoutingShares:
    """Knows every outcome and every joule before generation: the ceiling of any pre-router, by λ."""
    gain = data.pair.passed[test, 1] - data.pair.passed[test, 0]
    cost_j = data.pair.energy_j[test, 1] - data.pair.energy_j[test, 0]
    return RoutingShares({f"λ={value:.5f}": (gain - value * cost_j > 0).astype(float) for value in _LENGTH_LAMBDAS})


def _length(data: PairData, train: Rows, test: Rows, seed: int) -> RoutingShares:
    """Straight lines over the logarithm of the prompt's length, then the same rule as ours."""
    design = np.column_stack([np.ones(len(data.n_characters)), np.log1p(data.n_characters)])
    targets = np.hstack([data.pair.passed, np.log(data.pair.energy_j)])
    lines, *_ = np.linalg.lstsq(design[train], targets[train], rcond=None)
    predicted = design[test] @ lines
    factor = data.pair.energy_j[train].mean(axis=0) / np.exp(design[train] @ lines)[:, 2:].mean(axis=0)
    energy = np.exp(predicted[:, 2:]) * factor
    gain, cost_j = predicted[:, 1] - predicted[:, 0], energy[:, 1] - energy[:, 0]
    strong = {f"λ={value:.5f}": (gain - value * cost_j > 0).astype(float) for value in _LENGTH_LAMBDAS}
    return RoutingShares(strong, np.clip(predicted[:, :2], 0.02, 0.98))


FAMILIES = [
    RouterFamily("always weak", _weak, "control"),
    RouterFamily("always strong", _strong, "control"),
    RouterFamily("random; zero router", _random, "control"),
    RouterFamily("oracle", _oracle, "control"),
    RouterFamily("perfect pre-router", _perfect, "control"),
    RouterFamily("length only", _length, "control"),
]
