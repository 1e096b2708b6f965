"""Our two stages in the table of the local pair, and cascade routing (Dekoninck et al., 2024) with our estimators.

Both maximise q̂ − λ·cost. Ours goes to the strong model at once where that is better by more than a margin, chosen on
training rows, and else drafts and keeps or escalates. Cascade routing treats the draft as an action with a value of its
own: what drafting and then deciding is expected to bring, from what training rows with like estimates led to.
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
    said, pair, unit = fold.said[1], fold.pair(fold.test), _unit(fold)
    expected = _expected(fold, said)
    gain = said.before[:, 1] - said.before[:, 0]
    cost = (expected[:, 1] - expected[:, 0]) / unit
    return {f"λ={value:.4f}": routed(pair, (gain - value * cost > 0).astype(float)) for value in LAMBDAS}


def both_stages(fold: Fold) -> dict[str, Spending]:
    """Strong at once beyond a margin; else draft, check the draft, escalate where the gain is worth the joules."""
    held, asked = fold.said
    spent = {}
    for value in LAMBDAS:
        tried = [_act(fold, held, fold.pair(fold.train), value, margin) for margin in _MARGINS]
        worth = [float(np.mean(one.passed - value * one.energy_j / _unit(fold))) for one in tried]
        margin = _MARGINS[int(np.argmax(worth))]
        spent[f"λ={value:.4f}"] = _act(fold, asked, fold.pair(fold.test), value, margin)
    return spent


def cascade_routing(fold: Fold) -> dict[str, Spending]:
    """Three actions valued before generation: the strong model; draft and decide; the weak model is the latter's
    case in which every draft is kept."""
    held, asked = fold.said
    pair, unit = fold.pair(fold.test), _unit(fold)
    held_j, asked_j = _expected(fold, held), _expected(fold, asked)
    alike = nearest(held.before, asked.before)
    spent = {}
    for value in LAMBDAS:
        price = value / unit
        later = np.maximum(held.after, held.strong_after - price * held_j[:, 1])
        draft_worth = later[alike].mean(axis=1) - price * asked_j[:, 0]
        strong_worth = asked.before[:, 1] - price * asked_j[:, 1]
        escalates = asked.strong_after - price * asked_j[:, 1] > asked.after
        spent[f"λ={value:.4f}"] = _join(pair, draft_worth >= strong_worth, escalates)
    return spent


def nearest(known: Array, asked: Array, n_alike: int = _N_ALIKE) -> Rows:
    """Rows of `known` with the most similar estimates, shape `(n_asked, n_alike)`."""
    distance = ((known[None, :, :] - asked[:, None, :]) ** 2).sum(axis=2)
    return np.argsort(distance, axis=1)[:, :n_alike]


def _act(fold: Fold, said: LocalPairEstimates, pair: PairOutcomes, value: float, margin: float) -> Spending:
    price, expected = value / _unit(fold), _expected(fold, said)
    gain = said.before[:, 1] - said.before[:, 0] - price * (expected[:, 1] - expected[:, 0])
    escalates = said.strong_after - price * expected[:, 1] > said.after
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


def _expected(fold: Fold, said: LocalPairEstimates) -> Array:
    """Expected joules of both models, in proportion to expected tokens."""
    energy = fold.data.pair.energy_j[fold.train]
    return said.tokens * energy.mean(axis=0) / said.tokens.mean(axis=0)


def _unit(fold: Fold) -> float:
    return float(fold.data.pair.energy_j[fold.train, 1].mean())
