"""Our two stages in the table of the local pair, and cascade routing (Dekoninck et al., 2024) with our estimators.

Both maximise q̂ − λ·cost. Ours goes to the strong model at once where that is better by more than a margin, chosen on
training rows; else it drafts and keeps or escalates. Cascade routing treats the draft as an action with a value of its
own. That value is what drafting and then deciding led to on training rows with like estimates.
"""

import numpy as np
import numpy.typing as npt

from halfwatt.router_model.measures.draft_data import Fold
from halfwatt.router_model.measures.evaluation import Array, PairOutcomes, Rows
from halfwatt.router_model.measures.local_pair import LocalPairEstimates
from halfwatt.router_model.measures.spending import Spending, drafted, routed

LAMBDAS = (0.0, *np.geomspace(0.01, 1.5, 12).tolist())  # per mean generation of the strong model
_MARGINS = (0.0, 0.1, 0.2, 0.3, 9.0)
_N_ALIKE = 60
Flags = npt.NDArray[np.bool_]


def stage1(fold: Fold) -> dict[str, Spending]:
    """Choose before anything is generated."""
    estimates, pair, unit = fold.estimates[1], fold.pair(fold.test), _unit(fold)
    expected = _expected(fold, estimates)
    gain = estimates.before[:, 1] - estimates.before[:, 0]
    cost = (expected[:, 1] - expected[:, 0]) / unit
    return {f"λ={value:.4f}": routed(pair, (gain - value * cost > 0).astype(float)) for value in LAMBDAS}


def both_stages(fold: Fold) -> dict[str, Spending]:
    """Strong at once beyond a margin; else draft, check the draft, escalate where the gain is worth the joules."""
    held_out, on_test = fold.estimates
    spent = {}
    for value in LAMBDAS:
        tried = [_act(fold, held_out, fold.pair(fold.train), value, margin) for margin in _MARGINS]
        worth = [float(np.mean(one.passed - value * one.energy_j / _unit(fold))) for one in tried]
        margin = _MARGINS[int(np.argmax(worth))]
        spent[f"λ={value:.4f}"] = _act(fold, on_test, fold.pair(fold.test), value, margin)
    return spent


def cascade_routing(fold: Fold) -> dict[str, Spending]:
    """Two actions valued before generation: the strong model at once, and to draft and decide then.

    The weak model alone is the second with every draft kept.
    """
    held_out, on_test = fold.estimates
    pair, unit = fold.pair(fold.test), _unit(fold)
    held_out_j, on_test_j = _expected(fold, held_out), _expected(fold, on_test)
    alike = nearest(held_out.before, on_test.before)
    spent = {}
    for value in LAMBDAS:
        price = value / unit
        later = np.maximum(held_out.after, held_out.strong_after - price * held_out_j[:, 1])
        draft_worth = later[alike].mean(axis=1) - price * on_test_j[:, 0]
        strong_worth = on_test.before[:, 1] - price * on_test_j[:, 1]
        escalates = on_test.strong_after - price * on_test_j[:, 1] > on_test.after
        spent[f"λ={value:.4f}"] = _join(pair, draft_worth >= strong_worth, escalates)
    return spent


def nearest(known: Array, queries: Array, n_alike: int = _N_ALIKE) -> Rows:
    """Rows of `known` with the most similar estimates, shape `(n_queries, n_alike)`."""
    distance = ((known[None, :, :] - queries[:, None, :]) ** 2).sum(axis=2)
    return np.argsort(distance, axis=1)[:, :n_alike]


def _act(fold: Fold, estimates: LocalPairEstimates, pair: PairOutcomes, value: float, margin: float) -> Spending:
    price, expected = value / _unit(fold), _expected(fold, estimates)
    gain = estimates.before[:, 1] - estimates.before[:, 0] - price * (expected[:, 1] - expected[:, 0])
    escalates = estimates.strong_after - price * expected[:, 1] > estimates.after
    return _join(pair, gain <= margin, escalates)


def _join(pair: PairOutcomes, drafts: Flags, escalates: Flags) -> Spending:
    """Draft and decide where `drafts`, the strong model alone elsewhere."""
    first, second = drafted(pair, escalates.astype(float)), routed(pair, np.ones(len(drafts)))
    return Spending(
        np.where(drafts, first.passed, second.passed),
        np.where(drafts, first.energy_j, second.energy_j),
        np.where(drafts, first.weak, second.weak),
        first.known & second.known,
    )


def _expected(fold: Fold, estimates: LocalPairEstimates) -> Array:
    """Expected joules of both models, in proportion to expected tokens."""
    energy = fold.data.pair.energy_j[fold.train]
    return estimates.tokens * energy.mean(axis=0) / estimates.tokens.mean(axis=0)


def _unit(fold: Fold) -> float:
    return float(fold.data.pair.energy_j[fold.train, 1].mean())
