"""Stage 3, *train*: one kernel machine for every model that has labels, with an ensemble for the uncertainty.

    python -m halfwatt.router_model.commands.pipeline train --data-dir DIR --work DIR

Everything here is arithmetic on arrays. `labelling/labels.py` reads the tables, `export/export.py` writes the artifact.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from halfwatt.router_model.labelling.labels import (
    ENERGY_MODELS,
    LLAMA_MODELS,
    LOCAL_MODELS,
    energy_outcomes,
    llama_outcomes,
    local_outcomes,
    local_statistics,
)
from halfwatt.router_model.labelling.tasks import Task

from . import kernel_ridge, teacher
from .draft_model import DraftTables, fit_draft_tables
from .views import Inputs, Scaling, Support, fit_scaling, fit_support, gram, scaled

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
MODELS = (*LOCAL_MODELS, *ENERGY_MODELS, *LLAMA_MODELS)
N_MEMBERS = 8
_DROPPED_SHARE = 0.3
SEED = 20


@dataclass(frozen=True)
class TrainedRouter:
    """All that the artifact holds beside the encoder. Arrays have one column per model of `MODELS`."""

    scaling: Scaling
    support: Support
    pass_fit: kernel_ridge.Fit
    members: Array
    member_offset: Array
    tokens_fit: kernel_ridge.Fit
    calibration: Array
    smearing: Array
    token_quantiles: Array
    brier: Array
    drafts: DraftTables


def train(tasks: list[Task], inputs: Inputs, data_dir: Path) -> TrainedRouter:
    """Fit on every labelled task; inputs are in task order."""
    names = [task.task_id for task in tasks]
    tables = [read(data_dir, names) for read in (local_outcomes, energy_outcomes, llama_outcomes)]
    passed = np.hstack([table.passed for table in tables])
    tokens = np.hstack([table.tokens for table in tables])
    known = np.hstack([table.known for table in tables])
    log_tokens = np.log(np.where(known, tokens, 1.0))
    scaling = fit_scaling(inputs)
    support = fit_support(scaled(inputs, scaling))
    matrix = gram(support).astype(np.float64)
    targets = _with_teacher(passed, log_tokens, tasks, data_dir)
    pass_fit = kernel_ridge.fit(matrix, targets[0], kernel_ridge.PASS_RIDGE, known)
    tokens_fit = kernel_ridge.fit(matrix, targets[1], kernel_ridge.COST_RIDGE, known)
    lines = kernel_ridge.calibration(pass_fit.left_out, passed, known)
    members, offset = _members(matrix, targets[0], known)
    p = kernel_ridge.probabilities(pass_fit.left_out, lines)
    return TrainedRouter(
        scaling=scaling,
        support=support,
        pass_fit=pass_fit,
        members=members,
        member_offset=offset,
        tokens_fit=tokens_fit,
        calibration=lines,
        smearing=kernel_ridge.smearing(tokens_fit.left_out, tokens, known),
        token_quantiles=_quantiles(log_tokens - tokens_fit.left_out, known),
        brier=kernel_ridge.mean_of_known((p - passed) ** 2, known),
        drafts=fit_draft_tables(LOCAL_MODELS, local_statistics(data_dir, names), passed[:, :2], p[:, :2]),
    )


def _with_teacher(passed: Array, log_tokens: Array, tasks: list[Task], data_dir: Path) -> tuple[Array, Array]:
    """Targets of passing and of log tokens; those of the measured pair are softened.

    The teacher sees no column that it is to explain.
    """
    columns = [MODELS.index(model) for model in ENERGY_MODELS]
    labels = np.hstack([passed[:, columns], log_tokens[:, columns]])
    expected = teacher.expectations(teacher.privileged(data_dir, tasks), labels, SEED)
    soft_passed, soft_tokens = passed.copy(), log_tokens.copy()
    soft_passed[:, columns] = teacher.softened(labels[:, :2], expected[:, :2], teacher.PASS_SHARE)
    soft_tokens[:, columns] = teacher.softened(labels[:, 2:], expected[:, 2:], teacher.COST_SHARE)
    return soft_passed, soft_tokens


def _quantiles(residuals: Array, known: Mask) -> Array:
    """10 % and 90 % of each column's known residuals, shape `(2, n_models)`."""
    columns = zip(residuals.T, known.T, strict=True)
    return np.column_stack([np.quantile(column[rows], (0.1, 0.9)) for column, rows in columns])


def _members(matrix: Array, targets: Array, known: Mask) -> tuple[Array, Array]:
    """Coefficients of fits that each leave out 30 % of the tasks, shape `(n, N_MEMBERS · n_models)`."""
    random = np.random.default_rng(SEED)
    coefficients, offsets = [], []
    for _ in range(N_MEMBERS):
        seen = random.random(len(targets)) >= _DROPPED_SHARE
        member = kernel_ridge.fit(matrix, targets, kernel_ridge.PASS_RIDGE, known & seen[:, None])
        coefficients.append(member.coefficients)
        offsets.append(member.offset)
    return np.hstack(coefficients), np.hstack(offsets)
