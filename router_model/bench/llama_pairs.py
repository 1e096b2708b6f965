"""The MBPP routing study's protocol on Llama-3 1B, 8B and 70B.

The router learns from the train rows' soft labels P(small wins). Thresholds are percentiles of the validation rows'
scores for a target share on the small model. Measured on the test rows is the gap in tests passed to all-large, beside
a random router's at the realised share, with a paired bootstrap over tasks.
"""

from pathlib import Path
from typing import Any

import numpy as np

from halfwatt.router_model.labelling.labels import LLAMA_MODELS, llama_outcomes, llama_soft_labels, llama_splits
from halfwatt.router_model.measures.evaluation import N_BOOTSTRAP, Array
from halfwatt.router_model.training import kernel_ridge
from halfwatt.router_model.training.views import Inputs, fit_scaling, fit_support, gram, kernel, scaled

SHARES = (0.2, 0.4, 0.6, 0.8)
PAIRS = {"1b_8b": (0, 1), "8b_70b": (1, 2), "1b_70b": (0, 2)}
QUALITIES = ("standard", "brevity")
PUBLISHED = {"8b_70b": (-0.7, 1.5, 4.9, 7.3), "1b_8b": (-4.9, -7.9, -10.9, -15.7)}


def measure(data_dir: Path, names: list[str], inputs: Inputs) -> list[dict[str, Any]]:
    """One row per pair and target share. The score is the mean of both qualities' predictions: less noise in each."""
    outcomes = llama_outcomes(data_dir, names)
    splits = llama_splits(data_dir)
    test, validation = (np.array([i for i, n in enumerate(names) if splits.get(n) == s]) for s in ("test", "val"))
    labels = llama_soft_labels(data_dir)
    rows = []
    for pair, (small, large) in PAIRS.items():
        scores = _scores(names, inputs, [labels[pair, quality] for quality in QUALITIES])
        passed = outcomes.passed[test][:, [small, large]]
        for index, share in enumerate(SHARES):
            threshold = float(np.quantile(scores[validation], 1 - share))
            to_small = (scores[test] >= threshold).astype(float)
            published = PUBLISHED.get(pair)
            rows.append(
                {
                    "pair": pair,
                    "models": [LLAMA_MODELS[small], LLAMA_MODELS[large]],
                    "target_pct": round(100 * share),
                    "published_gap": published[index] if published else None,
                    **_gaps(passed, to_small),
                }
            )
    return rows


def _scores(names: list[str], inputs: Inputs, labels: list[dict[str, float]]) -> Array:
    train = np.array([index for index, name in enumerate(names) if name in labels[0]])
    targets = np.array([[quality[names[index]] for quality in labels] for index in train])
    scaling = fit_scaling(inputs.take(train))
    support = fit_support(scaled(inputs.take(train), scaling))
    fitted = kernel_ridge.fit(gram(support).astype(np.float64), targets, kernel_ridge.PASS_RIDGE)
    rows = kernel(scaled(inputs, scaling), support).astype(np.float64)
    return kernel_ridge.predict(rows, fitted).mean(axis=1)


def _gaps(passed: Array, to_small: Array) -> dict[str, float]:
    """Points of tests passed: ours and the random line less all-large; ours less the random line."""
    random = np.random.default_rng(0)
    gain = passed[:, 0] - passed[:, 1]
    picks = (random.integers(0, len(to_small), len(to_small)) for _ in range(N_BOOTSTRAP))
    differences = [_difference(gain[rows], to_small[rows]) for rows in picks]
    low, high = np.percentile(differences, (2.5, 97.5))
    return {
        "realised_pct": round(100 * float(to_small.mean()), 1),
        "gap": round(100 * float((gain * to_small).mean()), 2),
        "random_gap": round(100 * float(gain.mean() * to_small.mean()), 2),
        "above_random": round(100 * _difference(gain, to_small), 2),
        "low": round(100 * float(low), 2),
        "high": round(100 * float(high), 2),
    }


def _difference(gain: Array, to_small: Array) -> float:
    return float((gain * to_small).mean() - gain.mean() * to_small.mean())
