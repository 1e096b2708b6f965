"""Fitting the tables of stage 2: logistic regressions over draft statistics, one model at a time.

It needs scikit-learn. `serving/stage2.py` applies the tables and shares the functions that make their inputs.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from halfwatt.router_model.labelling.labels import STATISTICS
from halfwatt.router_model.serving.draft_stats import DraftStats
from halfwatt.router_model.serving.stage2 import DraftTable, Regression, logit, start_inputs, whole_inputs

Array = npt.NDArray[np.float64]
DraftTables = dict[str, DraftTable]
QUANTIZATION = "q4_k_m"
TEMPLATE = "chatml"
_PENALTY = 0.3


def fit_draft_tables(models: Sequence[str], statistics: Array, passed: Array, p_before: Array) -> DraftTables:
    """Tables by model key; `statistics` as `labels.local_statistics` gives it, `p_before` held-out estimates."""
    return {
        model: fit_table(models, column, statistics[:, column], passed, p_before) for column, model in enumerate(models)
    }


def fit_table(models: Sequence[str], column: int, statistics: Array, passed: Array, p_before: Array) -> DraftTable:
    """Regressions over the drafts of `models[column]`; `passed` and `p_before` have one column per model."""
    drafts = [stats_of(row) for row in statistics]
    whole = np.array([whole_inputs(*pair) for pair in zip(drafts, p_before[:, column], strict=True)])
    start = np.array(
        [
            start_inputs([stats.lp_first16_mean], stats.margin_first, p)
            for stats, p in zip(drafts, p_before[:, column], strict=True)
        ]
    )
    others = {
        model: _regress(np.column_stack([whole, [logit(p) for p in p_before[:, other]]]), passed[:, other])
        for other, model in enumerate(models)
        if other != column
    }
    return DraftTable(
        quantization=QUANTIZATION,
        template=TEMPLATE,
        whole=_regress(whole, passed[:, column]),
        start=_regress(start, passed[:, column]),
        others=others,
    )


def stats_of(row: Array) -> DraftStats:
    """One row of the outcome table as draft statistics."""
    values = dict(zip(STATISTICS, row.tolist(), strict=True))
    n_tokens = int(values.pop("completion_tokens"))
    below = int(values.pop("n_lp_below_minus_0_7"))
    return DraftStats(n_tokens=n_tokens, n_lp_below_minus_0_7=below, **values)


def _regress(inputs: Array, passed: Array) -> Regression:
    from sklearn.linear_model import LogisticRegression

    mean, scale = inputs.mean(axis=0), inputs.std(axis=0) + 1e-6
    standard = np.clip((inputs - mean) / scale, -4, 4)
    learned = LogisticRegression(C=_PENALTY, max_iter=1000).fit(standard, passed > 0.5)
    weights = (float(learned.intercept_[0]), *map(float, learned.coef_[0]))
    return Regression(weights, tuple(map(float, mean)), tuple(map(float, scale)))
