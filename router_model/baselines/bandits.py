"""Contextual bandits on the embedding, fed task by task (MetaLLM, 2024; MixLLM, 2025): LinUCB and Thompson sampling.

One Bayesian linear model per arm predicts the reward c − λ·(e − μ)/σ from the first principal components of the
encoder's vectors. After each task only the chosen arm learns. In the table the bandit learns on the training rows, in
random order, and then chooses for the test rows without learning on. `regrets` measures it while it learns.
Models and policies are those of the library bayesianbandits; LinUCB's bonus is its upper quantile.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from halfwatt.router_model.measures.evaluation import Array, Rows
from halfwatt.router_model.measures.family import PairData, RouterFamily, RoutingShares

LAMBDAS = (0.0, 0.2, 0.5, 1.0)
N_COMPONENTS = 24
_NOISE_PRECISION = 4.0  # 1 / variance of a reward: outcomes of 0 and 1
_PRIOR_PRECISION = 1.0
Kind = Literal["LinUCB", "Thompson sampling"]


@dataclass(frozen=True)
class BanditRun:
    """The arm that a bandit took for each task while it learned, and the arm it expects to be better for each query.

    1 is the strong model, 0 the weak one.
    """

    taken: Array
    expected: Array


def rewards(passed: Array, energy_j: Array, lambda_: float) -> Array:
    """The utility of each arm per task, energy standardised over both arms (the thesis' U)."""
    return np.asarray(passed - lambda_ * (energy_j - energy_j.mean()) / energy_j.std())


def run_bandit(kind: Kind, contexts: Array, gains: Array, queries: Array, seed: int) -> BanditRun:
    """Feed the rows in order, learning only from the arm taken; then answer `queries` with the mean estimates."""
    agent = _agent(kind, seed)
    taken = np.zeros(len(contexts))
    for row, context in enumerate(contexts):
        (arm,) = agent.pull(context[None, :])
        agent.update(context[None, :], np.array([gains[row, arm]]))
        taken[row] = arm
    means = np.array([np.asarray(arm.learner.predict(queries)).ravel() for arm in agent.arms])
    return BanditRun(taken, (means[1] > means[0]).astype(np.float64))


def regret(taken: Array, gains: Array) -> Array:
    """Cumulative loss against the better arm of each task, known only afterwards."""
    got = np.where(taken > 0, gains[:, 1], gains[:, 0])
    return np.asarray(np.cumsum(gains.max(axis=1) - got))


def contexts_of(vectors: Array, fitted: Rows) -> Array:
    """Standardised principal components learned on some rows, and a constant."""
    mean = vectors[fitted].mean(axis=0)
    _, _, axes = np.linalg.svd(vectors[fitted] - mean, full_matrices=False)
    parts = (vectors - mean) @ axes[:N_COMPONENTS].T
    parts = parts / (parts[fitted].std(axis=0) + 1e-9)
    return np.column_stack([np.ones(len(parts)), parts / N_COMPONENTS**0.5])


def regrets(data: PairData, seeds: range) -> list[dict[str, Any]]:
    """Per bandit and λ over all tasks in random orders: mean regret per task, also of both fixed arms and of chance."""
    rows = []
    everything = np.arange(len(data.pair.passed))
    contexts = contexts_of(data.meaning, everything)
    for kind in KINDS:
        for lambda_ in data.lambdas or LAMBDAS:
            gains = rewards(data.pair.passed, data.pair.energy_j, lambda_)
            runs = []
            for seed in seeds:
                order = np.random.default_rng(seed).permutation(everything)
                run = run_bandit(kind, contexts[order], gains[order], contexts[:1], seed)
                runs.append(regret(run.taken, gains[order]))
            curve = np.mean(runs, axis=0)
            fixed = gains.max(axis=1).mean() - gains.mean(axis=0)
            half = len(curve) // 2
            rows.append(
                {
                    "bandit": kind,
                    "setting": f"λ={lambda_}",
                    "regret_per_task": round(float(curve[-1] / len(curve)), 4),
                    "regret_per_task_second_half": round(float((curve[-1] - curve[half]) / (len(curve) - half)), 4),
                    "always_weak": round(float(fixed[0]), 4),
                    "always_strong": round(float(fixed[1]), 4),
                    "chance": round(float(fixed.mean()), 4),
                }
            )
    return rows


def _agent(kind: Kind, seed: int) -> Any:
    from bayesianbandits import Arm, ContextualAgent, NormalRegressor, ThompsonSampling, UpperConfidenceBound

    arms = [Arm(arm, learner=NormalRegressor(_PRIOR_PRECISION, _NOISE_PRECISION)) for arm in (0, 1)]
    policy = UpperConfidenceBound(0.84, samples=200) if kind == "LinUCB" else ThompsonSampling()
    return ContextualAgent(arms, policy, random_seed=seed)


def _route(kind: Kind, data: PairData, train: Rows, test: Rows, seed: int) -> RoutingShares:
    contexts = contexts_of(data.meaning, train)
    order = np.random.default_rng(seed).permutation(train)
    strong = {}
    for lambda_ in data.lambdas or LAMBDAS:
        gains = rewards(data.pair.passed[order], data.pair.energy_j[order], lambda_)
        strong[f"λ={lambda_}"] = run_bandit(kind, contexts[order], gains, contexts[test], seed).expected
    return RoutingShares(strong)


def _linucb(data: PairData, train: Rows, test: Rows, seed: int) -> RoutingShares:
    return _route("LinUCB", data, train, test, seed)


def _thompson(data: PairData, train: Rows, test: Rows, seed: int) -> RoutingShares:
    return _route("Thompson sampling", data, train, test, seed)


KINDS: tuple[Kind, Kind] = ("LinUCB", "Thompson sampling")
FAMILIES = [
    RouterFamily("bandit, LinUCB", _linucb, "MetaLLM, MixLLM", quick=False),
    RouterFamily("bandit, Thompson sampling", _thompson, "MetaLLM, MixLLM", quick=False),
]
