"""The router's learner: ridge regression in the space of the kernel of `views.py`, all targets at once.

Each target is learned from the requests for which it is known. Passing is regressed as a number in 0…1 and calibrated
by a straight line. Tokens and joules are regressed as logarithms and brought back with the smearing factor that makes
the training mean right. Nothing here chooses a route.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
PASS_RIDGE = 2.0
COST_RIDGE = 0.6


@dataclass(frozen=True)
class Fit:
    """Coefficients `(n_support, n_targets)` and offsets.

    `left_out`: each request's prediction from all others, 0 where the target is not known.
    """

    coefficients: Array
    offset: Array
    left_out: Array


def fit(gram: Array, targets: Array, ridge: float, known: Mask | None = None) -> Fit:
    """Ridge regression on a kernel matrix between the support and itself.

    `known` says which of the targets are known, by default all. `ridge` is relative to the kernel's variance (its mean
    diagonal less its mean), so it means the same for every kernel. Leave-one-out predictions come from the closed form.
    """
    strength = ridge * float(np.mean(np.diag(gram)) - gram.mean())
    known = np.ones(targets.shape, dtype=bool) if known is None else known
    coefficients, left_out = np.zeros_like(targets), np.zeros_like(targets)
    offset = mean_of_known(targets, known)
    for group in _same_rows(known):
        columns = np.asarray(group)
        rows = np.flatnonzero(known[:, columns[0]])
        inverse = np.linalg.inv(gram[np.ix_(rows, rows)] + strength * np.eye(len(rows)))
        part = inverse @ (targets[np.ix_(rows, columns)] - offset[columns])
        coefficients[np.ix_(rows, columns)] = part
        left_out[np.ix_(rows, columns)] = targets[np.ix_(rows, columns)] - part / np.diag(inverse)[:, None]
    return Fit(coefficients, offset, left_out)


def predict(rows: Array, fitted: Fit) -> Array:
    """Predictions for kernel rows between requests and the support."""
    return rows @ fitted.coefficients + fitted.offset


def calibration(left_out: Array, actual: Array, known: Mask | None = None) -> Array:
    """Slope and intercept that make held-out predictions right on average, shape `(n_targets, 2)`.

    The slope stays between 0.5 and 1: stretching predictions beyond their own spread made held-out decisions worse.
    """
    known = np.ones(actual.shape, dtype=bool) if known is None else known
    lines = []
    for column in range(actual.shape[1]):
        rows = known[:, column]
        x, y = left_out[rows, column], actual[rows, column]
        slope = float(np.clip(np.cov(x, y)[0, 1] / max(1e-9, float(np.var(x))), 0.5, 1.0))
        lines.append((slope, float(y.mean() - slope * x.mean())))
    return np.array(lines)


def probabilities(raw: Array, lines: Array) -> Array:
    """Calibrated probabilities between 0.02 and 0.98."""
    return np.clip(raw * lines[:, 0] + lines[:, 1], 0.02, 0.98)


def smearing(left_out_log: Array, actual: Array, known: Mask | None = None) -> Array:
    """Factor per target that turns exp(mean of log) into a mean (Duan's smearing, held-out)."""
    known = np.ones(actual.shape, dtype=bool) if known is None else known
    return mean_of_known(actual, known) / mean_of_known(np.exp(left_out_log), known)


def mean_of_known(values: Array, known: Mask) -> Array:
    """Mean of each column over its known rows, shape `(n_columns,)`."""
    return np.asarray(np.where(known, values, 0.0).sum(axis=0) / known.sum(axis=0))


def _same_rows(known: Mask) -> list[list[int]]:
    """Columns by the rows in which they are known."""
    groups: dict[bytes, list[int]] = {}
    for column in range(known.shape[1]):
        groups.setdefault(known[:, column].tobytes(), []).append(column)
    return list(groups.values())
