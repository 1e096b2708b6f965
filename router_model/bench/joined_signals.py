"""Do published signals help our estimate of a draft? Each joined to ours, on the tasks where it was recorded.

Held out: our estimate after the draft comes from folds that did not see the task, and the joint logistic regression is
cross-validated once more over the recorded tasks. What counts is the paired difference in AUROC with its interval.
"""

from typing import Any

import numpy as np

from halfwatt.router_model.baselines.recorded import entropies
from halfwatt.router_model.measures.draft_data import DraftData, Fold
from halfwatt.router_model.measures.evaluation import Array, Rows, auroc, folds
from halfwatt.router_model.serving.stage2 import logit

from .judged_pairs import JudgedPairs, signal

FEWEST_TASKS = 30
_SEED = 0
_N_BOOTSTRAP = 1000


def measure(data: DraftData, judged: JudgedPairs | None = None) -> list[dict[str, Any]]:
    """One row per published signal: AUROC for "the draft passes" of ours, of the signal and of both joined."""
    signals = _signals(data, judged)
    ours = held_out(data) if signals else np.empty(0)
    passed = data.pair.passed[:, 0]
    return [
        {"signal": name, "n_tasks": len(at), **compare(ours[at], values, passed[at])} for name, at, values in signals
    ]


def _signals(data: DraftData, judged: JudgedPairs | None) -> list[tuple[str, Rows, Array]]:
    """Name, tasks and values of the signals that stand on enough tasks."""
    found: list[tuple[str, Rows, Array]] = []
    if data.recorded is not None:
        at = data.recorded.with_samples
        found.append(("semantic entropy, 5 samples", at, -entropies(data.recorded.sample_cluster[at])[:, None]))
        at = data.recorded.with_tests
        found.append(("self-written tests, k = 1 to 7", at, data.recorded.tests_passed[at]))
    if judged is not None:
        found.append(("judge, weak against strong answer", judged.tasks, signal(judged)))
    return [one for one in found if len(one[1]) >= FEWEST_TASKS]


def held_out(data: DraftData) -> Array:
    """Our estimate that the weak model's draft passes, after its end, from folds without the task."""
    ours = np.zeros(len(data.pair.passed))
    for train, test in folds(len(ours), _SEED):
        ours[test] = Fold(data, train, test, _SEED).estimates[1].after
    return ours


def compare(ours: Array, signal: Array, passed: Array) -> dict[str, Any]:
    """AUROCs of the same tasks; `signal` is `(n, k)`, larger when the draft is likelier to pass."""
    own = np.array([logit(p) for p in ours])[:, None]
    alone, joint = cross_fitted(own, passed), cross_fitted(np.hstack([own, signal]), passed)
    random = np.random.default_rng(_SEED)
    gains: list[float] = []
    while len(gains) < _N_BOOTSTRAP:
        rows = random.integers(0, len(passed), len(passed))
        if 0 < passed[rows].sum() < len(rows):
            gains.append(auroc(joint[rows], passed[rows]) - auroc(alone[rows], passed[rows]))
    low, high = np.percentile(gains, (2.5, 97.5))
    values = {
        "ours": auroc(alone, passed),
        "signal_alone": auroc(cross_fitted(signal, passed), passed),
        "joined": auroc(joint, passed),
        "gain": auroc(joint, passed) - auroc(alone, passed),
        "low": low,
        "high": high,
    }
    return {name: round(float(value), 3) for name, value in values.items()}


def cross_fitted(inputs: Array, passed: Array) -> Array:
    """Out-of-fold scores of a logistic regression over standardised inputs."""
    from sklearn.linear_model import LogisticRegression

    standard = (inputs - inputs.mean(axis=0)) / (inputs.std(axis=0) + 1e-9)
    scores = np.zeros(len(passed))
    for train, test in folds(len(passed), _SEED):
        model = LogisticRegression(C=0.3, max_iter=1000).fit(standard[train], passed[train] > 0.5)
        scores[test] = model.predict_proba(standard[test])[:, 1]
    return scores
