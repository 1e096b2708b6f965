"""The local pair, Qwen2.5-Coder 0.5B → 1.5B: what each stage saves, by cost ratio weak:strong.

Costs are in units of the strong model's mean generation; each task costs in proportion to its tokens. A draft that is
thrown away is paid for. Policies are tuned (λ, and for the two-stage one the draft threshold) on held-out estimates of
the training rows, to spend least at the target accuracy, and applied to test rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import machine
from .draft_model import fit_table, stats_of
from .evaluation import Array, Rows, auroc, auroc_interval, folds
from .labels import LOCAL_MODELS
from .progress import tracked
from .stage2 import DraftTable, apply, logit, start_inputs, whole_inputs
from .views import Inputs, fit_scaling, fit_support, gram, kernel, scaled

RATIOS = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8)
TARGET = 0.97
_LAMBDAS = (0.0, *np.geomspace(0.003, 1.5, 40).tolist())
_DRAFT_IF = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)


@dataclass(frozen=True)
class LocalData:
    """Inputs and outcomes of every task: `passed`, `tokens` `(n, 2)`, `statistics` as `labels` gives them."""

    inputs: Inputs
    passed: Array
    tokens: Array
    statistics: Array


@dataclass(frozen=True)
class Said:
    """Per task: P(pass) of both before, of the draft and of the strong model after the draft, of the draft after its
    start, and expected tokens."""

    before: Array
    after: Array
    strong_after: Array
    start: Array
    tokens: Array


@dataclass(frozen=True)
class _Spent:
    passed: Array
    cost: Array


def measure(data: LocalData, seeds: range) -> dict[str, Any]:
    """Figures for `local_pair` of the bench."""
    runs = [(seed, train, test) for seed in seeds for train, test in folds(len(data.passed), seed)]
    said = [
        (*estimate(data, train, test), train, test) for seed, train, test in tracked(runs, "local pair", len(runs))
    ]
    return {
        "target_share": TARGET,
        "accuracy_pct": [round(100 * float(value), 2) for value in data.passed.mean(axis=0)],
        "auroc": _aurocs(data, said),
        "ratios": [_at_ratio(data, said, ratio) for ratio in RATIOS],
    }


def estimate(data: LocalData, train: Rows, test: Rows) -> tuple[Said, Said]:
    """Held-out estimates of the training rows, and estimates of the test rows."""
    scaling = fit_scaling(data.inputs.take(train))
    support = fit_support(scaled(data.inputs.take(train), scaling))
    matrix = gram(support).astype(np.float64)
    rows = kernel(scaled(data.inputs.take(test), scaling), support).astype(np.float64)
    passing = machine.fit(matrix, data.passed[train], machine.PASS_RIDGE)
    lengths = machine.fit(matrix, np.log(data.tokens[train]), machine.COST_RIDGE)
    lines = machine.calibration(passing.left_out, data.passed[train])
    factor = machine.smearing(lengths.left_out, data.tokens[train])
    held = machine.probabilities(passing.left_out, lines)
    asked = machine.probabilities(machine.predict(rows, passing), lines)
    table = fit_table(LOCAL_MODELS, 0, data.statistics[train, 0], data.passed[train], held)
    return (
        _judge(table, data.statistics[train, 0], held, np.exp(lengths.left_out) * factor),
        _judge(table, data.statistics[test, 0], asked, np.exp(machine.predict(rows, lengths)) * factor),
    )


def _judge(table: DraftTable, statistics: Array, before: Array, tokens: Array) -> Said:
    drafts = [stats_of(row) for row in statistics]
    pairs = list(zip(drafts, before.tolist(), strict=True))
    other = table.others[LOCAL_MODELS[1]]
    return Said(
        before=before,
        after=np.array([apply(table.whole, whole_inputs(stats, p[0])) for stats, p in pairs]),
        strong_after=np.array([apply(other, [*whole_inputs(stats, p[0]), logit(p[1])]) for stats, p in pairs]),
        start=np.array(
            [apply(table.start, start_inputs([stats.lp_first16_mean], stats.margin_first, p[0])) for stats, p in pairs]
        ),
        tokens=tokens,
    )


def _stage1(said: Said, passed: Array, cost: Array, lambda_: float, draft_if: float) -> _Spent:
    """Choose before generation; `draft_if` is not used."""
    expected = said.tokens * cost.mean(axis=0) / said.tokens.mean(axis=0)
    gain = said.before[:, 1] - said.before[:, 0] - lambda_ * (expected[:, 1] - expected[:, 0])
    strong = gain > 0
    return _Spent(np.where(strong, passed[:, 1], passed[:, 0]), np.where(strong, cost[:, 1], cost[:, 0]))


def _both(said: Said, passed: Array, cost: Array, lambda_: float, draft_if: float) -> _Spent:
    """Draft where the weak model has a chance, check the draft, escalate where the gain is worth the joules."""
    expected = said.tokens[:, 1] * cost[:, 1].mean() / said.tokens[:, 1].mean()
    drafted = said.before[:, 0] >= draft_if
    escalated = ~drafted | (said.strong_after - lambda_ * expected > said.after)
    spent = drafted * cost[:, 0] + escalated * cost[:, 1]
    return _Spent(np.where(escalated, passed[:, 1], passed[:, 0]), spent)


def _at_ratio(data: LocalData, said: Sequence[Any], ratio: float) -> dict[str, Any]:
    cost = data.tokens / data.tokens.mean(axis=0) * np.array([ratio, 1.0])
    least = _perfect_cost(data.passed, cost)
    stage1 = _policy(data, said, cost, _stage1, (0.0,), least)
    both = _policy(data, said, cost, _both, _DRAFT_IF, least)
    return {
        "ratio": ratio,
        "perfect_saving_pct": round(100 * (1 - least), 1),
        "stage1": stage1,
        "both": both,
        "stage2_pays": bool(both["share_of_perfect_pct"] > stage1["share_of_perfect_pct"]),
    }


def _policy(
    data: LocalData,
    said: Sequence[Any],
    cost: Array,
    act: Callable[..., _Spent],
    drafts: Sequence[float],
    least: float,
) -> dict[str, float]:
    """Two readings: where the curve over λ crosses the target, and with λ tuned on the training rows."""
    tuned = _tuned(data, said, cost, act, drafts)
    strong = float(data.passed[:, 1].mean())
    curve = []
    for lambda_ in _LAMBDAS:
        for draft_if in drafts:
            spent = [act(test_said, data.passed[test], cost[test], lambda_, draft_if) for _, test_said, _, test in said]
            passed, paid = np.concatenate([s.passed for s in spent]), np.concatenate([s.cost for s in spent])
            curve.append((passed.mean() / strong, paid.mean()))
    reached = [paid for share, paid in curve if share >= TARGET]
    best = min(reached, default=1.0)
    return {
        "saving_pct": round(100 * (1 - best), 1),
        "share_of_perfect_pct": round(100 * (1 - best) / (1 - least), 1),
        **tuned,
        "tuned_share_of_perfect_pct": round(tuned["tuned_saving_pct"] / (1 - least), 1),
    }


def _tuned(
    data: LocalData, said: Sequence[Any], cost: Array, act: Callable[..., _Spent], drafts: Sequence[float]
) -> dict[str, float]:
    parts = []
    for held, asked, train, test in said:
        goal = TARGET * data.passed[train, 1].mean()
        tried = [
            (act(held, data.passed[train], cost[train], lambda_, draft_if), lambda_, draft_if)
            for lambda_ in _LAMBDAS
            for draft_if in drafts
        ]
        reached = [entry for entry in tried if entry[0].passed.mean() >= goal]
        best = min(reached, key=lambda entry: float(entry[0].cost.mean()), default=tried[0])
        parts.append(act(asked, data.passed[test], cost[test], best[1], best[2]))
    passed = np.concatenate([part.passed for part in parts])
    paid = np.concatenate([part.cost for part in parts])
    return {
        "tuned_saving_pct": round(100 * (1 - float(paid.mean())), 1),
        "tuned_accuracy_share_pct": round(100 * float(passed.mean() / data.passed[:, 1].mean()), 1),
    }


def _perfect_cost(passed: Array, cost: Array) -> float:
    """Least mean cost with every outcome known and 97 % of the strong model's accuracy kept; weak or strong only.

    Free wins first (weak suffices, or strong fails too, and costs less), then the dearest losses the target allows.
    """
    saved = cost[:, 1] - cost[:, 0]
    loses = passed[:, 0] < passed[:, 1]
    free = np.where(~loses & (saved > 0), saved, 0.0).sum()
    wins = int((passed[:, 0] > passed[:, 1]).sum())
    allowed = int(np.floor((1 - TARGET) * passed[:, 1].sum())) + wins
    paid = np.sort(saved[loses & (saved > 0)])[::-1][:allowed].sum()
    return float((cost[:, 1].sum() - free - paid) / len(cost))


def _aurocs(data: LocalData, said: Sequence[Any]) -> dict[str, dict[str, list[float]]]:
    n_tasks = len(data.passed)
    sums = {name: np.zeros(n_tasks) for name in ("before", "start", "after")}
    for _, asked, _, test in said:
        sums["before"][test] += asked.before[:, 0]
        sums["start"][test] += asked.start
        sums["after"][test] += asked.after
    weak = data.passed[:, 0]
    return {"qwen2.5-coder-0.5b": {name: _with_interval(scores, weak) for name, scores in sums.items()}}


def _with_interval(scores: Array, passed: Array) -> list[float]:
    low, high = auroc_interval(scores, passed)
    return [round(auroc(scores, passed), 3), round(low, 3), round(high, 3)]
