"""Routers that decide after the weak model's draft, from recorded statistics of its answer.

Mean log-probability: escalate below a percentile of the training rows. FrugalGPT (Chen et al., 2023): a threshold on
the score that a scorer gives question and answer. Here the scorer is boosted trees on principal components of the
encoder's vector and on the answer's statistics. The draft's joules are spent in every case.
"""

import numpy as np

from halfwatt.router_model.labelling.labels import STATISTICS
from halfwatt.router_model.measures.draft_data import DraftData, Fold
from halfwatt.router_model.measures.evaluation import Array, Rows
from halfwatt.router_model.measures.spending import Spending, drafted

from .bandits import contexts_of

KEPT_SHARES = (0.2, 0.4, 0.6, 0.8)
_N_FOLDS = 5


def mean_logprob(fold: Fold) -> dict[str, Spending]:
    """Keep the drafts whose mean log-probability is highest."""
    scores = fold.data.statistics[:, 0, STATISTICS.index("lp_mean")]
    return by_score(fold, scores[fold.train], scores[fold.test])


def frugal(fold: Fold) -> dict[str, Spending]:
    """Keep the drafts that the scorer likes best; thresholds come from held-out scores of the training rows."""
    inputs, passed = scorer_inputs(fold.data, fold.train), fold.data.pair.passed[:, 0]
    order = np.random.default_rng(fold.seed).permutation(fold.train)
    held_out = np.zeros(len(passed))
    for part in range(_N_FOLDS):
        out = order[part::_N_FOLDS]
        rest = np.setdiff1d(order, out)
        held_out[out] = score(inputs[rest], passed[rest], inputs[out])
    return by_score(fold, held_out[fold.train], score(inputs[fold.train], passed[fold.train], inputs[fold.test]))


def score(inputs: Array, passed: Array, queries: Array) -> Array:
    """P(the draft passes) by the scorer."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    trees = HistGradientBoostingClassifier(
        max_iter=60, learning_rate=0.06, max_leaf_nodes=8, min_samples_leaf=15, l2_regularization=1.0, random_state=0
    )
    return np.asarray(trees.fit(inputs, passed > 0.5).predict_proba(queries)[:, 1])


def scorer_inputs(data: DraftData, fitted: Rows) -> Array:
    """Question: components of its vector and its length. Answer: the draft's statistics."""
    question = contexts_of(data.meaning, fitted)[:, 1:]
    return np.column_stack([question, np.log1p(data.n_characters), data.statistics[:, 0]])


def by_score(fold: Fold, held_out: Array, on_test: Array) -> dict[str, Spending]:
    """Keep the drafts above the percentile for each target share; the rest go to the strong model."""
    pair = fold.pair(fold.test)
    return {
        f"{share:.0%} kept": drafted(pair, (on_test < np.quantile(held_out, 1 - share)).astype(float))
        for share in KEPT_SHARES
    }
