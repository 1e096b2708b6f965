"""Our stage 1 in the table: the learner that ships, trained anew on each fold.

λ is a run-time dial, so one training gives the whole curve. The points "best" and "66.5" use the λ that was best on
held-out predictions of the training rows alone. The controls with shuffled labels and random inputs are the same code.
"""

from dataclasses import dataclass

import numpy as np

from halfwatt.router_model.measures.evaluation import Array, PairOutcomes, Rows, point, reduction
from halfwatt.router_model.measures.family import PairData, RouterFamily, RoutingShares
from halfwatt.router_model.training import kernel_ridge, teacher
from halfwatt.router_model.training.views import Inputs, fit_scaling, fit_support, gram, kernel, scaled

LAMBDAS = (0.0, *np.geomspace(2e-4, 2e-2, 24).tolist())
TARGET_ACCURACY = 0.665
_STANDARD_ERRORS = 0.5
_CONFIDENT_ERRORS = 1.2816


@dataclass(frozen=True)
class GainEstimates:
    """Differences strong − weak: in the probability of passing and in joules; and P(pass) itself."""

    gain: Array
    cost_j: Array
    p_pass: Array


def route(data: PairData, train: Rows, test: Rows, seed: int) -> RoutingShares:
    """Stage 1 at every λ, and at the two λ chosen on the training rows."""
    held_out, on_test = estimate(data, train, test, seed)
    pair = PairOutcomes(data.pair.passed[train], data.pair.energy_j[train])
    strong = {f"λ={value:.5f}": choose(on_test, value) for value in LAMBDAS}
    strong["best"] = choose(on_test, best_lambda(pair, held_out))
    strong["66.5"] = choose(on_test, lambda_for_accuracy(pair, held_out, TARGET_ACCURACY))
    return RoutingShares(strong, on_test.p_pass)


def estimate(data: PairData, train: Rows, test: Rows, seed: int) -> tuple[GainEstimates, GainEstimates]:
    """Held-out estimates of the training rows, and estimates of the test rows."""
    passed, energy = data.pair.passed[train], data.pair.energy_j[train]
    labels = np.hstack([passed, np.log(energy)])
    expected = teacher.expectations(data.privileged[train], labels, seed)
    scaling = fit_scaling(data.inputs.take(train))
    support = fit_support(scaled(data.inputs.take(train), scaling))
    matrix = gram(support).astype(np.float64)
    rows = kernel(scaled(data.inputs.take(test), scaling), support).astype(np.float64)
    passing = kernel_ridge.fit(
        matrix, teacher.softened(passed, expected[:, :2], teacher.PASS_SHARE), kernel_ridge.PASS_RIDGE
    )
    costs = kernel_ridge.fit(
        matrix, teacher.softened(labels[:, 2:], expected[:, 2:], teacher.COST_SHARE), kernel_ridge.COST_RIDGE
    )
    lines = kernel_ridge.calibration(passing.left_out, passed)
    factor = kernel_ridge.smearing(costs.left_out, energy)
    return (
        _differences(kernel_ridge.probabilities(passing.left_out, lines), np.exp(costs.left_out) * factor),
        _differences(
            kernel_ridge.probabilities(kernel_ridge.predict(rows, passing), lines),
            np.exp(kernel_ridge.predict(rows, costs)) * factor,
        ),
    )


def choose(estimated: GainEstimates, lambda_per_j: float) -> Array:
    """1 where q̂ − λ·Ê is larger for the strong model."""
    return (estimated.gain - lambda_per_j * estimated.cost_j > 0).astype(np.float64)


def best_lambda(pair: PairOutcomes, held_out: GainEstimates) -> float:
    """λ with the largest reduction on held-out rows, the curve smoothed over three neighbours."""
    curve = [reduction(pair, choose(held_out, value)) for value in LAMBDAS]
    padded = np.pad(np.array(curve), 1, mode="edge")
    smooth = np.convolve(padded, np.full(3, 1 / 3), mode="valid")
    return LAMBDAS[int(np.argmax(smooth))]


def lambda_for_accuracy(pair: PairOutcomes, held_out: GainEstimates, accuracy: float) -> float:
    """The largest λ whose held-out accuracy reaches the target with half a standard error to spare; else 0."""
    reached = [value for value in LAMBDAS if _lower_accuracy(pair, choose(held_out, value)) >= accuracy]
    return max(reached, default=0.0)


def lambda_for_share(pair: PairOutcomes, held_out: GainEstimates, share: float) -> float:
    """The largest λ that keeps a share of the strong model's accuracy with 90 % confidence; else 0."""
    goal = share * float(pair.passed[:, 1].mean())
    reached = [v for v in LAMBDAS if _lower_accuracy(pair, choose(held_out, v), _CONFIDENT_ERRORS) >= goal]
    return max(reached, default=0.0)


def _lower_accuracy(pair: PairOutcomes, strong: Array, n_errors: float = _STANDARD_ERRORS) -> float:
    """Accuracy less some standard errors of what routing loses against always-strong."""
    lost = (1 - strong) * (pair.passed[:, 1] - pair.passed[:, 0])
    return point(pair, strong).accuracy - n_errors * float(lost.std()) / len(lost) ** 0.5


def _differences(p_pass: Array, energy_j: Array) -> GainEstimates:
    return GainEstimates(p_pass[:, 1] - p_pass[:, 0], energy_j[:, 1] - energy_j[:, 0], p_pass)


def _shuffled(data: PairData, train: Rows, test: Rows, seed: int) -> RoutingShares:
    order = np.random.default_rng(seed).permutation(train)
    passed, energy, privileged = data.pair.passed.copy(), data.pair.energy_j.copy(), data.privileged.copy()
    passed[train], energy[train], privileged[train] = passed[order], energy[order], privileged[order]
    moved = PairData(PairOutcomes(passed, energy), data.tokens, data.inputs, data.n_characters, privileged)
    return route(moved, train, test, seed)


def _random_inputs(data: PairData, train: Rows, test: Rows, seed: int) -> RoutingShares:
    random = np.random.default_rng(seed)
    noise = [random.normal(size=part.shape).astype(np.float32) for part in _parts(data.inputs)]
    inputs = Inputs(*noise)
    moved = PairData(data.pair, data.tokens, inputs, data.n_characters, data.privileged)
    return route(moved, train, test, seed)


def _parts(inputs: Inputs) -> list[np.ndarray]:
    return [inputs.words, inputs.grams, inputs.meaning, inputs.surface]


FAMILIES = [
    RouterFamily("shuffled labels", _shuffled, "control", quick=False),
    RouterFamily("random inputs", _random_inputs, "control", quick=False),
    RouterFamily("halfwatt, stage 1", route, "this project"),
]
