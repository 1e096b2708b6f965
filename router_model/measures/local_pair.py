"""The local pair, Qwen2.5-Coder 0.5B → 1.5B: held-out estimates of both stages.

Both stages are trained anew on each fold, as the shipped ones are. This module does not say what they save
(`bench/local_savings.py`).
"""

from dataclasses import dataclass

import numpy as np

from halfwatt.router_model.labelling.labels import LOCAL_MODELS
from halfwatt.router_model.serving.stage2 import DraftTable, apply, logit, start_inputs, whole_inputs
from halfwatt.router_model.training import kernel_ridge
from halfwatt.router_model.training.draft_model import DraftTables, fit_draft_tables, stats_of
from halfwatt.router_model.training.views import Inputs, fit_scaling, fit_support, gram, kernel, scaled

from .evaluation import Array, Rows


@dataclass(frozen=True)
class LocalData:
    """Inputs and outcomes of every task: `passed`, `tokens` `(n, 2)`, `statistics` as `labels` gives them."""

    inputs: Inputs
    passed: Array
    tokens: Array
    statistics: Array


@dataclass(frozen=True)
class LocalPairEstimates:
    """Per task: what both stages expect of both models.

    `before`, `(n, 2)`: P(pass) before generation. `own`, `(n, 2, 2)`: P(pass) of each model after the first tokens of
    its own draft, and after its end. `strong_after`, `(n,)`: P(the strong model passes) after the weak one's draft.
    `tokens`, `(n, 2)`: expected new tokens.
    """

    before: Array
    own: Array
    strong_after: Array
    tokens: Array

    @property
    def after(self) -> Array:
        """P(the weak model's draft passes) after its end."""
        return self.own[:, 0, 1]


def estimate(data: LocalData, train: Rows, test: Rows) -> tuple[LocalPairEstimates, LocalPairEstimates]:
    """Held-out estimates of the training rows, and estimates of the test rows."""
    scaling = fit_scaling(data.inputs.take(train))
    support = fit_support(scaled(data.inputs.take(train), scaling))
    matrix = gram(support).astype(np.float64)
    rows = kernel(scaled(data.inputs.take(test), scaling), support).astype(np.float64)
    passing = kernel_ridge.fit(matrix, data.passed[train], kernel_ridge.PASS_RIDGE)
    lengths = kernel_ridge.fit(matrix, np.log(data.tokens[train]), kernel_ridge.COST_RIDGE)
    lines = kernel_ridge.calibration(passing.left_out, data.passed[train])
    factor = kernel_ridge.smearing(lengths.left_out, data.tokens[train])
    held_out = kernel_ridge.probabilities(passing.left_out, lines)
    on_test = kernel_ridge.probabilities(kernel_ridge.predict(rows, passing), lines)
    tables = fit_draft_tables(LOCAL_MODELS, data.statistics[train], data.passed[train], held_out)
    return (
        _judge(tables, data.statistics[train], held_out, np.exp(lengths.left_out) * factor),
        _judge(tables, data.statistics[test], on_test, np.exp(kernel_ridge.predict(rows, lengths)) * factor),
    )


def _judge(tables: DraftTables, statistics: Array, before: Array, tokens: Array) -> LocalPairEstimates:
    own = [_own(tables[model], statistics[:, column], before[:, column]) for column, model in enumerate(LOCAL_MODELS)]
    other = tables[LOCAL_MODELS[0]].others[LOCAL_MODELS[1]]
    pairs = zip(map(stats_of, statistics[:, 0]), before.tolist(), strict=True)
    strong = [apply(other, [*whole_inputs(draft, p[0]), logit(p[1])]) for draft, p in pairs]
    return LocalPairEstimates(before, np.stack(own, axis=1), np.array(strong), tokens)


def _own(table: DraftTable, statistics: Array, before: Array) -> Array:
    """P(pass) of a model's own draft: after its first tokens, after its end."""
    pairs = [(stats_of(row), p) for row, p in zip(statistics, before.tolist(), strict=True)]
    start = [apply(table.start, start_inputs([draft.lp_first16_mean], draft.margin_first, p)) for draft, p in pairs]
    return np.column_stack([start, [apply(table.whole, whole_inputs(draft, p)) for draft, p in pairs]])
