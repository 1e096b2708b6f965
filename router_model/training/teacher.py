"""Softer training targets: what an observer who also saw other models' answers would have expected.

One greedy answer is a noisy label. On the training tasks more is known than the prompt: how other models did, how
sure they were, how long the reference solution is. From that, extra trees learn what to expect, out of fold and on
training tasks only. The student's target is a mixture of the label and this expectation. Sources: "learning using
privileged information" (Vapnik) and generalized distillation (Lopez-Paz et al., 2016). Routing a task needs none of it.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from halfwatt.router_model.labelling.labels import llama_outcomes, local_outcomes, local_statistics
from halfwatt.router_model.labelling.tasks import Task

Array = npt.NDArray[np.float64]
PASS_SHARE = 0.25
COST_SHARE = 0.30
_MISSING = -5.0


def privileged(data_dir: Path, tasks: list[Task]) -> Array:
    """What is known of each task beyond its prompt, shape `(n_tasks, n_columns)`."""
    names = [task.task_id for task in tasks]
    local = local_outcomes(data_dir, names)
    llama = llama_outcomes(data_dir, names)
    solution = [[len(task.canonical) - len(task.program_head), task.canonical.count("\n")] for task in tasks]
    columns = [
        local.passed,
        local_statistics(data_dir, names).reshape(len(tasks), -1),
        *(np.where(llama.known, part, _MISSING) for part in (llama.passed, llama.tokens)),
        np.array(solution, dtype=float),
    ]
    return np.hstack(columns)


def expectations(knowledge: Array, targets: Array, seed: int, n_folds: int = 5) -> Array:
    """Out-of-fold expectations of the targets from what is known (`privileged`)."""
    out = np.zeros_like(targets)
    order = np.random.default_rng(seed).permutation(len(knowledge))
    for fold in range(n_folds):
        held = order[fold::n_folds]
        rest = np.setdiff1d(order, held)
        out[held] = _learn(knowledge[rest], targets[rest], knowledge[held])
    return out


def softened(targets: Array, expected: Array, share: float) -> Array:
    """`share` of the expectation and the rest of the label."""
    return (1 - share) * targets + share * expected


def _learn(knowledge: Array, targets: Array, queries: Array) -> Array:
    from sklearn.ensemble import ExtraTreesRegressor

    mean, scale = targets.mean(axis=0), targets.std(axis=0) + 1e-9
    forest = ExtraTreesRegressor(80, min_samples_leaf=4, max_features=0.5, random_state=0)
    forest.fit(knowledge, (targets - mean) / scale)
    learned: Array = forest.predict(queries).reshape(len(queries), -1) * scale + mean
    return learned
