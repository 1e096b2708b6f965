"""Published cascades that need more generations of the weak model: semantic entropy and self-written unit tests.

They read recorded, text-free outcomes (`draft_data.RecordedOutcomes`) of a random part of the tasks. Every token that
the weak model wrote for samples and tests counts, and so does every run in the sandbox.
"""

import numpy as np

from halfwatt.router_model.measures.draft_data import (
    N_SAMPLES,
    PROMPT_SHARE,
    RUN_J,
    TEST_COUNTS,
    Fold,
    RecordedOutcomes,
    new_token_j,
)
from halfwatt.router_model.measures.evaluation import Array, Mask, PairOutcomes, Rows
from halfwatt.router_model.measures.spending import Spending, drafted

KEPT_SHARES = (0.2, 0.4, 0.6, 0.8)


def entropies(clusters: Array) -> Array:
    """H = −Σ p log p over the clusters of each row's samples, in nats."""
    out = np.zeros(len(clusters))
    for row, labels in enumerate(clusters):
        _, counts = np.unique(labels, return_counts=True)
        p = counts / counts.sum()
        out[row] = -float(p @ np.log(p))
    return out


def largest(clusters: Array) -> Rows:
    """Place of the first sample of each row's largest cluster: the answer that is kept."""
    places = []
    for labels in clusters:
        values, first, counts = np.unique(labels, return_index=True, return_counts=True)
        best = min(range(len(values)), key=lambda at: (-counts[at], first[at]))
        places.append(int(first[best]))
    return np.array(places)


def semantic_entropy(fold: Fold) -> dict[str, Spending]:
    """Five samples; the largest cluster's first answer is kept where the entropy is low enough."""
    recorded = _recorded(fold)
    rows = np.intersect1d(fold.train, recorded.with_samples)
    limits = np.quantile(entropies(recorded.sample_cluster[rows]), KEPT_SHARES)
    test = fold.test
    signal = entropies(recorded.sample_cluster[test])
    places = largest(recorded.sample_cluster[test])
    every = np.arange(len(test))
    prompt_j = PROMPT_SHARE * fold.data.prompt_tokens[test] * new_token_j()
    sampled_j = prompt_j + recorded.sample_tokens[test].sum(axis=1) * new_token_j() + N_SAMPLES * RUN_J
    own = fold.pair(test)
    pair = PairOutcomes(
        np.column_stack([recorded.sample_passed[test][every, places], own.passed[:, 1]]),
        np.column_stack([sampled_j, own.energy_j[:, 1]]),
    )
    spent = {
        f"{share:.0%} kept": drafted(pair, (signal > limit).astype(float))
        for share, limit in zip(KEPT_SHARES, limits, strict=True)
    }
    return {name: _only(recorded.has_samples[test], one) for name, one in spent.items()}


def self_tests(fold: Fold) -> dict[str, Spending]:
    """The draft is kept when it passes the first k tests that the weak model wrote for it."""
    recorded, test = _recorded(fold), fold.test
    own = fold.pair(test)
    pair = PairOutcomes(np.column_stack([recorded.draft_passed[test], own.passed[:, 1]]), own.energy_j)
    spent = {}
    for place, count in enumerate(TEST_COUNTS):
        new = recorded.tests_tokens[test, place] + PROMPT_SHARE * recorded.tests_prompt_tokens[test]
        failed = 1 - recorded.tests_passed[test, place]
        spent[f"k={count}"] = _only(recorded.has_tests[test], drafted(pair, failed, new * new_token_j() + RUN_J))
    return spent


def _recorded(fold: Fold) -> RecordedOutcomes:
    if fold.data.recorded is None:
        raise ValueError("no recordings")
    return fold.data.recorded


def _only(known: Mask, spent: Spending) -> Spending:
    """The same, known for the tasks with recordings alone."""
    passed, energy_j, weak = (np.where(known, part, 0.0) for part in (spent.passed, spent.energy_j, spent.weak))
    return Spending(passed, energy_j, weak, known)
