"""What the two stages save on the local pair, by cost ratio weak:strong.

Costs are in units of the strong model's mean generation; each task costs in proportion to its tokens. A draft that is
thrown away is paid for. Policies are tuned on held-out estimates of the training rows, to spend least at the target
accuracy, and applied to test rows. What is tuned is λ and, for both stages, the margin of going strong at once. Stage 2
alone drafts always.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from halfwatt.router_model.labelling.labels import LOCAL_MODELS, STATISTICS
from halfwatt.router_model.measures.evaluation import Array, Rows, auroc, auroc_interval, folds
from halfwatt.router_model.measures.local_pair import LocalData, LocalPairEstimates, estimate
from halfwatt.router_model.progress import tracked

RATIOS = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8)
TARGET = 0.97
_LAMBDAS = (0.0, *np.geomspace(0.003, 1.5, 40).tolist())
_ALWAYS_DRAFT = 9.0
_MARGINS = (0.0, 0.1, 0.2, 0.3, _ALWAYS_DRAFT)
_N_BOOTSTRAP = 400


@dataclass(frozen=True)
class PolicyOutcome:
    """Per task: passed, and cost in units of the strong model's mean generation."""

    passed: Array
    cost: Array


@dataclass(frozen=True)
class FoldEstimates:
    """What both stages expect on one fold: held out of its training rows, and on its test rows."""

    held_out: LocalPairEstimates
    on_test: LocalPairEstimates
    train: Rows
    test: Rows


Setting = tuple[float, float]  # λ, margin
Policy = Callable[[LocalPairEstimates, Array, Array, float, float], PolicyOutcome]


def measure(data: LocalData, seeds: range) -> dict[str, Any]:
    """Figures for `local_pair` of the bench."""
    runs = [(seed, train, test) for seed in seeds for train, test in folds(len(data.passed), seed)]
    estimated = [
        FoldEstimates(*estimate(data, train, test), train, test)
        for seed, train, test in tracked(runs, "local pair", len(runs))
    ]
    return {
        "target_share": TARGET,
        "accuracy_pct": [round(100 * float(value), 2) for value in data.passed.mean(axis=0)],
        "tokens": [round(float(value), 1) for value in data.tokens.mean(axis=0)],
        "auroc": {model: _aurocs(data, estimated, column) for column, model in enumerate(LOCAL_MODELS)},
        "ratios": [at_ratio(data, estimated, ratio) for ratio in RATIOS],
    }


def _stage1(estimates: LocalPairEstimates, passed: Array, cost: Array, lambda_: float, margin: float) -> PolicyOutcome:
    """Choose before generation; `margin` is not used."""
    strong = _gain(estimates, cost, lambda_) > 0
    return PolicyOutcome(np.where(strong, passed[:, 1], passed[:, 0]), np.where(strong, cost[:, 1], cost[:, 0]))


def _both(estimates: LocalPairEstimates, passed: Array, cost: Array, lambda_: float, margin: float) -> PolicyOutcome:
    """Go to the strong model at once where it is better by more than a margin.

    Else draft, check the draft, and escalate where the gain is worth the joules.
    """
    drafted = _gain(estimates, cost, lambda_) <= margin
    escalated = ~drafted | (estimates.strong_after - lambda_ * _expected(estimates, cost)[:, 1] > estimates.after)
    spent = drafted * cost[:, 0] + escalated * cost[:, 1]
    return PolicyOutcome(np.where(escalated, passed[:, 1], passed[:, 0]), spent)


def _gain(estimates: LocalPairEstimates, cost: Array, lambda_: float) -> Array:
    """Stage 1's utility of the strong model less the weak one's."""
    expected = _expected(estimates, cost)
    return np.asarray(estimates.before[:, 1] - estimates.before[:, 0] - lambda_ * (expected[:, 1] - expected[:, 0]))


def _expected(estimates: LocalPairEstimates, cost: Array) -> Array:
    """Expected cost per task and model: expected tokens at the mean price of a token."""
    return np.asarray(estimates.tokens * cost.mean(axis=0) / estimates.tokens.mean(axis=0))


def at_ratio(data: LocalData, estimated: Sequence[FoldEstimates], ratio: float) -> dict[str, Any]:
    """The three policies at one cost ratio.

    Stage 2 pays where even the lower bound of both stages is above stage 1 alone.
    """
    cost = data.tokens / data.tokens.mean(axis=0) * np.array([ratio, 1.0])
    rows = {
        "stage1": _policy(data, estimated, cost, _stage1, (0.0,)),
        "stage2": _policy(data, estimated, cost, _both, (_ALWAYS_DRAFT,)),
        "both": _policy(data, estimated, cost, _both, _MARGINS),
    }
    return {
        "ratio": ratio,
        "perfect_saving_pct": round(100 * (1 - perfect_cost(data.passed, cost)), 1),
        **rows,
        "stage2_pays": bool(rows["both"]["saving_interval"][0] > rows["stage1"]["saving_pct"]),
    }


def _policy(
    data: LocalData, estimated: Sequence[FoldEstimates], cost: Array, act: Policy, margins: Sequence[float]
) -> dict[str, Any]:
    """Two readings: on the hull of the curve over λ at the target, and `tuned`: with λ chosen on the training rows."""
    goal = TARGET * float(data.passed[:, 1].mean())
    settings = [(lambda_, margin) for lambda_ in _LAMBDAS for margin in margins]
    curve = [_mean(data, cost, act, [(fold, setting) for fold in estimated]) for setting in settings]
    best = _mixed(curve, goal, PolicyOutcome(data.passed[:, 1], cost[:, 1]))
    chosen = [(fold, _setting(data, cost, act, fold, settings)) for fold in estimated]
    return {**_figures(data, cost, best), "tuned": _figures(data, cost, _mean(data, cost, act, chosen))}


