"""The router's learner: ridge regression in the space of the kernel of `views.py`, all targets at once.

Targets may have holes (NaN): each target is learned from the requests that have it. Passing is regressed as a number
in 0…1 and calibrated by a straight line; tokens and joules as logarithms, brought back with the smearing factor that
makes the training mean right. Nothing here chooses a route.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
PASS_RIDGE = 2.0
COST_RIDGE = 0.6


@dataclass(frozen=True)
class Fit:
    """Coefficients `(n_support, n_targets)` and offsets; `left_out` are predictions without the own request."""

    coefficients: Array
    offset: Array
    left_out: Array


def fit(gram: Array, targets: Array, ridge: float) -> Fit:
    """Ridge regression on a kernel matrix between the support and itself.

    `ridge` is relative to the kernel's variance (its mean diagonal less its mean), so it means the same for every
    kernel. Leave-one-out predictions come from the closed form.
    """
    strength = ridge * float(np.mean(np.diag(gram)) - gram.mean())
    coefficients = np.zeros_like(targets)
    left_out = np.full_like(targets, np.nan)
    offset = np.nanmean(targets, axis=0)
    for group in _same_rows(targets):
        columns = np.asarray(group)
        rows = np.flatnonzero(~np.isnan(targets[:, columns[0]]))
        inverse = np.linalg.inv(gram[np.ix_(rows, rows)] + strength * np.eye(len(rows)))
        part = inverse @ (targets[np.ix_(rows, columns)] - offset[columns])
        coefficients[np.ix_(rows, columns)] = part
        left_out[np.ix_(rows, columns)] = targets[np.ix_(rows, columns)] - part / np.diag(inverse)[:, None]
    return Fit(coefficients, offset, left_out)


def predict(rows: Array, fitted: Fit) -> Array:
    """Predictions for kernel rows between requests and the support."""
    return rows @ fitted.coefficients + fitted.offset


def calibration(left_out: Array, actual: Array) -> Array:
    """Slope and intercept that make held-out predictions right on average, shape `(n_targets, 2)`.

    The slope is held between 0.5 and 1: stretching predictions beyond their own spread made held-out decisions worse.
    """
    lines = []
    for column in range(actual.shape[1]):
        known = ~np.isnan(actual[:, column])
        x, y = left_out[known, column], actual[known, column]
        slope = float(np.clip(np.cov(x, y)[0, 1] / max(1e-9, float(np.var(x))), 0.5, 1.0))
        lines.append((slope, float(y.mean() - slope * x.mean())))
    return np.array(lines)


def probabilities(raw: Array, lines: Array) -> Array:
    """Calibrated probabilities, kept between 0.02 and 0.98."""
    return np.clip(raw * lines[:, 0] + lines[:, 1], 0.02, 0.98)


def smearing(left_out_log: Array, actual: Array) -> Array:
    """Factor per target that turns exp(mean of log) into a mean (Duan's smearing, held-out)."""
    return np.nanmean(actual, axis=0) / np.nanmean(np.exp(left_out_log), axis=0)


def _same_rows(targets: Array) -> list[list[int]]:
    groups: dict[bytes, list[int]] = {}
    for column in range(targets.shape[1]):
        groups.setdefault(np.isnan(targets[:, column]).tobytes(), []).append(column)
    return list(groups.values())