def _mixed(curve: Sequence[PolicyOutcome], goal: float, always: PolicyOutcome) -> PolicyOutcome:
    """The cheapest mixture by chance of two settings, or of one with always-strong, that passes exactly the goal."""
    known = [(float(spent.passed.mean()), float(spent.cost.mean()), spent) for spent in (*curve, always)]
    above = [entry for entry in known if entry[0] >= goal]
    below = [entry for entry in known if entry[0] < goal]
    mixtures = [(1.0, high, high) for high in above]
    mixtures += [((goal - low[0]) / (high[0] - low[0]), low, high) for low in below for high in above]
    share, low, high = min(mixtures, key=lambda each: (1 - each[0]) * each[1][1] + each[0] * each[2][1])
    return PolicyOutcome(
        (1 - share) * low[2].passed + share * high[2].passed, (1 - share) * low[2].cost + share * high[2].cost
    )


def _setting(data: LocalData, cost: Array, act: Policy, fold: FoldEstimates, settings: Sequence[Setting]) -> Setting:
    """The cheapest setting that reaches the target on held-out estimates of the training rows."""
    train = fold.train
    goal = TARGET * data.passed[train, 1].mean()
    tried = [(act(fold.held_out, data.passed[train], cost[train], *setting), setting) for setting in settings]
    reached = [entry for entry in tried if entry[0].passed.mean() >= goal]
    return min(reached, key=lambda entry: float(entry[0].cost.mean()), default=tried[0])[1]


def _mean(data: LocalData, cost: Array, act: Policy, chosen: Sequence[tuple[FoldEstimates, Setting]]) -> PolicyOutcome:
    """Per task, the mean over the repetitions in which it was tested."""
    passed, paid, n_tests = (np.zeros(len(data.passed)) for _ in range(3))
    for fold, setting in chosen:
        spent = act(fold.on_test, data.passed[fold.test], cost[fold.test], *setting)
        passed[fold.test] += spent.passed
        paid[fold.test] += spent.cost
        n_tests[fold.test] += 1
    return PolicyOutcome(passed / n_tests, paid / n_tests)


def _figures(data: LocalData, cost: Array, spent: PolicyOutcome) -> dict[str, Any]:
    """Savings against always-strong, as a share of the perfect pre-router's, and against the straight line.

    The 95 % bootstrap intervals are over tasks, with the routing as it is.
    """
    random = np.random.default_rng(0)
    picks = (random.integers(0, len(cost), len(cost)) for _ in range(_N_BOOTSTRAP))
    names = ("saving", "share_of_perfect", "reduction")
    values = 100 * np.array(_ratios(data, cost, spent, np.arange(len(cost))))
    sampled = 100 * np.array([_ratios(data, cost, spent, rows) for rows in picks])
    low, high = np.percentile(sampled, (2.5, 97.5), axis=0).round(1).tolist()
    return {
        "accuracy_share_pct": round(float(values[3]), 1),
        **{f"{name}_pct": round(float(value), 1) for name, value in zip(names, values, strict=False)},
        **{f"{name}_interval": list(ends) for name, *ends in zip(names, low, high, strict=False)},
    }


def _ratios(data: LocalData, cost: Array, spent: PolicyOutcome, rows: Rows) -> tuple[float, float, float, float]:
    """Saving, its share of the perfect saving, reduction against the line, share of the strong model's accuracy."""
    passed, paid = data.passed[rows], cost[rows]
    (a_weak, a_strong), (e_weak, e_strong) = passed.mean(axis=0), paid.mean(axis=0)
    accuracy, used = float(spent.passed[rows].mean()), float(spent.cost[rows].mean())
    line = e_weak + (accuracy - a_weak) / (a_strong - a_weak) * (e_strong - e_weak)
    perfect = e_strong - perfect_cost(passed, paid)
    return 1 - used / e_strong, (e_strong - used) / perfect, (line - used) / line, accuracy / a_strong


def perfect_cost(passed: Array, cost: Array) -> float:
    """Least mean cost with every outcome known and 97 % of the strong model's accuracy; weak or strong only.

    Free savings come first: tasks where the weak model passes or the strong one fails too, and the weak one costs less.
    Then come the dearest tasks among those that the target allows to lose.
    """
    saved = cost[:, 1] - cost[:, 0]
    loses = passed[:, 0] < passed[:, 1]
    free = np.where(~loses & (saved > 0), saved, 0.0).sum()
    wins = int((passed[:, 0] > passed[:, 1]).sum())
    allowed = int(np.floor((1 - TARGET) * passed[:, 1].sum())) + wins
    paid = np.sort(saved[loses & (saved > 0)])[::-1][:allowed].sum()
    return float((cost[:, 1].sum() - free - paid) / len(cost))


def _aurocs(data: LocalData, estimated: Sequence[FoldEstimates], column: int) -> dict[str, list[float]]:
    """For "this model passes": before, after its first tokens, by the sum of log-probabilities alone, after its end."""
    sums = {name: np.zeros(len(data.passed)) for name in ("before", "start", "after")}
    for fold in estimated:
        sums["before"][fold.test] += fold.on_test.before[:, column]
        for place, name in enumerate(("start", "after")):
            sums[name][fold.test] += fold.on_test.own[:, column, place]
    scores = {**sums, "sum_of_logprobs": data.statistics[:, column, STATISTICS.index("lp_sum")]}
    return {name: _with_interval(values, data.passed[:, column]) for name, values in scores.items()}


def _with_interval(scores: Array, passed: Array) -> list[float]:
    low, high = auroc_interval(scores, passed)
    return [round(auroc(scores, passed), 3), round(low, 3), round(high, 3)]
